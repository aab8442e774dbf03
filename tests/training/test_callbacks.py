"""Keras callbacks, the library's own and a user's, in our loop."""

import keras
import pytest

from textgen.config import ModelConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.runs.run import Run
from textgen.training import trainer
from textgen.training.checkpoint import load_position

# a cell that compiles in a tenth of the time that an LSTM takes
MODEL = ModelConfig(cell="rnn", units=12, embedding_dim=6, recurrent_dropout=0.0)
CONFIG = TrainConfig(steps=40, batch_size=4, seq_length=16, validations=10)


@pytest.fixture
def train(corpus_path, tmp_path, reporter):
    """Train with callbacks."""

    def start(*callbacks, **settings):
        config = TrainConfig(**{**{n: getattr(CONFIG, n) for n in CONFIG.__struct_fields__}, **settings})
        return trainer.train(Corpus.load(corpus_path), tmp_path / "run", MODEL, config, reporter, callbacks)

    return start


def test_a_callback_is_told_everything_in_order(train):
    told = []

    class Listener(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            told.append(f"epoch {epoch}")

        def on_train_batch_end(self, batch, logs=None):
            assert logs["loss"] > 0
            told.append(batch)

        def on_epoch_end(self, epoch, logs=None):
            assert {"loss", "val_loss", "learning_rate"} <= logs.keys()
            told.append(f"end {epoch}")

        def on_train_end(self, logs=None):
            told.append("over")

    train(Listener(), steps=4, validations=2)
    assert told == ["begin", "epoch 0", 0, 1, "end 0", "epoch 1", 2, 3, "end 1", "over"]


@pytest.mark.thorough
def test_early_stopping_ends_the_training(train):
    end = train(keras.callbacks.EarlyStopping("val_loss", patience=2), learning_rate=0.0)
    assert end.finished and end.step == 12


@pytest.mark.thorough
def test_a_callback_can_stop_at_any_step(train):
    class Impatient(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 6

    assert train(Impatient()).step == 7


@pytest.mark.thorough
def test_tensorboard_writes_its_events(train, tmp_path):
    pytest.importorskip("tensorboard")
    train(keras.callbacks.TensorBoard(tmp_path / "board", histogram_freq=1, write_graph=False))
    assert list((tmp_path / "board").rglob("events.out.tfevents.*"))


@pytest.mark.thorough
def test_checkpoints_come_after_some_steps_where_they_are_asked_for(train, tmp_path):
    found = []

    class Listener(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found.append(load_position(Run(tmp_path / "run")).step)

    train(Listener(), steps=12, validations=1, checkpoint_every="5steps")
    assert found == [0] * 5 + [5] * 5 + [10] * 2


@pytest.mark.thorough
def test_terminate_on_nan_and_csv_logger_work(train, tmp_path):
    train(keras.callbacks.TerminateOnNaN(), keras.callbacks.CSVLogger(tmp_path / "log.csv"))
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 11

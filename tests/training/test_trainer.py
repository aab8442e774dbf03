"""Real, tiny trainings through the Python API: what they write, how they end, how they go on."""

import csv
import hashlib
import json
import signal
import time

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from safetensors import safe_open
from safetensors.numpy import load_file

import textgen
from textgen.config import ModelConfig, PrepareConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources
from textgen.errors import ConfigError, CorpusError, RunError
from textgen.recipe import Reckoning
from textgen.runs.run import Run
from textgen.training import trainer
from textgen.training.distribution import Placement, reporting_lost_workers
from textgen.training.interrupt import Stopped, catching_signals

MODEL = ModelConfig(units=12, embedding_dim=6, dropout=0.3, recurrent_dropout=0.2)
# a cell that compiles in a tenth of the time that an LSTM takes
SIMPLE = ModelConfig(cell="rnn", units=12, embedding_dim=6, dropout=0.3, recurrent_dropout=0.0)
CONFIG = TrainConfig(steps=24, batch_size=16, seq_length=16, validations=6, rng_seed=3)


@pytest.fixture
def corpus(corpus_path):
    return Corpus.load(corpus_path)


def prepared(path, out, **settings) -> Corpus:
    """The prepared corpus of one file."""
    return prepare(find_sources([str(path)], []), out, PrepareConfig(**settings))


def noise(folder) -> Corpus:
    """Letters without any order: all that can be learnt from them is learnt by heart."""
    (folder / "noise.txt").write_text("".join(np.random.default_rng(0).choice(list("abcd"), 800)))
    return prepared(folder / "noise.txt", folder / "noise")


def weights(run, checkpoint="last"):
    return load_file(Run(run).weights_path(checkpoint))


def hashes(run):
    """The SHA-256 of every file of a run that no clock, process or place gets into."""
    files = [*run.glob("checkpoints/*/weights.safetensors"), run / "run.json", run / "vocabulary.json"]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def timeless_history(rows):
    """The rows of a history without what the clock says."""
    clocked = {"seconds", "characters_per_second"}
    return [{name: value for name, value in row.items() if name not in clocked} for row in rows]


def timeless_training(run):
    """What a resume needs, without what the clock says."""
    with safe_open(Run(run).training_path, "numpy") as file:
        position = json.loads(file.metadata()["position"])
    history = timeless_history(position.pop("history"))
    return {name: value for name, value in position.items() if name != "seconds"}, history


def same(left, right):
    return all(np.array_equal(left[name], right[name]) for name in left.keys() | right.keys())


def test_a_run_holds_what_the_design_says(corpus, tmp_path, reporter):
    end = trainer.train(corpus, tmp_path / "run", SIMPLE, CONFIG, reporter)
    names = {str(p.relative_to(tmp_path / "run")) for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert names >= {
        "run.json",
        "vocabulary.json",
        "history.csv",
        "checkpoints/best/weights.safetensors",
        "checkpoints/last/weights.safetensors",
        "checkpoints/last/training.safetensors",
    }
    assert any(name.startswith("events/") for name in names)
    rows = list(csv.DictReader((tmp_path / "run" / "history.csv").open()))
    assert [int(row["step"]) for row in rows] == [4, 8, 12, 16, 20, 24]
    assert end.step == 24 and end.finished
    assert float(rows[-1]["validation_bpc"]) < float(rows[0]["validation_bpc"])
    assert len(reporter.losses) == 24 and len(reporter.rows) == 6


@pytest.mark.thorough
def test_the_same_seed_trains_the_same_bytes_and_another_seed_others(corpus, tmp_path, reporter):
    model = msgspec.structs.replace(MODEL, recurrent_dropout=0.0)
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        config = msgspec.structs.replace(CONFIG, rng_seed=seed, keep=2)
        trainer.train(corpus, tmp_path / name, model, config, reporter)
    a, b, c = (tmp_path / name for name in "abc")
    assert len(hashes(a)) == 6 and hashes(a) == hashes(b)
    histories = [timeless_history(csv.DictReader((run / "history.csv").open())) for run in (a, b)]
    assert histories[0] == histories[1]
    assert same(load_file(Run(a).training_path), load_file(Run(b).training_path))
    assert timeless_training(a) == timeless_training(b)
    assert not same(weights(a), weights(c))


@pytest.mark.thorough
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_stopped_and_resumed_run_ends_with_the_same_bytes(cell, corpus, tmp_path, reporter):
    model = msgspec.structs.replace(MODEL, cell=cell)
    trainer.train(corpus, tmp_path / "whole", model, CONFIG, reporter)

    class Interrupting(type(reporter)):
        def step(self, fraction, loss, row):
            if row.step == 11:
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Stopped, match="--resume") as stopped:
        trainer.train(corpus, tmp_path / "parts", model, CONFIG, Interrupting())
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    trainer.resume(tmp_path / "parts", None, reporter)
    for checkpoint in ("best", "last"):
        assert same(weights(tmp_path / "whole", checkpoint), weights(tmp_path / "parts", checkpoint))
    steps = [
        [row["step"] for row in csv.DictReader((tmp_path / name / "history.csv").open())] for name in ("whole", "parts")
    ]
    assert steps[0] == steps[1]


@pytest.mark.thorough
def test_the_speed_is_doubted_once_after_some_seconds(corpus, tmp_path, reporter):
    class Slow(type(reporter)):
        def step(self, fraction, loss, row):
            time.sleep(1.6 * (row.step < 3))

    asked, slow = [], Slow()
    reckoning = Reckoning(("picked it",), lambda found: asked.append(found) or "slower than reckoned")
    config = TrainConfig(steps=5, batch_size=16, seq_length=16, validations=1)
    trainer.train(corpus, tmp_path / "run", SIMPLE, config, slow, reckoning=reckoning)
    assert slow.notes[0] == "picked it" and slow.notes.count("slower than reckoned") == len(asked) == 1
    assert 0 < asked[0] < 16 * 16 / 0.5


@pytest.mark.thorough
@pytest.mark.parametrize("half", ["second", "first"])
def test_on_a_machine_that_is_slow_for_a_half_the_rate_falls_to_its_end_on_time(half, corpus, tmp_path, reporter):
    class Slow(type(reporter)):
        fractions, rates = [], []

        def step(self, fraction, loss, row):
            self.fractions.append(fraction)
            self.rates.append(row.learning_rate)
            time.sleep(0.1 * ((fraction < 0.5) == (half == "first")))

    slow, config = Slow(), TrainConfig(minutes=0.1, batch_size=16, seq_length=16, warmup=0.1)
    end = trainer.train(corpus, tmp_path / "run", SIMPLE, config, slow)
    falling = slow.rates[slow.rates.index(max(slow.rates)) :]
    assert falling == sorted(falling, reverse=True) and slow.fractions[-1] > 0.8
    assert falling[-1] == end.history[-1].learning_rate == pytest.approx(config.learning_rate * config.final_rate)
    assert end.finished and 4 < end.seconds < 12


def test_a_network_larger_than_the_memory_is_refused_before_it_takes_any(corpus, tmp_path, reporter, monkeypatch):
    monkeypatch.setattr("textgen.training.memory.memory_bytes", lambda: 10**9)
    for model in (ModelConfig(units=16384, num_layers=16), ModelConfig(cell="rnn", units=16384)):
        with pytest.raises(ConfigError, match=r"GB or more, and this machine has 1 GB; give smaller ones"):
            trainer.train(corpus, tmp_path / "run", model, CONFIG, reporter)
    assert not (tmp_path / "run").exists()


def test_a_device_without_memory_left_is_one_line(tmp_path):
    with pytest.raises(RunError, match="ran out of memory"), reporting_lost_workers(Placement("none", 1), tmp_path):
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory while trying to allocate")


def test_a_finished_run_and_another_corpus_are_not_resumed(corpus, run_path, text_file, tmp_path, reporter):
    with pytest.raises(RunError, match=r"has finished.*--steps"):
        trainer.resume(run_path, None, reporter)
    other = prepared(text_file, tmp_path / "other", lowercase=True)
    with pytest.raises(CorpusError, match="not the corpus"):
        trainer.resume(run_path, other.path, reporter)


@pytest.mark.thorough
def test_a_small_text_shrinks_batch_and_window_and_says_so(corpus, tmp_path, reporter):
    config = TrainConfig(steps=2, batch_size=64, seq_length=128)
    trainer.train(corpus, tmp_path / "run", SIMPLE, config, reporter)
    train = Run(tmp_path / "run").load_info().train
    assert (train.batch_size, train.seq_length) == (18, 128)
    assert any("batch size 64 -> 18" in note for note in reporter.notes)


@pytest.mark.thorough
def test_validation_alone_ends_a_run_early_with_patience(corpus, tmp_path, reporter):
    config = TrainConfig(steps=400, batch_size=4, seq_length=16, validations=100, patience=2, learning_rate=0)
    end = trainer.train(corpus, tmp_path / "run", SIMPLE, config, reporter)
    assert end.finished and end.step < 400
    assert any("stopped early" in note for note in reporter.notes)


@pytest.mark.thorough
def test_overfitting_is_noticed_once(tmp_path, reporter):
    corpus = noise(tmp_path)
    config = TrainConfig(steps=300, batch_size=4, seq_length=16, validations=15, learning_rate=0.02)
    trainer.train(corpus, tmp_path / "run", ModelConfig(units=32, dropout=0.0), config, reporter)
    assert len([note for note in reporter.notes if note.startswith("overfitting:")]) == 1


@pytest.mark.thorough
def test_dropout_lowers_the_distance_between_training_and_validation(tmp_path, reporter):
    corpus = noise(tmp_path)
    config = TrainConfig(steps=500, batch_size=4, seq_length=16, validations=2, learning_rate=0.02)
    distance = {}
    for dropout in (0.0, 0.5):
        model = ModelConfig(units=48, dropout=dropout, recurrent_dropout=dropout)
        end = trainer.train(corpus, tmp_path / str(dropout), model, config, reporter)
        distance[dropout] = end.history[-1].validation_bpc - end.history[-1].train_bpc
    assert distance[0.5] < 0.6 * distance[0.0]


def test_a_corpus_without_validation_trains_and_samples(text_file, tmp_path, reporter):
    corpus = prepared(text_file, tmp_path / "c", validation=0)
    end = trainer.train(corpus, tmp_path / "run", SIMPLE, TrainConfig(steps=3), reporter)
    assert end.history[-1].validation_bpc is None
    assert len(textgen.load(tmp_path / "run").generate(length=5)) == 5


@pytest.mark.thorough
def test_an_l2_run_ends_with_smaller_kernels(corpus, tmp_path, reporter):
    sizes = {}
    for l2 in (0.0, 0.01):
        config = msgspec.structs.replace(CONFIG, l2=l2, steps=60)
        trainer.train(corpus, tmp_path / str(l2), SIMPLE, config, reporter)
        sizes[l2] = sum((w**2).sum() for name, w in weights(tmp_path / str(l2)).items() if "kernel" in name)
    assert sizes[0.01] < 0.9 * sizes[0.0]


def test_signals_are_handled_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with catching_signals() as caught:
        signal.raise_signal(signal.SIGTERM)
        assert caught == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before

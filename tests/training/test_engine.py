"""One update of the weights: what stock Keras does, however the batch is cut."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import few

import textgen.training  # noqa: F401  (starts TensorFlow quietly)
from textgen.config import ModelConfig, TrainConfig
from textgen.training.distribution import Placement, parts_for
from textgen.training.engine import Engine, News
from textgen.training.model import assign_weights
from textgen.training.stock import CELLS

BATCH, WINDOW, STEPS = 16, 12, 3
RATE = 0.01


def trained(parts, model_config, config, vocabulary_size, kind="none"):
    """The losses of a few updates and the weights after them."""
    placement = Placement(kind, BATCH)
    placement.parts = parts
    engine = Engine(model_config, config, vocabulary_size, placement)
    losses, states = [], engine.zero_states()
    for step, batch in enumerate(batches(vocabulary_size)):
        carried = np.arange(BATCH) % 3 != step
        loss, states, _ = engine.update(batch, states, carried.astype(np.float32), step, RATE, News(0, 0, 0))
        losses.append(loss)
    return losses, engine.model.get_weights()


def batches(vocabulary_size):
    generator = np.random.default_rng(0)
    return generator.integers(0, vocabulary_size, (STEPS, BATCH, WINDOW + 1)).astype(np.int32)


def assert_same_training(found, expected):
    """Losses and weights are the same but for rounding."""
    (found_losses, found_weights), (losses, weights) = found, expected
    np.testing.assert_allclose(found_losses, losses, rtol=1e-5)
    for mine, theirs in zip(found_weights, weights, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize(("cell", "num_layers"), [("lstm", 1), ("lstm", 2), ("gru", 1)])
def test_parts_on_several_cores_train_what_the_whole_batch_does(cell, num_layers):
    shape = {"cell": cell, "num_layers": num_layers, "units": 9, "embedding_dim": 5}
    model_config = ModelConfig(**shape, dropout=0.3, recurrent_dropout=0.2)
    config = TrainConfig(batch_size=BATCH, seq_length=WINDOW, l2=1e-3, weight_decay=0.05)
    whole = trained(1, model_config, config, 11)
    for parts in (2, 4):
        assert_same_training(trained(parts, model_config, config, 11), whole)


@pytest.mark.thorough
def test_a_mirror_of_one_device_trains_what_the_device_does():
    model_config, config = ModelConfig(units=9, embedding_dim=5), TrainConfig(batch_size=BATCH, seq_length=WINDOW)
    alone = trained(2, model_config, config, 11)
    assert_same_training(trained(2, model_config, config, 11, "mirrored"), alone)


# a batch holds fewer characters than 400, so they are not looked up
@pytest.mark.parametrize(("cell", "vocabulary_size"), few([("lstm", 11), ("lstm", 400), ("gru", 11), ("rnn", 400)]))
def test_updates_are_those_of_stock_keras_layers_and_adam(cell, vocabulary_size):
    stock = keras.Sequential(
        [
            keras.layers.Embedding(vocabulary_size, 5),
            CELLS[cell](9, return_sequences=True),
            keras.layers.Dense(vocabulary_size),
        ]
    )
    stock.build((None, None))
    weights = stock.get_weights()
    optimizer = keras.optimizers.Adam(RATE, beta_2=0.99, global_clipnorm=0.05)
    expected = []
    for batch in batches(vocabulary_size):
        with tf.GradientTape() as tape:
            losses = keras.losses.sparse_categorical_crossentropy(batch[:, 1:], stock(batch[:, :-1]), from_logits=True)
            loss = tf.reduce_mean(losses)
        # dense ones: Keras takes the norm of an embedding's gradient before it adds up equal characters
        gradients = map(tf.convert_to_tensor, tape.gradient(loss, stock.trainable_variables))
        optimizer.apply(list(gradients), stock.trainable_variables)
        expected.append(float(loss))

    engine = Engine(
        ModelConfig(cell=cell, units=9, embedding_dim=5, dropout=0.0),
        TrainConfig(batch_size=BATCH, seq_length=WINDOW, clip_norm=0.05, weight_decay=0.0),
        vocabulary_size,
    )
    assign_weights(engine.model.trainable_variables, weights)
    fresh = np.zeros(BATCH, np.float32)
    found = [
        engine.update(batch, engine.zero_states(), fresh, step, RATE, News(0, 0, 0))[0]
        for step, batch in enumerate(batches(vocabulary_size))
    ]
    assert_same_training((found, engine.model.get_weights()), (expected, stock.get_weights()))


@pytest.mark.parametrize(
    ("streams", "cores", "parts"), [(64, 2, 2), (16, 2, 2), (16, 8, 2), (15, 2, 1), (24, 3, 3), (64, 1, 1), (64, 6, 4)]
)
def test_parts_are_equal_and_not_too_small(streams, cores, parts):
    assert parts_for(streams, cores) == parts

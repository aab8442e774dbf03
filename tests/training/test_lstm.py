"""Our LSTM against Keras's own: the same numbers, forwards and backwards."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import textgen.training  # noqa: F401  (starts TensorFlow quietly)
from textgen.training.lstm import LSTM, recurrence

SIZES = [(3, 5, 4, 7), (1, 1, 3, 2), (2, 1, 5, 5), (1, 9, 1, 1), (4, 33, 17, 13)]


def twins(inputs_dim, units, dtype):
    """A stock layer that returns its states, and ours, with the same random weights."""
    stock = keras.layers.LSTM(units, return_sequences=True, return_state=True, dtype=dtype)
    ours = LSTM(units, return_sequences=True, dtype=dtype)
    stock.build((None, None, inputs_dim))
    ours.build((None, None, inputs_dim))
    generator = np.random.default_rng(0)
    weights = [generator.normal(size=w.shape) for w in stock.get_weights()]
    stock.set_weights(weights)
    ours.set_weights(weights)
    return stock, ours


def kernel_of(layer):
    return tf.convert_to_tensor(layer.cell.recurrent_kernel)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("look_up", [False, True])
@pytest.mark.parametrize(("batch", "steps", "inputs_dim", "units"), SIZES)
def test_outputs_states_and_gradients_are_those_of_the_stock_layer(batch, steps, inputs_dim, units, look_up, compiled):
    stock, ours = twins(inputs_dim, units, "float64")
    generator = np.random.default_rng(1)
    embeddings = tf.constant(generator.normal(size=(6, inputs_dim)))
    ids = tf.constant(generator.integers(0, 6, (batch, steps)))
    states = [tf.constant(generator.normal(size=(batch, units))) for _ in range(2)]
    outer = tf.constant(generator.normal(size=(batch, steps, units)))

    def results(layer, run):
        with tf.GradientTape() as tape:
            tape.watch([embeddings, *states])
            outputs, last_hidden, last_cell = run()
            loss = tf.reduce_sum(outputs * outer) + tf.reduce_sum(last_cell**2) + tf.reduce_sum(last_hidden)
        watched = [*layer.trainable_variables, embeddings, *states]
        gradients = tape.gradient(loss, watched)
        return [outputs, last_hidden, last_cell, *map(tf.convert_to_tensor, gradients)]

    def stock_run():
        return stock(tf.gather(embeddings, ids), initial_state=states)

    def our_run():
        if look_up:
            outputs, (hidden, cell) = ours.run_ids(tf.transpose(ids), embeddings, tuple(states), kernel_of(ours))
        else:
            inputs = tf.gather(embeddings, tf.transpose(ids))
            outputs, (hidden, cell) = ours.run(inputs, tuple(states), kernel_of(ours))
        return tf.transpose(outputs, (1, 0, 2)), hidden, cell

    expected = results(stock, stock_run)
    found = tf.function(lambda: results(ours, our_run), jit_compile=compiled)()
    for theirs, mine in zip(expected, found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11)


def test_a_state_carried_over_two_halves_is_one_whole():
    _, ours = twins(3, 6, "float64")
    inputs = tf.constant(np.random.default_rng(2).normal(size=(10, 2, 3)))
    zero = (tf.zeros((2, 6), tf.float64),) * 2
    whole, last = ours.run(inputs, zero, kernel_of(ours))
    first, middle = ours.run(inputs[:4], zero, kernel_of(ours))
    second, end = ours.run(inputs[4:], middle, kernel_of(ours))
    np.testing.assert_allclose(tf.concat([first, second], 0), whole, rtol=1e-12)
    np.testing.assert_allclose(end[1], last[1], rtol=1e-12)


def test_gradient_agrees_with_finite_differences():
    generator = np.random.default_rng(3)
    shapes = [(4, 2, 12), (3, 12), (2, 3), (2, 3)]
    values = [tf.constant(generator.normal(size=shape)) for shape in shapes]
    theoretical, numerical = tf.test.compute_gradient(lambda *v: recurrence(*v)[0], values)
    for exact, estimate in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(exact, estimate, atol=1e-6)

"""Our recurrent layers against Keras's own: the same numbers, forwards and backwards."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import few

import textgen.training  # noqa: F401  (starts TensorFlow quietly)
from textgen.training.cells import CELLS
from textgen.training.recurrence import recurrence

STOCK = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}
SIZES = [(3, 5, 4, 7), (1, 1, 3, 2), (2, 1, 5, 5), (1, 9, 1, 1), (4, 33, 17, 13)]
each_cell = pytest.mark.parametrize("cell", list(CELLS))


def twins(cell, inputs_dim, units, dtype, scale=1.0):
    """A stock layer that returns its states, and ours, with the same random weights."""
    stock = STOCK[cell](units, return_sequences=True, return_state=True, dtype=dtype)
    ours = CELLS[cell](units, return_sequences=True, dtype=dtype)
    stock.build((None, None, inputs_dim))
    ours.build((None, None, inputs_dim))
    generator = np.random.default_rng(0)
    weights = [scale * generator.normal(size=w.shape) for w in stock.get_weights()]
    stock.set_weights(weights)
    ours.set_weights(weights)
    return stock, ours


def kernel_of(layer):
    return tf.convert_to_tensor(layer.cell.recurrent_kernel)


def both_results(stock, ours, sizes, look_up=False, compiled=False):
    """Outputs (B, T, H), last states and the gradients of weights, embeddings and first states: theirs and ours."""
    batch, steps, inputs_dim, units = sizes
    generator = np.random.default_rng(1)
    dtype = ours.variable_dtype
    embeddings = tf.constant(generator.normal(size=(6, inputs_dim)), dtype)
    ids = tf.constant(generator.integers(0, 6, (batch, steps)))
    states = tuple(tf.constant(generator.normal(size=(batch, units)), dtype) for _ in range(ours.step.states))
    outer = tf.constant(generator.normal(size=(batch, steps, units)), dtype)

    def results(layer, run):
        with tf.GradientTape() as tape:
            tape.watch([embeddings, *states])
            outputs, *last = (tf.cast(value, dtype) for value in run())
            loss = tf.reduce_sum(outputs * outer) + sum(tf.reduce_sum(value**2) for value in last)
        gradients = tape.gradient(loss, [*layer.trainable_variables, embeddings, *states])
        return [outputs, *last, *map(tf.convert_to_tensor, gradients)]

    def stock_run():
        inputs = tf.cast(tf.gather(embeddings, ids), stock.compute_dtype)
        return stock(inputs, initial_state=[tf.cast(state, stock.compute_dtype) for state in states])

    def our_run():
        if look_up:
            outputs, last = ours.run_ids(tf.transpose(ids), embeddings, states, kernel_of(ours))
        else:
            outputs, last = ours.run(tf.gather(embeddings, tf.transpose(ids)), states, kernel_of(ours))
        return tf.transpose(outputs, (1, 0, 2)), *last

    found = tf.function(lambda: results(ours, our_run), jit_compile=compiled)()
    return results(stock, stock_run), found


@pytest.mark.parametrize("compiled", few([False, True]))
@pytest.mark.parametrize("look_up", [False, True])
@pytest.mark.parametrize("sizes", few((sizes,) for sizes in SIZES), ids=str)
@each_cell
def test_outputs_states_and_gradients_are_those_of_the_stock_layer(cell, sizes, look_up, compiled):
    stock, ours = twins(cell, *sizes[2:], "float64")
    expected, found = both_results(stock, ours, sizes, look_up, compiled)
    assert len(found) == len(expected)
    for theirs, mine in zip(expected, found, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("dtype", "tolerance"), few([("float32", 2e-5), ("mixed_bfloat16", 0.1)]))
@pytest.mark.parametrize("cell", few(CELLS))
def test_the_precisions_of_training_are_as_near_to_the_stock_layer_as_they_can_be(cell, dtype, tolerance):
    sizes = (4, 33, 17, 13)
    _, ours = twins(cell, *sizes[2:], dtype, 0.3)
    stock, _ = twins(cell, *sizes[2:], "float32", 0.3)
    for theirs, mine in zip(*both_results(stock, ours, sizes, compiled=True), strict=True):
        assert mine.dtype == tf.float32
        assert np.abs(mine - theirs).max() < tolerance * max(1, np.abs(theirs).max())


@each_cell
def test_a_state_carried_over_two_halves_is_one_whole(cell):
    _, ours = twins(cell, 3, 6, "float64")
    inputs = tf.constant(np.random.default_rng(2).normal(size=(10, 2, 3)))
    zero = (tf.zeros((2, 6), tf.float64),) * ours.step.states
    whole, last = ours.run(inputs, zero, kernel_of(ours))
    first, middle = ours.run(inputs[:4], zero, kernel_of(ours))
    second, end = ours.run(inputs[4:], middle, kernel_of(ours))
    np.testing.assert_allclose(tf.concat([first, second], 0), whole, rtol=1e-12)
    np.testing.assert_allclose(end, last, rtol=1e-12)


@pytest.mark.thorough
@each_cell
def test_gradient_agrees_with_finite_differences(cell):
    step = CELLS[cell].step
    generator = np.random.default_rng(3)
    columns = 3 * step.gates
    weights = [(3, columns)] if step.adds else [(3, columns), (columns,)]
    shapes = [(4, 2, columns), *weights, *[(2, 3)] * step.states]
    values = [tf.constant(generator.normal(size=shape)) for shape in shapes]

    def hiddens(projected, *tensors):
        return recurrence(step, projected, tensors[: len(weights)], tensors[len(weights) :])[0]

    theoretical, numerical = tf.test.compute_gradient(hiddens, values)
    for exact, estimate in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(exact, estimate, rtol=3e-5, atol=1e-6)


@pytest.mark.parametrize("cell", few(CELLS))
def test_a_dropped_recurrent_weight_is_one_that_is_zero(cell):
    _, ours = twins(cell, 3, 6, "float64")
    _, zeroed = twins(cell, 3, 6, "float64")
    inputs = tf.constant(np.random.default_rng(4).normal(size=(5, 2, 3)))
    zero = (tf.zeros((2, 6), tf.float64),) * ours.step.states
    mask = np.random.default_rng(5).random(kernel_of(ours).shape) < 0.5
    zeroed.cell.recurrent_kernel.assign(kernel_of(ours) * mask)
    with tf.GradientTape() as tape:
        outputs, _ = ours.run(inputs, zero, kernel_of(ours) * mask)
    np.testing.assert_allclose(outputs, zeroed.run(inputs, zero, kernel_of(zeroed))[0], rtol=1e-12)
    gradient = tape.gradient(outputs, ours.cell.recurrent_kernel).numpy()
    assert (gradient[~mask] == 0).all() and (gradient[mask] != 0).all()


@each_cell
def test_a_layer_saved_by_keras_comes_back(cell, tmp_path):
    model = keras.Sequential([keras.Input((4, 3)), CELLS[cell](5, return_sequences=True)])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = np.random.default_rng(6).normal(size=(2, 4, 3)).astype("float32")
    assert type(again.layers[0]) is CELLS[cell]
    np.testing.assert_array_equal(again(inputs), model(inputs))

"""An LSTM layer that trains fast on a CPU and keeps the weights of `keras.layers.LSTM`.

Keras's own layer multiplies every input by the kernel inside its time loop and lets automatic
differentiation add up the kernels' gradients step by step. Here the input projection is one product for
all time steps, and the gradient is written out by hand (backpropagation through time: Hochreiter and
Schmidhuber 1997; the forget gate: Gers, Schmidhuber and Cummins 2000), so that the loop holds a single
recurrent product and each kernel's gradient is one product over all time steps.

All sequences are time-major here, (T, B, ...), because the loop reads one time step at a time. Gates are in
Keras's order: input, forget, cell, output.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

Pair = tuple[tf.Tensor, tf.Tensor]
Differentiable = tuple[Pair, Callable[..., tuple[tf.Tensor | None, ...]]]
"""Results, and the function from their gradients to those of the arguments: what `tf.custom_gradient` wants."""
InputAt = Callable[[tf.Tensor], tf.Tensor]
"""The projected inputs of a time step, (B, 4H)."""


@keras.saving.register_keras_serializable(package="textgen")
class LSTM(keras.layers.LSTM):
    """`keras.layers.LSTM` with default activations, and faster ways through a sequence for the training loop.

    The constructor, the weights and their names are those of `keras.layers.LSTM`: `set_weights` of the
    one takes `get_weights` of the other.
    """

    def run(self, inputs: tf.Tensor, state: Pair, recurrent_kernel: tf.Tensor) -> tuple[tf.Tensor, Pair]:
        """Run over a sequence from an explicit state.

        Args:
            inputs: (T, B, D) of the layer's dtype.
            state: hidden and cell before the first step, (B, H) each.
            recurrent_kernel: the layer's, or what dropout has left of it.

        Returns:
            The outputs, (T, B, H), and the state after the last step.
        """
        dtype = self.compute_dtype
        projected = tf.tensordot(tf.cast(inputs, dtype), tf.cast(self.cell.kernel, dtype), 1)
        projected = tf.cast(projected, self.variable_dtype) + self.cell.bias
        outputs, cell = recurrence(projected, tf.cast(recurrent_kernel, dtype), *state)
        return outputs, (outputs[-1], cell)

    def run_ids(
        self, ids: tf.Tensor, embeddings: tf.Tensor, state: Pair, recurrent_kernel: tf.Tensor
    ) -> tuple[tf.Tensor, Pair]:
        """`run` over embedded characters, each of them projected once: cheaper while V < B * T.

        Args:
            ids: (T, B) integers.
            embeddings: (V, D).
            state, recurrent_kernel: as in `run`.
        """
        table = tf.matmul(embeddings, self.cell.kernel) + self.cell.bias
        outputs, cell = recurrence_of_ids(table, tf.cast(recurrent_kernel, self.compute_dtype), *state, ids)
        return outputs, (outputs[-1], cell)


@tf.custom_gradient
def recurrence(projected: tf.Tensor, recurrent_kernel: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor) -> Differentiable:
    """All steps of the recurrence, with its gradient.

    Args:
        projected: (T, B, 4H), the inputs times the kernel, bias added.
        recurrent_kernel: (H, 4H).
        hidden, cell: (B, H), the state before the first step.

    Returns:
        The hidden states after every step, (T, B, H), and the last cell state, (B, H).
    """
    steps = projected.shape[0] or tf.shape(projected)[0]
    results, gradient = _recurrence(lambda t: projected[t], steps, recurrent_kernel, hidden, cell)
    return results, gradient


@tf.custom_gradient
def recurrence_of_ids(
    table: tf.Tensor, recurrent_kernel: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, ids: tf.Tensor
) -> Differentiable:
    """`recurrence` with the projected inputs looked up: row ids[t, b] of a table (V, 4H)."""
    steps = ids.shape[0] or tf.shape(ids)[0]
    results, gradient = _recurrence(lambda t: tf.gather(table, ids[t]), steps, recurrent_kernel, hidden, cell)

    def table_gradient(*d_results: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
        d_projected, *others = gradient(*d_results)
        return tf.math.unsorted_segment_sum(d_projected, ids, table.shape[0]), *others, None

    return results, table_gradient


def _recurrence(
    input_at: InputAt, steps: int | tf.Tensor, recurrent_kernel: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor
) -> Differentiable:
    """The results of `recurrence`, and the function from their gradients to those of its arguments."""
    gates, hiddens, cells = _forward(input_at, steps, recurrent_kernel, hidden, cell)

    def gradient(d_hiddens: tf.Tensor, d_cell: tf.Tensor) -> tuple[tf.Tensor, ...]:
        before_hidden = tf.concat([hidden[None], hiddens[:-1]], 0)
        before_cell = tf.concat([cell[None], cells[:-1]], 0)
        d_inputs, d_hidden, d_cell = _backward(gates, before_cell, cells, recurrent_kernel, d_hiddens, d_cell)
        dtype = recurrent_kernel.dtype
        d_kernel = tf.tensordot(tf.cast(before_hidden, dtype), tf.cast(d_inputs, dtype), [[0, 1], [0, 1]])
        return d_inputs, d_kernel, d_hidden, d_cell

    return (hiddens, cells[-1]), gradient


def product(values: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A matrix product in the precision of the kernel, given back in that of the values."""
    return tf.cast(tf.cast(values, kernel.dtype) @ kernel, values.dtype)


def _forward(
    input_at: InputAt, steps: int | tf.Tensor, recurrent_kernel: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor
) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
    """The four activated gates and the states after every step, (T, B, H) each.

    Gates are kept apart, for XLA does not vectorise a loop over several slices of one array's time step.
    """
    dtype, batch, units = hidden.dtype, hidden.shape[0], recurrent_kernel.shape[0]
    # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one function for all gates is one vectorised loop
    scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], dtype.as_numpy_dtype), units)
    shift = np.repeat(np.array([0.5, 0.5, 0, 0.5], dtype.as_numpy_dtype), units)

    def step(t: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor, *arrays: tf.TensorArray) -> tuple[tf.Tensor, ...]:
        activated = tf.tanh((input_at(t) + product(hidden, recurrent_kernel)) * scale) * scale + shift
        i, f, g, o = gates = tf.split(activated, 4, -1)
        cell = f * cell + i * g
        hidden = o * tf.tanh(cell)
        values = (*gates, hidden, cell)
        return t + 1, hidden, cell, *(array.write(t, value) for array, value in zip(arrays, values, strict=True))

    arrays = [tf.TensorArray(dtype, steps, element_shape=(batch, units)) for _ in range(6)]
    _, _, _, *arrays = tf.while_loop(
        lambda t, *_: t < steps, step, (0, hidden, cell, *arrays), maximum_iterations=steps
    )
    *gates, hiddens, cells = (array.stack() for array in arrays)
    return gates, hiddens, cells


def _backward(
    gates: list[tf.Tensor],
    before_cell: tf.Tensor,
    cells: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    d_hiddens: tf.Tensor,
    d_cell: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The gradients of the inputs (T, B, 4H) and of the first states (B, H)."""
    steps = cells.shape[0] or tf.shape(cells)[0]
    transposed = tf.transpose(recurrent_kernel)

    def step(t: tf.Tensor, d_hidden: tf.Tensor, d_cell: tf.Tensor, d_inputs: tf.TensorArray) -> tuple[tf.Tensor, ...]:
        i, f, g, o = (gate[t] for gate in gates)
        squashed = tf.tanh(cells[t])
        d_hidden = d_hidden + d_hiddens[t]
        d_cell = d_cell + d_hidden * o * (1 - squashed * squashed)
        d_gates = [
            d_cell * g * i * (1 - i),
            d_cell * before_cell[t] * f * (1 - f),
            d_cell * i * (1 - g * g),
            d_hidden * squashed * o * (1 - o),
        ]
        d_step = tf.concat(d_gates, -1)
        return t - 1, product(d_step, transposed), d_cell * f, d_inputs.write(t, d_step)

    batch, units = cells.shape[1:]
    d_inputs = tf.TensorArray(cells.dtype, steps, element_shape=(batch, 4 * units))
    _, d_hidden, d_cell, d_inputs = tf.while_loop(
        lambda t, *_: t >= 0,
        step,
        (steps - 1, tf.zeros_like(d_cell), d_cell, d_inputs),
        maximum_iterations=steps,
    )
    return d_inputs.stack(), d_hidden, d_cell

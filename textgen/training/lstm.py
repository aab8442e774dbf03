"""An LSTM layer that trains fast on a CPU and keeps the weights of `keras.layers.LSTM`.

Keras's own layer multiplies every input by the kernel inside its time loop and lets automatic
differentiation add up the kernels' gradients step by step. Here the input projection is one product for
all time steps, and the gradient is written out by hand (backpropagation through time: Hochreiter and
Schmidhuber 1997; the forget gate: Gers, Schmidhuber and Cummins 2000), so that the loop holds a single
recurrent product and each kernel's gradient is one product over all time steps.

Inside this module sequences are time-major, (T, B, ...), because the loop reads one time step at a time.
Gates are in Keras's order: input, forget, cell, output.
"""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="textgen")
class LSTM(keras.layers.LSTM):
    """`keras.layers.LSTM` with default activations, and a faster `unroll_state` for the training loop.

    The constructor, the weights and their names are those of `keras.layers.LSTM`: `set_weights` of the
    one takes `get_weights` of the other.
    """

    def unroll_state(
        self, inputs: tf.Tensor, states: tuple[tf.Tensor, tf.Tensor]
    ) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
        """Run over a sequence from an explicit state.

        Args:
            inputs: (B, T, D) of the layer's dtype.
            states: the hidden and the cell state before the first step, (B, H) each.

        Returns:
            The outputs, (B, T, H), and the states after the last step.
        """
        cell = self.cell
        time_major = tf.transpose(inputs, (1, 0, 2))
        projected = tf.tensordot(time_major, tf.convert_to_tensor(cell.kernel), 1) + cell.bias
        hidden, cells = recurrence(projected, tf.convert_to_tensor(cell.recurrent_kernel), *states)
        return tf.transpose(hidden, (1, 0, 2)), (hidden[-1], cells[-1])


@tf.custom_gradient
def recurrence(
    projected: tf.Tensor, recurrent_kernel: tf.Tensor, hidden: tf.Tensor, cell: tf.Tensor
) -> tuple:
    """All steps of the recurrence, with its gradient.

    Args:
        projected: (T, B, 4H), the inputs times the kernel, bias added.
        recurrent_kernel: (H, 4H).
        hidden, cell: (B, H), the state before the first step.

    Returns:
        The hidden and the cell states after every step, (T, B, H) each.
    """
    gates, hiddens, cells = _forward(projected, recurrent_kernel, hidden, cell)

    def gradient(d_hiddens: tf.Tensor, d_cells: tf.Tensor) -> tuple:
        before_hidden = tf.concat([hidden[None], hiddens[:-1]], 0)
        before_cell = tf.concat([cell[None], cells[:-1]], 0)
        d_projected, d_hidden, d_cell = _backward(
            gates, before_cell, cells, recurrent_kernel, d_hiddens, d_cells
        )
        d_kernel = tf.tensordot(before_hidden, d_projected, [[0, 1], [0, 1]])
        return d_projected, d_kernel, d_hidden, d_cell

    return (hiddens, cells), gradient


def _forward(projected, recurrent_kernel, hidden, cell):
    """The activated gates (T, B, 4H) and the states after every step (T, B, H)."""
    steps = projected.shape[0] or tf.shape(projected)[0]
    dtype = projected.dtype

    def array(width):
        return tf.TensorArray(dtype, steps, element_shape=(projected.shape[1], width))

    units = recurrent_kernel.shape[0]

    def step(t, hidden, cell, gates, hiddens, cells):
        i, f, g, o = tf.split(projected[t] + hidden @ recurrent_kernel, 4, -1)
        i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
        cell = f * cell + i * g
        hidden = o * tf.tanh(cell)
        gates = gates.write(t, tf.concat([i, f, g, o], -1))
        return t + 1, hidden, cell, gates, hiddens.write(t, hidden), cells.write(t, cell)

    *_, gates, hiddens, cells = tf.while_loop(
        lambda t, *_: t < steps,
        step,
        (0, hidden, cell, array(4 * units), array(units), array(units)),
        maximum_iterations=steps,
    )
    return gates.stack(), hiddens.stack(), cells.stack()


def _backward(gates, before_cell, cells, recurrent_kernel, d_hiddens, d_cells):
    """The gradients of the projected inputs (T, B, 4H) and of the first states (B, H).

    Everything that does not depend on the gradient is worked out for all steps before the loop.
    """
    steps = gates.shape[0] or tf.shape(gates)[0]
    i, f, g, o = tf.split(gates, 4, -1)
    squashed = tf.tanh(cells)
    through_output = o * (1 - squashed * squashed)
    cell_factors = tf.concat([g * i * (1 - i), before_cell * f * (1 - f), i * (1 - g * g)], -1)
    output_factor = squashed * o * (1 - o)
    transposed = tf.transpose(recurrent_kernel)

    def step(t, d_hidden, d_cell, d_projected):
        d_hidden = d_hidden + d_hiddens[t]
        d_cell = d_cell + d_cells[t] + d_hidden * through_output[t]
        d_gates = tf.concat([tf.tile(d_cell, (1, 3)) * cell_factors[t], d_hidden * output_factor[t]], -1)
        return t - 1, d_gates @ transposed, d_cell * f[t], d_projected.write(t, d_gates)

    zeros = tf.zeros_like(before_cell[0])
    d_projected = tf.TensorArray(gates.dtype, steps, element_shape=gates.shape[1:])
    _, d_hidden, d_cell, d_projected = tf.while_loop(
        lambda t, *_: t >= 0,
        step,
        (steps - 1, zeros, zeros, d_projected),
        maximum_iterations=steps,
    )
    return d_projected.stack(), d_hidden, d_cell

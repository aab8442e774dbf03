"""The kinds of recurrent layers: Keras's weights, and the arithmetic of one time step with its gradient.

Gates stand in Keras's order: input, forget, cell, output in an LSTM; update, reset, new in a GRU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from textgen.training.recurrence import Factors, State, Step, recurrence, recurrence_of_ids


class LSTMStep:
    """Hochreiter and Schmidhuber 1997; the forget gate: Gers, Schmidhuber and Cummins 2000."""

    gates = 4
    states = 2
    kept = 4
    adds = True

    def forward(self, inputs: tf.Tensor, product: tf.Tensor, before: State) -> tuple[tuple[tf.Tensor, ...], State]:
        """Keeps the four activated gates; the state is hidden and cell."""
        # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one function for all gates is one vectorised loop
        dtype, units = before[0].dtype.as_numpy_dtype, before[0].shape[-1]
        scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], dtype), units)
        shift = np.repeat(np.array([0.5, 0.5, 0, 0.5], dtype), units)
        i, f, g, o = gates = tf.split(tf.tanh((inputs + product) * scale) * scale + shift, 4, -1)
        cell = f * before[1] + i * g
        return tuple(gates), (o * tf.tanh(cell), cell)

    def backward(self, kept: Sequence[tf.Tensor], before: State, after: State, d_after: State) -> Factors:
        """As `Step` has it."""
        i, f, g, o = kept
        d_hidden, d_cell = d_after
        squashed = tf.tanh(after[1])
        d_cell = d_cell + d_hidden * o * (1 - squashed * squashed)
        d_gates = [
            d_cell * g * i * (1 - i),
            d_cell * before[1] * f * (1 - f),
            d_cell * i * (1 - g * g),
            d_hidden * squashed * o * (1 - o),
        ]
        return Factors(d_gates, d_gates, (None, d_cell * f))


class GRUStep:
    """Cho et al. 2014, with the reset gate after the product, as cuDNN and Keras have it."""

    gates = 3
    states = 1
    kept = 4
    adds = False

    def forward(self, inputs: tf.Tensor, product: tf.Tensor, before: State) -> tuple[tuple[tf.Tensor, ...], State]:
        """Keeps the three activated gates, and the part of the product that the reset gate multiplies."""
        units = before[0].shape[-1]
        sigmoids = tf.tanh((inputs[:, : 2 * units] + product[:, : 2 * units]) * 0.5) * 0.5 + 0.5
        update, reset = tf.split(sigmoids, 2, -1)
        recalled = product[:, 2 * units :]
        new = tf.tanh(inputs[:, 2 * units :] + reset * recalled)
        return (update, reset, new, recalled), (new + update * (before[0] - new),)

    def backward(self, kept: Sequence[tf.Tensor], before: State, after: State, d_after: State) -> Factors:
        """As `Step` has it."""
        update, reset, new, recalled = kept
        (d_hidden,) = d_after
        d_new = d_hidden * (1 - update) * (1 - new * new)
        d_update = d_hidden * (before[0] - new) * update * (1 - update)
        d_reset = d_new * recalled * reset * (1 - reset)
        return Factors([d_update, d_reset, d_new], [d_update, d_reset, d_new * reset], (d_hidden * update,))


class SimpleRNNStep:
    """Elman 1990: the hidden state is a tanh."""

    gates = 1
    states = 1
    kept = 0
    adds = True

    def forward(self, inputs: tf.Tensor, product: tf.Tensor, before: State) -> tuple[tuple[tf.Tensor, ...], State]:
        """Keeps nothing: the state is all that the way back needs."""
        return (), (tf.tanh(inputs + product),)

    def backward(self, kept: Sequence[tf.Tensor], before: State, after: State, d_after: State) -> Factors:
        """As `Step` has it."""
        d_gates = [d_after[0] * (1 - after[0] * after[0])]
        return Factors(d_gates, d_gates, (None,))


class OwnLoop(keras.layers.RNN):
    """What makes a layer of Keras, with default activations, run faster for the training loop.

    The constructor, the weights and their names stay Keras's: `set_weights` of the one layer takes `get_weights` of
    the other.
    """

    step: ClassVar[Step]

    def run(self, inputs: tf.Tensor, state: State, recurrent_kernel: tf.Tensor) -> tuple[tf.Tensor, State]:
        """Run over a sequence from an explicit state.

        Args:
            inputs: (T, B, D) of the layer's dtype.
            state: before the first step, (B, H) each: hidden, and for an LSTM cell.
            recurrent_kernel: the layer's, or what dropout has left of it.

        Returns:
            The outputs, (T, B, H), and the state after the last step.
        """
        dtype = self.compute_dtype
        bias, *recurrent_biases = self._biases()
        projected = tf.tensordot(tf.cast(inputs, dtype), tf.cast(self.cell.kernel, dtype), 1)
        projected = tf.cast(projected, self.variable_dtype) + bias
        weights = (tf.cast(recurrent_kernel, dtype), *recurrent_biases)
        outputs, *others = recurrence(self.step, projected, weights, state)
        return outputs, (outputs[-1], *others)

    def run_ids(
        self, ids: tf.Tensor, embeddings: tf.Tensor, state: State, recurrent_kernel: tf.Tensor
    ) -> tuple[tf.Tensor, State]:
        """`run` over embedded characters, each of them projected once: cheaper while V < B * T.

        Args:
            ids: (T, B) integers.
            embeddings: (V, D).
            state, recurrent_kernel: as in `run`.
        """
        bias, *recurrent_biases = self._biases()
        table = tf.matmul(embeddings, self.cell.kernel) + bias
        weights = (tf.cast(recurrent_kernel, self.compute_dtype), *recurrent_biases)
        outputs, *others = recurrence_of_ids(self.step, table, ids, weights, state)
        return outputs, (outputs[-1], *others)

    def _biases(self) -> list[tf.Tensor]:
        """That of the inputs, and for a GRU that of the recurrent product."""
        bias = tf.convert_to_tensor(self.cell.bias)
        return tf.unstack(bias) if bias.shape.rank > 1 else [bias]


@keras.saving.register_keras_serializable(package="textgen")
class LSTM(OwnLoop, keras.layers.LSTM):
    """`keras.layers.LSTM`, faster."""

    step = LSTMStep()


@keras.saving.register_keras_serializable(package="textgen")
class GRU(OwnLoop, keras.layers.GRU):
    """`keras.layers.GRU`, faster."""

    step = GRUStep()


@keras.saving.register_keras_serializable(package="textgen")
class SimpleRNN(OwnLoop, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN`, faster."""

    step = SimpleRNNStep()


CELLS = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN}

"""What a step of training leaves out."""

from __future__ import annotations

import tensorflow as tf

LAYERS = 16
"""The most recurrent layers that a network has."""


class Dropout:
    """The dropout of one step: a function of the seed, the step and the place alone.

    A resumed run therefore repeats it, and replicas that share a batch leave out what one device would.

    Args:
        rng_seed: seed of the random generator.
        step: the number of the step, an int64 tensor.
        batch_size: B, the streams of all replicas together.
        first: the first stream of this replica.
        recurrent_rate: the fraction of each layer's recurrent weights.
    """

    def __init__(
        self, rng_seed: int, step: tf.Tensor, batch_size: int, first: tf.Tensor, recurrent_rate: float
    ) -> None:
        self.first_seed = rng_seed % 2**31 * 2 * LAYERS
        self.step = step
        self.batch_size = batch_size
        self.first = first
        self.recurrent_rate = recurrent_rate

    def outputs(self, values: tf.Tensor, layer: int, rate: float) -> tf.Tensor:
        """Outputs (T, b, H) of a layer, some units of each stream left out in the whole window (Gal and Ghahramani
        2016)."""
        shape = (self.batch_size, values.shape[2])
        mask = self._drop(tf.ones(shape, values.dtype), 2 * layer, rate)
        return values * mask[self.first : self.first + values.shape[1]]

    def kernel(self, kernel: tf.Tensor, layer: int) -> tf.Tensor:
        """A recurrent kernel with some weights left out (DropConnect; Merity, Keskar and Socher 2018)."""
        return self._drop(kernel, 2 * layer + 1, self.recurrent_rate) if self.recurrent_rate else kernel

    def _drop(self, values: tf.Tensor, place: int, rate: float) -> tf.Tensor:
        seed = tf.stack([tf.constant(self.first_seed + place, tf.int64), self.step])
        return tf.nn.experimental.stateless_dropout(values, rate, seed, rng_alg="philox")

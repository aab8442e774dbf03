"""The compiled steps: one update of the weights, and the loss of a window."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import tensorflow as tf

from textgen.config import ModelConfig, TrainConfig
from textgen.data.evaluation import evaluation_windows
from textgen.training.model import (
    States,
    assign_weights,
    build_model,
    kernels,
    unroll,
    zero_states,
)


class Engine:
    """A model, its averaged twin and its optimizer, with the functions that step them.

    Args:
        model_config, config: the settings.
        vocabulary_size: V.
    """

    def __init__(self, model_config: ModelConfig, config: TrainConfig, vocabulary_size: int) -> None:
        keras.utils.set_random_seed(config.rng_seed % 2**32)
        self.config = config
        self.recurrent_dropout = model_config.recurrent_dropout
        self.model = build_model(model_config, vocabulary_size)
        self.average = build_model(model_config, vocabulary_size)
        assign_weights(self.average.trainable_variables, self.model.trainable_variables)
        self.optimizer = keras.optimizers.Adam(beta_2=0.99, weight_decay=config.weight_decay or None)
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "embeddings"])
        self.optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer=self.optimizer)  # for callbacks, which look there for it
        # XLA fuses our LSTM's gates; it makes Keras's own recurrent layers slower
        compiled = model_config.cell == "lstm"
        self._update = tf.function(self._update_eagerly, jit_compile=compiled)
        self._window_loss = tf.function(self._window_loss_eagerly, jit_compile=compiled)

    def zero_states(self, batch_size: int) -> States:
        """The state before any character."""
        return zero_states(self.model, batch_size)

    def is_finite(self) -> bool:
        """Whether all weights, and their averages, are finite numbers."""
        weights = (*self.model.trainable_variables, *self.average.trainable_variables)
        return all(np.isfinite(weight.numpy()).all() for weight in weights)

    def update(
        self,
        batch: np.ndarray,
        states: States,
        carried: np.ndarray,
        step: int,
        learning_rate: float,
    ) -> tuple[float, States]:
        """One step of training.

        Args:
            batch: (B, T + 1) int32, from `Streams.batch`.
            states: the state after the batch before.
            carried: (B,) float32, 0 for the streams whose state starts anew.
            step: the number of the step, from 0. With the seed it fixes what dropout drops.
            learning_rate: for this step.

        Returns:
            The loss in nats per character before the update, without penalties; the state after the batch.
        """
        loss, states = self._update(
            tf.constant(batch),
            states,
            tf.constant(carried),
            tf.constant(step, tf.int64),
            tf.constant(learning_rate, tf.float32),
        )
        return float(loss), states

    def validate(self, ids: np.ndarray, line_end: int) -> float:
        """The loss of the averaged weights on a whole text, in nats per character."""
        states, total = None, 0.0
        for inputs, targets, weights in evaluation_windows(ids, line_end):
            states = states or self.zero_states(len(inputs))
            loss, states = self._window_loss(tf.constant(inputs), tf.constant(targets), tf.constant(weights), states)
            total += float(loss)
        return total / len(ids)

    def _update_eagerly(self, batch, states, carried, step, learning_rate):
        self._seed_dropout(step)
        states = tf.nest.map_structure(lambda state: state * carried[:, None], states)
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            drop_weights = partial(self._drop_weights, step)
            logits, states = unroll(self.model, tf.transpose(batch[:, :-1]), states, True, drop_weights)
            loss = tf.reduce_mean(cross_entropy(logits, tf.transpose(batch[:, 1:])))
            total = loss + self._penalty()
        gradients = tape.gradient(total, variables)
        if self.config.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.config.clip_norm)
        self.optimizer.learning_rate.assign(learning_rate)
        self.optimizer.apply(gradients, variables)
        self._update_average(tf.cast(step, tf.float32))
        return loss, states

    def _window_loss_eagerly(self, inputs, targets, weights, states):
        logits, states = unroll(self.average, tf.transpose(inputs), states)
        return tf.reduce_sum(weights * tf.transpose(cross_entropy(logits, tf.transpose(targets)))), states

    def _seed_dropout(self, step) -> None:
        """Make what dropout drops a function of the seed and the step, so that a resume repeats it."""
        dropouts = [x for x in self.model.layers if isinstance(x, keras.layers.Dropout)]
        for index, layer in enumerate(dropouts):
            state = layer.seed_generator.state
            seed = (self.config.rng_seed * len(dropouts) + index) % 2**32
            first = tf.cast(tf.constant(seed, tf.int64), state.dtype)
            state.assign(tf.stack([first, tf.cast(step, state.dtype)]))

    def _drop_weights(self, step, index: int, kernel: tf.Tensor) -> tf.Tensor:
        """Dropout of recurrent weights (DropConnect; Merity, Keskar and Socher 2018), a function of seed and step."""
        if not self.recurrent_dropout:
            return kernel
        seed = tf.stack([tf.constant(self.config.rng_seed % 2**31 * 16 + index, tf.int64), step])
        return tf.nn.experimental.stateless_dropout(kernel, self.recurrent_dropout, seed, rng_alg="philox")

    def _penalty(self):
        config = self.config
        penalty = tf.constant(0.0)
        for kernel in kernels(self.model) if config.l1 or config.l2 else ():
            value = tf.convert_to_tensor(kernel)
            penalty += config.l1 * tf.reduce_sum(tf.abs(value))
            penalty += config.l2 * tf.reduce_sum(value * value)
        return penalty

    def _update_average(self, step) -> None:
        """Move the averaged weights towards the weights; faster in the first steps."""
        momentum = tf.minimum(self.config.averaging, (1 + step) / (10 + step))
        pairs = zip(self.average.trainable_variables, self.model.trainable_variables, strict=True)
        for average, weight in pairs:
            average.assign_add((1 - momentum) * (weight - average))


def cross_entropy(logits, targets):
    """Nats per character, (T, B), of logits (T, B, V) and targets (T, B)."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)

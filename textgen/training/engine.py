"""The compiled steps: one update of the weights, and the loss of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from textgen.config import ModelConfig, TrainConfig
from textgen.data.evaluation import WINDOW, evaluation_windows
from textgen.runs.arrays import Floats, Ints
from textgen.training.distribution import Placement
from textgen.training.dropout import Dropout
from textgen.training.model import (
    States,
    assign_weights,
    build_model,
    kernels,
    unroll,
    uses_own_loop,
    zero_states,
)

Gradients = list[tuple[tf.Tensor, keras.Variable]]
Variables = Sequence[keras.Variable]


class News(NamedTuple):
    """What the processes of a training tell one another at every step."""

    seconds: float
    """The chief's seconds of training."""
    interrupts: float
    """How many of them have caught SIGINT."""
    terminations: float
    """How many of them have caught SIGTERM."""


class Engine:
    """A model, its averaged twin and its optimizer, with the functions that step them.

    Args:
        model_config, config: the settings.
        vocabulary_size: V.
        placement: the devices.
        anchored: whether weight decay draws the weights to where they began (`start`), and not to zero.
    """

    def __init__(
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        vocabulary_size: int,
        placement: Placement | None = None,
        anchored: bool = False,
    ) -> None:
        keras.utils.set_random_seed(config.rng_seed % 2**32)
        self.config = config
        self.recurrent_dropout = model_config.recurrent_dropout
        self.placement = placement or Placement("none", config.batch_size)
        with self.placement.strategy.scope():
            self.model = build_model(model_config, vocabulary_size, config.precision)
            self.average = build_model(model_config, vocabulary_size)
            assign_weights(self.average.trainable_variables, self.model.trainable_variables)
            self.start = build_model(model_config, vocabulary_size) if anchored else None
            self.optimizer = Adam(config.clip_norm, 0.0 if anchored else config.weight_decay)
            self.optimizer.build(self.model.trainable_variables)
            self.model.compile(optimizer=self.optimizer)  # for callbacks, which look there for it
        # XLA fuses the gates of our loop; it makes Keras's own layers slower, and cannot talk to other devices
        compiled = uses_own_loop()
        self.parts = self.placement.parts if compiled else 1
        # nothing here is Python's control flow over tensors, which AutoGraph would take seconds to look for
        function = partial(tf.function, autograph=False)
        self._update = function(self._update_eagerly)
        self._gradients = function(self._gradients_eagerly, jit_compile=compiled)
        one_device = compiled and self.placement.kind == "none"
        self._apply = function(self._apply_eagerly, jit_compile=True) if one_device else self._apply_eagerly
        self._window_loss = function(self._window_loss_eagerly, jit_compile=compiled)
        self._window_logits = function(self._window_logits_eagerly, jit_compile=compiled)

    def zero_states(self) -> States:
        """The state before any character."""
        zero = zero_states(self.model, self.config.batch_size)
        return self.place_states([tuple(value.numpy() for value in pair) for pair in zero])

    def place_states(self, states: list[tuple[np.ndarray, ...]]) -> States:
        """The carried state of all streams, (B, H) each, shared out to the devices."""
        place, rows = self.placement.place, self.placement.rows
        return [tuple(place(value[rows]) for value in pair) for pair in states]

    def gather_states(self, states: States) -> list[tuple[np.ndarray, ...]]:
        """What `place_states` took, from all devices of all processes."""
        return [tuple(self.placement.gather(value) for value in pair) for pair in states]

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
        news: News,
    ) -> tuple[float, States, News]:
        """One step of training.

        Args:
            batch: (rows, T + 1) int32, this process's rows of a batch, from `Streams.batch`.
            states: the state after the batch before.
            carried: (rows,) float32, 0 for the streams whose state starts anew.
            step: the number of the step, from 0. With the seed it fixes what dropout drops.
            learning_rate: for this step.
            news: what this process has to tell.

        Returns:
            The loss in nats per character before the update, without penalties; the state after the batch; and the
            news of all processes added up.
        """
        place = self.placement.place
        reported = np.zeros((len(batch), len(news)))
        reported[0] = news
        results, states = self._update(
            place(batch),
            states,
            place(carried),
            tf.constant(step, tf.int64),
            tf.constant(learning_rate, tf.float32),
            place(reported),
        )
        loss, *news = results.numpy().tolist()
        return loss, states, News(*news)

    def validate(self, ids: np.ndarray, start: int, most: int) -> float:
        """The loss of the averaged weights on a text, in nats per character; `most` as in `evaluation_windows`."""
        states, total, count = None, 0.0, 0.0
        for inputs, targets, weights in evaluation_windows(ids, start, most):
            states = states or zero_states(self.average, len(inputs))
            loss, states = self._window_loss(tf.constant(inputs), tf.constant(targets), tf.constant(weights), states)
            total += float(loss)
            count += float(weights.sum())
        return total / count

    def windows(self, inputs: Ints) -> Iterator[tuple[int, Floats]]:
        """What the averaged weights make of texts side by side, window by window.

        Args:
            inputs: (S, T) ids, T a multiple of WINDOW.

        Yields:
            The window's first column, and the logits after each of its columns, (WINDOW * S, V), column by column.
        """
        states = zero_states(self.average, len(inputs))
        for start in range(0, inputs.shape[1], WINDOW):
            logits, states = self._window_logits(tf.constant(inputs[:, start : start + WINDOW]), states)
            yield start, np.asarray(logits).reshape(-1, logits.shape[-1])

    def _update_eagerly(
        self,
        batch: tf.Tensor,
        states: States,
        carried: tf.Tensor,
        step: tf.Tensor,
        learning_rate: tf.Tensor,
        news: tf.Tensor,
    ) -> tuple[tf.Tensor, States]:
        """On all devices: gradients, update, average. The results are loss and news, added up over the devices."""
        strategy = self.placement.strategy
        self.optimizer.learning_rate.assign(learning_rate)
        results, states = strategy.run(self._update_replica, (batch, states, carried, step, news))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, results, None), states

    def _update_replica(
        self, batch: tf.Tensor, states: States, carried: tf.Tensor, step: tf.Tensor, news: tf.Tensor
    ) -> tuple[tf.Tensor, States]:
        """On one device: the gradients of its parts, each on a core of its own, and an update by their sum."""
        first = tf.distribute.get_replica_context().replica_id_in_sync_group * self.placement.share
        rows = self.placement.share // self.parts
        parts = []
        for start in range(0, self.placement.share, rows):
            part = tf.nest.map_structure(itemgetter(slice(start, start + rows)), (batch, states, carried))
            parts.append(self._gradients(*part, step, tf.convert_to_tensor(first + start)))
        losses, gradients, after = zip(*parts, strict=True)
        self._apply(gradients, step)
        states = tf.nest.map_structure(lambda *rows: tf.concat(rows, 0), *after)
        return tf.concat([tf.cast(tf.add_n(losses), tf.float64)[None], tf.reduce_sum(news, 0)], 0), states

    def _gradients_eagerly(
        self, batch: tf.Tensor, states: States, carried: tf.Tensor, step: tf.Tensor, first: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], States]:
        """One part's share of the loss and of the gradients, and its state."""
        states = tf.nest.map_structure(lambda state: state * carried[:, None], states)
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            dropout = Dropout(self.config.rng_seed, step, self.placement.batch_size, first, self.recurrent_dropout)
            logits, states = unroll(self.model, tf.transpose(batch[:, :-1]), states, dropout)
            share = batch.shape[0] / self.placement.batch_size
            loss = share * tf.reduce_mean(cross_entropy(logits, tf.transpose(batch[:, 1:])))
            total = loss + share * self._penalty()
        # a dense gradient of the embedding: XLA takes seconds to update single rows
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(total, variables)]
        return loss, gradients, states

    def _apply_eagerly(self, gradients: Sequence[list[tf.Tensor]], step: tf.Tensor) -> None:
        """Update the weights by the sum of the parts' gradients, and their average."""
        weights = self.model.trainable_variables
        self.optimizer.apply([tf.add_n(parts) for parts in zip(*gradients, strict=True)], weights)
        if self.start:
            # L2-SP (Li et al. 2018), decoupled from the gradient
            self._draw(weights, self.start.trainable_variables, self.config.weight_decay * self.optimizer.learning_rate)
        step = tf.cast(step, tf.float32)
        # faster in the first steps
        momentum = tf.minimum(tf.constant(self.config.averaging, tf.float32), (1 + step) / (10 + step))
        self._draw(self.average.trainable_variables, weights, 1 - momentum)

    def _window_loss_eagerly(
        self, inputs: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, states: States
    ) -> tuple[tf.Tensor, States]:
        logits, states = unroll(self.average, tf.transpose(inputs), states)
        return tf.reduce_sum(weights * tf.transpose(cross_entropy(logits, tf.transpose(targets)))), states

    def _window_logits_eagerly(self, inputs: tf.Tensor, states: States) -> tuple[tf.Tensor, States]:
        return unroll(self.average, tf.transpose(inputs), states)

    def _penalty(self) -> tf.Tensor:
        config = self.config
        penalty = tf.constant(0.0)
        for kernel in kernels(self.model) if config.l1 or config.l2 else ():
            value = tf.convert_to_tensor(kernel)
            penalty += config.l1 * tf.reduce_sum(tf.abs(value))
            penalty += config.l2 * tf.reduce_sum(value * value)
        return penalty

    def _draw(self, variables: Variables, others: Variables, share: tf.Tensor) -> None:
        """Move variables towards others by a share of the way."""

        def update(strategy: tf.distribute.Strategy) -> None:
            for variable, other in zip(variables, others, strict=True):
                strategy.extended.update(
                    variable.value, lambda v, o: v.assign_add(share * (o - v)), (other.value,), group=False
                )

        tf.__internal__.distribute.interim.maybe_merge_call(update, self.placement.strategy)


class Adam(keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) with decoupled weight decay of the kernels, whose gradients are clipped by the norm of
    their sum over all devices.

    Keras clips before it adds up, by the norm of one device's share.
    """

    def __init__(self, clip_norm: float, weight_decay: float) -> None:
        super().__init__(beta_2=0.99, weight_decay=weight_decay or None)
        self.exclude_from_weight_decay(var_names=["bias", "embeddings"])
        self.largest_norm = clip_norm

    def _all_reduce_sum_gradients(self, grads_and_vars: Gradients) -> Gradients:
        pairs: Gradients = super()._all_reduce_sum_gradients(grads_and_vars)
        if not self.largest_norm:
            return pairs
        gradients, variables = zip(*pairs, strict=True)
        gradients, _ = tf.clip_by_global_norm(gradients, self.largest_norm)
        return list(zip(gradients, variables, strict=True))


def cross_entropy(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Nats per character, (T, B), of logits (T, B, V) and targets (T, B)."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)

"""Whether a training fits into this machine, before it takes the memory and the system ends the process."""

from __future__ import annotations

import math

import tensorflow as tf

from textgen.config import ModelConfig
from textgen.errors import ConfigError
from textgen.machine import memory_bytes
from textgen.runs.weights import GATES, weight_shapes

COPIES = 5
"""Of each weight: itself, its average, its gradient, and two moments of Adam."""


def needed_bytes(config: ModelConfig, vocabulary_size: int, streams: int, seq_length: int) -> int:
    """What a training takes at least: the weights, and for a step the gates and logits with their gradients.

    >>> needed_bytes(ModelConfig(units=384), 65, 16, 64) / 1e6
    27.492372
    """
    weights = sum(math.prod(shape) for shape in weight_shapes(config, vocabulary_size).values())
    gates = config.num_layers * GATES[config.cell] * config.units
    return 4 * (COPIES * weights + 2 * streams * seq_length * (gates + vocabulary_size))


def check_memory(config: ModelConfig, vocabulary_size: int, streams: int, seq_length: int) -> None:
    """Raise a ConfigError if a training on the CPU needs more memory than there is.

    Args:
        config: the network's shape.
        vocabulary_size: V.
        streams: those of a batch that this process reads.
        seq_length: T.
    """
    there, needed = memory_bytes(), needed_bytes(config, vocabulary_size, streams, seq_length)
    if there and needed > there and not tf.config.list_physical_devices("GPU"):
        size = f"{config.num_layers} x {config.units} units and a batch of {streams} x {seq_length}"
        raise ConfigError(
            f"units, num_layers, batch_size, seq_length: {size} take {needed / 1e9:,.0f} GB or more, and "
            f"this machine has {there / 1e9:,.0f} GB; give smaller ones"
        )

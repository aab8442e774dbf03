"""How far training has come, and the learning rate there."""

from __future__ import annotations

import math

from textgen.config import TrainConfig


def fraction_done(
    config: TrainConfig, step: int, windows_per_epoch: int, seconds: float, reserve: float = 0.0
) -> float:
    """How much of the training is done, from 0 to 1: the furthest of steps, epochs and minutes.

    Args:
        config: the settings.
        step: steps made.
        windows_per_epoch: the steps of an epoch.
        seconds: seconds of training until now.
        reserve: seconds that the last validation needs; of the minutes, half at most are kept for it.

    >>> fraction_done(TrainConfig(steps=100, minutes=1), 25, 10, 30.0)
    0.5
    """
    fractions = [0.0]
    if config.steps is not None:
        fractions.append(step / config.steps)
    if config.epochs is not None:
        fractions.append(step / (config.epochs * windows_per_epoch))
    if config.end_minutes is not None:
        end = 60 * config.end_minutes
        fractions.append(seconds / max(end - reserve, end / 2))
    return min(1.0, max(fractions))


def learning_rate(config: TrainConfig, fraction: float) -> float:
    """A linear rise, then a cosine (Loshchilov and Hutter 2017) down to `final_rate`.

    >>> config = TrainConfig(learning_rate=1.0, warmup=0.1, final_rate=0.2)
    >>> [round(learning_rate(config, f), 2) for f in (0, 0.05, 0.1, 0.55, 1)]
    [0.0, 0.5, 1.0, 0.6, 0.2]
    """
    if fraction < config.warmup:
        return config.learning_rate * fraction / config.warmup
    rest = (fraction - config.warmup) / (1 - config.warmup) if config.warmup < 1 else 1.0
    cosine = (1 + math.cos(math.pi * rest)) / 2
    return config.learning_rate * (config.final_rate + (1 - config.final_rate) * cosine)

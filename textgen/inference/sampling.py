"""Logits to an id: pure functions, one for each rule.

Each takes logits of shape (V,) and returns logits of the same shape, in which -inf is a character that
cannot be drawn. They apply in this order: temperature, top_k, top_p.
"""

from __future__ import annotations

import numpy as np

from textgen.config import SampleConfig


def choose(logits: np.ndarray, config: SampleConfig, generator: np.random.Generator) -> int:
    """The id of the next character under all rules.

    Args:
        logits: (V,) float.
        config: temperature, top_k and top_p.
        generator: draws one number for each call, and none at temperature 0.
    """
    if config.temperature == 0:
        return int(logits.argmax())
    logits = apply_temperature(logits.astype(np.float64), config.temperature)
    if config.top_k:
        logits = keep_top_k(logits, config.top_k)
    if config.top_p < 1:
        logits = keep_top_p(logits, config.top_p)
    return draw(logits, generator.random())


def apply_temperature(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Divide by a temperature above 0; the largest logit becomes 0 (Ackley, Hinton, Sejnowski 1985).

    >>> apply_temperature(np.array([1.0, 2.0, 4.0]), 2.0).tolist()
    [-1.5, -1.0, 0.0]
    """
    with np.errstate(over="ignore"):
        return (logits - logits.max()) / temperature


def keep_top_k(logits: np.ndarray, k: int) -> np.ndarray:
    """Keep exactly k characters, the likeliest; among equals the lower id (Fan, Lewis, Dauphin 2018).

    >>> keep_top_k(np.array([1.0, 3.0, 2.0, 3.0]), 2).tolist()
    [-inf, 3.0, -inf, 3.0]
    """
    if k >= len(logits):
        return logits
    kept = np.full_like(logits, -np.inf)
    likeliest = np.argsort(-logits, kind="stable")[:k]
    kept[likeliest] = logits[likeliest]
    return kept


def keep_top_p(logits: np.ndarray, p: float) -> np.ndarray:
    """Keep the fewest likeliest characters that together have probability p (Holtzman et al. 2020).

    At least one is kept.

    >>> keep_top_p(np.log([0.5, 0.3, 0.2]), 0.7).round(2).tolist()
    [-0.69, -1.2, -inf]
    """
    order = np.argsort(-logits, kind="stable")
    before = np.cumsum(probabilities(logits)[order])
    count = 1 + int(np.searchsorted(before, p))
    return keep_top_k(logits, count)


def probabilities(logits: np.ndarray) -> np.ndarray:
    """The softmax, (V,)."""
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def draw(logits: np.ndarray, uniform: float) -> int:
    """The id at which the cumulative probability passes a number from [0, 1).

    >>> [draw(np.log([0.5, 0.25, 0.25]), u) for u in (0.0, 0.49, 0.5, 0.99)]
    [0, 0, 1, 2]
    """
    cumulative = np.cumsum(probabilities(logits))
    index = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
    return min(index, int(np.flatnonzero(logits > -np.inf)[-1]))

"""Logits to ids: pure functions, one for each rule.

A rule takes logits of shape (B, V), or (V,) where it says so, and returns logits of the same shape, in which -inf
is a character that cannot be drawn. `choose` applies them in the order in which they stand here: repetition
penalty, repeated sequences, allowed characters, temperature, top-k, top-p, min-p, typical-p. A rule always leaves
at least one character.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textgen.config import SampleConfig
from textgen.runs.arrays import Bools, Floats, Ints

SMALLEST_TEMPERATURE = 1e-100
LARGEST_UNIFORM = 1 - 2**-52
"""One unit in the last place more, and its product with a sum could round up to the sum."""


def choose(
    logits: Floats,
    config: SampleConfig,
    uniforms: Floats,
    histories: Sequence[Sequence[int]] = (),
    allowed: Bools | None = None,
) -> Ints:
    """The ids of the next characters under all rules, (B,).

    Args:
        logits: (B, V) float.
        config: the rules' settings.
        uniforms: (B,) numbers from [0, LARGEST_UNIFORM]; temperature 0 does not look at them.
        histories: for each row the ids of its text so far; only the first two rules look at them.
        allowed: (V,) whether a character may be drawn; None allows all.
    """
    logits = logits.astype(np.float64)
    for row, history in zip(logits, histories, strict=False):
        if config.repetition_penalty != 1:
            row[:] = penalise_repetition(row, history[-config.repetition_window :], config.repetition_penalty)
        if config.no_repeat_ngram:
            row[:] = forbid_repeated_ngrams(row, history, config.no_repeat_ngram)
    if allowed is not None:
        logits = np.where(allowed, logits, -np.inf)
    if config.temperature == 0:
        return np.asarray(logits.argmax(-1))
    logits = apply_temperature(logits, config.temperature)
    if config.top_k:
        logits = keep_top_k(logits, config.top_k)
    if config.top_p < 1:
        logits = keep_top_p(logits, config.top_p)
    if config.min_p > 0:
        logits = keep_min_p(logits, config.min_p)
    if config.typical_p < 1:
        logits = keep_typical(logits, config.typical_p)
    return draw(logits, uniforms)


def penalise_repetition(logits: Floats, recent: Sequence[int], penalty: float) -> Floats:
    """Divide the positive logits (V,) of recent characters by a penalty, multiply the negative ones (Keskar et al.
    2019, CTRL).

    >>> penalise_repetition(np.array([2.0, -1.0, 3.0]), [0, 1, 1], 2.0).tolist()
    [1.0, -2.0, 3.0]
    """
    ids = np.unique(np.asarray(recent, np.int64))
    changed = logits.copy()
    changed[ids] = np.where(changed[ids] > 0, changed[ids] / penalty, changed[ids] * penalty)
    return changed


def forbid_repeated_ngrams(logits: Floats, history: Sequence[int], size: int) -> Floats:
    """Forbid the characters (V,) that would end a sequence that the text already holds (Paulus et al. 2018).

    >>> forbid_repeated_ngrams(np.zeros(3), [0, 1, 0], 2).tolist()
    [0.0, -inf, 0.0]
    """
    ids = np.asarray(history, np.int64)
    if len(ids) < size:
        return logits
    windows = np.lib.stride_tricks.sliding_window_view(ids, size)
    ending = ids[len(ids) - size + 1 :]
    seen = windows[(windows[:, :-1] == ending).all(-1), -1]
    changed = logits.copy()
    changed[seen] = -np.inf
    return changed if np.isfinite(changed).any() else logits


def apply_temperature(logits: Floats, temperature: float) -> Floats:
    """Divide by a temperature above 0; the largest logit becomes 0 (Ackley, Hinton, Sejnowski 1985).

    >>> apply_temperature(np.array([1.0, 2.0, 4.0]), 2.0).tolist()
    [-1.5, -1.0, 0.0]
    """
    return shifted(logits) / max(temperature, SMALLEST_TEMPERATURE)


def keep_top_k(logits: Floats, k: int) -> Floats:
    """Keep exactly k characters, the likeliest; among equals the lower id (Fan, Lewis, Dauphin 2018).

    >>> keep_top_k(np.array([1.0, 3.0, 2.0, 3.0]), 2).tolist()
    [-inf, 3.0, -inf, 3.0]
    """
    if k >= logits.shape[-1]:
        return logits
    likeliest = np.argsort(-logits, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(logits, -np.inf)
    np.put_along_axis(kept, likeliest, np.take_along_axis(logits, likeliest, -1), -1)
    return kept


def keep_top_p(logits: Floats, p: float) -> Floats:
    """Keep the fewest likeliest characters that together have probability p (Holtzman et al. 2020).

    >>> keep_top_p(np.log([0.5, 0.3, 0.2]), 0.7).round(2).tolist()
    [-0.69, -1.2, -inf]
    """
    return _keep_first(logits, np.argsort(-logits, axis=-1, kind="stable"), p)


def keep_min_p(logits: Floats, p: float) -> Floats:
    """Keep the characters whose probability is at least p times the likeliest one's (Nguyen et al. 2024).

    >>> keep_min_p(np.log([0.5, 0.3, 0.2]), 0.5).round(2).tolist()
    [-0.69, -1.2, -inf]
    """
    threshold = logits.max(-1, keepdims=True) + np.log(p)
    return np.where(logits >= threshold, logits, -np.inf)


def keep_typical(logits: Floats, p: float) -> Floats:
    """Keep the characters whose surprise is nearest to the expected surprise, until they have probability p
    (Meister et al. 2023).

    The largest logit that is left becomes 0.

    >>> keep_typical(np.log([0.6, 0.3, 0.1]), 0.2).round(2).tolist()
    [-inf, 0.0, -inf]
    """
    chances = probabilities(logits)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprise = -np.log(chances)
        expected = np.nansum(chances * surprise, -1, keepdims=True)
        distance = np.where(chances > 0, np.abs(surprise - expected), np.inf)
    return shifted(_keep_first(logits, np.argsort(distance, axis=-1, kind="stable"), p))


def _keep_first(logits: Floats, order: Ints, p: float) -> Floats:
    """Keep characters in an order until they have probability p; at least one."""
    sums = np.cumsum(np.take_along_axis(probabilities(logits), order, -1), -1)
    # a character is needed while those before it have less than p
    needed = np.concatenate([np.ones_like(sums[..., :1], bool), sums[..., :-1] < p], -1)
    keep = np.zeros_like(needed)
    np.put_along_axis(keep, order, needed, -1)
    return np.where(keep, logits, -np.inf)


def shifted(logits: Floats) -> Floats:
    """The same logits, but for a summand that makes the largest of each row 0."""
    return logits - np.maximum.reduce(logits, -1, keepdims=True)


def probabilities(logits: Floats) -> Floats:
    """The softmax over the last axis."""
    weights = np.exp(shifted(logits))
    return weights / np.add.reduce(weights, -1, keepdims=True)


def log_probabilities(logits: Floats) -> Floats:
    """The logarithm of the softmax over the last axis, in nats."""
    logits = shifted(logits)
    return logits - np.log(np.add.reduce(np.exp(logits), -1, keepdims=True))


def draw(logits: Floats, uniforms: Floats) -> Ints:
    """The ids at which the cumulative probabilities of (B, V) pass numbers (B,) from [0, LARGEST_UNIFORM].

    The largest logit of a row must be 0.

    >>> [int(draw(np.log([[1.0, 0.5, 0.5]]), np.array([u]))[0]) for u in (0.0, 0.49, 0.5, 0.99)]
    [0, 0, 1, 2]
    """
    cumulative = np.add.accumulate(np.exp(logits), -1)
    ids: Ints = np.add.reduce(cumulative <= uniforms[:, None] * cumulative[:, -1:], -1)
    return ids

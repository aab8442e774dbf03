"""The mixture of counts and a network: their log-probabilities, each times a weight, added up.

A product of experts (Hinton 2002), whose weights depend on where in its word a character stands and on the deepest
context that the counts know. The weights are fitted by Newton's method on text that neither the network nor the counts
have learned from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from textgen.counts.contexts import PLACES, WORD_LEVELS
from textgen.counts.tables import Counts
from textgen.runs.arrays import Floats, Ints

COUNTS_ALONE = (1.0, 0.0)
"""The weights before the network has learned anything: of the counts, and of the network."""
USUAL = np.array(
    [
        [[0.45, 0.63], [0.40, 0.65], [0.27, 0.60]],
        [[0.45, 0.63], [0.40, 0.75], [0.18, 0.78]],
        [[0.45, 0.65], [0.30, 0.78], [0.30, 0.75]],
        [[0.45, 0.65], [0.32, 0.73], [0.45, 0.60]],
        [[0.46, 0.60], [0.51, 0.68], [0.50, 0.60]],
        [[0.42, 0.60], [0.57, 0.48], [0.55, 0.54]],
        [[0.52, 0.54], [0.46, 0.59], [0.60, 0.52]],
    ]
)
"""About what fits: for each place, and for contexts of up to two runs, of more, and with words, the weights of counts
and network. At the beginning of a line or word the network knows more, inside of a known word the counts do."""
BESIDE_PRETRAINED = 0.15
"""The weight of counts of COUNTED characters beside a network that had read much before it read this text. It was found
on texts of 2,000 to 100,000 characters."""
COUNTED = 100_000
MOST_BESIDE_PRETRAINED = 0.3
PRETRAINED_STRENGTH = 1000.0
"""How strongly all weights together are drawn towards the usual ones beside such a network, in characters."""
STRENGTH = 150.0
"""How strongly the weights of one gate are drawn towards the usual ones, in characters."""
SMALLEST = 1e-9
"""No character is held to be less likely by the counts."""
BETWEEN = 5
ROWS = 4096
STEPS = 10


def uniform_weights(levels: int, weights: Sequence[float]) -> Floats:
    """The same weights for every gate, (G, E) float32; `levels` is K, and G is PLACES * K."""
    return np.tile(np.array(weights, np.float32), (PLACES * levels, 1))


def usual_weights(levels: int) -> Floats:
    """Weights that fit most texts, (G, 2) float32.

    >>> usual_weights(9).shape
    (63, 2)
    """
    words = levels - WORD_LEVELS
    kinds = [2 if level >= words else int(level > 2) for level in range(levels)]
    return USUAL[:, kinds].reshape(-1, 2).astype(np.float32)


def weights_beside_pretrained(levels: int, characters: int) -> Floats:
    """Weights that fit beside a network that had read much before it read this text, (G, 2) float32.

    Args:
        levels: K, the contexts that the counts look up.
        characters: how many were counted. Counts of a page know little that the network does not.

    >>> weights_beside_pretrained(9, 100_000)[0]
    array([0.15, 0.91], dtype=float32)
    """
    counts = min(MOST_BESIDE_PRETRAINED, BESIDE_PRETRAINED * (characters / COUNTED) ** 0.6)
    return uniform_weights(levels, (counts, 1 - 0.6 * counts))


def said(counts: Counts, keys: Ints, places: Ints) -> tuple[Ints, Floats]:
    """What counts say to a mixture of the next characters of B texts.

    Args:
        counts: the counts.
        keys: (B, K) the contexts before the characters.
        places: (B,) where the characters stand.

    Returns:
        The gates whose weights they take (B,), by the place and the deepest level known; and log-probabilities (B, V).
    """
    found = counts.estimate(keys)
    gates = places * counts.contexts.levels + found.levels
    return gates, np.log(np.maximum(found.probabilities, SMALLEST))


def mixed(weights: Floats, gates: Ints, experts: Sequence[Floats]) -> Floats:
    """The logits of the mixture, (B, V).

    Args:
        weights: (G, E).
        gates: (B,) from 0 to G - 1.
        experts: E arrays (B, V) of logits, those of the counts first.
    """
    chosen = weights[gates]
    logits = experts[0] * chosen[:, :1]
    for index, expert in enumerate(experts[1:], 1):
        logits += expert * chosen[:, index : index + 1]
    return logits


def surprises(logits: Floats, targets: Ints) -> Floats:
    """The nats (B,) of the targets (B,) under logits (B, V)."""
    shifted = logits - logits.max(-1, keepdims=True)
    nats: Floats = np.log(np.exp(shifted).sum(-1)) - shifted[np.arange(len(targets)), targets]
    return nats


def best_between(gates: Ints, experts: Sequence[Floats], targets: Ints, first: Floats, second: Floats) -> Floats:
    """Of two sets of weights (G, E) and some between them, that under which a text is least surprising.

    A few hundred characters can tell which it is, and not yet what each weight should be.
    """
    nats, best = math.inf, first
    for share in np.linspace(0, 1, BETWEEN, dtype=np.float32):
        weights = first + share * (second - first)
        found = float(surprises(mixed(weights, gates, experts), targets).sum())
        if found < nats:
            nats, best = found, weights
    return best


def fit(gates: Ints, experts: Sequence[Floats], targets: Ints, usual: Floats, strength: float = 1.0) -> Floats:
    """The weights under which a text is least surprising, drawn towards the usual ones.

    First one set of weights is fitted for the whole text. The usual ones are moved so that their mean is this set. Then
    each gate has its own, drawn towards them.

    Args:
        gates: (N,) from 0 to G - 1.
        experts: E arrays (N, V) of logits.
        targets: (N,) the ids of the text.
        usual: (G, E).
        strength: how strongly the one set is drawn towards the mean of the usual ones, in characters.

    Returns:
        (G, E) float32.
    """
    mean = usual[gates].mean(0, dtype=np.float64, keepdims=True)
    together = newton(mean, np.zeros_like(gates), experts, targets, strength)
    return newton(usual + together - mean, gates, experts, targets, STRENGTH).astype(np.float32)


def newton(centre: Floats, gates: Ints, experts: Sequence[Floats], targets: Ints, strength: float) -> Floats:
    """The weights (G, E) that make the nats, and `strength` / 2 times their squared distances from a centre, least."""
    weights = centre
    value, gradient, curvature = derivatives(weights, centre, gates, experts, targets, strength)
    for _ in range(STEPS):
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        before = value
        # a whole step can lead away, where a gate is seldom met
        for size in (1.0, 0.25, 0.06, 0.01):
            there = weights - size * step
            found = derivatives(there, centre, gates, experts, targets, strength)
            if found[0] < value:
                weights, (value, gradient, curvature) = there, found
                break
        if before - value < 1e-4 * max(1.0, abs(before)):
            break
    return weights


def derivatives(
    weights: Floats, centre: Floats, gates: Ints, experts: Sequence[Floats], targets: Ints, strength: float
) -> tuple[float, Floats, Floats]:
    """What `newton` makes least, with its first (G, E) and second (G, E, E) derivatives."""
    count = len(experts)
    apart = weights - centre
    value = strength / 2 * float((apart**2).sum())
    gradient = strength * apart
    curvature = np.tile(strength * np.eye(count), (len(weights), 1, 1))
    for start in range(0, len(targets), ROWS):
        rows = slice(start, start + ROWS)
        part = [expert[rows] for expert in experts]
        logits = mixed(weights.astype(np.float32), gates[rows], part)
        logits -= logits.max(-1, keepdims=True)
        shares = np.exp(logits)
        sums = shares.sum(-1, keepdims=True)
        shares /= sums
        at = np.arange(len(logits)), targets[rows]
        value += float((np.log(sums[:, 0]) - logits[at]).sum(dtype=np.float64))
        weighted = [shares * expert for expert in part]
        means = [product.sum(-1) for product in weighted]
        for k in range(count):
            np.add.at(gradient[:, k], gates[rows], means[k] - part[k][at])
            for other in range(k, count):
                covariance = np.einsum("nv,nv->n", weighted[k], part[other]) - means[k] * means[other]
                np.add.at(curvature[:, k, other], gates[rows], covariance)
                if other > k:
                    curvature[:, other, k] = curvature[:, k, other]
    return value, gradient, curvature

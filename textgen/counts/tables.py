"""How often each character follows each context, as sorted tables, and the probabilities that follow from it.

The estimate is interpolated modified Kneser-Ney (Chen and Goodman 1999): a level takes a discount from each of its
counts, and gives what it took to the level before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from textgen.counts.contexts import Contexts
from textgen.runs.arrays import Floats, Ints

DENSE_LEVEL = 3
"""The longest contexts whose shares are kept as whole rows."""
DENSE_BYTES = 2**23


class Estimate(NamedTuple):
    """What counts say of the next characters of B texts."""

    probabilities: Floats
    """(B, V) float64; each row adds up to about 1."""
    levels: Ints
    """(B,) the deepest level whose context is known."""


class Counts:
    """The tables, and a look-up in them.

    The contexts of all levels stand in one sorted array, the characters that follow a context side by side in another.

    Args:
        contexts: the chain.
        hashes: (C,) uint64, the contexts, rising; the low bits, in which no id of V would fit, are 0.
        starts: (C + 1,) uint32, where the characters after each context begin.
        left: (C,) float16, the share of a context that it leaves to the one before it in the chain.
        symbols: (M,) the smallest unsigned integers that hold an id, the characters after each context.
        shares: (M,) float16, the share of each of them.
    """

    def __init__(
        self,
        contexts: Contexts,
        hashes: Ints,
        starts: Ints,
        left: Floats,
        symbols: Ints,
        shares: Floats,
    ) -> None:
        self.contexts = contexts
        self.hashes, self.starts, self.left, self.symbols, self.shares = hashes, starts, left, symbols, shares
        self.high = ~low_bits(contexts.size)
        self.dense: dict[int, tuple[Floats, int]] = {}
        """What `_row` says of short contexts, as far as they have been met and there is room."""
        self.most_dense = DENSE_BYTES // (8 * contexts.size)

    def estimate_each(self, keys: list[list[int]]) -> Estimate:
        """As `estimate`, row by row: a row's result has the same bits whatever it stands beside."""
        rows, levels = zip(*map(self._row, keys), strict=True)
        return Estimate(np.stack(rows), np.array(levels))

    def _row(self, keys: list[int]) -> tuple[Floats, int]:
        """What follows one context (V,), and the deepest level that is known."""
        short = self.dense.get(keys[DENSE_LEVEL])
        if short is None:
            uniform = np.full(self.contexts.size, 1 / self.contexts.size)
            found, known = self._deeper(uniform, keys[: DENSE_LEVEL + 1])
            short = found, known - 1
            if len(self.dense) < self.most_dense:
                self.dense[keys[DENSE_LEVEL]] = short
        found, known = self._deeper(short[0], keys[DENSE_LEVEL + 1 :])
        return found, DENSE_LEVEL + known if known else short[1]

    def _deeper(self, shares: Floats, keys: list[int]) -> tuple[Floats, int]:
        """The shares (V,) of a level interpolated with those of the levels after it, and how many of these lead down to
        the last that is known."""
        wanted = np.array(keys, np.uint64) & self.high
        at = self.hashes.searchsorted(wanted)
        at[at == len(self.hashes)] = 0
        levels = np.flatnonzero(self.hashes[at] == wanted)
        if not len(levels):
            return shares, 0
        at = at[levels][::-1]
        # few characters follow long contexts: plain numbers are faster than arrays
        weight, added = 1.0, dict[int, float]()
        parts = zip(self.starts[at].tolist(), self.starts[at + 1].tolist(), self.left[at].tolist(), strict=True)
        for start, end, left in parts:
            for symbol, share in zip(self.symbols[start:end].tolist(), self.shares[start:end].tolist(), strict=True):
                added[symbol] = added.get(symbol, 0.0) + share * weight
            weight *= left
        found = shares * weight
        found[list(added)] += list(added.values())
        return found, int(levels[-1]) + 1

    def estimate(self, keys: Ints) -> Estimate:
        """What follows contexts, (B, K) uint64 as `Reader.keys` makes them; a row's last bits may depend on others."""
        count, levels = keys.shape
        size = self.contexts.size
        wanted = (keys & self.high).ravel()
        at = self.hashes.searchsorted(wanted)
        at[at == len(self.hashes)] = 0
        known = np.flatnonzero(self.hashes[at] == wanted)
        at = at[known]
        left = np.ones(count * levels)
        left[known] = self.left[at]
        left = left.reshape(count, levels)
        # what is left of a level's shares by all the levels after it; and for the uniform distribution, by all
        weights = np.empty((count, levels + 1))
        weights[:, levels] = 1
        np.multiply.accumulate(left[:, ::-1], axis=1, out=weights[:, levels - 1 :: -1])
        starts = self.starts[at]
        lengths = (self.starts[at + 1] - starts).astype(np.int64)
        ends = lengths.cumsum()
        places = np.arange(ends[-1]) + (starts - ends + lengths).repeat(lengths)
        row, level = np.divmod(known, levels)
        shares = self.shares[places] * weights[row, level + 1].repeat(lengths)
        cells = self.symbols[places] + (row * size).repeat(lengths)
        found = np.bincount(cells, shares, count * size).reshape(count, size).astype(np.float64, copy=False)
        np.add(found, weights[:, :1] / size, out=found)
        deepest = np.zeros(count, np.int64)
        deepest[row] = level
        return Estimate(found, deepest)


def low_bits(size: int) -> np.uint64:
    """The bits in which the ids below a size fit.

    >>> [int(low_bits(size)) for size in (1, 2, 65)]
    [0, 1, 127]
    """
    return np.uint64(2 ** (size - 1).bit_length() - 1)

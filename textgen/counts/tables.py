"""How often each character follows each context, as sorted tables, and the probabilities that follow from it.

The estimate is interpolated modified Kneser-Ney (Chen and Goodman 1999): a level takes a discount from each of its
counts, and gives what it took to the level before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from textgen.counts.contexts import Contexts
from textgen.runs.arrays import Floats, Ints


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

    def estimate(self, keys: Ints) -> Estimate:
        """What follows contexts, (B, K) uint64 as `Reader.keys` makes them.

        A row's result has the same bits whatever it stands beside: its shares are added up in one order.
        """
        count, levels = keys.shape
        if count == 1:
            return self._estimate_one(keys)
        size = self.contexts.size
        known, at = self._find(keys)
        left = np.ones(count * levels)
        left[known] = self.left[at]
        left = left.reshape(count, levels)
        # what is left of a level's shares by all the levels after it; and for the uniform distribution, by all
        weights = np.empty((count, levels + 1))
        weights[:, levels] = 1
        np.multiply.accumulate(left[:, ::-1], axis=1, out=weights[:, levels - 1 :: -1])
        lengths, places = self.successors(at)
        row, level = np.divmod(known, levels)
        shares = self.shares[places] * weights[row, level + 1].repeat(lengths)
        cells = self.symbols[places] + (row * size).repeat(lengths)
        found = np.bincount(cells, shares, count * size).reshape(count, size).astype(np.float64, copy=False)
        np.add(found, weights[:, :1] / size, out=found)
        deepest = np.zeros(count, np.int64)
        deepest[row] = level
        return Estimate(found, deepest)

    def _estimate_one(self, keys: Ints) -> Estimate:
        """`estimate` of one row: the same sums in half of the time, for nothing has to be told apart by rows."""
        size = self.contexts.size
        known, at = self._find(keys)
        weights = np.ones(len(at) + 1)
        np.multiply.accumulate(self.left[at[::-1]], dtype=np.float64, out=weights[-2::-1])
        lengths, places = self.successors(at)
        shares = self.shares[places] * weights[1:].repeat(lengths)
        found = np.bincount(self.symbols[places], shares, size).astype(np.float64, copy=False)
        found += weights[0] / size
        return Estimate(found[None], known[-1:])

    def _find(self, keys: Ints) -> tuple[Ints, Ints]:
        """Which of the contexts (B * K,) are known, and where in the table those stand."""
        wanted = (keys & self.high).ravel()
        at = self.hashes[:-1].searchsorted(wanted)
        known = (self.hashes[at] == wanted).nonzero()[0]
        return known, at[known]

    def successors(self, at: Ints) -> tuple[Ints, Ints]:
        """How many characters follow each of some contexts, given by their places in `hashes`; and the places of all
        these characters in `symbols`."""
        starts = self.starts[at]
        lengths = (self.starts[at + 1] - starts).astype(np.int64)
        return lengths, places_of(starts, lengths)


def places_of(starts: Ints, lengths: Ints) -> Ints:
    """The places in some parts of an array, one part after another.

    >>> places_of(np.array([7, 2]), np.array([1, 3])).tolist()
    [7, 2, 3, 4]
    """
    ends = lengths.cumsum()
    places: Ints = np.arange(ends[-1]) + (starts - ends + lengths).repeat(lengths)
    return places


def low_bits(size: int) -> np.uint64:
    """The bits in which the ids below a size fit.

    >>> [int(low_bits(size)) for size in (1, 2, 65)]
    [0, 1, 127]
    """
    return np.uint64(2 ** (size - 1).bit_length() - 1)

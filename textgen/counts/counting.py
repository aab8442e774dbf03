"""Ids to counts: the tables of a text, level by level, by sorting.

A character and the context before it are a gram. The deepest level counts how often each gram occurs, every other in
how many longer contexts (Kneser and Ney 1995). So each level is counted over the grams of the next deeper one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from textgen.counts.contexts import MULTIPLIER, Contexts, TextContexts, run_codes
from textgen.counts.tables import Counts, low_bits, places_of
from textgen.runs.arrays import Floats, Ints

MOST_BYTES = 32 * 2**20
"""The size of the tables; rare contexts are dropped to come below it."""
MOST_CHARACTERS = 8_000_000
"""Of a longer text evenly spread stretches are counted."""
STRETCHES = 64
CHARACTERS_PER_SECOND = 1_500_000
"""About what one core counts."""
COUNTED_AT_ONCE = 2**19
LARGE_TEXT = 3_000_000
"""From so many characters on, contexts that were seen once are not kept at the deeper levels: there is no room."""
KEPT_LEVELS = 4
"""Levels none of whose contexts is dropped."""
CONTEXT_BYTES = 14


class Level(NamedTuple):
    """The grams of one level."""

    grams: Ints
    """(M,) uint64, rising: a context with the id of the character in its low bits."""
    counts: Ints
    """(M,) int32."""


Stretches = list[tuple[int, int]]
"""Parts of a text: where each begins and ends, in order."""


def countable(characters: int, seconds: float) -> int:
    """How many of the characters of a text can be counted in some seconds and the memory there is.

    >>> countable(10**6, 60.0), countable(10**6, 0.1), countable(10**9, float("inf"))
    (1000000, 150000, 8000000)
    """
    return int(min(characters, MOST_CHARACTERS, seconds * CHARACTERS_PER_SECOND))


def stretches(characters: int, most: int) -> Stretches:
    """A text as a whole, or at most so many of its characters in stretches that are spread evenly.

    >>> stretches(1000, 2000), stretches(10**6, 640)[:2]
    ([(0, 1000)], [(0, 10), (15872, 15882)])
    """
    if characters <= most:
        return [(0, characters)]
    length = max(1, most // STRETCHES)
    starts = np.linspace(0, characters - length, STRETCHES).astype(np.int64).tolist()
    return [(start, start + length) for start in starts]


def without(parts: Stretches, starts: Ints, length: int) -> Stretches:
    """Stretches without pieces of one length.

    >>> without([(0, 10), (20, 30)], np.array([2, 8, 18]), 3)
    [(0, 2), (5, 8), (21, 30)]
    """
    for start in starts.tolist():
        cut = [
            part for first, last in parts for part in ((first, min(last, start)), (max(first, start + length), last))
        ]
        parts = [(first, last) for first, last in cut if first < last]
    return parts


def gathered(ids: Ints, parts: Stretches) -> Ints:
    """The ids of some stretches, one after another."""
    return np.concatenate([ids[first:last] for first, last in parts])


def count(contexts: Contexts, ids: Ints, most_bytes: int = MOST_BYTES) -> Counts:
    """Count a text.

    Args:
        contexts: the chain.
        ids: (N,) the text, N of at least 1.
        most_bytes: how large the tables may be, about.
    """
    low = low_bits(contexts.size)
    parts: list[list[Level]] = [[] for _ in range(contexts.levels)]
    tallies = np.zeros((contexts.levels, 5), np.int64)
    for found in parts_of(contexts, ids):
        for index, level in enumerate(found):
            tallies[index] += tally(level)
            rare = index > KEPT_LEVELS and len(ids) >= LARGE_TEXT
            parts[index].append(often_enough(level, low) if rare else level)
    shares = []
    while parts:
        level = Level(*map(np.concatenate, zip(*parts.pop(), strict=True)))
        if not parts:
            level, _ = distinct(level.grams, np.argsort(level.grams))
            tallies[0] = tally(level)
        shares.append(shared_out(level, tallies[len(parts)], contexts.size))
    return tables(contexts, shares[::-1], most_bytes)


def parts_of(contexts: Contexts, ids: Ints) -> Iterator[list[Level]]:
    """The levels of the parts of a text, see `count_part`."""
    text = TextContexts(contexts, ids)
    for places in parts_by_run(text):
        yield count_part(text.keys(places), ids[places].astype(np.uint64), low_bits(contexts.size))


def tally(level: Level) -> Ints:
    """How many grams have counts of 1, 2, 3, 4, and 5 or more, (5,)."""
    found: Ints = np.bincount(np.minimum(level.counts, 5), minlength=6)[1:]
    return found


def parts_by_run(text: TextContexts) -> Iterator[Ints]:
    """The places of a text, in parts of about COUNTED_AT_ONCE. Those after the same run are in the same part, so that
    no context but the empty one is met in two."""
    number = -(-len(text.ids) // COUNTED_AT_ONCE)
    lengths = np.arange(len(text.ids), dtype=np.int32) - text.run_starts[text.run_at]
    codes = run_codes(text.ids, lengths + 1).astype(np.uint32)
    part = np.zeros(len(codes), np.min_scalar_type(number))
    part[1:] = (codes[:-1] * np.uint32(MULTIPLIER >> 32) >> np.uint32(8)) % np.uint32(number)
    yield from filter(len, (np.flatnonzero(part == index) for index in range(number)))


def count_part(keys: Ints, symbols: Ints, low: np.uint64) -> list[Level]:
    """The grams of all levels over some characters.

    Args:
        keys: (P, K) uint64, the contexts before each character.
        symbols: (P,) uint64, their ids.
        low: the bits in which an id fits.

    Returns:
        K levels; of the empty context the characters, one for each gram of the next level, uncounted.
    """
    levels = []
    kept: Ints = np.arange(len(keys))
    for level in range(keys.shape[1] - 1, 0, -1):
        grams = (keys[kept, level] & ~low) | symbols[kept]
        order = np.argsort(grams)
        found, first = distinct(grams, order)
        levels.append(found)
        kept = kept[first]
    levels.append(Level(symbols[kept], np.zeros(len(kept), np.int32)))
    return levels[::-1]


def distinct(grams: Ints, order: Ints) -> tuple[Level, Ints]:
    """Some grams, each once and with its number, and where one of each stands; `order` sorts them."""
    grams = grams[order]
    new = np.flatnonzero(np.concatenate([[True], grams[1:] != grams[:-1]]))
    return Level(grams[new], np.diff(new, append=len(grams)).astype(np.int32)), order[new]


def often_enough(level: Level, low: np.uint64) -> Level:
    """A level without the contexts that were seen once."""
    first, _ = contexts_of(level, low)
    totals = np.add.reduceat(level.counts, first)
    kept = np.repeat(totals > 1, np.diff(first, append=len(level.grams)))
    return Level(level.grams[kept], level.counts[kept])


def contexts_of(level: Level, low: np.uint64) -> tuple[Ints, Ints]:
    """Where the grams of each context begin, and the contexts, in the order of the grams."""
    contexts = level.grams & ~low
    first = np.flatnonzero(np.concatenate([np.ones(min(1, len(contexts)), bool), contexts[1:] != contexts[:-1]]))
    return first, contexts[first]


def discounts(tally: Ints) -> Floats:
    """The discounts (4,) from counts of 0, 1, 2, and 3 or more, by how many grams (5,) have counts of 1 to 5 or more
    (Chen and Goodman 1999, equation 17)."""
    n1, n2, n3, n4 = np.maximum(tally[:4], 1)
    y = n1 / (n1 + 2 * n2)
    found = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    clipped: Floats = np.clip(found, [0, 0.05, 0.1, 0.1], [0, 1, 2, 3])
    return clipped


class Shares(NamedTuple):
    """What one level says, by context."""

    hashes: Ints
    lengths: Ints
    totals: Ints
    left: Floats
    symbols: Ints
    shares: Floats

    def without(self, limit: int) -> Shares:
        """The contexts with a total above a limit."""
        kept = self.totals > limit
        grams = kept.repeat(self.lengths)
        hashes, lengths, totals, left = self.hashes[kept], self.lengths[kept], self.totals[kept], self.left[kept]
        return Shares(hashes, lengths, totals, left, self.symbols[grams], self.shares[grams])


def shared_out(level: Level, tally: Ints, size: int) -> Shares:
    """The shares of each context of a level: of its characters, and what is left to the level before."""
    low = low_bits(size)
    first, hashes = contexts_of(level, low)
    taken = discounts(tally)[np.minimum(level.counts, 3)]
    lengths = np.diff(first, append=len(level.grams)).astype(np.int32)
    totals = np.add.reduceat(level.counts, first) if len(first) else np.zeros(0, np.int32)
    left = np.add.reduceat(taken, first) / totals if len(first) else np.zeros(0)
    shares = (level.counts - taken) / totals.repeat(lengths)
    symbols = (level.grams & low).astype(np.min_scalar_type(size - 1))
    return Shares(hashes, lengths, totals, left.astype(np.float16), symbols, shares.astype(np.float16))


def tables(contexts: Contexts, levels: list[Shares], most_bytes: int) -> Counts:
    """The tables of some levels; contexts that were seen least are dropped, the longest first, until they fit."""
    kept = [level.without(limit) for level, limit in zip(levels, limits(levels, most_bytes), strict=True)]
    hashes, lengths, _, left, symbols, shares = map(np.concatenate, zip(*kept, strict=True))
    order = np.argsort(hashes)
    begins = (np.cumsum(lengths) - lengths)[order]
    lengths = lengths[order]
    places = places_of(begins, lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)
    return Counts(contexts, hashes[order], starts, left[order], symbols[places], shares[places])


def limits(levels: list[Shares], most_bytes: int) -> list[int]:
    """For each level the total above which a context must be for the tables to fit."""
    gram_bytes = 2 + levels[0].symbols.itemsize
    found = [0] * len(levels)
    size = sum(CONTEXT_BYTES * len(level.hashes) + gram_bytes * len(level.symbols) for level in levels)
    limit = 0
    while size > most_bytes and any(level.totals.max(initial=0) > limit for level in levels[KEPT_LEVELS:]):
        limit += 1
        for index in range(len(levels) - 1, KEPT_LEVELS - 1, -1):
            dropped = levels[index].lengths[levels[index].totals == limit]
            size -= CONTEXT_BYTES * len(dropped) + gram_bytes * int(dropped.sum())
            found[index] = limit
            if size <= most_bytes:
                break
    return found

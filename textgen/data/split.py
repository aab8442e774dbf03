"""What is held out for validation and for a test: the tail of each source, lines or documents drawn at random, or whole
files.

The parts are numbered: 0 trains, 1 validates, 2 tests.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from textgen.config import PrepareConfig
from textgen.errors import TextError
from textgen.runs.arrays import Ints

HASHED_AT_ONCE = 2**20
Dealt = Iterator[tuple[int, Ints]]
"""Pieces of code points, each with the part that it belongs to."""


def split_tail(pieces: Iterable[Ints], lengths: Sequence[int]) -> Dealt:
    """The first characters train, the next validate, the last test: so many of each.

    >>> [(part, piece.tolist()) for part, piece in split_tail([np.arange(3), np.arange(3, 6)], (2, 3, 1))]
    [(0, [0, 1]), (1, [2]), (1, [3, 4]), (2, [5])]
    """
    ends, done = np.cumsum(lengths), 0
    for piece in pieces:
        cuts = np.clip(ends - done, 0, len(piece)).tolist()
        for part, (start, end) in enumerate(zip([0, *cuts], cuts, strict=False)):
            if start < end:
                yield part, piece[start:end]
        done += len(piece)


def split_drawn(pieces: Iterable[Ints], end: str, fractions: Sequence[float], rng_seed: int) -> Dealt:
    """Each line, or document, goes to validation or to the test with some probability.

    The draw is a keyed hash of the line itself, so equal lines never stand in two parts.

    Args:
        pieces: code points; the last ones end in `end`.
        end: what ends a line, or a document.
        fractions: the probabilities of validation and test.
        rng_seed: the key.
    """
    key = rng_seed.to_bytes(8, "little")
    thresholds = [int(below * 2**64) for below in np.cumsum(fractions).tolist()]

    def drawn(line: Ints) -> int:
        hashed = hashlib.blake2b(digest_size=8, key=key)
        for start in range(0, len(line), HASHED_AT_ONCE):
            hashed.update(line[start : start + HASHED_AT_ONCE].astype("<u4").data)
        at = bisect.bisect_right(thresholds, int.from_bytes(hashed.digest(), "little"))
        return (at + 1) % (len(thresholds) + 1)

    for lines in whole_lines(pieces, end):
        ends = np.flatnonzero(lines == ord(end)) + 1
        starts = np.concatenate(([0], ends[:-1]))
        parts = np.fromiter((drawn(lines[a:b]) for a, b in zip(starts, ends, strict=True)), np.int8, len(ends))
        if len(ends) == 1:
            # a line as long as a text needs no masks of its length
            yield int(parts[0]), lines
            continue
        part_at = np.repeat(parts, ends - starts)
        for part in np.unique(parts).tolist():
            yield part, lines[part_at == part]


def whole_lines(pieces: Iterable[Ints], end: str) -> Iterator[Ints]:
    """The same code points, cut after `end` only; the last piece must end in it."""
    held: list[Ints] = []
    for piece in pieces:
        ends = np.flatnonzero(piece == ord(end))
        if not len(ends):
            held.append(piece)
            continue
        yield np.concatenate([*held, piece[: ends[-1] + 1]])
        held = [piece[ends[-1] + 1 :]]


def assign_files(lengths: list[int], config: PrepareConfig, names: list[str]) -> list[int]:
    """The part of each file: files are drawn at random until they hold the fraction, one at least for each part.

    Raises:
        TextError: there are fewer files than parts.
    """
    fractions = {part: fraction for part, fraction in ((1, config.validation), (2, config.test)) if fraction}
    if fractions and len(lengths) <= len(fractions):
        least = ("two", "three")[len(fractions) - 1]
        raise TextError(
            f"--split files needs {least} files or more, got {', '.join(names)} alone; give a folder, or --split tail"
        )
    parts = [0] * len(lengths)
    left = np.random.default_rng(config.rng_seed).permutation(len(lengths)).tolist()
    for others, (part, fraction) in zip(range(len(fractions), 0, -1), fractions.items(), strict=True):
        drawn = draw_files(left, lengths, fraction * sum(lengths), len(left) - others)
        left = [index for index in left if index not in drawn]
        for index in drawn:
            parts[index] = part
    return parts


def draw_files(order: list[int], lengths: list[int], wanted: float, most: int) -> set[int]:
    """At least one and at most so many files, the first of an order that together come near to a wanted length."""
    drawn: set[int] = set()
    held = 0
    for index in order:
        if drawn and held + lengths[index] / 2 > wanted:
            continue
        drawn.add(index)
        held += lengths[index]
        if len(drawn) == most:
            break
    return drawn

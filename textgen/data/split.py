"""What is held out for validation: the tail of each source, lines or documents drawn at random, or whole files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np

from textgen.config import PrepareConfig
from textgen.errors import TextError
from textgen.runs.arrays import Ints

HASHED_AT_ONCE = 2**20
Dealt = Iterator[tuple[bool, Ints]]
"""Pieces of code points, each with whether it belongs to validation."""


def split_tail(pieces: Iterable[Ints], first: int) -> Dealt:
    """The first characters train, the rest validates.

    >>> [(side, part.tolist()) for side, part in split_tail([np.arange(3), np.arange(3, 5)], 2)]
    [(False, [0, 1]), (True, [2]), (False, []), (True, [3, 4])]
    """
    for piece in pieces:
        cut = min(first, len(piece))
        first -= cut
        yield False, piece[:cut]
        yield True, piece[cut:]


def split_drawn(pieces: Iterable[Ints], end: str, fraction: float, rng_seed: int) -> Dealt:
    """Each line, or document, goes to validation with a probability.

    The draw is a keyed hash of the line itself, so equal lines never stand on both sides.

    Args:
        pieces: code points; the last ones end in `end`.
        end: what ends a line, or a document.
        fraction: the probability.
        rng_seed: the key.
    """
    key = rng_seed.to_bytes(8, "little")
    threshold = int(fraction * 2**64)

    def drawn(line: Ints) -> bool:
        hashed = hashlib.blake2b(digest_size=8, key=key)
        for start in range(0, len(line), HASHED_AT_ONCE):
            hashed.update(line[start : start + HASHED_AT_ONCE].astype("<u4").data)
        return int.from_bytes(hashed.digest(), "little") < threshold

    for lines in whole_lines(pieces, end):
        ends = np.flatnonzero(lines == ord(end)) + 1
        starts = np.concatenate(([0], ends[:-1]))
        sides = np.fromiter((drawn(lines[a:b]) for a, b in zip(starts, ends, strict=True)), bool, len(ends))
        if len(ends) == 1:
            # a line as long as a text needs no masks of its length
            yield bool(sides[0]), lines
            continue
        held_out = np.repeat(sides, ends - starts)
        yield False, lines[~held_out]
        yield True, lines[held_out]


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


def assign_files(lengths: list[int], config: PrepareConfig, names: list[str]) -> set[int]:
    """The files that validate: drawn at random until they hold the fraction, one at least on each side.

    Raises:
        TextError: there are fewer than two files.
    """
    if not config.validation:
        return set()
    if len(lengths) < 2:
        raise TextError(f"--split files needs two files or more, got {names[0]} alone; give a folder, or --split tail")
    wanted = config.validation * sum(lengths)
    chosen: set[int] = set()
    held = 0
    for index in np.random.default_rng(config.rng_seed).permutation(len(lengths)):
        if chosen and held + lengths[index] / 2 > wanted:
            continue
        chosen.add(int(index))
        held += lengths[index]
        if len(chosen) == len(lengths) - 1:
            break
    return chosen

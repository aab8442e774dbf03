"""Contiguous batches: B streams read side by side, so that state carries from window to window.

The text is taken as a ring. An epoch starts the first stream at a random place and the others at equal
distances from it, so that no two epochs cut the text in the same way. Nothing is shuffled and no list of
windows is built: a batch is B slices of the memory map.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from textgen.errors import CorpusError
from textgen.runs.arrays import Bools, Floats, Ints

PIECE = 2048
"""About how many characters a piece has that is held out of the training part."""
MOST_HELD_OUT = 2**15
LEAST_HELD_OUT = 512
MOST_LOGITS = 2**23
"""Those of all held-out characters together."""


def fit_window(characters: int, batch_size: int, seq_length: int) -> tuple[int, int]:
    """The batch size and window that a text of so many characters can fill, at most those asked for.

    >>> fit_window(1_000_000, 16, 64), fit_window(500, 16, 64), fit_window(10, 16, 64)
    ((16, 64), (7, 64), (1, 9))
    """
    seq_length = min(seq_length, characters - 1)
    return min(batch_size, max(1, characters // seq_length)), seq_length


def carried(window: int, batch_size: int, carry: int) -> Floats:
    """Which streams keep their state into a window: 0 where it starts anew, else 1. (B,) float32.

    A state that always carried would grow past what a fresh one has seen, and the model could not start a
    text from nothing. So at every window some streams start anew, each after `carry` windows.

    >>> [carried(w, 4, 2).tolist() for w in (0, 1, 2)]
    [[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    """
    if window == 0:
        return np.zeros(batch_size, np.float32)
    if not carry:
        return np.ones(batch_size, np.float32)
    stagger = np.arange(batch_size) * carry // batch_size
    kept: Bools = (window + stagger) % carry != 0
    return kept.astype(np.float32)


class Pieces(NamedTuple):
    """Pieces of a text, all of one length, that lie apart from one another."""

    starts: Ints
    length: int

    @property
    def total(self) -> int:
        """The characters of all pieces."""
        return len(self.starts) * self.length

    def rest(self, places: Ints) -> Ints:
        """Places in the text without the pieces, as places in the whole text."""
        before = self.starts - self.length * np.arange(len(self.starts))
        return places + self.length * np.searchsorted(before, places, "right")


NO_PIECES = Pieces(np.empty(0, np.int64), 0)


def held_out_pieces(characters: int, vocabulary_size: int, ngram_order: int) -> Pieces:
    """The pieces of a training part that neither counts nor network learn from, spread evenly.

    Args:
        characters: the length of the training part. None of a short one is held out.
        vocabulary_size: V.
        ngram_order: how far the counts look back; without counts nothing is held out.

    >>> held_out_pieces(1_000_000, 65, 5).starts[:2].tolist(), held_out_pieces(10_000, 65, 5).length
    ([32291, 98958], 0)
    """
    if not ngram_order:
        return NO_PIECES
    total = min(characters // 32, MOST_HELD_OUT, MOST_LOGITS // vocabulary_size)
    if total < LEAST_HELD_OUT:
        return NO_PIECES
    number = max(1, round(total / PIECE))
    length = total // number
    return Pieces((((np.arange(number) + 0.5) * characters / number) - length / 2).astype(np.int64), length)


class Streams:
    """The training batches of a text. A batch depends on (rng_seed, epoch, window) alone.

    Args:
        ids: (N,) the text, a memory map.
        vocabulary_size: every id must be below it.
        batch_size: B.
        seq_length: T, at most N - 1.
        rng_seed: seed of the epochs' starting places.
        held_out: pieces that are left out.
    """

    def __init__(
        self,
        ids: Ints,
        vocabulary_size: int,
        batch_size: int,
        seq_length: int,
        rng_seed: int,
        held_out: Pieces = NO_PIECES,
    ) -> None:
        self.ids = ids
        self.vocabulary_size = vocabulary_size
        self.batch_size = batch_size
        self.seq_length = seq_length
        self.rng_seed = rng_seed
        self.held_out = held_out
        self.characters = len(ids) - held_out.total
        self.windows_per_epoch = self.characters // batch_size // seq_length

    def batch(self, epoch: int, window: int, rows: slice = slice(None)) -> Ints:
        """One window of every stream, or of some of them, and the character after it, (rows, T + 1) int32.

        Raises:
            CorpusError: the text holds an id that the vocabulary does not.
        """
        count = self.characters
        offset = int(np.random.default_rng((self.rng_seed, epoch)).integers(count))
        streams = np.arange(self.batch_size)[rows]
        starts = offset + streams * (count // self.batch_size) + window * self.seq_length
        places = (starts[:, None] + np.arange(self.seq_length + 1)) % count
        batch = self.ids[self.held_out.rest(places)].astype(np.int32)
        if batch.max() >= self.vocabulary_size:
            raise CorpusError("train.npy holds ids beyond the vocabulary; prepare the text again")
        return batch

"""Contiguous batches: B streams read side by side, so that state carries from window to window.

The text is taken as a ring. An epoch starts the first stream at a random place and the others at equal
distances from it, so that no two epochs cut the text in the same way. Nothing is shuffled and no list of
windows is built: a batch is B slices of the memory map.
"""

from __future__ import annotations

import numpy as np

from textgen.errors import CorpusError
from textgen.runs.arrays import Bools, Floats, Ints


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


class Streams:
    """The training batches of a text. A batch depends on (rng_seed, epoch, window) alone.

    Args:
        ids: (N,) the text, a memory map.
        vocabulary_size: every id must be below it.
        batch_size: B.
        seq_length: T, at most N - 1.
        rng_seed: seed of the epochs' starting places.
    """

    def __init__(self, ids: Ints, vocabulary_size: int, batch_size: int, seq_length: int, rng_seed: int) -> None:
        self.ids = ids
        self.vocabulary_size = vocabulary_size
        self.batch_size = batch_size
        self.seq_length = seq_length
        self.rng_seed = rng_seed
        self.windows_per_epoch = len(ids) // batch_size // seq_length

    def batch(self, epoch: int, window: int, rows: slice = slice(None)) -> Ints:
        """One window of every stream, or of some of them, and the character after it, (rows, T + 1) int32.

        Raises:
            CorpusError: the text holds an id that the vocabulary does not.
        """
        count = len(self.ids)
        offset = int(np.random.default_rng((self.rng_seed, epoch)).integers(count))
        distance = count // self.batch_size
        streams = range(self.batch_size)[rows]
        batch = np.empty((len(streams), self.seq_length + 1), np.int32)
        for stream, row in zip(streams, batch, strict=True):
            self._read((offset + stream * distance + window * self.seq_length) % count, row)
        if batch.max() >= self.vocabulary_size:
            raise CorpusError("train.npy holds ids beyond the vocabulary; prepare the text again")
        return batch

    def _read(self, start: int, row: Ints) -> None:
        head = self.ids[start : start + len(row)]
        row[: len(head)] = head
        row[len(head) :] = self.ids[: len(row) - len(head)]

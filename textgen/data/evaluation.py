"""How a text is cut up to measure bits per character: one rule for training and for scoring.

Every character is predicted once, the first one from what stands before a text. A long text is read as several
streams side by side; each of them first reads the characters before its own, uncounted, so that its state is warm.
Where only so many characters are to count, each stream stops early, so that those that do are spread evenly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from textgen.runs.arrays import Floats, Ints

STREAM_LENGTH = 2048
MAX_STREAMS = 64
WARM_UP = 256
WINDOW = 128


def stream_count(length: int) -> int:
    """How many streams read a text of so many characters.

    >>> stream_count(100), stream_count(111_540), stream_count(10**7)
    (1, 55, 64)
    """
    return max(1, min(MAX_STREAMS, -(-length // STREAM_LENGTH)))


def window_count(count: int, most: int = 0) -> int:
    """How many windows `evaluation_windows` has for a text of `count` characters.

    >>> window_count(100), window_count(10**6), window_count(10**6, 64_000)
    (1, 125, 10)
    """
    length = -(-min(count, most or count) // stream_count(count))
    return -(-min(count, length + WARM_UP) // WINDOW)


def counted_characters(count: int, most: int = 0) -> int:
    """How many characters of a text of `count` count in `evaluation_windows`.

    >>> counted_characters(111_540), counted_characters(111_540, 7_000)
    (111540, 7040)
    """
    streams = stream_count(count)
    length, apart = (-(-total // streams) for total in (min(count, most or count), count))
    return sum(min(length, max(0, count - stream * apart)) for stream in range(streams))


def countable_characters(count: int, windows: int) -> int:
    """How many characters of a text count, at most, when so many windows are read; a window of each stream at least.

    >>> countable_characters(10**6, 10), countable_characters(10**6, 0)
    (65536, 8192)
    """
    return min(count, stream_count(count) * max(WINDOW, windows * WINDOW - WARM_UP))


def evaluation_windows(ids: Ints, start: int, most: int = 0) -> Iterator[tuple[Ints, Ints, Floats]]:
    """The windows to run one after another, the state carried from each to the next.

    Args:
        ids: (N,) the text.
        start: the id of what stands before a text, `Vocabulary.start`.
        most: how many characters are to count where the text has more, in each stream equally many from its first
            on, rounded up; 0 is all.

    Yields:
        Inputs, targets (both integers) and weights (float32, 1 where the target counts), (S, WINDOW)
        each, S being `stream_count(N)`.
    """
    count = len(ids)
    streams = stream_count(count)
    length = -(-min(count, most or count) // streams)
    firsts = np.arange(streams)[:, None] * -(-count // streams)
    starts = np.maximum(0, firsts - WARM_UP)
    for offset in range(0, WINDOW * window_count(count, most), WINDOW):
        places = starts + offset + np.arange(WINDOW)
        counted = (places >= firsts) & (places < np.minimum(firsts + length, count))
        places = np.minimum(places, count - 1)
        inputs = np.where(places == 0, start, ids[np.maximum(places - 1, 0)])
        yield inputs.astype(np.int32), ids[places].astype(np.int32), counted.astype(np.float32)

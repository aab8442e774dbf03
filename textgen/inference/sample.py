"""One sample while it is written, and many that grow side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np

from textgen.config import SampleConfig
from textgen.data.vocabulary import DOCUMENT_END
from textgen.inference.sampling import LARGEST_UNIFORM

DRAWS = 256


class Sample:
    """One continuation while it is written.

    Args:
        index: which of the samples of one `rng_seed`; the two together fix every draw.
        seed_text: what it continues.
        ids: the same as ids, what stands before a text included.
        rng_seed: seed of the random generator.
    """

    def __init__(self, index: int, seed_text: str, ids: list[int], rng_seed: int) -> None:
        self.index = index
        self.seed_text = seed_text
        self.rng_seed = rng_seed
        self.held = ""
        """The end of the text, while it may turn out to be the beginning of a stop text."""
        self.ids = ids
        """The text so far as ids, for the rules that look back."""
        self.written = 0
        self.bits = 0.0
        self.ending = ""
        """Why it ended: `length`, `stop`, `line` or `document`; empty while it has not."""
        self._generator = np.random.Generator(np.random.PCG64((rng_seed, index)))
        self._draws: list[float] = []

    def __getstate__(self) -> dict[str, object]:
        """What another process is told of it: all but what is needed to go on."""
        return {name: value for name, value in vars(self).items() if name not in ("ids", "_generator", "_draws")}

    def draw(self) -> float:
        """The next number from [0, LARGEST_UNIFORM]."""
        if not self._draws:
            self._draws = np.minimum(self._generator.random(DRAWS)[::-1], LARGEST_UNIFORM).tolist()
        return self._draws.pop()

    def add(self, character: str, config: SampleConfig) -> str:
        """Append a character, see whether the text has ended, and return what is released."""
        self.written += 1
        if self.written >= config.length:
            self.ending = "length"
        if config.until_line and character == "\n" and self.written > 1:
            self.ending = "line"
        if character == DOCUMENT_END:
            self.ending, character = "document", ""
        return self._release(character, config) if config.stop else character

    def _release(self, character: str, config: SampleConfig) -> str:
        """Hold back what may be the beginning of a stop text, and end at a whole one."""
        text = self.held + character
        found = [(place, stop) for stop in config.stop if (place := text.find(stop)) >= 0]
        if found:
            place, stop = min(found)
            self.ending = "stop"
            text = text[: place + len(stop) * config.keep_stop]
        held = 0 if self.ending else possible_beginning(text, config.stop)
        self.held = text[len(text) - held :]
        return text[: len(text) - held]

    @property
    def bits_per_character(self) -> float | None:
        """The mean surprise of what was written under the model itself, None where nothing was."""
        return self.bits / self.written if self.written else None


def possible_beginning(text: str, stops: Iterable[str]) -> int:
    """How much of a text's end may be the beginning of a stop text.

    >>> possible_beginning("the en", ["end", "x"])
    2
    """
    lengths = (n for stop in stops for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n]))
    return max(lengths, default=0)


def from_elsewhere(parts: Iterable[list[tuple[Sample, str]]]) -> Iterator[tuple[Sample, str]]:
    """Pieces of samples that another process has written, whose copies of a sample become one again."""
    current = None
    for part in parts:
        for sample, pieces in groupby(part, itemgetter(0)):
            if current is None or sample.index != current.index:
                current = sample
            vars(current).update(vars(sample))
            yield current, "".join(piece for _, piece in pieces)


def in_order(samples: list[Sample], pieces: Iterable[tuple[Sample, str]]) -> Iterator[tuple[Sample, str]]:
    """Pieces of samples that grow side by side, put one sample after another; the first of them streams."""
    waiting: dict[int, str] = {}
    queue = iter(samples)
    current = next(queue)
    yield current, ""
    for sample, piece in pieces:
        if sample is not current:
            waiting[sample.index] = waiting.get(sample.index, "") + piece
            continue
        yield sample, piece
        while current.ending and (following := next(queue, None)):
            current = following
            yield current, ""
            yield current, waiting.pop(current.index, "")
    for sample in queue:
        yield sample, ""

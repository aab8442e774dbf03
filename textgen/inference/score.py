"""How surprising a text is: bits per character under a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from textgen.counts.contexts import KnownTexts, TextContexts
from textgen.counts.copying import Recall, model_says
from textgen.counts.mixture import surprises
from textgen.data.corpus import Corpus
from textgen.data.evaluation import WINDOW, evaluation_windows, stream_count
from textgen.errors import RunError
from textgen.inference.generate import Generator
from textgen.inference.sampling import log_probabilities
from textgen.inference.workers import shared_out, shares
from textgen.machine import number_of
from textgen.runs.arrays import Floats, Ints
from textgen.runs.run import Run

LIKELIEST = 3
LONGEST_TOGETHER = 2**20
"""Characters of a text that one memory reads. In the streams of a longer one, none shorter than 16,384 characters,
memories of their own cost less than 0.005 nats."""
ROWS = 512
"""Lines that are read side by side."""
SHARED = 4096
"""The most lines that a worker gets at once."""
UNSURE = 1e-6
"""Bits by which a line's mean may differ when it is scored beside others; the most that was seen is a tenth of it."""


class CharacterScore(msgspec.Struct):
    """The surprise of one character, and what the model thought likeliest in its place."""

    character: str
    bits: float
    likeliest: list[str]


def corpus_part(run: Run, part: str) -> Ints:
    """The ids (N,) of `train`, `validation` or `test` of the corpus that a run was trained on.

    Raises:
        RunError, CorpusError: the corpus is no longer there, or is another one, or has no such part.
    """
    info = run.load_info()
    corpus = Corpus.load_same(info.corpus, info.corpus_fingerprint, Path(run.name))
    ids: Ints = getattr(corpus, part)
    if not len(ids):
        raise RunError(f"{corpus.path}: has no {part} part; `textgen prepare --{part}` makes one")
    corpus.check_ids(part)
    return ids


def total_bits(model: Generator, ids: Ints) -> float:
    """The bits of a whole text, exactly as training validates: cut into streams that first warm up.

    Args:
        model: a loaded model.
        ids: (N,) the text.
    """
    return mean_bits(model, ids) * len(ids)


def mean_bits(model: Generator, ids: Ints, most: int = 0, told: Callable[[int], object] = lambda count: None) -> float:
    """The bits per character of a text as training validates.

    A memory reads the streams of a text one after another, as one text. Those of a long text each have their own.

    Args:
        model: a loaded model.
        ids: (N,) the text.
        most: how many characters may count, spread evenly over the text; 0 is all.
        told: told the number of characters that counted, now and then.
    """
    nats = count = 0.0
    streams = stream_count(len(ids))
    recall, predictor = model.predictor.recall, model.predictor.remembering(None)
    memories = StreamMemories(recall, streams, apart=len(ids) > LONGEST_TOGETHER) if recall else None
    state = predictor.initial_state(streams, batched=True)
    for inputs, targets, weights in evaluation_windows(ids, model.vocabulary.start, most):
        for column in range(inputs.shape[1]):
            logits = predictor.step(inputs[:, column], state)
            if memories:
                memories.add(logits, targets[:, column], weights[:, column])
            else:
                nats += float(surprises(logits, targets[:, column]) @ weights[:, column])
        count += float(weights.sum())
        told(int(weights.sum()))
    return (memories.nats() if memories else nats) / count / math.log(2)


class StreamMemories:
    """Streams of a text that are predicted side by side and remembered in their order.

    Args:
        recall: how they are remembered.
        streams: S.
        apart: whether each stream has a memory of its own. One memory has to wait until all of them have ended.
    """

    def __init__(self, recall: Recall, streams: int, apart: bool) -> None:
        self.apart = apart
        self.of_word = recall.tokens.mask
        self.copiers = recall.fresh(streams).rows if apart else recall.fresh(1).rows * streams
        self.columns: list[tuple[Ints, Floats, Floats, Floats]] = []
        self.sum = 0.0

    def add(self, logits: Floats, targets: Ints, counted: Floats) -> None:
        """The next column: the model's logits (S, V), and the characters that came (S,), of which some count."""
        self.columns.append((targets, *model_says(logits, targets, self.of_word), counted))
        if self.apart and len(self.columns) == WINDOW:
            self._read()

    def nats(self) -> float:
        """The surprise of all characters that counted, together."""
        self._read()
        return self.sum

    def _read(self) -> None:
        """Read the columns, one stream after another."""
        if not self.columns:
            return
        targets, nats, outside, counted = (np.array(part).T for part in zip(*self.columns, strict=True))
        for stream, copier in enumerate(self.copiers):
            rows = (part[stream][counted[stream] > 0].tolist() for part in (targets, np.exp(-nats), outside))
            for index, chance, others in zip(*rows, strict=True):
                self.sum -= math.log(copier.read(index, chance, others))
        self.columns.clear()


def line_bits(model: Generator, lines: Sequence[str], batched: bool = True) -> Floats:
    """The mean bits per character of each line by itself, its line end included, (len(lines),).

    Every line is read from a fresh state; no result depends on which lines are scored together by more than
    the last digits of a float32.

    Args:
        model: a loaded model.
        lines: lines of known characters, without their line ends.
        batched: whether lines are multiplied together, which is faster; without, not even the last digits depend on
            it.
    """
    lengths = np.array([len(line) + 1 for line in lines])
    means = np.zeros(len(lines))
    order = np.argsort(-lengths, kind="stable")
    for start in range(0, len(lines), ROWS):
        chosen = order[start : start + ROWS]
        means[chosen] = _bits_of_longest_first([lines[i] for i in chosen], model, batched) / lengths[chosen]
    return means


def shared_line_bits(model: Generator, lines: Sequence[str], workers: int) -> Floats:
    """`line_bits` of lines that several processes share.

    Args:
        model, lines: as there.
        workers: the number of processes; 0 is as many as there are cores.

    Raises:
        ConfigError: `workers` is out of range.
        TextgenError: a worker was killed.
    """
    if (count := number_of(workers)) == 1:
        return line_bits(model, lines)
    tasks = ((task,) for task in shares(lines, len(lines), count, SHARED))
    pieces = shared_out(partial(_task_bits, model), tasks, count)
    return np.concatenate([bits for found in pieces for bits in found])


def _task_bits(model: Generator, lines: Sequence[str]) -> Iterator[Floats]:
    """`line_bits`, as a worker does it."""
    yield line_bits(model, lines)


def rounded_line_bits(model: Generator, lines: Sequence[str], digits: int = 4) -> Floats:
    """`line_bits`, rounded, and the same whichever lines are scored together.

    Where the last digits of a float32 could decide how a mean is rounded, its line is scored once more by itself.

    Args:
        model: a loaded model.
        lines: lines of known characters, without their line ends.
        digits: after the point.
    """
    bits, unit = line_bits(model, lines), 10.0**-digits
    unsure = np.flatnonzero(np.abs(bits / unit % 1 - 0.5) * unit < UNSURE).tolist()
    bits[unsure] = line_bits(model, [lines[i] for i in unsure], batched=False)
    return bits.round(digits)


def _bits_of_longest_first(lines: list[str], model: Generator, batched: bool) -> Floats:
    """The bits of lines that come in the order of falling lengths."""
    encoded = model.vocabulary.encode("".join(f"\n{line}\n" for line in lines)).astype(np.int64)
    lengths = np.array([len(line) + 1 for line in lines])
    starts = np.cumsum(lengths + 1) - lengths - 1
    nats = np.zeros(len(lines))
    counts = model.predictor.counts
    known = KnownTexts(TextContexts(counts.contexts, encoded, starts), starts) if counts else None
    state = model.predictor.initial_state(len(lines), batched, known)
    active = len(lines)
    for place in range(lengths[0]):
        still = int(np.searchsorted(-lengths, -place, side="left"))
        if still < active * 3 // 4 or still == 1:
            state, active = state.take(np.arange(still)), still
        rows = np.minimum(starts[:active] + place, len(encoded) - 2)
        logits = model.predictor.step(encoded[rows], state)
        nats[:still] += surprises(logits[:still], encoded[rows[:still] + 1])
    return nats / math.log(2)


def character_scores(model: Generator, pieces: Iterable[str], k: int = LIKELIEST) -> Iterator[CharacterScore]:
    """The surprise of every character of a text that comes in pieces, read as texts start and without a break.

    Args:
        model: a loaded model.
        pieces: text of known characters.
        k: how many of the likeliest characters to tell.
    """
    idx2char = model.vocabulary.idx2char
    logits, state = model.predictor.read([[model.vocabulary.start]])
    for piece in pieces:
        for index in model.vocabulary.encode(piece):
            nats = log_probabilities(logits[0].astype(np.float64))
            best = np.argsort(-nats, kind="stable")[:k]
            yield CharacterScore(idx2char[index], float(-nats[index] / math.log(2)), [idx2char[i] for i in best])
            logits = model.predictor.step(np.array([index]), state)

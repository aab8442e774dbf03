"""Which model that comes with textgen reads a text well enough to begin with."""

from __future__ import annotations

import math
import os
from operator import itemgetter
from pathlib import Path

import numpy as np

from textgen.counts.mixture import surprises
from textgen.data.corpus import Corpus
from textgen.data.vocabulary import Vocabulary
from textgen.inference.generate import Generator
from textgen.runs.arrays import Ints
from textgen.runs.history import load_progress
from textgen.runs.run import Run
from textgen.runs.shipped import MARK, shipped_names

LIMIT = 0.9
"""A text gains by a model that reads it at so much of its entropy at most; docs/experiments.md has the table."""
SAMPLED = 20_000
"""About how many characters of a text are read to find out, at most."""
PIECES = 64
MOST_CHARACTERS = 1_000
"""A model of more characters reads fewer pieces, for each takes longer."""
WARM_UP = 24
"""The first characters of a piece, which are read and not counted."""
UNKNOWN = 16.0
"""What a character costs that the model does not know, in bits."""


def best_beginning(corpus: Corpus) -> tuple[str, float]:
    """The model that comes with textgen that is least surprised by a corpus.

    Args:
        corpus: the text; its training part is looked at.

    Returns:
        Its `@name`, and its bits per character, which are above `limit` where none suits. No name where none comes.
    """
    names = [f"{MARK}{name}" for name in shipped_names("pretrained")]
    bits = {name: bits_before(name, corpus) for name in names}
    return min(bits.items(), key=itemgetter(1), default=("", math.inf))


def limit(corpus: Corpus) -> float:
    """The bits per character up to which a text gains by a model that has read before.

    They are LIMIT of what its characters cost if only their number is known, which is 4 to 5 bits for letters and
    8 to 9 for Chinese. The entropy of few characters is mended (Miller 1955).
    """
    counts = np.array(corpus.info.counts)
    counts = counts[counts > 0]
    total = counts.sum()
    entropy = float(np.log2(total) - (counts * np.log2(counts)).sum() / total)
    return LIMIT * (entropy + (len(counts) - 1) / (2 * math.log(2) * float(total)))


def known_bits(run: str | os.PathLike[str]) -> float | None:
    """The bits per character of a run's network on its own validation part, where it has one."""
    progress = load_progress(Run(Path(run)))
    return progress.best if progress.network is None else progress.network


def bits_before(run: str | os.PathLike[str], corpus: Corpus) -> float:
    """The bits per character of a corpus under a run that has not been trained on it.

    Args:
        run: the run, or `@name`.
        corpus: the text; at most about SAMPLED characters of its training part are read.
    """
    return read_bits(Generator.load(run), corpus.train, corpus.vocabulary)


def read_bits(model: Generator, ids: Ints, vocabulary: Vocabulary) -> float:
    """The bits per character of some characters that lie evenly in a text, under a model of other characters.

    Args:
        model: the model.
        ids: (N,) the text.
        vocabulary: its characters.
    """
    length = min(SAMPLED // PIECES + WARM_UP, len(ids) - 1)
    if length < 1:
        return math.inf
    most = PIECES * MOST_CHARACTERS // max(MOST_CHARACTERS, len(model.vocabulary))
    count = min(most, max(1, len(ids) // length))
    starts = np.linspace(0, len(ids) - length - 1, count).astype(np.int64)
    char2idx, unknown = model.vocabulary.char2idx, len(model.vocabulary)
    table = np.array([char2idx.get(c, unknown) for c in vocabulary.idx2char])
    pieces = table[ids[starts[:, None] + np.arange(length + 1)]]
    warm_up = min(WARM_UP, length - 1)
    state, bits = model.predictor.initial_state(count, batched=True), 0.0
    for column in range(length):
        inputs, targets = pieces[:, column], pieces[:, column + 1]
        logits = model.predictor.step(np.where(inputs < unknown, inputs, model.vocabulary.start), state)
        if column >= warm_up:
            nats = surprises(logits, np.minimum(targets, unknown - 1))
            bits += float(np.where(targets < unknown, nats / math.log(2), UNKNOWN).sum())
    return bits / count / (length - warm_up)

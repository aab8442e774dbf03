"""The counts of a training: what is counted, and how well their mixture with the network does.

Pieces of the training part are kept from both. The weights of the mixture are fitted on them, under counts that have
not seen them. Those counts are then dropped, and the whole training part is counted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from textgen.counts.contexts import Contexts, TextContexts
from textgen.counts.copying import model_says
from textgen.counts.counting import CHARACTERS_PER_SECOND, count, countable, gathered, stretches, without
from textgen.counts.files import MIXTURE, RATES, load_counts, save_counts
from textgen.counts.memory import Tokens
from textgen.counts.mixture import (
    COUNTS_ALONE,
    PRETRAINED_STRENGTH,
    best_between,
    fit,
    mixed,
    said,
    surprises,
    uniform_weights,
    usual_weights,
    weights_beside_pretrained,
)
from textgen.counts.rates import USUAL, Recalled
from textgen.counts.tables import Counts
from textgen.data.corpus import Corpus
from textgen.data.evaluation import WARM_UP, WINDOW, evaluation_windows
from textgen.data.vocabulary import Vocabulary
from textgen.runs.arrays import Floats, Ints
from textgen.runs.run import Run
from textgen.training.engine import Engine
from textgen.training.streams import Pieces, held_out_pieces

SHARE_OF_TIME = 0.05
"""How much of the time each of the two counts may take."""
KEPT_BYTES = 2**28
"""Log-probabilities of the counts that are kept; more than these are worked out anew at each validation."""


class Losses(NamedTuple):
    """Nats per character of a text."""

    mixture: float
    network: float


class Passages:
    """Texts side by side, which the network reads in windows, and what the counts say of them.

    Args:
        counts: the counts.
        inputs, targets: (S, T) ids.
        counted: (S, T) float32, 1 where a target counts.
    """

    def __init__(self, counts: Counts, inputs: Ints, targets: Ints, counted: Floats) -> None:
        more = ((0, 0), (0, -inputs.shape[1] % WINDOW))
        self.inputs, self.targets, self.counted = np.pad(inputs, more), np.pad(targets, more), np.pad(counted, more)
        self.counts = counts
        # a place after each text: what follows its last input
        self.length = self.inputs.shape[1] + 1
        texts = np.pad(self.inputs, ((0, 0), (0, 1))).ravel()
        self.contexts = TextContexts(counts.contexts, texts, np.arange(0, len(texts), self.length))
        self.kept: dict[int, tuple[Ints, Floats]] | None = {}
        if 4 * self.inputs.size * counts.contexts.size > KEPT_BYTES:
            self.kept = None

    @classmethod
    def of_text(cls, counts: Counts, ids: Ints, start: int, most: int) -> Passages:
        """A text as `evaluation_windows` cuts it up."""
        inputs, targets, counted = zip(*evaluation_windows(ids, start, most), strict=True)
        return cls(counts, np.concatenate(inputs, 1), np.concatenate(targets, 1), np.concatenate(counted, 1))

    @classmethod
    def of_pieces(cls, counts: Counts, ids: Ints, pieces: Pieces) -> Passages:
        """Pieces of a text, each read from some characters before it on."""
        before = min(WARM_UP, int(pieces.starts[0]) - 1)
        places = pieces.starts[:, None] - before + np.arange(before + pieces.length)
        counted = np.zeros(places.shape, np.float32)
        counted[:, before:] = 1
        return cls(counts, ids[places - 1].astype(np.int32), ids[places].astype(np.int32), counted)

    @property
    def pieces(self) -> Ints:
        """The characters that count of pieces of a text, (S, L)."""
        return self.targets[self.counted > 0].reshape(len(self.targets), -1)

    def said(self, start: int) -> tuple[Ints, Floats]:
        """What the counts say in the window from a column on: gates (WINDOW * S,), log-probabilities (.., V)."""
        if self.kept is not None and start in self.kept:
            return self.kept[start]
        columns = np.arange(start + 1, start + 1 + WINDOW)[:, None]
        places = (columns + np.arange(len(self.inputs)) * self.length).ravel()
        gate, shares = said(self.counts, self.contexts.keys(places), self.contexts.places(places))
        found = gate, shares.astype(np.float32)
        if self.kept is not None:
            self.kept[start] = found
        return found

    def targets_at(self, start: int) -> tuple[Ints, Floats]:
        """The targets of a window and whether they count, (WINDOW * S,)."""
        columns = slice(start, start + WINDOW)
        return self.targets[:, columns].T.ravel(), self.counted[:, columns].T.ravel()

    def losses(self, engine: Engine, weights: Floats) -> Losses:
        """The mean losses of the mixture under some weights, and of the network alone."""
        sums = np.zeros(2)
        for start, logits in engine.windows(self.inputs):
            targets, counted = self.targets_at(start)
            gate, said = self.said(start)
            sums += [surprises(found, targets) @ counted for found in (mixed(weights, gate, (said, logits)), logits)]
        return Losses(*(sums / self.counted.sum()).tolist())

    def fitted(self, engine: Engine, recalled: Recalled, pretrained: Floats | None) -> tuple[Floats, Floats]:
        """What suits the network as it is now: the weights of the mixture, and the rates of a memory beside it.

        The weights are drawn towards the usual ones, or where the network had read before, towards what fits best
        between those and the ones that are usual then (G, 2).
        """
        parts = []
        for start, logits in engine.windows(self.inputs):
            targets, counted = self.targets_at(start)
            parts.append([part[counted > 0] for part in (*self.said(start), logits, targets)])
        gates, said, logits, targets = (np.concatenate(part) for part in zip(*parts, strict=True))
        centre, strength = usual_weights(self.counts.contexts.levels), 1.0
        if pretrained is not None:
            centre = best_between(gates, (said, logits), targets, pretrained, centre)
            strength = PRETRAINED_STRENGTH
        weights = fit(gates, (said, logits), targets, centre, strength)
        nats, outside = model_says(mixed(weights, gates, (said, logits)), targets, recalled.tokens.mask)
        # windows are time-major, memories read piece by piece
        rates = recalled.rates(*(part.reshape(-1, len(self.inputs)).T for part in (nats, outside)))
        return weights, rates.astype(np.float32)


class Mixing:
    """The counts of a training and their weights beside the network.

    Args:
        counts: of the training part.
        characters: how many of its characters were counted.
        held_out: the pieces to fit the weights on, under counts that lack them; None where the text is too short.
        vocabulary: of the text.
        pretrained: whether the network had read before it read this text.
    """

    def __init__(
        self, counts: Counts, characters: int, held_out: Passages | None, vocabulary: Vocabulary, pretrained: bool
    ) -> None:
        levels = counts.contexts.levels
        self.pretrained = weights_beside_pretrained(levels, characters) if pretrained else None
        """What usually fits beside a network that had read before; None beside others."""
        self.counts = counts
        self.characters = characters
        self.held_out = held_out
        self.validation: tuple[int, Passages] | None = None
        """The validation part, and how many of its characters count."""
        self.weights = uniform_weights(levels, COUNTS_ALONE) if self.pretrained is None else self.pretrained
        """(G, 2) float32."""
        self.recalled = Recalled(Tokens(vocabulary), held_out.pieces) if held_out else None
        self.rates = USUAL.astype(np.float32)
        """(GATES,) how often a token would be copied from a memory."""

    @classmethod
    def count(
        cls, corpus: Corpus, order: int, minutes: float | None, note: Callable[[str], None], pretrained: bool
    ) -> Mixing:
        """Count a corpus at the beginning of a training.

        Args:
            corpus: the text.
            order: how many runs the counts look back.
            minutes: how long the training takes; None where no clock ends it.
            note: told what was counted.
            pretrained: whether the network had read before it read this text.
        """
        began = time.monotonic()
        characters = countable(len(corpus.train), SHARE_OF_TIME * 60 * minutes if minutes else math.inf)
        if characters > CHARACTERS_PER_SECOND:
            note(f"counting {characters:,} characters")
        contexts = Contexts(corpus.vocabulary, order)
        held_out = count_held_out(corpus, contexts, characters)
        counts = count(contexts, gathered(corpus.train, stretches(len(corpus.train), characters)))
        of = f" of {len(corpus.train):,}" if characters < len(corpus.train) else ""
        note(f"counted {characters:,}{of} characters in {time.monotonic() - began:.1f} s")
        return cls(counts, characters, held_out, corpus.vocabulary, pretrained)

    @classmethod
    def load(cls, run: Run, corpus: Corpus, order: int, pretrained: bool) -> Mixing:
        """The counts of a run, which goes on; those of the fit are counted again."""
        counts, characters = load_counts(run, corpus.vocabulary, order)
        held_out = count_held_out(corpus, counts.contexts, characters)
        return cls(counts, characters, held_out, corpus.vocabulary, pretrained)

    def tensors(self) -> dict[str, Floats]:
        """What a checkpoint holds of the mixture and of a memory beside it."""
        return {MIXTURE: self.weights, RATES: self.rates}

    def restore(self, tensors: dict[str, Floats]) -> None:
        """Take what a checkpoint held."""
        self.weights, self.rates = tensors[MIXTURE], tensors.get(RATES, self.rates)

    def save(self, run: Run) -> None:
        """Write the counts into a run."""
        save_counts(run, self.counts, self.characters)

    def fit(self, engine: Engine) -> None:
        """Fit the weights to the network as it is now."""
        if self.held_out and self.recalled:
            self.weights, self.rates = self.held_out.fitted(engine, self.recalled, self.pretrained)
        else:
            usual = usual_weights(self.counts.contexts.levels)
            self.weights = usual if self.pretrained is None else self.pretrained

    def losses(self, engine: Engine, ids: Ints, start: int, most: int) -> Losses:
        """The losses on the validation part; `start` and `most` as in `evaluation_windows`."""
        if self.validation is None or self.validation[0] != most:
            self.validation = most, Passages.of_text(self.counts, ids, start, most)
        return self.validation[1].losses(engine, self.weights)


def count_held_out(corpus: Corpus, contexts: Contexts, characters: int) -> Passages | None:
    """The pieces to fit on, under counts of so many characters that lack them."""
    pieces = held_out_pieces(len(corpus.train), contexts.size, contexts.order)
    if not pieces.total:
        return None
    rest = without(stretches(len(corpus.train), characters), pieces.starts, pieces.length)
    return Passages.of_pieces(count(contexts, gathered(corpus.train, rest)), corpus.train, pieces)

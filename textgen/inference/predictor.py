"""What comes next in a text: one interface to a network, alone or mixed with counts, with or without a memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from textgen.config import PRECISIONS, ModelConfig
from textgen.counts.contexts import KnownTexts, Readers
from textgen.counts.copying import Copiers, Recall
from textgen.counts.files import MIXTURE, RATES, load_counts, mixture_specs, rates_specs
from textgen.counts.mixture import mixed, said
from textgen.counts.rates import USUAL
from textgen.counts.tables import Counts
from textgen.data.vocabulary import Vocabulary
from textgen.errors import ConfigError, RunError
from textgen.inference.network import Network
from textgen.runs.arrays import Floats, Ints
from textgen.runs.run import Run, best_of
from textgen.runs.weights import load_tensors, weight_specs

Telling = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Given how many characters there are to read, what to call with how many have been read since the last call."""
TOLD_EVERY = 1024
"""Characters."""


class Stepping(Protocol):
    """What a predictor asks of a network; what `initial_state` gives is handed back to the others."""

    def initial_state(self, batch_size: int, batched: bool = False) -> Any:
        """See `Network.initial_state`."""

    def step(self, ids: Ints, state: Any) -> Floats:
        """See `Network.step`."""

    def move(self, ids: Ints, state: Any) -> object:
        """See `Network.move`."""


class PredictorState:
    """What a predictor knows of B texts: the network's state, where their contexts stand, and their memories."""

    def __init__(self, network: Any, texts: Readers | KnownTexts | None, copiers: Copiers | None = None) -> None:
        self.network = network
        self.texts = texts
        self.copiers = copiers

    def take(self, rows: Ints | list[int]) -> PredictorState:
        """A state of some rows, in any order, each as often as it is named."""
        copiers = None if self.copiers is None else self.copiers.take(rows)
        return PredictorState(self.network.take(rows), self.texts and self.texts.take(rows), copiers)

    @classmethod
    def merged(cls, states: Sequence[PredictorState]) -> PredictorState:
        """The texts of several in one."""
        texts = [state.texts for state in states if isinstance(state.texts, Readers)]
        copiers = [state.copiers for state in states if state.copiers is not None]
        network = type(states[0].network).merged([state.network for state in states])
        return cls(network, Readers.merged(texts) if texts else None, Copiers.merged(copiers) if copiers else None)


class Predictor:
    """Logits of the next character.

    Args:
        network: the network.
        counts: what is mixed with it; None is nothing.
        weights: (G, E) of the mixture.
        rates: (GATES,) how often a token would be copied from a memory.
        recall: how each text is remembered; None is not.
    """

    def __init__(
        self,
        network: Stepping,
        counts: Counts | None = None,
        weights: Floats | None = None,
        rates: Floats = USUAL,
        recall: Recall | None = None,
    ) -> None:
        self.network = network
        self.counts = counts
        self.weights = weights
        self.rates = rates
        self.recall = recall
        self.telling: Telling = silently
        """Told how `read` gets on with long texts."""

    def __getstate__(self) -> dict[str, object]:
        """What a copy in another process has: that one tells nobody."""
        return {**vars(self), "telling": silently}

    def remembering(self, recall: Recall | None) -> Predictor:
        """The same beside a memory of each text, or without."""
        twin = Predictor(self.network, self.counts, self.weights, self.rates, recall)
        twin.telling = self.telling
        return twin

    def initial_state(
        self, batch_size: int, batched: bool = False, texts: Readers | KnownTexts | None = None
    ) -> PredictorState:
        """The state before any character.

        Args:
            batch_size: B.
            batched: see `State`.
            texts: the contexts of texts that are known already; by default they are made character by character.
        """
        if self.counts and texts is None:
            texts = Readers.fresh(self.counts.contexts, batch_size)
        network = self.network.initial_state(batch_size, batched)
        return PredictorState(network, texts if self.counts else None, self.recall and self.recall.fresh(batch_size))

    def step(self, ids: Ints, state: PredictorState) -> Floats:
        """One character further.

        Args:
            ids: (B,) integers.
            state: of B texts; it is moved on in place.

        Returns:
            The logits of the next character, (B, V), valid until the next step.
        """
        logits = self.network.step(ids, state.network)
        if self.counts is not None and self.weights is not None and state.texts is not None:
            state.texts.add(ids)
            gates, shares = said(self.counts, state.texts.keys(), state.texts.places())
            logits = mixed(self.weights, gates, (shares, logits))
        if state.copiers is not None:
            state.copiers.add(ids)
            logits = state.copiers.mixed(logits)
        return logits

    def read(self, texts: Sequence[Sequence[int]]) -> tuple[Floats, PredictorState]:
        """Read some texts, equal ones once.

        Args:
            texts: the ids of each, one at least.

        Returns:
            The logits (B, V) of what follows each text, and the state after them.
        """
        distinct = {tuple(ids): row for row, ids in enumerate(dict.fromkeys(map(tuple, texts)))}
        logits, states = [], []
        with self.telling(sum(map(len, distinct))) as told:
            for ids in distinct:
                state = self.initial_state(1)
                known = self._needless(ids)
                self._pass(np.array(ids[:known], np.int64), state, told)
                for index in ids[known:]:
                    found = self.step(np.array([index]), state)
                logits.append(found.copy())
                states.append(state)
        rows = [distinct[tuple(ids)] for ids in texts]
        state = PredictorState.merged(states).take(rows)
        if self.recall and not self.recall.written and state.copiers is not None and not state.copiers.close():
            state.copiers = None
        return np.concatenate(logits)[rows], state

    def _needless(self, ids: Sequence[int]) -> int:
        """After how many of the first characters of a text what follows need not be known.

        A memory needs it inside a word that goes on, to tell whether the word is being copied.
        """
        last = len(ids) - 1
        while self.recall and last > 0 and self.recall.tokens.of_word[ids[last]]:
            last -= 1
        return last

    def _pass(self, ids: Ints, state: PredictorState, told: Callable[[int], None]) -> None:
        """Read ids (N,) of one text after which nobody asks what follows: they need neither logits nor counts."""
        for start in range(0, len(ids), TOLD_EVERY):
            part = ids[start : start + TOLD_EVERY]
            for index in range(len(part)):
                self.network.move(part[index : index + 1], state.network)
            if state.texts is not None:
                for index in range(len(part)):
                    state.texts.add(part[index : index + 1])
            if state.copiers is not None:
                for index in range(len(part)):
                    state.copiers.add(part[index : index + 1])
            told(len(part))


@contextlib.contextmanager
def silently(total: int) -> Iterator[Callable[[int], None]]:
    """A `Telling` that tells nobody."""
    yield lambda count: None


def load_predictor(
    run: Run, checkpoint: str, config: ModelConfig, vocabulary: Vocabulary, precision: str = "float32"
) -> Predictor:
    """Read a checkpoint of a run, and its counts if it has them; see `load_weights` for `precision`.

    Raises:
        RunError: something is missing or damaged, or does not fit the run's settings.
    """
    tensors = load_weights(run, checkpoint, config, vocabulary, precision)
    if not config.ngram_order:
        return Predictor(Network(tensors, config))
    counts, _ = load_counts(run, vocabulary, config.ngram_order)
    return Predictor(Network(tensors, config), counts, tensors[MIXTURE], tensors.get(RATES, USUAL).astype(float))


def load_weights(
    run: Run, checkpoint: str, config: ModelConfig, vocabulary: Vocabulary, precision: str = "float32"
) -> dict[str, Floats]:
    """Read the weights of a checkpoint, name to float32 array; those of the mixture and its memory too, if it has them.

    Args:
        run: the run.
        checkpoint: as in `textgen.load`.
        config: the network's shape.
        vocabulary: its characters.
        precision: `float16` rounds the network's weights to what 16 bits can hold.

    Raises:
        RunError: they are missing or damaged, or do not fit the run's settings or the precision.
        ConfigError: there is no such precision.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: {precision!r:.80}; expected {' or '.join(PRECISIONS)}")
    known = run.checkpoints()  # once: a trainer may write the first best meanwhile
    if checkpoint == "best":
        checkpoint = best_of(known)
    if checkpoint not in known:
        raise RunError(f"{run.path}: has no {checkpoint!r} checkpoint; it has: {', '.join(known) or 'none yet'}")
    path, specs = run.weights_path(checkpoint), weight_specs(config, len(vocabulary))
    tensors, _ = load_tensors(run, path, specs | mixture_specs(config), rates_specs(config))
    if RATES in tensors and not 0 < tensors[RATES].min() <= tensors[RATES].max() < 1:
        raise RunError(f"{path}: {RATES} holds values that are no shares")
    if precision != "float32":
        for name in specs:
            if np.abs(tensors[name]).max() > np.finfo(precision).max:
                raise RunError(f"{path}: {name} holds values beyond {precision}; give --precision float32")
            tensors[name] = tensors[name].astype(precision).astype(np.float32)
    return tensors

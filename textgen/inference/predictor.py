"""What comes next in a text: one interface to a network alone, and to a network mixed with counts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

import numpy as np

from textgen.config import ModelConfig
from textgen.counts.contexts import KnownTexts, Readers
from textgen.counts.files import MIXTURE, load_counts, mixture_specs
from textgen.counts.mixture import mixed, said
from textgen.counts.tables import Counts
from textgen.data.vocabulary import Vocabulary
from textgen.errors import RunError
from textgen.inference.network import Network, State
from textgen.runs.arrays import Floats, Ints
from textgen.runs.run import Run, best_of
from textgen.runs.weights import load_tensors, weight_specs

Telling = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Given how many characters there are to read, what to call with how many have been read since the last call."""
TOLD_EVERY = 1024
"""Characters."""


class PredictorState:
    """What a predictor remembers of B texts: the network's state, and where their contexts stand."""

    def __init__(self, network: State, texts: Readers | KnownTexts | None) -> None:
        self.network = network
        self.texts = texts

    def take(self, rows: Ints | list[int]) -> PredictorState:
        """A state of some rows, in any order, each as often as it is named."""
        return PredictorState(self.network.take(rows), self.texts and self.texts.take(rows))


class Predictor:
    """Logits of the next character.

    Args:
        network: the network.
        counts: what is mixed with it; None is nothing.
        weights: (G, E) of the mixture.
    """

    def __init__(self, network: Network, counts: Counts | None = None, weights: Floats | None = None) -> None:
        self.network = network
        self.counts = counts
        self.weights = weights
        self.telling: Telling = silently
        """Told how `read` gets on with long texts."""

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
        return PredictorState(self.network.initial_state(batch_size, batched), texts if self.counts else None)

    def step(self, ids: Ints, state: PredictorState) -> Floats:
        """One character further.

        Args:
            ids: (B,) integers.
            state: of B texts; it is moved on in place.

        Returns:
            The logits of the next character, (B, V), valid until the next step.
        """
        logits = self.network.step(ids, state.network)
        if self.counts is None or self.weights is None or state.texts is None:
            return logits
        state.texts.add(ids)
        gates, shares = said(self.counts, state.texts.keys(), state.texts.places())
        return mixed(self.weights, gates, (shares, logits))

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
                self._pass(np.array(ids[:-1], np.int64), state, told)
                logits.append(self.step(np.array(ids[-1:]), state).copy())
                states.append(state)
        readers = [state.texts for state in states if isinstance(state.texts, Readers)]
        merged = PredictorState(State.merged([s.network for s in states]), Readers.merged(readers) if readers else None)
        rows = [distinct[tuple(ids)] for ids in texts]
        return np.concatenate(logits)[rows], merged.take(rows)

    def _pass(self, ids: Ints, state: PredictorState, told: Callable[[int], None]) -> None:
        """Read ids (N,) of one text after which nobody asks what follows: they need neither logits nor counts."""
        for start in range(0, len(ids), TOLD_EVERY):
            part = ids[start : start + TOLD_EVERY]
            for index in range(len(part)):
                self.network.move(part[index : index + 1], state.network)
            if state.texts is not None:
                for index in range(len(part)):
                    state.texts.add(part[index : index + 1])
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
    return Predictor(Network(tensors, config), counts, tensors[MIXTURE])


def load_weights(
    run: Run, checkpoint: str, config: ModelConfig, vocabulary: Vocabulary, precision: str = "float32"
) -> dict[str, Floats]:
    """Read the weights of a checkpoint, name to float32 array; those of the mixture too, if it is one.

    Args:
        run: the run.
        checkpoint: as in `textgen.load`.
        config: the network's shape.
        vocabulary: its characters.
        precision: `float16` rounds the network's weights to what 16 bits can hold.

    Raises:
        RunError: they are missing or damaged, or do not fit the run's settings or the precision.
    """
    known = run.checkpoints()  # once: a trainer may write the first best meanwhile
    if checkpoint == "best":
        checkpoint = best_of(known)
    if checkpoint not in known:
        raise RunError(f"{run.path}: has no {checkpoint!r} checkpoint; it has: {', '.join(known) or 'none yet'}")
    path, specs = run.weights_path(checkpoint), weight_specs(config, len(vocabulary))
    tensors, _ = load_tensors(run, path, specs | mixture_specs(config))
    if precision != "float32":
        for name in specs:
            if np.abs(tensors[name]).max() > np.finfo(precision).max:
                raise RunError(f"{path}: {name} holds values beyond {precision}; give --precision float32")
            tensors[name] = tensors[name].astype(precision).astype(np.float32)
    return tensors

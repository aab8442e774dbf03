"""Two models that write one text together, by the product of their probabilities.

It is their weighted geometric mean (Heskes 1998, a logarithmic opinion pool). Of the arithmetic mean each character
would come from one of the two, and they would break each other's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from textgen.data.vocabulary import REPLACEMENT, Vocabulary
from textgen.inference.predictor import Predictor, PredictorState
from textgen.inference.sampling import log_probabilities
from textgen.runs.arrays import Floats, Ints


class VoicesState:
    """What two models know of B texts."""

    def __init__(self, states: Sequence[PredictorState], begun: bool = False) -> None:
        self.states = states
        self.begun = begun
        """Whether they have read what stands before a text, to each its own."""

    def take(self, rows: Ints | list[int]) -> VoicesState:
        """A state of some rows, in any order, each as often as it is named."""
        return VoicesState([state.take(rows) for state in self.states], self.begun)

    @classmethod
    def merged(cls, states: Sequence[VoicesState]) -> VoicesState:
        """The texts of several states in one."""
        pairs = zip(*(state.states for state in states), strict=True)
        return cls([PredictorState.merged(pair) for pair in pairs], states[0].begun)


class Voices:
    """Two models, each with its own counts, as if they were one network of the first one's characters.

    The second's are matched by name. Those that it alone knows are never written. A character that the first alone
    knows keeps the probability that it has to the first; the second reads U+FFFD, a space or a line end in its place.

    Args:
        predictors: of the two models.
        vocabularies: theirs.
        share: the weight of the second, 0 to 1.
    """

    def __init__(
        self, predictors: tuple[Predictor, Predictor], vocabularies: tuple[Vocabulary, Vocabulary], share: float
    ) -> None:
        first, second = vocabularies
        known = second.char2idx
        stand_in = next((known[c] for c in (REPLACEMENT, " ") if c in known), known["\n"])
        self.predictors = predictors
        self.table = np.array([known.get(c, stand_in) for c in first.idx2char])
        """The second model's ids of the first one's characters."""
        self.start = second.start
        self.shared = np.array([i for i, c in enumerate(first.idx2char) if c in known])
        self.share = share

    def initial_state(self, batch_size: int, batched: bool = False) -> VoicesState:
        """The state before any character; see `Network.initial_state`."""
        return VoicesState([predictor.initial_state(batch_size, batched) for predictor in self.predictors])

    def step(self, ids: Ints, state: VoicesState) -> Floats:
        """One character further; see `Network.step`. The logits are logarithms of probabilities."""
        first, second = (
            predictor.step(read, own).astype(np.float64) for predictor, read, own in self._readings(ids, state)
        )
        logits: Floats = log_probabilities(first)
        ours = logits.take(self.shared, -1)
        theirs = log_probabilities(second.take(self.table[self.shared], -1))
        both = log_probabilities((1 - self.share) * ours + self.share * theirs)
        logits[:, self.shared] = both + np.logaddexp.reduce(ours, -1, keepdims=True)
        return logits

    def move(self, ids: Ints, state: VoicesState) -> None:
        """As `step`, but for the logits."""
        for predictor, read, own in self._readings(ids, state):
            predictor.network.move(read, own.network)
            if own.texts is not None:
                own.texts.add(read)

    def _readings(self, ids: Ints, state: VoicesState) -> Iterator[tuple[Predictor, Ints, PredictorState]]:
        """What each model reads when the first one's characters are these."""
        others = self.table[ids] if state.begun else np.full(len(ids), self.start)
        state.begun = True
        return zip(self.predictors, (ids, others), state.states, strict=True)

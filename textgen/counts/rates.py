"""How often words are copied from a memory: the usual rates, and those that fit a text."""

from __future__ import annotations

import numpy as np

from textgen.counts.copying import FADING, LEAST
from textgen.counts.memory import END, GATES, Memory, Tokens
from textgen.runs.arrays import Floats, Ints

USUAL = np.array(
    [
        [0.05, 0.06, 0.22, 0.28, 0.28],
        [0.07, 0.05, 0.09, 0.14, 0.25],
        [0.06, 0.09, 0.13, 0.14, 0.13],
        [0.02, 0.11, 0.19, 0.18, 0.31],
        [0.03, 0.07, 0.15, 0.24, 0.35],
    ]
).ravel()
"""How often a token is copied, about, by place and level: the mean over plays, fables, a Chinese text and code."""
STRENGTH = 20.0
"""How strongly a rate is drawn towards the usual one, in tokens."""
ROUNDS = 50
FURTHEST = 50.0
"""No token is held to be more likely by this power of e to the memory than to the model."""


class Recalled:
    """What memories say of some texts, each read from an empty one on: all that does not depend on the model.

    Args:
        tokens: of the vocabulary.
        texts: (S, L) ids.
        fading: over how many characters memories fade.
    """

    def __init__(self, tokens: Tokens, texts: Ints, fading: float = FADING) -> None:
        self.tokens = tokens
        shape = texts.shape
        self.inside, self.begins = np.zeros(shape, bool), np.zeros(shape, bool)
        self.within, self.begun = np.ones(shape), np.ones(shape)
        self.gates = np.zeros(shape, np.int64)
        self.readiness = np.zeros(shape)
        for row, ids in enumerate(texts.tolist()):
            memory = Memory(tokens, fading)
            for place, index in enumerate(ids):
                at = row, place
                of_word = tokens.of_word[index]
                if memory.path is not None:
                    self.inside[at] = True
                    self.within[at] = memory.within.get(index if of_word else END, 0.0)
                if memory.path is None or not of_word:
                    self.begins[at] = True
                    self.begun[at] = memory.begun.get(index, 0.0)
                    self.gates[at] = memory.gate
                    self.readiness[at] = memory.readiness()
                memory.add(index)

    def rates(self, nats: Floats, outside: Floats) -> Floats:
        """How often tokens are copied (GATES,), by expectation maximisation, drawn towards the usual rates.

        Args:
            nats: (S, L) how surprising each character is to the model.
            outside: (S, L) how probable it is to the model that a character comes that is part of no word.
        """
        inside, begins, gates = (part.ravel() for part in (self.inside, self.begins, self.gates))
        tokens = begins.cumsum() - 1
        ended = inside & begins
        outside = np.log(np.maximum(outside.ravel(), LEAST))
        # how likely a token is to the memory, against the model; that it ends is part of it
        of_begun = np.log(np.maximum(self.begun.ravel(), LEAST)) + nats.ravel() + outside * ended
        of_within = np.log(np.maximum(self.within.ravel(), LEAST))
        found = np.bincount(tokens, np.where(begins, of_begun, of_within + nats.ravel()))
        found += np.bincount(tokens[ended] - 1, (of_within - outside)[ended], len(found))
        ratios = np.exp(np.minimum(found, FURTHEST))
        gates, ready = gates[begins], self.readiness.ravel()[begins]
        number = np.bincount(gates, ready, GATES) + STRENGTH
        rates = USUAL
        for _ in range(ROUNDS):
            copied = rates[gates] * ready * ratios
            copied /= copied + 1 - rates[gates] * ready
            rates = (np.bincount(gates, copied, GATES) + STRENGTH * USUAL) / number
        return rates

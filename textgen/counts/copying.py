"""A model of the next character beside a memory of the text.

Where a token begins there is a choice: copy it from the memory, or let the model write it. The choice is not seen (a
latent one, as in Ling et al. 2016); inside a word each character makes one or the other likelier, by Bayes' rule. So a
name that the model has never seen is copied as a whole once its first letters are there, and no word is put together
from two.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from textgen.counts.memory import END, Memory, Tokens
from textgen.runs.arrays import Bools, Floats, Ints

FADING = 1000
"""The characters over which memories fade, unless told otherwise."""
SURE = 1 - 1e-9
"""It is never more certain that a word is being copied."""
LEAST = 1e-200
"""No probability is held to be less."""


class Copier:
    """One text, beside a memory of it.

    Args:
        memory: what it remembers.
        rates: (GATES,) how often a token is copied, by `Memory.gate`.
    """

    __slots__ = ("copied", "memory", "rates")

    def __init__(self, memory: Memory, rates: Sequence[float]) -> None:
        self.memory = memory
        self.rates = rates
        self.copied = 0.0
        """Inside a word, how probable it is that the word is being copied."""

    def copy(self) -> Copier:
        """One that goes on by itself from here."""
        twin = Copier(self.memory.copy(), self.rates)
        twin.copied = self.copied
        return twin

    def follow(self, index: int) -> None:
        """Read a character without knowing how probable it was; the first one stands before the text."""
        if self.memory.last[0] < 0:
            self.memory.last = (index, -1)
        else:
            self.memory.add(index)

    def rate(self) -> float:
        """How probable it is that a token that begins here is copied."""
        return self.rates[self.memory.gate] * self.memory.readiness() if self.memory.begun else 0.0

    def ended(self, outside: float) -> float:
        """How probable it is that a word ends here, which to the model is `outside`."""
        return self.copied * self.memory.within.get(END, 0.0) + (1 - self.copied) * outside

    def read(self, index: int, chance: float, outside: float) -> float:
        """Read a character.

        Args:
            index: the character.
            chance: how probable it is to the model.
            outside: how probable it is to the model that a character comes that is part of no word.

        Returns:
            How probable the character was to both together.
        """
        memory = self.memory
        of_word, inside = memory.tokens.of_word[index], memory.path is not None
        if of_word and inside:
            copied = self.copied * memory.within.get(index, 0.0)
            found = copied + (1 - self.copied) * chance
        else:
            before, among = (self.ended(outside), outside) if inside else (1.0, 1.0)
            rate = self.rate()
            copied = before * rate * memory.begun.get(index, 0.0)
            found = copied + before * (1 - rate) * chance / among
        found = max(found, LEAST)
        self.copied = min(copied / found, SURE) if of_word else 0.0
        memory.add(index)
        return found

    def changes(self, outside: float) -> tuple[float, float, dict[int, float]]:
        """What the memory makes of the model's probabilities.

        Returns:
            Factors for those of characters of a word and for those of all others, and what is then added to some.
        """
        memory, rate = self.memory, self.rate()
        if memory.path is None:
            return 1 - rate, 1 - rate, {index: rate * share for index, share in memory.begun.items()}
        ended = self.ended(outside)
        added = {index: self.copied * share for index, share in memory.within.items() if index != END}
        added |= {index: ended * rate * share for index, share in memory.begun.items()}
        return 1 - self.copied, ended * (1 - rate) / outside, added


class Recall(NamedTuple):
    """How texts are remembered.

    Args:
        tokens: of the vocabulary.
        rates: (GATES,) how often a token is copied.
        fading: over how many characters memories fade.
        temperature: applies to the model's probabilities and to the choice, which above 1 is left alone, but not to the
            memory's probabilities: a memory that is sharpened runs in circles.
        written: whether what a model writes is remembered too, or only what it has read before.
    """

    tokens: Tokens
    rates: Floats
    fading: float = FADING
    temperature: float = 1.0
    written: bool = True

    def fresh(self, count: int) -> Copiers:
        """So many texts that have not begun."""
        with np.errstate(over="ignore"):
            rates = (1 / (1 + (1 / self.rates - 1) ** max(1.0, 1 / self.temperature))).tolist()
        rows = [Copier(Memory(self.tokens, self.fading), rates) for _ in range(count)]
        return Copiers(rows, self.tokens.mask, self.temperature)


class Copiers:
    """B texts side by side, each with its own memory.

    Args:
        rows: one for each text.
        of_word: (V,) which characters are part of words.
        temperature: see `Recall`.
    """

    def __init__(self, rows: list[Copier], of_word: Bools, temperature: float) -> None:
        self.rows = rows
        self.of_word = of_word
        self.temperature = temperature
        self.logits: Floats | None = None
        """(B, V) the model's, of the next characters."""
        self.chances: Floats | None = None
        """(B, V) the model's probabilities of the next characters, float64."""
        self.outside: Floats | None = None
        """(B,) how much of them the characters have that are part of no word."""

    def take(self, rows: Ints | list[int]) -> Copiers:
        """Some rows, in any order, each as often as it is named."""
        taken = Copiers([self.rows[row].copy() for row in rows], self.of_word, self.temperature)
        if self.logits is not None and self.chances is not None and self.outside is not None:
            taken.logits, taken.chances, taken.outside = self.logits[rows], self.chances[rows], self.outside[rows]
        return taken

    @classmethod
    def merged(cls, parts: Sequence[Copiers]) -> Copiers:
        """The texts of several in one."""
        merged = cls([row for part in parts for row in part.rows], parts[0].of_word, parts[0].temperature)
        for name in ("logits", "chances", "outside"):
            setattr(merged, name, np.concatenate([getattr(part, name) for part in parts]))
        return merged

    def close(self) -> bool:
        """Remember nothing more. Returns whether there is anything to remember."""
        for row in self.rows:
            row.memory.closed = True
        return any(row.memory.table for row in self.rows)

    def add(self, ids: Ints) -> None:
        """Read the next character (B,) of each text."""
        if self.chances is None or self.outside is None:
            for row, index in zip(self.rows, ids.tolist(), strict=True):
                row.follow(index)
            return
        chances = self.chances[np.arange(len(ids)), ids].tolist()
        for row, index, chance, outside in zip(self.rows, ids.tolist(), chances, self.outside.tolist(), strict=True):
            row.read(index, chance, outside)

    def mixed(self, logits: Floats) -> Floats:
        """The logits (B, V) of the next characters that have the probabilities of both at the temperature.

        Args:
            logits: (B, V) the model's.
        """
        self.logits = logits.astype(np.float64)
        chances = np.exp((self.logits - self.logits.max(-1, keepdims=True)) / self.temperature)
        chances /= chances.sum(-1, keepdims=True)
        self.chances, self.outside = chances, np.maximum((chances * ~self.of_word).sum(-1), LEAST)
        together = self.logits.copy()
        changes = [copier.changes(outside) for copier, outside in zip(self.rows, self.outside.tolist(), strict=True)]
        rows = [row for row, (_, _, added) in enumerate(changes) if added]
        if rows:
            of_word, others, added = zip(*(changes[row] for row in rows), strict=True)
            mixture = chances[rows] * np.where(self.of_word, np.array(of_word)[:, None], np.array(others)[:, None])
            at = np.repeat(np.arange(len(rows)), list(map(len, added))), list(chain.from_iterable(added))
            mixture[at] += list(chain.from_iterable(shares.values() for shares in added))
            together[rows] = np.log(np.maximum(mixture, LEAST)) * self.temperature
        return together


def model_says(logits: Floats, targets: Ints, of_word: Bools) -> tuple[Floats, Floats]:
    """How surprising characters (N,) are to a model, in nats, and how probable any that is part of no word is to it.

    Args:
        logits: (N, V) the model's.
        targets: (N,) the characters that came.
        of_word: (V,) which characters are part of words.
    """
    shares = logits - logits.max(-1, keepdims=True)
    at = shares[np.arange(len(targets)), targets]
    np.exp(shares, out=shares)
    sums = shares.sum(-1, dtype=np.float64)
    return np.log(sums) - at, np.maximum(shares[:, ~of_word].sum(-1, dtype=np.float64) / sums, LEAST)

"""A memory of one text: which words stood in it, and after what.

A cache model (Kuhn and De Mori 1990) over tokens. A token is a word, or a single character outside of words. A context
is the last tokens and the word so far. What followed it counts once, by how long ago that last was: after N characters
e times less. Seven tenths of the probability go to what followed the context, the rest to the next shorter one.

Inside a word a memory says two things: how the word goes on, or that it ends (END); and what follows if it ends here.
"""

from __future__ import annotations

import math
import unicodedata

import numpy as np

from textgen.counts.contexts import INCREMENT, MASK, MULTIPLIER, is_of_word, mix
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary

LEVELS = 5
"""Contexts of a token: the last 0 to 4 tokens; after a word, the last 1 to 5."""
PLACES = 5
"""Where a token can begin: at a blank line or a text's start, in a new line, after a space, after a word, elsewhere."""
GATES = PLACES * LEVELS
"""A place, and the longest context that the memory has seen before."""
END = -1
DISCOUNT = 0.3
"""The share that a context leaves to the next shorter one."""
LIFETIME = 6.0
"""What has faded by this power of e is dropped."""
FEW = 40.0
"""A memory of so many tokens is half as ready to give a word that no word before it asks for as one of many."""
LARGEST_ID = 0x10FFFF
"""A token of one character is an id; those of words are hashes, and larger."""
BEGINNING, AFTER_WORD = 1, 2**32
"""Where chains of contexts begin. The second is larger than any id: the end of a word is not one letter more of it."""

Successors = dict[int, float]
"""What follows a context, ids or END, with their weights or probabilities."""


def is_of_token(character: str) -> bool:
    """Whether a character makes words with its neighbours: of letters, marks, digits, ' and _ those that are not wide.

    Each Chinese or Japanese character is a token by itself: there are no spaces to tell the words.

    >>> [is_of_token(c) for c in "aé7'_ 我カ-"]
    [True, True, True, True, True, False, False, False, False]
    """
    return is_of_word(character) and unicodedata.east_asian_width(character) not in "WF"


class Tokens:
    """What a memory has to know of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.of_word = [is_of_token(c) for c in vocabulary.idx2char]
        self.mask = np.array(self.of_word)
        """(V,) the same as an array."""
        self.line_end = vocabulary.char2idx["\n"]
        self.space = vocabulary.char2idx.get(" ", -1)
        self.document_end = vocabulary.char2idx.get(DOCUMENT_END, -1)

    def place(self, last: int, before: int) -> int:
        """Where a token begins that follows two ids, -1 for none; from 0 to PLACES - 1."""
        if last in (-1, self.document_end) or (last == self.line_end and before in (-1, last, self.document_end)):
            return 0
        if last == self.line_end:
            return 1
        if last == self.space:
            return 2
        return 3 if self.of_word[last] else 4


class Memory:
    """The memory of a text that is read character by character.

    Args:
        tokens: of its vocabulary.
        fading: over how many characters what was read fades to 1/e of its weight.
    """

    __slots__ = (
        *("before", "begun", "clock", "closed", "fading", "gate", "held"),
        *("last", "path", "starts", "table", "tokens", "within"),
    )

    def __init__(self, tokens: Tokens, fading: float) -> None:
        self.tokens = tokens
        self.fading = fading
        self.table: dict[int, Successors] = {}
        """For each context its successors, with their weights."""
        self.closed = False
        """Whether nothing more is remembered; then nothing fades."""
        self.clock = 0
        """Characters since all weights were last scaled. What is read now weighs e**(clock / fading)."""
        self.held = 0
        """The tokens that have been read."""
        self.last = (-1, -1)
        self.before: tuple[int, ...] = ()
        """The last whole tokens, the newest first, at most LEVELS - 1."""
        self.path: list[int] | None = None
        """Inside a word its contexts, each with the word so far; from the shortest."""
        self.starts: list[int] = [BEGINNING]
        """The contexts of a token that begins here."""
        self.within: Successors = {}
        """Inside a word, how it goes on. Empty where the memory has not seen it."""
        self.begun: Successors = {}
        """With which character a token begins here, should one begin. Empty where the memory does not know."""
        self.gate = 0
        """Where a token begins here, and the longest context of `begun`; from 0 to GATES - 1."""

    def copy(self) -> Memory:
        """A memory that goes on by itself from here."""
        twin = object.__new__(Memory)
        for name in Memory.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.table = self.table.copy()
        return twin

    def readiness(self) -> float:
        """How ready it is to give a token here, above 0 up to 1, by how much it holds.

        Where the context has no word, a memory of few words would give these few at every turn.
        """
        level = self.gate % LEVELS
        if self.path is not None or any(token > LARGEST_ID for token in self.before[:level]):
            return 1.0
        return self.held / (self.held + FEW)

    def add(self, index: int) -> None:
        """Read a character."""
        of_word, path = self.tokens.of_word[index], self.path
        if not self.closed:
            self._remember(index if of_word else END, index)
        if of_word:
            self.path = []
            for key in path or self.starts:
                mixed = ((key ^ index) + INCREMENT) * MULTIPLIER & MASK
                self.path.append(mixed ^ (mixed >> 29))
        else:
            ended = path[:1] if path else []
            self.before = (index, *ended, *self.before)[: LEVELS - 1]
            self.path = None
        self.last = (index, self.last[0])
        self._recall()

    def _remember(self, goes_on: int, index: int) -> None:
        """Count a character, and how the word goes on with it if there is one."""
        if self.path is not None:
            self._count(self.path, goes_on)
        if self.path is None or goes_on == END:
            self._count(self.starts, index)
            self.held += 1
        self.clock += 1
        if self.clock > LIFETIME * self.fading:
            self._forget()

    def _recall(self) -> None:
        """What the memory says of the next character."""
        if self.path is None:
            self.within = {}
            key = BEGINNING
        else:
            self.within, _ = self._successors(self.path)
            key = mix(AFTER_WORD, self.path[0])
        self.starts = [key]
        for token in self.before:
            # `mix`, without a call: this is where the time goes
            key = ((key ^ token) + INCREMENT) * MULTIPLIER & MASK
            key ^= key >> 29
            self.starts.append(key)
        self.begun, level = self._successors(self.starts)
        self.gate = self.tokens.place(*self.last) * LEVELS + max(level, 0)

    def _successors(self, keys: list[int]) -> tuple[Successors, int]:
        """What follows contexts, from the shortest to the longest, and the last of them that is known, -1 for none."""
        nodes = []
        for key in keys:
            node = self.table.get(key)
            if node is None:
                break
            nodes.append(node)
        found: Successors = {}
        left = 1.0
        for level in range(len(nodes) - 1, -1, -1):
            node = nodes[level]
            share = left * (1 - DISCOUNT) if level else left
            left *= DISCOUNT
            if len(node) == 1:
                (index,) = node
                found[index] = found.get(index, 0.0) + share
                continue
            share /= sum(node.values())
            for index, weight in node.items():
                found[index] = found.get(index, 0.0) + weight * share
        return found, len(nodes) - 1

    def _count(self, keys: list[int], index: int) -> None:
        """A character, or END, has followed contexts."""
        now = math.exp(self.clock / self.fading)
        for key in keys:
            node = self.table.get(key)
            if node is None:
                # longer contexts wait until this one comes again
                self.table[key] = {index: now}
                break
            # a new one: copies of the memory share the old one
            self.table[key] = {**node, index: now}

    def _forget(self) -> None:
        """Scale all weights, so that none grows beyond a float, and drop those that have faded."""
        # half a character more: so no rounding decides what is dropped
        scale, least = math.exp(-self.clock / self.fading), math.exp(-LIFETIME - 0.5 / self.fading)
        scaled = (
            (key, {index: weight * scale for index, weight in node.items() if weight * scale >= least})
            for key, node in self.table.items()
        )
        self.table = {key: node for key, node in scaled if node}
        self.clock = 0

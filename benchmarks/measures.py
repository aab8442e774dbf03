"""Figures of pieces of text, and the passages that they share with another text."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable

WORD = re.compile(r"\w+(?:['’]\w+)*")
LONG_WORD = re.compile(r"[^\W\d]{4,}")
SPEAKER = re.compile(r"^([^\W\d_a-z][^\n:]{0,40}):$", re.M)
BRACKETS = {")": "(", "]": "[", "}": "{"}
NGRAM = 20


def whole_words(text: str) -> list[str]:
    """The words of a piece of text in lower case, without those that may be cut at its ends.

    >>> whole_words("ome old dog's bone, he s")
    ['old', "dog's", 'bone', 'he']
    """
    return [m.group().lower() for m in WORD.finditer(text) if m.start() > 0 and m.end() < len(text)]


def known_words(text: str, known: set[str]) -> float:
    """The share of the words of a text that are known; NaN without words.

    >>> known_words("the old dug was old.", {"old", "was"})
    0.75
    """
    words = whole_words(text)
    return sum(word in known for word in words) / len(words) if words else math.nan


def repeated(text: str) -> float:
    """The share of 20-grams that stood in a text before.

    >>> repeated("abcdefghijklmnopqrstuvwxyz"), repeated("a" * 24)
    (0.0, 0.8)
    """
    grams = [text[i : i + NGRAM] for i in range(len(text) - NGRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else math.nan


def zlib_ratio(text: str) -> float:
    """The size of a text compressed, as a share of its size.

    >>> zlib_ratio("a" * 100)
    0.12
    """
    data = text.encode()
    return len(zlib.compress(data, 9)) / len(data)


def speakers(text: str) -> float:
    """How many different names stand in lines that are a name and a colon, for each such line; NaN without any.

    >>> speakers("ROMEO:\\nAh!\\n\\nJULIET:\\nOh: no\\n\\nROMEO:\\nYes.\\n\\nJULIET:\\n")
    0.5
    """
    names = SPEAKER.findall(text)
    return len(set(names)) / len(names) if names else math.nan


def used_again(text: str) -> float:
    """The share of words of four letters or more that stood in a text before; NaN without any.

    >>> used_again("self.name = name, or some_name")
    0.25
    """
    words = LONG_WORD.findall(text)
    return 1 - len(set(words)) / len(words) if words else math.nan


def closed(text: str) -> float:
    """The share of opening brackets that are closed; NaN without any. Brackets left open inside others stay open.

    >>> closed("f(a[1], {b)"), closed("a) (b]")
    (0.6666666666666666, 0.0)
    """
    opened: list[str] = []
    count = done = 0
    for character in text:
        if character in BRACKETS.values():
            opened.append(character)
            count += 1
        elif (opening := BRACKETS.get(character)) in opened:
            while opened.pop() != opening:
                pass
            done += 1
    return done / count if count else math.nan


class Automaton:
    """The suffix automaton of some texts, each of its states some of their substrings (Blumer et al. 1985).

    Args:
        texts: the texts; they are joined by what no text contains.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.steps: list[dict[str | int, int]] = [{}]
        self.links, self.lengths = [-1], [0]
        self.ends: list[list[int]] = []
        """For each text the states after its characters."""
        last = 0
        for number, text in enumerate(texts):
            ends = []
            for character in (*text, number):
                last = self._add(character, last)
                ends.append(last)
            self.ends.append(ends[:-1])

    def _state(self, steps: dict[str | int, int], link: int, length: int) -> int:
        self.steps.append(steps)
        self.links.append(link)
        self.lengths.append(length)
        return len(self.steps) - 1

    def _add(self, character: str | int, last: int) -> int:
        """Go on by a character from the state of all that came before."""
        new = self._state({}, 0, self.lengths[last] + 1)
        while last >= 0 and character not in self.steps[last]:
            self.steps[last][character] = new
            last = self.links[last]
        if last < 0:
            return new
        there = self.steps[last][character]
        if self.lengths[there] > self.lengths[last] + 1:
            longer = there
            there = self._state(self.steps[longer].copy(), self.links[longer], self.lengths[last] + 1)
            self.links[longer] = there
            while last >= 0 and self.steps[last].get(character) == longer:
                self.steps[last][character] = there
                last = self.links[last]
        self.links[new] = there
        return new

    def longest_found(self, text: str) -> list[int]:
        """For each of the texts, how long the longest passage is that it has in common with another one.

        >>> Automaton(["the cat sat", "a dog", "xyz"]).longest_found("a hat sat on a dogma")
        [6, 5, 0]
        """
        steps, links, lengths = self.steps, self.links, self.lengths
        found = [0] * len(steps)
        state = length = 0
        for character in text:
            while state and character not in steps[state]:
                state = links[state]
                length = lengths[state]
            if character in steps[state]:
                state = steps[state][character]
                length += 1
                if length > found[state]:  # noqa: PLR1730 - this line runs for every character of a training part
                    found[state] = length
        by_length = sorted(range(1, len(steps)), key=lengths.__getitem__)
        for at in reversed(by_length):
            # whoever finds a passage finds its ends, as whole as they are in the automaton
            if found[at]:
                found[links[at]] = lengths[links[at]]
        for at in by_length:
            found[at] = found[at] or found[links[at]]
        return [max((found[at] for at in ends), default=0) for ends in self.ends]

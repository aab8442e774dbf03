"""What stands before a character, as a chain of contexts from short to long.

A context is a 64-bit hash. The chain begins with nothing at all. Then come the last 1, 2, ... runs of equal characters,
each with its length. Then, beside all these runs, the beginning of the word that is being written; then the word before
it; then the two words before it. Each context holds all that the one before it holds.

Runs and not single characters: a model that has seen nothing but five spaces can only go on with spaces.

`TextContexts` hashes a whole text with NumPy, `Reader` reads a text character by character. Both give the same hashes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from textgen.data.vocabulary import DOCUMENT_END, Vocabulary
from textgen.runs.arrays import Bools, Ints

WORD_LEVELS = 3
"""Levels after the runs: the word's beginning, the word before it, the two words before it."""
PLACES = 7
"""Where a character can stand: after a blank line, after a line end, between words, after 1, 2, 3 or 4 of a word."""
LONGEST_RUN = 127
MASK = 2**64 - 1
MULTIPLIER = 0x9E3779B97F4A7C15
INCREMENT = 0x2545F4914F6CDD1D
BASE = 0x5851F42D4C957F2D
"""The base, odd, of the polynomial hash of a word."""
INVERSE = pow(BASE, -1, 2**64)
HASHED_AT_ONCE = 2**18
MANY = 16
"""Texts side by side whose contexts NumPy mixes in less time than Python does."""


def mix(key: int, value: int) -> int:
    """A hash of a hash and a value, both below 2**64."""
    key = ((key ^ value) + INCREMENT) * MULTIPLIER & MASK
    return key ^ (key >> 29)


def mix_arrays(keys: Ints, values: Ints) -> Ints:
    """`mix` of some keys, each with its value, uint64."""
    keys = (keys ^ values) + np.uint64(INCREMENT)
    keys *= np.uint64(MULTIPLIER)
    return keys ^ (keys >> np.uint64(29))


def chained(values: Sequence[Ints] | Ints) -> Ints:
    """The contexts (P, K) that K - 1 values (P,) make, each mixed with all before it, uint64."""
    keys = np.zeros((len(values[0]), len(values) + 1), np.uint64)
    for level, value in enumerate(values):
        keys[:, level + 1] = mix_arrays(keys[:, level], value)
    return keys


def is_of_word(character: str) -> bool:
    """Whether a character is part of a word: letters, marks, digits, the apostrophe and the underscore.

    >>> [is_of_word(c) for c in "aé我7'_ -"]
    [True, True, True, True, True, True, False, False]
    """
    return unicodedata.category(character)[0] in "LMN" or character in "'’_"


def chain_length(order: int) -> int:
    """K, the contexts of a chain that looks back so many runs: the empty one, the runs, and those with words."""
    return 1 + order + WORD_LEVELS


class Contexts:
    """The chain of contexts over a vocabulary.

    Args:
        vocabulary: the characters.
        order: how many runs the chain looks back, at least 1.
    """

    def __init__(self, vocabulary: Vocabulary, order: int) -> None:
        self.order = order
        self.levels = chain_length(order)
        """K, the contexts of a chain."""
        self.size = len(vocabulary)
        """V."""
        self.of_word = np.array([is_of_word(c) for c in vocabulary.idx2char])
        self.folded = [vocabulary.char2idx.get(c.lower(), i) for i, c in enumerate(vocabulary.idx2char)]
        """For each id the one of its lower case: a word is the same in both."""
        self.values = mix_arrays(np.zeros(self.size, np.uint64), np.array(self.folded, np.uint64))
        self.line_end = vocabulary.char2idx["\n"]
        self.document_end = vocabulary.char2idx.get(DOCUMENT_END, -1)

    def place(self, last: int, run: int, of_word: int) -> int:
        """Where a character stands, from 0 to PLACES - 1.

        Args:
            last: the id before it, -1 for none.
            run: how many times in turn that stands there.
            of_word: how many characters of a word stand before it, 0 for none.
        """
        if last in (-1, self.document_end) or (last == self.line_end and run > 1):
            return 0
        if last == self.line_end:
            return 1
        return 2 + min(of_word, PLACES - 3)


class Reader:
    """The contexts of a text that is read character by character."""

    __slots__ = ("contexts", "hash", "last", "length", "of_word", "power", "run", "runs", "values", "words")

    def __init__(self, contexts: Contexts) -> None:
        self.contexts = contexts
        self.values: list[int] = contexts.values.tolist()
        self.of_word: list[bool] = contexts.of_word.tolist()
        self.last = -1
        self.run = 0
        """How many times in turn the last character stands there."""
        self.runs = [0] * contexts.order
        """The last runs as numbers, the newest first."""
        self.hash, self.power, self.length = 0, 1, 0
        """The word, or what stands between words, as far as it has come; the next power of its base; its length."""
        self.words = (0, 0)
        """The last two whole words, the newer first."""

    def copy(self) -> Reader:
        """A reader that goes on by itself from here."""
        twin = object.__new__(Reader)
        for name in Reader.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.runs = self.runs.copy()
        return twin

    def add(self, index: int) -> None:
        """Read a character."""
        last, of_word = self.last, self.of_word
        if index == last:
            self.run += 1
        else:
            self.run = 1
            self.runs = [0, *self.runs[:-1]]
        self.runs[0] = (index + 1) * (LONGEST_RUN + 1) + min(self.run, LONGEST_RUN)
        if last >= 0 and of_word[last] == of_word[index]:
            self.hash = (self.hash + self.values[index] * self.power) & MASK
            self.power = self.power * BASE & MASK
            self.length += 1
        else:
            if last >= 0 and of_word[last]:
                self.words = (self.hash, self.words[0])
            self.hash, self.power, self.length = self.values[index], BASE, 1
        self.last = index

    def keys(self) -> list[int]:
        """The contexts before the next character, from the shortest to the longest, K of them."""
        key = 0
        keys = [key]
        runs = self.runs
        for value in (*runs, mix(self.hash, runs[0]), *self.words):
            key = ((key ^ value) + INCREMENT) * MULTIPLIER & MASK
            key ^= key >> 29
            keys.append(key)
        return keys

    def place(self) -> int:
        """Where the next character stands; see `Contexts.place`."""
        of_word = self.length if self.last >= 0 and self.of_word[self.last] else 0
        return self.contexts.place(self.last, self.run, of_word)


class Readers:
    """Readers of B texts side by side.

    Args:
        rows: B readers.
    """

    def __init__(self, rows: list[Reader]) -> None:
        self.rows = rows

    @classmethod
    def fresh(cls, contexts: Contexts, count: int) -> Readers:
        """Readers of so many texts that have not begun."""
        first = Reader(contexts)
        return cls([first, *(first.copy() for _ in range(count - 1))])

    @classmethod
    def merged(cls, parts: Sequence[Readers]) -> Readers:
        """The texts of several in one."""
        return cls([row for part in parts for row in part.rows])

    def take(self, rows: Ints | list[int]) -> Readers:
        """Some rows, in any order, each as often as it is named."""
        return Readers([self.rows[row].copy() for row in rows])

    def add(self, ids: Ints) -> None:
        """Read the next character (B,) of each text."""
        for row, index in zip(self.rows, ids.tolist(), strict=True):
            row.add(index)

    def keys(self) -> Ints:
        """The contexts before the next characters, (B, K) uint64."""
        if len(self.rows) < MANY:
            return np.array([row.keys() for row in self.rows], np.uint64)
        values = np.array([(*row.runs, row.hash, *row.words) for row in self.rows], np.uint64).T
        order = len(values) - WORD_LEVELS
        values[order] = mix_arrays(values[order], values[0])
        return chained(values)

    def places(self) -> Ints:
        """Where the next characters stand, (B,)."""
        return np.array([row.place() for row in self.rows])


class KnownTexts:
    """As `Readers`, over texts that are known as a whole; what is read is taken from there.

    Args:
        contexts: the contexts of the texts.
        places: (B,) where in them each text goes on.
    """

    def __init__(self, contexts: TextContexts, places: Ints) -> None:
        self.contexts = contexts
        self.at = np.asarray(places)

    def take(self, rows: Ints | list[int]) -> KnownTexts:
        """Some rows, in any order, each as often as it is named."""
        return KnownTexts(self.contexts, self.at[rows])

    def add(self, ids: Ints) -> None:
        """Go on by a character; past the end nothing follows."""
        self.at = np.minimum(self.at + 1, len(self.contexts.ids) - 1)

    def keys(self) -> Ints:
        """The contexts before the next characters, (B, K) uint64."""
        return self.contexts.keys(self.at)

    def places(self) -> Ints:
        """Where the next characters stand, (B,)."""
        return self.contexts.places(self.at)


class TextContexts:
    """The contexts at any place of a text that is known as a whole. It takes about 20 bytes a character.

    Args:
        contexts: the chain.
        ids: (N,) the text, or several texts one after another.
        firsts: where each of them begins, rising from 0; it knows nothing of what stands before it.
    """

    def __init__(self, contexts: Contexts, ids: Ints, firsts: Sequence[int] | Ints = (0,)) -> None:
        self.contexts = contexts
        self.ids = ids
        self.firsts = np.asarray(firsts, np.int64)
        self.run_starts = starts_of_runs(ids, self.firsts)
        lengths = np.diff(self.run_starts, append=len(ids))
        self.runs = run_codes(ids[self.run_starts], lengths).astype(np.uint32)
        self.run_at = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        """For each place its run of equal characters."""
        of_word = contexts.of_word[ids]
        self.segment_starts = starts_of_runs(of_word, self.firsts)
        lengths = np.diff(self.segment_starts, append=len(ids))
        self.segment_at = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        """For each place its segment: a word, or what stands between two."""
        self.hashes = segment_hashes(contexts.values, ids, self.segment_starts, self.segment_at)
        """For each place its segment as far as it has come."""
        is_word = of_word[self.segment_starts]
        self.words = np.append(self.hashes[(self.segment_starts + lengths)[is_word] - 1], np.uint64(0))
        self.words_before = np.cumsum(is_word) - is_word
        """For each segment, how many words have ended before it begins."""

    def keys(self, places: Ints) -> Ints:
        """The contexts before the characters at `places` (P,), from the shortest to the longest, (P, K) uint64."""
        first, begun, last, run = self._before(places)
        order = self.contexts.order
        code = run_codes(self.ids[last], last - self.run_starts[run] + 1) * begun
        oldest = self.run_at[first]
        runs = [self.runs[np.maximum(run - back, 0)] * (begun & (run - back >= oldest)) for back in range(1, order)]
        start = mix_arrays(self.hashes[last] * begun, code)
        word, oldest = self.words_before[self.segment_at[last]] - 1, self.words_before[self.segment_at[first]]
        words = [
            self.words[np.maximum(word - back, 0)] * (begun & (word - back >= oldest))
            for back in range(WORD_LEVELS - 1)
        ]
        return chained([code, *runs, start, *words])

    def places(self, places: Ints) -> Ints:
        """Where the characters at `places` stand, (P,); see `Contexts.place`."""
        _, begun, last, run = self._before(places)
        ids, contexts = self.ids[last], self.contexts
        length = (last - self.segment_starts[self.segment_at[last]] + 1) * contexts.of_word[ids]
        found: Ints = 2 + np.minimum(length, PLACES - 3)
        ended = ids == contexts.line_end
        found[ended] = 1
        found[~begun | (ids == contexts.document_end) | (ended & (last > self.run_starts[run]))] = 0
        return found

    def _before(self, places: Ints) -> tuple[Ints, Bools, Ints, Ints]:
        """For each place the first of its text, whether it lies after that, the place before it, and the run there."""
        first = self.firsts[np.searchsorted(self.firsts, places, "right") - 1]
        last = np.maximum(places - 1, first)
        return first, places > first, last, self.run_at[last]


def run_codes(ids: Ints, lengths: Ints) -> Ints:
    """Runs of equal characters as numbers above 0, uint64: each one's character and its length."""
    return (ids.astype(np.int64) * (LONGEST_RUN + 1) + (LONGEST_RUN + 1) + np.minimum(lengths, LONGEST_RUN)).astype(
        np.uint64
    )


def starts_of_runs(values: Ints, firsts: Ints) -> Ints:
    """Where runs of equal values begin, in texts that begin at `firsts`.

    >>> starts_of_runs(np.array([5, 5, 7, 7, 7]), np.array([0, 3])).tolist()
    [0, 2, 3]
    """
    changed = np.empty(len(values), bool)
    changed[:1] = True
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    changed[firsts] = True
    return np.flatnonzero(changed).astype(np.int32)


def segment_hashes(values: Ints, ids: Ints, starts: Ints, segment_at: Ints) -> Ints:
    """For each place the hash of its segment up to that place: the sum of values[id] * BASE**(distance from its start).

    Args:
        values: (V,) uint64, a value for each id.
        ids: (N,) the text.
        starts: where segments begin.
        segment_at: (N,) for each place its segment.

    Returns:
        (N,) uint64.
    """
    size = min(len(ids), HASHED_AT_ONCE)
    powers, inverses = (np.cumprod(np.r_[np.uint64(1), np.full(size, base, np.uint64)]) for base in (BASE, INVERSE))
    hashes = np.empty(len(ids), np.uint64)
    for begin in range(0, len(ids), HASHED_AT_ONCE):
        part = ids[begin : begin + HASHED_AT_ONCE]
        sums = np.cumsum(values[part] * powers[: len(part)], dtype=np.uint64)
        start = starts[segment_at[begin : begin + len(part)]] - begin
        inside = np.maximum(start, 0)
        found = (sums - sums[inside - 1] * (inside > 0)) * inverses[inside]
        if goes_on := np.count_nonzero(start < 0):
            # a segment that began in an earlier part
            distance = np.uint64(pow(BASE, int(-start[0]), 2**64))
            found[:goes_on] = hashes[begin - 1] + distance * found[:goes_on]
        hashes[begin : begin + len(part)] = found
    return hashes

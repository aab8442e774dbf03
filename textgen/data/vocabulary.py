"""The characters that a model knows, and their ids: char2idx and idx2char."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from textgen.errors import CorpusError, TextError
from textgen.runs.reading import read_json
from textgen.runs.shipped import run_folder
from textgen.runs.writing import write_json

REPLACEMENT = "\ufffd"
DOCUMENT_END = "\ufdd0"
"""Stands after every document. It is a noncharacter: Unicode keeps it for use inside a program, so that no text that
people exchange has it, as texts do have control characters and characters for private use."""
FORMAT_VERSION = 1
MAX_CHARACTERS = 0x110000
MAX_FILE_BYTES = 16 * 2**20
"""All characters that there are fit."""


class VocabularyFile(msgspec.Struct, forbid_unknown_fields=True):
    """What vocabulary.json holds: the characters in the order of their ids."""

    format_version: int
    characters: list[Annotated[str, Meta(min_length=1, max_length=1)]]


class Vocabulary:
    """A fixed, ordered set of characters.

    Args:
        characters: distinct single characters; the i-th has id i.

    Raises:
        CorpusError: it is empty, or an entry is repeated or is no single character.

    >>> vocabulary = Vocabulary("\\nabc")
    >>> vocabulary.encode("cab")
    array([3, 1, 2], dtype=uint8)
    >>> vocabulary.decode([3, 1, 2])
    'cab'
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.idx2char: tuple[str, ...] = tuple(characters)
        self.char2idx: dict[str, int] = {c: i for i, c in enumerate(self.idx2char)}
        if not self.idx2char:
            raise CorpusError("the vocabulary is empty; expected at least one character")
        if len(self.char2idx) != len(self.idx2char):
            raise CorpusError("the vocabulary holds a character twice; expected distinct ones")
        for entry in self.idx2char:
            if len(entry) != 1:
                raise CorpusError(f"the vocabulary holds {entry!r}; expected single characters")

    def __len__(self) -> int:
        return len(self.idx2char)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.idx2char == other.idx2char

    def __hash__(self) -> int:
        return hash(self.idx2char)

    @property
    def dtype(self) -> np.dtype:
        """The smallest unsigned integer type that holds every id."""
        return np.min_scalar_type(len(self) - 1)

    @property
    def start(self) -> int:
        """The id that stands before a text: of a document end, or where there is none, of a line end."""
        return self.char2idx.get(DOCUMENT_END, self.char2idx["\n"])

    @cached_property
    def table(self) -> np.ndarray:
        """Code point to id, for every code point up to the largest known; unknown ones have id V."""
        points = np.fromiter(map(ord, self.idx2char), np.int64, len(self))
        table = np.full(points.max() + 1, len(self), np.min_scalar_type(len(self)))
        table[points] = np.arange(len(self))
        return table

    def missing(self, text: str) -> dict[str, int]:
        """The characters of the text that have no id, with the position of their first occurrence.

        >>> Vocabulary("abc").missing("a?b!?")
        {'?': 1, '!': 3}
        """
        return {c: text.index(c) for c in dict.fromkeys(text) if c not in self.char2idx}

    def encode(self, text: str) -> np.ndarray:
        """The ids of a text, (len(text),), in the smallest unsigned integer type.

        Raises:
            TextError: the text holds characters that have no id.
        """
        if missing := self.missing(text):
            raise TextError(f"the vocabulary of {len(self)} characters lacks {describe(missing)}")
        return np.fromiter(map(self.char2idx.__getitem__, text), self.dtype, len(text))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids, each from 0 to V - 1."""
        return "".join([self.idx2char[i] for i in ids])

    def save(self, folder: Path) -> None:
        """Write vocabulary.json into a folder."""
        write_json(folder / "vocabulary.json", VocabularyFile(FORMAT_VERSION, list(self.idx2char)))

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """Read vocabulary.json from a folder: a prepared corpus or a run.

        Raises:
            CorpusError: it is missing, damaged, or of a newer format version, or lacks the line end, from which
                every text starts.
        """
        path = folder / "vocabulary.json"
        file = read_json(path, VocabularyFile, MAX_FILE_BYTES, CorpusError)
        if file.format_version != FORMAT_VERSION:
            raise CorpusError(
                f"{path}: format version {file.format_version}, expected {FORMAT_VERSION}; "
                "a newer textgen wrote it: upgrade textgen"
            )
        if "\n" not in file.characters:
            raise CorpusError(f"{path}: lacks the line end; every vocabulary of textgen has it")
        try:
            return cls(file.characters)
        except CorpusError as error:
            raise CorpusError(f"{path}: {error}") from None


def named_vocabulary(path: str | os.PathLike[str]) -> Vocabulary:
    """The vocabulary of a prepared corpus, a run, or a model that comes with textgen.

    Raises:
        CorpusError: as `Vocabulary.load`.
        RunError: no model of this name comes with textgen.
    """
    return Vocabulary.load(run_folder(path))


def describe(positions: dict[str, int], most: int = 8) -> str:
    """Characters and where they stand, for a message.

    >>> describe({"é": 3})
    "'é' (U+00E9, at 3)"
    """
    named = [f"{c!r} (U+{ord(c):04X}, at {place})" for c, place in list(positions.items())[:most]]
    more = len(positions) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")

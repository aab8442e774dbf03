"""Line ends, case and Unicode normalisation of text that comes in pieces, and what ends a document."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal

from textgen.config import PrepareConfig, TextConfig
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary
from textgen.errors import TextError

MAX_HELD = 1024  # the Stream-Safe Text Format of UAX #15 allows 30 combining characters in a row
JAMO = (range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800))
PIECE_CHARACTERS = 2**19
Form = Literal["NFC", "NFKC"]
FORMS: dict[str, Form | None] = {"nfc": "NFC", "nfkc": "NFKC", "none": None}
MARK = "\ufeff"
MARKS = re.compile(f"{MARK}+")
LINE_ENDS = "\r\n"


def document(pieces: Iterable[str], config: PrepareConfig, name: str) -> Iterator[str]:
    """A document that comes in pieces, transformed and ended by a line end and, with `config.document_end`, by that.

    An empty one stays empty.

    Raises:
        TextError: the document end stands in the document `name`.
    """
    last = ""
    for text in transformed(pieces, config.text):
        if DOCUMENT_END in text:
            raise TextError(f"{name}: holds U+{ord(DOCUMENT_END):04X}, which is the document separator; take it out")
        last = text[-1]
        yield text
    if last:
        yield "\n" * (last != "\n") + DOCUMENT_END * config.document_end


def without_marks(pieces: Iterable[str]) -> Iterator[tuple[str, int]]:
    r"""A text that comes in pieces without the byte order marks at its start and at the start of its lines.

    Files that are joined end to end leave theirs there.

    Yields:
        Each piece, and how many marks were left out of it.

    >>> list(without_marks(["\ufeffa\ufeff\n", "\ufeffb"]))
    [('a\ufeff\n', 1), ('b', 1)]
    """
    at_start = True

    def kept(marks: re.Match[str]) -> str:
        starts = marks.string[marks.start() - 1] in LINE_ENDS if marks.start() else at_start
        return "" if starts else marks[0]

    for piece in pieces:
        text = MARKS.sub(kept, piece) if MARK in piece else piece
        yield text, len(piece) - len(text)
        at_start = text[-1] in LINE_ENDS if text else at_start


def treated(text: str, config: TextConfig) -> str:
    r"""A text that a person gives a model, as `prepare` would have made it for that model's corpus.

    >>> treated("\ufeffCafe\u0301\r\n", TextConfig(lowercase=True))
    'café\n'
    """
    return "".join(transformed([as_read(text, config.keep_line_ends)], config))


def guessed(vocabulary: Vocabulary) -> TextConfig:
    r"""How a corpus was likely made of which nobody says it, by its characters.

    >>> guessed(Vocabulary("\naé")) == TextConfig(), guessed(Vocabulary("\r\n\u212b")).normalize
    (True, 'none')
    """
    composed = all(unicodedata.is_normalized("NFC", character) for character in vocabulary.idx2char)
    return TextConfig(normalize="nfc" if composed else "none", keep_line_ends="\r" in vocabulary.char2idx)


def as_read(text: str, keep_line_ends: bool = False) -> str:
    r"""A decoded text as `prepare` reads it: without byte order marks at the start of its lines, its line ends \n.

    >>> as_read("\ufeffThe Fox\r\n")
    'The Fox\n'
    """
    unified = text if keep_line_ends else unified_line_ends(text)
    return "".join(piece for piece, _ in without_marks([unified]))


def gathered(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in pieces of a size that is worth handling, as short documents are not."""
    held: list[str] = []
    size = 0
    for text in pieces:
        held.append(text)
        size += len(text)
        if size >= PIECE_CHARACTERS:
            yield "".join(held)
            held, size = [], 0
    if size:
        yield "".join(held)


def unified_line_ends(text: str) -> str:
    r"""A text whose line ends are all \n.

    >>> unified_line_ends("a\r\nb\rc")
    'a\nb\nc'
    """
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def transformed(pieces: Iterable[str], config: TextConfig) -> Iterator[str]:
    """Change case and normalise a text that comes in pieces, as if it came in one.

    >>> list(transformed(["E\\u0301tE", "\\u0301"], TextConfig(lowercase=True)))
    ['ét', 'é']
    """
    form = FORMS[config.normalize]
    held = ""
    for piece in pieces:
        text = held + piece
        cut = independent_end(text, form) if form or config.lowercase else len(text)
        held = text[cut:]
        if cut:
            yield _transform(text[:cut], form, config.lowercase)
    if held:
        yield _transform(held, form, config.lowercase)


def _transform(text: str, form: Form | None, lowercase: bool) -> str:
    if lowercase:
        text = text.lower()
    return unicodedata.normalize(form, text) if form and not text.isascii() else text


def independent_end(text: str, form: Form | None) -> int:
    """Where a text can be cut so that neither part's normalisation or case depends on the other."""
    if (cut := max(text.rfind("\n"), text.rfind(" "))) > 0:
        return cut
    for cut in range(len(text) - 1, max(0, len(text) - MAX_HELD), -1):
        first = unicodedata.normalize(form or "NFC", text[cut])[0]
        joins = unicodedata.category(first)[0] == "M" or any(ord(first) in block for block in JAMO)
        if not joins:
            return cut
    return 0 if len(text) < MAX_HELD else len(text)

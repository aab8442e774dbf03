"""Texts that a Python program holds: a string, or any iterable of strings."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping

from textgen.config import PrepareConfig
from textgen.data.text import Source
from textgen.data.transform import PIECE_CHARACTERS
from textgen.data.vocabulary import DOCUMENT_END
from textgen.errors import ConfigError, TextError

TABLE = ("columns", "column_names")
"""What a table of pandas, Polars, Arrow or Hugging Face has, and none of its columns."""


class GivenTexts(Source):
    """Texts that a program holds, each a document. They are taken one by one, and none is kept.

    Their SHA-256 is that of a text's UTF-8, and of several with a document separator after each.

    Args:
        texts: the texts; one string is one text.
        name: what they are called in messages and in the corpus.
    """

    def __init__(self, texts: str | Iterable[str], name: str) -> None:
        super().__init__(name, io.BytesIO, size=None)
        self.texts = texts

    def documents(self, config: PrepareConfig, on_bytes: Callable[[int], None]) -> Iterator[Iterable[str]]:
        """The pieces of each text; in the end also sets `sha256`."""
        digest = hashlib.sha256()

        def taken(text: str) -> Iterator[str]:
            for start in range(0, len(text), PIECE_CHARACTERS):
                piece = text[start : start + PIECE_CHARACTERS]
                data = piece.encode("utf-8", "surrogatepass")
                digest.update(data)
                on_bytes(len(data))
                yield piece

        for text in checked(self.texts, self.name):
            yield self.unmarked(taken(text) if config.keep_line_ends else with_one_line_end(taken(text)))
            if not isinstance(self.texts, str):
                digest.update(DOCUMENT_END.encode())
        self.sha256 = digest.hexdigest()


def given_texts(text: str | None, texts: Iterable[str] | None, config: PrepareConfig) -> GivenTexts:
    """The source of what a program gave as `text` or `texts`.

    Raises:
        TextError: both were given, or `text` is no string.
        ConfigError: there is no record in them to read a field of.
    """
    if text is not None and texts is not None:
        raise TextError("text, texts: both given; expected one of them")
    if config.has_records:
        raise ConfigError("field, template: need files of records; give the documents themselves as texts")
    if texts is not None:
        return GivenTexts(texts, "texts")
    if not isinstance(text, str):
        raise TextError(f"text: {shown(text)}; expected a string: several are given as texts, a file as sources")
    return GivenTexts(text, "text")


def checked(texts: str | Iterable[str], name: str) -> Iterator[str]:
    """Texts one by one, once each is seen to be one.

    Raises:
        TextError: they are no strings, or the iterable fails.
    """
    if isinstance(texts, str):
        yield texts
        return
    # a table and a mapping would give the names of their columns or whole rows, and bytes would give numbers
    is_table = isinstance(texts, Mapping) or any(hasattr(type(texts), name) for name in TABLE)
    if is_table or isinstance(texts, bytes | bytearray) or not hasattr(texts, "__iter__"):
        raise TextError(f"{name}: {shown(texts)}; expected strings, as a list or one column of a table has them")
    number = 0
    try:
        for number, text in enumerate(texts, 1):
            if hasattr(text, "as_py"):  # Arrow's columns have objects of their own
                text = text.as_py()  # noqa: PLW2901
            if not isinstance(text, str):
                raise TextError(f"{name}, item {number}: {shown(text)}; expected a string: convert it or leave it out")
            yield text
    except TextError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise TextError(f"{name}: the iterable failed after {number:,} of them: {reason}") from error


def shown(value: object) -> str:
    """A number or None as it is written, of anything else its type.

    >>> shown(None), shown(float("nan")), shown({"text": "a"})
    ('None', 'nan', 'of type dict')
    """
    return repr(value) if value is None or isinstance(value, int | float) else f"of type {type(value).__name__}"


def with_one_line_end(pieces: Iterable[str]) -> Iterator[str]:
    r"""A text in pieces, whose line ends become \n.

    >>> list(with_one_line_end(["a\r", "\nb\rc"]))
    ['a', '\nb\nc', '']
    """
    decoder = io.IncrementalNewlineDecoder(None, translate=True)
    for piece in pieces:
        yield decoder.decode(piece)
    yield decoder.decode("", final=True)

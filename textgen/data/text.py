"""One text: how it is opened, read and decoded.

A source is read once, in pieces, so a pipe is as good as a file and memory is bounded.
"""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator

from textgen.config import PrepareConfig
from textgen.data import records
from textgen.data.encodings import advice
from textgen.data.kinds import refuse_kinds
from textgen.data.packed import unpacking_errors
from textgen.data.template import Template, template_of
from textgen.data.transform import document, gathered, unified_line_ends, without_marks
from textgen.errors import TextError

PIECE_BYTES = 2**20


class Source:
    """One text: a name for messages and a way to open it as bytes.

    After `read` has run to its end, `sha256`, `characters` and `marks` tell what was read.
    """

    def __init__(
        self, name: str, opener: Callable[[], io.BufferedIOBase], size: int | None, is_file: bool = False
    ) -> None:
        self.name = name
        self.opener = opener
        self.size = size
        """Bytes as stored, None where that cannot be known."""
        self.is_file = is_file
        """Whether it is a regular file, which any process can read, and no pipe."""
        self.sha256 = ""
        self.characters = 0
        self.marks = 0
        """Byte order marks that were left out."""

    def read(self, config: PrepareConfig, on_bytes: Callable[[int], None]) -> Iterator[str]:
        """The text in pieces: decoded, line ends and case changed, normalised, each document ended.

        A document is the whole source, or with `config.field` or `config.template` what they make of each record.

        Args:
            config: field, encoding, line ends, case and normalisation.
            on_bytes: told the number of bytes after each piece of input.

        Raises:
            TextError: the source cannot be read, or is not in the encoding, or a record lacks the field.
        """
        documents = self.documents(config, on_bytes)
        for text in gathered(piece for pieces in documents for piece in document(pieces, config, self.name)):
            self.characters += len(text)
            yield text

    def documents(self, config: PrepareConfig, on_bytes: Callable[[int], None]) -> Iterator[Iterable[str]]:
        """The pieces of each document; in the end also sets `sha256`."""
        template = template_of(config)
        if template is None:
            yield self.unmarked(self._decoded(config, on_bytes))
            return
        if records.suffix(self.name) == records.PARQUET:
            documents = self._columnar(template, on_bytes)
        else:
            read = records.TEXT_FORMATS[records.suffix(self.name)]
            documents = read(self.unmarked(self._decoded(config, on_bytes)), self.name, template)
        unified = str if config.keep_line_ends else unified_line_ends
        for text in documents:
            yield self.unmarked([unified(text)])

    def unmarked(self, pieces: Iterable[str]) -> Iterator[str]:
        """A text without the byte order marks at its start and at the start of its lines, which are counted."""
        for text, marks in without_marks(pieces):
            self.marks += marks
            yield text

    def _decoded(self, config: PrepareConfig, on_bytes: Callable[[int], None]) -> Iterator[str]:
        decoder: codecs.IncrementalDecoder | io.IncrementalNewlineDecoder
        decoder = codecs.getincrementaldecoder(config.text_encoding)("strict")
        if not config.keep_line_ends:
            decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        digest = hashlib.sha256()
        offset, piece = 0, b""
        try:
            with self._opened() as file:
                # of a file that grows, what stood in it at first; some files of the system claim no size
                while data := file.read(min(PIECE_BYTES, self.size - offset) if self.size else PIECE_BYTES):
                    if not offset:
                        refuse_kinds(data, self.name)
                    offset, piece = offset + len(data), data
                    digest.update(data)
                    if config.encoding is None and b"\0" in data:
                        raise TextError(self._holding_zero(piece, offset))
                    text = decoder.decode(data)
                    on_bytes(len(data))
                    yield text
            yield decoder.decode(b"", True)
        except UnicodeError as error:
            raise TextError(self._undecodable(error, piece, offset, config.text_encoding)) from None
        self.sha256 = digest.hexdigest()

    def _columnar(self, template: Template, on_bytes: Callable[[int], None]) -> Iterator[str]:
        with self._opened() as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            yield from records.parquet_documents(file, self.name, template, lambda share: on_bytes(round(share * size)))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[io.BufferedIOBase]:
        """The source as bytes; what the system refuses while they are read is a TextError."""
        try:
            with self.opener() as file:
                yield file
        except unpacking_errors() as error:
            reason = getattr(error, "strerror", None) or error
            raise TextError(f"{self.name}: cannot be read: {reason}") from None

    def _undecodable(self, error: UnicodeError, piece: bytes, offset: int, encoding: str) -> str:
        data = getattr(error, "object", b"")
        start = getattr(error, "start", 0)
        bad = (data[start : getattr(error, "end", 0)] or data[start : start + 1])[:8].hex(" ") or "the end"
        place = offset - len(data) + start
        what_to_do = advice(piece, max(0, place - offset + len(piece)), encoding)
        return f"{self.name}: not {encoding} at byte {place}: {bad}; {what_to_do}"

    def _holding_zero(self, piece: bytes, offset: int) -> str:
        """What to say of a zero byte in a text of which nobody said that it may have one."""
        first = piece.index(0)
        where = f"{self.name}: a zero byte at {offset - len(piece) + first}, as no text in UTF-8 has it"
        return f"{where}; {advice(piece, first, 'utf-8')}"

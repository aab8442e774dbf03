"""Standard input and files: whole, or in lines as they come."""

from __future__ import annotations

import codecs
import os
import queue
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from textgen.errors import TextError
from textgen.runs.reading import is_possible

BATCH_LINES = 4096
PIECE_BYTES = 2**16
UTF_8 = "UTF-8"
QUEUED = 64
"""Pieces of input that are read ahead."""
Pieces = queue.Queue[list[str] | TextError | None]


def line_batches(paths: Iterable[str] = ("-",), encoding: str | None = None) -> Iterator[list[str]]:
    """The lines of files, without their ends and byte order marks, in batches: whatever has come when the last batch is
    done.

    Args:
        paths: files, `-` for standard input.
        encoding: theirs, by default UTF-8.

    Raises:
        TextError: a file cannot be read, or is not in the encoding.
    """
    pieces: Pieces = queue.Queue(QUEUED)
    threading.Thread(target=_read_lines, args=(list(paths), encoding or UTF_8, pieces), daemon=True).start()
    while True:
        batch: list[str] = []
        piece = pieces.get()
        while isinstance(piece, list):
            batch += piece
            if pieces.empty() or len(batch) >= BATCH_LINES:
                break
            piece = pieces.get()
        if batch:
            yield batch
        if isinstance(piece, TextError):
            raise piece
        if piece is None:
            return


def _read_lines(paths: list[str], encoding: str, pieces: Pieces) -> None:
    """Put the lines of each piece of input that comes, and at the end None, or what went wrong."""
    try:
        for path in paths:
            name, number, held = shown_name(path), 0, []
            with open_bytes(path) as file:
                for data in in_utf_8(file, name, encoding):
                    if b"\n" not in data:
                        held.append(data)
                        continue
                    *whole, rest = b"".join([*held, data]).split(b"\n")
                    put_decoded(whole, name, number, pieces)
                    number, held = number + len(whole), [rest]
            rest = b"".join(held)
            put_decoded([rest] if rest else [], name, number, pieces)
        pieces.put(None)
    except OSError as error:
        pieces.put(TextError(f"{name}: cannot be read: {error.strerror or error}"))
    except TextError as error:
        pieces.put(error)


def in_utf_8(file: BinaryIO, name: str, encoding: str) -> Iterator[bytes]:
    """What comes of a file, in pieces as it comes, in UTF-8. UTF-8 itself is checked line by line, when it is decoded.

    Raises:
        TextError: the text is not in its encoding.
    """
    pieces = iter(lambda: os.read(file.fileno(), PIECE_BYTES), b"")
    if codecs.lookup(encoding).name == "utf-8":
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for data in pieces:
            yield decoder.decode(data).encode()
        yield decoder.decode(b"", True).encode()
    except UnicodeError as error:
        raise TextError(undecodable(error, name, encoding)) from None


def put_decoded(lines: list[bytes], name: str, number: int, pieces: Pieces) -> None:
    """Put the text of some lines, without carriage returns and marks; also of those before one that is no UTF-8."""
    from textgen.data.transform import MARK

    texts: list[str] = []
    try:
        for line in lines:
            text = decoded(line, f"{name}, line {number + len(texts) + 1}", UTF_8)
            texts.append(text.removesuffix("\r").lstrip(MARK))
    finally:
        pieces.put(texts)


def read_text(path: str, encoding: str | None = None, keep_line_ends: bool = False) -> str:
    """A whole file as text, as `prepare` reads it but to the character; `-` is standard input.

    Raises:
        TextError: it cannot be read, or is not in the encoding.
    """
    from textgen.data.transform import as_read

    try:
        with open_bytes(path) as file:
            return as_read(decoded(file.read(), shown_name(path), encoding or UTF_8), keep_line_ends)
    except OSError as error:
        raise TextError(f"{path}: cannot be read: {error.strerror or error}") from None


def open_bytes(path: str) -> BinaryIO:
    """A file, or for `-` standard input, left open after use."""
    if path == "-":
        return os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    if not is_possible(path):
        raise TextError(f"{path!r}: no file can have this name")
    return Path(path).open("rb")


def shown_name(path: str) -> str:
    """A file's name for messages."""
    return "standard input" if path == "-" else path


def decoded(data: bytes, name: str, encoding: str) -> str:
    """Bytes as text.

    Raises:
        TextError: they are not in the encoding.
    """
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        raise TextError(undecodable(error, name, encoding)) from None


def undecodable(error: UnicodeError, name: str, encoding: str) -> str:
    """What to say of bytes that are not in an encoding."""
    place = ""
    if isinstance(error, UnicodeDecodeError):
        place = f" at byte {error.start}: {error.object[error.start : error.end].hex(' ')}"
    return f"{name}: not {encoding}{place}; give its --encoding, or convert it, for instance with iconv"

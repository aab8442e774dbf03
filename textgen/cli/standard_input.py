"""Standard input and files: whole, or in lines as they come."""

from __future__ import annotations

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
QUEUED = 64
"""Pieces of input that are read ahead."""
Pieces = queue.Queue[list[str] | TextError | None]


def line_batches(paths: Iterable[str] = ("-",)) -> Iterator[list[str]]:
    """The lines of files, without their ends, in batches: whatever has come when the last batch is done.

    Args:
        paths: files, `-` for standard input.

    Raises:
        TextError: a file cannot be read, or is no UTF-8.
    """
    pieces: Pieces = queue.Queue(QUEUED)
    threading.Thread(target=_read_lines, args=(list(paths), pieces), daemon=True).start()
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


def _read_lines(paths: list[str], pieces: Pieces) -> None:
    """Put the lines of each piece of input that comes, and at the end None, or what went wrong."""
    try:
        for path in paths:
            name, number, held = shown_name(path), 0, []
            with open_bytes(path) as file:
                while data := os.read(file.fileno(), PIECE_BYTES):
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


def put_decoded(lines: list[bytes], name: str, number: int, pieces: Pieces) -> None:
    """Put the text of some lines, without carriage returns; also of those before one that is no UTF-8."""
    texts: list[str] = []
    try:
        for line in lines:
            texts.append(decoded(line, f"{name}, line {number + len(texts) + 1}").removesuffix("\r"))
    finally:
        pieces.put(texts)


def read_text(path: str) -> str:
    """A whole file as text, to the character; `-` is standard input.

    Raises:
        TextError: it cannot be read, or is no UTF-8.
    """
    try:
        with open_bytes(path) as file:
            return decoded(file.read(), shown_name(path))
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


def decoded(data: bytes, name: str) -> str:
    """UTF-8 as text.

    Raises:
        TextError: it is no UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = data[error.start : error.end].hex(" ")
        raise TextError(
            f"{name}: not UTF-8 at byte {error.start}: {bad}; convert it, for instance with iconv"
        ) from None

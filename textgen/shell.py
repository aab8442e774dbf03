"""How the commands meet the shell: lines as they come on standard input, text as it is made on standard output."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
import msgspec

from textgen.config import SampleConfig
from textgen.errors import TextError, TextgenError
from textgen.reading import is_possible

if TYPE_CHECKING:
    from textgen.inference.generate import Generator, Sample

BATCH_LINES = 4096
PIECE_BYTES = 2**16
QUEUED = 64
"""Pieces of input that are read ahead."""


class SampleRecord(msgspec.Struct):
    """A sample as one line of JSON."""

    seed_text: str
    text: str
    rng_seed: int
    sample: int
    characters: int
    bits_per_character: float | None
    ending: str


def write(pieces: Iterable[str], raw: bool = False) -> None:
    """Write text to standard output as it comes, as UTF-8 whatever the locale.

    A terminal never sees a control character that could command it, unless `raw`. When whoever reads it has seen
    enough and closes the pipe, the command ends well.
    """
    out = sys.stdout.buffer
    shown = harmless if sys.stdout.isatty() and not raw else str
    try:
        for piece in pieces:
            out.write(shown(piece).encode("utf-8", "replace"))
            out.flush()
    except BrokenPipeError:
        # what is left in the buffer must not meet the closed pipe when the process ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise click.exceptions.Exit(0) from None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise TextgenError(f"standard output: {error.strerror or error}") from None


def harmless(text: str) -> str:
    """A text in which control characters but line ends and tabs are U+FFFD.

    >>> harmless("a\\tb\\x1b[2J\\n")
    'a\\tb�[2J\\n'
    """
    if text.isprintable():
        return text
    return "".join("\ufffd" if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 else c for c in text)


def sampled(
    model: Generator, seed_batches: Iterable[list[str]], config: SampleConfig, separator: str | None, as_json: bool
) -> Iterator[str]:
    """What `sample` writes: texts and separators, or lines of JSON.

    Args:
        model: a loaded model.
        seed_batches: seed texts, in batches as they come; each is continued `config.samples` times.
        config: the settings.
        separator: the line between samples; None is an empty line, or nothing where a sample is a line.
        as_json: write a line of JSON for each sample.
    """
    between = ("" if config.until_line else "\n") if separator is None else f"{separator}\n"
    first = 0
    for batch in seed_batches:
        seeds = (seed for seed in batch for _ in range(config.samples))
        written = model.write(seeds, config, first, measured=as_json)
        yield from as_records(written) if as_json else as_texts(written, between)
        first += len(batch) * config.samples


def as_texts(written: Iterable[tuple[Sample, str]], between: str) -> Iterator[str]:
    """Each sample's seed text and continuation, ended by a line end; a separator before all samples but the first."""
    current, last = None, ""
    for sample, piece in written:
        if sample is not current:
            if current:
                yield "" if last.endswith("\n") else "\n"
            current, last = sample, sample.seed_text
            yield between * (sample.index > 0) + sample.seed_text
        last = piece or last
        yield piece
    if current:
        yield "" if last.endswith("\n") else "\n"


def as_records(written: Iterable[tuple[Sample, str]]) -> Iterator[str]:
    """A line of JSON for each sample."""
    current, pieces = None, []
    for sample, piece in written:
        if current and sample is not current:
            yield record(current, pieces)
            pieces = []
        current = sample
        pieces.append(piece)
    if current:
        yield record(current, pieces)


def record(sample: Sample, pieces: list[str]) -> str:
    """One sample as a line of JSON."""
    text = "".join(pieces)
    mean = sample.bits_per_character
    row = SampleRecord(
        seed_text=sample.seed_text,
        text=text,
        rng_seed=sample.rng_seed,
        sample=sample.index,
        characters=len(text),
        bits_per_character=None if mean is None else round(mean, 4),
        ending=sample.ending,
    )
    return msgspec.json.encode(row).decode() + "\n"


def line_batches(paths: Iterable[str] = ("-",)) -> Iterator[list[str]]:
    """The lines of files, without their ends, in batches: whatever has come when the last batch is done.

    Args:
        paths: files, `-` for standard input.

    Raises:
        TextError: a file cannot be read, or is no UTF-8.
    """
    pieces: queue.Queue[list[str] | TextError | None] = queue.Queue(QUEUED)
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


def _read_lines(paths: list[str], pieces: queue.Queue) -> None:
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


def put_decoded(lines: list[bytes], name: str, number: int, pieces: queue.Queue) -> None:
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

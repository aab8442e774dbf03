"""The first pass over the sources: text is decoded, counted and laid by as code points.

Lines and documents are drawn here too, so that after this pass the size of each part is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np

from textgen.config import PrepareConfig
from textgen.data.corpus import SourceInfo
from textgen.data.split import Dealt, split_drawn
from textgen.data.text import Source
from textgen.data.vocabulary import DOCUMENT_END, MAX_CHARACTERS
from textgen.runs.arrays import Ints

ENDS = {"lines": "\n", "documents": DOCUMENT_END}
CODE_POINTS: dict[int, np.dtype[np.unsignedinteger]] = {1: np.dtype("u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4")}


class Piece(NamedTuple):
    """Code points that stand together in a spool."""

    part: int
    """The part that their lines or documents were drawn for, see `split`."""
    width: int
    """The bytes of each code point."""
    length: int


class Spool(msgspec.Struct):
    """The code points of some sources in a file, each piece as narrow as it can be."""

    path: Path
    sources: list[SourceInfo]
    pieces: list[list[Piece]]
    """The pieces of each source, as they follow one another in the file."""
    points: Ints
    """The distinct code points, (P,)."""
    counts: Ints
    """How often each of them occurs, (P,) int64."""
    marks: int
    """Byte order marks that were left out."""

    def read(self) -> Iterator[Dealt]:
        """The pieces of each source, each with the part it was drawn for; they must be taken in order."""
        with self.path.open("rb") as file:
            for pieces in self.pieces:
                yield ((piece.part, read_piece(file, piece)) for piece in pieces)


def read_piece(file: BinaryIO, piece: Piece) -> Ints:
    """The next code points of a file, (count,)."""
    return np.frombuffer(file.read(piece.length * piece.width), CODE_POINTS[piece.width])


def spool_sources(
    sources: Iterable[Source], path: Path, config: PrepareConfig, on_bytes: Callable[[int], None]
) -> Spool:
    """Read sources once and lay their code points by.

    Args:
        sources: the texts.
        path: the file to make.
        config: how to decode, normalise and draw.
        on_bytes: told the number of input bytes as they are read.

    Raises:
        TextError: a source cannot be read or decoded.
    """
    infos, pieces, marks = [], [], 0
    counts = np.zeros(MAX_CHARACTERS, np.int64)
    with path.open("xb") as file:
        for source in sources:
            dealt = draw(map(code_points, source.read(config, on_bytes)), config)
            pieces.append([lay_by(points, part, file, counts) for part, points in dealt])
            infos.append(SourceInfo(source.name, source.sha256, source.characters))
            marks += source.marks
    points = np.flatnonzero(counts)
    return Spool(path, infos, pieces, points, counts[points], marks)


def draw(pieces: Iterable[Ints], config: PrepareConfig) -> Dealt:
    """Draw the lines or documents of one source that validate or test; with another split, none."""
    if config.split in ENDS:
        return split_drawn(pieces, ENDS[config.split], (config.validation, config.test), config.rng_seed)
    return ((0, piece) for piece in pieces)


def lay_by(points: Ints, part: int, file: BinaryIO, counts: Ints) -> Piece:
    """Append code points to a file and count them."""
    if points.itemsize < 4:
        found = np.bincount(points)
        counts[: len(found)] += found
    else:
        values, found = np.unique(points, return_counts=True)
        counts[values] += found
    file.write(points.data)
    return Piece(part, points.itemsize, len(points))


def code_points(text: str) -> Ints:
    """The code points of a text, in the narrowest of 1, 2 and 4 bytes.

    >>> code_points("aé").dtype, code_points("我爱你").tolist()
    (dtype('uint8'), [25105, 29233, 20320])
    """
    try:
        return np.frombuffer(text.encode("latin-1"), CODE_POINTS[1])
    except UnicodeEncodeError:
        wide = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), CODE_POINTS[4])
        return wide.astype(CODE_POINTS[2]) if wide.max() < 2**16 else wide

"""Where text comes from: files, packed ones too, folders, standard input and the corpora that come with textgen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from textgen.config import PrepareConfig
from textgen.data import records
from textgen.data.given import given_texts, shown
from textgen.data.packed import FIRST_BYTES, packing_of, packing_of_file
from textgen.data.text import Source
from textgen.errors import TextError
from textgen.runs.reading import is_possible
from textgen.runs.shipped import shipped_corpus

LONGEST_NAME = 255
"""Bytes; no system that people use has longer names."""
LONGEST_PATH = 4096
SHOWN = 40
EXPECTED = "expected a file, a folder or @name, or several of them; or else text or texts"
StrPath = str | os.PathLike[str]


def find_sources(arguments: Iterable[str], globs: Iterable[str], exclude: Iterable[str] = ()) -> list[Source]:
    """Resolve what the user named into texts, in a stable order.

    Args:
        arguments: files, folders, `-` for standard input, `@name` for a shipped corpus.
        globs: patterns of the files to take from folders; they match a file's name or its path in the folder.
        exclude: patterns of the files to leave out of folders, matched in the same way.

    Raises:
        TextError: nothing stands at a path, or a folder holds no file that matches.
    """
    sources = []
    for argument in arguments:
        if argument == "-":
            sources.append(Source("standard input", standard_input, None))
        elif argument.startswith("@"):
            sources += map(from_file, shipped_corpus(argument[1:]))
        elif not is_possible(argument):
            raise TextError(f"{argument!r}: no file can have this name")
        elif is_text(argument):
            start = f"{argument[:SHOWN]!r}..."
            raise TextError(
                f"{start}: expected a file or folder, got a text; give that as standard input (-) or as text="
            )
        elif Path(argument).is_dir():
            sources += map(from_file, find_files(Path(argument), tuple(globs), tuple(exclude)))
        elif Path(argument).exists():
            sources.append(from_file(Path(argument)))
        else:
            raise TextError(f"{argument}: no such file or folder")
    return sources


def find_named(
    sources: StrPath | Iterable[StrPath] | None, text: str | None, texts: Iterable[str] | None, config: PrepareConfig
) -> list[Source]:
    """As `find_sources`, of what a program names, one or several; or the text or texts that it gives in their place.

    Raises:
        TextError: as `find_sources` and `given_texts`; or nothing is named, or something else.
        ConfigError: as `given_texts`.
    """
    if text is not None or texts is not None:
        if sources is not None:
            raise TextError("sources: given beside text or texts; expected one of them")
        return [given_texts(text, texts, config)]
    named: list[Any] = [sources]
    if isinstance(sources, Iterable) and not isinstance(sources, str | os.PathLike):
        named = list(sources)
    if named in ([], [None]):
        raise TextError(f"sources: none given; {EXPECTED}")
    for path in named:
        if not isinstance(path, str | os.PathLike):
            raise TextError(f"sources: {shown(path)}; {EXPECTED}")
    return find_sources(map(os.fspath, named), patterns(config), config.exclude)


def is_text(argument: str) -> bool:
    """Whether what should be a path is a text itself: longer than the name of any file, or of several lines.

    >>> is_text("one line\\nand another"), is_text("plays/hamlet.txt")
    (True, False)
    """
    names = [len(os.fsencode(name)) for name in argument.split("/")]
    too_long = max(names) > LONGEST_NAME or sum(names) + len(names) > LONGEST_PATH
    return too_long or ("\n" in argument and not Path(argument).exists())


def standard_input() -> BufferedIOBase:
    """Standard input as bytes, unpacked where its first bytes say that it is packed; left open after use."""
    file = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    packing = packing_of(file.peek(FIRST_BYTES))
    return packing.open(file, "standard input") if packing else file


def from_file(path: Path) -> Source:
    """A source that reads a file, unpacked where it is packed."""
    packing, is_file = packing_of_file(path), path.is_file()
    opener: Callable[[], Any] = partial(packing.open, path, str(path)) if packing else partial(Path.open, path, "rb")
    size = path.stat().st_size if is_file and not packing else None
    return Source(str(path), opener, size, is_file)


def find_files(folder: Path, globs: tuple[str, ...], exclude: tuple[str, ...]) -> list[Path]:
    """The files of a folder, in depth and sorted by path, that match a pattern and no exclusion."""

    def matches(path: Path, patterns: tuple[str, ...]) -> bool:
        inside = path.relative_to(folder).as_posix()
        return any(fnmatch(path.name, p) or fnmatch(inside, p) for p in patterns)

    found = sorted(
        path
        for parent, _, names in os.walk(folder)
        for path in (Path(parent, name) for name in names)
        if matches(path, globs) and not matches(path, exclude) and path.is_file()
    )
    if not found:
        wanted = " or ".join(globs)
        raise TextError(f"{folder}: no file matches {wanted}; name another pattern with --glob")
    return found


def patterns(config: PrepareConfig) -> tuple[str, ...]:
    """Which files to take from folders: those of `--glob`, but of records and without `--glob` all files of records."""
    default = config.has_records and config.glob == PrepareConfig().glob
    return records.PATTERNS if default else config.glob


def total_size(sources: Iterable[Source]) -> int | None:
    """The bytes of all sources together, None where one of them is not known."""
    sizes = [source.size for source in sources]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None

"""Where text comes from: files, folders, gzip, standard input and the shipped corpora; and how it is decoded.

A source is read once, in pieces, so a pipe is as good as a file and memory is bounded.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from textgen.config import PrepareConfig
from textgen.errors import ConfigError, TextError
from textgen.reading import is_possible

PIECE_BYTES = 2**20
MAX_HELD = 1024  # the Stream-Safe Text Format of UAX #15 allows 30 combining characters in a row
JAMO = (range(0x1100, 0x1200), range(0xA960, 0xA980), range(0xD7B0, 0xD800))


class Source:
    """One text: a name for messages and a way to open it as bytes.

    After `read` has run to its end, `sha256` and `characters` tell what was read.
    """

    def __init__(self, name: str, opener: Callable[[], BinaryIO], size: int | None) -> None:
        self.name = name
        self.opener = opener
        self.size = size
        """Bytes as stored, None where that cannot be known."""
        self.sha256 = ""
        self.characters = 0

    def read(self, config: PrepareConfig, on_bytes: Callable[[int], None]) -> Iterator[str]:
        """The text in pieces: decoded, line ends and case changed, normalised, ended by a line end.

        Args:
            config: encoding, line ends, case and normalisation.
            on_bytes: told the number of bytes after each piece of input.

        Raises:
            TextError: the source cannot be read, or is not in the encoding.
        """
        digest = hashlib.sha256()
        last = ""
        for text in transformed(self._decoded(config, digest, on_bytes), config):
            self.characters += len(text)
            last = text[-1]
            yield text
        if last and last != "\n":
            self.characters += 1
            yield "\n"
        self.sha256 = digest.hexdigest()

    def _decoded(self, config, digest, on_bytes) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(config.encoding)("strict")
        if not config.keep_line_ends:
            decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        offset = 0
        first = True
        try:
            with self.opener() as file:
                # of a file that grows, what stood in it at first; some files of the system claim no size
                while data := file.read(min(PIECE_BYTES, self.size - offset) if self.size else PIECE_BYTES):
                    offset += len(data)
                    digest.update(data)
                    text = decoder.decode(data)
                    on_bytes(len(data))
                    if first and text:
                        text, first = text.removeprefix("\ufeff"), False
                    yield text
            yield decoder.decode(b"", True)
        except UnicodeError as error:
            raise TextError(self._undecodable(error, offset, config.encoding)) from None
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise TextError(f"{self.name}: cannot be read: {reason}") from None

    def _undecodable(self, error: UnicodeError, offset: int, encoding: str) -> str:
        data = getattr(error, "object", b"")
        start = getattr(error, "start", 0)
        bad = data[start : getattr(error, "end", 0)] or data[start : start + 1]
        where = offset - len(data) + start
        advice = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin-1, gb18030 or utf-16"
        return (
            f"{self.name}: not {encoding} at byte {where}: {bad[:8].hex(' ') or 'the end'}; "
            f"try --encoding with the text's own, for instance {advice}"
        )


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
        elif Path(argument).is_dir():
            sources += map(from_file, find_files(Path(argument), tuple(globs), tuple(exclude)))
        elif Path(argument).exists():
            sources.append(from_file(Path(argument)))
        else:
            raise TextError(f"{argument}: no such file or folder")
    return sources


def standard_input() -> BinaryIO:
    """Standard input as bytes, left open after use."""
    return os.fdopen(os.dup(sys.stdin.fileno()), "rb")


def from_file(path: Path) -> Source:
    """A source that reads a file, unpacked when its name ends in .gz."""
    unpack = gzip.open if path.suffix == ".gz" else Path.open
    size = path.stat().st_size if path.is_file() and path.suffix != ".gz" else None
    return Source(str(path), lambda: unpack(path, "rb"), size)


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


def shipped_folder(kind: str) -> Path:
    """Where `corpora` or `configs` stand: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def shipped_corpora() -> list[str]:
    """The names of the corpora that come with textgen."""
    return sorted(folder.name for folder in shipped_folder("corpora").iterdir() if folder.is_dir())


def shipped_corpus(name: str) -> list[Path]:
    """The text files of a corpus that comes with textgen."""
    if name not in shipped_corpora():
        known = ", ".join(f"@{known}" for known in shipped_corpora())
        raise TextError(f"@{name}: no such corpus comes with textgen; there are {known}")
    return sorted((shipped_folder("corpora") / name).glob("*.txt"))


def check_encoding(name: str) -> None:
    """Raise a ConfigError unless Python knows a text encoding of this name."""
    try:
        "".encode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        raise ConfigError(
            f"encoding: unknown text encoding {name!r}; expected one like utf-8, utf-16, latin-1, gb18030"
        ) from None


def transformed(pieces: Iterable[str], config: PrepareConfig) -> Iterator[str]:
    """Change case and normalise a text that comes in pieces, as if it came in one.

    >>> list(transformed(["E\\u0301tE", "\\u0301"], PrepareConfig(lowercase=True)))
    ['ét', 'é']
    """
    form = None if config.normalize == "none" else config.normalize.upper()
    held = ""
    for piece in pieces:
        text = held + piece
        cut = independent_end(text, form) if form or config.lowercase else len(text)
        held = text[cut:]
        if cut:
            yield _transform(text[:cut], form, config.lowercase)
    if held:
        yield _transform(held, form, config.lowercase)


def _transform(text: str, form: str | None, lowercase: bool) -> str:
    if lowercase:
        text = text.lower()
    return unicodedata.normalize(form, text) if form and not text.isascii() else text


def independent_end(text: str, form: str | None) -> int:
    """Where a text can be cut so that neither part's normalisation or case depends on the other."""
    if (cut := max(text.rfind("\n"), text.rfind(" "))) > 0:
        return cut
    for cut in range(len(text) - 1, max(0, len(text) - MAX_HELD), -1):
        first = unicodedata.normalize(form or "NFC", text[cut])[0]
        joins = unicodedata.category(first)[0] == "M" or any(ord(first) in block for block in JAMO)
        if not joins:
            return cut
    return 0 if len(text) < MAX_HELD else len(text)


def total_size(sources: Iterable[Source]) -> int | None:
    """The bytes of all sources together, None where one of them is not known."""
    sizes = [source.size for source in sources]
    return None if None in sizes else sum(sizes)

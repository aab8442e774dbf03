"""Packed files, known by their names or their first bytes, and how they are unpacked."""

from __future__ import annotations

import importlib
import re
import sys
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import Any, NamedTuple

from textgen.errors import TextError

FIRST_BYTES = 10
"""How many bytes tell how a file is packed."""


class Packing(NamedTuple):
    """A way to pack a file."""

    suffix: str
    first: bytes
    """A pattern of the first bytes."""
    module: str
    """The module of Python's library that unpacks it."""
    unpacker: str
    """A command that unpacks it to standard output."""

    def open(self, file: Path | BufferedIOBase, name: str) -> Any:
        """The unpacked bytes of a file.

        Args:
            file: its path, or the file itself as it is.
            name: its name, for messages.

        Raises:
            TextError: this Python cannot unpack it; `zst` it can from 3.14 on.
            OSError: it cannot be opened.
        """
        try:
            module = importlib.import_module(self.module)
        except ImportError:
            raise TextError(
                f"{name}: is packed as {self.suffix}, which this Python cannot read; unpack it into a pipe: "
                f"{self.unpacker} FILE | textgen prepare - ..."
            ) from None
        return module.open(file, "rb")


PACKINGS = (
    Packing(".gz", rb"\x1f\x8b\x08", "gzip", "gzip -dc"),
    Packing(".bz2", rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "bz2", "bzip2 -dc"),
    Packing(".xz", rb"\xfd7zXZ\0", "lzma", "xz -dc"),
    Packing(".zst", rb"\x28\xb5\x2f\xfd", "compression.zstd", "zstd -dc"),
)
SUFFIXES = tuple(packing.suffix for packing in PACKINGS)


def packing_of(head: bytes) -> Packing | None:
    """How the file is packed that starts with these bytes.

    >>> packing_of(b"\\x1f\\x8b\\x08\\x00").suffix, packing_of(b"BZh, he said")
    ('.gz', None)
    """
    return next((packing for packing in PACKINGS if re.match(packing.first, head)), None)


def packing_of_file(path: Path) -> Packing | None:
    """How a file is packed: by its name, or, where it can be read twice, by its first bytes."""
    named = next((packing for packing in PACKINGS if path.suffix == packing.suffix), None)
    if named or not path.is_file():
        return named
    try:
        with path.open("rb") as file:
            return packing_of(file.read(FIRST_BYTES))
    except OSError:
        # whoever reads it will say so
        return None


def unpacked_name(name: str) -> str:
    """A file's name without what says how it is packed.

    >>> unpacked_name("a.jsonl.xz"), unpacked_name("a.txt")
    ('a.jsonl', 'a.txt')
    """
    return next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)


def unpacking_errors() -> tuple[type[Exception], ...]:
    """What the unpackers that have been imported raise of damaged files, and OSError."""
    named = (("lzma", "LZMAError"), ("compression.zstd", "ZstdError"))
    return OSError, EOFError, zlib.error, *(getattr(sys.modules[m], error) for m, error in named if m in sys.modules)

"""Standard output: text as it is made."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable

import click

from textgen.errors import TextgenError


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
    finally:
        if isinstance(pieces, Generator):
            # no process that makes them goes on
            pieces.close()


def harmless(text: str) -> str:
    """A text in which control characters but line ends and tabs are U+FFFD.

    >>> harmless("a\\tb\\x1b[2J\\n")
    'a\\tb�[2J\\n'
    """
    if text.isprintable():
        return text
    return "".join("\ufffd" if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 else c for c in text)


def shows_blocks() -> bool:
    """Whether standard output is a terminal that can show characters beyond ASCII."""
    return sys.stdout.isatty() and sys.stdout.encoding.lower().replace("-", "") == "utf8"

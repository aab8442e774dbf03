"""How a file is read that may come from a stranger.

A run and a prepared corpus are folders of plain files. The folder itself may be reached through a link; nothing
in it may be one, so that no file of a stranger's leads to one of the reader's. A named pipe or a device in place
of a file is refused before it could block, and no more is read than a file of its kind can hold.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from textgen.errors import TextgenError

Struct = TypeVar("Struct", bound=msgspec.Struct)


def is_possible(path: str) -> bool:
    """Whether the system could have a file of this name.

    >>> is_possible("a/b"), is_possible("a\\0b"), is_possible("\\ud800")
    (True, False, False)
    """
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def open_plain(path: Path, root: Path | None = None) -> BinaryIO:
    """Open a file that is neither a link nor behind one.

    Args:
        path: the file.
        root: the folder down to which links are allowed; by default the file's own.

    Raises:
        OSError: it is missing, a link, behind a link below `root`, or no plain file.
    """
    for part in (path, *path.parents):
        if part == (root or path.parent):
            break
        if part.is_symlink():
            raise OSError(errno.ELOOP, "is a link; a run or a corpus holds plain files and folders only", str(part))
    if not is_possible(str(path)):
        raise OSError(errno.EINVAL, "is not a possible path", str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a plain file", str(path))
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, most: int, error_type: type[TextgenError]) -> bytes:
    """Read a plain file as a whole.

    Args:
        path: the file.
        most: bytes that a file of its kind can have.
        error_type: what to raise.

    Raises:
        error_type: the file is missing, larger, or no plain file.
    """
    with reporting_os_errors(path, error_type), open_plain(path) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise error_type(f"{path}: larger than {most:,} bytes; textgen writes no such file")
        return file.read(most)


def read_json(path: Path, kind: type[Struct], most: int, error_type: type[TextgenError]) -> Struct:
    """Read a structure from JSON, its types checked.

    Args:
        path: the file.
        kind: what it must hold.
        most: bytes that a file of this kind can have.
        error_type: what to raise.

    Raises:
        error_type: the file is missing, too large, or not of the expected form.
    """
    return decode_json(read_bytes(path, most, error_type), kind, path, error_type)


def decode_json(data: bytes | str, kind: type[Struct], path: Path, error_type: type[TextgenError]) -> Struct:
    """A structure from JSON that stands in a file, its types checked.

    Raises:
        error_type: it is not of the expected form.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise error_type(f"{path}: damaged or not made by textgen: {error}") from None


@contextlib.contextmanager
def reporting_os_errors(path: Path, error_type: type[TextgenError]) -> Iterator[None]:
    """Turn an error of the operating system into one line that names the file."""
    try:
        yield
    except OSError as error:
        # a rename names its destination second, and that is the name that people know
        raise error_type(f"{error.filename2 or error.filename or path}: {error.strerror or error}") from None

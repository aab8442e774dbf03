"""How any file or folder is written: beside its place, synced to the disk and renamed.

A reader, or a kill at any moment, sees the old one or the new one and nothing between.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from textgen.errors import RunError
from textgen.runs.reading import reporting_os_errors

UNFINISHED = ".unfinished"
"""How files end that are being written; a kill may leave one behind, and the next trainer clears it away."""
WORKING_FOLDER = -100
SWAP = 2


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all; its folder is made where it is missing.

    Raises:
        RunError: the system refuses, for instance because the disk is full.
    """
    with reporting_os_errors(path, RunError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}{UNFINISHED}")
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder last through a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Write a structure as indented JSON, as a whole or not at all."""
    write_bytes(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


@contextlib.contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes its place when the block ends and vanishes when it fails.

    Args:
        place: where the folder is to stand; what stands there is replaced, behind a link too. Parents are made.
    """
    place = Path(os.path.realpath(place)) if place.is_symlink() else place
    missing = [parent for parent in place.parents if not parent.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.parent / f".{place.name}.{secrets.token_hex(4)}"
    beside.mkdir()
    try:
        yield beside
        replace_folder(beside, place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        with contextlib.suppress(OSError):
            for parent in missing:
                parent.rmdir()
        raise


def replace_folder(new: Path, place: Path) -> None:
    """Put a folder in its place, in one step where the system can swap two; else the old one is put away first."""
    old = new
    if not (place.exists() and swap(new, place)):
        old = place.parent / f"{new.name}.old"
        if place.exists():
            place.rename(old)
        new.rename(place)
    sync_folder(place.parent)
    shutil.rmtree(old, ignore_errors=True)


def swap(first: Path, second: Path) -> bool:
    """Swap two folders in one step, on Linux or macOS; whether the file system did."""
    library = ctypes.CDLL(None)
    paths = os.fsencode(first), os.fsencode(second)
    if hasattr(library, "renameat2"):
        return bool(library.renameat2(WORKING_FOLDER, paths[0], WORKING_FOLDER, paths[1], SWAP) == 0)
    return hasattr(library, "renamex_np") and bool(library.renamex_np(*paths, SWAP) == 0)

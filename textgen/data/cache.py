"""Where a corpus stands that was given no place: in the user's cache, under a name that its content makes."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from textgen.data.corpus import Corpus
from textgen.errors import CorpusError
from textgen.runs.reading import reporting_os_errors
from textgen.runs.writing import replace_folder

NAME_LENGTH = 16


def in_cache(make: Callable[[Path], Corpus]) -> Corpus:
    """What makes a corpus in a folder, makes it in one of the user's cache.

    The same text, prepared in the same way, comes to stand in the same place.
    """
    folder = cache_folder() / "corpora"
    made = make(folder / secrets.token_hex(NAME_LENGTH))
    place = folder / made.fingerprint[:NAME_LENGTH]
    with reporting_os_errors(place, CorpusError):
        replace_folder(made.path, place)
    return Corpus.load(place)


def cache_folder() -> Path:
    """The folder for what can be made again: in XDG_CACHE_HOME, or where the system has such things.

    A user without a home has it among the temporary files.
    """
    home = Path("~").expanduser() if "HOME" in os.environ else Path(tempfile.gettempdir())
    usual = home / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return Path(os.environ.get("XDG_CACHE_HOME") or usual) / "textgen"

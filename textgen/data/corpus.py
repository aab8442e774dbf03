"""A prepared corpus, read as a memory map."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from textgen.config import PrepareConfig
from textgen.data.vocabulary import Vocabulary
from textgen.errors import CorpusError
from textgen.run import read_json, reporting_os_errors

FORMAT_VERSION = 1


class SourceInfo(msgspec.Struct):
    """One source of a corpus; sha256 is that of its bytes, unpacked."""

    name: str
    sha256: str
    characters: int


class CorpusInfo(msgspec.Struct, kw_only=True):
    """What corpus.json holds."""

    format_version: int
    sources: list[SourceInfo]
    settings: PrepareConfig
    train: int
    validation: int
    replaced: int
    """Characters that became U+FFFD."""
    counts: list[int]
    """How often each character of the vocabulary occurs, in the order of the ids."""


class Corpus:
    """A prepared corpus on disk. `train` and `validation` are memory maps of ids, (N,)."""

    def __init__(self, path: Path, info: CorpusInfo, vocabulary: Vocabulary) -> None:
        self.path = path
        self.info = info
        self.vocabulary = vocabulary
        self.train = self._map("train", info.train)
        self.validation = self._map("validation", info.validation)

    @classmethod
    def load(cls, path: Path | str) -> Corpus:
        """Open a prepared corpus.

        Raises:
            CorpusError: the folder is no prepared corpus, or of a newer format version, or damaged.
        """
        path = Path(path)
        file = path / "corpus.json"
        if not file.is_file():
            reason = "holds no corpus.json" if path.is_dir() else "is no folder"
            raise CorpusError(f"{path}: {reason}; expected a folder made by `textgen prepare`")
        info = read_json(file, CorpusInfo, CorpusError)
        if info.format_version != FORMAT_VERSION:
            raise CorpusError(
                f"{file}: format version {info.format_version}, expected {FORMAT_VERSION}; "
                "a newer textgen wrote it: upgrade textgen, or prepare the text again"
            )
        return cls(path, info, Vocabulary.load(path))

    @classmethod
    def load_same(cls, path: Path | str, fingerprint: str, run: Path) -> Corpus:
        """Open the corpus that a run was trained on.

        Raises:
            CorpusError: as `load`; or another corpus, or a changed one, stands there.
        """
        corpus = cls.load(path)
        if corpus.fingerprint != fingerprint:
            raise CorpusError(f"{path}: not the corpus that {run} was trained on; put that one in its place")
        return corpus

    @property
    def fingerprint(self) -> str:
        """A hash of corpus.json, with its sources' hashes and settings, and vocabulary.json."""
        names = ("corpus.json", "vocabulary.json")
        with reporting_os_errors(self.path, CorpusError):
            return hashlib.sha256(b"\0".join((self.path / name).read_bytes() for name in names)).hexdigest()

    def _map(self, part: str, count: int) -> np.ndarray:
        path = self.path / f"{part}.npy"
        with reporting_os_errors(path, CorpusError):
            try:
                ids = np.load(path, mmap_mode="r", allow_pickle=False)
            except (ValueError, EOFError) as error:
                raise CorpusError(f"{path}: damaged: {error}; prepare the text again") from None
        if ids.shape != (count,) or ids.dtype != self.vocabulary.dtype:
            raise CorpusError(
                f"{path}: holds {ids.dtype} {ids.shape}, expected {self.vocabulary.dtype} ({count},); "
                "prepare the text again"
            )
        return ids

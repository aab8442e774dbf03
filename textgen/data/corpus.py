"""A prepared corpus: its description, and its ids, written in a stream and read as memory maps."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from textgen.config import PrepareConfig
from textgen.data.summary import corpus_card, describe_corpus
from textgen.data.vocabulary import DOCUMENT_END, MAX_FILE_BYTES, REPLACEMENT, Vocabulary
from textgen.errors import CorpusError
from textgen.runs.reading import open_plain, read_bytes, read_json, reporting_os_errors
from textgen.runs.writing import write_json

FORMAT_VERSION = 1
MAX_INFO_BYTES = 32 * 2**20
"""The counts of all characters that there are and 80,000 sources fit."""
PREFIX = b"\x93NUMPY\x01\x00"
"""How a .npy file of format 1.0 begins; the length of its header follows, in two bytes."""
CHECKED_AT_ONCE = 2**20
Count = Annotated[int, Meta(ge=0, le=10**18)]


class SourceInfo(msgspec.Struct):
    """One source of a corpus; sha256 is that of its bytes, unpacked."""

    name: str
    sha256: str
    characters: Count


class CorpusInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What corpus.json holds."""

    format_version: int
    sources: list[SourceInfo]
    settings: PrepareConfig
    train: Annotated[int, Meta(ge=2, le=10**18)]
    validation: Count
    test: Count = 0
    replaced: Count
    """Characters that became U+FFFD."""
    counts: list[Count]
    """How often each character of the vocabulary occurs, in the order of the ids."""
    marks: Count = 0
    """Byte order marks that were left out."""

    def save(self, folder: Path) -> None:
        """Write corpus.json. Where there is no test part and no template it mentions none: a run knows its corpus by
        these bytes, and there are runs from before them."""
        fields = msgspec.to_builtins(self)
        for name in ("test", "template"):
            if not fields["settings"][name]:
                del fields["settings"][name]
        write_json(folder / "corpus.json", fields)


class Corpus:
    """A prepared corpus on disk. `train`, `validation` and `test` are memory maps of ids, (N,); `test` is empty where
    there is none."""

    def __init__(self, path: Path, info: CorpusInfo, vocabulary: Vocabulary) -> None:
        self.path = path
        self.info = info
        self.vocabulary = vocabulary
        self.train = self._map("train", info.train)
        self.validation = self._map("validation", info.validation)
        self.test = self._map("test", info.test) if info.test else np.empty(0, vocabulary.dtype)
        for part in ("validation", "test"):
            self.check_ids(part)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Corpus:
        """Open a prepared corpus.

        Raises:
            CorpusError: the folder is no prepared corpus, or of a newer format version, or damaged.
        """
        path = Path(path)
        file = path / "corpus.json"
        if not file.is_file():
            reason = "holds no corpus.json" if path.is_dir() else "is not a folder"
            raise CorpusError(f"{path}: {reason}; expected a folder made by `textgen prepare`")
        info = read_json(file, CorpusInfo, MAX_INFO_BYTES, CorpusError)
        if info.format_version != FORMAT_VERSION:
            raise CorpusError(
                f"{file}: format version {info.format_version}, expected {FORMAT_VERSION}; "
                "a newer textgen wrote it: upgrade textgen, or prepare the text again"
            )
        vocabulary = Vocabulary.load(path)
        if len(info.counts) != len(vocabulary):
            raise CorpusError(f"{file}: counts {len(info.counts)} characters, vocabulary.json has {len(vocabulary)}")
        return cls(path, info, vocabulary)

    @classmethod
    def load_same(cls, path: str | os.PathLike[str], fingerprint: str, run: Path) -> Corpus:
        """Open the corpus that a run was trained on.

        Raises:
            CorpusError: as `load`; or another corpus, or a changed one, stands there.
        """
        corpus = cls.load(path)
        if corpus.fingerprint != fingerprint:
            raise CorpusError(f"{path}: not the corpus that {run} was trained on; put that one in its place")
        return corpus

    def with_characters(self, others: Iterable[str]) -> Corpus:
        """The same text beside a vocabulary that goes on after its own characters with others.

        What marks the ends of documents or stands for unknown characters means something in the text that has it, and
        is left out.
        """
        marks = {DOCUMENT_END, REPLACEMENT}
        more = [c for c in others if c not in self.vocabulary.char2idx and c not in marks]
        wider = copy.copy(self)
        wider.vocabulary = Vocabulary((*self.vocabulary.idx2char, *more))
        wider.info = msgspec.structs.replace(self.info, counts=[*self.info.counts, *([0] * len(more))])
        return wider

    def with_vocabulary_of(self, run: Path) -> Corpus:
        """The same text beside the vocabulary of a run that was trained on it, which may go on with other characters.

        Raises:
            CorpusError: the run's vocabulary is missing or damaged, or begins with other characters.
        """
        vocabulary = Vocabulary.load(run)
        wider = self.with_characters(vocabulary.idx2char)
        if wider.vocabulary != vocabulary:
            raise CorpusError(f"{run}: its vocabulary.json does not begin with the characters of {self.path}")
        return wider

    def __repr__(self) -> str:
        return f"<Corpus {describe_corpus(self).splitlines()[0]}>"

    def _repr_html_(self) -> str:
        return corpus_card(self)

    @property
    def fingerprint(self) -> str:
        """A hash of corpus.json, with its sources' hashes and settings, and vocabulary.json."""
        files = (self.path / "corpus.json", MAX_INFO_BYTES), (self.path / "vocabulary.json", MAX_FILE_BYTES)
        return hashlib.sha256(b"\0".join(read_bytes(*file, CorpusError) for file in files)).hexdigest()

    def check_ids(self, part: str) -> None:
        """Read `train`, `validation` or `test` once, in pieces.

        Raises:
            CorpusError: it holds an id that the vocabulary does not.
        """
        ids = getattr(self, part)
        for start in range(0, len(ids), CHECKED_AT_ONCE):
            if ids[start : start + CHECKED_AT_ONCE].max() >= len(self.vocabulary):
                raise CorpusError(f"{self.path / part}.npy: holds ids beyond the vocabulary; prepare the text again")

    def _map(self, part: str, count: int) -> np.ndarray:
        """Map a part, once its header is the one that `prepare` writes; no other header is even parsed."""
        path, dtype = self.path / f"{part}.npy", self.vocabulary.dtype
        with reporting_os_errors(path, CorpusError), open_plain(path) as file:
            prefix, length = file.read(len(PREFIX)), int.from_bytes(file.read(2), "little")
            header = file.read(length).decode("latin-1").rstrip()
            size = os.fstat(file.fileno()).st_size
            form = f"{{'descr': {dtype.str!r}, 'fortran_order': False, 'shape': ({count},), }}"
            if (prefix, header) != (PREFIX, form) or size != file.tell() + count * dtype.itemsize:
                raise CorpusError(
                    f"{path}: damaged: {size:,} bytes with the header {header[:80]!r}, expected {dtype} ({count},); "
                    "prepare the text again"
                )
            return np.memmap(file, dtype, "r", file.tell(), (count,))

"""Text to a prepared corpus, in a stream.

Every source is read once. The first pass decodes the text, counts its characters and spools their code
points; the second reads the spool, maps code points to ids and deals them out to train and validation.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from textgen.config import PrepareConfig, TrainConfig
from textgen.data.corpus import FORMAT_VERSION, MAX_INFO_BYTES, Corpus, CorpusInfo, IdWriter, SourceInfo
from textgen.data.folder import whole_folder
from textgen.data.split import assign_files, split_lines, split_tail
from textgen.data.text import Source, check_encoding
from textgen.data.vocabulary import MAX_CHARACTERS, REPLACEMENT, Vocabulary, describe
from textgen.errors import CorpusError, TextError
from textgen.reading import reporting_os_errors
from textgen.run import write_json

CODE_POINTS = {1: np.dtype("u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4")}
MAPPED_AT_ONCE = 2**20
PARTS = ("train", "validation")
FILES = {"corpus.json", "vocabulary.json", *(f"{part}.npy" for part in PARTS)}


def prepare(
    sources: list[Source],
    out: Path,
    config: PrepareConfig,
    vocabulary: Vocabulary | None = None,
    force: bool = False,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Corpus:
    """Turn texts into a prepared corpus.

    Args:
        sources: the texts, from `find_sources`.
        out: the folder to write; it comes to be whole or not at all.
        config: how to decode, normalise and split.
        vocabulary: one to use instead of the text's own characters.
        force: replace a prepared corpus that stands at `out`.
        on_bytes: told the number of input bytes as they are read, for a progress display.

    Returns:
        The corpus, opened.

    Raises:
        TextError: a source cannot be read or decoded, or there is too little text.
        CorpusError: `out` holds something, or cannot be written.
        ConfigError: the encoding is unknown.
    """
    check_encoding(config.encoding)
    out = Path(out)
    with reporting_os_errors(out, CorpusError):
        refuse_occupied(out, force)
        with whole_folder(out) as folder:
            write_corpus(sources, folder, config, vocabulary, on_bytes)
    return Corpus.load(out)


def refuse_occupied(out: Path, force: bool) -> None:
    """Raise unless `out` is free, or holds a prepared corpus and may be replaced."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / "corpus.json").is_file():
        raise CorpusError(f"{out}: holds something that is no prepared corpus; give another --out")
    if others := sorted({path.name for path in out.iterdir()} - FILES):
        raise CorpusError(f"{out}: holds {others[0]!r}, which `prepare` did not make; give another --out")
    if not force:
        raise CorpusError(f"{out}: holds a prepared corpus; --force replaces it")


def write_corpus(sources, folder: Path, config, vocabulary, on_bytes) -> None:
    """Write the four files of a corpus into an empty folder."""
    with tempfile.TemporaryFile(dir=folder) as file:
        spool = Spool(file)
        for source in sources:
            spool.add(source.read(config, on_bytes))
        if not spool.counts.any():
            names = ", ".join(source.name for source in sources[:3])
            raise TextError(f"{names}: no text; expected at least one character")
        if spool.counts[0xD800:0xE000].any():
            raise TextError(
                f"the text holds lone surrogates, which are no characters; {config.encoding} is not its encoding"
            )
        vocabulary = vocabulary or choose_vocabulary(spool.counts, config.min_count)
        table = id_table(vocabulary, spool.counts, config.min_count)
        sizes = write_parts(spool, folder, table, config, [source.name for source in sources])
    counts = np.zeros(len(vocabulary), np.int64)
    used = np.flatnonzero(spool.counts)
    np.add.at(counts, table[used], spool.counts[used])
    changed = vocabulary_points(vocabulary)[table[used]] != used
    vocabulary.save(folder)
    write_json(
        folder / "corpus.json",
        CorpusInfo(
            format_version=FORMAT_VERSION,
            sources=[SourceInfo(s.name, s.sha256, s.characters) for s in sources],
            settings=config,
            train=sizes["train"],
            validation=sizes["validation"],
            replaced=int(spool.counts[used][changed].sum()),
            counts=counts.tolist(),
        ),
    )
    if (folder / "corpus.json").stat().st_size > MAX_INFO_BYTES:
        raise TextError(f"{len(sources):,} sources are more than a corpus can name; join some of them")


class Spool:
    """Code points of the sources in a temporary file, each piece as narrow as it can be, and their counts."""

    def __init__(self, file) -> None:
        self.file = file
        self.counts = np.zeros(MAX_CHARACTERS, np.int64)
        self.sources: list[list[tuple[np.dtype, int]]] = []

    def add(self, pieces: Iterator[str]) -> None:
        """Append one source."""
        written = []
        for text in pieces:
            points = code_points(text)
            if points.itemsize < 4:
                found = np.bincount(points)
                self.counts[: len(found)] += found
            else:
                values, found = np.unique(points, return_counts=True)
                self.counts[values] += found
            self.file.write(points)
            written.append((points.dtype, len(points)))
        self.sources.append(written)

    def read(self) -> Iterator[tuple[int, int, Iterator[np.ndarray]]]:
        """Each source's index, its length in characters and its pieces; pieces must be taken in order."""
        self.file.seek(0)
        for index, pieces in enumerate(self.sources):
            yield index, sum(count for _, count in pieces), map(self._piece, pieces)

    def _piece(self, piece: tuple[np.dtype, int]) -> np.ndarray:
        dtype, count = piece
        return np.frombuffer(self.file.read(count * dtype.itemsize), dtype)


def code_points(text: str) -> np.ndarray:
    """The code points of a text, in the narrowest of 1, 2 and 4 bytes.

    >>> code_points("aé").dtype, code_points("我爱你").tolist()
    (dtype('uint8'), [25105, 29233, 20320])
    """
    try:
        return np.frombuffer(text.encode("latin-1"), CODE_POINTS[1])
    except UnicodeEncodeError:
        wide = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), CODE_POINTS[4])
        return wide.astype(CODE_POINTS[2]) if wide.max() < 2**16 else wide


def choose_vocabulary(counts: np.ndarray, min_count: int) -> Vocabulary:
    """The characters that occur often enough, and the line end, in the order of their code points."""
    enough = counts >= max(1, min_count)
    enough[ord("\n")] = True
    if np.any((counts > 0) & ~enough):
        enough[ord(REPLACEMENT)] = True
    return Vocabulary(map(chr, np.flatnonzero(enough)))


def vocabulary_points(vocabulary: Vocabulary) -> np.ndarray:
    """The code point of each id, (V,)."""
    return np.array([ord(c) for c in vocabulary.idx2char])


def id_table(vocabulary: Vocabulary, counts: np.ndarray, min_count: int) -> np.ndarray:
    """Code point to id for all code points; those without an id of their own have that of U+FFFD.

    Raises:
        TextError: the text holds characters that the vocabulary lacks, and it lacks U+FFFD too.
    """
    table = np.full(MAX_CHARACTERS, vocabulary.char2idx.get(REPLACEMENT, 0), vocabulary.dtype)
    points = vocabulary_points(vocabulary)
    table[points] = np.arange(len(vocabulary))
    lacking = counts > 0
    lacking[points] = False
    if lacking.any() and REPLACEMENT not in vocabulary.char2idx:
        missing = {chr(p): int(counts[p]) for p in np.flatnonzero(lacking)}
        named = describe(missing).replace(", at ", ", count ")
        raise TextError(f"the given vocabulary lacks {named}, and has no U+FFFD to stand for them")
    return table


def write_parts(
    spool: Spool, folder: Path, table: np.ndarray, config: PrepareConfig, names: list[str]
) -> dict[str, int]:
    """Write train.npy and validation.npy, and return their sizes."""
    lengths = [sum(count for _, count in pieces) for pieces in spool.sources]
    held_out = assign_files(lengths, config, names) if config.split == "files" else set()
    train, validation = (IdWriter(folder / f"{part}.npy", table.dtype) for part in PARTS)
    with train, validation:
        for index, length, pieces in spool.read():
            if config.split == "lines":
                parts = split_lines(pieces, config.validation, config.rng_seed)
            elif config.split == "files":
                parts = ((index in held_out, piece) for piece in pieces)
            else:
                parts = split_tail(pieces, int(length * (1 - config.validation)))
            for is_validation, points in parts:
                # a line may be as long as the whole text
                for start in range(0, len(points), MAPPED_AT_ONCE):
                    ids = table.take(points[start : start + MAPPED_AT_ONCE])
                    (validation if is_validation else train).write(ids)
    check_sizes(train.count, validation.count, config)
    return {"train": train.count, "validation": validation.count}


def check_sizes(train: int, validation: int, config: PrepareConfig) -> None:
    """Raise a TextError when a part is too short to be of use."""
    window = TrainConfig().seq_length + 1
    if train < 2:
        raise TextError(f"the training part has {train} characters; expected at least 2: give more text")
    if config.validation and validation < window:
        raise TextError(
            f"the validation part has {validation} characters, expected at least {window} (one window): "
            "give more text, a larger --validation, or --validation 0 for none"
        )

"""Text to a prepared corpus, in a stream.

Every source is read once. The first pass decodes the text, counts its characters and lays their code points by;
the second maps code points to ids, each in its place in the file of its part. Both go over batches of sources,
side by side where there are several workers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from textgen.config import PrepareConfig
from textgen.data.corpus import FORMAT_VERSION, MAX_INFO_BYTES, Corpus, CorpusInfo
from textgen.data.encode import PARTS, choose_vocabulary, id_table, vocabulary_points, write_parts
from textgen.data.encodings import check_encoding
from textgen.data.parallel import Workers
from textgen.data.records import check_records
from textgen.data.spool import spool_sources
from textgen.data.template import template_of
from textgen.data.text import Source
from textgen.data.vocabulary import DOCUMENT_END, MAX_CHARACTERS, Vocabulary
from textgen.errors import CorpusError, TextError
from textgen.machine import number_of
from textgen.runs.reading import reporting_os_errors
from textgen.runs.writing import whole_folder

FILES = {"corpus.json", "vocabulary.json", *(f"{part}.npy" for part in PARTS)}

LEAST_CHARACTERS = 3
"""Two and a line end."""
Telling = Callable[[int | None], AbstractContextManager[Callable[[int], None]]]
"""Given how many bytes there are to read, what to call with how many have been read since the last call."""


def prepare(
    sources: list[Source],
    out: Path,
    config: PrepareConfig,
    vocabulary: Vocabulary | None = None,
    force: bool = False,
    on_bytes: Callable[[int], None] = lambda count: None,
    workers: int = 1,
) -> Corpus:
    """Turn texts into a prepared corpus.

    Args:
        sources: the texts, from `find_sources`.
        out: the folder to write; it comes to be whole or not at all.
        config: how to decode, normalise and split.
        vocabulary: one to use instead of the text's own characters.
        force: replace a prepared corpus that stands at `out`.
        on_bytes: told the number of input bytes as they are read, for a progress display.
        workers: processes that share the sources, unless one of them is a pipe; 0 is as many as there are cores. The
            corpus does not depend on it.

    Returns:
        The corpus, opened.

    Raises:
        TextError: a source cannot be read or decoded, or there is too little text.
        CorpusError: `out` holds something, or cannot be written.
        ConfigError: the encoding is unknown, the template is none, or `workers` is out of range.
    """
    workers = number_of(workers)
    check_encoding(config.text_encoding)
    template_of(config)
    check_records((source.name for source in sources), config)
    out = Path(out)
    workers = min(workers, len(sources)) if all(source.is_file for source in sources) else 1
    with reporting_os_errors(out, CorpusError):
        refuse_occupied(out, force)
        with whole_folder(out) as folder, Workers(workers, on_bytes) as working:
            write_corpus(sources, folder, config, vocabulary, working)
    return Corpus.load(out)


def refuse_occupied(out: Path, force: bool) -> None:
    """Raise unless `out` is free, or holds a prepared corpus and may be replaced."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / "corpus.json").is_file():
        raise CorpusError(f"{out}: holds something that is not a prepared corpus; give another --out")
    if others := sorted({path.name for path in out.iterdir()} - FILES):
        raise CorpusError(f"{out}: holds {others[0]!r}, which `prepare` did not make; give another --out")
    if not force:
        raise CorpusError(f"{out}: holds a prepared corpus; --force replaces it")


def write_corpus(
    sources: list[Source], folder: Path, config: PrepareConfig, vocabulary: Vocabulary | None, workers: Workers
) -> None:
    """Write the files of a corpus into an empty folder."""
    batches = enumerate(workers.batches(sources))
    tasks = [(batch, folder / f"points-{i}", config) for i, batch in batches]
    spools = workers.map(spool_sources, tasks)
    found = np.zeros(MAX_CHARACTERS, np.int64)
    for spool in spools:
        found[spool.points] += spool.counts
    if not found.any():
        names = ", ".join(source.name for source in sources[:3])
        raise TextError(f"{names}: no text; expected at least one character")
    if found.sum() - found[ord(DOCUMENT_END)] < LEAST_CHARACTERS:
        raise TextError(
            f"{sources[0].name}: holds one character; expected two or more, since a model learns which follows which"
        )
    if found[0xD800:0xE000].any():
        raise TextError(
            f"the text holds lone surrogates, which are not characters; {config.text_encoding} is not its encoding"
        )
    vocabulary = vocabulary or choose_vocabulary(found, config.min_count)
    table = id_table(vocabulary, found)
    sizes = write_parts(spools, folder, table, config, workers)
    counts = np.zeros(len(vocabulary), np.int64)
    used = np.flatnonzero(found)
    np.add.at(counts, table[used], found[used])
    changed = vocabulary_points(vocabulary)[table[used]] != used
    vocabulary.save(folder)
    CorpusInfo(
        format_version=FORMAT_VERSION,
        sources=[source for spool in spools for source in spool.sources],
        settings=config,
        replaced=int(found[used][changed].sum()),
        counts=counts.tolist(),
        marks=sum(spool.marks for spool in spools),
        **sizes,
    ).save(folder)
    if (folder / "corpus.json").stat().st_size > MAX_INFO_BYTES:
        raise TextError(f"{len(sources):,} sources are more than a corpus can name; join some of them")

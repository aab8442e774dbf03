"""The second pass: code points become ids and are dealt out to train, validation and test."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from textgen.config import PrepareConfig, TrainConfig
from textgen.data.corpus import SourceInfo
from textgen.data.parallel import Workers
from textgen.data.split import Dealt, assign_files, split_tail
from textgen.data.spool import Spool
from textgen.data.vocabulary import DOCUMENT_END, MAX_CHARACTERS, REPLACEMENT, Vocabulary, describe
from textgen.errors import TextError
from textgen.runs.arrays import Ints

PARTS = ("train", "validation", "test")
"""A corpus without a test part has no file of it."""
ENCODED_AT_ONCE = 2**20
WINDOW = TrainConfig().seq_length + 1
"""Characters that a validation part has at least."""


def choose_vocabulary(counts: Ints, min_count: int) -> Vocabulary:
    """The characters that occur often enough, the line end, and the document end if there is one, by code points."""
    enough = counts >= max(1, min_count)
    enough[ord(DOCUMENT_END)] = counts[ord(DOCUMENT_END)] > 0
    enough[ord("\n")] = True
    if np.any((counts > 0) & ~enough):
        enough[ord(REPLACEMENT)] = True
    return Vocabulary(map(chr, np.flatnonzero(enough)))


def vocabulary_points(vocabulary: Vocabulary) -> Ints:
    """The code point of each id, (V,)."""
    return np.array([ord(c) for c in vocabulary.idx2char])


def id_table(vocabulary: Vocabulary, counts: Ints) -> Ints:
    """Code point to id, up to the last that the text holds; those without an id of their own have that of U+FFFD.

    Raises:
        TextError: the text holds characters that the vocabulary lacks, and it lacks U+FFFD too.
    """
    points = vocabulary_points(vocabulary)
    table = np.full(MAX_CHARACTERS, vocabulary.char2idx.get(REPLACEMENT, 0), vocabulary.dtype)
    table[points] = np.arange(len(vocabulary))
    lacking = counts > 0
    last = np.flatnonzero(lacking)[-1]
    lacking[points] = False
    if lacking[ord(DOCUMENT_END)]:
        raise TextError("the given vocabulary has no document separator; leave --document-end out")
    if lacking.any() and REPLACEMENT not in vocabulary.char2idx:
        missing = {chr(p): int(counts[p]) for p in np.flatnonzero(lacking)}
        named = describe(missing).replace(", at ", ", count ")
        raise TextError(f"the given vocabulary lacks {named}, and has no U+FFFD to stand for them")
    return table[: last + 1].copy()


def write_parts(
    spools: list[Spool], folder: Path, table: Ints, config: PrepareConfig, workers: Workers
) -> dict[str, int]:
    """Write train.npy, validation.npy and, where there is one, test.npy into a folder.

    Without a test part, a validation part that is shorter than a window trains too.

    Args:
        spools: what the first pass laid by; their files are deleted.
        folder: where to write.
        table: code point to id.
        config: how to split.
        workers: encode a spool each, into its own place in the files.

    Returns:
        The number of characters of each part that there is.

    Raises:
        TextError: the training part is too short to be of use.
    """
    names = PARTS if config.test else PARTS[:2]
    assigned = assign_sources(spools, config)
    held_out = sum(part_sizes(*each, config)[1] for each in zip(spools, assigned, strict=True))
    if held_out < WINDOW and not config.test:
        # too short to be of use: all of the text trains
        config = msgspec.structs.replace(config, split="tail", validation=0.0)
    sizes = [part_sizes(*each, config)[: len(names)] for each in zip(spools, assigned, strict=True)]
    totals = dict(zip(names, map(sum, zip(*sizes, strict=True)), strict=True))
    check_sizes(totals, config)
    paths = [folder / f"{part}.npy" for part in names]
    places = [make_ids(path, table.dtype, total) for path, total in zip(paths, totals.values(), strict=True)]
    tasks = []
    for spool, parts, counts in zip(spools, assigned, sizes, strict=True):
        tasks.append((spool, parts, config, table, list(zip(paths, places, strict=True))))
        places = [place + count * table.itemsize for place, count in zip(places, counts, strict=True)]
    workers.map(encode_spool, tasks)
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    return totals


def assign_sources(spools: list[Spool], config: PrepareConfig) -> list[list[int]]:
    """For each source of each spool the part that it belongs to as a whole; 0 where it is split."""
    sources = [source for spool in spools for source in spool.sources]
    parts = [0] * len(sources)
    if config.split == "files":
        parts = assign_files([s.characters for s in sources], config, [s.name for s in sources])
    rest = iter(parts)
    return [list(islice(rest, len(spool.sources))) for spool in spools]


def part_sizes(spool: Spool, assigned: list[int], config: PrepareConfig) -> list[int]:
    """How many characters of a spool are for each part."""
    sizes = [0] * len(PARTS)
    for source, whole, pieces in zip(spool.sources, assigned, spool.pieces, strict=True):
        dealt = ((whole or piece.part, piece.length) for piece in pieces)
        for part, length in enumerate(tail_lengths(source, config)) if config.split == "tail" else dealt:
            sizes[part] += length
    return sizes


def tail_lengths(source: SourceInfo, config: PrepareConfig) -> list[int]:
    """How many characters of a source train, validate and test where the tail is held out."""
    held_out = config.validation + config.test, config.test
    train, validation = (int(source.characters * (1 - fraction)) for fraction in held_out)
    return [train, validation - train, source.characters - validation]


def make_ids(path: Path, dtype: np.dtype[Any], count: int) -> int:
    """Make a .npy file of so many ids, all 0 as yet, and tell at which byte they start."""
    form = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (count,)}
    with path.open("xb") as file:
        np.lib.format.write_array_header_1_0(file, form)
        start = file.tell()
        file.truncate(start + count * dtype.itemsize)
    return start


def encode_spool(
    spool: Spool,
    assigned: list[int],
    config: PrepareConfig,
    table: Ints,
    places: list[tuple[Path, int]],
    on_bytes: Callable[[int], None],
) -> None:
    """Write a spool's ids to where they belong, and delete the spool.

    Args:
        spool: some sources.
        assigned: the part that each of them belongs to as a whole; 0 where it is split.
        config: how to split.
        table: code point to id.
        places: for each part the file and the byte to start at.
        on_bytes: told 0 after each piece, since the input was counted when it was read.
    """
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(path.open("r+b")) for path, _ in places]
        for file, (_, start) in zip(files, places, strict=True):
            file.seek(start)
        for source, whole, pieces in zip(spool.sources, assigned, spool.read(), strict=True):
            dealt: Dealt = ((whole or part, points) for part, points in pieces)
            if config.split == "tail":
                dealt = split_tail((points for _, points in pieces), tail_lengths(source, config))
            for part, points in dealt:
                # a line may be as long as the whole text
                for start in range(0, len(points), ENCODED_AT_ONCE):
                    files[part].write(table.take(points[start : start + ENCODED_AT_ONCE]).data)
                on_bytes(0)
        for file in files:
            begin_writing_back(file)
    spool.path.unlink()


def begin_writing_back(file: BinaryIO) -> None:
    """Let the system put on the disk what it holds of a file, while other work goes on; the sync at the end then waits
    less. Where the system takes no such advice, nothing is done."""
    file.flush()
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def check_sizes(totals: dict[str, int], config: PrepareConfig) -> None:
    """Raise a TextError when a part is too short to be of use."""
    if totals["train"] < 2:
        raise TextError(f"the training part has {totals['train']} characters; expected at least 2: give more text")
    for part, fraction in (("validation", config.validation), ("test", config.test)):
        if fraction and totals[part] < WINDOW:
            raise TextError(
                f"the {part} part has {totals[part]} characters, expected at least {WINDOW} (one window): "
                f"give more text, a larger --{part}, or --{part} 0 for none"
            )

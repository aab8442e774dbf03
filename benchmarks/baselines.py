"""Bits per character, beside compressors: `python benchmarks/baselines.py CORPUS [RUN]`.

Measured on the validation part of a prepared corpus, and on its test part if it has one: counts of the training part
alone; with RUN its network alone and its mixture of network and counts; and compressors. A compressor reads the
training part first: its figure is the compressed size of both together, less that of the training part. PPMd (order 6)
and zpaq (its strongest method) model text. xz and zstd only find repeats, and are there for orientation.

`pip install 'textgen-keras[benchmarks]'` installs PPMd and zstd; zpaq is a program of its own. What is not installed is
left out. Compressors read UTF-8; the bits are per character, not per byte.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import lzma
import math
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
from machine import report

import textgen
from textgen.counts.contexts import Contexts, TextContexts
from textgen.counts.counting import count, countable, gathered, stretches
from textgen.counts.mixture import said
from textgen.counts.tables import Counts
from textgen.data.corpus import Corpus
from textgen.errors import TextgenError
from textgen.inference.generate import Generator
from textgen.inference.predictor import Predictor
from textgen.inference.score import mean_bits
from textgen.runs.run import Run

PPMD_ORDER = 6
PPMD_BYTES = 2**29
ZSTD_LEVEL = 22
ROWS = 2**14
Sizes = dict[str, Callable[[bytes], int]]


def parts_of(corpus: Corpus) -> dict[str, np.ndarray]:
    """The parts to measure on, by name."""
    return {name: ids for name, ids in (("validation", corpus.validation), ("test", corpus.test)) if len(ids)}


def load_corpus(path: Path, run: Path | None) -> Corpus:
    """A prepared corpus, the one that a run was trained on if there is a run."""
    try:
        return Corpus.load_same(path, Run(run).load_info().corpus_fingerprint, run) if run else Corpus.load(path)
    except TextgenError as error:
        raise SystemExit(str(error)) from None


def counted(corpus: Corpus, order: int) -> Counts:
    """The counts of a training part, as much of it as training counts when it has time."""
    parts = stretches(len(corpus.train), countable(len(corpus.train), math.inf))
    return count(Contexts(corpus.vocabulary, order), gathered(corpus.train, parts))


def counts_bits(counts: Counts, ids: np.ndarray) -> float:
    """Bits per character of a text under counts alone."""
    ids = np.array(ids)
    contexts, nats = TextContexts(counts.contexts, ids), 0.0
    for start in range(0, len(ids), ROWS):
        places = np.arange(start, min(start + ROWS, len(ids)))
        _, found = said(counts, contexts.keys(places), contexts.places(places))
        nats -= float(found[np.arange(len(places)), ids[places]].sum())
    return nats / len(ids) / math.log(2)


def run_rows(run: Path, checkpoint: str, parts: dict[str, np.ndarray]) -> Iterator[dict]:
    """A row for a run's network, and one for its mixture with counts."""
    model = textgen.load(run, checkpoint)
    network = Generator(Predictor(model.predictor.network), model.vocabulary)
    for name, each in (("network alone", network), ("mixture", model))[: 1 + bool(model.predictor.counts)]:
        yield row(f"{name} ({run.name})", {part: mean_bits(each, ids) for part, ids in parts.items()})


def row(model: str, bits: dict[str, float]) -> dict:
    """A row of the table."""
    return {"model": model, **{f"{part} bpc": f"{value:.3f}" for part, value in bits.items()}}


def installed(name: str) -> ModuleType | None:
    """A module, if it is there."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def compressors() -> Sizes:
    """The compressors that are installed, each of which tells the bytes of a text."""
    found: Sizes = {}
    if ppmd := installed("pyppmd"):
        found[f"PPMd, order {PPMD_ORDER}"] = lambda data: len(
            ppmd.compress(data, max_order=PPMD_ORDER, mem_size=PPMD_BYTES, variant="H")
        )
    if shutil.which("zpaq"):
        found["zpaq, method 5"] = zpaq_bytes
    found["xz, 9e"] = lambda data: len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
    if zstd := installed("zstandard"):
        found[f"zstd, {ZSTD_LEVEL}"] = lambda data: len(zstd.compress(data, ZSTD_LEVEL))
    elif shutil.which("zstd"):
        command = ["zstd", "--ultra", f"-{ZSTD_LEVEL}", "--long=31", "-c"]
        found[f"zstd, {ZSTD_LEVEL}"] = lambda data: len(subprocess.check_output(command, input=data))
    return found


def zpaq_bytes(data: bytes) -> int:
    """The size of a zpaq archive of a text."""
    with tempfile.TemporaryDirectory() as folder:
        text, archive = Path(folder) / "text", Path(folder) / "archive.zpaq"
        text.write_bytes(data)
        subprocess.run(["zpaq", "add", archive, text, "-method", "5"], check=True, capture_output=True)
        return archive.stat().st_size


def compressor_rows(train: bytes, texts: dict[str, str]) -> Iterator[dict]:
    """A row for each compressor."""
    for name, size in compressors().items():
        alone = size(train)
        bits = {part: 8 * (size(train + text.encode()) - alone) / len(text) for part, text in texts.items()}
        yield row(name, bits)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a prepared corpus with a validation or a test part")
    parser.add_argument("run", type=Path, nargs="?", help="a run that was trained on it")
    parser.add_argument("--checkpoint", default="best")
    parser.add_argument("--ngram-order", type=int, default=5, help="of the counts")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    corpus = load_corpus(options.corpus, options.run)
    parts = parts_of(corpus)
    if not parts:
        raise SystemExit(f"{options.corpus}: has neither a validation nor a test part")
    texts = {part: corpus.vocabulary.decode(ids) for part, ids in parts.items()}
    train = corpus.vocabulary.decode(corpus.train).encode()
    digest = hashlib.sha256(b"".join([train, *(text.encode() for text in texts.values())])).hexdigest()
    sizes = ", ".join(f"{part} {len(ids):,}" for part, ids in {"train": corpus.train, **parts}.items())
    counts = counted(corpus, options.ngram_order)
    rows = [row("counts alone", {part: counts_bits(counts, ids) for part, ids in parts.items()})]
    rows += run_rows(options.run, options.checkpoint, parts) if options.run else []
    rows += compressor_rows(train, texts)
    title = f"{options.corpus.name}: {sizes} characters, {len(corpus.vocabulary):,} distinct, text sha256 {digest}"
    report(title, rows, options.json)


if __name__ == "__main__":
    main()

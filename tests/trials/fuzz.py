"""Files that were changed at random, loaded: they are read, or refused in one line. Nothing else may happen.

    python tests/trials/fuzz.py FOLDER FORMAT EXAMPLES

FOLDER holds a run `run` and a prepared corpus `corpus`; the run's network is put beside them in HDF5. It prints how
many files were tried, how many of them were still read, the seconds it took and the largest memory of the process.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shutil
import signal
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from exported import keras_layers, save_keras2, save_keras3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measure import peak_megabytes

import textgen
from textgen.config import ModelConfig, TrainConfig, read_toml
from textgen.data.corpus import Corpus
from textgen.errors import TextgenError
from textgen.export.keras_import import import_keras
from textgen.inference.overview import as_json, list_runs, overview
from textgen.runs.run import Run

SECONDS = 5
TOML = b"""# what a person would write
cell = "lstm"
units = 24
num_layers = 1
dropout = 0.25
learning_rate = 1e-3
steps = 1_000
"""
VALUE = re.compile(rb'"(?:\\.|[^"\\])*"|\'[^\']*\'|-?[0-9][0-9.e+-]*|true|false|null|[\[\](){}]|[a-z_]+')
HOSTILE = [
    *(b"null", b"true", b'""', b"[]", b"{}", b"()", b'"x"', b'"\\u0000"', b'"\\ud800"', b'"\x1b[2J"', b"\xff"),
    *(b"0", b"-1", b"1", b"255", b"65536", b"2147483648", b"9223372036854775808", b"1" + b"0" * 400, b"1" * 5000),
    *(b"NaN", b"Infinity", b"-Infinity", b"nan", b"1e308", b"-1e308", b"1e999", b"1e-320", b"0.5", b"-0.0"),
    *(b"[" * 3000, b"(" * 3000, b'{"a":' * 3000, b"[" * 300 + b"]" * 300, b'"' + b"x" * 3000 + b'"', b"1," * 3000),
    *(b'"../../../etc"', b'"/dev/zero"', b'"|O"', b'"F64"', b'"|u1"', b'"lstm"', b'"gru"', b"[1000000000000]"),
]


@st.composite
def bytes_changed(draw, original: bytes) -> bytes:
    """Some bytes flipped, cut off, put in, taken out or doubled."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(1, 64)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "delete", "double"]))
        if kind == "flip" and start < len(data):
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[start:]
        elif kind == "insert":
            data[start:start] = draw(st.binary(min_size=1, max_size=16))
        elif kind == "delete":
            del data[start:end]
        else:
            data[start:start] = data[start:end]
    return bytes(data)


@st.composite
def values_changed(draw, original: bytes) -> bytes:
    """Some values of a text replaced by hostile ones."""
    spans = [match.span() for match in VALUE.finditer(original)]
    chosen = draw(st.lists(st.sampled_from(spans), min_size=1, max_size=3, unique=True))
    for start, end in sorted(chosen, reverse=True):
        original = original[:start] + draw(st.sampled_from(HOSTILE)) + original[end:]
    return original


@st.composite
def contents_changed(draw, original: bytes, start: int) -> bytes:
    """Some bytes from a place on overwritten by others, the length kept."""
    data = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(start, len(data) - 1))
        new = draw(st.binary(min_size=1, max_size=8))[: len(data) - place]
        data[place : place + len(new)] = new
    return bytes(data)


def with_header(original: bytes, start: int, width: int) -> st.SearchStrategy[bytes]:
    """A file whose text header follows its own length: values of the header changed, its length true again."""
    begin = start + width
    end = begin + int.from_bytes(original[start:begin], "little")

    def joined(header: bytes) -> bytes:
        length = min(len(header), 256**width - 1).to_bytes(width, "little")
        return original[:start] + length + header + original[end:]

    header = values_changed(original[begin:end]).map(joined)
    return header | contents_changed(original, end) | bytes_changed(original)


def text(original: bytes) -> st.SearchStrategy[bytes]:
    """A file that is text throughout."""
    return values_changed(original) | bytes_changed(original)


def hdf5(original: bytes) -> st.SearchStrategy[bytes]:
    """A file of HDF5: its length mostly kept, for the library refuses others at once."""
    return contents_changed(original, 0) | structure_changed(original) | bytes_changed(original)


@st.composite
def structure_changed(draw, original: bytes) -> bytes:
    """A few bytes changed near a place where the file describes itself, or where it has a text."""
    places = [match.start() for match in re.finditer(rb"TREE|SNOD|HEAP|GCOL|[a-z_]{4,}", original)]
    start = draw(st.sampled_from(places)) + draw(st.integers(-32, 64))
    start = min(max(start, 0), len(original) - 1)
    new = draw(st.sampled_from([b"\0", b"\1", b"\xff", b"\xff" * 8, bytes(8)]) | st.binary(min_size=1, max_size=8))
    return (original[:start] + new + original[start + len(new) :])[: len(original)]


safetensors = functools.partial(with_header, start=0, width=8)
npy = functools.partial(with_header, start=8, width=2)


def sampled(folder: Path) -> None:
    """Load a run and write a few characters."""
    textgen.load(folder / "run").generate("the", length=3, rng_seed=0)


def shown(folder: Path) -> None:
    """Show a run, and list it."""
    str(list_runs(folder))
    as_json(overview(folder / "run"))
    str(overview(folder / "run"))


def corpus_read(folder: Path) -> None:
    """Open a corpus and read all of it."""
    corpus = Corpus.load(folder / "corpus")
    corpus.check_ids("train")
    corpus.fingerprint  # noqa: B018


def described(folder: Path) -> None:
    """Sample and show a run."""
    shown(folder)
    sampled(folder)


def toml_read(folder: Path) -> None:
    """Read a file of settings."""
    read_toml(folder / "settings.toml", [ModelConfig, TrainConfig])


@functools.cache
def engine():
    """What a checkpoint is loaded into; made once, for making it takes seconds."""
    from textgen.training.engine import Engine

    return Engine(ModelConfig(units=24, embedding_dim=8, dropout=0.1), TrainConfig(batch_size=4), 29)


def training_loaded(folder: Path) -> None:
    """Load what a resume needs."""
    from textgen.counts.files import mixture_specs, rates_specs
    from textgen.training.checkpoint import check_training, load_training

    run = Run(folder / "run")
    check_training(run, run.load_info(), 29, 2430)
    model = run.load_info().model
    load_training(run, engine(), mixture_specs(model), rates_specs(model))


def make_models(folder: Path) -> None:
    """The run's network as Keras writes it, and the list of its characters, as far as they are not there."""
    if not (folder / "model.h5").exists():
        layers, parts = keras_layers(folder / "run")
        save_keras2(folder / "model.h5", layers, parts)
        save_keras3(folder / "weights.h5", layers, parts)
        (folder / "config.json").write_text(json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
        shutil.copy(folder / "run" / "vocabulary.json", folder / "characters.json")


def imported(folder: Path, name: str = "model.h5") -> None:
    """Make a run of a model."""
    shutil.rmtree(folder / "imported", ignore_errors=True)
    import_keras(folder / name, folder / "characters.json", folder / "imported")


def archive_imported(folder: Path) -> None:
    """Make a run of a .keras file whose checksums are those of its damaged parts."""
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.write(folder / "config.json", "config.json")
        archive.write(folder / "weights.h5", "model.weights.h5")
    imported(folder, "model.keras")


FORMATS: dict[str, tuple[str, Callable, Callable]] = {
    "run": ("run/run.json", text, described),
    "vocabulary": ("run/vocabulary.json", text, sampled),
    "weights": ("run/checkpoints/best/weights.safetensors", safetensors, sampled),
    "counts": ("run/counts.safetensors", safetensors, sampled),
    "training": ("run/checkpoints/last/training.safetensors", safetensors, training_loaded),
    "history": ("run/history.csv", text, shown),
    "corpus": ("corpus/corpus.json", text, corpus_read),
    "corpus-vocabulary": ("corpus/vocabulary.json", text, corpus_read),
    "ids": ("corpus/train.npy", npy, corpus_read),
    "settings": ("settings.toml", text, toml_read),
    "hdf5": ("model.h5", hdf5, imported),
    "keras": ("weights.h5", hdf5, archive_imported),
}
IN_A_PROCESS = {"hdf5", "keras"}
"""Formats that are read in a process of their own, which takes a third of a second or more."""


class TooLong(BaseException):
    """A block took too long. Nothing that catches errors may swallow it."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TooLong in a block that works for more than some seconds, or waits for ten times as long: a busy machine
    may let anybody wait."""

    def stop(number, frame):
        raise TooLong(f"more than {seconds} s")

    clocks = {signal.ITIMER_PROF: (signal.SIGPROF, seconds), signal.ITIMER_REAL: (signal.SIGALRM, 10 * seconds)}
    before = {number: signal.signal(number, stop) for number, _ in clocks.values()}
    for clock, (_, limit) in clocks.items():
        signal.setitimer(clock, limit)
    try:
        yield
    finally:
        for clock in clocks:
            signal.setitimer(clock, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def fuzz(folder: Path, name: str, examples: int) -> dict[str, int]:
    """Change one file of a folder again and again, and load it each time.

    Returns:
        How many files were `tried`, and how many of them `read`.
    """
    place, changes, load = FORMATS[name]
    (folder / "settings.toml").write_bytes(TOML)
    make_models(folder)
    original = (folder / place).read_bytes()
    count = {"tried": 0, "read": 0}

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(changes(original))
    def attempt(data: bytes) -> None:
        (folder / place).write_bytes(data)
        count["tried"] += 1
        with contextlib.suppress(TextgenError), at_most(SECONDS), warnings.catch_warnings(action="error"):
            load(folder)
            count["read"] += 1

    try:
        load(folder)
        attempt()
    finally:
        (folder / place).write_bytes(original)
    return count


def main() -> None:
    """Fuzz one format and print the figures as a line of JSON."""
    folder, name, examples = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    began = time.monotonic()
    count = fuzz(folder, name, examples)
    seconds = round(time.monotonic() - began)
    figures = {"format": name, **count, "seconds": seconds, "peak_mb": peak_megabytes()}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()

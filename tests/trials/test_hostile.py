"""Runs and corpora that a stranger made: nothing in them leads out, blocks, or takes more memory than it may."""

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import at_most
from support import few, run_textgen

import textgen
from textgen.data.corpus import Corpus
from textgen.errors import TextgenError
from textgen.inference.overview import overview
from textgen.runs.run import Run

LARGE = 16 * 2**20
WEIGHTS = "checkpoints/best/weights.safetensors"
LOADED = {
    "run/run.json": "info",
    "run/vocabulary.json": "load",
    "run/history.csv": "info",
    f"run/{WEIGHTS}": "load",
    "run/checkpoints/last/training.safetensors": "resume",
    "corpus/corpus.json": "corpus",
    "corpus/vocabulary.json": "corpus",
    "corpus/train.npy": "corpus",
    "corpus/validation.npy": "corpus",
}
"""Every file that is loaded, and what loads it."""


@pytest.fixture
def folder(run_path, corpus_path, tmp_path):
    """A run and a corpus to spoil."""
    shutil.copytree(run_path, tmp_path / "run")
    shutil.copytree(corpus_path, tmp_path / "corpus")
    return tmp_path


def refusal(folder, place) -> str:
    """The one error that loading a file gives, within a few seconds."""
    from textgen.training.checkpoint import check_training

    run = Run(folder / "run")
    loaders = {
        "info": lambda: str(overview(run.path)),
        "load": lambda: textgen.load(run.path),
        "corpus": lambda: Corpus.load(folder / "corpus"),
        "resume": lambda: check_training(run, run.load_info(), 29, 2430),
    }
    with pytest.raises(TextgenError) as raised, at_most(5):
        loaders[LOADED[place]]()
    return str(raised.value)


def replaced(path, kind) -> None:
    """Put something else in the place of a file."""
    if kind == "link":
        path.rename(path.with_name("elsewhere"))
        path.symlink_to("elsewhere")
        return
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(10**11)


@pytest.mark.parametrize("kind", ["link", "pipe", "device", "folder", "hole of 100 GB"])
@pytest.mark.parametrize("place", LOADED)
def test_what_is_no_plain_file_is_refused(folder, place, kind):
    replaced(folder / place, kind)
    if place == "run/history.csv" and kind in ("pipe", "device", "folder"):
        # a history that is no file is none, as before the first validation
        assert "0 steps" in str(overview(folder / "run"))
        return
    assert str(folder) in refusal(folder, place)


@pytest.mark.parametrize("name", ["checkpoints", "checkpoints/best"])
def test_a_folder_that_is_a_link_is_not_read_through(folder, name):
    path = folder / "run" / name
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")
    assert f"{path}: is a link" in refusal(folder, f"run/{WEIGHTS}")


@pytest.mark.parametrize("name", ["checkpoints", "checkpoints/last", "events", "history.csv", "lock", "run.json", "x"])
def test_a_trainer_writes_nothing_through_a_link(folder, reporter, name):
    from textgen.training.trainer import resume

    path, target = folder / "run" / name, folder / "target"
    if path.exists():
        path.rename(target)
    else:
        target.write_text("mine")
    path.symlink_to(target)
    before = {p: p.read_bytes() for p in [target, *target.rglob("*")] if p.is_file()}
    with pytest.raises(TextgenError, match="is a link"):
        resume(folder / "run", None, reporter, {"steps": 1})
    assert before == {p: p.read_bytes() for p in [target, *target.rglob("*")] if p.is_file()}


def test_the_owner_may_reach_a_run_and_a_corpus_by_links(folder):
    (folder / "best").symlink_to(folder / "run")
    (folder / "data").symlink_to(folder / "corpus")
    assert textgen.load(folder / "best").generate("the", length=3)
    assert len(Corpus.load(folder / "data").train)


@pytest.mark.parametrize("checkpoint", ["..", "../../run", "/etc", "", "best/../best", "."])
def test_a_checkpoint_is_a_name_and_no_path(folder, checkpoint):
    with pytest.raises(TextgenError, match="has no"):
        textgen.load(folder / "run", checkpoint)


@pytest.mark.parametrize("place", ["/dev/zero", "/proc/self/mem", "pipe", "../../../..", "a\0b", "other"])
def test_the_corpus_that_a_run_names_is_opened_as_that_corpus_only(folder, place):
    os.mkfifo(folder / "pipe")
    shutil.copytree(folder / "corpus", folder / "other")
    (folder / "other" / "vocabulary.json").write_text('{"format_version": 1, "characters": ["\\n", "secret"]}')
    info = json.loads((folder / "run" / "run.json").read_text())
    info["corpus"] = place if place.startswith("/") or "\0" in place else str(folder / place)
    (folder / "run" / "run.json").write_text(json.dumps(info))
    done = run_textgen("score", folder / "run", "--split", "train", timeout=20)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_no_message_carries_a_control_character_to_the_terminal(folder):
    info = json.loads((folder / "run" / "run.json").read_text())
    (folder / "run" / "run.json").write_text(json.dumps({**info, "format_version": 9, "textgen_version": "\x1b[2J\n9"}))
    done = run_textgen("info", folder / "run")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "\x1b" not in done.stderr


def test_a_model_that_its_files_are_too_small_for_takes_no_memory(folder):
    info = json.loads((folder / "run" / "run.json").read_text())
    info["model"] |= {"units": 16384, "embedding_dim": 16384}
    info["train"] |= {"batch_size": 60, "seq_length": 40}
    (folder / "run" / "run.json").write_text(json.dumps(info))
    assert "expected float32" in refusal(folder, f"run/{WEIGHTS}")
    assert "expected float32" in refusal(folder, "run/checkpoints/last/training.safetensors")
    info["train"] |= {"batch_size": 65536, "seq_length": 65536}
    (folder / "run" / "run.json").write_text(json.dumps(info))
    assert "more than the whole corpus" in refusal(folder, "run/checkpoints/last/training.safetensors")


def test_ids_beyond_the_vocabulary_are_found_before_they_are_used(folder):
    for part in ("train", "validation"):
        path = folder / "corpus" / f"{part}.npy"
        path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    assert "validation.npy: holds ids beyond" in refusal(folder, "corpus/validation.npy")
    info = json.loads((folder / "run" / "run.json").read_text())
    shutil.rmtree(folder / "corpus")
    shutil.copytree(info["corpus"], folder / "corpus")
    path = folder / "corpus" / "train.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    (folder / "run" / "run.json").write_text(json.dumps({**info, "corpus": str(folder / "corpus")}))
    done = run_textgen("score", folder / "run", "--split", "train")
    assert done.returncode == 1 and "train.npy: holds ids beyond the vocabulary" in done.stderr


def filled(before: bytes, piece: bytes, after: bytes, size: int = LARGE) -> bytes:
    """A piece repeated until the whole has nearly a size."""
    return before + piece * ((size - len(before) - len(after)) // len(piece)) + after


def headed(header: bytes, data: bytes = b"") -> bytes:
    """A safetensors file."""
    return struct.pack("<Q", len(header)) + header + data


def entries(pattern: bytes, size: int = LARGE - 100) -> bytes:
    """Numbered entries, separated by commas."""
    return b",".join(pattern % i for i in range(size // (len(pattern) + 5)))


def counts(size: int) -> bytes:
    """A corpus.json that counts millions of characters."""
    start = b'{"format_version":1,"sources":[],"settings":{},"train":2430,"validation":270,"replaced":0,"counts":[1'
    return filled(start, b",999", b"]}", size)


BOMBS = {
    "a vocabulary of millions": (
        "run/vocabulary.json",
        filled(b'{"format_version":1,"characters":["\\n"', b',"a"', b"]}"),
    ),
    "a vocabulary in arrays": ("run/vocabulary.json", b"[" * LARGE),
    "a corpus of millions of counts": ("corpus/corpus.json", counts(2 * LARGE)),
    "rows without number": ("run/history.csv", filled(b"step,seconds,validation_bpc\n", b"1,1,1\n", b"x")),
    "a row without end": ("run/history.csv", b"," * LARGE),
    "a header of terabytes": (f"run/{WEIGHTS}", struct.pack("<Q", 10**12) + b"{}"),
    "tensors without number": (
        f"run/{WEIGHTS}",
        headed(b"{" + entries(b'"%x":{"dtype":"F32","shape":[],"data_offsets":[0,0]}') + b"}"),
    ),
    "a shape without end": (
        f"run/{WEIGHTS}",
        headed(filled(b'{"dense/bias":{"dtype":"F32","shape":[1', b",1", b'],"data_offsets":[0,4]}}'), b"1234"),
    ),
    "metadata without end": (f"run/{WEIGHTS}", headed(b'{"__metadata__":{' + entries(b'"%x":""') + b"}}")),
    "10^12 units": (
        f"run/{WEIGHTS}",
        headed(b'{"dense/bias":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}', b"1234"),
    ),
    "offsets that overlap": (
        f"run/{WEIGHTS}",
        headed(b"{" + entries(b'"%x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}', 10**5) + b"}", b"1234"),
    ),
    "10^12 ids": (
        "corpus/train.npy",
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
        + b"\n",
    ),
    "a literal nested without end": ("corpus/train.npy", b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535),
    "a header of gigabytes": ("corpus/train.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
    "objects": (
        "corpus/train.npy",
        b"\x93NUMPY\x01\x00\x36\x00{'descr': '|O', 'fortran_order': False, 'shape': (2430,)}\n",
    ),
}


def measured(*arguments) -> tuple[str, int]:
    """What `measure.py` printed, and the megabytes that it took."""
    command = [sys.executable, Path(__file__).with_name("measure.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    *lines, megabytes = done.stdout.splitlines()
    return "\n".join(lines), int(megabytes)


@pytest.mark.parametrize("bomb", few(BOMBS, 2))
def test_no_file_takes_more_memory_than_its_kind_may(folder, bomb):
    place, content = BOMBS[bomb]
    (folder / place).write_bytes(content)
    message, megabytes = measured(LOADED[place], folder / place.split("/")[0])
    assert megabytes < 500
    assert len(message) < 500 and ("row" in bomb or str(folder) in message)


@pytest.mark.thorough
def test_a_text_of_a_thousand_times_its_size_on_disk_takes_little_memory(folder):
    with gzip.open(folder / "bomb.gz", "wb") as file:
        for _ in range(300):
            file.write(b"the\n" * 2**18)
    assert (folder / "bomb.gz").stat().st_size < 2 * 2**20
    _, megabytes = measured("textgen", "prepare", folder / "bomb.gz", "--out", folder / "bomb")
    assert megabytes < 150

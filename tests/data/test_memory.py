"""Texts larger than the memory that a process may have for its data."""

import json
import os
import resource
import sys

import pytest
from support import SETTINGS, run_textgen

from textgen.data.corpus import Corpus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts all writable memory as data")
MEGABYTE = 2**20


def restricted(megabytes: int):
    """What sets a limit on a process's heap and private writable mappings."""
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, (megabytes * MEGABYTE, megabytes * MEGABYTE))


def write(path, document, megabytes: int) -> None:
    """Repeat a document, with a number in it, up to a size."""
    number = 0
    with path.open("w") as file:
        while file.tell() < megabytes * MEGABYTE:
            file.write("".join(document(number + i) for i in range(2000)))
            number += 2000


@pytest.mark.parametrize(
    ("name", "document", "options"),
    [
        pytest.param(
            *("a.txt", lambda i: f"{i} lines\n{'some words ' * 60}\n", ["--split", "lines"]), marks=pytest.mark.long
        ),
        pytest.param(
            "a.jsonl",
            lambda i: json.dumps({"text": f"{i} {'some words ' * 60}"}) + "\n",
            ["--field", "text", "--document-end", "--split", "documents"],
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_a_text_larger_than_the_memory_allowed_is_prepared(tmp_path, name, document, options):
    write(tmp_path / name, document, 106)
    # the buffers of a second thread of the matrix library would be the larger part of so little memory
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = run_textgen(
        *("prepare", tmp_path / name, "--out", tmp_path / "out", *options),
        preexec_fn=restricted(100),
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    info = Corpus.load(tmp_path / "out").info
    assert info.train + info.validation > 100 * MEGABYTE


@pytest.mark.long
def test_a_text_larger_than_the_memory_allowed_is_trained_on(tmp_path):
    write(tmp_path / "a.txt", lambda i: f"{i} lines\n{'some words ' * 60}\n", 1500)
    limit = {"preexec_fn": restricted(1024)}
    done = run_textgen("prepare", tmp_path / "a.txt", "--out", tmp_path / "out", **limit)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "train.npy").stat().st_size > 1024 * MEGABYTE
    arguments = ("train", tmp_path / "out", "--out", tmp_path / "run", *SETTINGS, "--steps", 50)
    done = run_textgen(*arguments, "--validation-characters", 10_000, **limit)
    assert done.returncode == 0, done.stderr

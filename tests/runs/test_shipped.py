"""What comes with textgen: a model by its name wherever a run stands, and runs that begin with it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import few, one_line_error, run_textgen, textgen_done

import textgen
from textgen.data.vocabulary import Vocabulary
from textgen.runs.run import Run
from textgen.runs.shipped import run_folder, shipped_folder, shipped_names

ROOT = Path(__file__).parent.parent.parent
ENGLISH = (
    "The old man walked slowly down the road, and the dog went with him.\n"
    "It was late, and nobody had lit a lamp in the village.\n"
)
STEPS = ("--steps", "2", "--batch-size", "2", "--seq-length", "8", "--ngram-order", "0")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A prepared corpus of a page of English."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "page.txt").write_text(ENGLISH * 4)
    textgen_done("prepare", folder / "page.txt", "--out", folder / "data")
    return folder / "data"


def test_it_writes_english_before_anything_is_trained():
    done = run_textgen("sample", "@english", "-s", "It was a dark night", "-l", "300", "--rng-seed", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("It was a dark night") and len(done.stdout) == 320
    words = done.stdout.split()
    assert sum(word in ("the", "a", "and", "of", "to", "in", "was", "he", "it") for word in words) > len(words) / 10


def test_it_tells_odd_lines_from_others():
    lines = "The old man walked slowly down the road.\nTehre was a smal village by the see.\nqxz vvk jjj\n"
    done = run_textgen("score", "@english", "--lines", input=lines)
    assert done.returncode == 0, done.stderr
    bits = [float(line.split("\t")[0]) for line in done.stdout.splitlines()]
    assert bits == sorted(bits) and bits[0] < 2.5 and bits[2] > 5


def test_every_command_that_takes_a_run_takes_it(tmp_path):
    (tmp_path / "text").write_text(ENGLISH)
    for arguments in (
        ("info", "@english"),
        ("export", "@english", tmp_path / "page.html"),
        ("surprise", "@english", "--out", tmp_path / "surprise.html", tmp_path / "text"),
    ):
        done = run_textgen(*arguments)
        assert done.returncode == 0, done.stderr
    assert "<title>english" in (tmp_path / "page.html").read_text()
    assert textgen.load("@english").generate("The", length=5, rng_seed=1).startswith("The")


def test_one_command_lists_corpora_and_models():
    listed = run_textgen("corpora").stdout
    assert all(f"\n@{name} " in listed for kind in ("corpora", "pretrained") for name in shipped_names(kind))


def test_a_name_that_nothing_has_is_refused_in_one_line(page, tmp_path):
    for arguments in (("sample", "@nothing"), ("train", page, "--out", tmp_path / "run", "--from", "@nothing")):
        message = one_line_error(run_textgen(*arguments), 1)
        assert "@nothing: no such model comes with textgen; there are @english" in message
    assert not (tmp_path / "run").exists()


def test_nobody_writes_into_it(page):
    before = {path: path.stat().st_mtime_ns for path in run_folder("@english").rglob("*")}
    for arguments in (("train", page, "--out", "@english"), ("train", "--resume", "@english", "--steps", "1")):
        assert "@english: comes with textgen and stays as it is" in one_line_error(run_textgen(*arguments), 1)
    assert before == {path: path.stat().st_mtime_ns for path in run_folder("@english").rglob("*")}


def test_a_run_begins_with_it_where_it_reads_the_text_and_says_so(page, tmp_path):
    done = run_textgen("train", page, "--out", tmp_path / "run", *STEPS)
    assert done.returncode == 0, done.stderr
    assert "begins with @english: @english reads this text at" in done.stderr
    info = json.loads(run_textgen("info", tmp_path / "run", "--json").stdout)
    assert info["started_from"] == "@english" and len(info["started_from_sha256"]) == 64
    assert set(Vocabulary.load(tmp_path / "run").idx2char) > set(ENGLISH) | set("QZ")
    moved = shutil.copytree(tmp_path / "run", tmp_path / "moved")
    assert run_textgen("sample", moved, "-s", "Zounds!", "-l", "10").returncode == 0


def test_a_run_begins_from_nothing_where_that_is_asked_for_or_better(page, tmp_path):
    given = run_textgen("train", page, "--out", tmp_path / "given", "--cell", "rnn", *STEPS)
    assert "begins from nothing, because --cell is given" in given.stderr
    asked = run_textgen("train", page, "--out", tmp_path / "asked", "--from", "none", "--cell", "rnn", *STEPS)
    assert asked.returncode == 0 and "@english" not in asked.stderr, asked.stderr
    for name in ("given", "asked"):
        assert Run(tmp_path / name).load_info().started_from == ""


@pytest.mark.parametrize("text", few(["爱我中华。\n" * 60, "abc"]))
def test_a_foreign_or_tiny_text_is_trained_all_the_same(text, tmp_path):
    (tmp_path / "text.txt").write_text(text)
    textgen_done("prepare", tmp_path / "text.txt", "--out", tmp_path / "data", "--validation", "0")
    done = run_textgen("train", tmp_path / "data", "--out", tmp_path / "run", *STEPS)
    assert done.returncode == 0, done.stderr
    assert "begins from nothing: @english reads this text at" in done.stderr


def test_a_shape_cannot_be_given_with_it(page, tmp_path):
    done = run_textgen("train", page, "--out", tmp_path / "run", "--from", "@english", "--units", "9")
    assert "--units cannot be given with --from" in one_line_error(done, 2)


def test_a_damaged_file_of_the_package_is_one_line(tmp_path):
    package = Path(textgen.__file__).parent
    shutil.copytree(package, tmp_path / "textgen", ignore=shutil.ignore_patterns("__pycache__"))
    if not (package / "shipped").is_dir():
        shutil.copytree(shipped_folder("pretrained"), tmp_path / "pretrained")
    (weights,) = tmp_path.rglob("pretrained/english/checkpoints/best/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    command = [sys.executable, "-m", "textgen", "sample", "@english"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "weights.safetensors: damaged" in one_line_error(done, 1)

"""Real things that many tests share: a tiny text, its prepared corpus, a run trained on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# no test fails by the clock: a busy machine is slow
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

TEXT = "the quick brown fox jumps over the lazy dog.\n" * 60
SETTINGS = [
    "--units",
    "24",
    "--dropout",
    "0.1",
    "--recurrent-dropout",
    "0",
    "--embedding-dim",
    "8",
    "--batch-size",
    "4",
    "--seq-length",
    "16",
]


@pytest.fixture(scope="session", autouse=True)
def clean_environment():
    """No setting of the person who runs the tests changes them."""
    for name in [name for name in os.environ if name.startswith("TEXTGEN_")]:
        del os.environ[name]


def run_textgen(*arguments, cwd=None, **options) -> subprocess.CompletedProcess:
    """Run the installed command as a person would, in a process of its own."""
    command = [str(Path(sys.executable).with_name("textgen")), *map(str, arguments)]
    options.setdefault("text", True)
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False, **options)


@pytest.fixture(scope="session")
def textgen_command():
    """`run_textgen`."""
    return run_textgen


@pytest.fixture(scope="session")
def text_file(tmp_path_factory) -> Path:
    """A text of 2,700 characters, all of one sentence."""
    path = tmp_path_factory.mktemp("text") / "fox.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="session")
def corpus_path(text_file, tmp_path_factory) -> Path:
    """The prepared corpus of `text_file`."""
    path = tmp_path_factory.mktemp("corpus") / "fox"
    done = run_textgen("prepare", text_file, "--out", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture(scope="session")
def run_path(corpus_path, tmp_path_factory) -> Path:
    """A small model that knows the sentence of `corpus_path` well."""
    path = tmp_path_factory.mktemp("run") / "fox"
    done = run_textgen("train", corpus_path, "--out", path, *SETTINGS, "--steps", "300", "--learning-rate", "0.02")
    assert done.returncode == 0, done.stderr
    return path


class QuietReporter:
    """Keeps what a training reports."""

    def __init__(self) -> None:
        self.notes, self.losses, self.rows = [], [], []

    def note(self, text):
        self.notes.append(text)

    def step(self, fraction, loss, row):
        self.losses.append(loss)

    def validated(self, row, run):
        self.rows.append(row)

    def ended(self, end, run):
        self.end = end


@pytest.fixture
def reporter() -> QuietReporter:
    """A reporter that keeps what it is told."""
    return QuietReporter()

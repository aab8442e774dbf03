"""Real things that many tests share: a tiny text, its prepared corpus, a run trained on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support import SETTINGS, TEXT, QuietReporter, run_textgen

# no test fails by the clock: a busy machine is slow
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def clean_environment():
    """No setting of the person who runs the tests changes them."""
    for name in [name for name in os.environ if name.startswith("TEXTGEN_")]:
        del os.environ[name]


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


@pytest.fixture
def reporter() -> QuietReporter:
    """A reporter that keeps what it is told."""
    return QuietReporter()

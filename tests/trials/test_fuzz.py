"""Files and arguments that were changed at random: success or one clear refusal, and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import FORMATS, fuzz

EXAMPLES = 200
MANY = 20_000
MEGABYTES = 500
TENSORFLOW = 700
"""What TensorFlow and Keras alone take, in megabytes."""


@pytest.fixture
def folder(run_path, corpus_path, tmp_path):
    """A run and a corpus to spoil."""
    shutil.copytree(run_path, tmp_path / "run")
    shutil.copytree(corpus_path, tmp_path / "corpus")
    return tmp_path


@pytest.mark.parametrize("name", FORMATS)
def test_a_changed_file_is_read_or_refused(folder, name):
    assert fuzz(folder, name, EXAMPLES)["tried"] >= EXAMPLES


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_no_changed_file_takes_long_or_much_memory(folder, name):
    script = Path(__file__).with_name("fuzz.py")
    done = subprocess.run(
        [sys.executable, script, folder, name, str(MANY)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    sys.stdout.write(done.stdout)
    assert figures["tried"] >= MANY
    assert figures["peak_mb"] < MEGABYTES + (TENSORFLOW if name == "training" else 0)

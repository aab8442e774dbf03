"""Files and arguments that were changed at random: success or one clear refusal, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import FORMATS, IN_A_PROCESS, fuzz
from support import few

EXAMPLES = 200
MANY = 20_000
SLOWER = 10
"""How many times fewer files are tried that need a process each."""
AT_ONCE = 2_000
"""Files that one process tries: hypothesis keeps something of each."""
MEGABYTES = 500
TENSORFLOW = 600
"""What TensorFlow and Keras alone take, in megabytes."""


@pytest.fixture
def folder(run_path, corpus_path, tmp_path):
    """A run and a corpus to spoil."""
    shutil.copytree(run_path, tmp_path / "run")
    shutil.copytree(corpus_path, tmp_path / "corpus")
    return tmp_path


@pytest.mark.parametrize("name", few(FORMATS, 3))
def test_a_changed_file_is_read_or_refused(folder, name):
    examples = EXAMPLES // (SLOWER if name in IN_A_PROCESS else 1)
    assert fuzz(folder, name, examples)["tried"] >= examples


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_no_changed_file_takes_long_or_much_memory(folder, name):
    many = MANY // (SLOWER if name in IN_A_PROCESS else 1)
    command = [sys.executable, Path(__file__).with_name("fuzz.py"), folder, name, str(AT_ONCE)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parts = []
    for _ in range(many // AT_ONCE):
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        parts.append(json.loads(done.stdout))
    total = {key: sum(part[key] for part in parts) for key in ("tried", "read", "seconds")}
    total["peak_mb"] = max(part["peak_mb"] for part in parts)
    sys.stdout.write(json.dumps({"trial": "fuzz", "format": name, **total}) + "\n")
    assert total["tried"] >= many
    assert total["peak_mb"] < MEGABYTES + (TENSORFLOW if name == "training" else 0)

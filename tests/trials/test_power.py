"""Power that fails at any step of a write leaves the old or the new, whole."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import SETTINGS, few, run_textgen

SCRIPT = Path(__file__).with_name("power.py")


def steps_tried(write, folder) -> int:
    """At how many steps of a write the power failed."""
    done = subprocess.run([sys.executable, SCRIPT, write, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(("write", "least"), few([("file", 5), ("corpus", 20), ("forced corpus", 20)]))
def test_a_write_is_whole_at_every_step(tmp_path, write, least):
    assert steps_tried(write, tmp_path) >= least


@pytest.mark.thorough
def test_a_checkpoint_is_whole_at_every_step(run_path, corpus_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "newer")
    done = run_textgen("train", corpus_path, "--out", tmp_path / "older", *SETTINGS, "--steps", "3")
    assert done.returncode == 0, done.stderr
    assert steps_tried("checkpoint", tmp_path) >= 20

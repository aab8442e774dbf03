"""A run that is killed at any moment loads, samples, and ends as if nothing had happened."""

import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import SETTINGS, run_textgen
from safetensors.numpy import load_file

from textgen.run import Run

ARGUMENTS = [*SETTINGS, "--num-layers", "2", "--recurrent-dropout", "0.1", "--steps", "600", "--validations", "6"]
FREQUENT = ["--checkpoint-every", "0.0001"]
"""A checkpoint after nearly every step, so that most kills fall into the writing of one."""


def killed(arguments, seconds) -> bool:
    """Start a training and kill it after its first checkpoint and some seconds; whether it was still at work."""
    command = [sys.executable, "-m", "textgen", "train", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        run = Run(arguments[arguments.index("--out") + 1] if "--out" in arguments else arguments[-1])
        while process.poll() is None and not run.training_path.exists():
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
    return process.returncode < 0


def kill_and_compare(corpus_path, folder, kills: int) -> None:
    """Kill a run again and again, resume it to its end, and compare it with one that was left alone."""
    whole, parts = folder / "whole", folder / "parts"
    assert run_textgen("train", corpus_path, "--out", whole, *ARGUMENTS).returncode == 0
    generator = np.random.default_rng(0)
    assert killed(["--out", parts, *ARGUMENTS, *FREQUENT, corpus_path], generator.uniform(0, 0.5))
    for _ in range(kills - 1):
        sample = run_textgen("sample", parts, "-l", "5")
        assert sample.returncode == 0, sample.stderr
        if not killed(["--resume", parts], generator.uniform(0, 0.5)):
            break
    ended = run_textgen("train", "--resume", parts)
    assert ended.returncode == 0 or "has finished" in ended.stderr, ended.stderr
    assert not list(parts.rglob("*.unfinished"))
    for checkpoint in ("best", "last"):
        left, right = (load_file(Run(run).weights_path(checkpoint)) for run in (whole, parts))
        assert all(np.array_equal(left[name], right[name]) for name in left.keys() | right.keys())


def test_a_killed_run_ends_with_the_same_bytes(corpus_path, tmp_path):
    kill_and_compare(corpus_path, tmp_path, kills=2)


@pytest.mark.long
def test_a_run_that_is_killed_many_times_ends_with_the_same_bytes(corpus_path, tmp_path):
    for attempt in range(20):
        (tmp_path / str(attempt)).mkdir()
        kill_and_compare(corpus_path, tmp_path / str(attempt), kills=10)

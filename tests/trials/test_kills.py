"""A run that is killed at any moment loads, samples, and ends as if nothing had happened."""

import contextlib
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support import SETTINGS, run_textgen, shared_starter, textgen_done

import textgen
from textgen.runs.run import Run

ARGUMENTS = [
    *SETTINGS,
    "--cell",
    "rnn",
    "--batch-size",
    "16",
    "--num-layers",
    "2",
    "--recurrent-dropout",
    "0.1",
    "--steps",
    "300",
    "--validations",
    "6",
]
ALWAYS = ["--checkpoint-every", "1step"]
"""A checkpoint after every step, so that most kills fall into the writing of one."""
SIDE_BY_SIDE = 2


def is_alive(process: int) -> bool:
    """Whether a process still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def checkpoint(run: Run) -> int:
    """What tells a checkpoint from the one that replaces it."""
    return run.training_path.stat().st_ino if run.training_path.exists() else 0


def is_killed(run: Run, arguments, seconds) -> bool:
    """Start a training and kill it some seconds after its first checkpoint; whether it was still at work."""
    before = checkpoint(run)
    with Path(os.devnull).open("r+") as nothing:
        training = shared_starter().start("train", *arguments, files=[nothing] * 3)
    while is_alive(training.pid) and checkpoint(run) == before:
        time.sleep(0.001)
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(training.pid, signal.SIGKILL)
    return training.wait() == -signal.SIGKILL


def killed_and_resumed(corpus_path, folder, kills: int, seed: int) -> tuple[int, dict]:
    """Kill a run again and again and resume it to its end: how often it was killed, and its last weights."""
    generator, run, done = np.random.default_rng(seed), Run(folder / f"run-{seed}"), 0
    arguments = [corpus_path, "--out", run.path, *ARGUMENTS, *ALWAYS]
    while done < kills and is_killed(run, arguments, generator.uniform(0, 0.3)):
        done += 1
        assert textgen.load(run.path).generate("the", length=3)
        arguments = ["--resume", run.path]
    # a training that was faster than the last kill has finished, and is refused
    assert run_textgen("train", "--resume", run.path).returncode in (0, 1)
    assert not list(run.path.rglob("*.unfinished"))
    return done, {name: load_file(run.weights_path(name)) for name in ("best", "last")}


def tried(corpus_path, folder, runs: int, kills: int) -> int:
    """Kill some runs, two side by side, compare each with one that was left alone, and count the kills."""
    textgen_done("train", corpus_path, "--out", folder / "whole", *ARGUMENTS)
    whole, total = Run(folder / "whole"), 0
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        ended = pool.map(lambda seed: killed_and_resumed(corpus_path, folder, kills, seed), range(runs))
        for done, weights in ended:
            total += done
            for name, values in weights.items():
                expected = load_file(whole.weights_path(name))
                assert all(np.array_equal(values[key], expected[key]) for key in expected.keys() | values.keys())
    sys.stdout.write(f'{{"trial": "kills", "runs": {runs}, "kills": {total}}}\n')
    return total


@pytest.mark.thorough
def test_a_killed_run_ends_with_the_same_bytes(corpus_path, tmp_path):
    assert tried(corpus_path, tmp_path, runs=2, kills=2) == 4


@pytest.mark.long
def test_a_run_that_is_killed_many_times_ends_with_the_same_bytes(corpus_path, tmp_path):
    assert tried(corpus_path, tmp_path, runs=20, kills=10) >= 200

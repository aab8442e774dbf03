"""Samplers that read a run while its trainer replaces its checkpoints never meet half of one."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import SETTINGS

from textgen.data.vocabulary import Vocabulary
from textgen.inference.predictor import load_predictor
from textgen.runs.run import Run

READER = Path(__file__).with_name("reader.py")
ALWAYS = ["--checkpoint-every", "1step", "--keep", "2"]
"""A checkpoint after every step."""


def read_while_training(corpus_path, folder, checkpoints: int, readers: int) -> list[int]:
    """How often each reader has loaded the run while it was written."""
    run, done = folder / "run", folder / "done"
    steps = ["--steps", str(checkpoints), "--validations", str(checkpoints // 4)]
    command = [sys.executable, "-m", "textgen", "train", corpus_path, "--out", run, *SETTINGS, *ALWAYS, *steps]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL) as trainer:
        while not Run(run).training_path.exists() and trainer.poll() is None:
            time.sleep(0.01)
        command = [sys.executable, str(READER), str(run), str(done)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started = [subprocess.Popen(command, **pipes) for _ in range(readers)]
        assert trainer.wait(timeout=600) == 0
    done.touch()
    ended = [(*process.communicate(timeout=60), process.returncode) for process in started]
    assert [error for _, error, code in ended if code or error] == []
    return [int(loads) for loads, _, _ in ended]


@pytest.mark.thorough
def test_two_samplers_read_while_a_trainer_writes(corpus_path, tmp_path):
    assert min(read_while_training(corpus_path, tmp_path, checkpoints=100, readers=2)) > 2


@pytest.mark.long
def test_four_samplers_read_while_a_trainer_writes_500_checkpoints(corpus_path, tmp_path):
    loads = read_while_training(corpus_path, tmp_path, checkpoints=500, readers=4)
    sys.stdout.write(f'{{"trial": "readers", "checkpoints": 500, "loads": {sum(loads)}}}\n')
    assert min(loads) > 10


class RunAtItsFirstValidation(Run):
    """A run whose first `best` is written as soon as somebody has looked which checkpoints there are."""

    def checkpoints(self) -> list[str]:
        """See `Run.checkpoints`."""
        known = super().checkpoints()
        if "best" not in known:
            shutil.copytree(self.weights_path("last").parent, self.weights_path("best").parent)
        return known


def test_the_first_best_may_appear_while_a_run_is_loaded(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "best")
    run = RunAtItsFirstValidation(tmp_path / "run")
    load_predictor(run, "best", run.load_info().model, Vocabulary.load(run.path))
    assert run.checkpoints() == ["best", "last"]

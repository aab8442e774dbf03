"""Several devices and several processes train what one does."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support import run_textgen

from textgen.runs.run import Run

SETTINGS = ["--units", "16", "--embedding-dim", "8", "--num-layers", "2", "--dropout", "0.2"]
SETTINGS += ["--recurrent-dropout", "0.1", "--batch-size", "4", "--seq-length", "16", "--carry", "8"]
# a limit that every step's gradient exceeds
SETTINGS += ["--clip-norm", "0.1"]
SHORT = [*SETTINGS, "--steps", "20", "--validations", "4"]
# a cell that compiles in half of the time that an LSTM takes
SIMPLE = ["--cell", "rnn", "--num-layers", "1", "--recurrent-dropout", "0"]
LONG = [*SETTINGS, *SIMPLE, "--steps", "4000", "--validations", "40"]
DEVICES = """
import sys
import tensorflow as tf
device = tf.config.LogicalDeviceConfiguration
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [device(), device()])
from textgen.cli import main
main()
"""


def two_workers(*arguments) -> list[str]:
    return ["launch", "--workers", "2", "--", "train", *map(str, arguments)]


def losses(run: Path) -> np.ndarray:
    rows = list(csv.DictReader((run / "history.csv").open()))
    return np.array([[float(row[name]) for name in ("train_bpc", "validation_bpc")] for row in rows])


def assert_same_training(left: Path, right: Path) -> None:
    np.testing.assert_allclose(losses(left), losses(right), atol=1e-4)
    one, other = (load_file(Run(run).training_path) for run in (left, right))
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], atol=1e-4, err_msg=name)


def train_alone(corpus_path, out: Path, settings) -> Path:
    """Train a run by one process on one device."""
    done = run_textgen("train", corpus_path, "--out", out, *settings)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def alone(corpus_path, made_once) -> Path:
    """A run that one process has trained on one device."""
    return made_once("distribution/alone", lambda path: train_alone(corpus_path, path, SHORT))


@pytest.mark.thorough
@pytest.mark.parametrize("settings", [[*SHORT, *SIMPLE], SHORT], ids=["rnn", "lstm"])
def test_two_workers_train_what_one_does(settings, corpus_path, tmp_path):
    alone = train_alone(corpus_path, tmp_path / "alone", settings)
    done = run_textgen(*two_workers(corpus_path, "--out", tmp_path / "run", *settings))
    assert done.returncode == 0, done.stderr
    assert "trains on 2 devices, 2 of the 4 streams on each" in done.stderr
    assert done.stderr.count("20 steps in") == 1 and done.stdout == ""
    assert_same_training(alone, tmp_path / "run")


@pytest.mark.thorough
def test_two_mirrored_devices_train_what_one_does(alone, corpus_path, tmp_path):
    arguments = ["train", str(corpus_path), "--out", str(tmp_path / "run"), "--distribute", "mirrored", *SHORT]
    done = subprocess.run([sys.executable, "-c", DEVICES, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "trains on 2 devices" in done.stderr, done.stderr
    assert_same_training(alone, tmp_path / "run")


@pytest.mark.thorough
def test_the_tasks_of_slurm_train_as_one(alone, corpus_path, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "textgen", "train", str(corpus_path), "--out", str(run), *SHORT]
    step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_TASKS_PER_NODE": "2"}
    tasks = [
        subprocess.Popen(
            command, env={**os.environ, **step, "SLURM_PROCID": str(rank)}, stderr=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    for task in tasks:
        _, errors = task.communicate(timeout=120)
        assert task.returncode == 0, errors
    assert_same_training(alone, run)


def children(process: subprocess.Popen) -> list[int]:
    """The processes that a process has started, first to last."""
    return list(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))


def launched(run: Path, arguments) -> subprocess.Popen:
    """A launch that has validated."""
    command = [sys.executable, "-m", "textgen", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    history = run / "history.csv"
    while process.poll() is None and (not history.exists() or history.read_text().count("\n") < 2):
        time.sleep(0.05)
    return process


@pytest.mark.thorough
@pytest.mark.parametrize("lost", [0, 1], ids=["chief", "worker"])
def test_a_lost_worker_ends_the_job_with_one_line_and_the_run_goes_on_without_it(lost, corpus_path, tmp_path):
    run = tmp_path / "run"
    process = launched(run, two_workers(corpus_path, "--out", run, *LONG))
    os.kill(children(process)[lost], signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (1, 128 + signal.SIGKILL), errors
    assert "Traceback" not in errors
    assert errors.count("another worker of this training was lost") == 1, errors
    step = int(list(csv.DictReader((run / "history.csv").open()))[-1]["step"])
    gone_on = run_textgen("train", "--resume", run, "--steps", "5")
    assert gone_on.returncode == 0, gone_on.stderr
    assert int(list(csv.DictReader((run / "history.csv").open()))[-1]["step"]) >= step + 5


@pytest.mark.thorough
def test_ctrl_c_stops_all_workers_and_saves(corpus_path, tmp_path):
    run = tmp_path / "run"
    process = launched(run, two_workers(corpus_path, "--out", run, *LONG))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT and "Traceback" not in errors, errors
    again = run_textgen(*two_workers("--resume", run, "--steps", "4"))
    assert again.returncode == 0 and "going on from step" in again.stderr, again.stderr


@pytest.mark.thorough
def test_what_cannot_be_shared_out_is_refused(corpus_path, tmp_path):
    out = tmp_path / "run"
    done = run_textgen(
        *two_workers(corpus_path, "--out", out, "--batch-size", "3", "--seq-length", "16", "--steps", "2")
    )
    assert done.returncode == 2 and "3 streams cannot be shared equally among 2 devices" in done.stderr, done.stderr
    assert not out.exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "config", ["{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}']
)
def test_a_broken_cluster_is_refused_in_one_line(config, corpus_path, tmp_path):
    environment = {**os.environ, "TF_CONFIG": config}
    done = run_textgen("train", corpus_path, "--out", tmp_path / "run", "--steps", "2", env=environment)
    assert done.returncode == 2 and "TF_CONFIG" in done.stderr and done.stderr.count("\n") == 1, done.stderr
    alone = run_textgen("train", corpus_path, "--out", tmp_path / "run", "--distribute", "multiworker", "--steps", "2")
    assert alone.returncode == 2 and "textgen launch" in alone.stderr


def test_launch_runs_train_only():
    done = run_textgen("launch", "--workers", "2", "--", "sample", "x")
    assert done.returncode == 2 and "launch runs `train`" in done.stderr


@pytest.mark.thorough
def test_a_training_in_mixed_precision_learns_nearly_the_same(alone, corpus_path, tmp_path):
    for cell in ("lstm", "gru", "rnn"):
        out = tmp_path / cell
        done = run_textgen("train", corpus_path, "--out", out, *SHORT, "--cell", cell, "--precision", "mixed_bfloat16")
        assert done.returncode == 0, done.stderr
        weights = load_file(Run(out).weights_path("best"))
        assert {value.dtype for value in weights.values()} == {np.dtype("float32")}
        assert run_textgen("sample", out, "-l", "5").returncode == 0
    np.testing.assert_allclose(losses(alone), losses(tmp_path / "lstm"), atol=0.05)
    assert (losses(alone) != losses(tmp_path / "lstm")).any()

"""Faults of the machine around a training: each ends in one clear line, and nothing that was saved is lost."""

import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support import SETTINGS, QuietReporter, few, run_textgen

import textgen
from textgen.config import ModelConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.errors import RunError, TextgenError
from textgen.inference.overview import overview
from textgen.runs.run import Run

# a cell that compiles in a tenth of the time that an LSTM takes
MODEL = ModelConfig(cell="rnn", units=12, embedding_dim=6, dropout=0.3, recurrent_dropout=0.0)
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
CONFIG = TrainConfig(steps=24, batch_size=16, seq_length=16, validations=6, rng_seed=3)


def one_line(done) -> str:
    """The message of a refusal: one line on standard error and exit code 1."""
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


class Breaking(QuietReporter):
    """A reporter under which something breaks after the second validation."""

    def __init__(self, breaks) -> None:
        super().__init__()
        self.breaks = breaks

    def validated(self, row, run):
        super().validated(row, run)
        if len(self.rows) == 2:
            self.breaks(run.path)


@pytest.fixture
def corpus(corpus_path):
    return Corpus.load(corpus_path)


@pytest.fixture(scope="module")
def whole(corpus_path, made_once):
    """The weights at the end of a training that nothing broke."""
    from textgen.training import trainer

    train = lambda path: trainer.train(Corpus.load(corpus_path), path, MODEL, CONFIG, QuietReporter())  # noqa: E731
    return load_file(Run(made_once("faults/whole", train)).weights_path("last"))


@contextlib.contextmanager
def no_longer_files_than(size):
    """As on a full disk, no file of this process can grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "textgen-trial", place]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(disk) -> Path:
    """Leave no room on a disk."""
    with (disk / "filling").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return disk / "filling"


def broken_then_resumed(corpus, whole, out, breaks, mends, message) -> None:
    """Break a training after its second validation; the run must load as it was then, and end as one left alone."""
    from textgen.training import trainer

    with pytest.raises(RunError, match=message) as refused:
        trainer.train(corpus, out, MODEL, CONFIG, Breaking(breaks))
    assert "\n" not in str(refused.value)
    assert textgen.load(out, "last").generate(length=3)
    assert not [path for path in out.rglob("*.unfinished") if path.stat().st_size]
    mends()
    assert trainer.resume(out, None, QuietReporter()).step == CONFIG.steps
    ended = load_file(Run(out).weights_path("last"))
    assert all(np.array_equal(whole[name], ended[name]) for name in whole.keys() | ended.keys())


@pytest.mark.thorough
def test_a_full_disk_under_a_checkpoint_loses_nothing(corpus, whole, small_disk):
    disk_full = "No space left on device"
    broken_then_resumed(
        corpus, whole, small_disk / "run", lambda run: fill(run.parent), (small_disk / "filling").unlink, disk_full
    )


@pytest.mark.thorough
@pytest.mark.parametrize("size", [10_000, 0])
def test_files_that_cannot_grow_lose_nothing(corpus, whole, tmp_path, size):
    with contextlib.ExitStack() as stack:
        limit = lambda run: stack.enter_context(no_longer_files_than(size))  # noqa: E731
        broken_then_resumed(corpus, whole, tmp_path / "run", limit, stack.close, "File too large")


@pytest.mark.parametrize("size", few([1000, 0, 100, 2000]))
def test_a_full_disk_under_prepare_leaves_nothing(text_file, tmp_path, size):
    command = [sys.executable, "-m", "textgen", "prepare", str(text_file), "--out", "new/corpus"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: E731
    done = subprocess.run(command, cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert "File too large" in one_line(done)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_under_prepare_keeps_the_old_corpus(corpus_path, text_file, tmp_path):
    shutil.copytree(corpus_path, tmp_path / "corpus")
    command = [sys.executable, "-m", "textgen", "prepare", text_file, "--lowercase", "--force", "--out", "corpus"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # noqa: E731
    done = subprocess.run(command, cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert "File too large" in one_line(done)
    assert Corpus.load(tmp_path / "corpus").fingerprint == Corpus.load(corpus_path).fingerprint
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_memory_that_runs_out_under_prepare_leaves_nothing(tmp_path):
    (tmp_path / "long.txt").write_bytes(b"a" * 10**8)
    done = run_textgen(
        *("prepare", "long.txt", "--split", "lines", "--out", "out"),
        cwd=tmp_path,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (280 * 10**6, 280 * 10**6)),
    )
    assert one_line(done).startswith("textgen: error: out of memory;")
    assert [path.name for path in tmp_path.iterdir()] == ["long.txt"]


@pytest.mark.thorough
def test_a_history_that_cannot_be_written_is_one_error(corpus, whole, tmp_path):
    def breaks(run):
        (run / "history.csv").unlink()
        (run / "history.csv").mkdir()

    broken_then_resumed(
        corpus,
        whole,
        tmp_path / "run",
        breaks,
        (tmp_path / "run" / "history.csv").rmdir,
        r"history\.csv: Is a directory",
    )


@pytest.mark.thorough
def test_a_run_that_is_deleted_under_its_trainer_is_one_error(corpus, tmp_path):
    from textgen.training import trainer

    with pytest.raises(RunError, match=r"run\.json: was deleted while the run was trained"):
        trainer.train(corpus, tmp_path / "run", MODEL, CONFIG, Breaking(shutil.rmtree))
    assert not Run(tmp_path / "run").checkpoints()


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["checkpoints", "history.csv", "lock", "events"])
def test_a_file_that_is_deleted_under_the_trainer_is_written_anew(corpus, tmp_path, name):
    from textgen.training import trainer

    def delete(run):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    end = trainer.train(corpus, tmp_path / "run", MODEL, CONFIG, Breaking(delete))
    assert end.finished and overview(tmp_path / "run").steps == CONFIG.steps
    assert textgen.load(tmp_path / "run").generate(length=3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.json", "holds no run.json"),
        ("vocabulary.json", "vocabulary.json: No such file"),
        ("checkpoints/best/weights.safetensors", "has no 'best' checkpoint; it has: last"),
        ("checkpoints", "none yet"),
    ],
)
def test_a_missing_file_of_a_run_is_named(run_path, tmp_path, name, message):
    run = tmp_path / "run"
    shutil.copytree(run_path, run)
    if name == "checkpoints/best/weights.safetensors":
        (run / "checkpoints" / "last").rename(run / "checkpoints" / "20")
        message = message.replace("last", "20")
    shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    with pytest.raises(TextgenError, match=message):
        textgen.load(run)


def test_a_missing_training_state_is_named(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "run")
    Run(tmp_path / "run").training_path.unlink()
    assert "training.safetensors: missing" in one_line(run_textgen("train", "--resume", tmp_path / "run"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where nobody can write, root included")
def test_a_folder_that_cannot_be_written_is_one_line(corpus_path, run_path, text_file):
    for arguments in (
        ("prepare", text_file, "--out", "/proc/textgen/corpus"),
        ("train", corpus_path, "--out", "/proc/textgen/run", *SETTINGS),
        ("surprise", run_path, text_file, "--out", "/proc/textgen/page.html"),
    ):
        assert "/proc/textgen" in one_line(run_textgen(*arguments))


def as_anybody() -> None:
    """Bind even root, who may run the tests, by the permissions of files: take what lifts them from what comes next."""
    if sys.platform == "linux":
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability)


@pytest.mark.thorough
def test_a_read_only_folder_is_one_line(corpus_path, text_file, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o555)
    for arguments in (("prepare", text_file), ("train", corpus_path, *SETTINGS)):
        done = run_textgen(*arguments, "--out", tmp_path / "locked" / "new", preexec_fn=as_anybody)
        assert "Permission denied" in one_line(done)
    assert not list((tmp_path / "locked").iterdir())


def test_a_run_in_training_refuses_a_second_trainer(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "run")
    with Run(tmp_path / "run").lock():
        message = one_line(run_textgen("train", "--resume", tmp_path / "run", "--steps", "1"))
        assert f"process {os.getpid()} is training this run" in message


@pytest.mark.thorough
def test_of_two_trainers_that_start_together_one_trains(corpus_path, tmp_path):
    command = [sys.executable, "-m", "textgen", "train", corpus_path, "--out", tmp_path / "run", *SETTINGS]
    both = [subprocess.Popen([*map(str, command), "--steps", "30"], stderr=subprocess.PIPE, text=True) for _ in "ab"]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1]
    refused = errors[both[0].returncode == 0]
    assert refused.count("\n") == 1 and ("is training this run" in refused or "exists" in refused)
    assert textgen.load(tmp_path / "run").generate(length=3)


def test_the_lock_of_a_dead_process_is_taken_over(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "run")
    Run(tmp_path / "run").lock_path.write_text("1\n")
    with Run(tmp_path / "run").lock():
        assert Run(tmp_path / "run").lock_path.read_text() == f"{os.getpid()}\n"


MAD_CLOCK = """
import itertools, sys, time
times = itertools.cycle([0.0, -1e9, 2e9, 4e9, 1.0, -1.0])
time.time = lambda: next(times)
from textgen.cli import main
sys.argv = ["textgen", *sys.argv[1:]]
main()
"""


@pytest.mark.thorough
def test_a_clock_that_jumps_neither_ends_nor_lengthens_a_training(corpus_path, tmp_path):
    command = [sys.executable, "-c", MAD_CLOCK, "train", corpus_path, "--out", tmp_path / "run", *SETTINGS]
    done = subprocess.run([*map(str, command), "--minutes", "0.05"], capture_output=True, text=True, timeout=120)  # noqa: PLW1510
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "run" / "history.csv").read_text().splitlines()[1:]
    times = [float(row.split(",")[2]) for row in rows]
    assert times == sorted(times) and 2 <= times[-1] < 60


@pytest.mark.parametrize("when", [-(10**10), 0, 10**11])
def test_files_from_any_time_are_shown(run_path, tmp_path, when):
    shutil.copytree(run_path, tmp_path / "run")
    for path in (tmp_path / "run").rglob("*"):
        os.utime(path, (when, when))
    assert overview(tmp_path / "run").steps == 300

"""Several workers write the bytes that one writes, as they come, and leave nothing behind, however they end."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import few, one_line_error, run_textgen

import textgen
from textgen.config import SampleConfig
from textgen.errors import ConfigError, TextError
from textgen.inference.pool import AHEAD
from textgen.inference.score import rounded_line_bits
from textgen.inference.workers import shared_out, shares

SEEDS = "".join(f"the {'quick' if i % 3 else 'lazy'}{' ' * (i % 2)}\n" for i in range(90))
LINES = "".join(f"the quick brown fox {'jumps ' * (i % 7)}over{' ' * (i % 5)}\n" for i in range(200))
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize(
    ("arguments", "given"),
    few(
        [
            (("sample", "-n", 70, "-l", 12, "--rng-seed", 3), ""),
            (("score", "--lines"), LINES),
            (("sample", "-n", 5, "-l", 40, "--rng-seed", 3, "--memory", 100, "--json", "--until-line"), ""),
            (("sample", "--each-line", "-n", 2, "-l", 5, "--rng-seed", 1, "--separator", "--"), SEEDS),
            (("sample", "--seed-file", "-", "-n", 3, "-l", 9, "--rng-seed", 1, "--no-repeat-ngram", 4), "the fox"),
            (("sample", "-s", "the", "-n", 3, "-l", 6, "--beam", 3), ""),
            (("sample", "-s", "the", "-n", 3, "-l", 0), ""),
            (("score", "--lines", "--memory", 100, "--unknown", "skip"), LINES + "é\n\n"),
        ],
        quick=2,
    ),
)
def test_any_number_of_workers_writes_the_same_bytes(run_path, arguments, given):
    command, *options = arguments
    one, *others = (
        run_textgen(command, run_path, *options, "--workers", workers, input=given) for workers in (1, 2, 3)
    )
    assert one.returncode == 0 and one.stdout.count("\n") >= 3
    for other in others:
        assert (other.returncode, other.stdout, other.stderr) == (0, one.stdout, one.stderr)


def test_a_script_without_a_guard_may_ask_for_workers(run_path):
    code = f"""
import textgen
from textgen.config import SampleConfig
model = textgen.load({str(run_path)!r})
for workers in (1, 2):
    texts = {{}}
    for sample, piece in model.write(["the "] * 5, SampleConfig(length=9, rng_seed=2), 10, True, workers):
        texts[sample] = texts.get(sample, sample.seed_text) + piece
    print([(s.index, s.ending, s.bits_per_character, s.rng_seed, text) for s, text in texts.items()])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    one, two = done.stdout.splitlines()
    assert one == two and one.count("the ") == 5 and one.startswith("[(10, 'length', ")


def test_what_the_tasks_and_the_work_raise_comes_in_its_place(run_path):
    given = "the quick\n" * 3 + "the é\n"
    for command, *options in (("sample", "--each-line", "-l", 2, "-t", 0), ("score", "--lines")):
        one, two = (run_textgen(command, run_path, *options, "--workers", n, input=given) for n in (1, 2))
        assert one.returncode == two.returncode == 1 and one.stderr == two.stderr and "'é'" in one.stderr
    bad = subprocess.run(
        [sys.executable, "-m", "textgen", "sample", str(run_path), "--each-line", "-l", "2", "--workers", "2"],
        input=b"the quick\n" * 3 + b"\xff\n",
        capture_output=True,
        check=False,
    )
    assert bad.returncode == 1 and bad.stdout.count(b"the quick") == 3
    assert bad.stderr.startswith(b"textgen: error: standard input, line 4: not UTF-8 at byte 0: ff;")
    assert bad.stderr.count(b"\n") == 1
    assert "only, ban" in one_line_error(run_textgen("sample", run_path, "--only", "é", "--workers", 2), 2)

    def tasks():
        yield (3,)
        raise TextError("no more")

    found = []
    with pytest.raises(TextError, match="no more"):
        found.extend(itertools.chain.from_iterable(shared_out(range, tasks(), 2)))
    assert found == [0, 1, 2]
    with pytest.raises(RuntimeError, match="TypeError"):
        list(shared_out(range, [("x",)], 2))


def test_few_tasks_are_under_way_at_a_time():
    taken = []
    results = shared_out(range, ((taken.append(i) or 2,) for i in itertools.count()), 3)
    for _ in range(5):
        next(results)
    time.sleep(0.2)
    assert len(taken) <= 5 + 3 * AHEAD
    results.close()


def test_shares_are_as_many_for_each_worker():
    for count, workers, most in itertools.product((0, 1, 2, 63, 64, 65, 1000), (1, 2, 7), (1, 64)):
        runs = list(shares(range(count), count, workers, most))
        assert list(itertools.chain(*runs)) == list(range(count))
        assert all(0 < len(run) <= most for run in runs) and len(runs) <= -(-count // (workers * most)) * workers


@pytest.mark.parametrize("workers", ["-1", "10000", "many"])
def test_a_number_of_workers_that_cannot_be_is_refused(run_path, workers):
    for command in (("sample", run_path), ("score", run_path, "--lines")):
        assert "--workers" in one_line_error(run_textgen(*command, "--workers", workers), 2)
    if workers != "many":
        with pytest.raises(ConfigError, match="workers: Expected 0"):
            next(textgen.load(run_path).write([""], SampleConfig(), workers=int(workers)))


def test_no_worker_is_as_many_as_there_are_cores_and_only_lines_are_shared(run_path):
    command = ("sample", run_path, "-n", 4, "-l", 3, "--rng-seed", 1)
    assert run_textgen(*command, "--workers", 0).stdout == run_textgen(*command).stdout != ""
    assert "give --lines" in one_line_error(run_textgen("score", run_path, "--workers", 2, input="the"), 2)


def test_lines_have_the_same_rounded_bits_whichever_stand_beside_them(run_path):
    model = textgen.load(run_path)
    lines = LINES.splitlines()[:30]
    together = rounded_line_bits(model, lines).tolist()
    assert together == [bits for line in lines for bits in rounded_line_bits(model, [line])]
    assert together == rounded_line_bits(model, lines[::-1]).tolist()[::-1]


@contextlib.contextmanager
def at_work(*arguments, **options):
    """A process with two workers, in a group of their own, of which nobody is left at the end."""
    command = [sys.executable, "-m", "textgen", *map(str, arguments), "--workers", "2"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.PIPE} | options
    with subprocess.Popen(command, start_new_session=True, **streams) as process:
        try:
            yield process
        finally:
            process.kill()
    for _ in range(1000):
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("a worker is still there")


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for path in lists for child in path.read_text().split())


def two_workers(pid: int) -> list[int]:
    """The workers of a process, when both are there."""
    while len(found := children(pid)) < 2:
        time.sleep(0.01)
    return found


def test_lines_are_answered_as_they_come_and_a_run_may_be_replaced_meanwhile(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "run")
    with at_work("sample", tmp_path / "run", "--each-line", "--until-line", "-t", "0") as process:
        for seed, answer in [("the quick", " brown fox jumps over the lazy dog.\n"), ("the lazy", " dog.\n")] * 5:
            process.stdin.write(f"{seed}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline().decode() == seed + answer
            shutil.rmtree(tmp_path / "run", ignore_errors=True)
        process.stdin.close()
        assert process.stdout.read() == b"" and process.wait() == 0


def test_a_reader_that_has_seen_enough_ends_all_quietly(run_path):
    with at_work("sample", run_path, "-n", "5", "-l", "1000000") as process:
        assert len(process.stdout.read(100)) == 100
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_standard_output_is_one_line(run_path):
    with Path("/dev/full").open("wb") as full, at_work("sample", run_path, "-n", "5", stdout=full) as process:
        assert process.wait() == 1
        assert process.stderr.read() == b"textgen: error: standard output: No space left on device\n"


def test_ctrl_c_ends_all(run_path):
    with at_work("sample", run_path, "-n", "5", "-l", "1000000") as process:
        process.stdout.read(100)
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
        assert (process.returncode, error.strip()) == (130, b"textgen: error: interrupted")


@linux
def test_workers_end_with_a_killed_parent(run_path):
    with at_work("sample", run_path, "-n", "5", "-l", "1000000") as process:
        process.stdout.read(100)
        two_workers(process.pid)
        process.kill()


@linux
def test_a_killed_worker_is_one_clear_line(run_path):
    with at_work("sample", run_path, "-n", "5", "-l", "1000000") as process:
        process.stdout.read(100)
        os.kill(two_workers(process.pid)[0], signal.SIGKILL)
        os.kill(two_workers(process.pid)[1], signal.SIGKILL)
        _, error = process.communicate(timeout=60)
        assert process.returncode == 1
        assert error.startswith(b"textgen: error: a worker was killed") and error.count(b"\n") == 1

"""Several workers make the corpus that one makes, and leave nothing behind, however they end."""

import gzip
import os
import signal
import subprocess
import sys
import time
from multiprocessing import parent_process

import pytest
from support import few, run_textgen

from textgen.config import PrepareConfig
from textgen.data.parallel import Workers
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources, total_size
from textgen.errors import CorpusError


@pytest.fixture(scope="module")
def many_files(tmp_path_factory):
    """Files of different sizes, alphabets and kinds; some are empty."""
    folder = tmp_path_factory.mktemp("many")
    forms = ("abc {}\n", "äöü e\u0301 {}\r\n", "我爱你{}\n", "😀 {}\n", "")
    for i in range(25):
        (folder / f"{i:02}.txt").write_bytes("".join(forms[i % 5].format(j) for j in range(i * 37)).encode())
    (folder / "zip.txt.gz").write_bytes(gzip.compress(b"packed\n" * 1000))
    return folder


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "settings",
    few(
        [
            {},
            {"split": "lines", "validation": 0.3},
            {"split": "files", "validation": 0.4, "document_end": True},
            {"split": "documents", "validation": 0.4, "document_end": True, "min_count": 400},
            {"test": 0.2},
            {"split": "lines", "validation": 0.3, "test": 0.3},
            {"split": "files", "validation": 0.2, "test": 0.3},
            {"split": "documents", "validation": 0.3, "test": 0.4, "document_end": True},
        ],
        2,
    ),
)
def test_any_number_of_workers_writes_the_same_bytes(many_files, tmp_path, settings):
    config = PrepareConfig(glob=("*.txt", "*.gz"), **settings)
    read = {}
    for workers in (1, 2, 5):
        read[workers] = 0

        def count(number, workers=workers):
            read[workers] += number

        sources = find_sources([str(many_files)], config.glob)
        prepare(sources, tmp_path / str(workers), config, on_bytes=count, workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2") == contents(tmp_path / "5")
    packed = len("packed\n") * 1000
    assert set(read.values()) == {total_size(find_sources([str(many_files)], ["*.txt"])) + packed}


def test_a_mistake_is_the_same_one_line_with_any_number_of_workers(many_files, tmp_path):
    for name in ("bad1", "bad2"):
        (tmp_path / f"{name}.txt").write_bytes(b"a" * 10 + b"\xff")
    arguments = ("prepare", many_files, tmp_path / "bad1.txt", tmp_path / "bad2.txt", "--out", tmp_path / "out")
    errors = {run_textgen(*arguments, "--workers", n).stderr for n in (1, 2, 2)}
    (error,) = errors
    assert error.count("\n") == 1 and "bad1.txt: not utf-8 at byte 10: ff" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad1.txt", "bad2.txt"]


def test_a_pipe_is_read_by_one(many_files, tmp_path):
    done = run_textgen("prepare", "-", many_files, "--workers", 2, "--out", tmp_path / "out", input="piped\n")
    assert done.returncode == 0 and "from 26 sources" in done.stderr


def test_a_script_needs_no_guard(many_files, tmp_path):
    (tmp_path / "script.py").write_text(
        "import textgen\nprint('once')\n"
        f"made = [textgen.prepare({str(many_files)!r}, f'out-{{n}}', workers=n).fingerprint for n in (1, 2, 0)]\n"
        "print(len(set(made)))"
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("once\n1\n", "")


def test_one_worker_starts_no_process_and_imports_nothing_for_it(many_files, tmp_path):
    code = (
        "import sys\nfrom textgen.cli import cli\n"
        f"cli.main(['prepare', {str(many_files)!r}, '--out', {str(tmp_path / 'out')!r}], standalone_mode=False)\n"
        "heavy = {'multiprocessing', 'concurrent.futures', 'pyarrow', 'tensorflow'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def at_work(tmp_path):
    """A preparation by two workers that has begun, in a process group of its own."""
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "0.txt").write_bytes("some text, äöü\n".encode() * 200_000)
    for i in range(1, 100):
        (tmp_path / "text" / f"{i}.txt").symlink_to("0.txt")
    command = [sys.executable, "-m", "textgen", "prepare", "text", "--workers", "2", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not list(tmp_path.glob(".out.*/points-1")):
        time.sleep(0.01)
    yield process
    process.kill()


def wait_for_the_end_of_all(group: int) -> None:
    """Return when no process of a group is left."""
    for _ in range(1000):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    raise AssertionError("a worker is still there")


def test_ctrl_c_leaves_neither_files_nor_processes(at_work, tmp_path):
    os.killpg(at_work.pid, signal.SIGINT)
    _, error = at_work.communicate(timeout=60)
    assert (at_work.returncode, error.strip()) == (130, "textgen: error: interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
    wait_for_the_end_of_all(at_work.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="a killed process that nobody has waited for stays in its group")
def test_workers_end_with_a_killed_parent(at_work):
    at_work.kill()
    at_work.wait()
    wait_for_the_end_of_all(at_work.pid)


def die(on_bytes):
    """What a process that was started for it does when the system kills it for want of memory."""
    if parent_process():
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.5)


def test_a_killed_worker_is_one_clear_line():
    with Workers(2, lambda count: None) as workers, pytest.raises(CorpusError, match=r"a worker was killed.*--workers"):
        workers.map(die, [()] * 1000)

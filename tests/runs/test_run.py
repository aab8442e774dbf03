"""The run directory: whole files, one trainer, clear refusals."""

import os
import subprocess
import sys

import msgspec
import pytest

from textgen.errors import RunError
from textgen.runs.run import Run
from textgen.runs.writing import write_bytes


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "new" / "file"
    for content in (b"old", b"new"):
        write_bytes(path, content)
        assert path.read_bytes() == content
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def full(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_is_a_file_is_one_error(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(RunError, match="a"):
        write_bytes(tmp_path / "a" / "b", b"")


def test_a_second_trainer_is_refused_and_told_of_the_first(tmp_path):
    lock = "with Run(sys.argv[1]).lock():\n    print(flush=True)\n    input()"
    command = [sys.executable, "-c", f"import sys\nfrom textgen.runs.run import Run\n{lock}", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        first.stdout.readline()
        with pytest.raises(RunError, match=rf"process {first.pid} is training"), Run(tmp_path).lock():
            pass
        first.kill()
    with Run(tmp_path).lock():
        assert Run(tmp_path).lock_path.read_text() == f"{os.getpid()}\n"


def test_a_newer_format_is_refused(run_path, tmp_path):
    info = Run(run_path).load_info()
    Run(tmp_path).save_info(msgspec.structs.replace(info, format_version=9, textgen_version="9.0"))
    with pytest.raises(RunError, match=r"format version 9, expected at most 2; textgen 9\.0 wrote it: upgrade"):
        Run(tmp_path).load_info()


@pytest.mark.parametrize("content", ["", "{}", "[1]", "nonsense", '{"format_version": "x"}'])
def test_a_damaged_run_json_is_one_error(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"run\.json: damaged"):
        Run(tmp_path).load_info()


def test_a_lock_alone_is_no_run(tmp_path):
    run = Run(tmp_path / "run")
    with run.lock():
        assert not run.exists()
    (run.path / "notes").touch()
    assert run.exists()

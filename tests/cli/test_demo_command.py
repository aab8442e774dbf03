"""`textgen demo` as a person at a shell meets it."""

import pytest
from support import run_textgen


def test_the_demonstration_shows_each_command_and_leaves_a_run(tmp_path):
    done = run_textgen("demo", "--minutes", "0.02", "--corpus", "yuanye", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stderr.splitlines() if line.startswith("$ textgen")]
    assert [line.split()[2] for line in shown] == ["prepare", "train", "sample", "sample"]
    assert done.stdout.startswith("我爱你")
    *_, last = done.stderr.splitlines()
    command = last.partition(": textgen ")[2].split()
    assert run_textgen(*command, cwd=tmp_path).returncode == 0 and (tmp_path / "yuanye.html").is_file()
    run = tmp_path / "textgen-demo" / "runs" / "yuanye"
    assert run_textgen("sample", run, "-l", "9", "-s", "春天").stdout.startswith("春天")


@pytest.mark.thorough
def test_a_second_demonstration_leaves_the_first_alone(tmp_path):
    for name in ("dinosaurs", "dinosaurs-2"):
        done = run_textgen("demo", "--minutes", "0.02", "--corpus", "dinosaurs", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "textgen-demo" / "runs" / name).is_dir()

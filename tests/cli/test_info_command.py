"""`textgen info` and `textgen runs` as a person at a shell meets them."""

import json
import os
import pty
import subprocess
import sys

import pytest
from support import one_line_error, run_textgen


def test_info_and_runs_tell_what_there_is(run_path):
    assert "lstm 1x24" in run_textgen("info", run_path).stdout
    assert json.loads(run_textgen("info", run_path, "--json").stdout)["model"]["units"] == 24
    assert str(run_path) in run_textgen("runs", run_path.parent).stdout
    assert "no run in it" in one_line_error(run_textgen("runs", run_path / "events"), 1)


@pytest.mark.parametrize(("encoding", "drawn"), [("utf-8", True), ("ascii", False)])
def test_a_utf8_terminal_of_80_columns_shows_the_learning_curve(run_path, encoding, drawn):
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "textgen", "info", str(run_path)]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    with subprocess.Popen(command, stdout=slave, stderr=subprocess.PIPE, env=environment) as shown:
        os.close(slave)
        text = b""
        try:
            while piece := os.read(master, 4096):
                text += piece
        except OSError:  # the terminal's other end is closed
            pass
        assert shown.wait() == 0, shown.stderr.read()
    os.close(master)
    _, title, chart = text.decode().partition("bits per character in validation\r\n")
    assert bool(title) == drawn == ("█" in chart)
    assert all(len(line) <= 80 for line in chart.splitlines())
    assert "█" not in run_textgen("info", run_path).stdout

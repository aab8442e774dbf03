"""What many tests use: the command in a process of its own, and a tiny text with settings to learn it."""

import os
import subprocess
import sys
from pathlib import Path

LIGHT = {"tensorflow", "keras", "rich", "h5py", "pandas", "hypothesis"}
"""What only some commands may import."""
ENVIRONMENT = {**os.environ, "NO_COLOR": "1"}
TEXT = "the quick brown fox jumps over the lazy dog.\n" * 60
SETTINGS = [
    "--units",
    "24",
    "--dropout",
    "0.1",
    "--recurrent-dropout",
    "0",
    "--embedding-dim",
    "8",
    "--batch-size",
    "4",
    "--seq-length",
    "16",
]


def run_textgen(*arguments, cwd=None, **options) -> subprocess.CompletedProcess:
    """Run the installed command as a person would, in a process of its own."""
    command = [str(Path(sys.executable).with_name("textgen")), *map(str, arguments)]
    options.setdefault("text", True)
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False, **options)


def one_line_error(done, code) -> str:
    """The message of a refusal: one line on standard error, nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("textgen: error: ") and done.stderr.count("\n") == 1
    return done.stderr


class QuietReporter:
    """Keeps what a training reports."""

    def __init__(self) -> None:
        self.notes, self.losses, self.rows = [], [], []

    def note(self, text):
        self.notes.append(text)

    def step(self, fraction, loss, row):
        self.losses.append(loss)

    def begun(self, run):
        pass

    def validated(self, row, run):
        self.rows.append(row)

    def ended(self, end, run):
        self.end = end

"""What many tests use: the command in a process of its own, and a tiny text with settings to learn it."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
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


class Starter:
    """Starts textgen processes that need not import TensorFlow first, one after another."""

    def __init__(self) -> None:
        command = [sys.executable, Path(__file__).with_name("starter.py")]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)

    def start(self, *arguments, cwd=None, env=None, files=(os.devnull,) * 3) -> int:
        """Start a command and return the number of its process."""
        words = [*map(str, arguments)]
        command = {"arguments": words, "cwd": str(cwd or Path.cwd()), "env": dict(env or os.environ), "files": files}
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def wait(self) -> int:
        """The exit status of the command, negative where a signal ended it."""
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End when the last command has ended."""
        with self.process:
            self.process.stdin.close()


shared_starter = functools.cache(Starter)
"""The one of this process; it ends with it."""


def run_forked(*arguments, text=True, input=None, **options) -> subprocess.CompletedProcess:
    """What `subprocess.run` does, by the shared starter."""
    with tempfile.TemporaryDirectory() as folder:
        given, *written = files = [str(Path(folder) / name) for name in ("input", "output", "error")]
        for path in files:
            Path(path).touch()
        Path(given).write_bytes((input or "").encode() if text else input or b"")
        shared_starter().start(*arguments, files=files, **options)
        code = shared_starter().wait()
        output, error = (Path(path).read_text("utf-8") if text else Path(path).read_bytes() for path in written)
    return subprocess.CompletedProcess(arguments, code, output, error)


def run_textgen(*arguments, **options) -> subprocess.CompletedProcess:
    """Run the installed command as a person would, in a process of its own.

    One that trains is forked from a process that has imported TensorFlow, unless the test asks for more than a folder,
    an environment or an input.
    """
    if arguments[:1] in (("train",), ("demo",)) and options.keys() <= {"cwd", "env", "input", "text"}:
        return run_forked(*arguments, **options)
    command = [str(Path(sys.executable).with_name("textgen")), *map(str, arguments)]
    options.setdefault("text", True)
    return subprocess.run(command, capture_output=True, check=False, **options)


def textgen_done(*arguments) -> None:
    """Run a command that must succeed."""
    done = run_textgen(*arguments)
    assert done.returncode == 0, done.stderr


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

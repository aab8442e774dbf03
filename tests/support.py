"""What many tests use: the command in a process of its own, and a tiny text with settings to learn it."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TextIO

import pytest
from started import Started

LIGHT = {"tensorflow", "keras", "rich", "h5py", "pandas", "hypothesis"}
"""What only some commands may import."""


def environment(**variables: str) -> dict[str, str]:
    """That of this process, without colours, and with some variables more."""
    return {**os.environ, "NO_COLOR": "1", **variables}


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


def few(values: Iterable, quick: int = 1) -> list:
    """The parameters of a test: the first are tried by default, the others are `thorough`."""
    groups = [value if isinstance(value, tuple) else (value,) for value in values]
    return [
        pytest.param(*group, marks=() if number < quick else pytest.mark.thorough)
        for number, group in enumerate(groups)
    ]


class Starter:
    """Starts textgen processes that need not import TensorFlow first."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.address = str(Path(self.folder.name) / "starter")
        command = [sys.executable, Path(__file__).with_name("starter.py"), self.address]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline() == b"ready\n"

    def start(self, *arguments, files: Sequence[IO], cwd=None, env=None) -> Started:
        """Start a command with these three as its standard input, output and error."""
        descriptors = [file.fileno() for file in files]
        return Started(self.address, [*map(str, arguments)], str(cwd or Path.cwd()), env or os.environ, descriptors)

    def put_command(self, folder: Path) -> None:
        """Make a `textgen` in a folder that is started here."""
        command = folder / "textgen"
        client = Path(__file__).with_name("started.py")
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{client}" "{self.address}" "$@"\n')
        command.chmod(0o755)


shared_starter = functools.cache(Starter)
"""The one of this process; it ends with it."""


def run_forked(*arguments, text=True, input=None, **options) -> subprocess.CompletedProcess:
    """What `subprocess.run` does, by the shared starter."""
    with contextlib.ExitStack() as stack:
        files = given, output, error = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        given.write((input or "").encode() if text else input or b"")
        given.seek(0)
        code = shared_starter().start(*arguments, files=files, **options).wait()
        output.seek(0)
        error.seek(0)
        found = output.read(), error.read()
    return subprocess.CompletedProcess(arguments, code, *(map(bytes.decode, found) if text else found))


@contextlib.contextmanager
def started(*arguments) -> Iterator[tuple[Started, TextIO]]:
    """A command that runs, by the shared starter, and what it writes to standard error."""
    read, write = os.pipe()
    with Path(os.devnull).open("r+") as nothing, os.fdopen(write, "w") as error:
        process = shared_starter().start(*arguments, files=(nothing, nothing, error))
    with os.fdopen(read) as shown:
        yield process, shown


def is_of_interpreter(name: str) -> bool:
    """Whether a variable of the environment acts on Python or its libraries, not on textgen."""
    return name.startswith(("LANG", "LC_", "PYTHON", "TF_", "XLA_", "OPENBLAS_"))


def run_textgen(*arguments, **options) -> subprocess.CompletedProcess:
    """Run the installed command as a person would, in a process of its own.

    It is forked from one that has imported what it needs, unless the test asks for more than a folder, an environment
    of textgen's own variables or an input.
    """
    changed = dict(options.get("env") or os.environ).items() ^ os.environ.items()
    if options.keys() <= {"cwd", "env", "input", "text"} and not any(is_of_interpreter(name) for name, _ in changed):
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

"""The command line's own arguments, changed at random: success or one clear refusal with exit code 1 or 2."""

import contextlib
import encodings.aliases
import io
import os
import sys

import pytest
from fuzz import at_most
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import few

from textgen.cli import cli, main

ODD = [
    *("", " ", "nan", "-nan", "inf", "1e308", "-1e308", "1e-320", "0", "-0", "-1", "1", "7", "0.5", "1e2", "0x10"),
    *("9" * 20, "1" + "0" * 400, "\0", "a\0b", "\udcff", "\ud800", "我", "e\u0301", "\x1b[2J", "\r\n", "\u202e"),
    *("..", "../..", "/dev/null", "/dev/null/x", "a" * 300, "a/" * 3000, "-", "--", "@", "@../.."),
    *("*" * 60, "[", "[!", "**/*", "true", "None", "best", "last", "nfc", "utf-16", "rot13", "undefined", "idna"),
    *("text", "run", "corpus", "gz.gz", "bash"),
]
ENDS = {
    "sample": ["-l", "3", "-n", "2", "--beam", "0"],
    "train": ["--config", "settings.toml", "nowhere", "--out", "new"],
    "demo": ["--corpus", "nobody"],
}
"""What comes last, and so holds: no endless sample, no training."""
FLAGS = {command: [o for p in cli.commands[command].params for o in p.opts if o[0] == "-"] for command in cli.commands}
EXAMPLES = 60
MANY = 2000


@pytest.fixture
def folder(run_path, corpus_path, tmp_path, monkeypatch):
    """A folder, deep in an empty one, with a run, a corpus and some texts; the tests' own working folder."""
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    (inner / "run").symlink_to(run_path)
    (inner / "corpus").symlink_to(corpus_path)
    (inner / "text").write_text("the lazy dog\n" * 60)
    (inner / "gz.gz").write_bytes(b"no gzip")
    (inner / "settings.toml").write_text("units = 3\n")
    monkeypatch.chdir(inner)
    return inner


def outcome(arguments) -> tuple[int, str]:
    """The exit code of a command in this process, and what it said on standard error."""
    kept = sys.argv, sys.stdin, sys.stdout, sys.stderr
    code, error = 0, io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
    try:
        with open(os.devnull) as nothing, at_most(5):  # noqa: PTH123
            sys.argv, sys.stdin = ["textgen", *arguments], nothing
            sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace"), error
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = kept
    error.flush()
    return code, error.buffer.getvalue().decode()


@st.composite
def arguments_for(draw, command: str) -> list[str]:
    """Any words and options for a command."""
    words = draw(st.lists(st.sampled_from(ODD), max_size=2))
    places = ["run"] if command in ("sample", "score", "surprise", "info", "export") and draw(st.booleans()) else []
    options = []
    for flag in draw(st.lists(st.sampled_from(FLAGS[command] or ["--help"]), max_size=4)):
        options += [flag, draw(st.sampled_from(ODD) | st.text(max_size=5))]
    return [command, *places, *words, *options, *ENDS.get(command, [])]


def tried(command: str, examples: int) -> None:
    """Run a command with many random arguments."""

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(arguments_for(command))
    def attempt(arguments):
        code, error = outcome(arguments)
        assert code in (0, 1, 2), (arguments, code, error)
        assert "Traceback" not in error
        if code:
            assert error.splitlines()[-1].startswith(("textgen: error: ", "Usage:", "  ")), (arguments, error)

    attempt()
    sys.stdout.write(f'{{"trial": "arguments", "command": "{command}", "tried": {examples}}}\n')


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_odd_arguments_are_used_or_refused(folder, command):
    tried(command, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("command", sorted(cli.commands))
def test_many_odd_arguments_are_used_or_refused(folder, command):
    tried(command, MANY)


@pytest.mark.parametrize("encoding", few(sorted(set(encodings.aliases.aliases.values())), 4))
def test_every_encoding_that_python_has_works_or_is_refused(folder, encoding):
    data = bytes(range(256)) * 4 + b"\\ud800\\udfff +2AA- xn--a\n" * 20
    (folder / "bytes").write_bytes(data)
    code, error = outcome(["prepare", "bytes", "--encoding", encoding, "--out", "out", "--normalize", "none"])
    assert code in (0, 1, 2) and "Traceback" not in error
    with contextlib.suppress(UnicodeEncodeError, LookupError):
        (folder / "bytes").write_bytes(("the lazy dog\n" * 60).encode(encoding))
        assert outcome(["prepare", "bytes", "--encoding", encoding, "--out", "out2"])[0] == 0

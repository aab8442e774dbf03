"""What a command can do, a function can: with the same names and the same defaults."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import textgen
from textgen.cli import cli

Model = textgen.Model
PAIRS: Mapping[str, list[Callable[..., Any]]] = {
    "prepare": [textgen.prepare],
    "train": [textgen.train, textgen.resume],
    "sample": [textgen.load, Model.generate, Model.with_voice],
    "score": [textgen.load, Model.score, Model.surprise],
    "surprise": [textgen.load, Model.surprise],
    "export": [textgen.export],
    "import": [textgen.import_keras],
    "info": [textgen.info],
    "runs": [textgen.runs],
    "corpora": [textgen.corpora],
}
"""Each command, and what does the same in Python."""
FOR_A_SHELL = {"launch", "completion", "demo"}
"""The commands that have no other sense."""
RENAMED = {
    ("train", "data"): "corpus",
    ("train", "resume"): "run",
    ("score", "files"): "text",
    ("surprise", "file"): "text",
}
OF_A_SHELL = {
    "sample": {"seed_file", "each_line", "encoding", "separator", "as_json", "raw"},
    "score": {"encoding", "form"},
    "surprise": {"encoding", "out"},
    "info": {"as_json"},
}
"""How a command reads files and writes text. In Python these are strings, lists, arrays, attributes and
`Surprises.page`."""
OF_PYTHON = {
    "prepare": {"text", "texts", "telling"},
    "train": {"callbacks", "reporter", "verbose"},
    "score": {"k", "precision"},
    "surprise": {"k", "precision"},
    "import": {"note"},
}
"""What needs an object, or the number of likeliest characters, which the output of a command has fixed."""

BESIDE_ANOTHER = {"sample": {"share", "samples"}}
"""What has a default where another is given: a second run, or a list of seed texts."""


def parameters(call: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of a function by name, its settings among them, and their defaults."""
    found = {}
    for name, parameter in inspect.signature(call).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            kind = {"Any": "SampleSettings"}.get(name_of(parameter.annotation), name_of(parameter.annotation))
            found |= dict.fromkeys(get_type_hints(getattr(textgen, kind)), inspect.Parameter.empty)
        elif name not in ("self", "cls"):
            found[name] = parameter.default
    return found


def name_of(annotation: str) -> str:
    """What stands in `Unpack[...]`."""
    return annotation.removeprefix("Unpack[").removesuffix("]")


def test_every_command_has_its_function():
    assert PAIRS.keys() | FOR_A_SHELL == set(cli.commands)


@pytest.mark.parametrize("command", PAIRS)
def test_options_and_parameters_have_the_same_names(command):
    options = {p.name for p in cli.commands[command].params} - OF_A_SHELL.get(command, set())
    options = {RENAMED.get((command, name), name) for name in options}
    known = {name for call in PAIRS[command] for name in parameters(call)}
    assert options == known - OF_PYTHON.get(command, set())


@pytest.mark.parametrize("command", PAIRS)
def test_options_and_parameters_have_the_same_defaults(command):
    options = {RENAMED.get((command, p.name), p.name): p for p in cli.commands[command].params}
    for call in PAIRS[command]:
        given = {name: default for name, default in parameters(call).items() if default is not inspect.Parameter.empty}
        shared = given.keys() & options.keys() - BESIDE_ANOTHER.get(command, set())
        assert {name: plain(given[name]) for name in shared} == {name: plain(options[name].default) for name in shared}


def plain(default: object) -> str | None:
    """A default as it is typed; None where there is none."""
    return str(default) if default and isinstance(default, str | float | int | Path) else None

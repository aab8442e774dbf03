"""Settings as command-line options: each field of a settings class becomes one option of the same name."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from msgspec import inspect

from textgen.config import STEPS, Config, refuse_unknown
from textgen.machine import MOST_WORKERS
from textgen.runs.reading import is_possible
from textgen.runs.shipped import kept_apart

PREFIX = "TEXTGEN"
Function = Callable[..., Any]
Decorator = Callable[[Function], Function]
SHORT = {"length": "-l", "temperature": "-t", "samples": "-n"}


class FiniteRange(click.FloatRange):
    """A range of floats without NaN, which compares as inside every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is no finite number in the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class MinutesOrSteps(FiniteRange):
    """A number of minutes, or a text like 500steps."""

    name = "minutes or steps"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Let a text of steps pass."""
        return value if STEPS.fullmatch(str(value)) else super().convert(value, param, ctx)


class PathName(click.Path):
    """A file or folder that the system could have."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what no file can be called."""
        if not str(value) or not is_possible(str(value)):
            self.fail(f"{str(value)!r}: no file can have this name.", param, ctx)
        return super().convert(kept_apart(value), param, ctx)


FOLDER = PathName(path_type=Path)
"""The type of an option that is a folder or file."""


def known_encoding(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """An encoding that there is."""
    from textgen.data.encodings import check_encoding

    if value is not None:
        check_encoding(value)
    return value


ENCODING = click.option("--encoding", callback=known_encoding, help="Encoding of the text; by default UTF-8.")
WORKERS = click.option(
    "--workers",
    type=click.IntRange(0, MOST_WORKERS),
    default=1,
    show_default=True,
    help="Number of processes that share the work; 0 is as many as there are cores. The output is the same with any "
    "number.",
)
"""The option that says how many processes write samples or score lines."""


def config_options(*kinds: type[Config]) -> Decorator:
    """Decorate a command with an option for every field of some settings classes."""
    infos = inspect.multi_type_info(kinds)
    fields = [field for info in infos if isinstance(info, inspect.StructType) for field in info.fields]

    def decorate(command: Function) -> Function:
        for field in reversed(fields):
            command = _option(field)(command)
        return command

    return decorate


def _option(field: inspect.Field) -> Decorator:
    kind, text, number_or_text = field.type, "", False
    while isinstance(kind, inspect.Metadata | inspect.UnionType):
        if isinstance(kind, inspect.UnionType):
            kind, *others = (member for member in kind.types if not isinstance(member, inspect.NoneType))
            number_or_text = bool(others)
        else:
            text = (kind.extra_json_schema or {}).get("description", text)
            kind = kind.type
    names = [f"--{field.name.replace('_', '-')}"]
    if field.name in SHORT:
        names.append(SHORT[field.name])
    settings: dict[str, Any] = {"help": text, "default": field.default, "show_default": True}
    if isinstance(kind, inspect.BoolType):
        settings["is_flag"] = True
    elif isinstance(kind, inspect.VarTupleType):
        settings["multiple"] = True
    elif isinstance(kind, inspect.LiteralType):
        # msgspec sorts the values; the default comes first for the reader
        settings["type"] = click.Choice(sorted(kind.values, key=lambda v: v != field.default))
    elif isinstance(kind, inspect.IntType):
        settings["type"] = click.IntRange(kind.ge, kind.le)
    elif isinstance(kind, inspect.FloatType):
        settings["type"] = (MinutesOrSteps if number_or_text else FiniteRange)(kind.ge, kind.le)
    return click.option(*names, **settings)


def given(ctx: click.Context) -> set[str]:
    """The names of the parameters that stand on the command line."""
    return {p.name for p in ctx.command.params if ctx.get_parameter_source(p.name) is ParameterSource.COMMANDLINE}


def without_defaults(ctx: click.Context, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that somebody gave: on the command line, in the environment or in a file."""
    return {k: v for k, v in options.items() if ctx.get_parameter_source(k) is not ParameterSource.DEFAULT}


def refuse_unknown_variables(command: click.Command) -> None:
    """Refuse environment variables that look like a command's settings and are none."""
    prefix = f"{PREFIX}_{command.name}_".upper()
    given = [name.removeprefix(prefix) for name in os.environ if name.startswith(prefix)]
    known = [parameter.name.upper() for parameter in command.params]
    refuse_unknown(given, known, f"environment variable {prefix}...")

"""What `help`, a prompt and a notebook are told of a call's settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def with_settings(settings: type) -> Callable[[Function], Function]:
    """Decorate a function whose keywords are these settings: `help` lists them, and IPython completes them.

    Args:
        settings: a class of textgen/settings.py.
    """

    def decorate(function: Function) -> Function:
        told = function.__doc__ or ""
        # from Python 3.13 on a docstring comes without the margin of its code
        margin = "" if "\nArgs:" in told else "    "
        function.__doc__ = f"{told.rstrip()}\n\n{margin}{settings.__doc__}"
        if "IPython" in sys.modules:  # elsewhere nobody asks, and `inspect` takes as long to import as textgen
            spell_out(function, settings)
        return function

    return decorate


def spell_out(function: Callable[..., Any], settings: type) -> None:
    """Name each setting in the signature that a prompt shows and completes."""
    from inspect import Parameter, signature

    known = signature(function)
    named = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=..., annotation=kind.__forward_arg__)
        for name, kind in settings.__annotations__.items()
    ]
    given = [parameter for parameter in known.parameters.values() if parameter.kind != Parameter.VAR_KEYWORD]
    function.__dict__["__signature__"] = known.replace(parameters=[*given, *named])

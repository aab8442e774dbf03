"""Completion of commands, runs and checkpoints in bash, zsh and fish."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from textgen.options import PathName
from textgen.run import Run

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_TEXTGEN_COMPLETE"


class RunPath(PathName):
    """A run directory; completes to the runs that stand at or below what has been typed."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Runs that begin with what has been typed, at most two folders deeper; else any folder."""
        patterns = (f"{incomplete}*/run.json", f"{incomplete}*/*/run.json")
        found = sorted({str(path.parent) for pattern in patterns for path in Path().glob(pattern)})
        return [CompletionItem(path) for path in found] or super().shell_complete(ctx, param, incomplete)


def complete_checkpoint(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The checkpoints of the run that has been typed."""
    # an option that still lacks its value leaves the arguments before it unassigned
    words = [ctx.params.get("run"), *ctx.args]
    names = next((Run(word).checkpoints() for word in words if word and Run(word).checkpoints()), ["best", "last"])
    return [name for name in names if name.startswith(incomplete)]


def script(command: click.Command, shell: str) -> str:
    """The script that a shell evaluates to complete a command."""
    complete = get_completion_class(shell)
    return complete(command, {}, "textgen", VARIABLE).source()

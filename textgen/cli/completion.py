"""Completion of commands, runs and checkpoints in bash, zsh and fish."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal, get_args

import click
from click.shell_completion import CompletionItem, get_completion_class

from textgen.cli.options import PathName
from textgen.cli.standard_output import write
from textgen.errors import RunError
from textgen.runs.run import Run
from textgen.runs.shipped import MARK, shipped_names

Shell = Literal["bash", "zsh", "fish"]
VARIABLE = "_TEXTGEN_COMPLETE"


class RunPath(PathName):
    """A run directory or `@name`; completes to the runs that stand at or below what has been typed."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Runs that begin with what has been typed, at most two folders deeper; models of textgen; else any folder."""
        names = [f"{MARK}{name}" for name in shipped_names("pretrained")]
        patterns = (f"{incomplete}*/run.json", f"{incomplete}*/*/run.json")
        found = sorted({str(path.parent) for pattern in patterns for path in Path().glob(pattern)})
        found += [name for name in names if name.startswith(incomplete)]
        return [CompletionItem(path) for path in found] or super().shell_complete(ctx, param, incomplete)


def complete_checkpoint(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The checkpoints of the run that has been typed."""
    # an option that still lacks its value leaves the arguments before it unassigned
    words = [ctx.params.get("run"), *ctx.args]
    names = ["best", "last"]
    with contextlib.suppress(RunError):
        names = next((Run(word).checkpoints() for word in words if word and Run(word).checkpoints()), names)
    return [name for name in names if name.startswith(incomplete)]


RUN = RunPath(path_type=Path)
"""The type of an argument that is a run."""
CHECKPOINT = click.option(
    "--checkpoint",
    default="best",
    show_default=True,
    shell_complete=complete_checkpoint,
    help="Weights to use: `best` (lowest validation loss; before the first validation, `last`), `last`, or the number "
    "of a step that `train --keep` has kept.",
)
"""The option that says which weights of a run to use."""


@click.command()
@click.argument("name", metavar="SHELL", type=click.Choice(get_args(Shell)))
@click.pass_context
def completion(ctx: click.Context, name: Shell) -> None:
    """Print a completion script for bash, zsh or fish.

    \b
    bash   eval "$(textgen completion bash)"        in ~/.bashrc
    zsh    eval "$(textgen completion zsh)"         in ~/.zshrc
    fish   textgen completion fish | source         in ~/.config/fish/config.fish
    """
    complete = get_completion_class(name)
    write([complete(ctx.find_root().command, {}, "textgen", VARIABLE).source(), "\n"])

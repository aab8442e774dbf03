"""The commands `info` and `runs`."""

from __future__ import annotations

from pathlib import Path

import click

import textgen
from textgen.cli.completion import RUN
from textgen.cli.options import FOLDER
from textgen.cli.standard_output import shows_blocks, write


@click.command()
@click.argument("run", type=RUN)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def info(run: Path, as_json: bool) -> None:
    """Show the model, corpus, training and best validation of a run.

    In a UTF-8 terminal it also draws the learning curve.
    """
    from textgen.inference import overview

    it = textgen.info(run)
    if as_json:
        write([overview.as_json(it), "\n"])
    else:
        write([str(it), overview.drawn_curve(run) if shows_blocks() else "", "\n"])


@click.command()
@click.argument("folder", type=FOLDER, default=Path())
def runs(folder: Path) -> None:
    """List the runs in FOLDER and the folders in it, best first."""
    write([str(textgen.runs(folder)), "\n"])

"""The commands `score` and `surprise`."""

from __future__ import annotations

from pathlib import Path

import click

from textgen.cli.completion import CHECKPOINT, RUN
from textgen.cli.options import FOLDER, config_options
from textgen.cli.progress import unknown_characters
from textgen.cli.standard_output import write
from textgen.config import ScoreConfig


@click.command()
@click.argument("run", type=RUN)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@CHECKPOINT
@click.option("--lines", "form", flag_value="lines", help="A number and the line for each line, tab-separated.")
@click.option("--chars", "form", flag_value="chars", help="A line of JSON for each character.")
@click.option("--split", type=click.Choice(["train", "validation"]), help="Score this part of the run's own corpus.")
@config_options(ScoreConfig)
def score(
    run: Path, files: tuple[str, ...], checkpoint: str, form: str | None, split: str | None, unknown: str
) -> None:
    """Tell how surprising a text is, in bits per character.

    Reads FILEs, by default standard input, and writes one number; with --lines or --chars more.
    """
    if split and (files or form):
        raise click.UsageError("--split scores the run's own corpus; it takes no FILE, --lines or --chars")
    from textgen.cli.scorer import Scorer

    scorer = Scorer(run, checkpoint, unknown)
    write(scorer.split(split) if split else scorer.files(files or ("-",), form))
    unknown_characters(scorer.unknown_count, unknown)


@click.command()
@click.argument("run", type=RUN)
@click.argument("file", default="-")
@CHECKPOINT
@click.option("--out", type=FOLDER, required=True, metavar="PAGE", help="HTML file to write.")
@config_options(ScoreConfig)
def surprise(run: Path, file: str, checkpoint: str, out: Path, unknown: str) -> None:
    """Draw a text with each character shaded by its bits, as an HTML page.

    FILE is read as UTF-8; - is standard input.
    """
    from textgen.cli.scorer import Scorer

    scorer = Scorer(run, checkpoint, unknown)
    scorer.draw_page(file, out)
    unknown_characters(scorer.unknown_count, unknown)

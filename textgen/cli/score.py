"""The commands `score` and `surprise`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import textgen
from textgen.cli.completion import CHECKPOINT, RUN
from textgen.cli.options import FOLDER, config_options
from textgen.cli.progress import unknown_characters
from textgen.cli.standard_output import write
from textgen.config import ScoreConfig, pick

if TYPE_CHECKING:
    from textgen.inference.model import Part


@click.command()
@click.argument("run", type=RUN)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@CHECKPOINT
@click.option("--lines", "form", flag_value="lines", help="For each line its bits per character, a tab and the line.")
@click.option("--chars", "form", flag_value="chars", help="Write a line of JSON for each character.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    help="Score this part of the corpus that the run was trained on. All of test counts, and of the others as many "
    "characters as in a validation.",
)
@config_options(ScoreConfig)
def score(
    run: Path, files: tuple[str, ...], checkpoint: str, form: str | None, split: Part | None, **options: Any
) -> None:
    """Measure how surprising a text is, in bits per character.

    Reads FILEs, or standard input if there are none, and writes one number for all of them together.
    """
    if split and (files or form):
        raise click.UsageError("--split scores the run's own corpus; leave out FILE, --lines and --chars")
    config = pick(ScoreConfig, options)
    if split:
        write([f"{textgen.load(run, checkpoint).score(split=split, memory=config.memory):.4f}\n"])
        return
    from textgen.cli.scorer import Scorer

    scorer = Scorer(run, checkpoint, config)
    write(scorer.files(files or ("-",), form))
    unknown_characters(scorer.unknown_count, config.unknown)


@click.command()
@click.argument("run", type=RUN)
@click.argument("file", default="-")
@CHECKPOINT
@click.option("--out", type=FOLDER, required=True, metavar="PAGE", help="HTML file to write.")
@config_options(ScoreConfig)
def surprise(run: Path, file: str, checkpoint: str, out: Path, **options: Any) -> None:
    """Write an HTML page that shades each character by its bits.

    FILE is read as UTF-8; - is standard input.
    """
    from textgen.cli.scorer import Scorer

    config = pick(ScoreConfig, options)
    scorer = Scorer(run, checkpoint, config)
    scorer.draw_page(file, out)
    unknown_characters(scorer.unknown_count, config.unknown)

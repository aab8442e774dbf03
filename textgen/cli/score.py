"""The commands `score` and `surprise`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import textgen
from textgen.cli.completion import CHECKPOINT, RUN
from textgen.cli.options import ENCODING, FOLDER, WORKERS, config_options
from textgen.cli.progress import scoring_part, unknown_characters
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
    help="Score this part of the corpus that the run was trained on.",
)
@click.option(
    "--characters",
    type=click.IntRange(1, 10**12),
    help="With --split, score about so many characters, spread evenly over the part; by default all.",
)
@ENCODING
@WORKERS
@config_options(ScoreConfig)
def score(
    run: Path,
    files: tuple[str, ...],
    checkpoint: str,
    form: str | None,
    split: Part | None,
    characters: int | None,
    encoding: str | None,
    workers: int,
    **options: Any,
) -> None:
    """Measure how surprising a text is, in bits per character.

    Reads FILEs, or standard input if there are none, and writes one number for all of them together.
    """
    if split and (files or form):
        raise click.UsageError("--split scores the run's own corpus; leave out FILE, --lines and --chars")
    if characters and not split:
        raise click.UsageError("--characters goes with --split; a FILE is scored whole")
    if workers != 1 and form != "lines":
        raise click.UsageError("--workers shares out lines; give --lines, or leave it out")
    config = pick(ScoreConfig, options)
    if split:
        model = textgen.load(run, checkpoint)
        model.telling = partial(scoring_part, part=split)
        bits = model.score(split=split, characters=characters, memory=config.memory)
        write([f"{bits:.4f}\n"])
        return
    from textgen.cli.scorer import Scorer

    scorer = Scorer(run, checkpoint, config, encoding, workers)
    write(scorer.files(files or ("-",), form))
    unknown_characters(scorer.unknown_count, config.unknown)


@click.command()
@click.argument("run", type=RUN)
@click.argument("file", default="-")
@CHECKPOINT
@click.option("--out", type=FOLDER, required=True, metavar="PAGE", help="HTML file to write.")
@ENCODING
@config_options(ScoreConfig)
def surprise(run: Path, file: str, checkpoint: str, out: Path, encoding: str | None, **options: Any) -> None:
    """Write an HTML page that shades each character by its bits.

    Reads FILE, or standard input if there is none.
    """
    from textgen.cli.scorer import Scorer

    config = pick(ScoreConfig, options)
    scorer = Scorer(run, checkpoint, config, encoding)
    scorer.draw_page(file, out)
    unknown_characters(scorer.unknown_count, config.unknown)

"""The commands `prepare` and `corpora`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import textgen
from textgen.cli.options import FOLDER, config_options
from textgen.cli.progress import reading
from textgen.cli.standard_output import write
from textgen.config import PrepareConfig
from textgen.machine import MOST_WORKERS


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", type=FOLDER, required=True, help="Folder to write the prepared corpus to.")
@click.option("--vocabulary", type=FOLDER, help="Use the vocabulary of this prepared corpus, run or @model.")
@click.option("--force", is_flag=True, help="Replace the prepared corpus at --out.")
@click.option(
    "--workers",
    type=click.IntRange(0, MOST_WORKERS),
    default=1,
    show_default=True,
    help="Number of processes that share the files; 0 is as many as there are cores. One process reads a pipe. The "
    "corpus is the same with any number.",
)
@config_options(PrepareConfig)
def prepare(
    sources: tuple[str, ...], out: Path, vocabulary: Path | None, force: bool, workers: int, **options: Any
) -> None:
    """Prepare text for training: turn it into ids and a vocabulary.

    SOURCE is a file, also a packed one (.gz, .bz2, .xz), a folder, - for standard input, or @NAME for a corpus
    that comes with textgen (see `textgen corpora`). Files are plain text. With --field they are records: .jsonl,
    .ndjson, .csv, .tsv or .parquet, and standard input is JSON Lines.
    """
    from textgen.data.summary import describe_corpus

    made = textgen.prepare(
        sources, out, vocabulary=vocabulary, force=force, workers=workers, telling=reading, **options
    )
    click.echo(describe_corpus(made), err=True)


@click.command()
def corpora() -> None:
    """List the corpora and the models that come with textgen."""
    write([str(textgen.corpora()), "\n"])

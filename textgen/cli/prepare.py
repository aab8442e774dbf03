"""The commands `prepare` and `corpora`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import textgen
from textgen.cli.options import FOLDER, config_options
from textgen.cli.progress import reading
from textgen.cli.standard_output import write
from textgen.config import PrepareConfig, pick


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", type=FOLDER, required=True, help="Folder to write the prepared corpus to.")
@click.option("--vocabulary", type=FOLDER, help="Use the vocabulary of this prepared corpus, run or @model.")
@click.option("--force", is_flag=True, help="Replace the prepared corpus at --out.")
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Number of processes that share the files; one process reads a pipe. The corpus is the same with any number.",
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
    from textgen.data import sources as texts
    from textgen.data.prepare import prepare as prepare_corpus
    from textgen.data.summary import describe_corpus
    from textgen.data.vocabulary import Vocabulary
    from textgen.runs.shipped import run_folder

    config = pick(PrepareConfig, options)
    found = texts.find_sources(sources, texts.patterns(config), config.exclude)
    known = Vocabulary.load(run_folder(vocabulary)) if vocabulary else None
    with reading(texts.total_size(found)) as on_bytes:
        prepared = prepare_corpus(found, out, config, known, force, on_bytes, workers)
    click.echo(describe_corpus(prepared), err=True)


@click.command()
def corpora() -> None:
    """List the corpora and the models that come with textgen."""
    write([str(textgen.corpora()), "\n"])

"""The command `sample`, and the forms in which it writes."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

import textgen
from textgen.cli.completion import CHECKPOINT, RUN
from textgen.cli.options import ENCODING, WORKERS, FiniteRange, config_options
from textgen.cli.progress import CaseNote, reading_seed
from textgen.cli.standard_input import line_batches, read_text
from textgen.cli.standard_output import write
from textgen.config import PRECISIONS, SampleConfig, pick
from textgen.machine import number_of

if TYPE_CHECKING:
    from textgen.inference.generate import Generator
    from textgen.inference.sample import Sample


@click.command()
@click.argument("run", type=RUN)
@click.option("--seed-text", "-s", help="Text to continue; by default a new line or a new document.")
@click.option("--seed-file", metavar="FILE", help="File with the text to continue; - is standard input.")
@click.option("--each-line", is_flag=True, help="Continue every line of standard input, as the lines come.")
@ENCODING
@CHECKPOINT
@click.option("--with", "other", type=RUN, metavar="OTHER", help="A second run that writes beside the first.")
@click.option(
    "--share",
    type=FiniteRange(0, 1),
    help="Weight of --with; by default 0.5, and 0 is the first run alone.",
)
@click.option("--separator", help="Line to write between samples; by default an empty one, with --until-line none.")
@click.option("--json", "as_json", is_flag=True, help="Write a line of JSON for each sample.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="Number format of the weights; float16 writes what a page of `textgen export` writes.",
)
@WORKERS
@click.option("--raw", is_flag=True, help="Write control characters to a terminal as they are, and not as U+FFFD.")
@config_options(SampleConfig)
def sample(
    run: Path,
    seed_text: str | None,
    seed_file: str | None,
    each_line: bool,
    checkpoint: str,
    separator: str | None,
    as_json: bool,
    raw: bool,
    **options: Any,
) -> None:
    """Write text with the model of a run.

    RUN is a directory made by `textgen train`.
    """
    config = pick(SampleConfig, options)
    if (seed_text is not None) + (seed_file is not None) + each_line > 1:
        raise click.UsageError("give only one of --seed-text, --seed-file and --each-line")
    other: Path | None = options["other"]
    if options["share"] is not None and not other:
        raise click.UsageError("--share is the weight of a second run; give that with --with")
    model = textgen.load(run, checkpoint, options["precision"])
    if other:
        share = 0.5 if options["share"] is None else options["share"]
        model = model.with_voice(textgen.load(other, precision=options["precision"]), share)
    model.predictor.telling = reading_seed
    noted = CaseNote(model.text.lowercase)
    noted.batch([config.only, config.ban, *config.stop])
    given = read_text(seed_file, options["encoding"], model.text.keep_line_ends) if seed_file else seed_text or ""
    seeds = map(noted.batch, line_batches(encoding=options["encoding"]) if each_line else [[given]])
    write(sampled(model, seeds, config, separator, as_json, options["workers"]), raw)


class SampleRecord(msgspec.Struct):
    """A sample as one line of JSON."""

    seed_text: str
    text: str
    rng_seed: int
    sample: int
    characters: int
    bits_per_character: float | None
    ending: str


def sampled(
    model: Generator,
    seed_batches: Iterable[list[str]],
    config: SampleConfig,
    separator: str | None,
    as_json: bool,
    workers: int = 1,
) -> Iterator[str]:
    """What `sample` writes: texts and separators, or lines of JSON.

    Args:
        model: a loaded model.
        seed_batches: seed texts, in batches as they come; each is continued `config.samples` times.
        config: the settings.
        separator: the line between samples; None is an empty line, or nothing where a sample is a line.
        as_json: write a line of JSON for each sample.
        workers: processes that share the samples; 0 is as many as there are cores.
    """
    from textgen.inference.workers import shared_out

    workers = number_of(workers)
    between = ("" if config.until_line else "\n") if separator is None else f"{separator}\n"
    if config.rng_seed is None:
        config = msgspec.structs.replace(config, rng_seed=secrets.randbits(63))
    work = partial(written, model, config, between, as_json)
    for pieces in shared_out(work, numbered(seed_batches, config.samples, workers), workers):
        yield "".join(pieces)


def numbered(seed_batches: Iterable[list[str]], samples: int, workers: int) -> Iterator[tuple[int, list[str]]]:
    """`sample_tasks` of seed texts in batches as they come."""
    from textgen.inference.generate import sample_tasks

    first = 0
    for batch in seed_batches:
        yield from sample_tasks(batch, samples, workers, first)
        first += len(batch) * samples


def written(
    model: Generator, config: SampleConfig, between: str, as_json: bool, first: int, seed_texts: list[str]
) -> Iterator[str]:
    """Some samples as `sample` writes them; `first` is the index of the first."""
    samples = model.write(seed_texts, config, first, measured=as_json)
    return as_records(samples) if as_json else as_texts(samples, between)


def as_texts(written: Iterable[tuple[Sample, str]], between: str) -> Iterator[str]:
    """Each sample's seed text and continuation, ended by a line end; a separator before all samples but the first."""
    current, last = None, ""
    for sample, piece in written:
        if sample is not current:
            if current:
                yield "" if last.endswith("\n") else "\n"
            current, last = sample, sample.seed_text
            yield between * (sample.index > 0) + sample.seed_text
        last = piece or last
        yield piece
    if current:
        yield "" if last.endswith("\n") else "\n"


def as_records(written: Iterable[tuple[Sample, str]]) -> Iterator[str]:
    """A line of JSON for each sample."""
    current, pieces = None, []
    for sample, piece in written:
        if current and sample is not current:
            yield record(current, pieces)
            pieces = []
        current = sample
        pieces.append(piece)
    if current:
        yield record(current, pieces)


def record(sample: Sample, pieces: list[str]) -> str:
    """One sample as a line of JSON."""
    text = "".join(pieces)
    mean = sample.bits_per_character
    row = SampleRecord(
        seed_text=sample.seed_text,
        text=text,
        rng_seed=sample.rng_seed,
        sample=sample.index,
        characters=len(text),
        bits_per_character=None if mean is None else round(mean, 4),
        ending=sample.ending,
    )
    return msgspec.json.encode(row).decode() + "\n"

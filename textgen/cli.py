"""The command line. A command turns options into one library call and echoes what comes back.

Rooms are imported inside the commands, so that none pays for another: only `train` starts TensorFlow.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import textgen
from textgen import progress
from textgen.config import ModelConfig, PrepareConfig, SampleConfig, TrainConfig
from textgen.errors import TextgenError
from textgen.options import PREFIX, config_file_option, config_options, pick

FOLDER = click.Path(path_type=Path)


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": PREFIX,
        "max_content_width": 100,
    }
)
@click.version_option(textgen.__version__, prog_name="textgen")
def cli() -> None:
    """Learn to write from a text, character by character, and then write.

    \b
    textgen demo                                     all of it, in about a minute
    textgen prepare plays.txt --out data/plays       text -> ids and vocabulary
    textgen train data/plays --out runs/plays        ids  -> a run directory
    textgen sample runs/plays -s "ROMEO:"            run  -> text on standard output
    """


@cli.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", type=FOLDER, required=True, help="Folder to make for the prepared corpus.")
@click.option("--vocabulary", type=FOLDER, help="Prepared corpus or run whose vocabulary to use.")
@click.option("--force", is_flag=True, help="Replace a prepared corpus that stands at --out.")
@config_options(PrepareConfig)
def prepare(sources: tuple[str, ...], out: Path, vocabulary, force: bool, **options: Any) -> None:
    """Turn text into ids and a vocabulary.

    SOURCE is a file, a folder, a .gz file, - for standard input, or @NAME for a corpus that comes with
    textgen (see `textgen corpora`).
    """
    from textgen.data import summary, text
    from textgen.data.prepare import prepare as prepare_corpus
    from textgen.data.vocabulary import Vocabulary

    config = pick(PrepareConfig, options)
    found = text.find_sources(sources, config.glob, config.exclude)
    known = Vocabulary.load(vocabulary) if vocabulary else None
    with progress.reading(text.total_size(found)) as on_bytes:
        prepared = prepare_corpus(found, out, config, known, force, on_bytes)
    click.echo(summary.describe_corpus(prepared), err=True)


@cli.command()
@click.argument("data", type=FOLDER, required=False)
@click.option("--out", type=FOLDER, metavar="RUN", help="Run directory to make.")
@click.option("--resume", type=FOLDER, metavar="RUN", help="Go on with a run that was stopped.")
@config_file_option(ModelConfig, TrainConfig)
@config_options(ModelConfig, TrainConfig)
@click.pass_context
def train(ctx, data: Path | None, out: Path | None, resume: Path | None, config, **options: Any) -> None:
    """Train a model on a prepared corpus.

    DATA is a folder made by `textgen prepare`, RUN a directory to make.

    Any of --epochs, --steps and --minutes ends the training, and the learning rate runs down to its end by
    then.
    """
    refuse_mixed(ctx, data, out, resume)
    from textgen.data.corpus import Corpus

    with progress.TrainingDisplay() as display:
        if resume:
            from textgen.training import trainer

            end = trainer.resume(resume, data, display)
        else:
            corpus = Corpus.load(data)
            from textgen.training import trainer

            settings = pick(ModelConfig, options), pick(TrainConfig, options)
            end = trainer.train(corpus, out, *settings, display)
    click.echo(progress.training_result(end, resume or out), err=True)


@cli.command()
@click.argument("run", type=FOLDER)
@click.option("--seed-text", "-s", default="", help="Text to continue; a new line when not given.")
@click.option(
    "--checkpoint",
    type=click.Choice(["best", "last"]),
    default="best",
    show_default=True,
    help="Weights to use: those of the lowest validation loss, or the newest.",
)
@config_options(SampleConfig)
def sample(run: Path, seed_text: str, checkpoint: str, **options: Any) -> None:
    """Write text with the model of a run.

    RUN is a directory made by `textgen train`.
    """
    config = pick(SampleConfig, options)
    model = textgen.load(run, checkpoint)
    for index in range(config.samples):
        if index:
            write(iter("\n"))
        write(ended(model.stream(seed_text, config, index)))


@cli.command()
@click.option(
    "--corpus",
    default="fables",
    show_default=True,
    help="Corpus to train on; see `textgen corpora`.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, 10**7, min_open=True),
    default=1.0,
    show_default=True,
    help="How long to train.",
)
@click.option(
    "--out",
    type=FOLDER,
    default=Path("textgen-demo"),
    show_default=True,
    help="Folder to leave all in.",
)
def demo(corpus: str, minutes: float, out: Path) -> None:
    """Prepare, train and sample, and show each command."""
    import shlex

    from textgen.demo import demo_commands

    for arguments in demo_commands(corpus.removeprefix("@"), minutes, out):
        click.echo(f"\n$ textgen {shlex.join(arguments)}", err=True)
        cli.main(arguments, prog_name="textgen", standalone_mode=False)


@cli.command()
def corpora() -> None:
    """List the corpora that come with textgen."""
    from textgen.data import summary

    click.echo(summary.describe_shipped())


def refuse_mixed(ctx: click.Context, data: Path | None, out: Path | None, resume: Path | None) -> None:
    """A new run needs DATA and --out; --resume takes all settings from the run."""
    if not resume:
        if data is None or out is None:
            raise click.UsageError("train needs DATA and --out, or --resume RUN")
        return
    given = [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name not in ("data", "resume")
        and ctx.get_parameter_source(parameter.name).name == "COMMANDLINE"
    ]
    if given:
        raise click.UsageError(f"{given[0]} cannot be given with --resume: the run keeps its settings")


def ended(text: Iterator[str]) -> Iterator[str]:
    """The same pieces, with a line end after the last if they lack one."""
    last = ""
    for piece in text:
        last = piece or last
        yield piece
    if not last.endswith("\n"):
        yield "\n"


def write(pieces: Iterator[str]) -> None:
    """Write text to standard output as it comes, as UTF-8 whatever the locale.

    When whoever reads it has seen enough and closes the pipe, the command ends well.
    """
    out = click.get_binary_stream("stdout")
    try:
        for piece in pieces:
            out.write(piece.encode())
            out.flush()
    except BrokenPipeError:
        # what is left in the buffer must not meet the closed pipe when the process ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
        raise click.exceptions.Exit(0) from None


def main() -> None:
    """The `textgen` command. A user's mistake is one line on standard error and an exit code."""
    try:
        cli.main(prog_name="textgen", standalone_mode=False)
    except TextgenError as error:
        fail(str(error), error.exit_code)
    except click.exceptions.Abort:
        fail("interrupted", 128 + signal.SIGINT)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "textgen"
        fail(f"{error.format_message()} See `{path} --help`.", error.exit_code)
    except click.ClickException as error:
        fail(error.format_message(), error.exit_code)


def fail(message: str, exit_code: int) -> None:
    """Say what was wrong in one line and end the process."""
    click.echo(f"textgen: error: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)

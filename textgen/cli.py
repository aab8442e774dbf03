"""The command line. A command turns options into one library call and echoes what comes back.

Rooms are imported inside the commands, so that none pays for another: only `train` starts TensorFlow.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import click

import textgen
from textgen import progress, shell
from textgen.completion import SHELLS, RunPath, complete_checkpoint
from textgen.config import DEFAULT_MINUTES, SHAPE, ModelConfig, PrepareConfig, SampleConfig, ScoreConfig, TrainConfig
from textgen.errors import TextgenError
from textgen.options import (
    AUTO,
    PREFIX,
    PathName,
    config_options,
    fill,
    given,
    pick,
    preset_options,
    refuse_unknown_variables,
)

FOLDER = PathName(path_type=Path)
RUN = RunPath(path_type=Path)
CHECKPOINT = click.option(
    "--checkpoint",
    default="best",
    show_default=True,
    shell_complete=complete_checkpoint,
    help="Weights to use: `best` (lowest validation loss), `last`, or the number of a step that --keep has kept. "
    "Before the first validation, `best` is `last`.",
)


@click.group(
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": PREFIX,
        "max_content_width": 100,
    }
)
@click.version_option(textgen.__version__, prog_name="textgen")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Learn to write from a text, character by character, and then write.

    \b
    textgen demo                                     all of it, in about a minute
    textgen prepare plays.txt --out data/plays       text -> ids and vocabulary
    textgen train data/plays --out runs/plays        ids  -> a run directory
    textgen sample runs/plays -s "ROMEO:"            run  -> text on standard output
    textgen score runs/plays < lines.txt             text -> bits per character
    """
    if ctx.invoked_subcommand in cli.commands:
        refuse_unknown_variables(cli.commands[ctx.invoked_subcommand])


@cli.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", type=FOLDER, required=True, help="Folder to make for the prepared corpus.")
@click.option("--vocabulary", type=FOLDER, help="Prepared corpus or run whose vocabulary to use.")
@click.option("--force", is_flag=True, help="Replace a prepared corpus that stands at --out.")
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Processes that share the files among them; a pipe is read by one. The corpus is the same with any number.",
)
@config_options(PrepareConfig)
def prepare(sources: tuple[str, ...], out: Path, vocabulary, force: bool, workers: int, **options: Any) -> None:
    """Turn text into ids and a vocabulary.

    SOURCE is a file, a folder, a .gz file, - for standard input, or @NAME for a corpus that comes with
    textgen (see `textgen corpora`). Files are text, or with --field records: .jsonl, .ndjson, .csv, .tsv or .parquet;
    standard input is then JSON Lines.
    """
    from textgen.data import summary, text
    from textgen.data.prepare import prepare as prepare_corpus
    from textgen.data.vocabulary import Vocabulary

    config = pick(PrepareConfig, options)
    found = text.find_sources(sources, text.patterns(config), config.exclude)
    known = Vocabulary.load(vocabulary) if vocabulary else None
    with progress.reading(text.total_size(found)) as on_bytes:
        prepared = prepare_corpus(found, out, config, known, force, on_bytes, workers)
    click.echo(summary.describe_corpus(prepared), err=True)


@cli.command()
@click.argument("data", type=FOLDER, required=False)
@click.option("--out", type=FOLDER, metavar="RUN", help="Run directory to make.")
@click.option(
    "--from", "start_from", type=FOLDER, metavar="RUN", help="Begin with the weights of this run (fine-tune)."
)
@click.option("--resume", type=FOLDER, metavar="RUN", help="Go on with this run, which was stopped or has finished.")
@preset_options(ModelConfig, TrainConfig)
@config_options(ModelConfig, TrainConfig)
@click.pass_context
def train(ctx, data, out, start_from, resume, preset: str, config: str | None, **options: Any) -> None:
    """Train a model on a prepared corpus.

    DATA is a folder made by `textgen prepare`, RUN a directory to make.

    Any of --epochs, --steps and --minutes ends the training, and the learning rate runs down to its end by
    then.

    With --resume a run goes on as if it had never stopped. Options given beside it change from there on;
    --epochs, --steps or --minutes then say how much more to train.
    """
    refuse_mixed(ctx, data, out, start_from, resume)
    from textgen.data.corpus import Corpus

    with progress.TrainingDisplay() as display:
        if resume:
            from textgen.training import trainer

            changes = {name: options[name] for name in options.keys() & given(ctx)}
            trainer.resume(resume, data, display, changes)
        else:
            corpus = Corpus.load(data)
            options, reason = chosen(ctx, options, len(corpus.train)) if preset == AUTO else (options, "")
            from textgen.training import trainer

            settings = pick(ModelConfig, options), pick(TrainConfig, options)
            trainer.train(corpus, out, *settings, display, start_from=start_from, reason=reason)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.option("--workers", type=click.IntRange(1, 1024), required=True, help="Number of processes.")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- train ...")
def launch(workers: int, arguments: tuple[str, ...]) -> None:
    """Train in several processes of this machine as one.

    \b
    textgen launch --workers 2 -- train data/plays --out runs/plays
    """
    if arguments[0] != "train":
        raise click.UsageError(f"launch runs `train`, got {arguments[0]!r}: textgen launch --workers N -- train ...")
    from textgen.launch import launch as launch_workers

    launch_workers(arguments, workers)


@cli.command()
@click.argument("run", type=RUN)
@click.option("--seed-text", "-s", help="Text to continue; a new line, or a new document, when not given.")
@click.option("--seed-file", metavar="FILE", help="File with the text to continue; - is standard input.")
@click.option("--each-line", is_flag=True, help="Continue every line of standard input, as the lines come.")
@CHECKPOINT
@click.option("--separator", help="Line between samples; an empty one by default, none with --until-line.")
@click.option("--json", "as_json", is_flag=True, help="Write a line of JSON for each sample.")
@click.option("--raw", is_flag=True, help="Write control characters to a terminal, too, instead of U+FFFD.")
@config_options(SampleConfig)
def sample(run, seed_text, seed_file, each_line, checkpoint, separator, as_json: bool, raw: bool, **options: Any):
    """Write text with the model of a run.

    RUN is a directory made by `textgen train`.
    """
    config = pick(SampleConfig, options)
    if (seed_text is not None) + (seed_file is not None) + each_line > 1:
        raise click.UsageError("--seed-text, --seed-file and --each-line exclude one another")
    model = textgen.load(run, checkpoint)
    seeds = shell.line_batches() if each_line else [[shell.read_text(seed_file) if seed_file else seed_text or ""]]
    shell.write(shell.sampled(model, seeds, config, separator, as_json), raw)


@cli.command()
@click.argument("run", type=RUN)
@click.argument("files", nargs=-1, metavar="[FILE]...")
@CHECKPOINT
@click.option("--lines", "form", flag_value="lines", help="A number and the line for each line, tab-separated.")
@click.option("--chars", "form", flag_value="chars", help="A line of JSON for each character.")
@click.option("--split", type=click.Choice(["train", "validation"]), help="Score this part of the run's own corpus.")
@config_options(ScoreConfig)
def score(run: Path, files: tuple[str, ...], checkpoint: str, form: str | None, split: str | None, unknown) -> None:
    """Tell how surprising a text is, in bits per character.

    Reads FILEs, by default standard input, and writes one number; with --lines or --chars more.
    """
    if split and (files or form):
        raise click.UsageError("--split scores the run's own corpus; it takes no FILE, --lines or --chars")
    from textgen import scoring

    scorer = scoring.Scorer(run, checkpoint, unknown)
    shell.write(scorer.split(split) if split else scorer.files(files or ("-",), form))
    progress.unknown_characters(scorer.unknown_count, unknown)


@cli.command()
@click.argument("run", type=RUN)
@click.argument("file", default="-")
@CHECKPOINT
@click.option("--out", type=FOLDER, required=True, metavar="PAGE", help="HTML file to write.")
@config_options(ScoreConfig)
def surprise(run: Path, file: str, checkpoint: str, out: Path, unknown: str) -> None:
    """Draw a text with each character shaded by its bits, as an HTML page.

    FILE is read as UTF-8; - is standard input.
    """
    from textgen import scoring

    scorer = scoring.Scorer(run, checkpoint, unknown)
    scorer.draw_page(file, out)
    progress.unknown_characters(scorer.unknown_count, unknown)


@cli.command()
@click.argument("run", type=RUN)
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def info(run: Path, as_json: bool) -> None:
    """Show what a run is: its model, corpus, training and best validation."""
    from textgen.inference import overview

    shell.write([overview.overview_json(run) if as_json else overview.describe_run(run), "\n"])


@cli.command()
@click.argument("folder", type=FOLDER, default=Path())
def runs(folder: Path) -> None:
    """List the runs in FOLDER and below it, best first."""
    from textgen.inference import overview

    shell.write([overview.runs_table(folder), "\n"])


@cli.command()
@click.argument("name", metavar="SHELL", type=click.Choice(SHELLS))
def completion(name: str) -> None:
    """Print a script that completes textgen's commands in bash, zsh or fish.

    \b
    bash   eval "$(textgen completion bash)"        in ~/.bashrc
    zsh    eval "$(textgen completion zsh)"         in ~/.zshrc
    fish   textgen completion fish | source         in ~/.config/fish/config.fish
    """
    from textgen.completion import script

    shell.write([script(cli, name), "\n"])


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

    shell.write([summary.describe_shipped(), "\n"])


def refuse_mixed(ctx: click.Context, data: Path | None, out: Path | None, start_from, resume) -> None:
    """A new run needs DATA and --out; a run that goes on, or begins with another's weights, has its shape already."""
    if not resume and (data is None or out is None):
        raise click.UsageError("train needs DATA and --out, or --resume RUN")
    option, settled = None, set()
    if resume:
        option, settled = "--resume", {"out", "start_from", "preset", "config"}
    elif start_from:
        option, settled = "--from", SHAPE
    for name in settled & given(ctx):
        flag = next(parameter.opts[0] for parameter in ctx.command.params if parameter.name == name)
        raise click.UsageError(f"{flag} cannot be given with {option}: that run settles it")


def chosen(ctx: click.Context, options: dict[str, Any], characters: int) -> tuple[dict[str, Any], str]:
    """The options of `train`, those that nobody gave chosen by the size of the text and the time; and why."""
    from textgen import recipe

    minutes = pick(TrainConfig, options).end_minutes or DEFAULT_MINUTES
    values, reason = recipe.choose(characters, minutes, options["cell"])
    options = fill(ctx, options, values)
    return options, f"{reason}: {recipe.describe(options)}"


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
    except OSError as error:
        fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)
    except MemoryError:
        fail("out of memory; give smaller settings or a smaller text, or make room", 1)


def fail(message: str, exit_code: int) -> None:
    """Say what was wrong in one line and end the process."""
    click.echo(f"textgen: error: {shell.harmless(' '.join(message.split()))}", err=True)
    sys.exit(exit_code)

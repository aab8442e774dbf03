"""The command `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from textgen.cli.options import AUTO, FOLDER, config_options, fill, given, pick, preset_options
from textgen.cli.progress import TrainingDisplay
from textgen.config import DEFAULT_MINUTES, SHAPE, ModelConfig, TrainConfig


@click.command()
@click.argument("data", type=FOLDER, required=False)
@click.option("--out", type=FOLDER, metavar="RUN", help="Run directory to make.")
@click.option(
    "--from", "start_from", type=FOLDER, metavar="RUN", help="Begin with the weights of this run (fine-tune)."
)
@click.option("--resume", type=FOLDER, metavar="RUN", help="Go on with this run, which was stopped or has finished.")
@preset_options(ModelConfig, TrainConfig)
@config_options(ModelConfig, TrainConfig)
@click.pass_context
def train(
    ctx: click.Context,
    data: Path | None,
    out: Path | None,
    start_from: Path | None,
    resume: Path | None,
    preset: str,
    config: str | None,
    **options: Any,
) -> None:
    """Train a model on a prepared corpus.

    DATA is a folder made by `textgen prepare`, RUN a directory to make.

    Any of --epochs, --steps and --minutes ends the training, and the learning rate runs down to its end by
    then.

    With --resume a run goes on as if it had never stopped. Options given beside it change from there on;
    --epochs, --steps or --minutes then say how much more to train.
    """
    refuse_mixed(ctx, data, out, start_from, resume)
    from textgen.data.corpus import Corpus

    with TrainingDisplay() as display:
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


def refuse_mixed(
    ctx: click.Context, data: Path | None, out: Path | None, start_from: Path | None, resume: Path | None
) -> None:
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

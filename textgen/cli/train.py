"""The command `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from textgen.cli.completion import RUN
from textgen.cli.options import FOLDER, PathName, config_options, given, without_defaults
from textgen.config import SHAPE, ModelConfig, TrainConfig
from textgen.recipe import NOTHING, settings_for
from textgen.runs.shipped import AUTO, PRESETS, Preset


@click.command()
@click.argument("data", type=FOLDER, required=False)
@click.option("--out", type=FOLDER, metavar="RUN", help="Run directory to write.")
@click.option(
    "--from",
    "start_from",
    type=RUN,
    metavar="RUN",
    help="Begin with the weights of this run (fine-tuning), of @name, or none. By default auto begins with a model "
    "that comes with textgen, where it helps and no shape is given.",
)
@click.option("--resume", type=FOLDER, metavar="RUN", help="Go on with this run, which was stopped or has finished.")
@click.option(
    "--preset",
    type=click.Choice(PRESETS),
    default=AUTO,
    show_default=True,
    help="Settings to begin with. auto picks width, dropout, weight decay, batch and learning rate by the size of "
    "the text and the time, and prints them.",
)
@click.option(
    "--config",
    type=PathName(),
    metavar="FILE",
    help="TOML file of settings. It wins over the preset; environment variables and options win over it.",
)
@config_options(ModelConfig, TrainConfig)
@click.pass_context
def train(
    ctx: click.Context,
    /,
    data: Path | None,
    out: Path | None,
    start_from: Path | None,
    resume: Path | None,
    preset: Preset,
    config: str | None,
    **options: Any,
) -> None:
    """Train a model on a prepared corpus.

    DATA is a folder that `textgen prepare` wrote. RUN is a directory to write.

    --epochs, --steps and --minutes end the training; the first that is reached counts. The learning rate falls
    until then.

    With --resume a run goes on as if it had never stopped. Options given with it take effect from there on.
    --epochs, --steps or --minutes then say how much more to train.
    """
    from textgen.display.terminal import TrainingDisplay
    from textgen.inference.model import newest_sample

    if resume:
        refuse_settled(ctx, "--resume", {"out", "start_from", "preset", "config"})
        changes = {name: options[name] for name in options.keys() & given(ctx)}
        with TrainingDisplay(newest_sample) as display:
            from textgen.training import trainer

            trainer.resume(resume, data, display, changes)
        return
    if data is None or out is None:
        raise click.UsageError("train needs DATA and --out, or --resume RUN")
    chosen = without_defaults(ctx, options)
    if start_from and str(start_from) != NOTHING:
        refuse_settled(ctx, "--from", SHAPE)
        # the environment may have a shape for other trainings
        chosen = {name: value for name, value in chosen.items() if name not in SHAPE}
    from textgen.data.corpus import Corpus

    with TrainingDisplay(newest_sample) as display:
        corpus = Corpus.load(data)
        model, schedule, source, reckoning = settings_for(corpus, chosen, start_from, preset, config)
        # a mistake in a setting is told before TensorFlow is imported
        from textgen.training import trainer

        trainer.train(corpus, out, model, schedule, display, start_from=source, reckoning=reckoning)


def refuse_settled(ctx: click.Context, option: str, settled: set[str]) -> None:
    """A run that goes on, or begins with another's weights, has some settings already."""
    for name in settled & given(ctx):
        flag = next(parameter.opts[0] for parameter in ctx.command.params if parameter.name == name)
        raise click.UsageError(f"{flag} cannot be given with {option}; the run has it already")

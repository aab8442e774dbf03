"""The command `train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from textgen.cli.completion import RUN
from textgen.cli.options import AUTO, FOLDER, config_options, given, preset_options, without_defaults
from textgen.config import SHAPE, ModelConfig, TrainConfig, pick
from textgen.recipe import NOTHING, Settings, settings_for


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
@preset_options(ModelConfig, TrainConfig)
@config_options(ModelConfig, TrainConfig)
@click.pass_context
def train(
    ctx: click.Context,
    /,
    data: Path | None,
    out: Path | None,
    start_from: Path | None,
    resume: Path | None,
    preset: str,
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
    if named(start_from):
        refuse_settled(ctx, "--from", SHAPE)
    from textgen.data.corpus import Corpus

    with TrainingDisplay(newest_sample) as display:
        corpus = Corpus.load(data)
        if preset == AUTO:
            chosen = without_defaults(ctx, options)
            if named(start_from):
                # the environment and a file may have a shape for other trainings
                chosen = {name: value for name, value in chosen.items() if name not in SHAPE}
            settings = settings_for(corpus, chosen, start_from)
        else:
            settings = Settings(pick(ModelConfig, options), pick(TrainConfig, options), named(start_from))
        from textgen.training import trainer

        model, schedule, source, reckoning = settings
        trainer.train(corpus, out, model, schedule, display, start_from=source, reckoning=reckoning)


def named(start_from: Path | None) -> Path | None:
    """The run that `--from` names; `none` names none."""
    return None if start_from is None or str(start_from) == NOTHING else start_from


def refuse_settled(ctx: click.Context, option: str, settled: set[str]) -> None:
    """A run that goes on, or begins with another's weights, has some settings already."""
    for name in settled & given(ctx):
        flag = next(parameter.opts[0] for parameter in ctx.command.params if parameter.name == name)
        raise click.UsageError(f"{flag} cannot be given with {option}; the run has it already")

"""Settings for a text of some size and a time: what `--preset auto` picks, and why.

The rules come from measurements on 2 cores, which docs/experiments.md lists. Another machine is compared with that one
by how fast it multiplies matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import asdict

from textgen.config import DEFAULT_MINUTES, ModelConfig, TrainConfig, pick, refuse_unknown
from textgen.machine import gigaflops

SMALL_TEXT = 300_000
"""Characters under which a model learns its text by heart within minutes."""
WIDTHS = ((0.5, 192), (1.5, 256), (3.5, 320), (10.0, 384), (25.0, 512))
"""Up to so many minutes, so many units."""
WIDEST = 640
WIDEST_OF_SMALL_TEXT = 256
RATES = {192: 0.012, 256: 0.008, 320: 0.007, 384: 0.006, 512: 0.005, 640: 0.005}
CHARACTERS_PER_SECOND = {192: 75_000, 256: 58_000, 320: 44_000, 384: 32_000, 512: 18_000, 640: 13_000}
"""What 2 cores of an AMD EPYC with AVX-512 read in training."""
GIGAFLOPS = 200.0
"""What `machine.gigaflops` measures there."""


class Regularization(NamedTuple):
    """What keeps a model from learning its text by heart: fields of `ModelConfig` and `TrainConfig`."""

    dropout: float
    recurrent_dropout: float
    weight_decay: float


REGULARIZATIONS = (
    (1.5, Regularization(0.05, 0.0, 0.05)),
    (7.0, Regularization(0.15, 0.0, 0.1)),
    (11.0, Regularization(0.2, 0.0, 0.1)),
    (20.0, Regularization(0.4, 0.1, 0.15)),
)
"""What a text needs that is read up to so many times."""
REGULARIZATIONS_OF_SMALL_TEXT = (
    (11.0, Regularization(0.2, 0.0, 0.1)),
    (22.0, Regularization(0.3, 0.1, 0.1)),
    (45.0, Regularization(0.3, 0.2, 0.15)),
)
"""The same for a small text and its narrower model."""
MOST_REGULARIZATION = Regularization(0.5, 0.2, 0.15)
"""For a text that is read more often."""


def choose(
    characters: int, minutes: float, cell: str = "lstm", gigaflops: float | None = None
) -> tuple[dict[str, Any], str]:
    """Pick width, depth, dropout, weight decay, batch size and learning rate.

    Args:
        characters: how many the training part has.
        minutes: how long the training is to take.
        cell: the kind of recurrent layer.
        gigaflops: how fast this machine multiplies matrices. A machine twice as fast needs half the minutes. None is
            as fast as the one that the rules were measured on.

    Returns:
        Fields of `ModelConfig` and `TrainConfig`, and the reason in words.

    >>> values, reason = choose(1_000_000, 5.0)
    >>> values["units"], values["dropout"]
    (384, 0.2)
    """
    speed = gigaflops / GIGAFLOPS if gigaflops else 1.0
    small = characters < SMALL_TEXT
    units = next((width for limit, width in WIDTHS if minutes * speed <= limit), WIDEST)
    units = min(units, WIDEST_OF_SMALL_TEXT) if small else units
    times = CHARACTERS_PER_SECOND[units] * speed * 60 * minutes / characters
    needs = REGULARIZATIONS_OF_SMALL_TEXT if small else REGULARIZATIONS
    regularization = next((needed for limit, needed in needs if times <= limit), MOST_REGULARIZATION)
    if cell == "rnn":
        regularization = regularization._replace(recurrent_dropout=0.0)
    values = {
        "num_layers": 1,
        "units": units,
        **regularization._asdict(),
        "batch_size": 16,
        "learning_rate": RATES[units],
    }
    pace = f" at {gigaflops:,.0f} GFLOP/s" if gigaflops else ""
    return values, f"for {characters:,} characters and {minutes:g} minutes{pace}, in which it {reads(times)}"


def reads(times: float) -> str:
    """How often a text is read, in words.

    >>> reads(0.412), reads(1.24), reads(7160.3)
    ('reads about 0.4 of the text', 'reads the text about 1.2 times', 'reads the text about 7,160 times')
    """
    if times < 1:
        return f"reads about {times:.1g} of the text"
    return f"reads the text about {times:,.{int(times < 10)}f} times"


def describe(settings: Mapping[str, Any]) -> str:
    """The settings that `choose` is about, in words.

    >>> describe(choose(1_000_000, 5.0)[0])
    '1 layer of 384 units, dropout 0.2, recurrent dropout 0, weight decay 0.1, batch size 16, learning rate 0.006'
    """
    layers = "1 layer" if settings["num_layers"] == 1 else f"{settings['num_layers']} layers"
    others = ("dropout", "recurrent_dropout", "weight_decay", "batch_size", "learning_rate")
    named = ", ".join(f"{name.replace('_', ' ')} {settings[name]:g}" for name in others)
    return f"{layers} of {settings['units']} units, {named}"


class Settings(NamedTuple):
    """All settings of a training."""

    model: ModelConfig
    train: TrainConfig
    reason: str = ""
    """What was chosen and why, in words."""


def settings_for(characters: int, given: Mapping[str, Any]) -> Settings:
    """All settings of a training: those that are given, and for the rest what `choose` picks, or else the defaults.

    Args:
        characters: how many the training part has.
        given: fields of `ModelConfig` and `TrainConfig`.

    Raises:
        ConfigError: a setting is unknown, of the wrong type or out of range.
    """
    refuse_unknown(given, (*ModelConfig.__struct_fields__, *TrainConfig.__struct_fields__), "")
    minutes = pick(TrainConfig, given).end_minutes
    # where no clock ends the training, none decides how it is made
    speed = gigaflops() if minutes else None
    values, reason = choose(characters, minutes or DEFAULT_MINUTES, pick(ModelConfig, given).cell, speed)
    model, train = pick(ModelConfig, values | dict(given)), pick(TrainConfig, values | dict(given))
    return Settings(model, train, f"{reason}: {describe(asdict(model) | asdict(train))}")

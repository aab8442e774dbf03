"""Settings for a text of some size and a time: what `--preset auto` picks, and why.

The rules come from measurements on 2 cores, which docs/experiments.md lists. Another machine is compared with that one
by how fast it multiplies matrices.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from msgspec.structs import asdict

from textgen.config import DEFAULT_MINUTES, SHAPE, ModelConfig, TrainConfig, pick, read_toml, refuse_unknown
from textgen.errors import ConfigError
from textgen.machine import gigaflops
from textgen.runs.run import shape_of
from textgen.runs.shipped import AUTO, shipped_preset

if TYPE_CHECKING:
    from textgen.data.corpus import Corpus

    StrPath = str | os.PathLike[str]

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


TUNED = 100_000
"""Characters for which a network that has read before is trained on at `TUNING_RATE`, if it reads them at most twice.
A text n times as long has the root of n times that rate, one that is read n times as often 1 / the root of n of it, and
one that surprises the network by a bit more twice that."""
TUNED_TIMES = 2.0
TUNING_RATE = 0.0012
KNOWN_BITS = 1.8
HIGHEST_TUNING_RATE = 0.004
TUNINGS = ((1.5, Regularization(0.1, 0.0, 0.3)),)
"""What a text needs that is read up to so many times, in a run that begins with another's weights. The decay is towards
those."""
MOST_TUNED = Regularization(0.2, 0.1, 1.0)
"""For a text that is read more often."""
SMALLEST_BATCHES = ((5_000, 4), (12_000, 8))
"""Up to so many characters, so many streams: a page needs some steps to be read at all."""
NOTHING = "none"
"""The name of no run: a training begins with random weights."""


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


def choose_from(
    characters: int, config: TrainConfig, shape: Mapping[str, Any], bits: float, gigaflops: float | None = None
) -> tuple[dict[str, Any], str]:
    """Pick dropout, weight decay, batch size and learning rate for a training that begins with another run's weights.

    Args:
        characters, gigaflops: as in `choose`.
        config: what is settled of the training, with its end.
        shape: the settings of the network, which are settled.
        bits: how well it reads the text before it is trained on, in bits per character.

    Returns:
        Fields of `ModelConfig` and `TrainConfig`, the shape among them, and the reason in words.

    >>> choose_from(20_000, TrainConfig(), {"num_layers": 1, "units": 512}, 1.8)[0]["learning_rate"]
    0.00031
    """
    speed = gigaflops / GIGAFLOPS if gigaflops else 1.0
    per_minute = 60 * speed * characters_per_second(shape["units"] * shape["num_layers"])
    read = [
        config.end_minutes and per_minute * config.end_minutes,
        config.steps and config.steps * config.batch_size * config.seq_length,
        config.epochs and config.epochs * characters,
    ]
    times = min(filter(None, read)) / characters
    values: dict[str, Any] = {**shape}
    if not config.steps and not config.epochs and times > (most := most_epochs(characters)):
        times = values["epochs"] = most
    values |= next((tuned for limit, tuned in TUNINGS if times <= limit), MOST_TUNED)._asdict()
    often = max(1.0, times / TUNED_TIMES)
    rate = TUNING_RATE * (characters / TUNED / often) ** 0.5 * 2 ** (bits - KNOWN_BITS)
    values["learning_rate"] = round(min(rate, HIGHEST_TUNING_RATE), 5)
    values["batch_size"] = next((size for limit, size in SMALLEST_BATCHES if characters <= limit), 16)
    return values, f"for {characters:,} characters, of which it {reads(times)}"


def most_epochs(characters: int) -> int:
    """How often a network that has read before reads a text at most: more often, and it learns the text by heart.

    >>> [most_epochs(characters) for characters in (500, 2_000, 20_000, 100_000, 1_000_000)]
    [5, 5, 6, 16, 63]
    """
    return int(max(5, round(6 * (characters / 20_000) ** 0.6)))


def characters_per_second(units: int) -> float:
    """What 2 cores read in training of a network of some width, between and beyond the widths of the table.

    >>> characters_per_second(512), round(characters_per_second(1024))
    (18000.0, 5078)
    """
    if units > WIDEST:
        return CHARACTERS_PER_SECOND[WIDEST] * (WIDEST / units) ** 2
    return float(np.interp(units, list(CHARACTERS_PER_SECOND), list(CHARACTERS_PER_SECOND.values())))


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
    start_from: Path | None = None
    """The run whose weights it begins with."""
    reasons: tuple[str, ...] = ()
    """What was chosen and why, a line each."""


def settings_for(
    corpus: Corpus,
    given: Mapping[str, Any],
    start_from: StrPath | None = None,
    preset: str = AUTO,
    config_file: StrPath | None = None,
) -> Settings:
    """All settings of a training: those that are given, those of a file, and for the rest those of a preset.

    Args:
        corpus: the text.
        given: fields of `ModelConfig` and `TrainConfig`.
        start_from: the run whose weights to begin with, which settles the shape of the network; `none` begins with
            random ones. With `auto` the default is a model that comes with textgen, where it reads the text well and
            nobody gave a shape.
        preset: `auto` picks what suits the text and the time; otherwise the name of a preset.
        config_file: a TOML file of settings.

    Raises:
        ConfigError: a setting is unknown, of the wrong type or out of range, or settled by `start_from`; or there is no
            such preset or file.
        RunError: `start_from` is no run.
    """
    refuse_unknown(given, (*ModelConfig.__struct_fields__, *TrainConfig.__struct_fields__), "")
    run = None if start_from is None or str(start_from) == NOTHING else Path(start_from)
    if run and (settled := sorted(SHAPE & given.keys())):
        raise ConfigError(f"{settled[0]}: cannot be given with start_from: that run settles it")
    given = settings_of_files(preset, config_file, without=SHAPE if run else set()) | dict(given)
    if preset != AUTO:
        return Settings(pick(ModelConfig, given), pick(TrainConfig, given), run)
    source, bits, reasons = beginning_for(corpus, given, start_from)
    config, characters = pick(TrainConfig, given), len(corpus.train)
    # where no clock ends the training, none decides how it is made
    speed = gigaflops() if config.end_minutes else None
    if source:
        values, reason = choose_from(characters, config, shape_of(source), bits, speed)
    else:
        values, reason = choose(characters, config.end_minutes or DEFAULT_MINUTES, pick(ModelConfig, given).cell, speed)
    model, train = pick(ModelConfig, values | given), pick(TrainConfig, values | given)
    reason = f"{reason}: {describe(asdict(model) | asdict(train))}"
    return Settings(model, train, source, (reason, *reasons))


def settings_of_files(preset: str, config_file: StrPath | None, without: set[str]) -> dict[str, Any]:
    """What a preset and a file say, without what a run settles: they are for other trainings too. The file wins."""
    paths = [shipped_preset(preset)] if preset != AUTO else []
    if config_file is not None:
        paths.append(Path(config_file))
    read = [read_toml(path, (ModelConfig, TrainConfig)) for path in paths]
    return {name: value for values in read for name, value in values.items() if name not in without}


def beginning_for(
    corpus: Corpus, given: Mapping[str, Any], start_from: StrPath | None
) -> tuple[Path | None, float, tuple[str, ...]]:
    """The run to begin with, how well it reads a corpus, in bits per character, and why it was chosen, in lines."""
    if str(start_from) == NOTHING:
        return None, math.inf, ()
    if start_from is None and (shape := sorted(SHAPE & given.keys())):
        option = shape[0].replace("_", "-")
        line = f"begins from nothing, because --{option} is given; what comes with textgen has another shape"
        return None, math.inf, (line,)
    from textgen.inference.beginning import LIMIT, best_beginning, bits_before

    if start_from is not None:
        return Path(start_from), bits_before(start_from, corpus), ()
    name, bits = best_beginning(corpus)
    reads = f"{name} reads this text at {bits:.2f} bits per character untrained"
    if bits > LIMIT:
        return None, bits, (f"begins from nothing: {reads}, and more than {LIMIT:g} would not help",) if name else ()
    return Path(name), bits, (f"begins with {name}: {reads}; --from none would begin from nothing",)

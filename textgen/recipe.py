"""Settings for a text of some size and a time: what `--preset auto` picks, and why.

The rules come from measurements on 2 cores, which docs/experiments.md lists. Another machine is compared with that one
by how fast it does the arithmetic of training.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from msgspec.structs import asdict

from textgen.config import DEFAULT_MINUTES, SHAPE, ModelConfig, TrainConfig, pick, read_toml, refuse_unknown
from textgen.errors import ConfigError
from textgen.machine import is_one_of_several, steps_per_second
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
VOCABULARY = 65
"""The characters of the text that they read."""
STEPS_PER_SECOND = 8_000.0
"""What `machine.steps_per_second` measures where training is as fast as there."""
SPEED = SHAPE | {"batch_size", "seq_length", "precision", "distribute"}
"""Settings on which the speed depends."""
FAR = 0.6
"""A training that is so much slower than its settings were picked for, or faster, is told of."""


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
"""What `@english` needs for a character of the books that it was validated on, about."""
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
    characters: int, minutes: float, cell: str = "lstm", speed: float | None = None, vocabulary_size: int = VOCABULARY
) -> tuple[dict[str, Any], str]:
    """Pick width, depth, dropout, weight decay, batch size and learning rate.

    Args:
        characters: how many the training part has.
        minutes: how long the training is to take.
        cell: the kind of recurrent layer.
        speed: how fast this machine trains; 1 is as fast as the one that the rules were measured on. A machine twice
            as fast needs half the minutes. None is 1, and nothing is said of it.
        vocabulary_size: V.

    Returns:
        Fields of `ModelConfig` and `TrainConfig`, and the reason in words.

    >>> values, reason = choose(1_000_000, 5.0)
    >>> values["units"], values["dropout"]
    (384, 0.2)
    """
    times_as_fast = speed or 1.0
    small = characters < SMALL_TEXT
    units = next((width for limit, width in WIDTHS if minutes * times_as_fast <= limit), WIDEST)
    units = min(units, WIDEST_OF_SMALL_TEXT) if small else units
    per_second = times_as_fast * characters_per_second(units, vocabulary_size)
    times = per_second * 60 * minutes / characters
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
    at = f" at {pace(per_second)}" if speed else ""
    return values, f"for {characters:,} characters and {minutes:g} minutes{at}, in which it {reads(times)}"


def choose_from(
    characters: int,
    config: TrainConfig,
    shape: Mapping[str, Any],
    bits: float,
    speed: float | None = None,
    vocabulary_size: int = VOCABULARY,
    known_bits: float = KNOWN_BITS,
) -> tuple[dict[str, Any], str]:
    """Pick dropout, weight decay, batch size and learning rate for a training that begins with another run's weights.

    Args:
        characters, speed, vocabulary_size: as in `choose`.
        config: what is settled of the training, with its end.
        shape: the settings of the network, which are settled.
        bits: how well it reads the text before it is trained on, in bits per character.
        known_bits: how well it reads what it was validated on.

    Returns:
        Fields of `ModelConfig` and `TrainConfig`, the shape among them, and the reason in words.

    >>> choose_from(20_000, TrainConfig(), {"num_layers": 1, "units": 512}, 1.8)[0]["learning_rate"]
    0.00031
    """
    per_second = (speed or 1.0) * characters_per_second(shape["units"] * shape["num_layers"], vocabulary_size)
    read = [
        config.end_minutes and 60 * per_second * config.end_minutes,
        config.steps and config.steps * config.batch_size * config.seq_length,
        config.epochs and config.epochs * characters,
    ]
    times = min(filter(None, read)) / characters
    values: dict[str, Any] = {**shape}
    if not config.steps and not config.epochs and times > (most := most_epochs(characters)):
        times = values["epochs"] = most
    values |= next((tuned for limit, tuned in TUNINGS if times <= limit), MOST_TUNED)._asdict()
    often = max(1.0, times / TUNED_TIMES)
    rate = TUNING_RATE * (characters / TUNED / often) ** 0.5 * 2 ** (bits - known_bits)
    values["learning_rate"] = round(min(rate, HIGHEST_TUNING_RATE), 5)
    values["batch_size"] = next((size for limit, size in SMALLEST_BATCHES if characters <= limit), 16)
    at = f" at {pace(per_second)}" if speed else ""
    return values, f"for {characters:,} characters{at}, of which it {reads(times)}"


def most_epochs(characters: int) -> int:
    """How often a network that has read before reads a text at most: more often, and it learns the text by heart.

    >>> [most_epochs(characters) for characters in (500, 2_000, 20_000, 100_000, 1_000_000)]
    [5, 5, 6, 16, 63]
    """
    return int(max(5, round(6 * (characters / 20_000) ** 0.6)))


def characters_per_second(units: int, vocabulary_size: int = VOCABULARY) -> float:
    """What the rules' machine reads in training of a network of some width, also between and beyond the table's.

    >>> characters_per_second(512), round(characters_per_second(1024)), round(characters_per_second(320, 3984))
    (18000.0, 5078, 11242)
    """
    per_second = float(np.interp(units, list(CHARACTERS_PER_SECOND), list(CHARACTERS_PER_SECOND.values())))
    # a step multiplies its state by the columns of four gates, and by one for each character
    columns = (4 * units + VOCABULARY) / (4 * units + vocabulary_size)
    return per_second * columns * min(1.0, WIDEST / units) ** 2


def pace(per_second: float) -> str:
    """A speed in training, in words.

    >>> pace(43_961.2)
    'about 44,000 characters a second'
    """
    return f"about {float(f'{per_second:.2g}'):,.0f} characters a second"


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


class Reckoning(NamedTuple):
    """Why settings were chosen."""

    reasons: tuple[str, ...] = ()
    """What was chosen and why, a line each."""
    doubt: Callable[[float], str | None] | None = None
    """What to say of a speed in training, in characters a second, that is far from what they were chosen for."""


class Settings(NamedTuple):
    """All settings of a training."""

    model: ModelConfig
    train: TrainConfig
    start_from: Path | None = None
    """The run whose weights it begins with."""
    reckoning: Reckoning = Reckoning()


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
    config, characters, size = pick(TrainConfig, given), len(corpus.train), len(corpus.vocabulary)
    if source:
        from textgen.inference.beginning import known_bits

        # read once: the choice is made again when the speed is doubted
        shape, known = shape_of(source), known_bits(source) or KNOWN_BITS

    def chosen(speed: float | None) -> tuple[dict[str, Any], str]:
        if source:
            return choose_from(characters, config, shape, bits, speed, size, known)
        minutes = config.end_minutes or DEFAULT_MINUTES
        return choose(characters, minutes, pick(ModelConfig, given).cell, speed, size)

    # where no clock ends the training, none decides how it is made; and several processes must choose alike
    measured = config.end_minutes and not (is_one_of_several() and config.distribute in ("auto", "multiworker"))
    speed = steps_per_second() / STEPS_PER_SECOND if measured else None
    values, reason = chosen(speed)
    model, train = pick(ModelConfig, values | given), pick(TrainConfig, values | given)
    described = describe(asdict(model) | asdict(train))

    def doubt(found: float) -> str | None:
        speed_found = found / characters_per_second(model.units * model.num_layers, size)
        other = describe(asdict(model) | asdict(train) | chosen(speed_found)[0] | given)
        if speed is None or FAR <= speed_found / speed <= 1 / FAR or other == described:
            return None
        reckoned = speed * found / speed_found
        return f"trains at {pace(found)}; auto expected {pace(reckoned)}, and for this speed picks {other}"

    lines = (f"{reason}: {described}", *reasons)
    # what a person sets has a speed of its own
    return Settings(model, train, source, Reckoning(lines, None if SPEED & given.keys() else doubt))


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
    from textgen.inference.beginning import best_beginning, bits_before, limit

    if start_from is not None:
        return Path(start_from), bits_before(start_from, corpus), ()
    name, bits = best_beginning(corpus)
    reads = f"{name} reads this text at {bits:.2f} bits per character untrained"
    if bits > (most := limit(corpus)):
        return None, bits, (f"begins from nothing: {reads}, and more than {most:.1f} would not help",) if name else ()
    return Path(name), bits, (f"begins with {name}: {reads}; --from none would begin from nothing",)

"""Settings that change after training has begun: because a person wants it, or because the training diverged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import msgspec

from textgen.config import ENDS, FIXED, ModelConfig, TrainConfig, build
from textgen.errors import ConfigError
from textgen.runs.position import Position
from textgen.runs.run import Change, RunInfo


def changed(info: RunInfo, changes: Mapping[str, Any], position: Position) -> RunInfo:
    """A run's settings with some of them changed from a position on.

    Raises:
        ConfigError: a setting cannot change, is unknown or out of range.
    """
    if fixed := sorted(FIXED & changes.keys()):
        option = fixed[0].replace("_", "-")
        raise ConfigError(f"--{option}: a run keeps its {option} from its first step to its last; train a new run")
    if ENDS & changes.keys():
        changes = dict.fromkeys(sorted(ENDS)) | dict(changes)
    of_model = {name: changes[name] for name in changes.keys() & set(ModelConfig.__struct_fields__)}
    of_train = {name: changes[name] for name in changes.keys() - of_model.keys()}
    before = msgspec.structs.asdict(info.model) | msgspec.structs.asdict(info.train)
    change = Change(
        step=position.step,
        seconds=position.seconds,
        reason="asked",
        before={name: before[name] for name in changes},
        after=dict(changes),
    )
    return msgspec.structs.replace(
        info,
        model=build(ModelConfig, msgspec.structs.asdict(info.model) | of_model),
        train=build(TrainConfig, msgspec.structs.asdict(info.train) | of_train),
        changes=[*info.changes, change],
    )


def halved(info: RunInfo, position: Position) -> RunInfo:
    """A run's settings with half the learning rate from a position on."""
    rate = info.train.learning_rate
    change = Change(
        step=position.step,
        seconds=position.seconds,
        reason="diverged",
        before={"learning_rate": rate},
        after={"learning_rate": rate / 2},
    )
    train = msgspec.structs.replace(info.train, learning_rate=rate / 2)
    return msgspec.structs.replace(info, train=train, changes=[*info.changes, change])


def halvings(info: RunInfo) -> int:
    """How often the learning rate has been halved since a person last changed something."""
    return len(list(takewhile(lambda change: change.reason == "diverged", reversed(info.changes))))


def caught_up(position: Position, changes: Sequence[Change]) -> Position:
    """A saved position with the changes taken in that it does not know yet.

    The settings are written before the next checkpoint is, so a kill between the two leaves such a position.
    """
    new = changes[position.changes :]
    if not new:
        return position
    position = msgspec.structs.replace(position, changes=len(changes), recent=None, lowest=None)
    if any(ENDS & change.after.keys() for change in new):
        position = msgspec.structs.replace(position, finished=False, validations=0, stale=0)
    return position

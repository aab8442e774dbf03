"""Everything that an exact resume needs, in one file that is replaced as a whole."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from textgen.errors import RunError
from textgen.run import Run, reporting_os_errors, write_bytes
from textgen.training.engine import Engine
from textgen.training.model import States, assign_weights, named_weights, weight_arrays, zero_states


class HistoryRow(msgspec.Struct, kw_only=True):
    """One validation, and the training since the one before. Losses are in bits per character."""

    step: int
    epoch: float
    seconds: float
    learning_rate: float
    train_bpc: float
    validation_bpc: float | None
    characters_per_second: float


class Position(msgspec.Struct, kw_only=True):
    """Where a training stands, besides its tensors."""

    step: int = 0
    seconds: float = 0.0
    loss_sum: float = 0.0
    """Nats per character, added up over the steps since the last validation."""
    loss_steps: int = 0
    validations: int = 0
    best: float | None = None
    """The lowest validation loss, in nats per character."""
    best_step: int = 0
    stale: int = 0
    """Validations since the best."""
    recent: float | None = None
    """The training loss of late, in nats per character, and the lowest that it has been."""
    lowest: float | None = None
    changes: int = 0
    """How many of the run's changes of settings have been taken in."""
    finished: bool = False
    history: list[HistoryRow] = []


def save_weights(run: Run, checkpoint: str, engine: Engine, position: Position) -> None:
    """Write the averaged weights as `best` or `last`."""
    row = position.history[-1] if position.history else None
    metadata = {
        "step": str(position.step),
        "validation_bpc": str(row.validation_bpc) if row else "",
    }
    write_bytes(run.weights_path(checkpoint), save(weight_arrays(engine.average), metadata))


def save_training(run: Run, engine: Engine, states: list[tuple[np.ndarray, ...]], position: Position) -> None:
    """Write what `load_training` reads; `states` are those of all streams."""
    tensors = {
        **{f"model/{name}": value for name, value in weight_arrays(engine.model).items()},
        **{f"average/{name}": value for name, value in weight_arrays(engine.average).items()},
        **{f"optimizer/{i}": np.asarray(v) for i, v in enumerate(engine.optimizer.variables)},
        **{f"state/{i}/{j}": value for i, pair in enumerate(states) for j, value in enumerate(pair)},
    }
    metadata = {"position": msgspec.json.encode(position).decode()}
    write_bytes(run.training_path, save(tensors, metadata))


def load_training(run: Run, engine: Engine) -> tuple[States, Position]:
    """Set an engine to where a training stood.

    Args:
        run: the run to read.
        engine: a new engine of the run's settings.

    Returns:
        The carried state and the position.

    Raises:
        RunError: there is no checkpoint, or it does not fit the settings.
    """
    path = run.training_path
    tensors, metadata = read_tensors(path)
    variables = {
        **{f"model/{name}": w for name, w in named_weights(engine.model).items()},
        **{f"average/{name}": w for name, w in named_weights(engine.average).items()},
        **{f"optimizer/{i}": v for i, v in enumerate(engine.optimizer.variables)},
    }
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    zero = zero_states(engine.model, engine.config.batch_size)
    for i, pair in enumerate(zero):
        shapes |= {f"state/{i}/{j}": tuple(s.shape) for j, s in enumerate(pair)}
    if {name: value.shape for name, value in tensors.items()} != shapes:
        raise RunError(f"{path}: its tensors do not fit the settings in {run.info_path}")
    position = _position(path, metadata)
    assign_weights(list(variables.values()), [tensors[name] for name in variables])
    states = [tuple(tensors[f"state/{i}/{j}"] for j in range(len(pair))) for i, pair in enumerate(zero)]
    return engine.place_states(states), position


def load_position(run: Run) -> Position:
    """Where a run's last checkpoint stands.

    Raises:
        RunError: there is none, or it is damaged.
    """
    return _position(run.training_path, read_tensors(run.training_path)[1])


def _position(path: Path, metadata: dict[str, str]) -> Position:
    try:
        return msgspec.json.decode(metadata["position"], type=Position)
    except (KeyError, msgspec.DecodeError) as error:
        raise RunError(f"{path}: damaged: {error}") from None


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The tensors and the metadata of a safetensors file.

    Raises:
        RunError: it is missing or damaged.
    """
    if not path.is_file():
        raise RunError(f"{path}: missing; the run was stopped before its first checkpoint: train anew")
    try:
        with reporting_os_errors(path, RunError), safe_open(path, "numpy") as file:
            return load_file(path), file.metadata() or {}
    except SafetensorError as error:
        raise RunError(f"{path}: damaged: {error}") from None


def save_history(run: Run, history: list[HistoryRow]) -> None:
    """Write the history as a table with a header line."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HistoryRow.__struct_fields__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(msgspec.to_builtins(row) for row in history)
    write_bytes(run.history_path, text.getvalue().encode())

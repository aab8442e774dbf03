"""Everything that an exact resume needs, in one file that is replaced as a whole."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from textgen.errors import RunError
from textgen.runs.position import Position
from textgen.runs.reading import decode_json
from textgen.runs.run import Run, RunInfo
from textgen.runs.weights import Spec, check_header, load_tensors, opened, save_tensors, weight_specs
from textgen.training.engine import Engine
from textgen.training.model import States, assign_weights, named_weights, weight_arrays, zero_states
from textgen.training.streams import fit_window, held_out_pieces

Tensors = dict[str, np.ndarray]
"""Name to array."""


def save_weights(run: Run, checkpoint: str, engine: Engine, mixture: Tensors, position: Position) -> None:
    """Write the averaged weights, with those of the mixture, as `best` or `last`."""
    row = position.history[-1] if position.history else None
    metadata = {
        "step": str(position.step),
        "validation_bpc": str(row.validation_bpc) if row else "",
    }
    save_tensors(run, run.weights_path(checkpoint), weight_arrays(engine.average) | mixture, metadata)


def load_weights(
    run: Run, checkpoint: str, engine: Engine, mixture: dict[str, Spec], optional: dict[str, Spec]
) -> Tensors:
    """Set an engine's averaged weights to what `save_weights` wrote.

    Args:
        run, checkpoint: where.
        engine: an engine of the run's settings.
        mixture, optional: as in `load_training`.

    Returns:
        The tensors of the mixture.

    Raises:
        RunError: the checkpoint is missing or damaged.
    """
    variables = named_weights(engine.average)
    specs: dict[str, Spec] = {name: ("float32", tuple(variable.shape)) for name, variable in variables.items()}
    tensors, _ = load_tensors(run, run.weights_path(checkpoint), specs | mixture, optional)
    assign_weights(list(variables.values()), [tensors.pop(name) for name in variables])
    return tensors


def save_training(
    run: Run, engine: Engine, mixture: Tensors, states: list[tuple[np.ndarray, ...]], position: Position
) -> None:
    """Write what `load_training` reads; `states` are those of all streams."""
    tensors = {
        **{f"model/{name}": value for name, value in weight_arrays(engine.model).items()},
        **{f"average/{name}": value for name, value in weight_arrays(engine.average).items()},
        **{f"start/{name}": value for name, value in (weight_arrays(engine.start) if engine.start else {}).items()},
        **{f"optimizer/{i}": np.asarray(v) for i, v in enumerate(engine.optimizer.variables)},
        **{f"state/{i}/{j}": value for i, pair in enumerate(states) for j, value in enumerate(pair)},
        **mixture,
    }
    metadata = {"position": msgspec.json.encode(position).decode()}
    save_tensors(run, run.training_path, tensors, metadata)


def check_training(run: Run, info: RunInfo, vocabulary_size: int, characters: int) -> None:
    """See that a checkpoint fits run.json before memory is taken for the model that run.json claims.

    Args:
        run: the run to read.
        info: what run.json holds.
        vocabulary_size: V.
        characters: the length of the training part.

    Raises:
        RunError: it does not fit.
    """
    path, batch_size, seq_length = run.training_path, info.train.batch_size, info.train.seq_length
    learned = characters - held_out_pieces(characters, vocabulary_size, info.model.ngram_order).total
    if fit_window(learned, batch_size, seq_length) != (batch_size, seq_length):
        raise RunError(f"{run.info_path}: a batch of {batch_size} x {seq_length} is more than the whole corpus")
    expected: dict[str, Spec] = {
        f"state/{i}/{j}": ("float32", (batch_size, info.model.units))
        for i in range(info.model.num_layers)
        for j in range(2 if info.model.cell == "lstm" else 1)
    }
    for prefix in ("model/", "average/", *(["start/"] if info.started_from_sha256 else [])):
        expected |= weight_specs(info.model, vocabulary_size, prefix)
    with opened(run, path) as file:
        check_header(path, file, expected)


def load_training(
    run: Run, engine: Engine, mixture: dict[str, Spec], optional: dict[str, Spec]
) -> tuple[States, Position, Tensors]:
    """Set an engine to where a training stood.

    Args:
        run: the run to read.
        engine: a new engine of the run's settings.
        mixture: the dtypes and shapes of the mixture's weights.
        optional: the same, of tensors that older versions did not write.

    Returns:
        The carried state, the position, and the tensors of the mixture.

    Raises:
        RunError: there is no checkpoint, or it does not fit the settings.
    """
    path = run.training_path
    variables = {
        **{f"model/{name}": w for name, w in named_weights(engine.model).items()},
        **{f"average/{name}": w for name, w in named_weights(engine.average).items()},
        **{f"start/{name}": w for name, w in (named_weights(engine.start) if engine.start else {}).items()},
        **{f"optimizer/{i}": v for i, v in enumerate(engine.optimizer.variables)},
    }
    zero = zero_states(engine.model, engine.config.batch_size)
    expected = {name: (np.dtype(v.dtype).name, tuple(v.shape)) for name, v in variables.items()}
    for i, pair in enumerate(zero):
        expected |= {f"state/{i}/{j}": ("float32", tuple(s.shape)) for j, s in enumerate(pair)}
    tensors, metadata = load_tensors(run, path, expected | mixture, optional)
    position = _position(path, metadata)
    assign_weights(list(variables.values()), [tensors[name] for name in variables])
    states = [tuple(tensors[f"state/{i}/{j}"] for j in range(len(pair))) for i, pair in enumerate(zero)]
    return (
        engine.place_states(states),
        position,
        {name: tensors[name] for name in mixture | optional if name in tensors},
    )


def load_position(run: Run) -> Position:
    """Where a run's last checkpoint stands.

    Raises:
        RunError: there is none, or it is damaged.
    """
    path = run.training_path
    if not path.exists():
        raise RunError(f"{path}: missing; the run was stopped before its first checkpoint: train anew")
    with opened(run, path) as file:
        return _position(path, file.metadata() or {})


def _position(path: Path, metadata: dict[str, str]) -> Position:
    return decode_json(metadata.get("position", ""), Position, path, RunError)

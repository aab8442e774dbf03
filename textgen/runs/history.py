"""The history of a training: a row for each validation, in history.csv."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, dataclass, fields
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from textgen.errors import RunError
from textgen.runs.reading import read_bytes
from textgen.runs.run import Run
from textgen.runs.writing import write_bytes

MAX_HISTORY_BYTES = 8 * 2**20
"""60,000 validations fit."""
Count = Annotated[int, Meta(ge=0, le=10**12)]
Amount = Annotated[float, Meta(ge=-1e12, le=1e12)]


@dataclass(kw_only=True)
class HistoryRow:
    """One validation, and the training since the one before. Losses are in bits per character.

    A dataclass, of which pandas and polars make a table with a column for each figure.
    """

    step: Count
    epoch: Amount
    seconds: Amount
    learning_rate: Amount
    train_bpc: Amount
    validation_bpc: Amount | None
    network_bpc: Amount | None = None
    """The validation of the network alone, where counts are mixed with it."""
    characters_per_second: Amount
    validated: Count = 0
    """Characters that count in this validation, at least; 0 is unknown, in a row of an older version."""


def save_history(run: Run, history: list[HistoryRow]) -> None:
    """Write the history as a table with a header line."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(HistoryRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, history))
    write_bytes(run.history_path, text.getvalue().encode())


MOST_POINTS = 1024


class Point(NamedTuple):
    """A validation, as a learning curve shows it; bits per character are None where there are none."""

    seconds: float
    train_bpc: float | None
    validation_bpc: float | None


class Progress(msgspec.Struct):
    """What history.csv tells of a training."""

    steps: int = 0
    seconds: float = 0.0
    best: float | None = None
    """The lowest bits per character in validation, of the validations on the most characters."""
    network: float | None = None
    """Those of the network alone at that validation, where counts are mixed with it."""
    curve: list[Point] = []
    """The validations in their order; of more than MOST_POINTS some that lie evenly."""


def load_progress(run: Run) -> Progress:
    """Read history.csv, row by row; there is none before the first validation.

    Raises:
        RunError: the file is damaged.
    """
    reached, every, most = Progress(), 1, 0
    if not run.history_path.is_file():
        return reached
    data = read_bytes(run.history_path, MAX_HISTORY_BYTES, RunError)
    try:
        rows = csv.DictReader(io.TextIOWrapper(io.BytesIO(data), "utf-8"), quoting=csv.QUOTE_NONE)
        for index, row in enumerate(rows):
            reached.steps, reached.seconds = int(row["step"]), number(row["seconds"])
            train, network = optional(row.get("train_bpc", "")), optional(row.get("network_bpc", ""))
            bpc = optional(row["validation_bpc"])
            validated = int(row.get("validated") or 0)
            if bpc is not None and (reached.best is None or (-validated, bpc) < (-most, reached.best)):
                reached.best, reached.network, most = bpc, network, validated
            if index % every == 0:
                reached.curve.append(Point(reached.seconds, train, bpc))
            if len(reached.curve) > MOST_POINTS:
                del reached.curve[1::2]
                every *= 2
    except (KeyError, TypeError, ValueError, csv.Error):
        raise RunError(f"{run.history_path}: damaged; expected a table made by `textgen train`") from None
    return reached


def optional(text: str) -> float | None:
    """A finite number, or None for an empty text.

    Raises:
        ValueError: it is neither.
    """
    return number(text) if text else None


def number(text: str) -> float:
    """A finite number.

    Raises:
        ValueError: it is none.
    """
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value

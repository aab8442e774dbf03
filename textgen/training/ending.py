"""How a training ended, as Python and a notebook show it."""

from __future__ import annotations

import math
from pathlib import Path

from textgen.display.curve import curve_picture
from textgen.display.markup import card, table
from textgen.display.terminal import training_result
from textgen.runs.history import HistoryRow, Point
from textgen.runs.position import Position


class TrainingEnd:
    """Where a training ended.

    Attributes:
        run: the run directory.
        step, seconds: how far it came, and in which time.
        best: the lowest validation loss, in nats per character; None without a validation part.
        best_step: where that was.
        history: a `HistoryRow` for each validation, of which pandas makes a table with a column for each figure.
        finished: whether its end was reached.
    """

    def __init__(self, run: Path, position: Position) -> None:
        self.run = run
        self.step = position.step
        self.seconds = position.seconds
        self.best = position.best
        self.best_step = position.best_step
        self.history: list[HistoryRow] = position.history
        self.finished = position.finished
        self._told = training_result(position, run)

    @property
    def best_bpc(self) -> float | None:
        """The lowest validation loss, in bits per character."""
        return None if self.best is None else self.best / math.log(2)

    def __repr__(self) -> str:
        return f"<TrainingEnd {self.run}: {self._told}>"

    def _repr_html_(self) -> str:
        best = "not validated" if self.best_bpc is None else f"{self.best_bpc:.3f} bits per character"
        facts = {
            "run": str(self.run),
            "best validation": f"{best}, at step {self.best_step:,}",
            "trained": f"{self.step:,} steps in {self.seconds:.0f} s",
            "in a shell": f"textgen sample {self.run}",
            "in Python": f"textgen.load({str(self.run)!r}).generate()",
        }
        return card(
            table(facts), curve_picture([Point(r.seconds, r.train_bpc, r.validation_bpc) for r in self.history])
        )

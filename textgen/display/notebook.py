"""A training in a notebook: one output that is brought up to date in place."""

from __future__ import annotations

import math
import sys
import time
from importlib import import_module
from typing import Any

from textgen.display.curve import curve_picture
from textgen.display.markup import card, excerpt, line, progress_bar
from textgen.display.terminal import SAMPLE_EVERY, Pace, Sampler, training_result
from textgen.errors import TextgenError
from textgen.runs.history import HistoryRow, Point, load_progress
from textgen.runs.position import Position
from textgen.runs.run import Run

SECONDS = 0.5
"""Between two pictures of a training."""
SAMPLE_LENGTH = 300
NOTES = 8
"""The most notes that are shown, the newest."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which has imported IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


class NotebookDisplay:
    """The `Reporter` of a person at a notebook: how far the training is, its notes, the curve and the newest sample.

    Args:
        sample: writes the samples.
    """

    def __init__(self, sample: Sampler) -> None:
        self.sample = sample
        self.handle: Any = None
        self.shown = -math.inf
        self.validations = 0
        self.fraction = 0.0
        self.pace = Pace()
        self.notes: list[str] = []
        self.told = "starting"
        self.curve: list[Point] = []
        self.text = ""

    def __enter__(self) -> NotebookDisplay:
        self.handle = import_module("IPython.display").display(self, display_id=True)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error:
            self.told = str(error) if isinstance(error, TextgenError) else "interrupted"
        self._show()

    def note(self, text: str) -> None:
        """A line of its own."""
        self.notes.append(text)
        self._show()

    def begun(self, run: Run) -> None:
        """Show what the counts alone write."""
        self._write(run)
        self._show()

    def step(self, fraction: float, loss: float, row: HistoryRow) -> None:
        """Show how far the training is, not too often."""
        self.fraction = fraction
        self.pace.step(fraction, row.seconds)
        self.told = f"step {row.step:,}, {loss:.2f} bpc, {self.pace.time_left} left"
        if time.monotonic() - self.shown > SECONDS:
            self._show()

    def validated(self, row: HistoryRow, run: Run) -> None:
        """Show the curve so far, and now and then a sample of the newest weights."""
        self.curve = load_progress(run).curve
        if self.validations % SAMPLE_EVERY == 0:
            self._write(run)
        self.validations += 1
        self._show()

    def ended(self, end: Position, run: Run) -> None:
        """Say how it ended."""
        self.fraction, self.told = 1.0, training_result(end, run.path)
        self._write(run)

    def _write(self, run: Run) -> None:
        self.text = self.sample(run, SAMPLE_LENGTH)

    def _show(self) -> None:
        self.shown = time.monotonic()
        self.handle.update(self)

    def __repr__(self) -> str:
        return self.told

    def _repr_html_(self) -> str:
        notes = [line(note) for note in self.notes[-NOTES:]]
        bar = progress_bar(self.fraction)
        return card(*notes, bar, line(self.told), curve_picture(self.curve), excerpt(self.text))

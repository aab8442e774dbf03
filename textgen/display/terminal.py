"""A training in a terminal: a table, samples, and a live line below."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from textgen.runs.history import HistoryRow
from textgen.runs.position import Position
from textgen.runs.run import Run

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

Sampler = Callable[[Run, int], str]
"""Writes so many characters with the newest weights of a run."""
SAMPLE_EVERY = 4
SAMPLE_LENGTH = 68
NARROWEST_BAR = 4
BESIDE_BAR = 60
"""Columns for what stands beside a bar."""
HEADER = "    step    epoch   train bpc   validation bpc   characters/s   time left"


def live(title: str, *columns: str | ProgressColumn) -> Progress:
    """A live line on standard error: a title, a bar and more. It vanishes at its end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress

    console = Console(stderr=True)
    bar = BarColumn(max(NARROWEST_BAR, min(40, console.width - BESIDE_BAR)))
    return Progress(title, bar, *columns, console=console, transient=True)


class TrainingDisplay:
    """The `Reporter` of a person at a shell: a table row for each validation, a sample now and then, and on
    a terminal a live line below.

    Args:
        sample: writes the samples.
    """

    def __init__(self, sample: Sampler) -> None:
        self.sample = sample
        self.validations = 0
        self.pace = Pace()
        self.progress: Progress | None = None

    def __enter__(self) -> TrainingDisplay:
        if sys.stderr.isatty():
            from rich.progress import TaskProgressColumn

            self.progress = live("training", TaskProgressColumn(), "{task.description}")
            self.progress.start()
            self.task = self.progress.add_task("compiling", total=1.0)
        return self

    def __exit__(self, *error: object) -> None:
        if self.progress:
            self.progress.stop()

    def note(self, text: str) -> None:
        """A line of its own."""
        self._print(f"textgen: {text}")

    def step(self, fraction: float, loss: float, row: HistoryRow) -> None:
        """Renew the live line."""
        self.pace.step(fraction, row.seconds)
        if self.progress:
            text = f"step {row.step:,}  {loss:.2f} bpc  {self.pace.time_left} left"
            self.progress.update(self.task, completed=fraction, description=text)

    def begun(self, run: Run) -> None:
        """Print what the counts alone write."""
        if run.counts_path.exists():
            self._print(f"         | {self._sample(run)}")

    def validated(self, row: HistoryRow, run: Run) -> None:
        """Print a row of the table, and now and then a sample of the newest weights."""
        if not self.validations:
            self._print(HEADER)
        validation = "-" if row.validation_bpc is None else f"{row.validation_bpc:.3f}"
        self._print(
            f"{row.step:8,} {row.epoch:8.2f} {row.train_bpc:11.3f} {validation:>16} "
            f"{row.characters_per_second:14,.0f} {self.pace.time_left:>11}"
        )
        if self.validations % SAMPLE_EVERY == 0:
            self._print(f"         | {self._sample(run)}")
        self.validations += 1

    def ended(self, end: Position, run: Run) -> None:
        """Say how it ended."""
        self.note(training_result(end, run.path))

    def _sample(self, run: Run) -> str:
        """A short sample on one line."""
        return printable(self.sample(run, SAMPLE_LENGTH))

    def _print(self, line: str) -> None:
        if self.progress:
            self.progress.console.print(line, markup=False, highlight=False)
        else:
            click.echo(line, err=True)


def printable(text: str) -> str:
    """A text on one line without control characters.

    >>> printable("a\\n\\x1bb")
    'a  b'
    """
    return "".join(c if c.isprintable() else " " for c in text)


class Pace:
    """How fast a training nears its end, since this process began or went on with it.

    >>> pace = Pace()
    >>> pace.step(0.5, 60.0)
    >>> pace.time_left
    '-'
    >>> pace.step(0.75, 90.0)
    >>> pace.time_left
    '0:30'
    """

    def __init__(self) -> None:
        self.began: tuple[float, float] | None = None
        self.fraction, self.seconds = 0.0, 0.0

    def step(self, fraction: float, seconds: float) -> None:
        """Take the fraction done and the seconds of the run after a step."""
        self.began = self.began or (fraction, seconds)
        self.fraction, self.seconds = fraction, seconds

    @property
    def time_left(self) -> str:
        """Minutes and seconds to the end at the speed so far."""
        fraction, seconds = self.began or (0.0, 0.0)
        if self.fraction <= fraction:
            return "-"
        left = round((self.seconds - seconds) * (1 - self.fraction) / (self.fraction - fraction))
        return f"{left // 60}:{left % 60:02}"


def training_result(end: Position, path: Path) -> str:
    """How a training ended, in one line."""
    best = ""
    if end.best is not None:
        of = f" on {end.validated:,} of {end.held_out:,} characters" if end.validated < end.held_out else ""
        best = f", best validation {end.best / math.log(2):.3f} bpc{of} at step {end.best_step:,}"
    return f"{end.step:,} steps in {end.seconds:.0f} s{best}; try: textgen sample {path}"

"""What a person sees on standard error while textgen works: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from textgen.errors import TextgenError

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from textgen.runs.history import HistoryRow
    from textgen.runs.run import Run
    from textgen.training.checkpoint import Position

PLAIN_SECONDS = 5.0
LONG_SEED = 20_000
"""Characters that take about a second to read."""
LONG_TEXT = 100_000
"""Characters that take more than a second to score."""
SAMPLE_EVERY = 4
SAMPLE_LENGTH = 68
NARROWEST_BAR = 4
BESIDE_BAR = 60
"""Columns for what stands beside a bar."""
HEADER = "    step    epoch   train bpc   validation bpc   characters/s   time left"


def note(text: str) -> None:
    """One line on standard error."""
    click.echo(f"textgen: {text}", err=True)


def unknown_characters(count: int, treatment: str) -> None:
    """Say how many unknown characters there were, if any, and what became of them."""
    if count:
        note(f"{count:,} unknown character{'s' * (count != 1)} {'skipped' if treatment == 'skip' else 'replaced'}")


class CaseNote:
    """Says once that letters become lower case: where a model's corpus was made so, and a text is not.

    Args:
        lowercase: whether the corpus was.
    """

    def __init__(self, lowercase: bool) -> None:
        self.waiting = lowercase

    def __call__(self, text: str) -> str:
        """The same text."""
        if self.waiting and text != text.lower():
            note("the model was trained on lower case: what it is given is read in lower case")
            self.waiting = False
        return text

    def batch(self, texts: list[str]) -> list[str]:
        """The same texts."""
        return [self(text) for text in texts]


def live(title: str, *columns: str | ProgressColumn) -> Progress:
    """A live line on standard error: a title, a bar and more. It vanishes at its end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress

    console = Console(stderr=True)
    bar = BarColumn(max(NARROWEST_BAR, min(40, console.width - BESIDE_BAR)))
    return Progress(title, bar, *columns, console=console, transient=True)


@contextlib.contextmanager
def reading(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how much input has been read.

    Args:
        total: bytes to read, None where that cannot be known.

    Yields:
        What to call with the number of bytes after each piece.
    """
    if not sys.stderr.isatty():
        yield _plain_reading(total)
        return
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with live("reading", DownloadColumn(), TransferSpeedColumn()) as progress:
        task = progress.add_task("reading", total=total)
        yield lambda count: progress.advance(task, count)


def _plain_reading(total: int | None) -> Callable[[int], None]:
    of = f" of {total / 1e6:,.0f}" if total else ""
    return _plain_counting(lambda done: f"read {done / 1e6:,.0f}{of} MB")


def _plain_counting(said_of: Callable[[int], str]) -> Callable[[int], None]:
    """A line now and then: what it says of the sum of what it is called with."""
    done, said = 0, time.monotonic()

    def advance(count: int) -> None:
        nonlocal done, said
        done += count
        if count and time.monotonic() - said > PLAIN_SECONDS:
            said = time.monotonic()
            note(said_of(done))

    return advance


@contextlib.contextmanager
def _counting(total: int, least: int, title: str, done_to: str, of: str = "") -> Iterator[Callable[[int], None]]:
    """Show how many characters of a text something is done to, where they are many."""
    if total < least:
        yield lambda count: None
        return
    if not sys.stderr.isatty():
        yield _plain_counting(lambda done: f"{done_to} {done:,} of {total:,} characters{of}")
        return
    from rich.progress import TaskProgressColumn, TimeRemainingColumn

    with live(title, TaskProgressColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)


def reading_seed(total: int) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """Show how much of a seed text has been read, if it is a long one.

    Args:
        total: characters to read.

    Returns:
        A context, and in it what to call with the number of characters after each piece.
    """
    return _counting(total, LONG_SEED, "reading the seed text", "read", " of the seed text")


def scoring(total: int) -> contextlib.AbstractContextManager[Callable[[int], None]]:
    """As `reading_seed`, of a text that is scored."""
    return _counting(total, LONG_TEXT, "scoring", "scored")


class TrainingDisplay:
    """The `Reporter` of a person at a shell: a table row for each validation, a sample now and then, and on
    a terminal a live line below."""

    def __init__(self) -> None:
        self.validations = 0
        self.fraction = 0.0
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
        self.fraction = fraction
        if self.progress:
            text = f"step {row.step:,}  {loss:.2f} bpc  {time_left(fraction, row.seconds)} left"
            self.progress.update(self.task, completed=fraction, description=text)

    def begun(self, run: Run) -> None:
        """Print what the counts alone write."""
        if run.counts_path.exists():
            self._print(f"         | {sample_line(run)}")

    def validated(self, row: HistoryRow, run: Run) -> None:
        """Print a row of the table, and now and then a sample of the newest weights."""
        if not self.validations:
            self._print(HEADER)
        validation = "-" if row.validation_bpc is None else f"{row.validation_bpc:.3f}"
        self._print(
            f"{row.step:8,} {row.epoch:8.2f} {row.train_bpc:11.3f} {validation:>16} "
            f"{row.characters_per_second:14,.0f} {time_left(self.fraction, row.seconds):>11}"
        )
        if self.validations % SAMPLE_EVERY == 0:
            self._print(f"         | {sample_line(run)}")
        self.validations += 1

    def ended(self, end: Position, run: Run) -> None:
        """Say how it ended."""
        self._print(training_result(end, run.path))

    def _print(self, line: str) -> None:
        if self.progress:
            self.progress.console.print(line, markup=False, highlight=False)
        else:
            click.echo(line, err=True)


def sample_line(run: Run) -> str:
    """A short sample of a run's newest weights, on one line."""
    import textgen

    try:
        text = textgen.load(run.path, "last").generate(length=SAMPLE_LENGTH, rng_seed=0)
    except TextgenError:
        return ""
    return printable(text)


def printable(text: str) -> str:
    """A text on one line without control characters.

    >>> printable("a\\n\\x1bb")
    'a  b'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def time_left(fraction: float, seconds: float) -> str:
    """Minutes and seconds to the end at the speed so far.

    >>> time_left(0.25, 30.0), time_left(0.0, 1.0)
    ('1:30', '-')
    """
    if fraction <= 0:
        return "-"
    left = round(seconds * (1 - fraction) / fraction)
    return f"{left // 60}:{left % 60:02}"


def training_result(end: Position, path: Path) -> str:
    """How a training ended, in one line."""
    best = ""
    if end.best is not None:
        of = f" on {end.validated:,} of {end.held_out:,} characters" if end.validated < end.held_out else ""
        best = f", best validation {end.best / math.log(2):.3f} bpc{of} at step {end.best_step:,}"
    return f"textgen: {end.step:,} steps in {end.seconds:.0f} s{best}; try: textgen sample {path}"

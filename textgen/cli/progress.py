"""What a person sees on standard error while textgen works: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import click

from textgen.display.terminal import live

PLAIN_SECONDS = 5.0
LONG_SEED = 20_000
"""Characters that take about a second to read."""


def note(text: str) -> None:
    """One line on standard error."""
    click.echo(f"textgen: {text}", err=True)


def unknown_characters(count: int, treatment: str) -> None:
    """Say how many unknown characters there were, if any, and what became of them."""
    if count:
        note(f"{count:,} unknown character{'s' * (count != 1)} {'skipped' if treatment == 'skip' else 'replaced'}")


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
def reading_seed(total: int) -> Iterator[Callable[[int], None]]:
    """Show how much of a seed text has been read, if it is a long one.

    Args:
        total: characters to read.

    Yields:
        What to call with the number of characters after each piece.
    """
    if total < LONG_SEED:
        yield lambda count: None
        return
    if not sys.stderr.isatty():
        yield _plain_counting(lambda done: f"read {done:,} of {total:,} characters of the seed text")
        return
    from rich.progress import TaskProgressColumn, TimeRemainingColumn

    with live("reading the seed text", TaskProgressColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("reading", total=total)
        yield lambda count: progress.advance(task, count)

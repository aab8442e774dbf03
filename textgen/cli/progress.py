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
LONG_TEXT = 100_000
"""Characters that take more than a second to score."""


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


@contextlib.contextmanager
def scoring_part(counted: int, total: int, part: str) -> Iterator[Callable[[int], None]]:
    """As `scoring`, of a part of a corpus; and in the end, where not all characters counted, how many did."""
    with scoring(counted) as told:
        yield told
    if counted < total:
        note(f"scored {counted:,} of the {total:,} characters of the {part} part")

"""SIGINT and SIGTERM: a training ends at a step and is saved."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

from textgen.errors import TextgenError


class Stopped(TextgenError):
    """A signal ended the training; the run is saved."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


@contextlib.contextmanager
def catching_signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list instead of dying of them; only the main thread can."""
    caught: list[int] = []
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):
            before[number] = signal.signal(number, lambda n, _: caught.append(n))
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

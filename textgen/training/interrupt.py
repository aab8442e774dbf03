"""SIGINT and SIGTERM: a training ends at a step and is saved."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from textgen.errors import TextgenError
from textgen.runs.run import Run


class Stopped(TextgenError):
    """A signal ended the training; the run is saved.

    Args:
        step: where it stands.
        on: what goes on with it.
        signal_number: the signal.
    """

    def __init__(self, step: int, on: str, signal_number: int) -> None:
        super().__init__(f"stopped at step {step}; go on with: {on}")
        self.step = step
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


@contextlib.contextmanager
def stopping_in_python(run: Path) -> Iterator[None]:
    """Tell a caller in Python how to go on when a signal ends a training.

    Raises:
        Stopped: the training was saved.
        TextgenError: the signal came before there was anything to save.
    """
    on = f"textgen.resume({str(run)!r})"
    try:
        yield
    except Stopped as error:
        raise Stopped(error.step, on, error.signal_number) from None
    except KeyboardInterrupt:
        saved = f"go on with: {on}" if Run(run).training_path.exists() else "there was nothing to save yet"
        raise TextgenError(f"interrupted; {saved}") from None


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

"""Who is told how a training goes, where the caller leaves it to textgen."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

from textgen.display.notebook import NotebookDisplay, in_notebook
from textgen.display.terminal import Sampler, TrainingDisplay
from textgen.errors import ConfigError

Verbose = Literal["auto", 0, 1]
"""As in Keras; True is 1, and False is 0."""


def training_display(
    verbose: Verbose, sample: Sampler
) -> AbstractContextManager[TrainingDisplay | NotebookDisplay | None]:
    """The display of a training, to be used as a reporter inside `with`.

    Args:
        verbose: `auto` is 1 in a terminal and in a notebook, else 0. 0 shows nothing. 1 shows the table of the command
            on standard error, or in a notebook an output that is brought up to date in place.
        sample: writes the samples.

    Raises:
        ConfigError: it is another value.
    """
    if verbose not in ("auto", 0, 1):
        raise ConfigError(f"verbose: {verbose!r}; expected 'auto', 0 or 1")
    if verbose and in_notebook():
        return NotebookDisplay(sample)
    if verbose == 1 or (verbose == "auto" and sys.stderr.isatty()):
        return TrainingDisplay(sample)
    return nullcontext()

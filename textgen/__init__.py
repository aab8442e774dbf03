"""Train a character language model on your own text, and sample from it.

>>> import textgen
>>> model = textgen.load("runs/plays")                                      # doctest: +SKIP
>>> model.generate("ROMEO:", length=200, temperature=0.8, rng_seed=1)       # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textgen.errors import TextgenError

if TYPE_CHECKING:
    import os

    from textgen.inference.generate import Generator

__all__ = ["TextgenError", "__version__", "load"]
__version__ = "0.1.0"


def load(run: str | os.PathLike[str], checkpoint: str = "best") -> Generator:
    """Load a run for sampling. TensorFlow is not imported.

    Args:
        run: a run directory that `textgen train` wrote.
        checkpoint: `best` (lowest validation loss; before the first validation `last`), `last`, or the number of
            a step that `--keep` has kept.

    Returns:
        A `Generator`, whose `generate` and `stream` continue a text.

    Raises:
        RunError: the directory is no run, or lacks a checkpoint, or its files do not fit together.
    """
    from textgen.inference.generate import Generator

    return Generator.load(run, checkpoint)

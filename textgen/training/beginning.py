"""What `textgen train` and `textgen.train` do: they settle what is not given, and train."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgen.data.corpus import Corpus
from textgen.recipe import settings_for
from textgen.runs.shipped import AUTO
from textgen.training.ending import TrainingEnd

if TYPE_CHECKING:
    from textgen.training.loop import Reporter
    from textgen.training.trainer import Callbacks

    StrPath = str | os.PathLike[str]


def train(
    corpus: Corpus | StrPath,
    out: StrPath,
    given: Mapping[str, Any],
    start_from: StrPath | None = None,
    preset: str = AUTO,
    config: StrPath | None = None,
    reporter: Reporter | None = None,
    callbacks: Callbacks = (),
) -> TrainingEnd:
    """Train a new model; see `textgen.train`.

    Args:
        given: its settings.
    """
    corpus, out = corpus if isinstance(corpus, Corpus) else Corpus.load(corpus), Path(out)
    model, schedule, source, reckoning = settings_for(corpus, given, start_from, preset, config)
    # a mistake in a setting is told before TensorFlow is imported
    from textgen.training import trainer

    return TrainingEnd(out, trainer.train(corpus, out, model, schedule, reporter, callbacks, source, reckoning))

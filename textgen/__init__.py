"""Train a character language model on your own text, and sample from it.

>>> import textgen
>>> corpus = textgen.prepare("plays.txt", "data/plays")                     # doctest: +SKIP
>>> textgen.train(corpus, "runs/plays", minutes=5.0)                        # doctest: +SKIP
>>> model = textgen.load("runs/plays")                                      # doctest: +SKIP
>>> model.generate("ROMEO:", length=200, temperature=0.8, rng_seed=1)       # doctest: +SKIP

These are all public names. Nothing is loaded before it is used; only training needs TensorFlow.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textgen.errors import ConfigError, CorpusError, RunError, TextError, TextgenError
from textgen.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textgen.data.corpus import Corpus
    from textgen.inference.generate import Generator
    from textgen.training.checkpoint import Position
    from textgen.training.loop import Reporter
    from textgen.training.trainer import Callbacks

    StrPath = str | os.PathLike[str]

__all__ = [
    "ConfigError",
    "Corpus",
    "CorpusError",
    "Generator",
    "Position",
    "Reporter",
    "RunError",
    "TextError",
    "TextgenError",
    "__version__",
    "load",
    "prepare",
    "resume",
    "train",
]
HOMES = {
    "Corpus": "textgen.data.corpus",
    "Generator": "textgen.inference.generate",
    "Position": "textgen.training.checkpoint",
    "Reporter": "textgen.training.loop",
}
"""Where the classes live that are loaded when they are first asked for."""


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(import_module(HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def prepare(
    sources: StrPath | Iterable[StrPath] | None = None,
    out: StrPath | None = None,
    *,
    text: str | None = None,
    texts: Iterable[str] | None = None,
    force: bool = False,
    **settings: Any,
) -> Corpus:
    """Turn text into a prepared corpus, as `textgen prepare` does.

    Args:
        sources: a file, a folder, `@name` for a corpus that comes with textgen, or several of them.
        out: the folder to make; by default one in the user's cache, named by its content. `path` of the corpus is it.
        text: in place of `sources`, a text itself.
        texts: in place of `sources`, texts themselves, each a document: any iterable of strings, also a generator, a
            Series of pandas or polars, a column of a Hugging Face data set. They are read once and not kept.
        force: replace a prepared corpus that stands there.
        settings: fields of `PrepareConfig`, for instance lowercase, validation (default 0.1) and glob, a tuple.

    Returns:
        The corpus; `train`, `validation` and `test` are its ids.

    Raises:
        TextError: a source cannot be read or decoded, `texts` fail or hold something else, or there is too little text.
        CorpusError: `out` holds something, or cannot be written.
        ConfigError: a setting is unknown, of the wrong type or out of range.
    """
    from textgen.config import PrepareConfig, build
    from textgen.data.cache import prepare_in_cache
    from textgen.data.given import given_texts
    from textgen.data.prepare import prepare
    from textgen.data.sources import find_named

    config = build(PrepareConfig, settings)
    if text is None and texts is None:
        found = find_named(sources, config)
    elif sources is None:
        found = [given_texts(text, texts, config)]
    else:
        raise TextError("sources: given beside text or texts; expected one of them")
    return prepare_in_cache(found, config) if out is None else prepare(found, Path(out), config, force=force)


def train(
    corpus: Corpus | StrPath,
    out: StrPath,
    *,
    start_from: StrPath | None = None,
    callbacks: Callbacks = (),
    reporter: Reporter | None = None,
    **settings: Any,
) -> Position:
    """Train a new model, as `textgen train` does.

    Args:
        corpus: a prepared corpus, or its folder.
        out: the run directory to make.
        start_from: a run whose weights to begin with, or `@name`; it also settles the shape of the network. By
            default a model that comes with textgen, where it reads the text well and no shape is given; `none` begins
            from nothing.
        callbacks: Keras's own or yours, as under `fit`. An epoch, to them, is the time from one validation to the next.
        reporter: told how it goes; nobody by default.
        settings: fields of `ModelConfig` and `TrainConfig`. What is not given is picked from the size of the text and
            the time there is, as `--preset auto` does. Without minutes, steps or epochs it takes five minutes.

    Returns:
        Where the training ended: step, seconds, best (the lowest validation loss, in nats per character), history.

    Raises:
        RunError: `out` exists, is being trained, or cannot be written; or the training diverges.
        CorpusError: the corpus cannot be used.
        ConfigError: a setting is unknown, of the wrong type or out of range, or settled by `start_from`.
        TextgenError: SIGINT or SIGTERM ended the training; the run is saved.
    """
    from textgen.data.corpus import Corpus
    from textgen.recipe import settings_for

    corpus = corpus if isinstance(corpus, Corpus) else Corpus.load(corpus)
    model, schedule, source, reasons = settings_for(corpus, settings, start_from)
    from textgen.training import trainer

    return trainer.train(corpus, Path(out), model, schedule, reporter, callbacks, source, reasons)


def resume(
    run: StrPath,
    *,
    corpus: StrPath | None = None,
    callbacks: Callbacks = (),
    reporter: Reporter | None = None,
    **changes: Any,
) -> Position:
    """Go on with a run that was stopped, as if it had never been, or that has finished.

    Args:
        run: the run directory.
        corpus: the folder of its prepared corpus; by default where it stood when the run began.
        callbacks, reporter: as in `train`.
        changes: fields of `TrainConfig`, dropout and recurrent_dropout that change from here on. minutes, steps or
            epochs say how much more to train.

    Returns, Raises:
        As `train`; RunError when the run has finished and no new end is given.
    """
    from textgen.training import trainer

    return trainer.resume(Path(run), Path(corpus) if corpus else None, reporter, changes, callbacks)


def load(run: StrPath, checkpoint: str = "best", precision: str = "float32") -> Generator:
    """Load a run for sampling. TensorFlow is not imported.

    Args:
        run: a run directory that `textgen train` wrote.
        checkpoint: `best` (lowest validation loss; before the first validation `last`), `last`, or the number of
            a step that `--keep` has kept.
        precision: `float16` rounds the weights to 16 bits, as the pages of `textgen export` hold them.

    Returns:
        A `Generator`, whose `generate` and `stream` continue a text.

    Raises:
        RunError: the directory is no run, or lacks a checkpoint, or its files do not fit together.
    """
    from textgen.inference.generate import Generator

    return Generator.load(run, checkpoint, precision)

"""Train a character language model on your own text, and sample from it.

>>> import textgen
>>> corpus = textgen.prepare("plays.txt", "data/plays")                     # doctest: +SKIP
>>> textgen.train(corpus, "runs/plays", minutes=5.0)                        # doctest: +SKIP
>>> model = textgen.load("runs/plays")                                      # doctest: +SKIP
>>> model.generate("ROMEO:", length=200, temperature=0.8, rng_seed=1)       # doctest: +SKIP
>>> model.score("But soft, what light through yonder window breaks?")       # doctest: +SKIP

Nothing is loaded before it is used; only training needs TensorFlow.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from textgen.display.keywords import with_settings
from textgen.errors import ConfigError, CorpusError, ModelError, RunError, TextError, TextgenError
from textgen.settings import PrepareSettings, ResumeSettings, SampleSettings, ScoreSettings, TrainSettings
from textgen.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from textgen.data.corpus import Corpus
    from textgen.data.prepare import Telling
    from textgen.display.verbose import Verbose
    from textgen.export.forms import Exported, Form
    from textgen.inference.model import Model
    from textgen.inference.overview import RunOverview, Runs
    from textgen.inference.shipped import Shipped
    from textgen.inference.surprises import Surprises
    from textgen.runs.shipped import Preset
    from textgen.training.ending import TrainingEnd
    from textgen.training.loop import Reporter
    from textgen.training.trainer import Callbacks

    StrPath = str | os.PathLike[str]

__all__ = [
    "ConfigError",
    "Corpus",
    "CorpusError",
    "Model",
    "ModelError",
    "PrepareSettings",
    "Reporter",
    "ResumeSettings",
    "RunError",
    "RunOverview",
    "SampleSettings",
    "ScoreSettings",
    "Surprises",
    "TextError",
    "TextgenError",
    "TrainSettings",
    "TrainingEnd",
    "__version__",
    "corpora",
    "export",
    "import_keras",
    "info",
    "load",
    "prepare",
    "resume",
    "runs",
    "train",
]
HOMES = {
    "Corpus": "textgen.data.corpus",
    "Model": "textgen.inference.model",
    "Reporter": "textgen.training.loop",
    "RunOverview": "textgen.inference.overview",
    "Surprises": "textgen.inference.surprises",
    "TrainingEnd": "textgen.training.ending",
}
"""Where the classes live that are loaded when they are first asked for."""
# Python names a package in its parent when it first imports it. Later, that would hide the functions of these names.
import_module("textgen.export")
import_module("textgen.runs")


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(import_module(HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@with_settings(PrepareSettings)
def prepare(
    sources: StrPath | Iterable[StrPath] | None = None,
    out: StrPath | None = None,
    *,
    text: str | None = None,
    texts: Iterable[str] | None = None,
    vocabulary: StrPath | None = None,
    force: bool = False,
    workers: int = 1,
    telling: Telling | None = None,
    **settings: Unpack[PrepareSettings],
) -> Corpus:
    """Turn text into a prepared corpus, as `textgen prepare` does.

    Args:
        sources: a file, a folder, `@name` for a corpus that comes with textgen, or several of them.
        out: the folder to make; by default one in the user's cache, named by its content. `path` of the corpus is it.
        text: in place of `sources`, a text itself.
        texts: in place of `sources`, texts themselves, each a document: any iterable of strings, also a generator, a
            Series of pandas or polars, a column of a Hugging Face data set. They are read once and not kept.
        vocabulary: a prepared corpus, a run or `@name` whose vocabulary to use, in place of the text's own characters.
        force: replace a prepared corpus that stands there.
        workers: processes that share the files, 1 to 1024; 0 is as many as there are cores. The corpus is the same.
        telling: given how many bytes there are to read, or None where nobody knows, a context manager of what to call
            with how many have been read since the last call.
        settings: how to read and split it; see `PrepareSettings` below.

    Returns:
        The corpus; `train`, `validation` and `test` are its ids.

    Raises:
        TextError: a source cannot be read or decoded, `texts` fail or hold something else, or there is too little text.
        CorpusError: `out` holds something, or cannot be written; or there is no `vocabulary` where it is said to be.
        ConfigError: a setting is unknown, of the wrong type or out of range.
    """
    from textgen.config import PrepareConfig, build
    from textgen.data.cache import in_cache
    from textgen.data.prepare import prepare
    from textgen.data.sources import find_named, total_size
    from textgen.data.vocabulary import named_vocabulary

    config = build(PrepareConfig, settings)
    found = find_named(sources, text, texts, config)
    known = None if vocabulary is None else named_vocabulary(_path("vocabulary", vocabulary))
    with telling(total_size(found)) if telling else nullcontext(lambda count: None) as told:
        make = partial(prepare, found, config=config, vocabulary=known, force=force, on_bytes=told, workers=workers)
        return in_cache(make) if out is None else make(Path(_path("out", out)))


@with_settings(TrainSettings)
def train(
    corpus: Corpus | StrPath,
    out: StrPath,
    *,
    start_from: StrPath | None = None,
    preset: Preset = "auto",
    config: StrPath | None = None,
    callbacks: Callbacks = (),
    reporter: Reporter | None = None,
    verbose: Verbose = "auto",
    **settings: Unpack[TrainSettings],
) -> TrainingEnd:
    """Train a new model, as `textgen train` does.

    Args:
        corpus: a prepared corpus, or its folder.
        out: the run directory to make.
        start_from: a run whose weights to begin with, or `@name`; it also settles the shape of the network. By
            default a model that comes with textgen, where it reads the text well and no shape is given; `none` begins
            from nothing.
        preset: what is not given is as `auto` picks it for the size of the text and the time there is; or as in
            `small`, `base`, `large` or `classic`, which are settings to begin with.
        config: a TOML file of settings. It wins over the preset, and what is given by name wins over it.
        callbacks: Keras's own or yours, as under `fit`. An epoch, to them, is the time from one validation to the next.
        reporter: told how it goes, in place of a display.
        verbose: `auto` shows the training in a terminal as the command does, and in a notebook in an output that is
            brought up to date in place. 0 shows nothing, and 1 always something.
        settings: see `TrainSettings` below. Without minutes, steps or epochs it takes five minutes.

    Returns:
        Where the training ended: run, step, seconds, best (the lowest validation loss, in nats per character), history.

    Raises:
        RunError: `out` exists, is being trained, or cannot be written; or the training diverges.
        CorpusError: the corpus cannot be used.
        ConfigError: a setting is unknown, of the wrong type or out of range, or settled by `start_from`.
        TextgenError: SIGINT or SIGTERM ended the training; the run is saved.
    """
    from textgen.data.corpus import Corpus
    from textgen.recipe import settings_for

    corpus = corpus if isinstance(corpus, Corpus) else Corpus.load(_path("corpus", corpus))
    start_from = None if start_from is None else _path("start_from", start_from)
    config = None if config is None else _path("config", config)
    out = Path(_path("out", out))
    with _telling(out, reporter, verbose) as told:
        model, schedule, source, reckoning = settings_for(corpus, settings, start_from, preset, config)
        from textgen.training import trainer
        from textgen.training.ending import TrainingEnd

        return TrainingEnd(out, trainer.train(corpus, out, model, schedule, told, callbacks, source, reckoning))


@with_settings(ResumeSettings)
def resume(
    run: StrPath,
    *,
    corpus: StrPath | None = None,
    callbacks: Callbacks = (),
    reporter: Reporter | None = None,
    verbose: Verbose = "auto",
    **changes: Unpack[ResumeSettings],
) -> TrainingEnd:
    """Go on with a run that was stopped, as if it had never been, or that has finished.

    Args:
        run: the run directory.
        corpus: the folder of its prepared corpus; by default where it stood when the run began.
        callbacks, reporter, verbose: as in `train`.
        changes: what changes from here on; see `ResumeSettings` below. minutes, steps or epochs say how much more to
            train.

    Returns, Raises:
        As `train`; RunError when the run has finished and no new end is given.
    """
    from textgen.training.ending import TrainingEnd

    path, data = Path(_path("run", run)), None if corpus is None else Path(_path("corpus", corpus))
    with _telling(path, reporter, verbose) as told:
        from textgen.training import trainer

        return TrainingEnd(path, trainer.resume(path, data, told, changes, callbacks))


@contextmanager
def _telling(run: Path, reporter: Reporter | None, verbose: Verbose) -> Iterator[Reporter | None]:
    """Who is told how a training of a run goes; and what its caller is told when a signal ends it."""
    from textgen.display.verbose import training_display
    from textgen.inference.model import newest_sample
    from textgen.training.interrupt import stopping_in_python

    shown = nullcontext(reporter) if reporter else training_display(verbose, newest_sample)
    with shown as told, stopping_in_python(run):
        yield told


def load(run: StrPath, checkpoint: str = "best", precision: str = "float32") -> Model:
    """Load a run for sampling and scoring. TensorFlow is not imported.

    Args:
        run: a run directory that `textgen train` wrote.
        checkpoint: `best` (lowest validation loss; before the first validation `last`), `last`, or the number of
            a step that `--keep` has kept.
        precision: `float16` rounds the weights to 16 bits, as the pages of `textgen export` hold them.

    Returns:
        A `Model`: `generate` and `stream` continue a text, `score`, `surprise` and `likeliest` judge one.

    Raises:
        RunError: the directory is no run, or lacks a checkpoint, or its files do not fit together.
    """
    from textgen.inference.model import Model

    return Model.load(_path("run", run), checkpoint, precision)


def export(
    run: StrPath,
    file: StrPath,
    *,
    format: Form | None = None,
    checkpoint: str = "best",
    precision: str | None = None,
    force: bool = False,
) -> Exported:
    """Write a run as one file that other tools open, as `textgen export` does.

    Args:
        run: the run directory; it may be in training.
        file: the file to make.
        format: `html` (a page that writes), `keras` or `onnx`; by default what the suffix of the file says.
        checkpoint: as in `load`.
        precision: the number format of a page's weights, by default `float16`; the other forms have float32.
        force: replace a file that exists.

    Returns:
        The file, its size in bytes, and notes: what of the run it does not hold.

    Raises:
        ConfigError: the suffix names no form, or the form has no such precision.
        RunError: the run cannot be read, or the file exists or cannot be written.
    """
    from textgen.export.forms import export

    return export(Path(_path("run", run)), Path(_path("file", file)), format, checkpoint, precision, force)


def import_keras(
    model: StrPath,
    out: StrPath,
    *,
    vocabulary: StrPath | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> Model:
    """Make a run of a Keras model, as `textgen import` does. The file is read as data, and no code in it runs.

    Args:
        model: a .keras, .h5 or .hdf5 file of a Sequential model: Embedding or one-hot input, then LSTM, GRU or
            SimpleRNN layers, then Dense.
        out: the run directory to make.
        vocabulary: a list of its characters: JSON, or .npy of strings. A file that `export` made needs none.
        note: told what the model has learned otherwise than a run, and what was taken for granted.

    Returns:
        The model, loaded.

    Raises:
        ModelError: the file cannot be read, or is another kind of model.
        RunError: `out` exists or cannot be written.
    """
    from textgen.export.keras_import import import_keras

    characters = None if vocabulary is None else Path(_path("vocabulary", vocabulary))
    import_keras(Path(_path("model", model)), characters, Path(_path("out", out)), note)
    return load(out)


def corpora() -> Shipped:
    """The corpora and the models that come with textgen, as `textgen corpora` lists them.

    Returns:
        Their names, each with its `@`: first the corpora, which `prepare` takes, then the models, which `load` and the
        `start_from` of `train` take. `str` of it is the two tables of the command.
    """
    from textgen.inference.shipped import Shipped

    return Shipped()


def info(run: StrPath) -> RunOverview:
    """The model, corpus, training and best validation of a run, as `textgen info` shows them.

    Returns:
        The facts as attributes; `str` of it is what the command prints.

    Raises:
        RunError, CorpusError: it is no run, or damaged.
    """
    from textgen.inference.overview import overview

    return overview(Path(_path("run", run)))


def runs(folder: StrPath = ".") -> Runs:
    """The runs in a folder and the folders in it, as `textgen runs` lists them.

    Returns:
        What `info` tells of each, the lowest validation first; `str` of it is the table.

    Raises:
        RunError: there is none.
    """
    from textgen.inference.overview import list_runs

    return list_runs(Path(_path("folder", folder)))


def _path(name: str, value: StrPath) -> StrPath:
    """What was given as the name of a file or folder, or of something that comes with textgen.

    Raises:
        ConfigError: it is none.
    """
    from textgen.runs.reading import is_possible
    from textgen.runs.shipped import kept_apart

    if not isinstance(value, str | os.PathLike):
        raise ConfigError(f"{name}: {value!r:.80}; expected the name of a file or folder")
    if not str(value) or not is_possible(str(value)):
        raise ConfigError(f"{name}: {str(value)!r}; no file can have this name")
    return kept_apart(value)

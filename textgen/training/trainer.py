"""How a training begins: anew, from the weights of another run, or where a run was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import msgspec

import textgen
from textgen.config import ENDS, FIXED, ModelConfig, TrainConfig, build
from textgen.data.corpus import Corpus
from textgen.errors import ConfigError, RunError
from textgen.run import FORMAT_VERSION, Change, Run, RunInfo
from textgen.training.checkpoint import Position, check_training, load_position
from textgen.training.loop import Loop, Reporter
from textgen.training.streams import fit_window
from textgen.training.transfer import transfer_weights, with_shape_of

SMALL_TEXT = 300_000
"""Characters under which a text needs strong dropout."""


def train(
    corpus: Corpus,
    out: Path,
    model_config: ModelConfig,
    config: TrainConfig,
    reporter: Reporter,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    start_from: Path | None = None,
) -> Position:
    """Train a new model.

    Args:
        corpus: the text.
        out: the run directory to make.
        model_config, config: the settings.
        reporter: told how it goes.
        callbacks: Keras's own or yours. An epoch, to them, is the time from one validation to the next; their logs
            hold `loss` and `val_loss` in nats per character and `learning_rate`.
        start_from: a run whose weights to begin with, matched character by character; the shape of its network
            takes the place of the one in `model_config`.

    Returns:
        Where the training ended: steps, seconds, best validation loss and history.

    Raises:
        RunError: `out` exists, is being trained, or cannot be written; or the training diverges.
        CorpusError: the corpus cannot be used.
        Stopped: SIGINT or SIGTERM ended the training; the run is saved.
    """
    run = Run(out)
    if run.exists():
        raise RunError(f"{out}: exists; give another --out, or go on with it: train --resume {out}")
    if start_from:
        model_config = with_shape_of(Run(start_from), model_config)
    batch_size, seq_length = fit_window(len(corpus.train), config.batch_size, config.seq_length)
    if (batch_size, seq_length) != (config.batch_size, config.seq_length):
        reporter.note(
            f"the training part has only {len(corpus.train):,} characters: "
            f"batch size {config.batch_size} -> {batch_size}, window {config.seq_length} -> {seq_length}"
        )
        config = msgspec.structs.replace(config, batch_size=batch_size, seq_length=seq_length)
    model_config = fit_dropout(model_config, len(corpus.train), reporter)
    info = RunInfo(
        format_version=FORMAT_VERSION,
        textgen_version=textgen.__version__,
        model=model_config,
        train=config,
        corpus=str(corpus.path.absolute()),
        corpus_fingerprint=corpus.fingerprint,
        started_from=str(start_from.absolute()) if start_from else "",
    )
    loop = Loop(run, info, corpus, reporter, callbacks)
    if start_from:
        reporter.note(transfer_weights(Run(start_from), loop.engine, corpus))
    with run.lock():
        corpus.vocabulary.save(run.path)
        run.save_info(info)
        loop.save()
        return loop.train()


def fit_dropout(config: ModelConfig, characters: int, reporter: Reporter) -> ModelConfig:
    """Choose the dropout that was not given: a small text is learnt by heart without much of it."""
    small = characters < SMALL_TEXT
    chosen = {"dropout": 0.5 if small else 0.2}
    chosen["recurrent_dropout"] = 0.2 if small and config.cell == "lstm" else 0.0
    chosen = {name: value for name, value in chosen.items() if getattr(config, name) is None}
    if chosen and small:
        named = " and ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in chosen.items())
        reporter.note(f"the training part has only {characters:,} characters: {named} against learning it by heart")
    return msgspec.structs.replace(config, **chosen)


def resume(
    out: Path,
    corpus_path: Path | None,
    reporter: Reporter,
    changes: Mapping[str, Any] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Position:
    """Go on with a run that was stopped, as if it had never been; or with other settings from here on.

    Args:
        out: the run directory.
        corpus_path: its prepared corpus; by default where it stood when the run began.
        reporter: told how it goes.
        changes: fields of `TrainConfig`, `dropout` and `recurrent_dropout` that change from here on. An end
            (`steps`, `epochs`, `minutes`) is counted from here, and the learning rate rises and falls anew
            until then.
        callbacks: as in `train`.

    Raises:
        As `train`; CorpusError when the corpus is not the one that the run was trained on; ConfigError when a
        setting cannot change; RunError when the run has finished and no new end is given.
    """
    run = Run(out)
    info = run.load_info()
    corpus = Corpus.load_same(corpus_path or info.corpus, info.corpus_fingerprint, out)
    with run.lock():
        position = load_position(run)
        check_training(run, info, len(corpus.vocabulary), len(corpus.train))
        if changes:
            info = changed(info, changes, position)
            run.save_info(info)
        loop = Loop(run, info, corpus, reporter, callbacks)
        loop.load()
        if loop.position.finished:
            raise RunError(
                f"{out}: has finished its training, at step {position.step}; "
                "give --steps, --epochs or --minutes to train that much more"
            )
        reporter.note(f"going on from step {position.step:,}")
        return loop.train()


def changed(info: RunInfo, changes: Mapping[str, Any], position: Position) -> RunInfo:
    """A run's settings with some of them changed from a position on.

    Raises:
        ConfigError: a setting cannot change, is unknown or out of range.
    """
    if fixed := sorted(FIXED & changes.keys()):
        option = fixed[0].replace("_", "-")
        raise ConfigError(f"--{option}: a run keeps its {option} from its first step to its last; train a new run")
    if ENDS & changes.keys():
        changes = dict.fromkeys(sorted(ENDS)) | dict(changes)
    of_model = {name: changes[name] for name in changes.keys() & set(ModelConfig.__struct_fields__)}
    of_train = {name: changes[name] for name in changes.keys() - of_model.keys()}
    before = msgspec.structs.asdict(info.model) | msgspec.structs.asdict(info.train)
    change = Change(
        step=position.step,
        seconds=position.seconds,
        reason="asked",
        before={name: before[name] for name in changes},
        after=dict(changes),
    )
    return msgspec.structs.replace(
        info,
        model=build(ModelConfig, msgspec.structs.asdict(info.model) | of_model),
        train=build(TrainConfig, msgspec.structs.asdict(info.train) | of_train),
        changes=[*info.changes, change],
    )

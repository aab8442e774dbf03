"""How a training begins: anew, from the weights of another run, or where a run was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras
import msgspec

from textgen.config import ModelConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.data.vocabulary import Vocabulary
from textgen.errors import ConfigError, RunError
from textgen.recipe import Reckoning
from textgen.runs.position import Position
from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
from textgen.training.changes import caught_up, changed
from textgen.training.checkpoint import check_training, load_position
from textgen.training.distribution import Placement, reporting_lost_workers
from textgen.training.loop import Loop, Reporter
from textgen.training.memory import check_memory
from textgen.training.streams import fit_window, held_out_pieces
from textgen.training.transfer import describe_new, transfer_weights, weights_sha256, with_shape_of
from textgen.version import __version__

Callbacks = Sequence[keras.callbacks.Callback]
NONE = Reckoning()
"""Of settings that a person chose."""


def train(
    corpus: Corpus,
    out: Path,
    model_config: ModelConfig,
    config: TrainConfig,
    reporter: Reporter | None = None,
    callbacks: Callbacks = (),
    start_from: Path | None = None,
    reckoning: Reckoning = NONE,
) -> Position:
    """Train a new model.

    Args:
        corpus: the text.
        out: the run directory to make.
        model_config, config: the settings.
        reporter: told how it goes; nobody by default.
        callbacks: Keras's own or yours. An epoch, to them, is the time from one validation to the next; their logs
            hold `loss` and `val_loss` in nats per character and `learning_rate`.
        start_from: a run whose weights to begin with, matched character by character; the shape of its network
            takes the place of the one in `model_config`.
        reckoning: why these settings were chosen. Its reasons are noted first; after some seconds its doubt is asked
            once what to note of the speed.

    Returns:
        Where the training ended: steps, seconds, best validation loss and history.

    Raises:
        RunError: `out` exists, is being trained, or cannot be written; or the training diverges.
        CorpusError: the corpus cannot be used.
        ConfigError: the network and its batch are larger than this machine's memory; or `callbacks` is no list of them.
        Stopped: SIGINT or SIGTERM ended the training; the run is saved.
    """
    check_callbacks(callbacks)
    run = Run(out)
    if run.exists():
        raise RunError(f"{out}: exists; give another --out, or go on with it: train --resume {out}")
    source, text = Run(start_from) if start_from else None, corpus
    if source:
        model_config = with_shape_of(source, model_config)
        # a seed text may then hold what the text had no chance to
        corpus = corpus.with_characters(Vocabulary.load(source.path).idx2char)
    held_out = held_out_pieces(len(corpus.train), len(corpus.vocabulary), model_config.ngram_order)
    characters = len(corpus.train) - held_out.total
    batch_size, seq_length = fit_window(characters, config.batch_size, config.seq_length)
    fitted = msgspec.structs.replace(config, batch_size=batch_size, seq_length=seq_length)
    placement, reporter = place(fitted, reporter)
    check_memory(model_config, len(corpus.vocabulary), placement.rows.stop - placement.rows.start, seq_length)
    info = RunInfo(
        format_version=FORMAT_VERSION,
        textgen_version=__version__,
        model=model_config,
        train=fitted,
        corpus=str(corpus.path.absolute()),
        corpus_fingerprint=corpus.fingerprint,
        corpus_characters=len(corpus.train) + len(corpus.validation),
        text=corpus.info.settings.text,
        started_from=source.full_name if source else "",
        started_from_sha256=weights_sha256(source) if source else "",
    )
    with reporting_lost_workers(placement, out), run.lock() if placement.chief else nullcontext():
        if placement.chief and run.info_path.exists():
            raise RunError(f"{out}: another process is training it; give another --out")
        for reason in reckoning.reasons:
            reporter.note(reason)
        if fitted != config:
            reporter.note(
                f"the training part has only {len(corpus.train):,} characters: "
                f"batch size {config.batch_size} -> {batch_size}, window {config.seq_length} -> {seq_length}"
            )
        loop = Loop(run, info, corpus, reporter, callbacks, placement)
        loop.doubt = reckoning.doubt
        if source:
            transfer_weights(source, loop.engine, corpus.vocabulary)
            reporter.note(describe_new(source, text))
        loop.count()
        loop.settle_validation()
        if placement.chief:
            corpus.vocabulary.save(run.path)
            run.save_info(loop.info)
        if loop.mixing:
            loop.mixing.save(run)
        loop.save()
        reporter.begun(run)
        return loop.train()


def resume(
    out: Path,
    corpus_path: Path | None,
    reporter: Reporter | None = None,
    changes: Mapping[str, Any] | None = None,
    callbacks: Callbacks = (),
) -> Position:
    """Go on with a run that was stopped, as if it had never been; or with other settings from here on.

    Args:
        out: the run directory.
        corpus_path: its prepared corpus; by default where it stood when the run began.
        reporter: told how it goes; nobody by default.
        changes: fields of `TrainConfig`, `dropout` and `recurrent_dropout` that change from here on. An end
            (`steps`, `epochs`, `minutes`) is counted from here, and the learning rate rises and falls anew
            until then.
        callbacks: as in `train`.

    Raises:
        As `train`; CorpusError when the corpus is not the one that the run was trained on; ConfigError when a
        setting cannot change; RunError when the run has finished and no new end is given.
    """
    check_callbacks(callbacks)
    run = Run(out)
    run.refuse_shipped()
    info = run.load_info()
    corpus = Corpus.load_same(corpus_path or info.corpus, info.corpus_fingerprint, out).with_vocabulary_of(run.path)
    position = load_position(run)
    check_training(run, info, len(corpus.vocabulary), len(corpus.train))
    if changes:
        info = changed(info, changes, position)
    if caught_up(position, info.changes).finished:
        raise RunError(
            f"{out}: has finished its training, at step {position.step}; "
            "give --steps, --epochs or --minutes to train that much longer"
        )
    # every process has read the run when all have met, and only then may the chief write
    placement, reporter = place(info.train, reporter)
    streams = placement.rows.stop - placement.rows.start
    check_memory(info.model, len(corpus.vocabulary), streams, info.train.seq_length)
    with reporting_lost_workers(placement, out), run.lock() if placement.chief else nullcontext():
        if changes and placement.chief:
            run.save_info(info)
        loop = Loop(run, info, corpus, reporter, callbacks, placement)
        loop.load()
        loop.settle_validation()
        reporter.note(f"going on from step {position.step:,}")
        return loop.train()


def check_callbacks(callbacks: Callbacks) -> None:
    """Refuse with a ConfigError what is no list of Keras callbacks."""
    if not isinstance(callbacks, Sequence) or not all(isinstance(one, keras.callbacks.Callback) for one in callbacks):
        raise ConfigError(f"callbacks: {callbacks!r:.80}; expected a list of Keras callbacks")


def place(config: TrainConfig, reporter: Reporter | None) -> tuple[Placement, Reporter]:
    """The devices of a training, and who is told of it: in all processes but the chief nobody."""
    placement = Placement(config.distribute, config.batch_size)
    told: Reporter = Silent() if reporter is None or not placement.chief else reporter
    if not placement.alone:
        share = f"{placement.share} of the {config.batch_size} streams on each"
        told.note(f"trains on {placement.replicas} devices, {share}")
    return placement, told


class Silent:
    """The `Reporter` of all processes but the chief, and of a caller who gives none."""

    def note(self, *told: object, **named: object) -> None:
        """Do nothing, as all the other methods."""

    begun = step = validated = ended = note

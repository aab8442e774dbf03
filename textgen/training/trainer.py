"""The training loop: from a prepared corpus to a run directory."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Protocol

import msgspec
import tensorflow as tf

import textgen
from textgen.config import ModelConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.errors import RunError
from textgen.run import FORMAT_VERSION, Run, RunInfo, write_bytes
from textgen.training.checkpoint import (
    HistoryRow,
    Position,
    check_training,
    load_training,
    save_training,
    save_weights,
)
from textgen.training.engine import Engine
from textgen.training.interrupt import Stopped, catching_signals
from textgen.training.model import States
from textgen.training.schedule import fraction_done, learning_rate
from textgen.training.streams import Streams, carried, fit_window

BITS_PER_NAT = 1 / math.log(2)
SMALL_TEXT = 300_000
"""Characters under which a text needs strong dropout."""
VALIDATION_SHARE = 20
OVERFITTING_AFTER = 4
"""Validations in turn without a new best."""
SCALARS = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})


class Reporter(Protocol):
    """Who is told how a training goes."""

    def note(self, text: str) -> None:
        """Something that a person should know, in one line."""

    def step(self, fraction: float, loss: float, row: HistoryRow) -> None:
        """A step was made: the fraction done, its loss in bits per character, and the figures since the
        last validation."""

    def validated(self, row: HistoryRow, run: Run) -> None:
        """A validation was made and a checkpoint written."""


def train(corpus: Corpus, out: Path, model_config: ModelConfig, config: TrainConfig, reporter: Reporter) -> Position:
    """Train a new model.

    Args:
        corpus: the text.
        out: the run directory to make.
        model_config, config: the settings.
        reporter: told how it goes.

    Returns:
        Where the training ended: steps, seconds, best validation loss and history.

    Raises:
        RunError: `out` exists, is being trained, or cannot be written; or the loss is not finite.
        CorpusError: the corpus cannot be used.
        Stopped: SIGINT or SIGTERM ended the training; the run is saved.
    """
    run = Run(out)
    if run.exists():
        raise RunError(f"{out}: exists; give another --out, or go on with it: train --resume {out}")
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
    )
    with run.lock():
        corpus.vocabulary.save(run.path)
        run.save_info(info)
        return Trainer(run, info, corpus, reporter).train()


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


def resume(out: Path, corpus_path: Path | None, reporter: Reporter) -> Position:
    """Go on with a run that was stopped, as if it had never been.

    Args:
        out: the run directory.
        corpus_path: its prepared corpus; by default where it stood when the run began.
        reporter: told how it goes.

    Raises:
        As `train`; and RunError when the corpus is not the one that the run was trained on.
    """
    run = Run(out)
    info = run.load_info()
    corpus = Corpus.load(corpus_path or info.corpus)
    if corpus.fingerprint != info.corpus_fingerprint:
        raise RunError(f"{corpus.path}: not the corpus that {out} was trained on; give that one as DATA")
    with run.lock():
        check_training(run, info, len(corpus.vocabulary), len(corpus.train))
        trainer = Trainer(run, info, corpus, reporter)
        trainer.load()
        if trainer.position.finished:
            raise RunError(f"{out}: has finished its training, at step {trainer.position.step}")
        reporter.note(f"going on from step {trainer.position.step}")
        return trainer.train()


class Trainer:
    """One training of one run, from any position to the end."""

    def __init__(self, run: Run, info: RunInfo, corpus: Corpus, reporter: Reporter) -> None:
        config = info.train
        self.run = run
        self.config = config
        self.corpus = corpus
        self.reporter = reporter
        size = len(corpus.vocabulary)
        self.engine = Engine(info.model, config, size)
        self.streams = Streams(corpus.train, size, config.batch_size, config.seq_length, config.rng_seed)
        self.position = Position()
        self.states: States = self.engine.zero_states(config.batch_size)
        self.mark = (0, 0.0)
        """Step and seconds at the end of the last validation, to tell the speed since."""
        self.validation_seconds = 0.0
        """What the last validation took; 0 after the first, which compiles too."""
        self.saved = 0.0
        """Seconds at the last checkpoint."""
        self.started = 0.0
        """What the monotonic clock showed, or would have, at the run's first second."""

    def load(self) -> None:
        """Set everything to where the run's last checkpoint stood."""
        self.states, self.position = load_training(self.run, self.engine, self.states)
        self.mark = (self.position.step, self.position.seconds)
        self.saved = self.position.seconds

    def train(self) -> Position:
        """Train to the end."""
        position = self.position
        writer = tf.summary.create_file_writer(str(self.run.events_path))
        with catching_signals() as caught, writer.as_default():
            self._step()
            # compiling the first step is not training: the clock starts after it
            self.started = time.monotonic() - position.seconds
            while True:
                position.finished = self._fraction() >= 1
                if self._validation_is_due():
                    self._validate()
                if position.finished:
                    return position
                if caught:
                    self._stop(caught[0])
                if 0 < 60 * self.config.checkpoint_every <= position.seconds - self.saved:
                    self._save()
                self._step()
                position.seconds = time.monotonic() - self.started

    def _fraction(self) -> float:
        position, windows = self.position, self.streams.windows_per_epoch
        return fraction_done(self.config, position.step, windows, position.seconds)

    def _step(self) -> None:
        position = self.position
        epoch, window = divmod(position.step, self.streams.windows_per_epoch)
        fraction = self._fraction()
        loss, self.states = self.engine.update(
            self.streams.batch(epoch, window),
            self.states,
            carried(window, self.config.batch_size, self.config.carry),
            position.step,
            learning_rate(self.config, fraction),
        )
        if not math.isfinite(loss):
            raise RunError(
                f"{self.run.path}: the loss is {loss} at step {position.step}; "
                f"train anew with a lower --learning-rate than {self.config.learning_rate:g}"
            )
        position.step += 1
        position.loss_sum += loss
        position.loss_steps += 1
        self.reporter.step(fraction, loss * BITS_PER_NAT, self._row(None))

    def _row(self, validation_loss: float | None) -> HistoryRow:
        position = self.position
        steps, seconds = position.step - self.mark[0], position.seconds - self.mark[1]
        characters = steps * self.config.batch_size * self.config.seq_length
        return HistoryRow(
            step=position.step,
            epoch=round(position.step / self.streams.windows_per_epoch, 3),
            seconds=round(position.seconds, 3),
            learning_rate=learning_rate(self.config, self._fraction()),
            train_bpc=position.loss_sum / max(1, position.loss_steps) * BITS_PER_NAT,
            validation_bpc=None if validation_loss is None else validation_loss * BITS_PER_NAT,
            characters_per_second=round(characters / seconds) if seconds > 0 else 0.0,
        )

    def _validation_is_due(self) -> bool:
        if self.position.finished:
            return True
        # with a limit of minutes, validation must not eat them: it may take a 20th of the time
        since = self.position.seconds - self.mark[1]
        if self.config.end_minutes and since < VALIDATION_SHARE * self.validation_seconds:
            return False
        return int(self._fraction() * self.config.validations) > self.position.validations

    def _validate(self) -> None:
        position, corpus = self.position, self.corpus
        began, before = time.monotonic(), position.seconds
        loss = None
        if len(corpus.validation):
            loss = self.engine.validate(corpus.validation, corpus.vocabulary.char2idx["\n"])
        row = self._row(loss)
        position.history.append(row)
        position.seconds = before + time.monotonic() - began
        position.validations = int(self._fraction() * self.config.validations)
        position.loss_sum, position.loss_steps = 0.0, 0
        improved = loss is None or position.best is None or loss < position.best
        if improved:
            position.best, position.best_step, position.stale = loss, position.step, 0
            save_weights(self.run, "best", self.engine, position)
        else:
            position.stale += 1
            self._notice_overfitting()
        if self.config.patience and position.stale >= self.config.patience and not position.finished:
            position.finished = True
            self.reporter.note(f"stopped early: {position.stale} validations without a new best")
        if self.config.keep:
            save_weights(self.run, str(position.step), self.engine, position)
            self.run.drop_steps(self.config.keep)
        self._save()
        self._log(row)
        self.reporter.validated(row, self.run)
        seconds = time.monotonic() - began
        self.validation_seconds = seconds if self.mark[0] else 0.0
        position.seconds = before + seconds
        self.mark = (position.step, position.seconds)

    def _notice_overfitting(self) -> None:
        """Say once that validation has turned for the worse while training still gets better."""
        position = self.position
        if position.stale != OVERFITTING_AFTER or self.config.patience:
            return
        before, now = position.history[-1 - OVERFITTING_AFTER], position.history[-1]
        if now.train_bpc < before.train_bpc:
            self.reporter.note(
                f"overfitting: no better validation since step {position.best_step:,}, though training goes on "
                f"improving; `best` keeps that step. More --dropout or --recurrent-dropout, fewer --units or more "
                f"text would help, and --patience {OVERFITTING_AFTER} would stop here"
            )

    def _save(self) -> None:
        self.saved = self.position.seconds
        save_weights(self.run, "last", self.engine, self.position)
        save_training(self.run, self.engine, self.states, self.position)
        write_bytes(self.run.history_path, history_csv(self.position.history))

    def _log(self, row: HistoryRow) -> None:
        for name in ("train_bpc", "validation_bpc", "learning_rate", "characters_per_second"):
            if (value := getattr(row, name)) is not None:
                # tf.summary.scalar would want TensorBoard installed to write, not only to read
                tf.summary.write(name, tf.constant(value, tf.float32), row.step, SCALARS)

    def _stop(self, signal_number: int) -> None:
        self._save()
        raise Stopped(
            f"stopped at step {self.position.step}; go on with: textgen train --resume {self.run.path}",
            signal_number,
        )


def history_csv(history: list[HistoryRow]) -> bytes:
    """The history as a table with a header line."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, HistoryRow.__struct_fields__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(msgspec.to_builtins(row) for row in history)
    return text.getvalue().encode()

"""The training loop: steps, validations, checkpoints and callbacks, from any position to the end."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Protocol

import keras
import msgspec

from textgen.counts.files import mixture_specs, rates_specs
from textgen.data.corpus import Corpus
from textgen.data.evaluation import window_count
from textgen.errors import RunError
from textgen.runs.history import HistoryRow, save_history
from textgen.runs.position import Position
from textgen.runs.run import Run, RunInfo
from textgen.runs.shipped import is_shipped
from textgen.training.changes import caught_up, halved, halvings
from textgen.training.checkpoint import (
    Tensors,
    load_position,
    load_training,
    load_weights,
    save_training,
    save_weights,
)
from textgen.training.distribution import Placement
from textgen.training.divergence import HALVINGS, Diverged, is_astray, smoothed
from textgen.training.engine import Engine, News
from textgen.training.events import write_event, writing_events
from textgen.training.interrupt import Stopped, catching_signals
from textgen.training.mixing import Losses, Mixing
from textgen.training.model import States, assign_weights, weight_arrays
from textgen.training.schedule import fraction_done, learning_rate
from textgen.training.streams import Streams, carried, held_out_pieces
from textgen.training.validation import SHARE, size_at_end, size_by_steps, size_by_time, windows_by_steps

BITS_PER_NAT = 1 / math.log(2)
OVERFITTING_AFTER = 4
"""Validations in turn without a new best."""
FIRST_SECONDS = 3.0
LOST = Losses(math.inf, math.inf)
"""Those of weights that cannot be read."""


class Reporter(Protocol):
    """Who is told how a training goes."""

    def note(self, text: str) -> None:
        """Something that a person should know, in one line."""

    def step(self, fraction: float, loss: float, row: HistoryRow) -> None:
        """A step was made: the fraction done, its loss in bits per character, and the figures since the
        last validation."""

    def begun(self, run: Run) -> None:
        """The run can be sampled: by its counts, where it has them, before the network has learned anything."""

    def validated(self, row: HistoryRow, run: Run) -> None:
        """A validation was made and a checkpoint written."""

    def ended(self, end: Position, run: Run) -> None:
        """The training has come to its end."""


class Loop:
    """One training of one run.

    Args:
        run: where everything is written; the caller holds its lock.
        info: the settings.
        corpus: the text.
        reporter: told how it goes.
        callbacks: Keras callbacks; to them an epoch is the time from one validation to the next.
        placement: the devices. Each process of a training runs a loop of its own, in step with the others; only the
            chief's writes.
    """

    def __init__(
        self,
        run: Run,
        info: RunInfo,
        corpus: Corpus,
        reporter: Reporter,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        placement: Placement | None = None,
    ) -> None:
        config = info.train
        self.run = run
        self.info = info
        self.corpus = corpus
        self.reporter = reporter
        size = len(corpus.vocabulary)
        self.pretrained = is_shipped(info.started_from)
        """Whether the network had read much before it read this text."""
        self.engine = Engine(info.model, config, size, placement, anchored=bool(info.started_from_sha256))
        self.placement = self.engine.placement
        self.callbacks = keras.callbacks.CallbackList(list(callbacks), model=self.engine.model)
        pieces = held_out_pieces(len(corpus.train), size, info.model.ngram_order)
        self.streams = Streams(corpus.train, size, config.batch_size, config.seq_length, config.rng_seed, pieces)
        self.mixing: Mixing | None = None
        """The counts beside the network; the chief has them."""
        self.position = Position()
        self.states: States = self.engine.zero_states()
        self.mark = (0, 0.0)
        """Step and seconds at the end of the last validation, to tell the speed since."""
        self.validation_seconds = 0.0
        """What a validation takes: as `settle_validation` reckons, then as the last one did."""
        self.at_end = 0
        """On how many characters the last weights and the best are compared at the end."""
        self.comparison_seconds = 0.0
        """What that takes, where it is more than a validation."""
        self.saved = self.mark
        """Step and seconds at the last checkpoint."""
        self.doubt: Callable[[float], str | None] | None = None
        """What to note of the speed, in characters a second: asked once, after `FIRST_SECONDS`."""
        self.caught: list[int] = []
        self.started: float | None = None
        """What the monotonic clock showed, or would have, at the run's first second."""

    def load(self) -> None:
        """Set everything to where the run's last checkpoint stood, and take in what has changed since."""
        specs, optional = mixture_specs(self.info.model), rates_specs(self.info.model)
        self.states, position, mixture = load_training(self.run, self.engine, specs, optional)
        self.position = position = caught_up(position, self.info.changes)
        self.mark = self.saved = (position.step, position.seconds)
        self.started = None
        if specs and self.placement.chief:
            self.mixing = self.mixing or Mixing.load(
                self.run, self.corpus, self.info.model.ngram_order, self.pretrained
            )
            self.mixing.restore(mixture)

    def count(self) -> None:
        """Count the training part, where the run has counts. It takes of the training's time."""
        began = time.monotonic()
        order, config = self.info.model.ngram_order, self.info.train
        if order and self.placement.chief:
            self.mixing = Mixing.count(self.corpus, order, config.end_minutes, self.reporter.note, self.pretrained)
        self.position.seconds = self.placement.agree(time.monotonic() - began) if order else 0.0
        self.mark = (0, self.position.seconds)

    def settle_validation(self) -> None:
        """Settle how much is validated, where nobody said, and measure how long it takes, where the clock ends the
        training. Call it before `train`, so that compiling does not take any of its time."""
        config, count = self.info.train, len(self.corpus.validation)
        most, windows, new_window = config.validation_characters, 0.0, 0.0
        if count and config.end_minutes:
            window, fit = self._window_seconds([1, 1, 1]), self._fit_seconds()
            most = size_by_time(config, count, window, fit) if most is None else most
            self.validation_seconds = window * window_count(count, most) + fit
            new_window = self._window_seconds([1, 2, 3])
            windows = 60 * config.end_minutes / new_window
        elif count:
            most = size_by_steps(config, count, self.streams.windows_per_epoch) if most is None else most
            windows = windows_by_steps(config, count, self.streams.windows_per_epoch)
        most = most or 0
        self.info = msgspec.structs.replace(
            self.info, train=msgspec.structs.replace(config, validation_characters=most)
        )
        size = min(most or count, count)
        self.at_end = size_at_end(count, size, windows) if count else 0
        self.comparison_seconds = 2 * new_window * window_count(count, self.at_end) if self.at_end > size else 0.0
        self._compare_by(size)
        self.position.validated, self.position.held_out = size, count

    def _compare_by(self, size: int) -> None:
        """Compare the validations until now with those to come, in a run that goes on: by so many characters."""
        position = self.position
        for row in position.history:
            row.validated = min(row.validated or size, size)
        if position.best is not None and position.validated != size:
            position.best = self._best_losses(size).mixture

    def _window_seconds(self, sizes: Sequence[int]) -> float:
        """What a window of a validation takes: the best of two tries, after one that compiles.

        What the counts say of a text is kept until another size of it is asked for.
        """
        most = iter(sizes)
        seconds = self._shortest(lambda: self._losses(next(most)))
        return seconds / window_count(len(self.corpus.validation), 1)

    def _fit_seconds(self) -> float:
        """What it takes to fit the weights of the mixture, likewise."""
        return self._shortest(self._fit) if self.info.model.ngram_order else 0.0

    def _shortest(self, measured: Callable[[], object]) -> float:
        seconds = []
        for _ in range(3):
            began = time.monotonic()
            measured()
            seconds.append(time.monotonic() - began)
        return self.placement.agree(min(seconds[1:]))

    def _fit(self) -> None:
        if self.mixing:
            self.mixing.fit(self.engine)

    def _losses(self, most: int) -> Losses | None:
        """The losses on the validation part, or on so many of its characters; None where there is none.

        With counts the chief alone works them out.
        """
        ids, start = self.corpus.validation, self.corpus.vocabulary.start
        if not len(ids):
            return None
        if not self.info.model.ngram_order:
            loss = self.engine.validate(ids, start, most)
            losses = Losses(loss, loss)
        else:
            losses = self.mixing.losses(self.engine, ids, start, most) if self.mixing else Losses(0.0, 0.0)
        return Losses(*map(self.placement.agree, losses))

    def _best_losses(self, most: int) -> Losses:
        """Those of the weights of `best`, which the chief reads; infinite where they are lost."""
        model, mixture = self.info.model, self._mixture()
        weights, average = self.engine.average.trainable_variables, weight_arrays(self.engine.average)
        lost = 0.0
        if self.placement.chief:
            try:
                best = load_weights(self.run, "best", self.engine, mixture_specs(model), rates_specs(model))
                if self.mixing:
                    self.mixing.restore(best)
            except RunError:
                lost = 1.0
        losses = self._losses(most)
        assign_weights(weights, list(average.values()))
        if self.mixing:
            self.mixing.restore(mixture)
        return LOST if losses is None or self.placement.agree(lost) else losses

    def save(self) -> None:
        """Write a checkpoint of this moment.

        Raises:
            Diverged: the weights are no finite numbers; the checkpoint before stays.
        """
        self._check_weights()
        self.saved = (self.position.step, self.position.seconds)
        states = self.engine.gather_states(self.states)
        if self.placement.chief:
            mixture = self._mixture()
            save_weights(self.run, "last", self.engine, mixture, self.position)
            save_training(self.run, self.engine, mixture, states, self.position)
            save_history(self.run, self.position.history)

    def train(self) -> Position:
        """Train to the end."""
        events = writing_events(self.run) if self.placement.chief else nullcontext()
        with catching_signals() as self.caught, events:
            self.callbacks.on_train_begin()
            self.callbacks.on_epoch_begin(len(self.position.history))
            while not self.position.finished:
                try:
                    self._advance()
                except Diverged as error:
                    self._back_off(error)
            self.callbacks.on_train_end()
        self.reporter.ended(self.position, self.run)
        return self.position

    def _advance(self) -> None:
        """Make a step, and what is due after it."""
        news = self._step()
        position = self.position
        position.finished = self._fraction() >= 1 or self.engine.model.stop_training
        if self._validation_is_due():
            self._validate()
        if position.finished:
            return
        if news.interrupts or news.terminations:
            self._stop(signal.SIGTERM if news.terminations else signal.SIGINT)
        if self._checkpoint_is_due():
            self.save()

    def _step(self) -> News:
        position, config = self.position, self.info.train
        epoch, window = divmod(position.step, self.streams.windows_per_epoch)
        fraction = self._fraction()
        self.callbacks.on_train_batch_begin(position.step)
        rows = self.placement.rows
        loss, self.states, news = self.engine.update(
            self.streams.batch(epoch, window, rows),
            self.states,
            carried(window, config.batch_size, config.carry)[rows],
            position.step,
            learning_rate(config, fraction),
            self._news(),
        )
        position.seconds = news.seconds
        position.step += 1
        position.loss_sum += loss
        position.loss_steps += 1
        position.recent = smoothed(position.recent, loss)
        position.lowest = position.recent if position.lowest is None else min(position.lowest, position.recent)
        if is_astray(position.recent, position.lowest):
            raise Diverged(f"the training diverged at step {position.step:,}, at {loss * BITS_PER_NAT:.3g} bpc")
        if self.started is None:
            # compiling the first step is not training: the clock starts after it
            self.started = time.monotonic() - position.seconds
        self.callbacks.on_train_batch_end(position.step - 1, {"loss": loss})
        row = self._row(None)
        self.reporter.step(fraction, loss * BITS_PER_NAT, row)
        if self.doubt and position.seconds - self.mark[1] >= FIRST_SECONDS:
            line, self.doubt = self.doubt(row.characters_per_second), None
            if line:
                self.reporter.note(line)
        return news

    def _clock(self) -> float:
        """Seconds of training until now."""
        return self.position.seconds if self.started is None else time.monotonic() - self.started

    def _news(self) -> News:
        counts = (self.caught.count(number) for number in (signal.SIGINT, signal.SIGTERM))
        return News(self._clock() if self.placement.chief else 0.0, *map(float, counts))

    def _fraction(self) -> float:
        """How much of the training is done, counted from where its end was last set."""
        position, start = self.position, self.info.extension
        step, seconds = (start.step, start.seconds) if start else (0, 0.0)
        windows = self.streams.windows_per_epoch
        steps, seconds = position.step - step, position.seconds - seconds
        reserve = self.validation_seconds + self.comparison_seconds
        return fraction_done(self.info.train, steps, windows, seconds, reserve)

    def _row(self, losses: Losses | None) -> HistoryRow:
        position, config = self.position, self.info.train
        steps, seconds = position.step - self.mark[0], position.seconds - self.mark[1]
        characters = steps * config.batch_size * config.seq_length
        validation, network = self._bits(losses)
        return HistoryRow(
            step=position.step,
            epoch=round(position.step / self.streams.windows_per_epoch, 3),
            seconds=round(position.seconds, 3),
            learning_rate=learning_rate(config, self._fraction()),
            train_bpc=position.loss_sum / max(1, position.loss_steps) * BITS_PER_NAT,
            validation_bpc=validation,
            network_bpc=network,
            characters_per_second=round(characters / seconds) if seconds > 0 else 0.0,
            validated=position.validated if losses else 0,
        )

    def _checkpoint_is_due(self) -> bool:
        config, position = self.info.train, self.position
        every, since = float(config.checkpoint_steps or 0), float(position.step - self.saved[0])
        if not isinstance(config.checkpoint_every, str):
            every, since = 60 * config.checkpoint_every, position.seconds - self.saved[1]
        return 0 < every <= since

    def _validation_is_due(self) -> bool:
        if self.position.finished:
            return True
        config = self.info.train
        since = self.position.seconds - self.mark[1]
        if config.end_minutes and SHARE * since < self.validation_seconds:
            return False
        return int(self._fraction() * config.validations) > self.position.validations

    def _validate(self) -> None:
        self._check_weights()
        position, config = self.position, self.info.train
        position.seconds = before = self.placement.agree(self._clock())
        self._fit()
        losses = self._losses(config.validation_characters or 0)
        loss = losses and losses.mixture
        row = self._row(losses)
        position.history.append(row)
        position.seconds = self.placement.agree(self._clock())
        position.validations = int(self._fraction() * config.validations)
        position.loss_sum, position.loss_steps = 0.0, 0
        improved = loss is None or position.best is None or loss < position.best
        if improved:
            position.best, position.best_step, position.stale = loss, position.step, 0
            self._save_weights("best")
        else:
            position.stale += 1
            self._notice_overfitting()
        self._tell_callbacks(row, loss)
        if config.patience and position.stale >= config.patience and not position.finished:
            position.finished = True
            self.reporter.note(f"stopped early: {position.stale} validations without a new best")
        if position.finished and self.at_end > position.validated and loss is not None:
            self._compare()
        if config.keep:
            self._save_weights(str(position.step))
            if self.placement.chief:
                self.run.drop_steps(config.keep)
        self.save()
        write_event(row)
        self.reporter.validated(row, self.run)
        position.seconds = self.placement.agree(self._clock())
        self.validation_seconds = position.seconds - before
        self.mark = (position.step, position.seconds)

    def _compare(self) -> None:
        """Choose between the last weights and the best until then by more of the validation part."""
        position = self.position
        position.validated = self.at_end
        last = self._losses(self.at_end) or LOST
        best = last if position.best_step == position.step else self._best_losses(self.at_end)
        compared = {position.best_step: best, position.step: last}
        for row in position.history:
            if row.step in compared and compared[row.step] is not LOST:
                row.validation_bpc, row.network_bpc = self._bits(compared[row.step])
                row.validated = self.at_end
        position.best = best.mixture
        if last.mixture < best.mixture:
            position.best, position.best_step, position.stale = last.mixture, position.step, 0
            self._save_weights("best")

    def _bits(self, losses: Losses | None) -> tuple[float | None, float | None]:
        """The columns of the history: bits per character of what samples, and of the network beside counts."""
        if not losses:
            return None, None
        network = losses.network * BITS_PER_NAT if self.info.model.ngram_order else None
        return losses.mixture * BITS_PER_NAT, network

    def _save_weights(self, checkpoint: str) -> None:
        if self.placement.chief:
            save_weights(self.run, checkpoint, self.engine, self._mixture(), self.position)

    def _mixture(self) -> Tensors:
        """What a checkpoint holds of the mixture."""
        return self.mixing.tensors() if self.mixing else {}

    def _tell_callbacks(self, row: HistoryRow, loss: float | None) -> None:
        logs = {"loss": row.train_bpc / BITS_PER_NAT, "learning_rate": row.learning_rate}
        if loss is not None:
            logs["val_loss"] = loss
        epoch = len(self.position.history) - 1
        self.callbacks.on_epoch_end(epoch, logs)
        self.position.finished = self.position.finished or self.engine.model.stop_training
        if not self.position.finished:
            self.callbacks.on_epoch_begin(epoch + 1)

    def _notice_overfitting(self) -> None:
        """Say once that validation has turned for the worse while training still gets better."""
        position = self.position
        if position.stale != OVERFITTING_AFTER or self.info.train.patience:
            return
        before, now = position.history[-1 - OVERFITTING_AFTER], position.history[-1]
        if now.train_bpc < before.train_bpc:
            self.reporter.note(
                f"overfitting: training improves, and validation has not since step {position.best_step:,}; `best` "
                f"keeps that step. More text, more --dropout, --recurrent-dropout or --weight-decay, or fewer --units "
                f"would help; --patience {OVERFITTING_AFTER} would stop here"
            )

    def _stop(self, signal_number: int) -> None:
        self.save()
        raise Stopped(self.position.step, f"textgen train --resume {self.run.path}", signal_number)

    def _check_weights(self) -> None:
        if not self.engine.is_finite():
            raise Diverged(f"the training diverged at step {self.position.step:,}: its weights are not finite numbers")

    def _back_off(self, error: Diverged) -> None:
        """Go back to the last checkpoint with half the learning rate; give up when that has been tried enough."""
        last, rate = load_position(self.run), self.info.train.learning_rate
        if halvings(self.info) == HALVINGS:
            raise RunError(
                f"{self.run.path}: {error}, after the learning rate was halved {HALVINGS} times, to {rate:g}; step "
                f"{last.step:,} is kept: sample it, or go on with: textgen train --resume {self.run.path} "
                f"--learning-rate {rate / 10:g}"
            )
        self.info = halved(self.info, last)
        if self.placement.chief:
            self.run.save_info(self.info)
        self.load()
        self.reporter.note(f"{error}; going back to step {last.step:,} with half the learning rate, {rate / 2:g}")

"""Seed texts to continuations, character by character, many side by side."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from itertools import islice
from typing import Self

import numpy as np
from msgspec.structs import replace

from textgen.config import SampleConfig, TextConfig
from textgen.counts.copying import FADING, Recall
from textgen.counts.memory import Tokens
from textgen.data.transform import guessed, treated
from textgen.data.vocabulary import REPLACEMENT, Vocabulary, describe
from textgen.errors import ConfigError, TextError
from textgen.inference.beam import search
from textgen.inference.predictor import Predictor, load_predictor
from textgen.inference.sample import Sample, from_elsewhere, in_order
from textgen.inference.sampling import SMALLEST_TEMPERATURE, choose, log_probabilities
from textgen.inference.voices import Voices
from textgen.inference.workers import shared_out, shares
from textgen.machine import number_of
from textgen.runs.arrays import Bools
from textgen.runs.run import Run

BATCH = 64


class Generator:
    """A trained model that writes.

    Args:
        predictor: what tells the next character.
        vocabulary: its characters.
        text: how its corpus was made; None guesses it from the vocabulary.
    """

    def __init__(self, predictor: Predictor, vocabulary: Vocabulary, text: TextConfig | None = None) -> None:
        self.predictor = predictor
        self.vocabulary = vocabulary
        self.text = text or guessed(vocabulary)

    @classmethod
    def load(cls, path: str | os.PathLike[str], checkpoint: str = "best", precision: str = "float32") -> Self:
        """Load a checkpoint of a run; see `textgen.load`."""
        run = Run(path)
        info = run.load_info()
        vocabulary = Vocabulary.load(run.path)
        return cls(load_predictor(run, checkpoint, info.model, vocabulary, precision), vocabulary, info.text)

    def stream(self, seed_text: str, config: SampleConfig, index: int = 0) -> Iterator[str]:
        """Continue a text, in pieces: first the seed text, then characters as they are made.

        Args:
            seed_text: the text to continue.
            config: the settings.
            index: which of the samples that belong to one rng_seed, from 0.
        """
        started = False
        for sample, piece in self.write([seed_text], config, index):
            yield piece if started else sample.seed_text + piece
            started = True

    def write(
        self,
        seed_texts: Iterable[str],
        config: SampleConfig,
        first: int = 0,
        measured: bool = False,
        workers: int = 1,
    ) -> Iterator[tuple[Sample, str]]:
        """Continue many texts, up to 64 side by side. No sample depends on what it is made beside.

        Args:
            seed_texts: the texts to continue.
            config: the settings.
            first: the index of the first sample.
            measured: whether to add up each sample's surprise.
            workers: processes that share the samples; 0 is as many as there are cores. The text is the same.

        Yields:
            A sample and a piece of its text, one sample after another in the order of the seed texts: first an
            empty piece, then characters as they are made, from workers several at a time. With the last piece the
            sample's `ending` is set.

        Raises:
            TextError: a seed text holds characters that the vocabulary lacks.
            ConfigError: `only` and `ban` leave no character, or `workers` is out of range.
            TextgenError: a worker was killed.
        """
        rng_seed = secrets.randbits(63) if config.rng_seed is None else config.rng_seed
        if (count := number_of(workers)) > 1:
            work = partial(self._write_task, replace(config, rng_seed=rng_seed), measured)
            yield from from_elsewhere(shared_out(work, sample_tasks(seed_texts, 1, count, first), count))
            return
        config = self._treated(config)
        allowed = self.allowed(config)
        # the likeliest is looked for among the probabilities as they are
        draws = config.temperature > 0 and not config.beam
        temperature = max(config.temperature, SMALLEST_TEMPERATURE) if draws else 1.0
        predictor = self.remembering(config.memory, temperature).predictor
        seeds = iter(seed_texts)
        while batch := list(islice(seeds, BATCH)):
            samples = [self._sample(first + i, text, config, rng_seed) for i, text in enumerate(batch)]
            first += len(batch)
            if config.beam:
                yield from search(predictor, self.vocabulary, samples, config, allowed)
            else:
                yield from in_order(samples, self._write_batch(predictor, samples, config, allowed, measured))

    def with_voice(self, other: Generator, share: float = 0.5) -> Self:
        """Two models that write one text: their probabilities are multiplied, as a weighted geometric mean.

        Args:
            other: the second model; its characters are matched by name, and those that this one lacks never come.
            share: the weight of the second, 0 to 1; 0 is this one alone.

        Returns:
            A model with the characters of this one. Each has its own counts; a memory is one for both, and how
            often it is used is as this one has learned.

        Raises:
            ConfigError: the other is no model, or the share out of range.
        """
        if not isinstance(other, Generator):
            raise ConfigError(f"other: {other!r:.80}; expected a model, as textgen.load gives")
        if not isinstance(share, float | int) or not 0 <= share <= 1:
            raise ConfigError(f"share: Expected a number from 0 to 1, got {share!r:.80}")
        voices = Voices(
            (self.predictor.remembering(None), other.predictor.remembering(None)),
            (self.vocabulary, other.vocabulary),
            share,
        )
        return type(self)(Predictor(voices, rates=self.predictor.rates), self.vocabulary, self.text)

    def remembering(self, memory: int | None, temperature: float = 1.0) -> Generator:
        """The same model beside a memory of each text.

        Args:
            memory: the characters over which it fades; 0 is none. None is the memory of the seed text alone.
            temperature: at which the model will be sampled.
        """
        if memory == 0:
            return self
        fading, written = (FADING, False) if memory is None else (memory, True)
        recall = Recall(self._tokens, self.predictor.rates, fading, temperature, written)
        return Generator(self.predictor.remembering(recall), self.vocabulary, self.text)

    @cached_property
    def _tokens(self) -> Tokens:
        """What a memory has to know of the vocabulary; each call of `write` makes new memories."""
        return Tokens(self.vocabulary)

    def _treated(self, config: SampleConfig) -> SampleConfig:
        """Settings whose texts have the model's form; what would leave nothing stays as it is."""
        only, ban, *stop = (treated(text, self.text) or text for text in (config.only, config.ban, *config.stop))
        return replace(config, only=only, ban=ban, stop=tuple(stop))

    def _sample(self, index: int, given: str, config: SampleConfig, rng_seed: int) -> Sample:
        """A sample to write. A seed text that the model can read as a whole comes back as it was given."""
        text = treated(given, self.text)
        known = self.known(text, config.unknown)
        return Sample(index, given if known == text else known, self.ids(known), rng_seed)

    def _write_batch(
        self,
        predictor: Predictor,
        samples: list[Sample],
        config: SampleConfig,
        allowed: Bools | None,
        measured: bool,
    ) -> Iterator[tuple[Sample, str]]:
        logits, state = predictor.read([sample.ids for sample in samples])
        if config.length == 0:
            for sample in samples:
                sample.ending = "length"
            return
        idx2char = self.vocabulary.idx2char
        active, looks_back = samples, config.no_repeat_ngram or config.repetition_penalty != 1
        while active:
            uniforms = np.array([sample.draw() for sample in active])
            histories = [sample.ids for sample in active] if looks_back else ()
            ids = choose(logits, config, uniforms, histories, allowed)
            if measured:
                # without the memory, and not at the temperature
                own = logits if state.copiers is None else state.copiers.logits
                chances = log_probabilities(np.asarray(own, np.float64))
                for row, (sample, index) in enumerate(zip(active, ids, strict=True)):
                    sample.bits -= float(chances[row, index] / np.log(2))
            ended = False
            for sample, index in zip(active, ids.tolist(), strict=True):
                if looks_back:
                    sample.ids.append(index)
                piece = sample.add(idx2char[index], config)
                ended = ended or bool(sample.ending)
                yield sample, piece
            if ended:
                rows = [row for row, sample in enumerate(active) if not sample.ending]
                active = [active[row] for row in rows]
                state, ids = state.take(rows), ids[rows]
            if active:
                logits = predictor.step(ids, state)

    def _write_task(
        self, config: SampleConfig, measured: bool, first: int, seed_texts: list[str]
    ) -> Iterator[tuple[Sample, str]]:
        """`write`, as a worker does it."""
        return self.write(seed_texts, config, first, measured)

    def ids(self, text: str) -> list[int]:
        """What a network reads of a text of known characters: first what stands before it."""
        return [self.vocabulary.start, *self.vocabulary.encode(text).tolist()]

    def allowed(self, config: SampleConfig) -> Bools | None:
        """Which characters `only` and `ban` leave, (V,); None where they leave all.

        Raises:
            ConfigError: they leave none.
        """
        if not config.only and not config.ban:
            return None
        only = set(config.only) or set(self.vocabulary.idx2char)
        allowed = np.array([c in only and c not in config.ban for c in self.vocabulary.idx2char])
        if not allowed.any():
            raise ConfigError("only, ban: no character that the model knows is left; allow at least one")
        return allowed

    def known(self, text: str, unknown: str, name: str = "seed text") -> str:
        """A text with only characters of the vocabulary.

        Args:
            text: any text, treated as the model's corpus was.
            unknown: `error` refuses others, `skip` leaves them out, `replace` puts U+FFFD or a space.
            name: what the text is, for messages.

        Raises:
            TextError: there are others and they are refused, or there is nothing to replace them by.
        """
        missing = self.vocabulary.missing(text)
        if not missing:
            return text
        if unknown == "error":
            raise TextError(
                f"{name}: the model does not know {describe(missing)}; "
                "leave them out, or give --unknown skip or --unknown replace"
            )
        substitutes = [c for c in (REPLACEMENT, " ") if c in self.vocabulary.char2idx]
        if unknown == "replace" and not substitutes:
            raise TextError(f"{name}: the model knows neither U+FFFD nor a space; give --unknown skip")
        substitute = substitutes[0] if unknown == "replace" else ""
        return "".join(substitute if c in missing else c for c in text)


def sample_tasks(
    seed_texts: Iterable[str], samples: int, workers: int, first: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """Seed texts for some workers: the index of a sample, and the seed texts of it and of those after it.

    Args:
        seed_texts: the texts to continue.
        samples: how many times each.
        workers: how many workers there are.
        first: the index of the first sample.
    """
    seeds = (seed for seed in seed_texts for _ in range(samples))
    while batch := list(islice(seeds, BATCH * workers)):
        for task in shares(batch, len(batch), workers, BATCH):
            yield first, task
            first += len(task)

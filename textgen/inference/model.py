"""A trained model, as Python meets it: it writes, scores texts and says what it expects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, Unpack, get_args, overload

import numpy as np

from textgen.config import SampleConfig, ScoreConfig, build
from textgen.data.evaluation import counted_characters
from textgen.data.transform import treated
from textgen.display.keywords import with_settings
from textgen.display.markup import card, excerpt, line, table
from textgen.errors import ConfigError, RunError, TextError, TextgenError
from textgen.inference.arguments import checked, one_text, seeds_of, whole
from textgen.inference.generate import Generator
from textgen.inference.overview import RunOverview, facts, overview, shape
from textgen.inference.sampling import log_probabilities
from textgen.inference.score import LIKELIEST, character_scores, corpus_part, mean_bits, shared_line_bits
from textgen.inference.surprises import Surprises
from textgen.runs.arrays import Floats, Ints
from textgen.runs.run import Run
from textgen.settings import SampleSettings, ScoreSettings

Part = Literal["train", "validation", "test"]
Scoring = Callable[[int, int], AbstractContextManager[Callable[[int], object]]]
"""Given how many characters of how many are scored, what to call with how many have been since the last call."""
SHOWN = 300
"""Characters of the sample that a notebook shows."""


def untold(counted: int, total: int) -> AbstractContextManager[Callable[[int], object]]:
    """Tell nobody."""
    return nullcontext(lambda count: None)


class Model(Generator):
    """A trained model that `textgen.load` has read.

    It reads every text as its corpus was made: with the same Unicode form, line ends and case.
    """

    run: Run | None = None
    """Where it was read from."""
    telling: Scoring = staticmethod(untold)
    """Told how `score` gets on with a text or a part of the corpus."""

    @classmethod
    def load(cls, path: str | os.PathLike[str], checkpoint: str = "best", precision: str = "float32") -> Model:
        """Load a checkpoint of a run; see `textgen.load`."""
        model = super().load(path, checkpoint, precision)
        model.run = Run(path)
        return model

    @overload
    def generate(self, seed_text: str = "", *, workers: int = 1, **settings: Unpack[SampleSettings]) -> str: ...

    @overload
    def generate(
        self,
        seed_text: list[str] | tuple[str, ...],
        *,
        samples: int = 1,
        workers: int = 1,
        **settings: Unpack[SampleSettings],
    ) -> list[str]: ...

    @overload
    def generate(
        self, seed_text: str = "", *, samples: int, workers: int = 1, **settings: Unpack[SampleSettings]
    ) -> list[str]: ...

    @with_settings(SampleSettings)
    def generate(
        self, seed_text: str | Iterable[str] = "", *, samples: int | None = None, workers: int = 1, **settings: Any
    ) -> str | list[str]:
        """Continue a text, or many side by side.

        Args:
            seed_text: the text to continue; empty starts a new line, or where the corpus had document ends, a new
                document. A list of texts continues each.
            samples: how many continuations of each text.
            workers: processes that share them; 0 is as many as there are cores. The texts are the same with any number.
            settings: see `SampleSettings` below; for instance length (characters to add, default 500), temperature
                (default 0.8, 0 is greedy), memory, top_k, top_p, stop, rng_seed.

        Returns:
            The seed text, as it was given, and what follows. For a list of texts, or where `samples` is given, a list:
            the samples of one text after another. The same rng_seed gives the same texts, and no text depends on those
            beside it.

        Raises:
            TextError: a seed text holds characters that the vocabulary lacks, or is no text, or there is none.
            ConfigError: a setting is unknown or out of range.
            TextgenError: a worker was killed.
        """
        config = build(SampleConfig, settings if samples is None else settings | {"samples": samples})
        written = self.write(seeds_of(seed_text, config.samples), config, workers=workers)
        by_sample = groupby(written, key=lambda pair: (pair[0].index, pair[0].seed_text))
        texts = [given + "".join(piece for _, piece in pieces) for (_, given), pieces in by_sample]
        return texts[0] if isinstance(seed_text, str) and samples is None else texts

    @with_settings(SampleSettings)
    def stream(
        self,
        seed_text: str = "",
        config: SampleConfig | None = None,
        index: int = 0,
        **settings: Unpack[SampleSettings],
    ) -> Iterator[str]:
        """As `generate` for one text, in pieces: first the seed text, then characters as they are made.

        Args:
            seed_text: the text to continue.
            config: the settings as one object, if they are not given by name.
            index: which of the samples that belong to one rng_seed, from 0.
            settings: see `SampleSettings` below.
        """
        return super().stream(one_text(seed_text), config or build(SampleConfig, settings), index)

    @overload
    def score(self, text: str, **settings: Unpack[ScoreSettings]) -> float: ...

    @overload
    def score(
        self, text: list[str] | tuple[str, ...], *, workers: int = 1, **settings: Unpack[ScoreSettings]
    ) -> Floats: ...

    @overload
    def score(self, *, split: Part, characters: int | None = None, **settings: Unpack[ScoreSettings]) -> float: ...

    @with_settings(ScoreSettings)
    def score(
        self,
        text: str | Iterable[str] | None = None,
        *,
        split: Part | None = None,
        characters: int | None = None,
        workers: int = 1,
        **settings: Unpack[ScoreSettings],
    ) -> float | Floats:
        """How surprising a text is, in bits per character.

        Args:
            text: a text; or lines without their ends, for instance `text.split("\\n")`. Each is read by itself.
            split: instead of a text a part of the corpus that the run was trained on: train, validation or test.
            characters: with split, score about so many characters, spread evenly over the part; by default all.
            workers: with lines, processes that share them; 0 is as many as there are cores. The score of a line depends
                on it by no more than the last digits of a float32.
            settings: see `ScoreSettings` below: memory (default 0) and unknown.

        Returns:
            The mean of all characters. For N lines an array (N,); the line end counts as a character of each.

        Raises:
            TextError: a text is empty, no text, or holds characters that the vocabulary lacks.
            RunError, CorpusError: the corpus of the run is no longer there, or is another one, or has no such part.
            ConfigError: a setting is unknown or out of range, or not one of text and split is given, or one beside
                what it does not belong to.
            TextgenError: a worker was killed.
        """
        config = build(ScoreConfig, settings)
        if (text is None) == (split is None):
            raise ConfigError("score: give a text or split, one of the two")
        if characters is not None and split is None:
            raise ConfigError("characters: goes with split; a text is scored whole")
        if workers != 1 and (text is None or isinstance(text, str)):
            raise ConfigError("workers: shares out lines; give a list of lines, or leave it out")
        model = self.remembering(config.memory)
        if split is not None:
            return self._mean_bits(model, self._part(split), whole("characters", characters))
        if isinstance(text, str):
            known = self._known(text, config.unknown, "text")
            if not known:
                raise TextError("text: empty; expected at least one character")
            return self._mean_bits(model, self.vocabulary.encode(known))
        lines = [self._known(line, config.unknown, "line") for line in checked(text, "text")]
        return shared_line_bits(model, lines, workers)

    @with_settings(ScoreSettings)
    def surprise(self, text: str, k: int = LIKELIEST, **settings: Unpack[ScoreSettings]) -> Surprises:
        """How surprising each character of a text is, and what the model expected in its place.

        Args:
            text: N characters.
            k: how many of the likeliest characters to tell, 1 or more; at most the vocabulary has.
            settings: see `ScoreSettings` below: memory (default 0) and unknown.

        Returns:
            characters (N,), bits (N,) and likeliest (N, k). A notebook shows the text shaded.

        Raises:
            TextError: the text holds characters that the vocabulary lacks.
            ConfigError: a setting is unknown or out of range.
        """
        config, k = build(ScoreConfig, settings), self._most(k)
        pieces = [self._known(one_text(text), config.unknown, "text")]
        return Surprises(character_scores(self.remembering(config.memory), pieces, k), k)

    @with_settings(ScoreSettings)
    def likeliest(
        self, text: str = "", k: int = LIKELIEST, **settings: Unpack[ScoreSettings]
    ) -> list[tuple[str, float]]:
        """What the model expects after a text.

        Args:
            text: any text; empty is where a text begins.
            k: how many characters to tell, 1 or more; at most the vocabulary has.
            settings: see `ScoreSettings` below: memory (default 0) and unknown.

        Returns:
            Pairs of a character and its probability, the likeliest first.

        Raises:
            As `surprise`.
        """
        config, k = build(ScoreConfig, settings), self._most(k)
        ids = self.ids(self._known(one_text(text), config.unknown, "text"))
        logits, _ = self.remembering(config.memory).predictor.read([ids])
        chances = np.exp(log_probabilities(logits[0].astype(np.float64)))
        best = np.argsort(-chances, kind="stable")[:k]
        return [(self.vocabulary.idx2char[index], float(chances[index])) for index in best]

    def __repr__(self) -> str:
        it = self._overview()
        if it is None:
            return f"<Model of {len(self.vocabulary):,} characters>"
        bits = "" if it.validation_bpc is None else f", {it.validation_bpc:.3f} bits per character"
        return f"<Model {it.run}: {shape(it.model)}, {it.vocabulary:,} characters{bits}>"

    def _repr_html_(self) -> str:
        it = self._overview()
        return card(table(facts(it)) if it else line(repr(self)), excerpt(self.generate(length=SHOWN, rng_seed=0)))

    def _overview(self) -> RunOverview | None:
        """What its run tells; None where that has gone or cannot be read."""
        try:
            return overview(Path(self.run.name)) if self.run else None
        except TextgenError:
            return None

    def _known(self, text: str, unknown: str, name: str) -> str:
        """A text as the model's corpus was made, of known characters."""
        return self.known(treated(text, self.text), unknown, name)

    def _part(self, split: str) -> Ints:
        """The ids (N,) of a part of the run's own corpus."""
        if split not in get_args(Part):
            raise ConfigError(f"split: {split!r}; expected train, validation or test")
        if self.run is None:
            raise RunError("split: this model was not read from a run; load one with textgen.load")
        return corpus_part(self.run, split)

    def _mean_bits(self, model: Generator, ids: Ints, most: int = 0) -> float:
        """The bits per character of a text, of which so many count; 0 is all."""
        with self.telling(counted_characters(len(ids), most), len(ids)) as told:
            return mean_bits(model, ids, most, told)

    def _most(self, k: int) -> int:
        """How many of the likeliest characters there can be."""
        return min(whole("k", k), len(self.vocabulary))


def newest_sample(run: Run, length: int) -> str:
    """What the newest weights of a run write; empty where it cannot be read."""
    try:
        return Model.load(run.path, "last").generate(length=length, rng_seed=0)
    except TextgenError:
        return ""

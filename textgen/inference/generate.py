"""Seed text to an iterator of characters."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any

import numpy as np

from textgen.config import SampleConfig, build
from textgen.data.vocabulary import REPLACEMENT, Vocabulary, describe
from textgen.errors import TextError
from textgen.inference.network import Network, load_network
from textgen.inference.sampling import choose
from textgen.run import Run


class Generator:
    """A trained model that writes.

    Args:
        network: the weights, ready to step.
        vocabulary: its characters.
    """

    def __init__(self, network: Network, vocabulary: Vocabulary) -> None:
        self.network = network
        self.vocabulary = vocabulary

    @classmethod
    def load(cls, path: str | os.PathLike[str], checkpoint: str = "best") -> Generator:
        """Load a checkpoint of a run; see `textgen.load`."""
        run = Run(path)
        info = run.load_info()
        vocabulary = Vocabulary.load(run.path)
        return cls(load_network(run, checkpoint, info.model, len(vocabulary)), vocabulary)

    def generate(self, seed_text: str = "", **settings: Any) -> str:
        """Continue a text.

        Args:
            seed_text: the text to continue; empty starts a new line.
            settings: fields of `SampleConfig`: length (characters to add, default 500), temperature
                (default 0.8, 0 is greedy), top_k, top_p, rng_seed, unknown.

        Returns:
            The seed text and what follows. The same rng_seed gives the same text.

        Raises:
            TextError: the seed text holds characters that the vocabulary lacks.
            ConfigError: a setting is unknown or out of range.
        """
        return "".join(self.stream(seed_text, build(SampleConfig, settings)))

    def stream(self, seed_text: str, config: SampleConfig, sample: int = 0) -> Iterator[str]:
        """As `generate`, in pieces: first the seed text, then one character at a time.

        Args:
            seed_text: the text to continue.
            config: the settings.
            sample: which of the samples that belong to one rng_seed, from 0.
        """
        rng_seed = secrets.randbits(63) if config.rng_seed is None else config.rng_seed
        generator = np.random.Generator(np.random.PCG64((rng_seed, sample)))
        seed_text = self.known(seed_text, config.unknown)
        logits, states = self._read(seed_text)
        yield seed_text
        for remaining in range(config.length, 0, -1):
            index = choose(logits[0], config, generator)
            yield self.vocabulary.idx2char[index]
            if remaining > 1:
                logits, states = self.network.step(np.array([index]), states)

    def known(self, text: str, unknown: str) -> str:
        """A text with only characters of the vocabulary.

        Args:
            text: any text.
            unknown: `error` refuses others, `skip` leaves them out, `replace` puts U+FFFD or a space.

        Raises:
            TextError: there are others and they are refused, or there is nothing to replace them by.
        """
        missing = self.vocabulary.missing(text)
        if not missing:
            return text
        if unknown == "error":
            raise TextError(
                f"seed text: the model does not know {describe(missing)}; "
                "leave them out, or give --unknown skip or --unknown replace"
            )
        substitutes = [c for c in (REPLACEMENT, " ") if c in self.vocabulary.char2idx]
        if unknown == "replace" and not substitutes:
            raise TextError("seed text: the model knows neither U+FFFD nor a space; give --unknown skip")
        substitute = substitutes[0] if unknown == "replace" else ""
        return "".join(substitute if c in missing else c for c in text)

    def _read(self, text: str):
        """The logits and the state after a line end and the text."""
        states = self.network.initial_states(1)
        logits = None
        for index in self.vocabulary.encode("\n" + text):
            logits, states = self.network.step(np.array([index]), states)
        return logits, states

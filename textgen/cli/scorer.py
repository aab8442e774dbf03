"""What `score` and `surprise` write."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

import textgen
from textgen.cli.standard_input import line_batches, read_text, shown_name
from textgen.config import PrepareConfig, ScoreConfig
from textgen.data.sources import find_sources
from textgen.data.text import Source
from textgen.errors import TextError
from textgen.inference.page import surprise_page
from textgen.inference.score import CharacterScore, character_scores, line_bits, total_bits
from textgen.runs.writing import write_bytes


class Scorer:
    """A model that scores texts.

    Args:
        run: a run directory.
        checkpoint: which of its checkpoints.
        config: the settings.
    """

    def __init__(self, run: Path, checkpoint: str, config: ScoreConfig) -> None:
        self.model = textgen.load(run, checkpoint).remembering(config.memory)
        self.unknown = config.unknown
        self.unknown_count = 0

    def files(self, paths: tuple[str, ...], form: str | None) -> Iterator[str]:
        """The score of some files in one of three forms: a total (None), `lines` or `chars`."""
        if form == "lines":
            return self.lines(line_batches(paths))
        if form == "chars":
            return self.characters(line_batches(paths))
        return self.total(paths)

    def total(self, paths: tuple[str, ...]) -> Iterator[str]:
        """The mean bits per character of all files together, each of them read as `prepare` reads it."""
        bits, characters = 0.0, 0
        for source in find_sources(paths, PrepareConfig().glob):
            with tempfile.TemporaryFile() as file:
                ids = self.spooled(source, file)
                bits += total_bits(self.model, ids) if len(ids) else 0
            characters += len(ids)
        if not characters:
            raise TextError(f"{', '.join(map(shown_name, paths))}: no text; expected at least one character")
        yield f"{bits / characters:.4f}\n"

    def spooled(self, source: Source, file: BinaryIO) -> np.ndarray:
        """The ids (N,) of a text, as a memory map of a file: a text of any length takes little memory."""
        # a model that knows zero bytes was taught them on purpose
        config = PrepareConfig(encoding="utf-8" if "\0" in self.model.vocabulary.char2idx else None)
        for piece in source.read(config, lambda count: None):
            file.write(self.model.vocabulary.encode(self.known(piece, source.name)).data)
        file.flush()
        dtype = self.model.vocabulary.dtype
        return np.memmap(file, dtype, "r") if file.tell() else np.empty(0, dtype)

    def lines(self, batches: Iterable[list[str]]) -> Iterator[str]:
        """For each line its mean bits per character, a tab and the line."""
        for batch in batches:
            bits = line_bits(self.model, [self.known(line, "line") for line in batch])
            yield "".join(f"{value:.4f}\t{line}\n" for value, line in zip(bits, batch, strict=True))

    def characters(self, batches: Iterable[list[str]]) -> Iterator[str]:
        """For each character a line of JSON."""
        encoder = msgspec.json.Encoder()
        for score in self.scores(f"{line}\n" for batch in batches for line in batch):
            yield encoder.encode(score).decode() + "\n"

    def scores(self, pieces: Iterable[str]) -> Iterator[CharacterScore]:
        """The scores of the characters of a text, bits rounded to four digits."""
        for score in character_scores(self.model, (self.known(piece, "text") for piece in pieces)):
            score.bits = round(score.bits, 4)
            yield score

    def draw_page(self, path: str, out: Path) -> None:
        """Write the page on which a file's characters are shaded by their surprise."""
        text = read_text(path)
        write_bytes(out, "".join(surprise_page(self.scores([text]), shown_name(path))).encode())

    def known(self, text: str, name: str) -> str:
        """A text of known characters; others are counted and treated as `unknown` says."""
        missing = self.model.vocabulary.missing(text)
        self.unknown_count += sum(text.count(character) for character in missing)
        return self.model.known(text, self.unknown, name) if missing else text

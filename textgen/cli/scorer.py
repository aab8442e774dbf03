"""What `score` and `surprise` write."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

import textgen
from textgen.cli.progress import CaseNote, scoring
from textgen.cli.standard_input import BATCH_LINES, line_batches, read_text, shown_name
from textgen.config import PrepareConfig, ScoreConfig
from textgen.data.sources import find_sources
from textgen.data.text import Source
from textgen.data.transform import transformed, treated
from textgen.errors import TextError
from textgen.inference.generate import Generator
from textgen.inference.page import surprise_page
from textgen.inference.score import CharacterScore, character_scores, mean_bits, rounded_line_bits
from textgen.inference.workers import shared_out, shares
from textgen.machine import number_of
from textgen.runs.writing import write_bytes


class Scorer:
    """A model that scores texts.

    Args:
        run: a run directory.
        checkpoint: which of its checkpoints.
        config: the settings.
        encoding: that of the texts, by default UTF-8.
        workers: processes that share lines.
    """

    def __init__(
        self, run: Path, checkpoint: str, config: ScoreConfig, encoding: str | None = None, workers: int = 1
    ) -> None:
        self.model = textgen.load(run, checkpoint).remembering(config.memory)
        self.unknown = config.unknown
        self.unknown_count = 0
        self.encoding = encoding
        self.noted = CaseNote(self.model.text.lowercase)
        self.workers = number_of(workers)

    def files(self, paths: tuple[str, ...], form: str | None) -> Iterator[str]:
        """The score of some files in one of three forms: a total (None), `lines` or `chars`."""
        if form == "lines":
            return self.lines(line_batches(paths, self.encoding))
        if form == "chars":
            return self.characters(line_batches(paths, self.encoding))
        return self.total(paths)

    def total(self, paths: tuple[str, ...]) -> Iterator[str]:
        """The mean bits per character of all files together, each of them read as `prepare` reads it."""
        bits, characters = 0.0, 0
        for source in find_sources(paths, PrepareConfig().glob):
            with tempfile.TemporaryFile() as file:
                ids = self.spooled(source, file)
                with scoring(len(ids)) as told:
                    bits += mean_bits(self.model, ids, told=told) * len(ids) if len(ids) else 0
            characters += len(ids)
        if not characters:
            raise TextError(f"{', '.join(map(shown_name, paths))}: no text; expected at least one character")
        yield f"{bits / characters:.4f}\n"

    def spooled(self, source: Source, file: BinaryIO) -> np.ndarray:
        """The ids (N,) of a text, as a memory map of a file: a text of any length takes little memory."""
        how = self.model.text
        # a model that knows zero bytes was taught them on purpose
        encoding = "utf-8" if self.encoding is None and "\0" in self.model.vocabulary.char2idx else self.encoding
        read = PrepareConfig(encoding=encoding, normalize="none", keep_line_ends=how.keep_line_ends)
        # form and case are changed here, after the note on case
        for piece in transformed(map(self.noted, source.read(read, lambda count: None)), how):
            file.write(self.model.vocabulary.encode(self.known(piece, source.name)).data)
        file.flush()
        dtype = self.model.vocabulary.dtype
        return np.memmap(file, dtype, "r") if file.tell() else np.empty(0, dtype)

    def lines(self, batches: Iterable[list[str]]) -> Iterator[str]:
        """For each line its mean bits per character, a tab and the line."""
        rows = ([(line, self.treated(line, "line")) for line in batch] for batch in batches)
        tasks = ((task,) for batch in rows for task in shares(batch, len(batch), self.workers, BATCH_LINES))
        for parts in shared_out(partial(scored, self.model), tasks, self.workers):
            yield "".join(parts)

    def characters(self, batches: Iterable[list[str]]) -> Iterator[str]:
        """For each character a line of JSON."""
        encoder = msgspec.json.Encoder()
        for score in self.scores(f"{line}\n" for batch in batches for line in batch):
            yield encoder.encode(score).decode() + "\n"

    def scores(self, pieces: Iterable[str]) -> Iterator[CharacterScore]:
        """The scores of the characters of a text, bits rounded to four digits."""
        for score in character_scores(self.model, (self.treated(piece, "text") for piece in pieces)):
            score.bits = round(score.bits, 4)
            yield score

    def draw_page(self, path: str, out: Path) -> None:
        """Write the page on which a file's characters are shaded by their surprise."""
        text = read_text(path, self.encoding, self.model.text.keep_line_ends)
        write_bytes(out, "".join(surprise_page(self.scores([text]), shown_name(path))).encode())

    def treated(self, text: str, name: str) -> str:
        """A text as the model's corpus was made, of known characters."""
        return self.known(treated(self.noted(text), self.model.text), name)

    def known(self, text: str, name: str) -> str:
        """A text of known characters; others are counted and treated as `unknown` says."""
        missing = self.model.vocabulary.missing(text)
        self.unknown_count += sum(text.count(character) for character in missing)
        return self.model.known(text, self.unknown, name) if missing else text


def scored(model: Generator, rows: list[tuple[str, str]]) -> Iterator[str]:
    """For each line, which comes as it is and with known characters alone, its mean bits per character, a tab and the
    line as it is."""
    bits = rounded_line_bits(model, [known for _, known in rows])
    yield "".join(f"{value:.4f}\t{line}\n" for value, (line, _) in zip(bits, rows, strict=True))

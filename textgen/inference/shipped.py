"""What comes with textgen, as a person wants to know it."""

from __future__ import annotations

import math
from pathlib import Path

from textgen.inference.overview import overview
from textgen.runs.shipped import MARK, shipped_corpus, shipped_names


class Shipped(list[str]):
    """The names of the corpora and of the models that come with textgen. As a text it is a table of each."""

    def __init__(self) -> None:
        super().__init__(f"{MARK}{name}" for name in (*shipped_names("corpora"), *shipped_names("pretrained")))

    def __str__(self) -> str:
        return shipped_table()

    __repr__ = __str__


def shipped_table() -> str:
    """A table of corpora and one of models."""
    lines = [f"{'corpus':12} {'characters':>10} {'distinct':>8} {'lines':>7}  first line"]
    for name in shipped_names("corpora"):
        text = "".join(path.read_text(encoding="utf-8") for path in shipped_corpus(name))
        row = f"{MARK}{name:11} {len(text):10,} {len(set(text)):8,} {text.count(chr(10)):7,}"
        lines.append(f"{row}  {text.split(chr(10), 1)[0][:30]}")
    lines += ["", f"{'model':12} {'parameters':>10} {'distinct':>8} {'bpc':>7}  has read"]
    for name in shipped_names("pretrained"):
        it = overview(Path(f"{MARK}{name}"))
        row = f"{it.run:12} {it.parameters:10,} {it.vocabulary:8,} {it.validation_bpc or math.nan:7.3f}"
        lines.append(f"{row}  {it.corpus}")
    return "\n".join(lines)

"""What a person wants to know about a corpus, in lines of text."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from textgen.data.vocabulary import DOCUMENT_END, REPLACEMENT, Vocabulary
from textgen.display.markup import card, excerpt, line

RAREST = 10
ODD_CATEGORIES = ("Cc", "Cf", "Cn", "Co", "Cs")


FIRST_LINES, FIRST_CHARACTERS = 6, 400
"""What a notebook shows of the text."""


class Described(Protocol):
    """What is described: a corpus, which shows itself by these functions."""

    path: Path
    info: Any
    vocabulary: Vocabulary
    train: np.ndarray


def corpus_card(corpus: Described) -> str:
    """A corpus in a notebook: `describe_corpus`, and the first lines of the text."""
    first, *others = describe_corpus(corpus).split("\n")
    text = corpus.vocabulary.decode(corpus.train[:FIRST_CHARACTERS]).replace(DOCUMENT_END, "\n")
    lines = [excerpt("\n".join(text.split("\n")[:FIRST_LINES]))]
    return card(line(first), *map(line, others), *lines)


def describe_corpus(corpus: Described) -> str:
    """Sizes, the rarest characters and the odd ones."""
    info = corpus.info
    counts = dict(zip(corpus.vocabulary.idx2char, info.counts, strict=True))
    documents = counts.pop(DOCUMENT_END, 0)
    counted = [(c, n) for c, n in counts.items() if n]
    total = info.train + info.validation + info.test
    test = f", test {info.test:,}" * (info.test > 0)
    rarest = sorted(counted, key=lambda pair: (pair[1], pair[0]))[:RAREST]
    odd = [(c, n) for c, n in counted if is_odd(c)]
    lines = [
        f"{corpus.path}: {total:,} characters, {len(counted):,} distinct, "
        f"from {len(info.sources):,} source{'s' * (len(info.sources) != 1)}"
        + f", {documents:,} document{'s' * (documents != 1)}"
        * (documents > 0),
        f"  train {info.train:,}, validation {info.validation:,}{test} ({info.settings.split})",
        f"  rarest: {show(rarest)}",
    ]
    if odd:
        lines.append(f"  odd: {show(odd[:RAREST])}")
    if info.marks:
        plural = "s" * (info.marks != 1)
        lines.append(f"  {info.marks:,} byte order mark{plural} (U+FEFF) left out at the start of files or lines")
    if info.settings.validation and not info.validation:
        lines.append("  too short to hold out a part of it: all of the text trains, and nothing validates")
    if info.replaced:
        lines.append(f"  {info.replaced:,} rare or unknown characters became U+FFFD")
    return "\n".join(lines)


def is_odd(character: str) -> bool:
    """Whether a character is a control or replacement character, other than a line end or a tab.

    >>> [is_odd(c) for c in ("a", "\\n", "\\x1b", "\\ufffd")]
    [False, False, True, True]
    """
    if character in "\n\t":
        return False
    return character == REPLACEMENT or unicodedata.category(character) in ODD_CATEGORIES


def show(counted: list[tuple[str, int]]) -> str:
    """Characters and how often they occur.

    >>> show([("a", 3), ("\\x1b", 1)])
    "'a' 3, U+001B 1"
    """
    return ", ".join(
        f"{c!r} {n:,}" if c.isprintable() and not is_odd(c) else f"U+{ord(c):04X} {n:,}" for c, n in counted
    )

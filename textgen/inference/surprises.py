"""The surprise of each character of a text, as arrays and as shaded HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from textgen.inference.page import surprise_fragment, surprise_page
from textgen.inference.score import CharacterScore
from textgen.runs.arrays import Floats, Texts


class Surprises:
    """What a model thought of a text of N characters. A notebook shows it shaded.

    Attributes:
        characters: (N,) the characters.
        bits: (N,) the surprise of each, in bits.
        likeliest: (N, k) what the model thought likeliest in its place, the likeliest first.
    """

    characters: Texts
    bits: Floats
    likeliest: Texts

    def __init__(self, scores: Iterable[CharacterScore], k: int) -> None:
        found = list(scores)
        # objects, for an array of NumPy's strings drops zero bytes
        self.characters = np.array([score.character for score in found], dtype=object)
        self.bits = np.array([score.bits for score in found], dtype=float)
        self.likeliest = np.array([score.likeliest for score in found], dtype=object).reshape(len(found), k)

    @property
    def bits_per_character(self) -> float:
        """The mean; NaN where there is no character."""
        return float(self.bits.mean()) if len(self) else math.nan

    def page(self, title: str) -> str:
        """The page that `textgen surprise` writes: self-contained HTML.

        Args:
            title: what the page is called.
        """
        return "".join(surprise_page(self, title))

    def __iter__(self) -> Iterator[CharacterScore]:
        for character, bits, likeliest in zip(self.characters, self.bits.tolist(), self.likeliest, strict=True):
            yield CharacterScore(character, bits, likeliest.tolist())

    def __len__(self) -> int:
        return len(self.bits)

    def __repr__(self) -> str:
        return f"<Surprises: {len(self):,} characters, {self.bits_per_character:.3f} bits per character>"

    def _repr_html_(self) -> str:
        return "".join(surprise_fragment(self))

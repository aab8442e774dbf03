"""Whether a model recites: the longest passages of its samples that stand in a text that it has read.

`python benchmarks/recites.py RUN TEXT [--samples 100] [--length 2000] [--temperature 0.8] [--longest 5]`

TEXT is a file, of any length; it is read in pieces. Passages are compared by characters, line breaks being spaces.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path

from measures import Automaton

import textgen
from textgen.config import SampleConfig

PIECE = 2**24
OVERLAP = 1000


def sampled(run: str, samples: int, length: int, temperature: float) -> list[str]:
    """What a model writes, each line break a space."""
    config = SampleConfig(length=length, temperature=temperature, rng_seed=1)
    texts: dict[int, str] = {}
    for sample, piece in textgen.load(run).write([""] * samples, config):
        texts[sample.index] = texts.get(sample.index, "") + piece
    return [text.replace("\n", " ") for text in texts.values()]


def pieces(path: Path) -> Iterator[str]:
    """A text in pieces that overlap, each line break a space."""
    before = ""
    with path.open(encoding="utf-8") as file:
        while piece := file.read(PIECE):
            yield (before + piece).replace("\n", " ")
            before = piece[-OVERLAP:]


def passage(sample: str, length: int, path: Path) -> str:
    """The passage of a sample of this length that stands in a text."""
    candidates = {sample[start : start + length] for start in range(len(sample) - length + 1)}
    for piece in pieces(path):
        if found := next((candidate for candidate in candidates if candidate in piece), None):
            return found
    return ""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run, or @name")
    parser.add_argument("text", type=Path)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--length", type=int, default=2000)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--longest", type=int, default=5)
    options = parser.parse_args()
    texts = sampled(options.run, options.samples, options.length, options.temperature)
    automaton, longest = Automaton(texts), [0] * len(texts)
    for piece in pieces(options.text):
        longest = list(map(max, longest, automaton.longest_found(piece)))
    print(f"longest passage of a sample that stands in the text: median {statistics.median(longest):.0f} characters")
    for index in sorted(range(len(texts)), key=lambda i: -longest[i])[: options.longest]:
        print(f"{longest[index]:4}  {passage(texts[index], longest[index], options.text)}")


if __name__ == "__main__":
    main()

"""What counts and a memory cost in sampling and scoring. `python benchmarks/sample_counts.py RUN [RUN...] [--rounds 7]`

Each run, which must have counts, takes turns with itself beside a memory of 1,000 characters and with its network
alone: one stream, 64 streams, lines scored, one text scored. A figure is the median over the rounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import median, report
from sample import in_turn

import textgen
from textgen.config import SampleConfig
from textgen.inference.generate import Generator
from textgen.inference.overview import overview, shape
from textgen.inference.predictor import Predictor
from textgen.inference.score import line_bits, mean_bits

LINES = 4000
MEMORY = 1000
START = """
import subprocess, sys, time
began = time.time()
process = subprocess.Popen([sys.executable, "-m", "textgen", "sample", sys.argv[1]], stdout=-1)
process.stdout.read(1)
print(time.time() - began)
process.kill()
"""


def sampled(model: Generator, samples: int, length: int, memory: int) -> Callable[[], int]:
    """Write some samples side by side."""
    config = SampleConfig(length=length, rng_seed=1, memory=memory)
    return lambda: sum(len(piece) for _, piece in model.write([""] * samples, config))


def scored(model: Generator, lines: list[str]) -> Callable[[], int]:
    """Score some lines."""
    return lambda: len(line_bits(model, lines))


def read(model: Generator, ids: np.ndarray) -> Callable[[], int]:
    """Score one text."""

    def score() -> int:
        mean_bits(model, ids)
        return len(ids)

    return score


def row(path: Path, rounds: int) -> dict[str, object]:
    """The figures of one run."""
    mixed = textgen.load(path)
    alone = Generator(Predictor(mixed.predictor.network), mixed.vocabulary)
    lines = [line[:13] for line in mixed.generate(length=LINES * 12, rng_seed=2).splitlines()[:LINES]]
    ids = mixed.vocabulary.encode(mixed.generate(length=20_000, rng_seed=3)).astype(int)
    sides = {}
    for name, model, memory in (("memory", mixed, MEMORY), ("counts", mixed, 0), ("alone", alone, 0)):
        sides |= {f"{name} 1": sampled(model, 1, 1500, memory), f"{name} 64": sampled(model, 64, 100, memory)}
        reader = model.remembering(memory)
        sides |= {f"{name} lines": scored(reader, lines), f"{name} text": read(reader, ids)}
    rates = in_turn(sides, rounds)
    starts = [
        float(subprocess.run([sys.executable, "-c", START, path], capture_output=True, text=True, check=True).stdout)
        for _ in range(rounds)
    ]
    found: dict[str, object] = {"model": shape(overview(path).model)}
    for what in ("1", "64", "lines", "text"):
        for side in ("counts", "memory"):
            share = rates[f"{side} {what}"] / rates[f"alone {what}"]
            found[f"{what}, with {side}"] = f"{rates[f'{side} {what}']:,.0f} ({share:.2f})"
    return found | {"first character, s": f"{median(starts):.2f}"}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    report(
        "What counts and a memory cost: characters and lines a second (and as a share of the network alone)",
        [row(path, arguments.rounds) for path in arguments.runs],
        None,
    )

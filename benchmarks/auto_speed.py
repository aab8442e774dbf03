"""What `--preset auto` expects of this machine's training, and what it does.

`python benchmarks/auto_speed.py [--widths 192 256 384 512] [--seconds 5] [--json FILE]`

One layer, 16 streams, windows of 64, random text of 65 characters. `found` is the fastest of all pairs of steps, so
that moments in which the machine is busy do not count. `by a product` is what would be expected of the rate of a large
matrix product, 200 GFLOP/s being the table's.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from machine import report, sgemm_gflops
from train_speed import VOCABULARY, Textgen

from textgen.machine import steps_per_second
from textgen.recipe import STEPS_PER_SECOND, characters_per_second

STREAMS, WINDOW = 16, 64
TABLE_GFLOPS = 200


def found(units: int, seconds: float) -> float:
    """The characters a second of training at its fastest."""
    side = Textgen("lstm", 1, units, STREAMS, WINDOW)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (2, STREAMS, WINDOW + 1)).astype(np.int32)
    side.steps(ids)
    began, best = time.perf_counter(), float("inf")
    while time.perf_counter() - began < seconds:
        before = time.perf_counter()
        side.steps(ids)
        best = min(best, time.perf_counter() - before)
    return len(ids) * STREAMS * WINDOW / best


def main() -> None:
    """Measure all widths and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[192, 256, 384, 512])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    steps = sorted(steps_per_second() for _ in range(5))
    product = sgemm_gflops()
    rows = []
    for units in options.widths:
        rate, usual = found(units, options.seconds), characters_per_second(units)
        expected, by_product = (usual * ratio for ratio in (steps[2] / STEPS_PER_SECOND, product / TABLE_GFLOPS))
        rows.append(
            {
                "units": units,
                "found": rate,
                "expected": expected,
                "found / expected": rate / expected,
                "by a product": by_product,
                "found / that": rate / by_product,
            }
        )
    spread = f"steps a second {steps[0]:,.0f} to {steps[-1]:,.0f}"
    report(f"{spread}, a product {product:.0f} GFLOP/s", rows, options.json)


if __name__ == "__main__":
    main()

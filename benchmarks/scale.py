"""Training with 1 and 2 workers on this machine, and a model of more.

`python benchmarks/scale.py CORPUS [--rounds 3] [--steps 300] [--units 384] [--json FILE]`

Every worker has one core and the same number of streams, so two workers read twice the characters in a step, and
would do so in the same time if talking cost nothing (weak scaling). One and two workers take turns; a figure is the
median over the rounds. What they send is counted on the loopback device.

The model for K workers: a step takes T(K) = T(1) + 2 (K - 1) / K * S / W + 2 (K - 1) * L, the second term a ring
all-reduce (Patarasuk and Yuan 2009) of S bytes of gradients at W bytes a second, the third its messages of latency L.
Nothing overlaps in it.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import median, report

from textgen.inference.overview import overview

LATENCY = 50e-6
WORKERS = (1, 2)
LOOPBACK = Path("/sys/class/net/lo/statistics/tx_bytes")


def train(corpus: Path, workers: int, options: argparse.Namespace) -> dict:
    """Train once; seconds and bytes for each step, without the first validation period, which compiles."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train = ["train", corpus, "--out", run, "--units", options.units, "--batch-size", options.streams * workers]
        train += ["--steps", options.steps, "--validations", 2, "--checkpoint-every", 0]
        command = [sys.executable, "-m", "textgen", "launch", "--workers", workers, "--", *train]
        sent = int(LOOPBACK.read_text())
        subprocess.run([*map(str, command)], check=True, capture_output=True, env=one_core(os.environ))
        sent = int(LOOPBACK.read_text()) - sent
        rows = list(csv.DictReader((run / "history.csv").open()))
        rate = float(rows[-1]["characters_per_second"])
        characters = options.streams * workers * 64
        parameters = overview(run).parameters
    return {"seconds": characters / rate, "rate": rate, "sent": sent / options.steps, "parameters": parameters}


def one_core(environment) -> dict:
    """The environment in which each worker computes on one core, however many there are."""
    return {**environment, "TF_NUM_INTRAOP_THREADS": "1"}


def predicted(seconds: float, gradient_bytes: int, workers: int, gigabits: float) -> float:
    """T(K) of the model."""
    transfer = 2 * (workers - 1) / workers * gradient_bytes / (gigabits * 1e9 / 8)
    return seconds + transfer + 2 * (workers - 1) * LATENCY


def main() -> None:
    """Measure, predict and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a prepared corpus")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--units", type=int, default=384)
    parser.add_argument("--streams", type=int, default=16, help="streams of each worker")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {workers: [] for workers in WORKERS}
    for _ in range(options.rounds):
        for workers in WORKERS:
            found[workers].append(train(options.corpus, workers, options))
    medians = {workers: {key: median([run[key] for run in runs]) for key in runs[0]} for workers, runs in found.items()}
    alone = medians[1]["seconds"]
    gradient_bytes = 4 * int(medians[1]["parameters"])
    rows = [
        row("measured here", workers, "loopback", medians[workers]["seconds"], alone, options, medians[workers]["sent"])
        for workers in WORKERS
    ]
    for workers in (8, 64):
        for gigabits in (10, 100):
            seconds = predicted(alone, gradient_bytes, workers, gigabits)
            sent = 2 * (workers - 1) * gradient_bytes
            rows.append(row("computed", workers, f"{gigabits} Gbit/s", seconds, alone, options, sent))
    report(f"Scaling: 1x{options.units}, {options.streams} streams of 64 for each worker", rows, options.json)


def row(kind: str, workers: int, network: str, seconds: float, alone: float, options, sent: float) -> dict:
    """One line of the table; `sent` is what all workers together send in a step."""
    return {
        "figure": kind,
        "workers": workers,
        "network": network,
        "ms a step": 1000 * seconds,
        "characters/s": options.streams * workers * 64 / seconds,
        "lost to talking, %": 100 * (1 - alone / seconds),
        "MB sent a step": sent / 1e6,
    }


if __name__ == "__main__":
    main()

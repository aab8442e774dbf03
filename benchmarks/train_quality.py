"""How good a model gets in so many minutes: `textgen train` as a user runs it.

`python benchmarks/train_quality.py CORPUS [--minutes 1 2.37] [--preset auto base] [--target 1.886] [--json FILE]`

For each time and preset one training. Beside its best validation loss stand the characters that it has read and the
rate of a matrix product right before it, because a busy machine reads fewer; the training seconds to a target loss,
between two validations by a straight line; the peak memory of the process; and the whole time of a command that makes
one step only, which bounds the time to the first step.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import file_sha256, report, sgemm_gflops

from textgen.inference.overview import overview, shape
from textgen.runs.run import Run

WHOLE = ("--validation-characters", "0")


def train(corpus: Path, out: Path, *options: str) -> tuple[float, float]:
    """Train; the seconds and the peak memory in MB of the whole process."""
    command = [sys.executable, "-m", "textgen", "train", str(corpus), "--out", str(out), *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def measure(corpus: Path, preset: str, minutes: float, target: float) -> dict:
    """One training."""
    gflops = sgemm_gflops()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        _, memory = train(corpus, out, "--preset", preset, "--minutes", str(minutes), "--validations", "60", *WHOLE)
        found = overview(out)
        config = Run(out).load_info().train
        rows = list(csv.DictReader((out / "history.csv").open()))
    steps = found.steps * config.batch_size * config.seq_length
    return {
        "minutes": minutes,
        "preset": preset,
        "model": shape(found.model),
        "characters read": steps,
        "SGEMM GFLOP/s": gflops,
        "validation bpc": f"{found.validation_bpc:.3f}",
        "validation nats": f"{found.validation_bpc * math.log(2):.3f}",
        f"s to {target} nats": seconds_to(rows, target / math.log(2)),
        "peak MB": memory,
    }


def seconds_to(rows: list[dict], bpc: float) -> float:
    """Seconds of training until the validation loss first was as low as `bpc`; NaN when it never was."""
    before = None
    for row in rows:
        seconds, loss = float(row["seconds"]), float(row["validation_bpc"])
        if loss <= bpc:
            if before is None:
                return seconds
            return before[0] + (seconds - before[0]) * (before[1] - bpc) / (before[1] - loss)
        before = seconds, loss
    return math.nan


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a prepared corpus with a validation part")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 142 / 60])
    parser.add_argument("--preset", nargs="+", default=["auto"])
    parser.add_argument("--target", type=float, default=1.886, help="a loss in nats per character")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first, _ = train(options.corpus, Path(folder) / "run", "--steps", "1")
    rows = [measure(options.corpus, p, m, options.target) for m in options.minutes for p in options.preset]
    title = f"Training on {options.corpus.name} (corpus.json {file_sha256(options.corpus / 'corpus.json')[:12]}); "
    report(f"{title}one step and its validation, from the command to its end: {first:.1f} s", rows, options.json)


if __name__ == "__main__":
    main()

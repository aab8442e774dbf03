"""Preparing and training on a text larger than memory: `python benchmarks/large_corpus.py [--megabytes 4000] [TEXT]`.

TEXT (by default the shipped fables) is repeated up to the size, and to a small one that is compared with it. Every
process may have only so much data (`--limit`, set as RLIMIT_DATA: heap and private writable mappings, which is all
that NumPy and TensorFlow allocate; the corpus itself is a read-only mapping of a file, whose pages the system may drop
at any time). Memory is what /proc tells every tenth of a second: VmData, which the limit is for, RssAnon, its resident
part, and RssFile, the pages of libraries and of the corpus that are mapped just then. Small and large trainings take
turns; speeds are medians.
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import file_sha256, median, report

FABLES = Path(__file__).parent.parent / "corpora" / "fables" / "fables.txt"
POLL_SECONDS = 0.1
FIELDS = ("RssAnon", "RssFile", "VmData")


def memory(pid: int) -> dict[str, float]:
    """The megabytes of a process's memory of some kinds; empty when it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":") for line in lines)
    return {name: int(value.split()[0]) / 1024 for name, value in pairs if name in FIELDS}


def watched(limit: int, *arguments: object) -> dict[str, float]:
    """Run a textgen command with at most `limit` megabytes of data; its seconds and memory."""

    def restrict() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit * 2**20, limit * 2**20))

    command = [sys.executable, "-m", "textgen", *map(str, arguments)]
    # a file, since a pipe that nobody reads would block the command
    with tempfile.TemporaryFile("w+") as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=restrict)
        polled = []
        while process.poll() is None:
            polled.append(memory(process.pid))
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - began
        if process.returncode:
            log.seek(0)
            raise SystemExit(f"failed: {' '.join(command)}\n{log.read()[-2000:]}")
    polled = [found for found in polled if found]
    return {
        "seconds": seconds,
        **{f"{name} at most, MB": max(found[name] for found in polled) for name in FIELDS},
    }


def write_text(piece: bytes, megabytes: int, path: Path) -> None:
    """A text repeated to a size."""
    with path.open("wb") as file:
        for _ in range(megabytes * 10**6 // len(piece) + 1):
            file.write(piece)


def trained_speed(run: Path) -> float:
    """Characters per second of a run's training, validation left out."""
    with (run / "history.csv").open(newline="") as file:
        return float(list(csv.DictReader(file))[-1]["characters_per_second"])


def main() -> None:
    """Prepare and train on a small and a large text, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="?", type=Path, default=FABLES)
    parser.add_argument("--megabytes", type=int, default=4000)
    parser.add_argument("--small", type=int, default=10, help="megabytes of the small text")
    parser.add_argument("--limit", type=int, default=1024, help="megabytes of data that a process may have")
    parser.add_argument("--steps", type=int, default=1500, help="of each training")
    parser.add_argument("--rounds", type=int, default=3, help="trainings on each text")
    parser.add_argument("--folder", type=Path, help="where to put the texts, two to three times the size")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    piece = arguments.text.read_bytes()
    sizes = (arguments.small, arguments.megabytes)
    rows, speeds, trainings = [], {size: [] for size in sizes}, {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for size in sizes:
            source = Path(folder) / f"{size}.txt"
            write_text(piece, size, source)
            figures = watched(arguments.limit, "prepare", source, "--out", Path(folder) / str(size))
            characters = source.stat().st_size / figures["seconds"]
            rows.append({"command": "prepare", "MB of text": size, "characters/s": characters, **figures})
            source.unlink()
        for turn in range(arguments.rounds):
            for size in sizes:
                run = Path(folder) / f"run-{size}-{turn}"
                settings = ("--steps", arguments.steps, "--validations", 1, "--validation-characters", 100_000)
                trainings[size] = watched(arguments.limit, "train", Path(folder) / str(size), "--out", run, *settings)
                speeds[size].append(trained_speed(run))
        for size in sizes:
            speed = median(speeds[size])
            rows.append({"command": "train", "MB of text": size, "characters/s": speed, **trainings[size]})
    ratio = median(speeds[sizes[1]]) / median(speeds[sizes[0]])
    title = (
        f"data limited to {arguments.limit} MB by RLIMIT_DATA, text sha256 {file_sha256(arguments.text)}; "
        f"training on {sizes[1]} MB runs at {ratio:.3f} of the speed on {sizes[0]} MB"
    )
    report(title, rows, arguments.json)


if __name__ == "__main__":
    main()

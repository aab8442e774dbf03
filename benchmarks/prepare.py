"""Speed and memory of `textgen prepare`: `python benchmarks/prepare.py [--megabytes 1000] [TEXT]`.

TEXT (by default the shipped fables, which are ASCII) is repeated up to the size. The command runs in a
process of its own on one core; memory is that process's largest resident set as the system accounts it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import file_sha256, median, report

FABLES = Path(__file__).parent.parent / "corpora" / "fables" / "fables.txt"


def prepare(source: Path, folder: Path, *options: str) -> tuple[float, float]:
    """Seconds and peak resident megabytes of one preparation on one core."""
    command = [
        sys.executable,
        "-m",
        "textgen",
        "prepare",
        str(source),
        "--out",
        str(folder),
        "--force",
        *options,
    ]
    core = min(os.sched_getaffinity(0))
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main() -> None:
    """Write a large file, prepare it some times, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="?", type=Path, default=FABLES)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    piece = arguments.text.read_bytes()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in (arguments.megabytes // 10, arguments.megabytes):
            source = Path(folder) / "large.txt"
            with source.open("wb") as file:
                for _ in range(megabytes * 10**6 // len(piece) + 1):
                    file.write(piece)
            for options in ([], ["--split", "lines"]) if megabytes < arguments.megabytes else ([],):
                runs = [prepare(source, Path(folder) / "out", *options) for _ in range(arguments.repeats)]
                seconds, memory = median([run[0] for run in runs]), max(run[1] for run in runs)
                rows.append(
                    {
                        "MB of text": megabytes,
                        "options": " ".join(options) or "none",
                        "seconds": seconds,
                        "MB/s": source.stat().st_size / 1e6 / seconds,
                        "peak resident MB": memory,
                    }
                )
    report(f"prepare, text sha256 {file_sha256(arguments.text)}", rows, arguments.json)


if __name__ == "__main__":
    main()

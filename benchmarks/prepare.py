"""Speed and memory of `textgen prepare`: `python benchmarks/prepare.py [--megabytes 1000] [TEXT]`.

TEXT (by default the shipped fables, which are ASCII) is repeated up to the size. The command runs in a
process of its own on one core; memory is that process's largest resident set as the system accounts it. At last the
text is cut into many files, and one worker and as many as there are cores take turns on all cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import file_sha256, median, report

FABLES = Path(__file__).parent.parent / "corpora" / "fables" / "fables.txt"
FILES = 100


def prepare(source: Path, folder: Path, options: list[str], cores: set[int]) -> tuple[float, float]:
    """Seconds and peak resident megabytes of one preparation, into a new folder, on some cores."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "textgen", "prepare", str(source), "--out", str(folder), *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def write_text(piece: bytes, megabytes: float, path: Path) -> None:
    """A text repeated to a size."""
    with path.open("wb") as file:
        for _ in range(int(megabytes * 10**6) // len(piece) + 1):
            file.write(piece)


def measured(source: Path, variants: list[list[str]], cores: set[int], repeats: int) -> list[dict]:
    """A row for each variant of options; the variants take turns."""
    files = [source] if source.is_file() else list(source.iterdir())
    size = sum(path.stat().st_size for path in files) / 1e6
    out = source.parent / "out"
    runs = [[prepare(source, out, options, cores) for options in variants] for _ in range(repeats)]
    rows = []
    for options, results in zip(variants, zip(*runs, strict=True), strict=True):
        seconds = median([result[0] for result in results])
        rows.append(
            {
                "MB of text": round(size),
                "files": len(files),
                "cores": len(cores),
                "options": " ".join(options) or "none",
                "seconds": seconds,
                "MB/s": size / seconds,
                "peak resident MB": max(result[1] for result in results),
            }
        )
    return rows


def main() -> None:
    """Write large files, prepare them some times, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="?", type=Path, default=FABLES)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    piece = arguments.text.read_bytes()
    all_cores = os.sched_getaffinity(0)
    one_core = {min(all_cores)}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for megabytes, variants in (
            (arguments.megabytes // 10, [[], ["--split", "lines"]]),
            (arguments.megabytes, [[]]),
        ):
            source = Path(folder) / "large.txt"
            write_text(piece, megabytes, source)
            rows += measured(source, variants, one_core, arguments.repeats)
        source.unlink()
        many = Path(folder) / "many"
        many.mkdir()
        for i in range(FILES):
            write_text(piece, arguments.megabytes / FILES, many / f"{i}.txt")
        variants = [["--workers", "1"], ["--workers", str(len(all_cores))]]
        rows += measured(many, variants, all_cores, arguments.repeats)
    report(f"prepare, text sha256 {file_sha256(arguments.text)}", rows, arguments.json)


if __name__ == "__main__":
    main()

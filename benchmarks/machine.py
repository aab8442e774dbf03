"""What every benchmark prints beside its figures: the machine, the versions, a matrix product's rate."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

PACKAGES = ("textgen-keras", "tensorflow", "keras", "numpy", "torch")


def describe_machine() -> dict:
    """Processor, cores and the versions of what is installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **found,
    }


def processor() -> str:
    """The processor's own name, as far as the system tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    features = {"avx512f", "avx2"} & {word for line in lines if line.startswith("flags") for word in line.split()}
    return f"{names[0] if names else platform.processor()} ({', '.join(sorted(features)) or 'no AVX2'})"


def sgemm_gflops(size: int = 1536, repeats: int = 7) -> float:
    """The best rate of a float32 matrix product in NumPy, in GFLOP/s."""
    left, right = (np.random.default_rng(i).random((size, size), np.float32) for i in (0, 1))
    left @ right
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds) / 1e9


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, to name the text that was measured on."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def median(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


def report(title: str, rows: list[dict], json_path: Path | None) -> None:
    """Print rows as a Markdown table under the machine's description, and write them as JSON if asked to."""
    machine = describe_machine()
    print(f"{title}\n{', '.join(f'{k} {v}' for k, v in machine.items())}\n")
    columns = list(rows[0])
    print("| " + " | ".join(columns) + " |")
    print("| " + " | ".join("---" for _ in columns) + " |")
    for row in rows:
        print("| " + " | ".join(shown(row[column]) for column in columns) + " |")
    if json_path:
        json_path.write_text(json.dumps({"title": title, "machine": machine, "rows": rows}, indent=2) + "\n")


def shown(value: object) -> str:
    """A number with as many digits as one reads."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)

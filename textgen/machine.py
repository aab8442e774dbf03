"""What this machine has, and how fast it is."""

from __future__ import annotations

import contextlib
import os
import time
from importlib.util import find_spec
from pathlib import Path

from textgen.errors import ConfigError, TextgenError

SIZE = 384
"""Rows and columns of the matrices that are multiplied to measure the speed."""
SECONDS = 0.2
CONTAINER_LIMIT = "/sys/fs/cgroup/memory.max"
"""On Linux: bytes, or a word where there is no limit."""
MOST_WORKERS = 1024


def cores() -> int:
    """The processor cores that TensorFlow may use in this process."""
    if (threads := os.environ.get("TF_NUM_INTRAOP_THREADS", "")).isdecimal() and int(threads):
        return int(threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def number_of(workers: int) -> int:
    """How many processes a setting means: 0 is as many as there are cores.

    Raises:
        ConfigError: it is no whole number, or out of range.

    >>> number_of(3)
    3
    """
    if not hasattr(workers, "__index__") or not 0 <= workers <= MOST_WORKERS:
        raise ConfigError(f"workers: Expected 0 (as many as there are cores) to {MOST_WORKERS}, got {workers!r:.80}")
    return workers or cores()


def memory_bytes() -> int:
    """The memory that this process may use, as far as the system tells it; 0 where it does not."""
    limits = []
    with contextlib.suppress(ValueError, OSError, AttributeError):
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(ValueError, OSError):
        limits.append(int(Path(CONTAINER_LIMIT).read_text()))
    return max(0, min(limits, default=0))


def gigaflops() -> float:
    """How fast this process multiplies matrices of float32, in 10**9 operations a second: the best of some products."""
    import numpy as np

    matrix = np.full((SIZE, SIZE), 0.5, np.float32)
    out = np.empty_like(matrix)
    began, best = time.perf_counter(), float("inf")
    while time.perf_counter() - began < SECONDS or best == float("inf"):
        before = time.perf_counter()
        np.matmul(matrix, matrix, out=out)
        best = min(best, time.perf_counter() - before)
    return 2e-9 * SIZE**3 / best


def check_installed() -> None:
    """Raise a TextgenError unless everything is installed that training needs; nothing of it is imported."""
    if lacking := [name for name in ("tensorflow", "keras") if not find_spec(name)]:
        raise TextgenError(
            f"training and .keras files need {' and '.join(lacking)}, not installed here: pip install tensorflow keras"
        )

"""What this machine has, and how fast it is."""

from __future__ import annotations

import contextlib
import os
import time
from importlib.util import find_spec
from pathlib import Path

from textgen.errors import ConfigError, TextgenError

SECONDS = 0.5
"""To measure the speed in."""
STREAMS, UNITS, FUNCTIONS = 16, 256, 2
"""The arithmetic that is measured: a batch, a usual width, and what is done to each gate."""
MOST_PARTS = 2
"""So many parts such a batch is cut into in training, each for a core of its own."""
BLOCK = 64
"""Columns that are multiplied at once: so few that the library does not share them out to other cores."""
CONTAINER_LIMIT = "/sys/fs/cgroup/memory.max"
"""On Linux: bytes, or a word where there is no limit."""
MOST_WORKERS = 1024


def cores() -> int:
    """The processor cores that TensorFlow may use in this process."""
    if (threads := os.environ.get("TF_NUM_INTRAOP_THREADS", "")).isdecimal() and int(threads):
        return int(threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_one_of_several() -> bool:
    """Whether TF_CONFIG or Slurm says that this process trains together with others."""
    return "TF_CONFIG" in os.environ or int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1


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


def steps_per_second() -> float:
    """How fast this machine does what training does: steps in time of a layer, for all streams of a batch.

    Processor time counts, not the clock: a moment in which the machine is busy with other things changes little.
    """
    from concurrent.futures import ThreadPoolExecutor

    parts = min(cores(), MOST_PARTS)
    with ThreadPoolExecutor(parts) as pool:
        return sum(pool.map(part_per_second, [STREAMS // parts] * parts)) / parts


def part_per_second(streams: int) -> float:
    """The steps of some streams in a second of a core. One is a thin product, and functions of each gate."""
    import numpy as np

    state = np.full((streams, UNITS), 0.5, np.float32)
    kernel = np.full((4 * UNITS // BLOCK, UNITS, BLOCK), 1 / UNITS, np.float32)
    gates = np.empty((len(kernel), streams, BLOCK), np.float32)
    activated = np.empty_like(gates)
    began, end, steps = time.thread_time(), time.monotonic() + SECONDS, 0
    while not steps or time.monotonic() < end:
        np.matmul(state, kernel, out=gates)
        for _ in range(FUNCTIONS):
            np.tanh(gates, out=activated)
            np.multiply(activated, gates, out=activated)
        steps += 1
    return steps / max(time.thread_time() - began, 1e-9)


def check_installed() -> None:
    """Raise a TextgenError unless everything is installed that training needs; nothing of it is imported."""
    if lacking := [name for name in ("tensorflow", "keras") if not find_spec(name)]:
        raise TextgenError(
            f"training and .keras files need {' and '.join(lacking)}, not installed here: pip install tensorflow keras"
        )

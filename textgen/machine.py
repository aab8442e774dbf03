"""What this machine has."""

from __future__ import annotations

import os


def cores() -> int:
    """The processor cores that TensorFlow may use in this process."""
    if (threads := os.environ.get("TF_NUM_INTRAOP_THREADS", "")).isdecimal() and int(threads):
        return int(threads)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

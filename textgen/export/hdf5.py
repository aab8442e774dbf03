"""A stranger's HDF5, read in a process of its own: the library's crash, hang or hunger for memory is one line here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from textgen.errors import ModelError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""How a file of HDF5 begins."""
READER = Path(__file__).with_name("hdf5_reader.py")
SECONDS = 5
BYTES_A_SECOND = 10**7
"""A reader may work for SECONDS, and as much longer as a slow machine needs for a large file."""
PATIENCE = 8
"""How many times as long it may wait: a busy machine lets anybody wait."""
MOST_SAID = 300
"""Characters of an error of the library that are shown."""


class Stored(msgspec.Struct):
    """What a file of HDF5 holds, under absolute names: plain float32 arrays, and Keras's attributes of its groups."""

    arrays: dict[str, np.ndarray]
    attributes: dict[str, dict[str, list[str]]]


def read_hdf5(file: Path, data: bytes) -> Stored:
    """Read HDF5 in a process that has little memory and time, and can write no file.

    Args:
        file: where it comes from, for messages.
        data: its bytes.

    Raises:
        ModelError: h5py is missing, or it is damaged, or the library crashed, took too long or too much memory.
    """
    if find_spec("h5py") is None:
        raise ModelError(f"{file}: HDF5 needs h5py, not installed here: pip install h5py")
    seconds = SECONDS + len(data) // BYTES_A_SECOND
    command = [sys.executable, "-P", str(READER), str(seconds)]
    paths = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, check=False, timeout=PATIENCE * seconds, env=environment
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"{file}: cannot be read as HDF5: not done after {PATIENCE * seconds:,} s") from None
    if done.returncode:
        raise ModelError(f"{file}: cannot be read as HDF5: {reason(done, seconds)}")
    try:
        tensors = load(done.stdout)
        attributes = msgspec.json.decode(tensors.pop("attributes").tobytes(), type=dict[str, dict[str, list[str]]])
    except (SafetensorError, KeyError, msgspec.DecodeError) as error:
        raise ModelError(f"{file}: cannot be read as HDF5: {error}") from None
    return Stored(tensors, attributes)


def reason(done: subprocess.CompletedProcess[bytes], seconds: int) -> str:
    """Why a reader failed."""
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        return f"it takes more than {seconds:,} s of work"
    if done.returncode < 0:
        return f"the HDF5 library crashed on it ({signal.Signals(-done.returncode).name})"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return said[-1][:MOST_SAID] if said else f"exit code {done.returncode}"

"""The process that opens a stranger's HDF5: bytes on standard input, safetensors on standard output.

It is run by its path and imports nothing of textgen. Once it has imported its libraries, it can write no file, and a
limit is on its memory and its time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from safetensors.numpy import save

WANTED = ("model_config", "layer_names", "weight_names")
"""The attributes that Keras gives to groups and that an import reads."""
ATTRIBUTES = "attributes"
"""The name of the tensor with the attributes, as JSON; those of arrays begin with a slash."""
SPARE_BYTES = 128 * 2**20
"""Memory beside the libraries and the copies of the file."""
COPIES = 6
"""How many times the file is held: as it came, as arrays, as it goes, and on the way between these."""


def set_limits(size: int, seconds: int) -> None:
    """Put limits on this process, as far as its system has them, for a file of some bytes."""
    with contextlib.suppress(ImportError):
        import resource

        limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0}
        pages = Path("/proc/self/statm")
        if pages.exists():
            used = int(pages.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            limits[resource.RLIMIT_AS] = used + SPARE_BYTES + COPIES * size
        for kind, most in limits.items():
            resource.setrlimit(kind, (most, most))
        # the hard limit would kill without a word of why
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def texts(value: Any) -> list[str]:
    """An attribute, a text or an array of texts, as a list."""
    return [item.decode() if isinstance(item, bytes) else str(item) for item in np.ravel(value).tolist()]


def contents(data: bytes) -> bytes:
    """The plain arrays of floats in a file of HDF5, and the attributes of its groups, as safetensors.

    Only what stands in the file itself is read: no links but hard ones, no arrays in other files, none in chunks, which
    can unpack to any size, and all together no more than the file has bytes.
    """
    arrays: dict[str, np.ndarray] = {}
    attributes: dict[str, dict[str, list[str]]] = {}

    def visit(name: str, found: Any) -> None:
        if not isinstance(found, h5py.Dataset):
            attributes[f"/{name}"] = {key: texts(found.attrs[key]) for key in WANTED if key in found.attrs}
        elif is_plain(found) and found.nbytes + sum(array.nbytes for array in arrays.values()) <= len(data):
            arrays[f"/{name}"] = found[()].astype(np.float32)

    with h5py.File(io.BytesIO(data), "r") as file:
        visit("", file)
        file.visititems(visit)
    return save({**arrays, ATTRIBUTES: np.frombuffer(json.dumps(attributes).encode(), np.uint8)})


def is_plain(array: h5py.Dataset) -> bool:
    """Whether it is an array of floats that lies in the file as it is."""
    if array.dtype.kind != "f" or not array.ndim or array.external or array.is_virtual or array.chunks:
        return False
    return bool(array.nbytes and array.id.get_storage_size() == array.nbytes)


def main() -> None:
    """Read and write; what fails is a line on standard error."""
    data = sys.stdin.buffer.read()
    set_limits(len(data), int(sys.argv[1]))
    try:
        sys.stdout.buffer.write(contents(data))
    except Exception as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from None


if __name__ == "__main__":
    main()

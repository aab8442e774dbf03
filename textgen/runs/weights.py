"""The tensors of a network, by name and shape, and how a file of tensors is read and written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from textgen.config import ModelConfig
from textgen.errors import RunError
from textgen.runs.reading import open_plain, reporting_os_errors
from textgen.runs.run import Run
from textgen.runs.writing import write_bytes

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
MAX_HEADER_BYTES = 16 * 2**20
"""The history of 60,000 validations fits; tensors take some kilobytes."""
LARGEST = 1e15
"""No weight comes near it, and no product of two, added up over the widest layer, overflows a float32."""
DTYPES = {
    "F16": "float16",
    "F32": "float32",
    "I32": "int32",
    "I64": "int64",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
}
"""The types of safetensors that textgen writes, in NumPy's words."""

HALVED = {"float32": ("float32", "float16")}
"""The types in which a file may hold a type: a model that comes with textgen has weights of 16 bits."""

Spec = tuple[str, tuple[int, ...]]
"""The dtype of a tensor, in NumPy's words, and its shape."""


def weight_shapes(config: ModelConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight of a network."""
    gates = GATES[config.cell] * config.units
    shapes: dict[str, tuple[int, ...]] = {"embedding/embeddings": (vocabulary_size, config.embedding_dim)}
    for i in range(config.num_layers):
        width = config.units if i else config.embedding_dim
        shapes |= {
            f"{config.cell}_{i}/kernel": (width, gates),
            f"{config.cell}_{i}/recurrent_kernel": (config.units, gates),
            f"{config.cell}_{i}/bias": (2, gates) if config.cell == "gru" else (gates,),
        }
    return shapes | {
        "dense/kernel": (config.units, vocabulary_size),
        "dense/bias": (vocabulary_size,),
    }


def weight_specs(config: ModelConfig, vocabulary_size: int, prefix: str = "") -> dict[str, Spec]:
    """The dtype and shape of every weight of a network, their names after a prefix."""
    return {f"{prefix}{name}": ("float32", shape) for name, shape in weight_shapes(config, vocabulary_size).items()}


def load_tensors(
    run: Run, path: Path, expected: Mapping[str, Spec], optional: Mapping[str, Spec] = MappingProxyType({})
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read a safetensors file of a run, once its header holds what is expected and nothing else.

    Args:
        run: the run.
        path: the file in it.
        expected: name to dtype and shape.
        optional: the same, of tensors that older versions did not write.

    Returns:
        Name to array, and the file's metadata.

    Raises:
        RunError: the file is missing, damaged or no plain file, a tensor is missing, superfluous or of another
            type or shape, or holds a value that no weight has.
    """
    with opened(run, path) as file:
        names = set(file.keys())
        expected = {**expected, **{name: spec for name, spec in optional.items() if name in names}}
        check_header(path, file, expected)
        if superfluous := sorted(names - expected.keys()):
            raise RunError(f"{path}: holds {superfluous[0][:80]!r}, which the model in {run.info_path} does not have")
        tensors = {name: file.get_tensor(name).astype(dtype, copy=False) for name, (dtype, _) in expected.items()}
        metadata = file.metadata() or {}
    for name, values in tensors.items():
        # a NaN compares as false
        if not (values.max() <= LARGEST and values.min() >= -LARGEST):
            raise RunError(f"{path}: {name} holds NaN, infinite or absurdly large values")
    return tensors, metadata


@contextlib.contextmanager
def opened(run: Run, path: Path) -> Iterator[safe_open]:
    """A safetensors file of a run, of which no more than the header has been read.

    Raises:
        RunError: it is missing, damaged or no plain file.
    """
    with reporting_os_errors(path, RunError):
        with open_plain(path, run.path) as file:
            header = int.from_bytes(file.read(8), "little")
        if header > MAX_HEADER_BYTES:
            raise RunError(f"{path}: damaged: its header claims {header:,} bytes, more than {MAX_HEADER_BYTES:,}")
        try:
            with safe_open(path, "numpy") as tensors:
                yield tensors
        except SafetensorError as error:
            raise RunError(f"{path}: damaged: {error}") from None


def mapped(path: Path, file: safe_open) -> dict[str, np.ndarray]:
    """The tensors of an open safetensors file as memory maps: what nobody looks at is never read.

    Raises:
        RunError: a tensor has no elements, more than one dimension or a type that textgen does not write, or the file
            has been changed just now.
    """
    tensors = {}
    with path.open("rb") as data:
        length = int.from_bytes(data.read(8), "little")
        try:
            header = msgspec.json.decode(data.read(min(length, MAX_HEADER_BYTES)))
            for name in file.keys():  # noqa: SIM118
                part = file.get_slice(name)
                dtype, shape = DTYPES.get(part.get_dtype()), tuple(part.get_shape()[:2])
                if not dtype or len(shape) != 1 or not shape[0]:
                    raise RunError(f"{path}: damaged: {name[:80]!r} is {part.get_dtype()} {shape}")
                offset = 8 + length + header[name]["data_offsets"][0]
                # the bare array: a subclass costs time at each use
                tensors[name] = np.asarray(np.memmap(data, dtype, "r", offset, shape))
        except (msgspec.DecodeError, LookupError, TypeError, ValueError, OverflowError) as error:
            # the library has read the header before, perhaps that of another file, or taken another of two equal names
            raise RunError(f"{path}: damaged: {error}") from None
    return tensors


def check_header(path: Path, file: safe_open, expected: Mapping[str, Spec]) -> None:
    """Raise a RunError unless every expected tensor is there, with its dtype and shape."""
    missing = sorted(expected.keys() - set(file.keys()))
    if missing:
        raise RunError(f"{path}: lacks {missing[0]}, which the model in run.json has")
    for name, (dtype, shape) in expected.items():
        part = file.get_slice(name)
        # of a hostile shape with millions of dimensions no more than a few
        found = DTYPES.get(part.get_dtype(), part.get_dtype()), tuple(part.get_shape()[:4])
        if found[0] not in HALVED.get(dtype, (dtype,)) or found[1] != shape:
            raise RunError(f"{path}: {name} is {found[0]} {found[1]}, expected {dtype} {shape} from run.json")


def save_tensors(run: Run, path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Write a safetensors file of a run, as a whole or not at all.

    Raises:
        RunError: the system refuses, or the run has been deleted: a checkpoint without its run.json is none.
    """
    if not run.info_path.is_file():
        raise RunError(f"{run.info_path}: was deleted while the run was trained; train anew")
    write_bytes(path, canonical(save(tensors, metadata)))


def canonical(data: bytes) -> bytes:
    """A safetensors file with its header in order: the library writes the metadata in a random one.

    Offsets count from the header's end, so they stay as they are. Spaces fill the header up to a multiple of 8 bytes.
    """
    start = 8 + int.from_bytes(data[:8], "little")
    header = msgspec.json.encode(msgspec.json.decode(data[8:start]), order="sorted")
    header += b" " * (-len(header) % 8)
    return b"".join((len(header).to_bytes(8, "little"), header, memoryview(data)[start:]))

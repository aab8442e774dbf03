"""A .keras file to a run. It is read as data: nothing of Keras is imported, so nothing in the file can run."""

from __future__ import annotations

import io
import lzma
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from textgen.config import ModelConfig, TextConfig, TrainConfig, build
from textgen.data.vocabulary import Vocabulary
from textgen.errors import CorpusError, ModelError
from textgen.export.character_list import decode_characters, load_characters
from textgen.export.keras_file import TEXT, VOCABULARY
from textgen.runs.reading import decode_json, open_plain, reporting_os_errors
from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
from textgen.runs.weights import LARGEST, save_tensors, weight_shapes
from textgen.runs.writing import whole_folder
from textgen.version import __version__

MAX_CONFIG_BYTES = 2**20
MOST_UNPACKED = 16
"""How many times its size in the archive a member may have."""
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, ValueError)
"""What the archive of a damaged file raises."""
CELLS = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}
PASSED_OVER = {"InputLayer", "Dropout", "SpatialDropout1D"}
"""Layers that are not there when a model writes."""
RECURRENT: dict[str, Any] = {"activation": "tanh", "use_bias": True, "go_backwards": False, "stateful": False}
REQUIRED: dict[str, dict[str, Any]] = {
    "Embedding": {"mask_zero": False},
    "LSTM": RECURRENT | {"recurrent_activation": "sigmoid"},
    "GRU": RECURRENT | {"recurrent_activation": "sigmoid", "reset_after": True},
    "SimpleRNN": RECURRENT,
    "Dense": {"activation": ("linear", "softmax"), "use_bias": True},
}
"""What the settings of a layer must be; a tuple is a choice."""
TENSORS = {"Embedding": ("embeddings",), "Dense": ("kernel", "bias")}
RECURRENT_TENSORS = ("kernel", "recurrent_kernel", "bias")


class Layer(msgspec.Struct):
    """A layer in config.json of a .keras file."""

    module: str | None
    class_name: str
    config: dict[str, Any]
    registered_name: str | None = None

    @property
    def name(self) -> str:
        """Its kind and name, for messages."""
        return f"{self.class_name[:80]} layer {str(self.config.get('name'))[:80]!r}"


class Layers(msgspec.Struct):
    """The layers of a model."""

    layers: list[Layer]


class ModelFile(msgspec.Struct):
    """What config.json of a .keras file must say."""

    class_name: str
    config: dict[str, Any]


def import_keras(file: Path, characters: Path | None, out: Path) -> ModelConfig:
    """Make a run of a Keras model that was saved as a .keras file.

    Args:
        file: a `keras.Sequential` of Embedding, LSTM, GRU or SimpleRNN layers of one kind and width, and Dense.
        characters: the file of its characters; see `load_characters`. None takes those that `textgen export` has put
            into the .keras file.
        out: the run directory to make.

    Returns:
        The shape of its network.

    Raises:
        ModelError: the file is no such model, or its vocabulary is missing or of another size.
        RunError: `out` exists or cannot be written.
    """
    run = Run(out)
    if run.exists():
        raise ModelError(f"{out}: exists; give another --out")
    with reporting_os_errors(file, ModelError), open_plain(file) as opened:
        try:
            with zipfile.ZipFile(opened) as archive:
                layers = [layer for layer in sequence(file, archive) if layer.class_name not in PASSED_OVER]
                config, size = shape_of(file, layers)
                vocabulary = vocabulary_of(file, archive, characters)
                if len(vocabulary) != size:
                    raise ModelError(
                        f"{characters or file}: {len(vocabulary)} characters; the model knows {size}: give the list "
                        "that it was trained with"
                    )
                text = text_of(file, archive)
                tensors = read_tensors(file, member(file, archive, "model.weights.h5"), layers, config, size)
        except UNREADABLE as error:
            raise ModelError(f"{file}: cannot be read as a .keras file: {error}") from None
    info = RunInfo(
        format_version=FORMAT_VERSION,
        textgen_version=__version__,
        model=config,
        train=TrainConfig(),
        corpus=str(file.absolute()),
        corpus_fingerprint="",
        text=text,
        started_from=str(file.absolute()),
    )
    with whole_folder(out) as folder:
        made = Run(folder)
        made.save_info(info)
        vocabulary.save(folder)
        save_tensors(made, made.weights_path("best"), tensors, {})
    return config


def member(file: Path, archive: zipfile.ZipFile, name: str, most: int | None = None) -> bytes:
    """A file in the archive, no larger than it may be."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise ModelError(f"{file}: holds no {name}; expected a file that Keras 3 has saved as .keras") from None
    if entry.file_size > (most or MOST_UNPACKED * entry.compress_size):
        raise ModelError(f"{file}: its {name} claims {entry.file_size:,} bytes, more than such a file can have")
    return archive.read(entry)


def sequence(file: Path, archive: zipfile.ZipFile) -> list[Layer]:
    """The layers of a Sequential model, in their order."""
    try:
        model = msgspec.json.decode(member(file, archive, "config.json", MAX_CONFIG_BYTES), type=ModelFile)
        if model.class_name != "Sequential":
            raise ModelError(f"{file}: is a {model.class_name[:80]} model; textgen can take a Sequential one")
        return msgspec.convert(model.config, Layers).layers
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{file}: its config.json is damaged: {error}") from None


def shape_of(file: Path, layers: list[Layer]) -> tuple[ModelConfig, int]:
    """The network's shape and the size of its vocabulary, once every layer is one that a run can have."""
    for layer in layers:
        if layer.class_name not in REQUIRED or layer.module != "keras.layers" or layer.registered_name:
            raise ModelError(
                f"{file}: has a {layer.name}; textgen can take Embedding, LSTM, GRU, SimpleRNN, Dropout and Dense"
            )
        for name, expected in REQUIRED[layer.class_name].items():
            found = layer.config.get(name)
            if found not in (expected if isinstance(expected, tuple) else (expected,)):
                raise ModelError(f"{file}: {layer.name} has {name} {str(found)[:80]}; textgen can take {expected}")
    names = [layer.class_name for layer in layers]
    if not re.fullmatch("Embedding(( LSTM)+|( GRU)+|( SimpleRNN)+) Dense", " ".join(names)):
        raise ModelError(
            f"{file}: its layers are {', '.join(names)[:200] or 'none'}; textgen can take Embedding, then LSTM, GRU or "
            "SimpleRNN layers of one kind, then Dense"
        )
    embedding, *recurrent, dense = (layer.config for layer in layers)
    units = {str(config.get("units")) for config in recurrent}
    if len(units) > 1:
        raise ModelError(f"{file}: its recurrent layers have {', '.join(sorted(units))[:80]} units; expected one width")
    size = embedding.get("input_dim")
    if not isinstance(size, int) or size != dense.get("units"):
        raise ModelError(f"{file}: its Embedding and its Dense layer are of different vocabularies")
    values = {
        "cell": CELLS[names[1]],
        "num_layers": len(recurrent),
        "units": recurrent[0].get("units"),
        "embedding_dim": embedding.get("output_dim"),
        "ngram_order": 0,
    }
    return build(ModelConfig, values, str(file)), size


def vocabulary_of(file: Path, archive: zipfile.ZipFile, characters: Path | None) -> Vocabulary:
    """The characters of a model, from their own file or from the archive."""
    if characters:
        found = load_characters(characters)
    elif VOCABULARY in archive.namelist():
        found = decode_characters(member(file, archive, VOCABULARY), file)
    else:
        raise ModelError(f"{file}: holds no vocabulary; give --vocabulary with the list of its characters")
    if "\n" not in found:
        raise ModelError(f"{characters or file}: lacks the line end, from which every text of textgen starts")
    try:
        return Vocabulary(found)
    except CorpusError as error:
        raise ModelError(f"{characters or file}: {error}") from None


def text_of(file: Path, archive: zipfile.ZipFile) -> TextConfig | None:
    """How the corpus of a model was made, if the archive says it."""
    found = TEXT in archive.namelist()
    return decode_json(member(file, archive, TEXT), TextConfig, file, ModelError) if found else None


def read_tensors(file: Path, data: bytes, layers: list[Layer], config: ModelConfig, size: int) -> dict[str, np.ndarray]:
    """The weights under textgen's names, once each has the shape that the configuration says."""
    try:
        import h5py
    except ImportError:
        raise ModelError(f"{file}: .keras files need h5py, not installed here: pip install h5py") from None
    shapes = weight_shapes(config, size)
    expected = sum(4 * int(np.prod(shape, dtype=object)) for shape in shapes.values())
    if expected > 4 * len(data):
        raise ModelError(f"{file}: its weights are smaller than its config.json says")
    tensors: dict[str, np.ndarray] = {}
    try:
        with h5py.File(io.BytesIO(data), "r") as weights:
            for place, name in zip(places(layers), shapes, strict=True):
                tensors[name] = read_array(weights, place, shapes[name])
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise ModelError(f"{file}: its weights cannot be used: {error}") from None
    return tensors


def places(layers: list[Layer]) -> list[str]:
    """Where Keras keeps the weights of each layer: under its kind, numbered, and not under its name.

    >>> places([Layer("keras.layers", "SimpleRNN", {}), Layer("keras.layers", "SimpleRNN", {})])[2:4]
    ['layers/simple_rnn/cell/vars/2', 'layers/simple_rnn_1/cell/vars/0']
    """
    found: list[str] = []
    for index, layer in enumerate(layers):
        kind = {"SimpleRNN": "simple_rnn"}.get(layer.class_name, layer.class_name.lower())
        before = sum(other.class_name == layer.class_name for other in layers[:index])
        inner = "cell/" if layer.class_name in CELLS else ""
        count = len(TENSORS.get(layer.class_name, RECURRENT_TENSORS))
        found += [f"layers/{kind}{f'_{before}' * (before > 0)}/{inner}vars/{i}" for i in range(count)]
    return found


def read_array(weights: Any, place: str, shape: tuple[int, ...]) -> np.ndarray:
    """A plain array of a file of HDF5; what leads out of the file, or claims more than it holds, is a ValueError."""
    import h5py

    parts = place.split("/")
    for end in range(1, len(parts) + 1):
        if not isinstance(weights.get("/".join(parts[:end]), getlink=True), h5py.HardLink):
            raise ValueError(f"no {place} of its own")
    array = weights[place]
    if not isinstance(array, h5py.Dataset) or array.external or array.is_virtual or array.chunks:
        raise ValueError(f"{place} is no plain array")
    if array.dtype.kind != "f" or array.shape != shape or array.id.get_storage_size() != array.nbytes:
        raise ValueError(f"{place} is {array.dtype} {array.shape[:4]}, expected float32 {shape}")
    values: np.ndarray = array[()].astype(np.float32)
    # a NaN compares as false
    if not (values.max() <= LARGEST and values.min() >= -LARGEST):
        raise ValueError(f"{place} holds NaN, infinite or absurdly large values")
    return values

"""A model of Keras to a run. Its file is read as data: nothing of Keras is imported, so nothing in it can run."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from textgen.config import ModelConfig, TextConfig, TrainConfig
from textgen.data.vocabulary import Vocabulary
from textgen.errors import CorpusError, ModelError
from textgen.export.character_list import decode_characters, load_characters
from textgen.export.hdf5 import SIGNATURE, Stored, read_hdf5
from textgen.export.keras_file import TEXT, VOCABULARY
from textgen.export.keras_layers import CELLS, PASSED_OVER, Layer, sequence, shape_of, window_of
from textgen.export.keras_weights import Weights, find_weights, guessed_layers, weights_of
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
RARELY = 14
"""By how many nats a line end that a model does not know is less likely than a space: a millionth as likely."""


class Source(msgspec.Struct):
    """What a file holds: HDF5, and where it has them the JSON of its architecture, the characters and how the corpus
    was made."""

    stored: Stored
    architecture: bytes | str | None = None
    characters: list[str] | None = None
    text: TextConfig | None = None


def import_keras(
    file: Path, characters: Path | None, out: Path, note: Callable[[str], None] = lambda text: None
) -> ModelConfig:
    """Make a run of a Keras model that was saved as a .keras file or as HDF5, with or without its architecture.

    Args:
        file: a `keras.Sequential` of Embedding, LSTM, GRU or SimpleRNN layers of one kind and width, and Dense. Without
            an Embedding its input is one-hot characters, (B, T, V). Of weights alone it is taken that their layers have
            Keras's default settings.
        characters: the file of its characters; see `load_characters`. None takes those that `textgen export` has put
            into the .keras file.
        out: the run directory to make.
        note: told what the model has learned otherwise than a run, and what was taken for granted.

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
        source = read_source(file, opened)
    layers, weights = layers_and_weights(file, source, note)
    config, size = shape_of(file, layers)
    known = characters_of(file, source, characters, size)
    tensors = tensors_of(file, weights, config, size)
    if "\n" not in known:
        note("its characters lack the line end: it reads one as a space, and writes none")
        tensors, known = with_line_end(tensors, known), [*known, "\n"]
    save(out, file, config, vocabulary_of(characters or file, known), source.text, tensors)
    return config


def read_source(file: Path, opened: BinaryIO) -> Source:
    """What a .keras file or one of HDF5 holds."""
    if opened.read(len(SIGNATURE)) == SIGNATURE:
        stored = read_hdf5(file, SIGNATURE + opened.read())
        return Source(stored, "".join(stored.attributes.get("/", {}).get("model_config", [])) or None)
    try:
        with zipfile.ZipFile(opened) as archive:
            architecture = member(file, archive, "config.json", MAX_CONFIG_BYTES)
            stored = read_hdf5(file, member(file, archive, "model.weights.h5"))
            characters = None
            if VOCABULARY in archive.namelist():
                characters = decode_characters(member(file, archive, VOCABULARY), file)
            return Source(stored, architecture, characters, text_of(file, archive))
    except UNREADABLE as error:
        raise ModelError(f"{file}: cannot be read as a .keras file or as HDF5: {error}") from None


def text_of(file: Path, archive: zipfile.ZipFile) -> TextConfig | None:
    """How the corpus of a model was made, if the archive says it."""
    found = TEXT in archive.namelist()
    return decode_json(member(file, archive, TEXT), TextConfig, file, ModelError) if found else None


def member(file: Path, archive: zipfile.ZipFile, name: str, most: int | None = None) -> bytes:
    """A file in the archive, no larger than it may be."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise ModelError(f"{file}: holds no {name}; expected a file that Keras 3 has saved as .keras") from None
    if entry.file_size > (most or MOST_UNPACKED * entry.compress_size):
        raise ModelError(f"{file}: its {name} claims {entry.file_size:,} bytes, more than such a file can have")
    return archive.read(entry)


def layers_and_weights(file: Path, source: Source, note: Callable[[str], None]) -> tuple[list[Layer], list[Weights]]:
    """The layers that are there when a model writes, and the weights of each."""
    found = find_weights(file, source.stored)
    window = None
    if source.architecture is None:
        note("the file holds weights alone: its layers are taken to have Keras's default settings")
        guessed = guessed_layers(file, found)
        kept = [(layer, found.weights[name]) for name, layer in guessed.items()]
    else:
        whole = sequence(file, source.architecture)
        pairs = zip(whole, weights_of(whole, found), strict=True)
        kept = [(layer.inner, weights) for layer, weights in pairs if layer.class_name not in PASSED_OVER]
        window = window_of(whole)
    if kept and kept[0][0].class_name in CELLS:
        length = f" of {window:,} characters" if window else ""
        note(f"its input is one-hot; it was trained on windows{length} that started from a zero state")
    return [layer for layer, _ in kept], [weights for _, weights in kept]


def characters_of(file: Path, source: Source, path: Path | None, size: int) -> list[str]:
    """The characters of a model, from their own file or from its file, as many as it knows."""
    found = load_characters(path) if path else source.characters
    if found is None:
        raise ModelError(f"{file}: holds no vocabulary; give --vocabulary with the list of its characters")
    if len(found) != size:
        raise ModelError(
            f"{path or file}: {len(found)} characters; the model knows {size}: give the list that it was trained with"
        )
    return found


def vocabulary_of(path: Path, characters: list[str]) -> Vocabulary:
    """A vocabulary; `path` is where its characters come from."""
    try:
        return Vocabulary(characters)
    except CorpusError as error:
        raise ModelError(f"{path}: {error}") from None


def tensors_of(file: Path, weights: list[Weights], config: ModelConfig, size: int) -> dict[str, np.ndarray]:
    """The weights under textgen's names, once each has the shape that the configuration says."""
    shapes = weight_shapes(config, size)
    arrays = [array for layer in weights for array in layer]
    if len(arrays) == len(shapes) - 1:
        arrays.insert(0, np.eye(size, dtype=np.float32))
    if len(arrays) != len(shapes):
        raise ModelError(f"{file}: its weights cannot be used: found {len(arrays)} arrays, expected {len(shapes)}")
    for (name, shape), array in zip(shapes.items(), arrays, strict=True):
        if array.shape != shape:
            raise ModelError(f"{file}: its weights cannot be used: {name} is {array.shape[:4]}, expected {shape}")
        # a NaN compares as false
        if not (array.max() <= LARGEST and array.min() >= -LARGEST):
            raise ModelError(f"{file}: its weights cannot be used: {name} holds NaN, infinite or absurdly large values")
    return dict(zip(shapes, arrays, strict=True))


def with_line_end(tensors: dict[str, np.ndarray], characters: list[str]) -> dict[str, np.ndarray]:
    """Weights for one more character, from which every text of textgen starts: read as a space, and hardly written."""
    embeddings, kernel, bias = (tensors[name] for name in ("embedding/embeddings", "dense/kernel", "dense/bias"))
    space = characters.index(" ") if " " in characters else int(bias.argmin())
    return tensors | {
        "embedding/embeddings": np.concatenate([embeddings, embeddings[space, None]]),
        "dense/kernel": np.concatenate([kernel, kernel[:, space, None]], 1),
        "dense/bias": np.append(bias, bias[space] - np.float32(RARELY)),
    }


def save(
    out: Path,
    file: Path,
    config: ModelConfig,
    vocabulary: Vocabulary,
    text: TextConfig | None,
    tensors: dict[str, np.ndarray],
) -> None:
    """Write a run whose training was elsewhere."""
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

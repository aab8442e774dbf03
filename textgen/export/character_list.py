"""The characters of a model from elsewhere, in the files in which textbooks keep them."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np

from textgen.data.vocabulary import MAX_FILE_BYTES, REPLACEMENT, VocabularyFile
from textgen.errors import ModelError
from textgen.runs.reading import read_bytes

UNKNOWN = ("[UNK]", "")
"""What Keras's StringLookup has in the place of all other characters."""
FORMS = "a JSON list of characters, an object {character: id} or {id: character}, or a .npy array of strings"


def load_characters(path: Path) -> list[str]:
    """Read a list of characters: JSON, or an array of strings as `numpy.save` writes it.

    JSON is a list in the order of the ids, an object from characters to ids or from ids to characters, or a
    vocabulary.json of textgen. The entry for unknown characters of Keras's StringLookup becomes U+FFFD.

    Raises:
        ModelError: the file is none of these.
    """
    data = read_bytes(path, MAX_FILE_BYTES, ModelError)
    return decode_characters(data, path)


def decode_characters(data: bytes, path: Path) -> list[str]:
    """As `load_characters`, of the bytes of a file; `path` is for messages."""
    characters = array_of_strings(data, path) if data.startswith(b"\x93NUMPY") else json_characters(data, path)
    if characters and characters[0] in UNKNOWN and REPLACEMENT not in characters:
        characters[0] = REPLACEMENT
    return characters


def json_characters(data: bytes, path: Path) -> list[str]:
    """The characters of a file of JSON."""
    try:
        found = msgspec.json.decode(data, type=list[str] | dict[str, int | str | list[str]])
        if isinstance(found, dict) and "characters" in found and "format_version" in found:
            return msgspec.convert(found, VocabularyFile).characters
        if isinstance(found, dict):
            pairs = [(key, value) if isinstance(value, int) else (value, int(key)) for key, value in found.items()]
            found = msgspec.convert([character for character, _ in sorted(pairs, key=lambda pair: pair[1])], list[str])
            if sorted(index for _, index in pairs) != list(range(len(pairs))):
                raise ModelError(f"{path}: its ids are not 0 to {len(pairs) - 1}, each once")
        return found
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ModelError(f"{path}: expected {FORMS}") from None


def array_of_strings(data: bytes, path: Path) -> list[str]:
    """The strings of a .npy file; nothing is unpickled, and no more memory is taken than the file has bytes."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        count = int(np.prod(shape, dtype=object))
        if dtype.kind != "U" or len(shape) != 1 or len(data) != file.tell() + count * dtype.itemsize:
            raise ValueError
        return [str(character) for character in np.frombuffer(data, dtype, count, file.tell())]
    except (ValueError, TypeError, OverflowError, UnicodeDecodeError):
        raise ModelError(
            f"{path}: expected an array of strings, one for each id; save it as np.array(list_of_characters)"
        ) from None

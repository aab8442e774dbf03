"""Where Keras keeps the weights of each layer in HDF5, and which layers those are where nothing else says it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np

from textgen.errors import ModelError
from textgen.export.hdf5 import Stored
from textgen.export.keras_layers import CELLS, REQUIRED, TAKEN, Layer

Weights = list[np.ndarray]
"""The weights of a layer, in Keras's order: kernel, recurrent kernel, bias."""
ROOTS = ("/model_weights", "/")
"""Where names stand: in a file with the architecture, in one of weights alone."""
PLACE = re.compile(r"(?:/layers)?/([^/]+)/(?:cell/|layer/)?vars/([0-9]{1,4})")
"""A weight under a number."""
BY_GATES = {4: "LSTM", 3: "GRU", 1: "SimpleRNN"}
DEFAULTS = {
    kind: {name: value[0] if isinstance(value, tuple) else value for name, value in required.items()}
    for kind, required in REQUIRED.items()
}
"""The settings that weights alone do not tell, as Keras has them by default."""
TEXTGENRNN = {"rnn_1", "attention", "output"}
"""Layers of textgenrnn's network."""


class Found(msgspec.Struct):
    """The weights of each layer that has any, in a file's order.

    Attributes:
        named: under the name of the layer, in the model's order, as Keras 2 and `model.save("x.h5")` of Keras 3 write
            them; else under its kind, numbered, as .keras files and `model.save_weights` of Keras 3 have them.
    """

    weights: dict[str, Weights]
    named: bool


def find_weights(file: Path, stored: Stored) -> Found:
    """The weights of layers in a file of HDF5.

    Raises:
        ModelError: a weight that is named is no plain array.
    """
    for root in ROOTS:
        if "layer_names" in stored.attributes.get(root, {}):
            return Found(named_weights(file, stored, root), named=True)
    numbered: dict[str, dict[int, np.ndarray]] = {}
    for place, array in stored.arrays.items():
        if (match := PLACE.fullmatch(place)) and match[1] != "optimizer":
            numbered.setdefault(match[1], {})[int(match[2])] = array
    return Found({name: [arrays[i] for i in sorted(arrays)] for name, arrays in numbered.items()}, named=False)


def named_weights(file: Path, stored: Stored, root: str) -> dict[str, Weights]:
    """The weights of layers whose names, and whose weights' names, stand in attributes."""
    found = {}
    for layer in stored.attributes[root]["layer_names"]:
        group = f"{root.rstrip('/')}/{layer}"
        places = [f"{group}/{name}" for name in stored.attributes.get(group, {}).get("weight_names", [])]
        if missing := [place for place in places if place not in stored.arrays]:
            raise ModelError(f"{file}: its weights cannot be used: {missing[0][:80]} is no plain array of floats")
        if places:
            found[layer] = [stored.arrays[place] for place in places]
    return found


def weights_of(layers: list[Layer], found: Found) -> list[Weights]:
    """The weights of each layer; none where the file has none of it.

    >>> weights_of([Layer("SimpleRNN", {}), Layer("SimpleRNN", {})], Found({"simple_rnn_1": [1]}, named=False))
    [[], [1]]
    """
    kinds = [re.sub("(?<=[a-z])(?=[A-Z])", "_", layer.class_name).lower() for layer in layers]
    numbers = [kinds[:i].count(kind) for i, kind in enumerate(kinds)]
    numbered = [f"{kind}_{number}" if number else kind for kind, number in zip(kinds, numbers, strict=True)]
    names = [str(layer.config.get("name")) for layer in layers] if found.named else numbered
    return [found.weights.get(name, []) for name in names]


def guessed_layers(file: Path, found: Found) -> dict[str, Layer]:
    """Layers by the shapes of their weights, under their names in the file, in the order of a model.

    Raises:
        ModelError: a layer is none that a run can have, or nothing says which comes first.
    """
    if found.weights.keys() >= TEXTGENRNN:
        raise ModelError(
            f"{file}: is a network of textgenrnn. It predicts from all characters of a window, by attention; a run "
            "predicts from its last state, so these weights fit none. Train on the text instead"
        )
    layers = {name: guessed_layer(file, name, weights) for name, weights in found.weights.items()}
    if found.named:
        return layers
    recurrent = [name for name, layer in layers.items() if layer.class_name in CELLS]
    if len({name.rstrip("0123456789").rstrip("_") for name in recurrent}) > 1:
        raise ModelError(f"{file}: does not say which comes first of {', '.join(sorted(recurrent))[:200]}")
    ranks = {"Embedding": 0, "Dense": 2}
    order = sorted(layers, key=lambda name: (ranks.get(layers[name].class_name, 1), number_of(name)))
    return {name: layers[name] for name in order}


def number_of(name: str) -> int:
    """The number at the end of a name, 0 without one.

    >>> number_of("lstm"), number_of("lstm_10")
    (0, 10)
    """
    match = re.search("[0-9]{1,4}$", name)
    return int(match[0]) if match else 0


def guessed_layer(file: Path, name: str, weights: Weights) -> Layer:
    """A layer by the shapes of its weights."""
    shapes = [array.shape for array in weights]
    match [len(shape) for shape in shapes]:
        case [2]:
            kind, told = "Embedding", {"input_dim": shapes[0][0], "output_dim": shapes[0][1]}
        case [2, 1]:
            kind, told = "Dense", {"units": shapes[0][1]}
        case [2, 2, 1 | 2] if shapes[1][1] / shapes[1][0] in BY_GATES:
            kind = BY_GATES[shapes[1][1] // shapes[1][0]]
            told = {"units": shapes[1][0], "reset_after": len(shapes[2]) == 2}
        case _:
            raise ModelError(
                f"{file}: has a layer {name[:80]!r} with weights of {str(shapes)[:200]}; textgen can take {TAKEN}"
            )
    return Layer(kind, DEFAULTS[kind] | told | {"name": name})

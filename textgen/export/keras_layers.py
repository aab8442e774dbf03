"""What a run can have of a Keras model: its layers, their settings and the network that they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from textgen.config import ModelConfig, build
from textgen.errors import ModelError

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
    "Activation": {"activation": "softmax"},
}
"""What the settings of a layer must be; a tuple is a choice."""
TAKEN = "Embedding, LSTM, GRU, SimpleRNN, Dropout and Dense"
MOST_ONE_HOT = 4096
"""The most characters of a one-hot input: the identity in place of its embedding takes 64 MiB then."""


class Layer(msgspec.Struct):
    """A layer of a model, as config.json of a .keras file or the model_config of a .h5 file has it."""

    class_name: str
    config: dict[str, Any]
    module: str | None = None
    registered_name: str | None = None

    @property
    def name(self) -> str:
        """Its kind and name, for messages."""
        return f"{self.class_name[:80]} layer {str(self.config.get('name'))[:80]!r}"

    @property
    def inner(self) -> Layer:
        """The layer that does the work: that of a TimeDistributed for each character, else itself."""
        if self.class_name != "TimeDistributed":
            return self
        return msgspec.convert(self.config.get("layer"), Layer)


class Layers(msgspec.Struct):
    """The layers of a model."""

    layers: list[Layer]


class ModelFile(msgspec.Struct):
    """What Keras says of the architecture of a model; before version 2.2.3 a Sequential one was a bare list."""

    class_name: str
    config: dict[str, Any] | list[Layer]


def sequence(file: Path, text: bytes | str) -> list[Layer]:
    """The layers of a Sequential model, in their order, from the JSON of its architecture."""
    try:
        model = msgspec.json.decode(text, type=ModelFile)
        if model.class_name != "Sequential":
            raise ModelError(f"{file}: is a {model.class_name[:80]} model; textgen can take a Sequential one")
        return model.config if isinstance(model.config, list) else msgspec.convert(model.config, Layers).layers
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{file}: its architecture is damaged: {error}") from None


def check_layers(file: Path, layers: list[Layer]) -> None:
    """Raise a ModelError unless every layer is one that a run can have."""
    for layer in layers:
        if layer.class_name not in REQUIRED or layer.module not in (None, "keras.layers") or layer.registered_name:
            raise ModelError(f"{file}: has a {layer.name}; textgen can take {TAKEN}")
        for name, expected in REQUIRED[layer.class_name].items():
            found = layer.config.get(name)
            if found not in (expected if isinstance(expected, tuple) else (expected,)):
                raise ModelError(f"{file}: {layer.name} has {name} {str(found)[:80]}; textgen can take {expected}")
    names = " ".join(layer.class_name for layer in layers)
    if not re.fullmatch("(Embedding )?((LSTM )+|(GRU )+|(SimpleRNN )+)Dense( Activation)?", names):
        raise ModelError(
            f"{file}: its layers are {names.replace(' ', ', ')[:200] or 'none'}; textgen can take Embedding or one-hot "
            "characters, then LSTM, GRU or SimpleRNN layers of one kind, then Dense"
        )
    if layers[-1].class_name == "Activation" and layers[-2].config["activation"] != "linear":
        raise ModelError(f"{file}: has two activations after its Dense layer; textgen can take one")


def shape_of(file: Path, layers: list[Layer]) -> tuple[ModelConfig, int]:
    """The network's shape and the size of its vocabulary; for a one-hot input the embedding is the identity."""
    check_layers(file, layers)
    kinds = {layer.class_name: layer.config for layer in layers}
    recurrent = [layer for layer in layers if layer.class_name in CELLS]
    units = {str(layer.config.get("units")) for layer in recurrent}
    if len(units) > 1:
        raise ModelError(f"{file}: its recurrent layers have {', '.join(sorted(units))[:80]} units; expected one width")
    size = kinds["Dense"].get("units")
    embedding = kinds.get("Embedding", {"input_dim": size, "output_dim": size})
    if not isinstance(size, int) or size != embedding.get("input_dim"):
        raise ModelError(f"{file}: its Embedding and its Dense layer are of different vocabularies")
    if "Embedding" not in kinds and size > MOST_ONE_HOT:
        raise ModelError(f"{file}: its input is one-hot over {size:,} characters; textgen can take {MOST_ONE_HOT:,}")
    values = {
        "cell": CELLS[recurrent[0].class_name],
        "num_layers": len(recurrent),
        "units": recurrent[0].config.get("units"),
        "embedding_dim": embedding.get("output_dim"),
        "ngram_order": 0,
    }
    return build(ModelConfig, values, str(file)), size


def window_of(layers: list[Layer]) -> int | None:
    """How many characters a model reads at a time, where it says so."""
    for layer in layers[:1]:
        shape = layer.config.get("batch_shape") or layer.config.get("batch_input_shape")
        if isinstance(shape, list) and len(shape) > 1 and isinstance(shape[1], int):
            return shape[1]
    return None

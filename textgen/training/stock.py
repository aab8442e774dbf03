"""A network as a model of stock Keras, which needs nothing of textgen."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from textgen.config import ModelConfig
from textgen.training.model import assign_weights, named_weights

CELLS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


def stock_model(config: ModelConfig, weights: Mapping[str, np.ndarray]) -> keras.Sequential:
    """Ids (B, T) to logits (B, T, V), without dropout.

    Args:
        config: the network's shape.
        weights: name to array, as in weights.safetensors.
    """
    vocabulary_size, embedding_dim = weights["embedding/embeddings"].shape
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="ids"),
            keras.layers.Embedding(vocabulary_size, embedding_dim, name="embedding"),
            *(
                CELLS[config.cell](config.units, return_sequences=True, name=f"{config.cell}_{i}")
                for i in range(config.num_layers)
            ),
            keras.layers.Dense(vocabulary_size, name="dense"),
        ]
    )
    variables = named_weights(model)
    assign_weights(list(variables.values()), [weights[name] for name in variables])
    return model


def stock_archive(config: ModelConfig, weights: Mapping[str, np.ndarray], members: Mapping[str, bytes]) -> bytes:
    """`stock_model` as a .keras file, which is a zip archive.

    Args:
        config, weights: as in `stock_model`.
        members: name to content of further files in the archive, which Keras passes over.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        stock_model(config, weights).save(path)
        with zipfile.ZipFile(path, "a") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path.read_bytes()

"""A run as an ONNX model. Needs the package onnx, and no TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from textgen.config import ModelConfig
from textgen.data.transform import guessed
from textgen.data.vocabulary import Vocabulary
from textgen.errors import ModelError
from textgen.inference.predictor import load_weights
from textgen.runs.run import Run
from textgen.version import __version__

OPSET = 17
IR_VERSION = 8
MOST_BYTES = 2**31 - 2**20
"""What a file of protocol buffers can hold."""
OPERATORS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
GATES = {"lstm": (0, 3, 1, 2), "gru": (0, 1, 2), "rnn": (0,)}
"""Keras's gates in ONNX's order: input, output, forget, cell; update, reset, new."""


def onnx_model(path: Path, checkpoint: str) -> bytes:
    """The bytes of an ONNX file: ids (B, T) and states to logits (B, T, V) and states, for any B and T.

    With T of 1 it is a step; the states are inputs and outputs of their own, (1, B, H) for each layer: `hidden_0` gives
    `next_hidden_0`, and for an LSTM `cell_0` gives `next_cell_0`. Before a text they are zeros. The metadata holds
    `vocabulary`, a JSON list of the characters in the order of their ids, `start`, the id to read before a text, and
    `text`, a JSON object that says how the corpus was made: `normalize`, `keep_line_ends` and `lowercase`.

    Args:
        path: the run directory.
        checkpoint: as in `textgen.load`.

    Raises:
        ModelError: onnx is not installed, or the model is too large for its format.
        RunError, CorpusError: it is no run, or damaged, or has no such checkpoint.
    """
    try:
        from onnx import checker
        from onnx.helper import make_graph, make_model, make_opsetid, set_model_props
    except ImportError:
        raise ModelError("ONNX needs the package onnx: pip install 'textgen-keras[onnx]'") from None
    run = Run(path)
    info, vocabulary = run.load_info(), Vocabulary.load(run.path)
    config = info.model
    weights = load_weights(run, checkpoint, config, vocabulary)
    if sum(values.nbytes for values in weights.values()) > MOST_BYTES:
        raise ModelError(f"{path}: more than 2 GB of weights; a file of ONNX cannot hold them")
    nodes, inputs, outputs = graph_parts(config, weights)
    graph = make_graph(nodes, "textgen", inputs, outputs, tensors(config, weights))
    model = make_model(
        graph,
        producer_name="textgen",
        producer_version=__version__,
        opset_imports=[make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    text = msgspec.json.encode(info.text or guessed(vocabulary)).decode()
    facts = {"vocabulary": json.dumps(vocabulary.idx2char), "start": str(vocabulary.start), "text": text}
    set_model_props(model, facts)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def state_names(config: ModelConfig, layer: int) -> list[str]:
    """The states of a layer.

    >>> state_names(ModelConfig(), 0)
    ['hidden_0', 'cell_0']
    """
    return [f"{name}_{layer}" for name in (("hidden", "cell") if config.cell == "lstm" else ("hidden",))]


def graph_parts(config: ModelConfig, weights: dict[str, np.ndarray]) -> tuple[list[Any], list[Any], list[Any]]:
    """Nodes, inputs and outputs of the graph; inside it arrays are time-major, as ONNX's layers read them."""
    from onnx import TensorProto
    from onnx.helper import make_node, make_tensor_value_info

    nodes = [
        make_node("Transpose", ["ids"], ["columns"], perm=[1, 0]),
        make_node("Gather", ["embeddings", "columns"], ["values_0"]),
    ]
    inputs = [make_tensor_value_info("ids", TensorProto.INT64, ["batch", "time"])]
    outputs = [make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "time", len(weights["dense/bias"])])]
    shape: list[str | int | None] = [1, "batch", config.units]
    attributes: dict[str, Any] = {"linear_before_reset": 1} if config.cell == "gru" else {}
    for i in range(config.num_layers):
        names = state_names(config, i)
        nodes += [
            make_node(
                OPERATORS[config.cell],
                [f"values_{i}", f"kernel_{i}", f"recurrent_kernel_{i}", f"bias_{i}", "", *names],
                [f"outputs_{i}", *(f"next_{name}" for name in names)],
                hidden_size=config.units,
                **attributes,
            ),
            make_node("Squeeze", [f"outputs_{i}", "direction"], [f"values_{i + 1}"]),
        ]
        inputs += [make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]
        outputs += [make_tensor_value_info(f"next_{name}", TensorProto.FLOAT, shape) for name in names]
    nodes += [
        make_node("MatMul", [f"values_{config.num_layers}", "dense_kernel"], ["products"]),
        make_node("Add", ["products", "dense_bias"], ["sums"]),
        make_node("Transpose", ["sums"], ["logits"], perm=[1, 0, 2]),
    ]
    return nodes, inputs, outputs


def tensors(config: ModelConfig, weights: dict[str, np.ndarray]) -> list[Any]:
    """The weights as ONNX arranges them: gates as rows, in ONNX's order, with a first axis for the direction."""
    from onnx.numpy_helper import from_array

    arrays = {
        "embeddings": weights["embedding/embeddings"],
        "dense_kernel": weights["dense/kernel"],
        "dense_bias": weights["dense/bias"],
        "direction": np.array([1]),
    }
    order = GATES[config.cell]
    for i in range(config.num_layers):
        layer = {name: weights[f"{config.cell}_{i}/{name}"] for name in ("kernel", "recurrent_kernel", "bias")}
        bias = np.atleast_2d(layer["bias"])
        if len(bias) == 1:  # of a cell whose recurrent product has none
            bias = np.concatenate([bias, np.zeros_like(bias)])
        arrays |= {
            f"kernel_{i}": arranged(layer["kernel"], order).T[None],
            f"recurrent_kernel_{i}": arranged(layer["recurrent_kernel"], order).T[None],
            f"bias_{i}": arranged(bias, order).reshape(1, -1),
        }
    return [from_array(np.ascontiguousarray(values), name) for name, values in arrays.items()]


def arranged(weights: np.ndarray, order: tuple[int, ...]) -> np.ndarray:
    """The gates of (D, gates * H) in another order."""
    gates = np.split(weights, len(order), -1)
    return np.concatenate([gates[k] for k in order], -1)

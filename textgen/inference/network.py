"""Weights, state and ids to the next logits, one character at a time, in NumPy.

The arithmetic is that of Keras's layers with their default activations; tests hold the two together. A row
of a batch has the same bits as that row alone, unless its state asks for speed instead.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from textgen.config import ModelConfig
from textgen.errors import RunError
from textgen.run import Run, reporting_os_errors

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
TABLE_BYTES = 64 * 2**20
PADDING = 256
"""Columns of a large matrix are filled up to a multiple of this, so that threads share them evenly and no
result depends on where a thread's share ends."""


class State:
    """What a network remembers of B texts, changed in place by `Network.step`.

    Args:
        layers: for each recurrent layer its arrays, (B, H) each: hidden, and for an LSTM cell.
        batched: multiply all rows at once: two to three times as fast for many rows, but a row's last bits
            then depend on how many there are.
    """

    def __init__(self, layers: list[list[np.ndarray]], batched: bool = False) -> None:
        self.layers = layers
        self.batched = batched
        self.scratch: dict[str, np.ndarray] = {}

    def take(self, rows: np.ndarray | list[int]) -> State:
        """A state of some rows, in any order, each as often as it is named."""
        return State([[array[rows] for array in layer] for layer in self.layers], self.batched)

    def array(self, name: str, rows: int, columns: int) -> np.ndarray:
        """Working memory that is the same at every step."""
        if name not in self.scratch:
            self.scratch[name] = np.empty((rows, columns), np.float32)
        return self.scratch[name]


class Network:
    """A trained network that steps.

    Args:
        weights: name to array, as in weights.safetensors.
        config: the network's shape.
    """

    def __init__(self, weights: dict[str, np.ndarray], config: ModelConfig) -> None:
        self.config = config
        self.cell: Callable = {"lstm": lstm_step, "gru": gru_step, "rnn": rnn_step}[config.cell]
        self.layers = [Layer(weights, config.cell, i) for i in range(config.num_layers)]
        self.embeddings = weights["embedding/embeddings"]
        self.dense_kernel = padded(weights["dense/kernel"])
        self.dense_bias = weights["dense/bias"]
        first = self.layers[0]
        fits = len(self.embeddings) * first.width * 4 <= TABLE_BYTES
        # id -> its projected input: the embedding and the first kernel in one look-up
        self.table = None
        if fits:
            projected = np.empty((len(self.embeddings), first.kernel.shape[1]), np.float32)
            multiply_row_by_row(self.embeddings, first.kernel, projected)
            self.table = projected[:, : first.width] + first.bias

    def initial_state(self, batch_size: int, batched: bool = False) -> State:
        """The state before any character; see `State` for `batched`."""
        count = 2 if self.config.cell == "lstm" else 1
        shape = (batch_size, self.config.units)
        return State([[np.zeros(shape, np.float32) for _ in range(count)] for _ in self.layers], batched)

    def step(self, ids: np.ndarray, state: State) -> np.ndarray:
        """One character further.

        Args:
            ids: (B,) integers.
            state: of B texts; it is moved on in place.

        Returns:
            The logits of the next character, (B, V) float32, valid until the next step.
        """
        rows, values = len(ids), None
        multiply = multiply_at_once if state.batched else multiply_row_by_row
        for index, (layer, arrays) in enumerate(zip(self.layers, state.layers, strict=True)):
            gates = state.array(f"gates {index}", rows, layer.recurrent_kernel.shape[1])
            multiply(arrays[0], layer.recurrent_kernel, gates)
            if values is None and self.table is not None:
                projected = self.table[ids]
            else:
                projected = state.array(f"projected {index}", rows, layer.kernel.shape[1])
                multiply(self.embeddings[ids] if values is None else values, layer.kernel, projected)
                projected = projected[:, : layer.width]
                projected += layer.bias
            self.cell(projected, gates[:, : layer.width], layer.recurrent_bias, arrays, state)
            values = arrays[0]
        logits = state.array("logits", rows, self.dense_kernel.shape[1])
        multiply(values, self.dense_kernel, logits)
        logits = logits[:, : len(self.dense_bias)]
        logits += self.dense_bias
        return logits

    def read(self, ids: np.ndarray) -> tuple[np.ndarray, State]:
        """The logits (1, V) and the state after a text, (N,) ids with N of at least 1."""
        state = self.initial_state(1)
        for index in ids:
            logits = self.step(np.array([index]), state)
        return logits, state


class Layer:
    """The weights of one recurrent layer, arranged for its step."""

    def __init__(self, weights: dict[str, np.ndarray], cell: str, index: int) -> None:
        kernel, recurrent_kernel, bias = (
            weights[f"{cell}_{index}/{name}"] for name in ("kernel", "recurrent_kernel", "bias")
        )
        if cell == "gru":
            bias, self.recurrent_bias = bias
        else:
            self.recurrent_bias = None
        if cell == "lstm":
            kernel, recurrent_kernel, bias = map(arrange_lstm, (kernel, recurrent_kernel, bias))
        self.width = kernel.shape[1]
        self.kernel = padded(kernel)
        self.bias = bias
        self.recurrent_kernel = padded(recurrent_kernel)


def arrange_lstm(weights: np.ndarray) -> np.ndarray:
    """The columns of Keras's gates input, forget, cell, output in the order input, forget, output, cell.

    The sigmoid gates are halved, for sigmoid(x) = tanh(x / 2) / 2 + 1 / 2 makes all four a single tanh.
    """
    i, f, g, o = np.split(weights, 4, -1)
    return np.concatenate([i / 2, f / 2, o / 2, g], -1)


def padded(matrix: np.ndarray) -> np.ndarray:
    """A matrix with zero columns up to a multiple of PADDING, unless it is small."""
    more = -matrix.shape[1] % PADDING if matrix.shape[1] > PADDING else 0
    return np.ascontiguousarray(np.pad(matrix, ((0, 0), (0, more))))


def multiply_row_by_row(values: np.ndarray, matrix: np.ndarray, out: np.ndarray) -> None:
    """Rows (B, D) times a matrix (D, N) into (B, N), each row by a product of its own."""
    np.matmul(values[:, None, :], matrix, out=out[:, None, :])


def multiply_at_once(values: np.ndarray, matrix: np.ndarray, out: np.ndarray) -> None:
    """Rows (B, D) times a matrix (D, N) into (B, N)."""
    np.matmul(values, matrix, out=out)


def sigmoid(values: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow."""
    return 0.5 * np.tanh(0.5 * values) + 0.5


def lstm_step(projected, gates, recurrent_bias, arrays, state: State) -> None:
    """Gates in the order of `arrange_lstm`."""
    hidden, cell = arrays
    units = hidden.shape[1]
    gates += projected
    np.tanh(gates, out=gates)
    sigmoids = gates[:, : 3 * units]
    sigmoids *= 0.5
    sigmoids += 0.5
    cell *= gates[:, units : 2 * units]
    product = state.array("product", *cell.shape)
    np.multiply(gates[:, :units], gates[:, 3 * units :], out=product)
    cell += product
    np.tanh(cell, out=hidden)
    hidden *= gates[:, 2 * units : 3 * units]


def gru_step(projected, gates, recurrent_bias, arrays, state: State) -> None:
    """Gates in Keras's order: update, reset, new; the reset gate acts after the product."""
    (hidden,) = arrays
    units = hidden.shape[1]
    gates += recurrent_bias
    both = sigmoid(projected[:, : 2 * units] + gates[:, : 2 * units])
    update, reset = both[:, :units], both[:, units:]
    new = np.tanh(projected[:, 2 * units :] + reset * gates[:, 2 * units :])
    hidden *= update
    hidden += (1 - update) * new


def rnn_step(projected, gates, recurrent_bias, arrays, state: State) -> None:
    """A plain tanh unit."""
    np.tanh(projected + gates, out=arrays[0])


def weight_shapes(config: ModelConfig, vocabulary_size: int) -> dict[str, tuple[int, ...]]:
    """The name and shape of every weight of a network."""
    gates = GATES[config.cell] * config.units
    shapes = {"embedding/embeddings": (vocabulary_size, config.embedding_dim)}
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


def load_network(run: Run, checkpoint: str, config: ModelConfig, vocabulary_size: int) -> Network:
    """Read the weights of a checkpoint.

    Raises:
        RunError: they are missing or damaged, or do not fit the configuration.
    """
    if checkpoint not in (known := run.checkpoints()):
        raise RunError(f"{run.path}: has no {checkpoint!r} checkpoint; it has: {', '.join(known) or 'none yet'}")
    path = run.weights_path(checkpoint)
    with reporting_os_errors(path, RunError):
        try:
            weights = load_file(path)
        except SafetensorError as error:
            raise RunError(f"{path}: damaged: {error}") from None
    expected = weight_shapes(config, vocabulary_size)
    for name in sorted(expected.keys() | weights.keys()):
        found = weights[name].shape if name in weights else None
        if found != expected.get(name):
            raise RunError(f"{path}: {name} is {found}, expected {expected.get(name)} from run.json")
        if weights[name].dtype != np.float32 or not np.isfinite(weights[name]).all():
            raise RunError(f"{path}: {name} holds values that are no finite float32 numbers")
    return Network(weights, config)

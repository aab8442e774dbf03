"""Weights, state and ids to the next logits, one character at a time, in NumPy.

The arithmetic is that of Keras's layers with their default activations; tests hold the two together.
"""

from __future__ import annotations

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from textgen.config import ModelConfig
from textgen.errors import RunError
from textgen.run import Run, reporting_os_errors

GATES = {"lstm": 4, "gru": 3, "rnn": 1}
TABLE_BYTES = 32 * 2**20
States = list[list[np.ndarray]]
"""For each recurrent layer its arrays, (B, H) each: hidden, and for an LSTM cell."""


class Network:
    """A trained network that steps.

    Args:
        weights: name to array, as in weights.safetensors.
        config: the network's shape.
    """

    def __init__(self, weights: dict[str, np.ndarray], config: ModelConfig) -> None:
        self.config = config
        self.weights = weights
        self.step_cell = {"lstm": lstm_step, "gru": gru_step, "rnn": rnn_step}[config.cell]
        self.layers = [
            tuple(weights[f"{config.cell}_{i}/{name}"] for name in ("kernel", "recurrent_kernel", "bias"))
            for i in range(config.num_layers)
        ]
        kernel, _, bias = self.layers[0]
        embeddings = weights["embedding/embeddings"]
        fits = len(embeddings) * kernel.shape[1] * kernel.itemsize <= TABLE_BYTES
        # id -> its projected input: the embedding and the first kernel in one look-up
        self.table = project(embeddings, kernel, bias) if fits else None

    def initial_states(self, batch_size: int) -> States:
        """The state before any character."""
        count = 2 if self.config.cell == "lstm" else 1
        shape = (batch_size, self.config.units)
        return [[np.zeros(shape, np.float32) for _ in range(count)] for _ in self.layers]

    def step(self, ids: np.ndarray, states: States) -> tuple[np.ndarray, States]:
        """One character further.

        Args:
            ids: (B,) integers.
            states: the state before.

        Returns:
            The logits of the next character, (B, V) float32; the state after.
        """
        values, after = None, []
        for (kernel, recurrent_kernel, bias), state in zip(self.layers, states, strict=True):
            if values is not None:
                projected = project(values, kernel, bias)
            elif self.table is not None:
                projected = self.table[ids]
            else:
                projected = project(self.weights["embedding/embeddings"][ids], kernel, bias)
            after.append(self.step_cell(projected, state, recurrent_kernel, bias))
            values = after[-1][0]
        return values @ self.weights["dense/kernel"] + self.weights["dense/bias"], after


def project(values: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Inputs (B, D) times the kernel, bias added. Of a GRU's two biases (2, 3H) the first is the inputs'."""
    return values @ kernel + (bias if bias.ndim == 1 else bias[0])


def sigmoid(values: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow."""
    return 0.5 * np.tanh(0.5 * values) + 0.5


def lstm_step(projected, state, recurrent_kernel, bias) -> list[np.ndarray]:
    """Gates in Keras's order: input, forget, cell, output."""
    hidden, cell = state
    units = hidden.shape[1]
    gates = projected + hidden @ recurrent_kernel
    i, f, o = (sigmoid(gates[:, k * units : (k + 1) * units]) for k in (0, 1, 3))
    cell = f * cell + i * np.tanh(gates[:, 2 * units : 3 * units])
    return [o * np.tanh(cell), cell]


def gru_step(projected, state, recurrent_kernel, bias) -> list[np.ndarray]:
    """Gates in Keras's order: update, reset, new; the reset gate acts after the product."""
    (hidden,) = state
    units = hidden.shape[1]
    recurrent = hidden @ recurrent_kernel + bias[1]
    gates = sigmoid(projected[:, : 2 * units] + recurrent[:, : 2 * units])
    update, reset = gates[:, :units], gates[:, units:]
    new = np.tanh(projected[:, 2 * units :] + reset * recurrent[:, 2 * units :])
    return [update * hidden + (1 - update) * new]


def rnn_step(projected, state, recurrent_kernel, bias) -> list[np.ndarray]:
    """A plain tanh unit."""
    (hidden,) = state
    return [np.tanh(projected + hidden @ recurrent_kernel)]


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
    path = run.weights_path(checkpoint)
    if not path.is_file():
        raise RunError(f"{path}: missing; the run has no {checkpoint!r} checkpoint yet")
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

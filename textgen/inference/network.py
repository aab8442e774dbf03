"""Weights, state and ids to the next logits, one character at a time, in NumPy.

The arithmetic is that of Keras's layers with their default activations; tests hold the two together. A row
of a batch has the same bits as that row alone, unless its state asks for speed instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from textgen.config import ModelConfig
from textgen.runs.arrays import Floats, Ints

HALF = np.float32(0.5)
TABLE_BYTES = 64 * 2**20
PADDING = 256
"""Columns of a large matrix are filled up to a multiple of this, so that threads share them evenly and no
result depends on where a thread's share ends."""

Step = Callable[[Floats], object]
"""Moves a layer's state on by its inputs, (B, D)."""
Steps = tuple[list[Step], Callable[[], Floats]]
"""The steps of the recurrent layers, and what makes logits of the last one's state."""


class State:
    """What a network remembers of B texts, changed in place by `Network.step`.

    Args:
        layers: for each recurrent layer its arrays, (B, H) each: hidden, and for an LSTM cell.
        batched: multiply all rows at once: two to three times as fast for many rows, but a row's last bits
            then depend on how many there are.
    """

    def __init__(self, layers: list[list[Floats]], batched: bool = False) -> None:
        self.layers = layers
        self.batched = batched
        self.steps: Steps | None = None
        """What `Network` works with; it is made at the first step."""

    def take(self, rows: Ints | list[int]) -> State:
        """A state of some rows, in any order, each as often as it is named."""
        return State([[array[rows] for array in layer] for layer in self.layers], self.batched)

    @classmethod
    def merged(cls, states: Sequence[State]) -> State:
        """The texts of several states in one."""
        layers = zip(*(state.layers for state in states), strict=True)
        return cls([[np.concatenate(arrays) for arrays in zip(*layer, strict=True)] for layer in layers])


class Network:
    """A trained network that steps.

    Args:
        weights: name to array, as in weights.safetensors.
        config: the network's shape.
    """

    def __init__(self, weights: dict[str, Floats], config: ModelConfig) -> None:
        self.config = config
        self.layers = [Layer(weights, config.cell, i) for i in range(config.num_layers)]
        self.embeddings = weights["embedding/embeddings"]
        self.dense_kernel = padded(weights["dense/kernel"])
        self.dense_bias = weights["dense/bias"]
        first = self.layers[0]
        fits = len(self.embeddings) * first.width * 4 <= TABLE_BYTES
        # id -> its projected input: the embedding and the first kernel in one look-up
        self.table = None
        if fits:
            projected, multiply = product(self.embeddings, first.kernel, batched=False)
            multiply(self.embeddings)
            self.table = projected[:, : first.width] + first.bias

    def initial_state(self, batch_size: int, batched: bool = False) -> State:
        """The state before any character; see `State` for `batched`."""
        count = 2 if self.config.cell == "lstm" else 1
        shape = (batch_size, self.config.units)
        return State([[np.zeros(shape, np.float32) for _ in range(count)] for _ in self.layers], batched)

    def step(self, ids: Ints, state: State) -> Floats:
        """One character further.

        Args:
            ids: (B,) integers.
            state: of B texts; it is moved on in place.

        Returns:
            The logits of the next character, (B, V) float32, valid until the next step.
        """
        return self.move(ids, state)()

    def move(self, ids: Ints, state: State) -> Callable[[], Floats]:
        """As `step`, but for the logits: it returns what makes them, until the next step."""
        if state.steps is None:
            state.steps = self._prepare(state)
        (first, *others), dense = state.steps
        first(self.table[ids] if self.table is not None else self.embeddings[ids])
        for index, step in enumerate(others):
            step(state.layers[index][0])
        return dense

    def _prepare(self, state: State) -> Steps:
        """The functions of one step, with all memory that they work in: what they allocate once costs nothing later."""
        steps: list[Step] = []
        for index, (layer, arrays) in enumerate(zip(self.layers, state.layers, strict=True)):
            known = index == 0 and self.table is not None
            steps.append(layer_step(layer, arrays, CELLS[self.config.cell], state.batched, known))
        hidden = state.layers[-1][0]
        logits, multiply = product(hidden, self.dense_kernel, state.batched)
        logits, bias = logits[:, : len(self.dense_bias)], self.dense_bias

        def dense() -> Floats:
            multiply(hidden)
            return np.add(logits, bias, out=logits)

        return steps, dense


class Layer:
    """The weights of one recurrent layer, arranged for its step."""

    def __init__(self, weights: dict[str, Floats], cell: str, index: int) -> None:
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


def arrange_lstm(weights: Floats) -> Floats:
    """The columns of Keras's gates input, forget, cell, output in the order input, forget, output, cell.

    The sigmoid gates are halved, for sigmoid(x) = tanh(x / 2) / 2 + 1 / 2 makes all four a single tanh.
    """
    i, f, g, o = np.split(weights, 4, -1)
    return np.concatenate([i / 2, f / 2, o / 2, g], -1)


def padded(matrix: Floats) -> Floats:
    """A matrix with zero columns up to a multiple of PADDING, unless it is small."""
    more = -matrix.shape[1] % PADDING if matrix.shape[1] > PADDING else 0
    return np.ascontiguousarray(np.pad(matrix, ((0, 0), (0, more))))


def product(values: Floats, matrix: Floats, batched: bool) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Memory for rows (B, D) times a matrix (D, N), and the function that multiplies into it: all rows at once, or
    each by a product of its own."""
    out = np.empty((len(values), matrix.shape[1]), np.float32)
    if batched:
        return out, lambda values: np.matmul(values, matrix, out=out)
    rows = out[:, None, :]
    return out, lambda values: np.matmul(values[:, None, :], matrix, out=rows)


def layer_step(layer: Layer, arrays: list[Floats], cell: Callable[..., Step], batched: bool, known: bool) -> Step:
    """The step of one layer over its state arrays; it takes its inputs (B, D), or where `known` their projection."""
    hidden = arrays[0]
    gates, multiply_hidden = product(hidden, layer.recurrent_kernel, batched)
    activate = cell(gates[:, : layer.width], layer.recurrent_bias, *arrays)
    if known:

        def step(values: Floats) -> None:
            multiply_hidden(hidden)
            activate(values)
    else:
        inputs, multiply_inputs = product(np.empty((len(hidden), len(layer.kernel))), layer.kernel, batched)
        projected = inputs[:, : layer.width]

        def step(values: Floats) -> None:
            multiply_inputs(values)
            np.add(projected, layer.bias, out=projected)
            multiply_hidden(hidden)
            activate(projected)

    return step


def sigmoid(values: Floats) -> Floats:
    """The logistic function, without overflow."""
    shares: Floats = 0.5 * np.tanh(0.5 * values) + 0.5
    return shares


def lstm_cell(gates: Floats, recurrent_bias: None, hidden: Floats, cell: Floats) -> Step:
    """Gates in the order of `arrange_lstm`."""
    units = hidden.shape[1]
    i, f, o, g = (gates[:, k * units : (k + 1) * units] for k in range(4))
    sigmoids = gates[:, : 3 * units]
    added = np.empty_like(cell)

    def activate(projected: Floats) -> None:
        np.add(gates, projected, out=gates)
        np.tanh(gates, out=gates)
        np.multiply(sigmoids, HALF, out=sigmoids)
        np.add(sigmoids, HALF, out=sigmoids)
        np.multiply(cell, f, out=cell)
        np.multiply(i, g, out=added)
        np.add(cell, added, out=cell)
        np.tanh(cell, out=hidden)
        np.multiply(hidden, o, out=hidden)

    return activate


def gru_cell(gates: Floats, recurrent_bias: Floats, hidden: Floats) -> Step:
    """Gates in Keras's order: update, reset, new; the reset gate acts after the product."""
    units = hidden.shape[1]

    def activate(projected: Floats) -> None:
        np.add(gates, recurrent_bias, out=gates)
        both = sigmoid(projected[:, : 2 * units] + gates[:, : 2 * units])
        update, reset = both[:, :units], both[:, units:]
        new = np.tanh(projected[:, 2 * units :] + reset * gates[:, 2 * units :])
        hidden[:] = update * hidden + (1 - update) * new

    return activate


def rnn_cell(gates: Floats, recurrent_bias: None, hidden: Floats) -> Step:
    """A plain tanh unit."""
    return lambda projected: np.tanh(np.add(gates, projected, out=gates), out=hidden)


CELLS: dict[str, Callable[..., Step]] = {"lstm": lstm_cell, "gru": gru_cell, "rnn": rnn_cell}

"""Training throughput: textgen, Keras's layer of the same cell under `fit`, and PyTorch's if it is installed.

`python benchmarks/train_speed.py [--rounds 9] [--cells lstm gru rnn] [--shapes 1x128:64:128 ...]`

All in one process, on the same shapes and random text, some steps of each in turn. A figure is the median
over the rounds in characters per second. Useful arithmetic counts the products of the forward and the
backward pass (three times the forward pass's), but not the first layer's input, which is a look-up; it is set
against the best rate of a matrix product in the same process.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from pathlib import Path

import numpy as np
from machine import median, report, sgemm_gflops

import textgen.training  # noqa: F401  (starts TensorFlow quietly)
from textgen.config import ModelConfig, TrainConfig
from textgen.runs.weights import GATES
from textgen.training.engine import Engine, News

VOCABULARY = 65
STOCK = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}
TORCH = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
SHAPES = ["1x128:64:128", "2x256:64:128", "1x512:64:128", "1x384:16:64"]


class Textgen:
    """Our engine."""

    def __init__(self, cell: str, layers: int, units: int, batch: int, window: int) -> None:
        model = ModelConfig(cell=cell, num_layers=layers, units=units, embedding_dim=units, dropout=0.0)
        self.engine = Engine(model, TrainConfig(batch_size=batch, seq_length=window), VOCABULARY)
        self.states = self.engine.zero_states()
        self.kept = np.ones(batch, np.float32)
        self.number = 0

    def steps(self, ids: np.ndarray) -> None:
        """One step for each batch of ids (N, B, T + 1)."""
        for batch in ids:
            _, self.states, _ = self.engine.update(batch, self.states, self.kept, self.number, 1e-3, News(0, 0, 0))
            self.number += 1


class Keras:
    """Stock layers under `fit`."""

    def __init__(self, cell: str, layers: int, units: int, batch: int, window: int) -> None:
        import keras

        self.model = keras.Sequential(
            [
                keras.layers.Embedding(VOCABULARY, units),
                *(getattr(keras.layers, STOCK[cell])(units, return_sequences=True) for _ in range(layers)),
                keras.layers.Dense(VOCABULARY),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(keras.optimizers.Adam(1e-3, clipnorm=1.0), loss)

    def steps(self, ids: np.ndarray) -> None:
        """One `fit` over all batches of ids (N, B, T + 1)."""
        flat = ids.reshape(-1, ids.shape[-1])
        self.model.fit(flat[:, :-1], flat[:, 1:], batch_size=ids.shape[1], shuffle=False, verbose=0)


class Torch:
    """PyTorch's own layers, two threads."""

    def __init__(self, cell: str, layers: int, units: int, batch: int, window: int) -> None:
        import torch

        torch.set_num_threads(2)
        self.torch = torch
        self.embedding = torch.nn.Embedding(VOCABULARY, units)
        self.recurrent = getattr(torch.nn, TORCH[cell])(units, units, layers, batch_first=True)
        self.dense = torch.nn.Linear(units, VOCABULARY)
        modules = (self.embedding, self.recurrent, self.dense)
        self.parameters = [p for module in modules for p in module.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, 1e-3)
        self.state = None

    def steps(self, ids: np.ndarray) -> None:
        """One step for each batch of ids (N, B, T + 1)."""
        for batch in ids:
            tensor = self.torch.from_numpy(batch).long()
            hidden, state = self.recurrent(self.embedding(tensor[:, :-1]), self.state)
            self.state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
            logits = self.dense(hidden).flatten(0, 1)
            loss = self.torch.nn.functional.cross_entropy(logits, tensor[:, 1:].reshape(-1))
            self.optimizer.zero_grad()
            loss.backward()
            self.torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimizer.step()
            loss.item()


def useful_gflops_per_character(cell: str, layers: int, units: int) -> float:
    """Forward and backward products of all layers but the first's input, which is a look-up."""
    recurrent = (2 * layers - 1) * units * GATES[cell] * units
    return 3 * 2 * (recurrent + units * VOCABULARY) / 1e9


def measure(shape: str, cells: list[str], rounds: int) -> list[dict]:
    """The rows of one shape, LAYERSxUNITS:BATCH:WINDOW, one for each cell."""
    size, batch, window = shape.split(":")
    layers, units, batch, window = *map(int, size.split("x")), int(batch), int(window)
    sides = {}
    for cell in cells:
        for side in (Textgen, Keras, Torch):
            with contextlib.suppress(ImportError):
                sides[cell, side.__name__.lower()] = side(cell, layers, units, batch, window)
    count = max(4, round(60_000 / (batch * window) * (256 / units)))
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (count, batch, window + 1)).astype(np.int32)
    times = {name: [] for name in sides}
    for side in sides.values():
        side.steps(ids)
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.perf_counter()
            side.steps(ids)
            times[name].append(time.perf_counter() - began)
    rates = {name: count * batch * window / median(values) for name, values in times.items()}
    return [row(shape, cell, layers, units, rates) for cell in cells]


def row(shape: str, cell: str, layers: int, units: int, rates: dict[tuple[str, str], float]) -> dict:
    """What the table says of one cell."""
    mine, first = rates[cell, "textgen"], next(iter(rates.values()))
    others = {side: rate for (of, side), rate in rates.items() if of == cell and side != "textgen"}
    useful, peak = useful_gflops_per_character(cell, layers, units) * mine, sgemm_gflops()
    return {
        "shape": shape,
        "cell": cell,
        "characters/s": mine,
        "x first cell": mine / first,
        **{f"{name} characters/s": rate for name, rate in others.items()},
        **{f"x {name}": mine / rate for name, rate in others.items()},
        "SGEMM GFLOP/s": peak,
        "useful, % of SGEMM": 100 * useful / peak,
    }


def main() -> None:
    """Measure every shape and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cells", nargs="+", default=list(STOCK), choices=list(STOCK))
    parser.add_argument("--shapes", nargs="+", default=SHAPES, help="LAYERSxUNITS:BATCH:WINDOW")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rows = [row for shape in arguments.shapes for row in measure(shape, arguments.cells, arguments.rounds)]
    report("training throughput", rows, arguments.json)


if __name__ == "__main__":
    main()

"""Sampling and scoring: start-up, speed against the alternatives, memory. `python benchmarks/sample.py [--rounds 7]`

`--only workers` measures one thing alone, here one worker against several (`--workers`).

Speed depends on a model's shape and not on what it has learnt, so the models are random. Alternatives (a `tf.function`
loop over the same Keras model, PyTorch's `nn.LSTM` one character at a time if it is installed) run in the same process
and in turn; a figure is the median over the rounds. Processes are timed from outside.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from machine import median, report
from safetensors.numpy import save_file

import textgen
from textgen.config import ModelConfig, SampleConfig, TrainConfig
from textgen.data.vocabulary import Vocabulary
from textgen.inference.score import line_bits
from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
from textgen.runs.weights import weight_shapes

VOCABULARY = Vocabulary("\n" + "".join(map(chr, range(32, 96))))
DEMO = "1x384"
"""The shape of the default model, and so of the demonstration's."""


def random_run(folder: Path, shape: str) -> Path:
    """A run directory with random weights, of a shape like `2x512`."""
    layers, units = map(int, shape.split("x"))
    model = ModelConfig(num_layers=layers, units=units, ngram_order=0)
    run = Run(folder / shape)
    generator = np.random.default_rng(0)
    weights = {
        name: generator.normal(0, 0.05, size).astype(np.float32)
        for name, size in weight_shapes(model, len(VOCABULARY)).items()
    }
    run.weights_path("best").parent.mkdir(parents=True)
    save_file(weights, run.weights_path("best"))
    VOCABULARY.save(run.path)
    run.save_info(
        RunInfo(
            format_version=FORMAT_VERSION,
            textgen_version=textgen.__version__,
            model=model,
            train=TrainConfig(),
            corpus="",
            corpus_fingerprint="",
        )
    )
    return run.path


def in_turn(sides: dict[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """Characters per second of each side: the median over rounds in which all take turns, after a warm-up."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.perf_counter()
            characters = side()
            rates[name].append(characters / (time.perf_counter() - began))
    return {name: median(values) for name, values in rates.items()}


def ours(path: Path, samples: int, length: int) -> Callable[[], int]:
    """Write some samples side by side with a run."""
    model = textgen.load(path)
    config = SampleConfig(length=length, temperature=1.0, rng_seed=1)
    return lambda: sum(len(piece) for _, piece in model.write([""] * samples, config))


def keras_loop(path: Path, length: int) -> Callable[[], int]:
    """The same Keras model in one `tf.function` that loops over the characters."""
    import textgen.training  # noqa: F401  (starts TensorFlow quietly)

    import tensorflow as tf  # isort: skip

    from textgen.training.model import build_model, recurrent_layers

    config = Run(path).load_info().model
    model = build_model(config, len(VOCABULARY))
    cells = [layer.cell for layer in recurrent_layers(model)]
    dense = model.layers[-1]

    @tf.function
    def loop():
        index = tf.zeros((1,), tf.int32)
        states = [(tf.zeros((1, config.units)), tf.zeros((1, config.units))) for _ in cells]
        written = tf.TensorArray(tf.int32, length)
        for t in tf.range(length):
            values = tf.gather(tf.convert_to_tensor(model.layers[0].embeddings), index)
            after = []
            for cell, state in zip(cells, states, strict=True):
                values, new_state = cell(values, list(state))
                after.append(tuple(new_state))
            states = after
            index = tf.random.categorical(dense(values), 1, tf.int32)[:, 0]
            written = written.write(t, index[0])
        return written.stack()

    return lambda: len(loop().numpy())


def torch_loop(shape: str, length: int) -> Callable[[], int] | None:
    """PyTorch's LSTM, one character at a time; None where PyTorch is not installed."""
    try:
        import torch
    except ImportError:
        return None
    layers, units = map(int, shape.split("x"))
    torch.set_num_threads(2)
    embedding = torch.nn.Embedding(len(VOCABULARY), 64)
    lstm = torch.nn.LSTM(64, units, layers)
    dense = torch.nn.Linear(units, len(VOCABULARY))

    def loop() -> int:
        state, index = None, torch.zeros(1, 1, dtype=torch.long)
        with torch.inference_mode():
            for _ in range(length):
                hidden, state = lstm(embedding(index), state)
                index = torch.multinomial(torch.softmax(dense(hidden[0]), -1), 1)
        return length

    return loop


def stream_rows(folder: Path, rounds: int) -> list[dict]:
    """One stream against the alternatives, and many streams against one."""
    rows = []
    for shape in ("1x128", "1x384", "2x512"):
        path = random_run(folder, shape)
        sides = {"one": ours(path, 1, 1500), "many": ours(path, 64, 100), "keras": keras_loop(path, 300)}
        if loop := torch_loop(shape, 300):
            sides["torch"] = loop
        rates = in_turn(sides, rounds)
        rows.append(
            {
                "model": shape,
                "one stream, characters/s": rates["one"],
                "x tf.function loop": rates["one"] / rates["keras"],
                "x PyTorch": rates["one"] / rates["torch"] if "torch" in rates else float("nan"),
                "64 streams, characters/s": rates["many"],
                "x one stream": rates["many"] / rates["one"],
                "% of memory bandwidth": 100 * bandwidth_share(path, rates["one"]),
            }
        )
    return rows


def bandwidth_share(path: Path, rate: float) -> float:
    """The weight bytes that one stream reads in a second over what reading an array of their size reaches."""
    network = textgen.load(path).predictor.network
    matrices = [layer.recurrent_kernel for layer in network.layers]
    matrices += [network.dense_kernel, *(layer.kernel for layer in network.layers[1:])]
    count = sum(matrix.nbytes for matrix in matrices)
    array = np.ones((count // 4096, 1024), np.float32)
    reads = (array.max, lambda: array.ravel() @ array.ravel(), lambda: array @ array[0], lambda: array[:, 0] @ array)
    best = 0.0
    for read in reads * 50:
        began = time.perf_counter()
        read()
        best = max(best, count / (time.perf_counter() - began))
    return rate * count / best


def process(command: list[str], characters: int | None = None) -> float:
    """Seconds to the end of a process, or to its first characters."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        child.stdout.read(characters or -1)
        if not characters:
            child.wait()
        return time.perf_counter() - began


REPORTING = """
import atexit, pathlib, sys
peak = lambda: next(l for l in pathlib.Path("/proc/self/status").read_text().splitlines() if l.startswith("VmHWM"))
atexit.register(lambda: sys.stderr.write("\\n" + peak()))
"""


def peak_megabytes(code: str, arguments: list[str]) -> float:
    """The largest resident set of a Python process, as it finds it at its end."""
    command = [sys.executable, "-c", REPORTING + code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stderr.splitlines()[-1].split()[1]) / 1024


PREDICT = """
import sys, textgen.training, numpy as np
from textgen.config import ModelConfig
from textgen.training.model import build_model
model = build_model(ModelConfig(num_layers=1, units=384), 65)
ids = [0]
for _ in range(1000):
    logits = model.predict(np.array([ids[-40:]]), verbose=0)[0, -1].astype(float)
    chances = np.exp(logits - logits.max())
    ids.append(int(np.random.choice(65, p=chances / chances.sum())))
print(len(ids))
"""


def process_rows(folder: Path, rounds: int) -> list[dict]:
    """Whole processes."""
    command = [str(Path(sys.executable).with_name("textgen")), "sample"]
    demo, large = random_run(folder / "p", DEMO), random_run(folder / "p", "2x512")
    cases = {
        "an interpreter with NumPy and Click": lambda: process([sys.executable, "-c", "import numpy, click"]),
        "textgen --help": lambda: process([command[0], "--help"]),
        f"first character, {DEMO}": lambda: process([*command, str(demo), "-s", "A"], 2),
        "first character, 2x512": lambda: process([*command, str(large), "-s", "A"], 2),
        f"1,000 characters, {DEMO}": lambda: process([*command, str(demo), "-l", "1000"]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds + 1):
        for name, case in cases.items():
            seconds[name].append(case())
    rows = [{"process": name, "seconds": median(found[1:])} for name, found in seconds.items()]
    rows.append(
        {"process": "1,000 characters, model.predict each", "seconds": process([sys.executable, "-c", PREDICT])}
    )
    return rows


def memory_rows(folder: Path, rounds: int) -> list[dict]:
    """Peak memory of sampling."""
    code = "import sys\nfrom textgen.cli import main\nsys.argv[0] = 'textgen'\nmain()"
    cases = {"import numpy, click": ("import numpy, click", [])}
    for shape in (DEMO, "2x512"):
        path = str(random_run(folder / "m", shape))
        cases[f"sample, {shape}"] = (code, ["sample", path])
        cases[f"sample -n 64, {shape}"] = (code, ["sample", path, "-n", "64"])
    return [{"process": name, "peak resident MB": peak_megabytes(*case)} for name, case in cases.items()]


def worker_rows(folder: Path, rounds: int, workers: int = 2) -> list[dict]:
    """Whole processes with one worker and with several, in turn: samples, and lines scored."""
    path, lines = random_run(folder / "w", "1x256"), folder / "lines"
    generator = np.random.default_rng(0)
    rows = ("".join(map(chr, generator.integers(65, 91, 60))) for _ in range(8192))
    lines.write_text("".join(f"{row}\n" for row in rows))
    command = str(Path(sys.executable).with_name("textgen"))
    cases = {
        "sample -n 1024 -l 500": [command, "sample", str(path), "-n", "1024", "-l", "500", "--rng-seed", "1"],
        "score --lines, 8,192 of 60 characters": [command, "score", str(path), "--lines", str(lines)],
    }
    found = []
    for name, case in cases.items():
        seconds: dict[int, list[float]] = {1: [], workers: []}
        for _ in range(rounds + 1):
            for number, times in seconds.items():
                times.append(process([*case, "--workers", str(number)]))
        one, several = (median(times[1:]) for times in seconds.values())
        found.append({"work": name, "one worker, s": one, f"{workers} workers, s": several, "ratio": one / several})
    return found


def score_rows(folder: Path, rounds: int) -> list[dict]:
    """Lines scored per second."""
    model = textgen.load(random_run(folder / "s", "1x128"))
    generator = np.random.default_rng(0)
    lines = ["".join(map(chr, generator.integers(65, 91, generator.integers(4, 14)))) for _ in range(4096)]
    rate = in_turn({"lines": lambda: len(line_bits(model, lines))}, rounds)["lines"]
    return [{"model": "1x128", "lines of 4 to 13 characters, scored per second": rate}]


MEASUREMENTS = {
    "processes": process_rows,
    "memory": memory_rows,
    "streams": stream_rows,
    "scoring": score_rows,
    "workers": worker_rows,
}


def main() -> None:
    """Measure all and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="folder for JSON files")
    parser.add_argument("--only", choices=MEASUREMENTS, help="measure this alone")
    parser.add_argument("--workers", type=int, default=2, help="how many against one")
    arguments = parser.parse_args()
    measurements = MEASUREMENTS | {"workers": partial(worker_rows, workers=arguments.workers)}
    with tempfile.TemporaryDirectory() as folder:
        for name in [arguments.only] if arguments.only else measurements:
            rows = measurements[name](Path(folder), arguments.rounds)
            report(f"sampling: {name}", rows, arguments.json and arguments.json / f"sample-{name}.json")
            print()


if __name__ == "__main__":
    main()

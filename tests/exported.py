"""For the tests of exports: runs with random weights, and the page's scripts under node."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import load_file

import textgen
from textgen.config import ModelConfig, TrainConfig
from textgen.counts.contexts import Contexts
from textgen.counts.counting import count
from textgen.counts.files import MIXTURE, RATES, mixture_specs, rates_specs, save_counts
from textgen.data.vocabulary import Vocabulary
from textgen.export.page import SCRIPTS, source
from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
from textgen.runs.weights import save_tensors, weight_shapes

COUNTED = 8000
"""How many characters of counts a run has, if it has any."""


def make_run(path: Path, characters="\nabcdefghijklmnopqrstuvwxyz ", rng_seed=0, corpus="data/plays", **model) -> Path:
    """A run of a network with random weights, as if it had been trained."""
    config = ModelConfig(**{"units": 20, "embedding_dim": 6, "ngram_order": 0, **model})
    vocabulary, run, rng = Vocabulary(characters), Run(path), np.random.default_rng(rng_seed)
    path.mkdir(parents=True)
    info = RunInfo(
        format_version=FORMAT_VERSION,
        textgen_version=textgen.__version__,
        model=config,
        train=TrainConfig(),
        corpus=corpus,
        corpus_fingerprint="",
    )
    run.save_info(info)
    vocabulary.save(path)
    shapes = weight_shapes(config, len(vocabulary))
    weights = {name: rng.normal(0, 0.6, shape).astype(np.float32) for name, shape in shapes.items()}
    if config.ngram_order:
        shape = mixture_specs(config)[MIXTURE][1]
        weights[MIXTURE] = rng.uniform(0.2, 0.9, shape).astype(np.float32)
        weights[RATES] = rng.uniform(0.05, 0.5, rates_specs(config)[RATES][1]).astype(np.float32)
        counts = count(Contexts(vocabulary, config.ngram_order), counted_text(vocabulary, rng))
        save_counts(run, counts, COUNTED)
    save_tensors(run, run.weights_path("best"), weights, {})
    return path


def counted_text(vocabulary: Vocabulary, rng: np.random.Generator) -> np.ndarray:
    """A text of words that come again and again."""
    words = [rng.integers(len(vocabulary), size=rng.integers(1, 6)) for _ in range(300)]
    return np.concatenate([words[min(int(rank), 299)] for rank in rng.zipf(1.3, COUNTED)])[:COUNTED]


def keras_layers(run: Path, window: int | None = None) -> tuple[list[dict], dict[str, list[np.ndarray]]]:
    """A run's network as Keras describes it, and the weights by the names of layers; one-hot where its embedding is the
    identity."""
    config, weights = Run(run).load_info().model, load_file(Run(run).weights_path("best"))
    size = len(weights["dense/bias"])
    parts: dict[str, list[np.ndarray]] = {}
    for name in weight_shapes(config, size):
        parts.setdefault(name.split("/")[0], []).append(weights[name])
    kind = {"lstm": "LSTM", "gru": "GRU", "rnn": "SimpleRNN"}[config.cell]
    usual = {"activation": "tanh", "use_bias": True, "go_backwards": False, "stateful": False, "units": config.units}
    gated = {"recurrent_activation": "sigmoid", "reset_after": True} if config.cell != "rnn" else {}
    embedding = {"input_dim": size, "output_dim": config.embedding_dim, "mask_zero": False, "input_length": None}
    layers = dict.fromkeys(parts, (kind, usual | gated))
    layers |= {"embedding": ("Embedding", embedding)}
    layers |= {"dense": ("Dense", {"units": size, "activation": "softmax", "use_bias": True})}
    if np.array_equal(parts["embedding"][0], np.eye(size)):
        del parts["embedding"], layers["embedding"]
        first = next(iter(layers))
        layers[first] = (kind, {**layers[first][1], "batch_input_shape": [None, window, size]})
    return [{"class_name": kind, "config": {"name": name, **told}} for name, (kind, told) in layers.items()], parts


def save_keras2(path: Path, layers: list[dict], parts: dict[str, list[np.ndarray]], architecture: bool = True) -> None:
    """HDF5 as Keras 2 wrote it for `model.save` or, without architecture, `model.save_weights`."""
    names = {1: ["embeddings:0"], 2: ["kernel:0", "bias:0"], 3: ["kernel:0", "recurrent_kernel:0", "bias:0"]}
    with h5py.File(path, "w") as file:
        group = file
        if architecture:
            model = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": layers}}
            file.attrs["model_config"] = json.dumps(model).encode()
            group = file.create_group("model_weights")
        for attributes in {file, group}:
            attributes.attrs["keras_version"], attributes.attrs["backend"] = b"2.4.0", b"tensorflow"
        group.attrs["layer_names"] = np.array([b"dropout_1", *[name.encode() for name in parts]])
        group.create_group("dropout_1").attrs["weight_names"] = []
        for name, arrays in parts.items():
            layer = group.create_group(name)
            layer.attrs["weight_names"] = np.array([f"{name}/{weight}".encode() for weight in names[len(arrays)]])
            for weight, array in zip(names[len(arrays)], arrays, strict=True):
                layer[f"{name}/{weight}"] = array


def save_keras3(path: Path, layers: list[dict], parts: dict[str, list[np.ndarray]]) -> None:
    """HDF5 as Keras 3 writes it for `model.save_weights`, and into a .keras file."""
    seen: list[str] = []
    with h5py.File(path, "w") as file:
        for layer, arrays in zip(layers, parts.values(), strict=True):
            kind = layer["class_name"].lower().replace("simplernn", "simple_rnn")
            number = f"_{seen.count(kind)}" * (kind in seen)
            seen.append(kind)
            for i, array in enumerate(arrays):
                file[f"layers/{kind}{number}/{'cell/' * (len(arrays) == 3)}vars/{i}"] = array


def node_path() -> str | None:
    """Node of the machine, or the one that playwright brings."""
    if found := shutil.which("node"):
        return found
    try:
        from playwright._impl._driver import compute_driver_executable
    except ImportError:
        return None
    return compute_driver_executable()[0]


def run_scripts(code: str, value) -> object:
    """What code returns that follows the page's scripts, all but the one for its elements; `value` is its input."""
    node = node_path()
    if not node:
        pytest.skip("no node here: apt-get install nodejs, or pip install playwright")
    scripts = "\n".join(source(name) for name in SCRIPTS if name != "page.js")
    program = (
        f"{scripts}\nconst files = require('fs');\nconst input = JSON.parse(files.readFileSync(0, 'utf8'));\n"
        f"(async () => {{ {code} }})().then((found) => {{\n"
        "  files.writeFileSync('/dev/stdout', JSON.stringify(found)); process.exit(0); });"
    )
    done = subprocess.run([node, "-e", program], input=json.dumps(value), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def parts_of(page: str) -> dict:
    """The data of a page: what its script knows of the model, and the weights."""
    model = re.search(r'<script type="application/json" id="model">(.*?)</script>', page, re.S)[1]
    weights = re.search(r'<script type="text/plain" id="weights">(.*?)</script>', page, re.S)[1]
    counts = re.search(r'<script type="text/plain" id="counts">(.*?)</script>', page, re.S)[1]
    return {**json.loads(model), "weights": weights, "packed": counts}

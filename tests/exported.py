"""For the tests of exports: runs with random weights, and the page's scripts under node."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

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

"""A run as one HTML file that writes in any browser, offline."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from textgen.config import ModelConfig, TrainConfig
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary
from textgen.export.curve import curve_svg
from textgen.inference.overview import RunOverview, overview, shape
from textgen.inference.page import MOST_BITS, SHADES, legend, shade_rules
from textgen.inference.predictor import load_weights
from textgen.runs.history import load_progress
from textgen.runs.run import Run
from textgen.runs.weights import weight_shapes

SOURCES = Path(__file__).parent / "page"
SCRIPTS = ("random.js", "network.js", "sampling.js", "reader.js", "ways.js", "page.js")
"""In the order in which one needs another."""
PLACE = re.compile(r"\{\{(\w+)\}\}")
SAME = {
    "float16": "The page holds the weights rounded to 16 bits; with --precision float16 the command samples these.",
    "float32": "The page holds the weights as they were trained.",
}
ALONE = (
    "This run mixes n-gram counts with its network. The page has the network alone, so the command writes another text."
)


def page(path: Path, checkpoint: str, precision: str) -> bytes:
    """The page of a run.

    Args:
        path: the run directory.
        checkpoint: as in `textgen.load`.
        precision: `float16` or `float32`, the number format of the weights. The page writes what `textgen sample`
            writes from weights of the same precision.

    Returns:
        An HTML file in UTF-8 that fetches nothing.

    Raises:
        RunError, CorpusError: it is no run, or damaged, or has no such checkpoint.
    """
    run = Run(path)
    vocabulary, it = Vocabulary.load(path), overview(path)
    weights = load_weights(run, checkpoint, it.model, vocabulary, precision)
    script = "".join(source(name) for name in SCRIPTS)
    style = source("page.css") + shade_rules()
    values = {
        "policy": f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "base-uri 'none'; form-action 'none'",
        "name": html.escape(Path(path).resolve().name),
        "style": style,
        "start": "a new document" if DOCUMENT_END in vocabulary.char2idx else "a new line",
        "legend": legend(),
        "same": ALONE if it.model.ngram_order else SAME[precision],
        "facts": "\n".join(f"<dt>{name}</dt><dd>{html.escape(value)}</dd>" for name, value in facts(it, run).items()),
        "curve": curve_svg(load_progress(run).curve),
        "model": in_script(json.dumps(description(it, vocabulary, precision))),
        "weights": encoded(weights, it, precision),
        "script": script,
    }
    # in one pass: what a stranger's file brings in is not looked at again
    return PLACE.sub(lambda place: values[place[1]], source("page.html")).encode()


def source(name: str) -> str:
    """A source file of the page."""
    return (SOURCES / name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """What a content security policy calls an inline script or style by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def in_script(text: str) -> str:
    r"""JSON of ASCII as it can stand in a script element.

    >>> in_script('"</script>"')
    '"\\u003c/script>"'
    """
    return text.replace("<", "\\u003c")


def description(it: RunOverview, vocabulary: Vocabulary, precision: str) -> dict[str, Any]:
    """What the page's script needs to know besides the weights."""
    shapes = weight_shapes(it.model, len(vocabulary))
    return {
        "run": Path(it.run).name,
        "config": {name: getattr(it.model, name) for name in ("cell", "num_layers", "units")},
        "characters": vocabulary.idx2char,
        "start": vocabulary.start,
        "end": vocabulary.char2idx.get(DOCUMENT_END, -1),
        "precision": precision,
        "sizes": [[name, int(np.prod(sizes))] for name, sizes in shapes.items()],
        "shades": SHADES,
        "most_bits": MOST_BITS,
    }


def encoded(weights: dict[str, np.ndarray], it: RunOverview, precision: str) -> str:
    """The weights in the order of `weight_shapes`, little-endian, in base64."""
    kind = np.dtype(precision).newbyteorder("<")
    names = weight_shapes(it.model, it.vocabulary)
    return base64.b64encode(b"".join(weights[name].astype(kind).tobytes() for name in names)).decode()


def facts(it: RunOverview, run: Run) -> dict[str, str]:
    """What the page tells about the model. A path on this machine is no part of it."""
    text, characters = Path(it.corpus).name, run.load_info().corpus_characters
    size = f", {characters:,} characters" if characters else ""
    best = it.validation_bpc if it.network_bpc is None else it.network_bpc
    bits = "not validated" if best is None else f"{best:.3f} bits per character"
    if it.network_bpc is not None:
        bits += f"; with the n-gram counts of the run, which are not in this page, {it.validation_bpc:.3f}"
    return {
        "Text": text + size,
        "Vocabulary": f"{it.vocabulary:,} characters",
        "Network": f"{shape(it.model)}, embedding {it.model.embedding_dim}, {it.parameters:,} weights",
        "Trained": f"{it.steps:,} steps in {it.seconds / 60:.1f} minutes",
        "Validation": bits,
        "Made by": training_command(it) if run.load_info().corpus_fingerprint else f"textgen import {text}",
        "With": f"textgen {it.textgen_version}",
    }


def training_command(it: RunOverview) -> str:
    """The command that trains such a run."""
    settings = {**changed(it.model, ModelConfig()), **changed(it.train, TrainConfig())}
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in settings.items())
    return f"textgen train {Path(it.corpus).name} --out {Path(it.run).name} {options}".rstrip()


def changed(config: msgspec.Struct, default: msgspec.Struct) -> dict[str, object]:
    """The settings that are not the default ones.

    >>> changed(ModelConfig(units=256), ModelConfig())
    {'units': 256}
    """
    values = msgspec.structs.asdict(config)
    return {name: value for name, value in values.items() if value != getattr(default, name)}

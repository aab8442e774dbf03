"""A run as one HTML file that writes in any browser, offline."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from textgen.config import LONGEST_MEMORY, SHAPE, ModelConfig, TrainConfig
from textgen.counts.copying import FADING
from textgen.counts.files import MIXTURE, RATES, load_counts
from textgen.counts.memory import Tokens
from textgen.counts.rates import USUAL
from textgen.data.transform import FORMS
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary
from textgen.display.curve import curve_svg
from textgen.display.markup import definitions
from textgen.export.packed_counts import MOST_BYTES, Packed, packed
from textgen.inference.overview import RunOverview, overview, shape
from textgen.inference.page import MOST_BITS, SHADES, legend, shade_rules
from textgen.inference.predictor import load_weights
from textgen.runs.arrays import Floats
from textgen.runs.history import load_progress
from textgen.runs.run import Run
from textgen.runs.weights import weight_shapes

SOURCES = Path(__file__).parent / "page"
SCRIPTS = (
    "random.js",
    "treatment.js",
    "network.js",
    "contexts.js",
    "counts.js",
    "mixture.js",
    "memory.js",
    "copying.js",
    "sampling.js",
    "reader.js",
    "ways.js",
    "command.js",
    "page.js",
)
"""In the order in which one needs another."""
PLACE = re.compile(r"\{\{(\w+)\}\}")
SAME = {
    "float16": "The page holds the weights rounded to 16 bits; with --precision float16 the command samples these.",
    "float32": "The page holds the weights as they were trained.",
}


def page(path: Path, checkpoint: str, precision: str, note: Callable[[str], None] = lambda text: None) -> bytes:
    """The page of a run.

    Args:
        path: the run directory.
        checkpoint: as in `textgen.load`.
        precision: `float16` or `float32`, the number format of the weights. The page writes what `textgen sample`
            writes from weights of the same precision.
        note: told if the page has fewer counts than the run.

    Returns:
        An HTML file in UTF-8 that fetches nothing.

    Raises:
        RunError, CorpusError: it is no run, or damaged, or has no such checkpoint.
    """
    run = Run(path)
    vocabulary, it = Vocabulary.load(run.path), overview(path)
    weights = load_weights(run, checkpoint, it.model, vocabulary, precision)
    order = it.model.ngram_order
    counts = packed(load_counts(run, vocabulary, order)[0], MOST_BYTES) if order else None
    if counts and not counts.whole:
        note(f"{shortened(counts)}, so it writes another text than `textgen sample`")
    told = description(it, vocabulary, precision) | {"memory": remembering(vocabulary, weights.get(RATES, USUAL))}
    if counts:
        told["counts"] = counts.told(weights[MIXTURE])
    script = "".join(source(name) for name in SCRIPTS)
    style = source("page.css") + shade_rules()
    values = {
        "policy": f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "base-uri 'none'; form-action 'none'",
        "name": html.escape(run.path.resolve().name),
        "style": style,
        "start": "a new document" if DOCUMENT_END in vocabulary.char2idx else "a new line",
        "fading": str(FADING),
        "longest": str(LONGEST_MEMORY),
        "legend": legend(),
        "same": same(precision, counts),
        "facts": definitions(facts(it, run, counts)),
        "curve": curve_svg(load_progress(run).curve),
        "model": in_script(json.dumps(told)),
        "weights": encoded(weights, it, precision),
        "counts": counts.text if counts else "",
        "script": script,
    }
    # in one pass: what a stranger's file brings in is not looked at again
    return PLACE.sub(lambda place: values[place[1]], source("page.html")).encode()


def shortened(counts: Packed) -> str:
    """That a page has fewer counts than its run."""
    return f"the page holds {counts.kept:,} of the {counts.known:,} contexts of the run's n-gram counts"


def same(precision: str, counts: Packed | None) -> str:
    """Whether the command line writes what the page writes."""
    if counts and not counts.whole:
        said = shortened(counts)
        return f"{said[0].upper()}{said[1:]}, those that say most. So the command writes another text."
    return SAME[precision]


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
    shapes, how = weight_shapes(it.model, len(vocabulary)), it.text
    return {
        "run": Path(it.run).name,
        "config": {name: getattr(it.model, name) for name in ("cell", "num_layers", "units")},
        "characters": vocabulary.idx2char,
        "start": vocabulary.start,
        "end": vocabulary.char2idx.get(DOCUMENT_END, -1),
        "text": {"form": FORMS[how.normalize], "keep_line_ends": how.keep_line_ends, "lowercase": how.lowercase},
        "precision": precision,
        "sizes": [[name, int(np.prod(sizes))] for name, sizes in shapes.items()],
        "shades": SHADES,
        "most_bits": MOST_BITS,
    }


def remembering(vocabulary: Vocabulary, rates: Floats) -> dict[str, Any]:
    """What the page's script needs to know for a memory; `rates` (GATES,) say how often a token is copied from it."""
    tokens = Tokens(vocabulary)
    return {
        "of_token": "".join("01"[flag] for flag in tokens.of_word),
        "line_end": tokens.line_end,
        "space": tokens.space,
        "document_end": tokens.document_end,
        "rates": rates.tolist(),
        "fading": FADING,
    }


def encoded(weights: dict[str, np.ndarray], it: RunOverview, precision: str) -> str:
    """The weights in the order of `weight_shapes`, little-endian, in base64."""
    kind = np.dtype(precision).newbyteorder("<")
    names = weight_shapes(it.model, it.vocabulary)
    return base64.b64encode(b"".join(weights[name].astype(kind).tobytes() for name in names)).decode()


def facts(it: RunOverview, run: Run, counts: Packed | None) -> dict[str, str]:
    """What the page tells about the model. A path on this machine is no part of it."""
    text, characters = Path(it.corpus).name, run.load_info().corpus_characters
    size = f", {characters:,} characters" if characters else ""
    bits = "not validated" if it.validation_bpc is None else f"{it.validation_bpc:.3f} bits per character"
    if it.network_bpc is not None:
        bits += f"; the network alone {it.network_bpc:.3f}"
    return {
        "Text": text + size,
        "Vocabulary": f"{it.vocabulary:,} characters",
        "Network": f"{shape(it.model)}, embedding {it.model.embedding_dim}, {it.parameters:,} weights",
        "Mixed with": described_counts(it, counts) if counts else "nothing",
        "Began with": began_with(it),
        "Trained": f"{it.steps:,} steps in {it.seconds / 60:.1f} minutes",
        "Validation": bits,
        "Made by": training_command(it) if run.load_info().corpus_fingerprint else f"textgen import {text}",
        "With": f"textgen {it.textgen_version}",
    }


def began_with(it: RunOverview) -> str:
    """The name of the run that a run began with, and the first characters of its weights' SHA-256."""
    sha256 = f", SHA-256 {it.started_from_sha256[:12]}" if it.started_from_sha256 else ""
    return f"{Path(it.started_from).name}{sha256}" if it.started_from else "random weights"


def described_counts(it: RunOverview, counts: Packed) -> str:
    """The counts of a page in a line."""
    told = f"n-gram counts of order {it.model.ngram_order}"
    if counts.whole:
        return f"{told}, {counts.kept:,} contexts"
    return f"{told}; {shortened(counts)}, those that say most. The validation is that of the whole run"


def training_command(it: RunOverview) -> str:
    """The command that trains such a run."""
    settings = {**changed(it.model, ModelConfig()), **changed(it.train, TrainConfig())}
    if it.started_from:
        kept = {name: value for name, value in settings.items() if name not in SHAPE}
        settings = {"from": Path(it.started_from).name, **kept}
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in settings.items())
    return f"textgen train {Path(it.corpus).name} --out {Path(it.run).name} {options}".rstrip()


def changed(config: msgspec.Struct, default: msgspec.Struct) -> dict[str, object]:
    """The settings that are not the default ones.

    >>> changed(ModelConfig(units=256), ModelConfig())
    {'units': 256}
    """
    values = msgspec.structs.asdict(config)
    return {name: value for name, value in values.items() if value != getattr(default, name)}

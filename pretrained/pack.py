"""Make a model that comes with textgen of a run: its best weights in 16 bits, its history, and no path of this machine.

    python pretrained/pack.py RUN pretrained/english "680 English books of before 1929"

It prints what 16 bits cost, in bits per character on the validation part.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import msgspec
import numpy as np

import textgen
from textgen.data.corpus import Corpus
from textgen.data.vocabulary import REPLACEMENT, Vocabulary
from textgen.inference.score import mean_bits
from textgen.runs.run import Run
from textgen.runs.weights import load_tensors, save_tensors, weight_specs

NEVER = -20.0
"""The logit, about, of a character that is not written."""


def pack(source: Run, out: Run, about: str) -> None:
    """Write the best weights of a run as a model that comes with textgen."""
    info, vocabulary = source.load_info(), Vocabulary.load(source.path)
    specs = weight_specs(info.model, len(vocabulary))
    tensors, metadata = load_tensors(source, source.weights_path("best"), specs)
    out.path.mkdir(parents=True, exist_ok=True)
    out.save_info(msgspec.structs.replace(info, corpus=about))
    vocabulary.save(out.path)
    # what stands for rare characters is read, and never written
    tensors["dense/bias"][vocabulary.char2idx.get(REPLACEMENT, [])] = NEVER
    halved = {name: value.astype(np.float16) for name, value in tensors.items()}
    save_tensors(out, out.weights_path("best"), halved, metadata)
    shutil.copyfile(source.history_path, out.history_path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("about", help="what it has read, in a few words")
    arguments = parser.parse_args()
    source, out = Run(arguments.run), Run(arguments.out)
    pack(source, out, arguments.about)
    corpus = Corpus.load(source.load_info().corpus)
    for part in ("validation", "test"):
        ids = getattr(corpus, part)
        bits = [mean_bits(textgen.load(path), ids, 500_000) for path in (source.path, out.path)]
        print(
            f"{part}: {bits[0]:.4f} bpc in 32 bits, {bits[1]:.4f} in 16 bits, on {min(500_000, len(ids)):,} characters"
        )


main()

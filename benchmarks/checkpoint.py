"""What checkpoints cost: `python benchmarks/checkpoint.py CORPUS [--minutes 1 5 15 40] [--repeats 20] [--json FILE]`.

For each time the model that `--preset auto` picks. At most one checkpoint of it is due at each validation, with the
weights of a new best beside it, and one every two minutes besides. Their time, synced to the disk, is measured on the
folder for temporary files (TMPDIR), and divided by the time between them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from machine import median, report

from textgen import recipe
from textgen.config import ModelConfig, TrainConfig, build
from textgen.data.corpus import Corpus
from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
from textgen.training.checkpoint import save_weights
from textgen.training.loop import Loop
from textgen.training.trainer import Silent


def measure(corpus: Corpus, minutes: float, repeats: int) -> dict:
    """Write the checkpoints of one model some times."""
    chosen, _ = recipe.choose(len(corpus.train), minutes)
    model, train = (
        build(kind, {name: value for name, value in chosen.items() if name in kind.__struct_fields__})
        for kind in (ModelConfig, TrainConfig)
    )
    info = RunInfo(
        format_version=FORMAT_VERSION,
        textgen_version="",
        model=model,
        train=train,
        corpus=str(corpus.path),
        corpus_fingerprint=corpus.fingerprint,
    )
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder) / "run")
        with run.lock():
            run.save_info(info)
            loop = Loop(run, info, corpus, Silent())
            seconds = []
            for _ in range(repeats):
                began = time.perf_counter()
                save_weights(run, "best", loop.engine, loop.position)
                loop.save()
                seconds.append(time.perf_counter() - began)
        size = sum(path.stat().st_size for path in run.path.rglob("*.safetensors")) / 1e6
    every = minutes * 60 / train.validations
    share = median(seconds) * (1 / every + 1 / (60 * train.checkpoint_every))
    return {
        "minutes": minutes,
        "units": model.units,
        "MB": size,
        "ms": 1000 * median(seconds),
        "s between validations": every,
        "% of the time": 100 * share,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a prepared corpus")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.0, 5.0, 15.0, 40.0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    corpus = Corpus.load(options.corpus)
    rows = [measure(corpus, minutes, options.repeats) for minutes in options.minutes]
    report(f"Checkpoints on {options.corpus.name}, {options.repeats} of each", rows, options.json)


if __name__ == "__main__":
    main()

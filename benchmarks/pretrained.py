"""What a model that has read before is worth: `textgen train` with what comes with textgen, and from nothing, in turn.

`python benchmarks/pretrained.py TEXT [--model @english] [--seconds 12 60] [--first 2000 20000] [--rounds 1]`

TEXT is a file or a corpus that comes with textgen. Its last tenth is held out, or with `--split lines` a tenth of its
lines. With `--first N` only the first N characters are trained on, all of them, and the last tenth of the whole is
scored all the same. Each row is the median of its rounds: bits per character of the held-out part under the run, under
its network alone and with a memory, and the same of the model that has not been trained at all.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import report, sgemm_gflops

from textgen.config import PrepareConfig
from textgen.data.corpus import Corpus
from textgen.data.sources import find_sources
from textgen.runs.history import load_progress
from textgen.runs.run import Run


def textgen(*arguments: object) -> str:
    """What a command writes."""
    command = [sys.executable, "-m", "textgen", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def whole_text(name: str) -> str:
    """The text of a file, or of a corpus that comes with textgen."""
    (source,) = find_sources([name], [])
    return "".join(source.read(PrepareConfig(), lambda count: None))


def scored(model: Path | str, held_out: Path) -> tuple[float, float]:
    """Bits per character of the held-out part, without a memory and with one."""
    unknown = ("--unknown", "replace")
    return tuple(float(textgen("score", model, held_out, *unknown, "--memory", fading)) for fading in (0, 1000))


def trained(folder: Path, source: str, seconds: float, held_out: Path) -> dict[str, float]:
    """One training that begins with a run, or with none, and how well it reads."""
    out = folder / "run"
    textgen("train", folder / "data", "--out", out, "--minutes", seconds / 60, "--from", source)
    steps = load_progress(Run(out)).steps
    bpc, remembering = scored(out, held_out)
    shutil.rmtree(out)
    return {"bpc": bpc, "with a memory": remembering, "steps": steps}


def measure(
    text: str, seconds: float, model: str, split: str, first: int | None, rounds: int
) -> list[dict[str, object]]:
    """The rows of a text and a time: trained from the model, from nothing, and not trained at all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(text, split, first, folder)
        held_out = folder / "held-out.txt"
        zero_shot = dict(zip(("bpc", "with a memory"), scored(model, held_out), strict=True))
        found: dict[str, list[dict[str, float]]] = {model: [], "none": []}
        for _ in range(rounds):
            for source, rows in found.items():
                rows.append(trained(folder, source, seconds, held_out))
    common = {"characters": first or len(text), "seconds": seconds}
    rows = [{**common, "from": f"{model}, untrained", **zero_shot, "steps": 0}] if model else []
    for source, results in found.items():
        medians = {key: statistics.median(result[key] for result in results) for key in results[0]}
        rows.append({**common, "from": source, **medians})
    return [{key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()} for row in rows]


def prepare(text: str, split: str, first: int | None, folder: Path) -> None:
    """Write a prepared corpus and what is held out of it."""
    (folder / "text.txt").write_text(text if first is None else text[:first], encoding="utf-8")
    held_out = ("--validation", 0) if first is not None and first < 5000 else ()
    textgen("prepare", folder / "text.txt", "--out", folder / "data", "--split", split, *held_out)
    if first is None:
        corpus = Corpus.load(folder / "data")
        tail = corpus.vocabulary.decode(corpus.validation.tolist())
    else:
        tail = text[-(len(text) // 10) :]
    (folder / "held-out.txt").write_text(tail, encoding="utf-8")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", help="a file, or @name")
    parser.add_argument("--model", default="@english")
    parser.add_argument("--seconds", type=float, nargs="+", default=[60.0])
    parser.add_argument("--split", default="tail")
    parser.add_argument("--first", type=int, nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    text, gflops = whole_text(options.text), sgemm_gflops()
    rows: list[dict[str, object]] = []
    for first in options.first or [None]:
        for seconds in options.seconds:
            rows += measure(text, seconds, options.model, options.split, first, options.rounds)
    report(f"{options.text}; a matrix product runs at {gflops:.0f} GFLOP/s", rows, options.json)


if __name__ == "__main__":
    main()

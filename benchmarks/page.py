"""How large an exported page is, and how fast it writes in Chromium: `python benchmarks/page.py`.

The runs have random weights: neither the size nor the speed depends on what was learnt. The counts are those of a
million random characters, more than a page holds. The time of the processor alone is that of the page's thread: it
depends less on what else runs. With memory is with one of all that is written. Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, Page, expect, sync_playwright

from textgen.config import ModelConfig, TrainConfig
from textgen.counts.contexts import Contexts
from textgen.counts.counting import count
from textgen.counts.files import MIXTURE, save_counts
from textgen.counts.mixture import usual_weights
from textgen.data.vocabulary import Vocabulary
from textgen.export.forms import export
from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
from textgen.runs.weights import save_tensors, weight_shapes
from textgen.version import __version__

SHAPES = ((1, 256, 0), (1, 384, 0), (1, 384, 5), (1, 512, 0), (2, 512, 0))
"""Layers, units, and how many runs the counts look back; 0 is none."""
MEMORIES = "none", "all"
"""What is remembered."""
CHARACTERS = 65
COUNTED = 1_000_000


def make_run(path: Path, layers: int, units: int, order: int) -> Path:
    """A run of random weights, as large as those of tiny Shakespeare."""
    config = ModelConfig(num_layers=layers, units=units, ngram_order=order)
    run, vocabulary, rng = (
        Run(path),
        Vocabulary(["\n", *map(chr, range(32, 31 + CHARACTERS))]),
        np.random.default_rng(0),
    )
    path.mkdir()
    info = RunInfo(
        format_version=FORMAT_VERSION,
        textgen_version=__version__,
        model=config,
        train=TrainConfig(),
        corpus="",
        corpus_fingerprint="",
    )
    run.save_info(info)
    vocabulary.save(path)
    shapes = weight_shapes(config, CHARACTERS)
    weights = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    if order:
        counts = count(Contexts(vocabulary, order), random_text(rng))
        save_counts(run, counts, COUNTED)
        weights[MIXTURE] = usual_weights(counts.contexts.levels)
    save_tensors(run, run.weights_path("best"), weights, {})
    return path


def random_text(rng: np.random.Generator) -> np.ndarray:
    """Words of which few come often and many seldom, COUNTED characters in all."""
    words = [rng.integers(CHARACTERS, size=rng.integers(1, 8)) for _ in range(20_000)]
    ranks = np.minimum(rng.zipf(1.3, COUNTED), len(words)) - 1
    return np.concatenate([words[rank] for rank in ranks])[:COUNTED]


def written_per_second(page: Page, length: int, memory: str) -> tuple[float, float]:
    """Characters a second of one text: as the page measures them, and for a second of the processor.

    Args:
        page: an exported page.
        length: how many characters.
        memory: one of MEMORIES.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    began = thread_seconds(session)
    page.fill("#length", str(length))
    page.select_option("#memory", memory)
    page.click("#write")
    expect(page.get_by_role("status")).to_contain_text(f"{length:,} characters", timeout=300_000)
    seconds = thread_seconds(session) - began
    session.detach()
    return float(page.get_attribute("#status", "data-rate") or 0), length / seconds


def thread_seconds(session: CDPSession) -> float:
    """How long the thread of a page has worked."""
    metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def table_row(cells: Sequence[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    names = "layers x units", "counts", "MB", "MB, float32", "export, s", "characters/s", "of the processor's time"
    names += "with memory", "of the processor's time"
    print(table_row(names))
    print(table_row(["---"] * len(names)))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for layers, units, order in SHAPES:
            run = make_run(Path(folder) / f"{layers}x{units}-{order}", layers, units, order)
            file = run.with_suffix(".html")
            began = time.perf_counter()
            size = export(run, file).size
            seconds = time.perf_counter() - began
            exact = export(run, file.with_suffix(".exact"), "html", precision="float32").size
            page = browser.new_page()
            page.goto(file.as_uri())
            rounds = [[written_per_second(page, options.length, it) for it in MEMORIES] for _ in range(options.rounds)]
            medians = np.median(rounds, axis=0).ravel()
            page.close()
            counts = "yes" if order else "no"
            sizes = f"{size / 1e6:.2f}", f"{exact / 1e6:.2f}", f"{seconds:.2f}"
            print(table_row([f"{layers}x{units}", counts, *sizes, *(f"{rate:,.0f}" for rate in medians)]))


if __name__ == "__main__":
    main()

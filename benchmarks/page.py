"""How large an exported page is, and how fast it writes in Chromium: `python benchmarks/page.py`.

The runs have random weights: neither the size nor the speed depends on what was learnt. Needs chromium and playwright.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright

from textgen.config import ModelConfig, TrainConfig
from textgen.data.vocabulary import Vocabulary
from textgen.export.forms import export
from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
from textgen.runs.weights import save_tensors, weight_shapes
from textgen.version import __version__

SHAPES = ((1, 256), (1, 384), (1, 512), (2, 512))
CHARACTERS = 65


def make_run(path: Path, layers: int, units: int) -> Path:
    """A run of random weights, as large as those of tiny Shakespeare."""
    config, run, rng = ModelConfig(num_layers=layers, units=units, ngram_order=0), Run(path), np.random.default_rng(0)
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
    Vocabulary(["\n", *map(chr, range(32, 31 + CHARACTERS))]).save(path)
    shapes = weight_shapes(config, CHARACTERS)
    weights = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    save_tensors(run, run.weights_path("best"), weights, {})
    return path


def written_per_second(page: Page, length: int) -> float:
    """Characters a second of one text, as the page measures them."""
    page.fill("#length", str(length))
    page.click("#write")
    expect(page.get_by_role("status")).to_contain_text(f"{length:,} characters", timeout=300_000)
    return float(page.get_attribute("#status", "data-rate") or 0)


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("| layers x units | page, MB | with float32, MB | export, s | characters/s in Chromium |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for layers, units in SHAPES:
            run = make_run(Path(folder) / f"{layers}x{units}", layers, units)
            file = run.with_suffix(".html")
            began = time.perf_counter()
            size = export(run, file)
            seconds = time.perf_counter() - began
            exact = export(run, file.with_suffix(".exact"), "html", precision="float32")
            page = browser.new_page()
            page.goto(file.as_uri())
            rate = statistics.median(written_per_second(page, options.length) for _ in range(options.rounds))
            page.close()
            print(f"| {layers}x{units} | {size / 1e6:.2f} | {exact / 1e6:.2f} | {seconds:.2f} | {rate:,.0f} |")


if __name__ == "__main__":
    main()

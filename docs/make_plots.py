"""Make the plots of docs/training.md from real trainings: `python docs/make_plots.py FOLDER`.

The runs are left in FOLDER, and those that are there already are not trained again. It needs matplotlib, and a quarter
of an hour.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt

PLOTS = Path(__file__).with_name("plots")
COMMON = "--preset base --units 192 --steps 2400 --validations 24 --minutes 100000 --weight-decay 0"
PLAIN = "--dropout 0 --recurrent-dropout 0"
LONG = "--units 256 --steps 4000 --learning-rate 0.008"
FIGURES = {
    "cells": {
        "lstm": "--cell lstm --dropout 0.5",
        "gru": "--cell gru --dropout 0.5",
        "rnn": "--cell rnn --dropout 0.5",
    },
    "dropout": {
        "none": PLAIN,
        "dropout 0.5": "--dropout 0.5",
        "and recurrent dropout 0.2": "--dropout 0.5 --recurrent-dropout 0.2",
    },
    "penalties": {
        "none": PLAIN,
        "L1 1e-5": f"{PLAIN} --l1 1e-5",
        "L2 1e-4": f"{PLAIN} --l2 1e-4",
        "weight decay 0.1": f"{PLAIN} --weight-decay 0.1",
    },
    "patience": {
        "none": f"{PLAIN} {LONG}",
        "patience 4": f"{PLAIN} {LONG} --patience 4",
    },
}


def history(folder: Path, options: str) -> dict[str, list[float]]:
    """The columns of the history of a run with some options, trained if it is not there yet."""
    run = folder / "_".join(options.replace("--", "").split()).replace("/", "-")
    if not (run / "history.csv").exists():
        command = [sys.executable, "-m", "textgen", "train", str(folder / "corpus"), "--out", str(run)]
        subprocess.run([*command, *COMMON.split(), *options.split()], check=True)
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in ("step", "train_bpc", "validation_bpc")}


def draw(name: str, folder: Path) -> None:
    """One figure: validation as a line, training dotted."""
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for label, options in FIGURES[name].items():
        columns = history(folder, options)
        (line,) = axes.plot(columns["step"], columns["validation_bpc"], label=label)
        axes.plot(columns["step"], columns["train_bpc"], ":", color=line.get_color())
        best = min(zip(columns["validation_bpc"], columns["step"], strict=True))
        axes.plot(best[1], best[0], "o", color=line.get_color())
    axes.set(xlabel="step", ylabel="bits per character")
    axes.set_ylim(top=2.9)
    axes.legend(title="validation (dotted: training)")
    figure.savefig(PLOTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Prepare, train and draw."""
    folder = Path(sys.argv[1])
    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "textgen"})
    PLOTS.mkdir(exist_ok=True)
    if not (folder / "corpus").exists():
        command = [sys.executable, "-m", "textgen", "prepare", "@fables", "--out", str(folder / "corpus")]
        subprocess.run(command, check=True)
    for name in FIGURES:
        draw(name, folder)


if __name__ == "__main__":
    main()

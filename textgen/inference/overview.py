"""What a person wants to know about runs."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from textgen.config import ModelConfig, TextConfig, TrainConfig
from textgen.data.transform import guessed
from textgen.data.vocabulary import Vocabulary
from textgen.display.curve import curve_picture
from textgen.display.markup import card, table
from textgen.errors import RunError, TextgenError
from textgen.inference.chart import learning_curve
from textgen.runs.history import load_progress
from textgen.runs.run import Change, Run
from textgen.runs.weights import weight_shapes

DEPTH = 4


class RunOverview(msgspec.Struct):
    """A run at a glance. Times are seconds of training; `written` is UTC."""

    run: str
    model: ModelConfig
    parameters: int
    vocabulary: int
    corpus: str
    text: TextConfig
    """What is done to every text that it is given, as it was to its corpus."""
    train: TrainConfig
    started_from: str
    started_from_sha256: str
    """Of the weights that it began with; empty for none."""
    changes: list[Change]
    steps: int
    seconds: float
    validation_bpc: float | None
    """The best one; None without a validation part, or before the first validation."""
    network_bpc: float | None
    """That of the network alone then; None where no counts are mixed with it."""
    checkpoints: list[str]
    written: str | None
    textgen_version: str

    def __str__(self) -> str:
        return described(self)

    def __repr__(self) -> str:
        return described(self)

    def _repr_html_(self) -> str:
        return card(table(facts(self)), curve_picture(load_progress(Run(self.run)).curve))


def overview(path: Path) -> RunOverview:
    """Read what there is to know about a run.

    Raises:
        RunError, CorpusError: it is no run, or damaged.
    """
    run = Run(path)
    info = run.load_info()
    vocabulary = Vocabulary.load(run.path)
    size = len(vocabulary)
    reached = load_progress(run)
    return RunOverview(
        run=str(path),
        model=info.model,
        parameters=sum(math.prod(shape) for shape in weight_shapes(info.model, size).values()),
        vocabulary=size,
        corpus=info.corpus,
        text=info.text or guessed(vocabulary),
        train=info.train,
        started_from=info.started_from,
        started_from_sha256=info.started_from_sha256,
        changes=info.changes,
        steps=reached.steps,
        seconds=reached.seconds,
        validation_bpc=reached.best,
        network_bpc=reached.network,
        checkpoints=run.checkpoints(),
        written=written_at(run, run.best_checkpoint()),
        textgen_version=info.textgen_version,
    )


def written_at(run: Run, checkpoint: str) -> str | None:
    """When a checkpoint was written, in UTC; None where it is missing or its clock was out of all bounds."""
    try:
        seconds = run.weights_path(checkpoint).stat().st_mtime
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OSError, ValueError, OverflowError):
        return None


def find_runs(folder: Path) -> list[Path]:
    """The runs in a folder and the folders in it, down to a depth of 4, sorted by path."""
    patterns = ["/".join(["*"] * depth + ["run.json"]) for depth in range(DEPTH + 1)]
    return sorted(path.parent for pattern in patterns for path in folder.glob(pattern))


class Runs(list[RunOverview]):
    """Runs, best first. As a text it is a table; runs that cannot be read stand at its end with the reason.

    Attributes:
        broken: those runs and reasons, a line each.
    """

    broken: list[str]

    def __str__(self) -> str:
        lines = [f"{'bpc':>7} {'network':>7} {'steps':>9} {'minutes':>8} {'model':>12}  run"]
        for row in self:
            bpc, network = ("-" if value is None else f"{value:.3f}" for value in (row.validation_bpc, row.network_bpc))
            figures = f"{bpc:>7} {network:>7} {row.steps:9,} {row.seconds / 60:8.1f} {shape(row.model):>12}"
            lines.append(f"{figures}  {row.run}")
        return "\n".join(lines + self.broken)

    __repr__ = __str__


def list_runs(folder: Path) -> Runs:
    """The runs in a folder and the folders in it.

    Raises:
        RunError: there is none.
    """
    paths = find_runs(folder)
    if not paths:
        raise RunError(f"{folder}: no run in it; `textgen train` makes one")
    rows, broken = [], []
    for path in paths:
        try:
            rows.append(overview(path))
        except TextgenError as error:
            broken.append(f"{path}: {error}")
    found = Runs(sorted(rows, key=lambda row: (row.validation_bpc is None, row.validation_bpc, row.run)))
    found.broken = broken
    return found


def shape(model: ModelConfig) -> str:
    """A model in short.

    >>> shape(ModelConfig(num_layers=2, units=384))
    'lstm 2x384'
    """
    return f"{model.cell} {model.num_layers}x{model.units}"


def treatment(text: TextConfig) -> str:
    """What is done to a text, in short.

    >>> treatment(TextConfig(lowercase=True))
    'in NFC, line ends \\\\n, lower case'
    """
    form = "as it is" if text.normalize == "none" else f"in {text.normalize.upper()}"
    ends = "" if text.keep_line_ends else ", line ends \\n"
    return f"{form}{ends}{', lower case' * text.lowercase}"


def describe_change(change: Change) -> str:
    """A change of settings in a line.

    >>> before, after = {"learning_rate": 0.006}, {"learning_rate": 0.003}
    >>> describe_change(Change(step=40, seconds=1.5, reason="diverged", before=before, after=after))
    'learning_rate 0.006 -> 0.003 at step 40 (diverged)'
    """
    values = [f"{name} {change.before.get(name)} -> {value}" for name, value in change.after.items()]
    return f"{', '.join(values)} at step {change.step:,} ({change.reason})"


def described(it: RunOverview) -> str:
    """A run in lines for a person."""
    return "\n".join(f"{name:16} {value}" for name, value in facts(it).items())


def facts(it: RunOverview) -> dict[str, str]:
    """What a person is told of a run, by name."""
    bpc = "not validated" if it.validation_bpc is None else f"{it.validation_bpc:.3f} bits per character"
    bpc += "" if it.network_bpc is None else f"; the network alone {it.network_bpc:.3f}"
    counts = f"n-gram counts of order {it.model.ngram_order}; " if it.model.ngram_order else ""
    return {
        "run": it.run,
        "model": f"{shape(it.model)}, embedding {it.model.embedding_dim}, dropout {it.model.dropout:g}, "
        f"recurrent dropout {it.model.recurrent_dropout:g}",
        "mixed with": f"{counts}in sampling and scoring a memory of the text (--memory)",
        "parameters": f"{it.parameters:,}",
        "vocabulary": f"{it.vocabulary:,} characters",
        "corpus": it.corpus,
        "reads a text": treatment(it.text),
        "trained": f"{it.steps:,} steps in {it.seconds / 60:.1f} minutes",
        "began with": began_with(it),
        "changed": "; ".join(map(describe_change, it.changes)) or "nothing since it began",
        "best validation": bpc,
        "checkpoints": ", ".join(it.checkpoints) or "none yet",
        "written": it.written or "-",
        "textgen": it.textgen_version,
    }


def began_with(it: RunOverview) -> str:
    """The run whose weights a run began with, and the first characters of their SHA-256."""
    sha256 = f" (SHA-256 {it.started_from_sha256[:12]})" if it.started_from_sha256 else ""
    return f"{it.started_from}{sha256}" if it.started_from else "random weights"


def drawn_curve(path: Path) -> str:
    """The learning curve of a run under a title, for a terminal; empty before the second validation."""
    drawn = learning_curve(load_progress(Run(path)).curve)
    return "\n".join(["\n\nbits per character in validation", *drawn]) if drawn else ""


def as_json(it: RunOverview) -> str:
    """An overview as JSON."""
    return json.dumps(msgspec.to_builtins(it), indent=2, ensure_ascii=False)

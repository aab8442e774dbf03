"""The commands `export` and `import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import textgen
from textgen.cli.completion import CHECKPOINT, RUN
from textgen.cli.options import FOLDER
from textgen.config import PRECISIONS

if TYPE_CHECKING:
    from textgen.export.forms import Form


@click.command()
@click.argument("run", type=RUN)
@click.argument("file", type=FOLDER)
@click.option("--format", type=click.Choice(["html", "keras", "onnx"]), help="Form, where the suffix does not say it.")
@CHECKPOINT
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="Number format of a page's weights: float16 by default; float32 makes it twice as large.",
)
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
def export(run: Path, file: Path, format: Form | None, checkpoint: str, precision: str | None, force: bool) -> None:
    """Write a run as one file that other tools open.

    \b
    FILE.html     a page that writes in any browser, offline
    FILE.keras    a Sequential model of stock Keras
    FILE.onnx     a model for ONNX Runtime; needs textgen-keras[onnx]

    A page mixes the run's n-gram counts with its network and has a memory, as `textgen sample` does. Counts of a large
    text are shortened to 4.9 MB, and the page then writes another text; it says so. The other forms hold the network
    alone, without counts and memory.

    The text that a model was trained on is not in the file. But counts hold its frequent passages, and a network can
    recite some, too. Give away only what that text allows.
    """
    made = textgen.export(run, file, format=format, checkpoint=checkpoint, precision=precision, force=force)
    click.echo(made, err=True)


@click.command("import")
@click.argument("model", type=FOLDER)
@click.option("--vocabulary", type=FOLDER, metavar="FILE", help="List of its characters: JSON, or .npy of strings.")
@click.option("--out", type=FOLDER, required=True, metavar="RUN", help="Run directory to make.")
def import_(model: Path, vocabulary: Path | None, out: Path) -> None:
    """Make a run of a Keras model.

    MODEL is a Sequential model: Embedding or one-hot characters, then LSTM, GRU or SimpleRNN layers, then Dense. It is
    a .keras file, or a .h5 file of Keras 2 or 3, also of weights alone. It is read as data, and no code in it runs. A
    file that `textgen export` made needs no --vocabulary.

    The run samples and scores, and `textgen train DATA --from RUN` trains it on.
    """
    from textgen.inference.overview import shape

    notes: list[str] = []
    textgen.import_keras(model, out, vocabulary=vocabulary, note=notes.append)
    click.echo("; ".join([f"{out}: {shape(textgen.info(out).model)}", *notes]), err=True)

"""Which form a file gets, and how it is written: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from textgen.errors import ConfigError, RunError
from textgen.runs.writing import write_bytes

FORMS = {".html": "html", ".keras": "keras", ".onnx": "onnx"}
"""The form by the suffix of a file."""
Form = Literal["html", "keras", "onnx"]


class Exported(NamedTuple):
    """A file that `export` has written. As a text it is the line that the command prints."""

    file: Path
    size: int
    """In bytes."""
    notes: tuple[str, ...]
    """What of the run the file does not hold."""

    def __str__(self) -> str:
        return "; ".join([f"{self.file}: {self.size / 1e6:,.2f} MB", *self.notes])

    def __repr__(self) -> str:
        return str(self)


def export(
    run: Path,
    file: Path,
    form: str | None = None,
    checkpoint: str = "best",
    precision: str | None = None,
    force: bool = False,
) -> Exported:
    """Write a run in another form.

    Args:
        run: the run directory; it may be in training.
        file: the file to make.
        form: `html`, `keras` or `onnx`; None takes the one of the file's suffix.
        checkpoint: as in `textgen.load`.
        precision: the number format of a page's weights, by default `float16`; the other forms have float32.
        force: replace a file that exists.

    Returns:
        The file, its size, and what of the run it does not hold.

    Raises:
        ConfigError: the suffix names no form, or the form has no such precision.
        RunError: the run cannot be read, or the file exists or cannot be written.
    """
    form = form or form_of(file)
    if form not in FORMS.values():
        raise ConfigError(f"format: {form!r}; expected html, keras or onnx")
    if precision and form != "html":
        raise ConfigError(f"precision: {precision} is for pages; the weights of .{form} are float32")
    if file.is_dir():
        raise RunError(f"{file}: is a folder; expected a file to make")
    if file.exists() and not force:
        raise RunError(f"{file}: exists; give another name, or --force to replace it")
    notes: list[str] = []
    data = contents(run, form, checkpoint, precision or "float16", notes.append)
    write_bytes(file, data)
    return Exported(file, len(data), tuple(notes))


def left_out(run: Path) -> str:
    """What .keras and .onnx do not hold of a run, in a line for a person; empty where that is nothing."""
    from textgen.inference.overview import overview

    it = overview(run)
    if not it.model.ngram_order:
        return ""
    bits = ""
    if it.network_bpc is not None and it.validation_bpc is not None:
        bits = f": {it.network_bpc:.3f} bits per character in validation, {it.validation_bpc:.3f} with the counts"
    return f"the file holds the network alone, without the run's n-gram counts and without a memory{bits}"


def form_of(file: Path) -> str:
    """The form by a file's suffix.

    >>> form_of(Path("plays.HTML"))
    'html'
    """
    form = FORMS.get(file.suffix.lower())
    if not form:
        raise ConfigError(f"{file}: its suffix names no form; expected .html, .keras or .onnx, or give --format")
    return form


def contents(run: Path, form: str, checkpoint: str, precision: str, note: Callable[[str], None]) -> bytes:
    """A run in a form, as the bytes of a file; see `export`."""
    if form == "html":
        from textgen.export.page import page

        return page(run, checkpoint, precision, note)
    if lacking := left_out(run):
        note(lacking)
    if form == "onnx":
        from textgen.export.onnx_file import onnx_model

        return onnx_model(run, checkpoint)
    from textgen.export.keras_file import keras_archive

    return keras_archive(run, checkpoint)

"""The tour: it runs in a real kernel, and what it shows is kept in the file."""

import json
import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def outputs(cell) -> list:
    """What a cell of code shows."""
    return cell["outputs"] if cell["cell_type"] == "code" else []


def test_the_tour_shows_what_its_cells_give():
    notebook = json.loads((DOCS / "tour.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) >= 12 and all(outputs(cell) for cell in code)
    shown = json.dumps([outputs(cell) for cell in code])
    assert "<progress" in shown and "image/svg+xml" in shown and "textgen-surprises" in shown
    assert '"output_type": "error"' not in shown and "/tmp" not in shown


@pytest.mark.long
def test_the_tour_runs_in_a_real_kernel():
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    notebook = nbformat.read(DOCS / "tour.ipynb", as_version=4)
    for cell in notebook.cells:
        # the reader's minutes are a few steps here
        cell.source = re.sub(r"minutes=[\d.]+", "steps=10, validations=2, units=16", cell.source, count=1)
        cell.source = cell.source.replace(
            '"runs/fables", steps=10, validations=2, units=16, verbose', '"runs/fables", steps=10, verbose'
        )
    done = runpy.run_path(str(DOCS / "make_tour.py"))["run"](notebook)
    assert all(outputs(cell) for cell in done.cells if cell.cell_type == "code")

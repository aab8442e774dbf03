"""Run docs/tour.ipynb in a real kernel and keep what it shows: `python docs/make_tour.py`."""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

TOUR = Path(__file__).with_name("tour.ipynb")
SECONDS = 900
"""The most that a cell may take."""


def run(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run the cells of a notebook from an empty folder, and put what they show in their place."""
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=resources).execute()
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for cell in notebook.cells:
        # when a cell ran is no part of what it shows
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [kept(output) for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def kept(output: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An output without what only the kernel that made it knows."""
    output.pop("transient", None)
    return output


if __name__ == "__main__":
    nbformat.write(run(nbformat.read(TOUR, as_version=4)), TOUR)
    sys.stdout.write(f"{TOUR}: {TOUR.stat().st_size:,} bytes\n")

"""`textgen export` as a person at a shell meets it."""

import csv
import re
import shutil
import subprocess
import sys

import pytest
from exported import make_run
from support import LIGHT, one_line_error, run_textgen

from textgen.runs.run import Run


@pytest.fixture
def run(tmp_path):
    """A run of random weights."""
    return make_run(tmp_path / "runs" / "plays")


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["page.txt"], 2, "expected .html, .keras or .onnx, or give --format"),
        (["page"], 2, "expected .html"),
        (["."], 2, "its suffix names no form"),
        (["folder.html"], 1, "is a folder"),
        (["there.html"], 1, "there.html: exists; give another name, or --force"),
        (["page.html", "--checkpoint", "7"], 1, "has no '7' checkpoint"),
        (["page.onnx", "--precision", "float16"], 2, "the weights of .onnx are float32"),
        (["there.html/page.html"], 1, "there.html"),
        (["page.html", "--format", "pdf"], 2, "--format"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(run, tmp_path, arguments, code, reason):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "there.html").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert reason in one_line_error(run_textgen("export", run, *arguments, cwd=tmp_path), code)
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "there.html").read_text() == "mine"


def test_an_existing_file_is_replaced_when_asked(run, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("old")
    done = run_textgen("export", run, page, "--force")
    assert done.returncode == 0 and done.stdout == "" and "page.html: 0.0" in done.stderr
    assert page.read_text().startswith("<!doctype html>")


def test_what_a_file_does_not_hold_is_said_with_both_figures(run, run_path, tmp_path):
    done = run_textgen("export", run_path, tmp_path / "fox.keras")
    best = min(csv.DictReader((run_path / "history.csv").open()), key=lambda row: float(row["validation_bpc"]))
    figures = [f"{float(best[name]):.3f}" for name in ("network_bpc", "validation_bpc")]
    assert done.stderr.count("\n") == 1 and "the network alone, without the run's n-gram counts" in done.stderr
    assert re.findall(r"\d\.\d{3}", done.stderr) == figures
    assert "counts" not in run_textgen("export", run, tmp_path / "plays.keras").stderr


def test_a_run_without_checkpoints_is_refused_and_one_in_training_gives_its_best(run, tmp_path):
    with Run(run).lock():
        assert run_textgen("export", run, tmp_path / "page.html").returncode == 0
    shutil.rmtree(run / "checkpoints")
    assert "it has: none yet" in one_line_error(run_textgen("export", run, tmp_path / "none.html"), 1)
    assert not (tmp_path / "none.html").exists()


def test_a_full_disk_leaves_no_half_of_a_page(run, tmp_path):
    shell = f"ulimit -f 8; exec {sys.executable} -m textgen export {run} {tmp_path}/page.html"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False)
    assert "page.html" in one_line_error(done, 1)
    assert not list(tmp_path.glob("*page*"))


@pytest.mark.parametrize("name", ["page.html", "model.onnx"])
def test_pages_and_onnx_start_no_tensorflow(run, tmp_path, name):
    code = (
        "import sys\nfrom textgen.cli import cli\n"
        f"cli.main(['export', {str(run)!r}, {str(tmp_path / name)!r}], standalone_mode=False)\n"
        f"assert not {LIGHT!r} & set(sys.modules), {LIGHT!r} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

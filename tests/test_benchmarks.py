"""The benchmarks that judge text: their measures are right, and the commands run."""

import doctest
import json
import subprocess
import sys
from pathlib import Path

import measures
from hypothesis import given
from hypothesis import strategies as st

FOLDER = Path(__file__).parent.parent / "benchmarks"
few_letters = st.text("ab\n", max_size=12)


def test_the_examples_of_the_measures():
    assert doctest.testmod(measures).failed == 0


@given(st.lists(few_letters, max_size=4), few_letters)
def test_the_longest_passage_is_the_one_that_a_plain_search_finds(texts, other):
    def longest(text):
        passages = {text[i:j] for i in range(len(text)) for j in range(i, len(text) + 1)}
        return max((len(passage) for passage in passages if passage in other), default=0)

    assert measures.Automaton(texts).longest_found(other) == list(map(longest, texts))


def run_benchmark(*arguments) -> subprocess.CompletedProcess:
    """Run a file of benchmarks/ as a person would."""
    command = [sys.executable, str(FOLDER / arguments[0]), *map(str, arguments[1:])]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_samples_stand_beside_real_text(corpus_path, run_path, tmp_path):
    options = ("--samples", 2, "--length", 100, "--temperature", 0.5, 50, "--networks", "--json", tmp_path / "rows")
    done = run_benchmark("text_quality.py", corpus_path, f"fox={run_path}", *options)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "rows").read_text())["rows"]
    assert [(row["temperature"], row["text"]) for row in rows] == [
        ("-", "validation part"),
        ("0.5", "fox"),
        ("0.5", "fox, network"),
        ("50", "fox"),
        ("50", "fox, network"),
    ]
    assert rows[0]["known words"] == 1 and rows[0]["copied"] == rows[0]["longest copied"] == 100
    assert rows[1]["known words"] > 0.9 and rows[3]["known words"] < 0.1
    assert "speakers" not in rows[0] and "closed" not in rows[0]


def test_baselines_tell_the_figure_that_training_told(corpus_path, run_path):
    from textgen.inference.overview import overview

    done = run_benchmark("baselines.py", corpus_path, run_path)
    assert done.returncode == 0, done.stderr
    figures = dict(line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| "))
    assert f"{overview(run_path).validation_bpc:.3f}" == figures[f"mixture ({run_path.name})"]
    assert {"counts alone", "xz, 9e"} < figures.keys()
    other = run_benchmark("baselines.py", corpus_path, corpus_path)
    assert other.returncode == 1 and other.stderr.count("\n") == 1

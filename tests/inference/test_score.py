"""Bits per character: exact, the same however they are batched, and what training reported."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import textgen
from textgen.data.corpus import Corpus
from textgen.inference.overview import find_runs, list_runs, overview
from textgen.inference.page import surprise_page
from textgen.inference.score import CharacterScore, character_scores, line_bits, total_bits
from textgen.runs.run import Run


@pytest.fixture(scope="module")
def model(run_path):
    return textgen.load(run_path)


@pytest.fixture(scope="module")
def last(run_path):
    return textgen.load(run_path, "last")


def test_the_total_is_what_training_reported(last, run_path, corpus_path):
    ids = Corpus.load(corpus_path).validation
    rows = list(csv.DictReader(Run(run_path).history_path.open()))
    assert total_bits(last, ids) / len(ids) == pytest.approx(float(rows[-1]["validation_bpc"]), abs=1e-4)


def test_a_line_alone_and_its_characters_agree(model):
    line = "the lazy fox jumps over"
    characters = [score.bits for score in character_scores(model, iter([line, "\n"]))]
    assert line_bits(model, [line])[0] == pytest.approx(np.mean(characters), abs=1e-4)
    assert total_bits(model, model.vocabulary.encode(line + "\n")) == pytest.approx(sum(characters), abs=1e-3)


@settings(max_examples=30)
@given(st.lists(st.text("the quickbrown.", max_size=30), min_size=1, max_size=40))
def test_a_line_scores_the_same_in_any_company(model, lines):
    together = line_bits(model, lines)
    assert together == pytest.approx([line_bits(model, [line])[0] for line in lines], abs=1e-4)


def test_familiar_text_surprises_less(model):
    known, odd = line_bits(model, ["the quick brown fox jumps over the lazy dog.", "dog quick. the lazy over"])
    assert known < 0.5 < odd


def test_the_likeliest_characters_are_named(model):
    (*_, last_score) = character_scores(model, iter(["the quic", "k"]))
    assert last_score.character == last_score.likeliest[0] == "k" and len(last_score.likeliest) == 3


def test_a_page_shows_every_character_and_is_safe(model):
    scores = [CharacterScore(c, bits, ["<", "\n", "&"]) for c, bits in (("<", 9.0), ("\n", 0.0), ("\x1b", 3.0))]
    page = "".join(surprise_page(scores, "a<b"))
    assert "<title>a&lt;b</title>" in page and "&lt;</b>" in page and "↵\n</b>" in page and "U+001B</b>" in page
    assert "\x1b" not in page and "http" not in page and "3 characters, 4.000 bits" in page


def test_an_overview_tells_what_a_run_is(run_path, corpus_path):
    it = overview(run_path)
    assert (it.model.units, it.vocabulary, it.steps) == (24, 29, 300)
    assert it.parameters == sum(w.size for w in _weights(run_path))
    assert it.checkpoints == ["best", "last"] and it.corpus == str(corpus_path)
    assert "lstm 1x24" in str(overview(run_path))


def _weights(run_path):
    from safetensors.numpy import load_file

    tensors = load_file(Run(run_path).weights_path("best"))
    return [tensor for name, tensor in tensors.items() if not name.startswith(("mixture/", "memory/"))]


def test_runs_are_listed_best_first_and_broken_ones_last(run_path, tmp_path):
    import shutil

    for name in ("good", "worse", "broken"):
        shutil.copytree(run_path, tmp_path / "runs" / name)
    history = tmp_path / "runs" / "worse" / "history.csv"
    rows = list(csv.DictReader(history.open()))
    with history.open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "validation_bpc": float(row["validation_bpc"]) + 1} for row in rows)
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    assert [path.name for path in find_runs(tmp_path)] == ["broken", "good", "worse"]
    lines = str(list_runs(tmp_path)).splitlines()
    assert [line.split("/")[-1] for line in lines[1:3]] == ["good", "worse"]
    assert "broken" in lines[3] and "damaged" in lines[3]

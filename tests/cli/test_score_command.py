"""`textgen score` and `textgen surprise` as a person at a shell meets them."""

import json

import numpy as np
import pytest
from support import SETTINGS, one_line_error, run_textgen

from textgen.data.corpus import Corpus


def test_score_is_a_number_lines_or_characters(run_path, tmp_path):
    text = "the quick brown fox\njumps over\n\n"
    total = float(run_textgen("score", run_path, input=text).stdout)
    lines = [line.split("\t") for line in run_textgen("score", run_path, "--lines", input=text).stdout.splitlines()]
    assert [line for _, line in lines] == ["the quick brown fox", "jumps over", ""]
    (tmp_path / "text").write_text(text)
    done = run_textgen("score", run_path, "--chars", tmp_path / "text")
    characters = [json.loads(line) for line in done.stdout.splitlines()]
    assert "".join(c["character"] for c in characters) == text
    assert sum(c["bits"] for c in characters) / len(text) == pytest.approx(total, abs=1e-3)
    assert all(len(c["likeliest"]) == 3 for c in characters)


def test_score_of_the_runs_own_corpus_is_what_training_reported(run_path):
    from textgen.inference.overview import overview

    done = run_textgen("score", run_path, "--split", "validation")
    assert float(done.stdout) == pytest.approx(overview(run_path).validation_bpc, abs=1e-4)


def test_the_test_part_is_scored_whole_and_training_never_looks_at_it(text_file, tmp_path):
    train, prepare = (
        (*SETTINGS, "--cell", "rnn", "--steps", 10, "--validation-characters", 100),
        ("prepare", text_file, "--test", 0.2),
    )
    weights = []
    for name in ("one", "two"):
        corpus, run = tmp_path / "corpus", tmp_path / name
        assert run_textgen(*prepare, "--out", corpus, "--force").returncode == 0
        test = np.array(Corpus.load(corpus).test)
        if name == "two":
            (corpus / "test.npy").write_bytes((corpus / "test.npy").read_bytes()[: -len(test)] + bytes(len(test)))
        done = run_textgen("train", corpus, "--out", run, *train)
        assert done.returncode == 0, done.stderr
        weights.append((run / "checkpoints" / "last" / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert run_textgen(*prepare, "--out", corpus, "--force").returncode == 0
    text = Corpus.load(corpus).vocabulary.decode(test)
    assert len(text) == 540
    scores = [run_textgen("score", run, "--split", "test"), run_textgen("score", run, input=text)]
    assert scores[0].stdout == scores[1].stdout != ""


def test_a_corpus_without_a_test_part_is_refused_with_what_to_do(run_path):
    error = one_line_error(run_textgen("score", run_path, "--split", "test"), 1)
    assert "has no test part; `textgen prepare --test` makes one" in error


def test_score_treats_unknown_characters_as_told_and_counts_them(run_path):
    assert "'é'" in one_line_error(run_textgen("score", run_path, input="thé é\n"), 1)
    done = run_textgen("score", run_path, "--lines", "--unknown", "skip", input="thé é\n")
    assert done.stdout.endswith("\tthé é\n") and done.stderr == "textgen: 2 unknown characters skipped\n"
    assert "no text" in one_line_error(run_textgen("score", run_path, input=""), 1)


def test_a_surprise_page_is_written_whole(run_path, tmp_path):
    done = run_textgen("surprise", run_path, "-", "--out", tmp_path / "page.html", input="the quick zz\n")
    assert done.returncode == 0 and done.stdout == ""
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>") and "bits; likeliest:" in page

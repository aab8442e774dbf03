"""A training with counts: from its first moment to a resumed end, and what becomes of runs without them."""

import csv
import hashlib
import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support import run_textgen

import textgen
from textgen.data.corpus import Corpus
from textgen.runs.run import Run
from textgen.runs.shipped import shipped_corpus

SMALL = {
    "cell": "rnn",
    "units": 16,
    "embedding_dim": 8,
    "dropout": 0.1,
    "recurrent_dropout": 0.0,
    "batch_size": 8,
    "seq_length": 16,
}


@pytest.fixture(scope="module")
def corpus(made_once):
    """40,000 characters of fables: enough for pieces to be held out."""
    fables = shipped_corpus("fables")[0].read_text()[:40_000]
    text = made_once("mixing/fables.txt", lambda path: path.write_text(fables))
    return Corpus.load(made_once("mixing/data", lambda path: textgen.prepare(text, path)))


@pytest.fixture(scope="module")
def mixed_run(corpus, made_once):
    """A run with counts, 40 steps long."""
    return made_once("mixing/run", lambda path: textgen.train(corpus, path, steps=40, validations=2, **SMALL))


def history(path):
    with (path / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_mixture_is_better_than_the_network_and_history_has_both(mixed_run):
    row = min(history(mixed_run), key=lambda row: float(row["validation_bpc"]))
    assert float(row["validation_bpc"]) < 2.6 < float(row["network_bpc"])
    overview = json.loads(run_textgen("info", mixed_run, "--json").stdout)
    assert overview["validation_bpc"] == pytest.approx(float(row["validation_bpc"]))
    assert overview["network_bpc"] == pytest.approx(float(row["network_bpc"]))


def test_score_tells_what_training_reported(mixed_run):
    done = run_textgen("score", mixed_run, "--split", "validation", "--checkpoint", "last")
    assert float(done.stdout) == pytest.approx(float(history(mixed_run)[-1]["validation_bpc"]), abs=2e-4)


def test_a_resumed_run_is_the_run_left_alone(corpus, mixed_run, tmp_path):
    class Stop(Exception):
        pass

    class StopAfterValidation(textgen_reporter()):
        def validated(self, row, run):
            raise Stop

    path = tmp_path / "run"
    with pytest.raises(Stop):
        textgen.train(corpus, path, steps=40, validations=2, reporter=StopAfterValidation(), **SMALL)
    textgen.resume(path)
    for name in ("checkpoints/last/weights.safetensors", "checkpoints/best/weights.safetensors", "counts.safetensors"):
        assert digest(path / name) == digest(mixed_run / name), name


def textgen_reporter():
    from support import QuietReporter

    return QuietReporter


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_held_out_is_read_neither_by_network_nor_by_counts(corpus):
    from textgen.training.streams import Streams, held_out_pieces

    pieces = held_out_pieces(len(corpus.train), len(corpus.vocabulary), 5)
    assert 512 <= pieces.total <= len(corpus.train) // 32
    places = np.arange(len(corpus.train))
    marked = np.zeros(len(places), np.uint8)
    for start in pieces.starts:
        marked[start : start + pieces.length] = 1
    streams = Streams(marked, 2, 4, 16, 0, pieces)
    for window in range(streams.windows_per_epoch):
        assert streams.batch(0, window).max() == 0


def test_without_counts_a_run_is_a_network_alone(corpus, tmp_path):
    textgen.train(corpus, tmp_path / "run", steps=4, validations=1, ngram_order=0, **SMALL)
    assert not Run(tmp_path / "run").counts_path.exists()
    assert history(tmp_path / "run")[-1]["network_bpc"] == ""
    assert textgen.load(tmp_path / "run").predictor.counts is None


@pytest.mark.thorough
def test_a_run_of_the_first_format_samples_scores_and_goes_on(corpus, tmp_path):
    path = tmp_path / "run"
    textgen.train(corpus, path, steps=4, validations=1, ngram_order=0, **SMALL)
    info = json.loads((path / "run.json").read_text())
    del info["model"]["ngram_order"]
    (path / "run.json").write_text(json.dumps(info | {"format_version": 1}))
    assert textgen.load(path).generate("The ", length=5, rng_seed=1).startswith("The ")
    assert run_textgen("score", path, input="The fox\n").returncode == 0
    assert textgen.resume(path, steps=2).step == 6


@pytest.mark.thorough
def test_another_text_is_counted_anew_when_a_run_begins_with_the_weights_of_another(mixed_run, tmp_path):
    (tmp_path / "text").write_text("der fuchs und die trauben\n" * 200)
    corpus = textgen.prepare(tmp_path / "text", tmp_path / "data")
    textgen.train(corpus, tmp_path / "run", start_from=mixed_run, steps=4, validations=1, batch_size=4)
    row = history(tmp_path / "run")[-1]
    assert float(row["validation_bpc"]) < 2 < float(row["network_bpc"])


def test_samples_are_independent_of_those_beside_them(mixed_run):
    model = textgen.load(mixed_run)
    alone = [model.generate(seed, length=60, rng_seed=5) for seed in ("The fox", "A crow")]
    from textgen.config import SampleConfig

    config = SampleConfig(length=60, rng_seed=5)
    written = {}
    for sample, piece in model.write(["The fox", "A crow", "The fox"], config):
        written[sample.index] = written.get(sample.index, sample.seed_text) + piece
    assert written[0] == alone[0]
    one = "".join(model.stream("A crow", config, 1))
    assert written[1] == one


def test_a_line_scores_in_company_as_its_characters_do_alone(mixed_run):
    text = "The fox saw grapes.\nA crow\n"
    lines = run_textgen("score", mixed_run, "--lines", input=text).stdout.splitlines()
    for line, scored in zip(text.splitlines(), lines, strict=True):
        done = run_textgen("score", mixed_run, "--chars", input=line + "\n").stdout.splitlines()
        bits = [json.loads(character)["bits"] for character in done]
        assert float(scored.split("\t")[0]) == pytest.approx(sum(bits) / len(bits), abs=1e-3)


def hostile(arrays, change):
    return {**arrays, **change(arrays)}


DAMAGE = {
    "contexts out of order": lambda a: {"hashes": a["hashes"][::-1].copy()},
    "contexts with the bits of an id": lambda a: {"hashes": a["hashes"] + np.uint64(1) * (a["hashes"] > 0)},
    "starts out of order": lambda a: {"starts": a["starts"][::-1].copy()},
    "starts beyond": lambda a: {"starts": np.append(a["starts"][:-1], np.uint32(2**32 - 1))},
    "ids beyond the vocabulary": lambda a: {"symbols": np.full_like(a["symbols"], 255)},
    "shares that are no numbers": lambda a: {"shares": np.full_like(a["shares"], np.nan)},
    "shares below 0": lambda a: {"left": -a["left"] - np.float16(0.1)},
    "lengths that do not fit": lambda a: {"left": a["left"][1:].copy()},
    "no contexts": lambda a: {"hashes": a["hashes"][:0], "left": a["left"][:0], "starts": a["starts"][:1]},
    "expected hashes uint64": lambda a: {"hashes": a["hashes"].astype(np.float64)},
    "two dimensions": lambda a: {"left": np.stack([a["left"]] * 2)},
    "a type of no tensor of textgen's": lambda a: {"left": a["left"] > 0},
    "expected the tensors": lambda a: {"more": a["left"]},
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_of_counts_is_one_line(mixed_run, tmp_path, damage):
    path = tmp_path / "run"
    shutil.copytree(mixed_run, path)
    arrays = load_file(path / "counts.safetensors")
    save_file(hostile(arrays, DAMAGE[damage]), path / "counts.safetensors", {"characters": "100"})
    with pytest.raises(textgen.RunError, match=r"counts\.safetensors: (damaged|larger)") as error:
        textgen.load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("change", ["missing", "truncated", "of another run"])
def test_counts_that_are_not_the_runs_are_one_line(mixed_run, run_path, tmp_path, change):
    path = tmp_path / "run"
    shutil.copytree(mixed_run, path)
    counts = path / "counts.safetensors"
    if change == "missing":
        counts.unlink()
    elif change == "truncated":
        counts.write_bytes(counts.read_bytes()[:1000])
    else:
        vocabulary = json.loads((path / "vocabulary.json").read_text())
        (path / "vocabulary.json").write_text(json.dumps(vocabulary | {"characters": vocabulary["characters"][:-1]}))
    done = run_textgen("sample", path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and done.stdout == ""


def test_the_first_sample_is_there_before_the_first_step(corpus, tmp_path):
    class Look(textgen_reporter()):
        def begun(self, run):
            self.text = textgen.load(run.path).generate("The ", length=40, rng_seed=1)
            raise KeyboardInterrupt

    look = Look()
    with pytest.raises(textgen.TextgenError, match="interrupted; go on with"):
        textgen.train(corpus, tmp_path / "run", steps=4, reporter=look, **SMALL)
    words = set((corpus.path.parent / "fables.txt").read_text().split())
    assert sum(word in words for word in look.text.split()) >= 4


@pytest.mark.parametrize("order", ["-1", "17", "x"])
def test_an_order_out_of_range_is_refused(corpus, tmp_path, order):
    done = run_textgen("train", corpus.path, "--out", tmp_path / "run", "--ngram-order", order)
    assert done.returncode == 2 and "--ngram-order" in done.stderr and done.stderr.count("\n") == 1

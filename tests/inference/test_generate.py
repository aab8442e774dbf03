"""The Python API on a real, tiny run."""

import contextlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from support import few

import textgen
from textgen.config import SampleConfig
from textgen.errors import ConfigError, RunError, TextError
from textgen.inference.predictor import silently


@pytest.fixture(scope="module")
def model(run_path):
    return textgen.load(run_path)


def test_it_has_learnt_its_sentence(model):
    text = model.generate("the quick", length=36, temperature=0)
    assert text == "the quick brown fox jumps over the lazy dog.\n"


def test_without_a_seed_text_the_model_starts_by_itself(model):
    assert "\nthe quick brown fox" in model.generate(length=100, temperature=0)


def written(model, seed_texts, first=0, **settings) -> dict[int, str]:
    """The texts of some samples by index, seed texts left out."""
    config = SampleConfig(rng_seed=7, temperature=1.5, **{"length": 60, **settings})
    texts: dict[int, str] = {}
    for sample, piece in model.write(seed_texts, config, first):
        texts[sample.index] = texts.get(sample.index, "") + piece
    return texts


def test_the_same_rng_seed_gives_the_same_text(model):
    texts = [model.generate("the", length=80, temperature=1.5, rng_seed=seed) for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("settings", [{}, {"stop": ("o", "ck")}, {"until_line": True}, {"no_repeat_ngram": 4}])
def test_a_sample_does_not_depend_on_what_it_is_made_beside(model, settings):
    many = written(model, ["the "] * 70, **settings)
    assert len(set(many.values())) > 10
    assert written(model, ["the "] * 10, **settings) == {i: many[i] for i in range(10)}
    alone = {i: written(model, ["the "], first=i, **settings)[i] for i in (0, 3, 69)}
    assert alone == {i: many[i] for i in alone}
    config = SampleConfig(rng_seed=7, temperature=1.5, length=60, **settings)
    assert "".join(model.stream("the ", config, 3)) == "the " + many[3]


def test_different_seed_texts_are_continued_side_by_side_in_order(model):
    seeds = ["the quick", "", "lazy", "the quick", "fox jumps over"]
    texts = written(model, seeds)
    assert list(texts) == [0, 1, 2, 3, 4]
    for index, seed in enumerate(seeds):
        assert written(model, [seed], first=index)[index] == texts[index]


@pytest.mark.parametrize("units", few([256, 500]))
def test_the_number_of_threads_changes_no_text(units, tmp_path):
    """A model large enough for the matrix library to use all its threads."""
    from textgen.config import ModelConfig
    from textgen.data.vocabulary import Vocabulary
    from textgen.runs.run import FORMAT_VERSION, Run, RunInfo
    from textgen.runs.weights import weight_shapes

    vocabulary = Vocabulary("\n" + "".join(map(chr, range(0x4E00, 0x4E00 + 700))))
    model = ModelConfig(num_layers=2, units=units, ngram_order=0)
    generator = np.random.default_rng(0)
    run = Run(tmp_path)
    weights = {
        name: generator.normal(0, 0.3, shape).astype(np.float32)
        for name, shape in weight_shapes(model, len(vocabulary)).items()
    }
    run.weights_path("best").parent.mkdir(parents=True)
    save_file(weights, run.weights_path("best"))
    vocabulary.save(run.path)
    from textgen.config import TrainConfig

    info = {"textgen_version": "0", "corpus": "", "corpus_fingerprint": ""}
    run.save_info(RunInfo(format_version=FORMAT_VERSION, model=model, train=TrainConfig(), **info))
    code = f"import textgen; print(textgen.load({str(tmp_path)!r}).generate(length=300, rng_seed=1))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "OPENBLAS_NUM_THREADS": n}, capture_output=True, check=True
        ).stdout
        for n in ("1", "2")
    }
    assert len(texts) == 1 and len(texts.pop().decode()) > 300


def test_without_a_seed_two_texts_differ(model):
    assert model.generate(length=60, temperature=2.0) != model.generate(length=60, temperature=2.0)


def test_text_comes_one_character_at_a_time(model):
    pieces = list(model.stream("the", SampleConfig(length=5)))
    assert pieces[0] == "the" and [len(piece) for piece in pieces[1:]] == [1] * 5


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"stop": ("fox",)}, " brown "),
        ({"stop": ("fox",), "keep_stop": True}, " brown fox"),
        ({"stop": ("zebra", "ox j", "ownish")}, " brown f"),
        ({"stop": ("\n",)}, " brown fox jumps over the lazy dog."),
        ({"until_line": True}, " brown fox jumps over the lazy dog.\n"),
        ({"stop": ("n fx",), "length": 8}, " brown f"),
    ],
)
def test_a_sample_ends_where_it_is_told_to(model, settings, text):
    assert model.generate("the quick", temperature=0, **settings) == "the quick" + text


def test_what_may_become_a_stop_text_is_held_back(model):
    config = SampleConfig(temperature=0, length=9, stop=("own dog",))
    pieces = list(model.stream("the quick", config))
    assert pieces == ["the quick", " ", "b", "r", "", "", "", "", "own f", "o"]


def test_only_and_ban_hold_for_every_character(model):
    assert set(model.generate(length=200, only="abc ", temperature=1.0)) <= set("abc ")
    assert not set(model.generate(length=200, ban="eo")) & set("eo")
    with pytest.raises(ConfigError, match="only, ban"):
        model.generate(only="ab", ban="ab")


def test_no_sequence_comes_twice(model):
    text = "\n" + model.generate("the ", length=60, no_repeat_ngram=5)
    sequences = [text[i : i + 5] for i in range(len(text) - 4)]
    assert len(set(sequences)) == len(sequences)


def test_the_mean_surprise_is_that_of_the_scorer(model):
    from textgen.inference.score import character_scores

    pieces = list(model.write(["the"], SampleConfig(length=40), measured=True))
    sample, text = pieces[0][0], "".join(piece for _, piece in pieces)
    scores = list(character_scores(model, iter(["the" + text])))[3:]
    assert sample.bits_per_character == pytest.approx(sum(s.bits for s in scores) / 40, abs=1e-4)


def test_a_beam_finds_a_text_at_least_as_likely_as_greedy(model):
    from textgen.inference.score import character_scores

    def bits(text):
        return sum(score.bits for score in character_scores(model, iter([text])))

    greedy = model.generate("la", length=12, temperature=0)
    assert model.generate("la", length=12, beam=1) == greedy
    assert bits(model.generate("la", length=12, beam=8)) <= bits(greedy) + 1e-6
    every = max(
        (a + b for a in model.vocabulary.idx2char for b in model.vocabulary.idx2char),
        key=lambda pair: -bits("la" + pair),
    )
    assert model.generate("la", length=2, beam=len(model.vocabulary) ** 2) == "la" + every
    assert model.generate("the quick", length=50, beam=4, stop=("fox",)) == "the quick brown "


def test_a_stopped_beam_counts_the_bits_of_what_it_wrote_alone(model):
    from textgen.inference.score import character_scores

    *_, (sample, _) = model.write(["the quick"], SampleConfig(length=50, beam=2, stop=("fox",), memory=0))
    scores = list(character_scores(model, iter(["the quick brown fox"])))[len("the quick") :]
    assert sample.written == len(scores)
    assert sample.bits == pytest.approx(sum(score.bits for score in scores), abs=1e-3)


def test_length_zero_is_the_seed_text(model):
    assert model.generate("the", length=0) == "the"


def test_unknown_characters_are_refused_skipped_or_replaced(model):
    with pytest.raises(TextError, match=r"'é' \(U\+00E9, at 2\)"):
        model.generate("thé")
    assert model.generate("thé", length=0, unknown="skip") == "th"
    assert model.generate("thé", length=0, unknown="replace") == "th "


@pytest.mark.parametrize("setting", [{"temperature": -1}, {"temperature": float("nan")}, {"lenght": 3}])
def test_bad_settings_are_refused_by_name(model, setting):
    with pytest.raises(ConfigError, match=r"length|temperature"):
        model.generate("the", **setting)


def test_a_run_without_its_corpus_samples_elsewhere(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "copy")
    assert textgen.load(tmp_path / "copy").generate("the quick", length=6, temperature=0) == "the quick brown"


def damaged(run_path, tmp_path, change):
    """A copy of a run with its best weights changed."""
    shutil.copytree(run_path, tmp_path / "bad")
    path = tmp_path / "bad" / "checkpoints" / "best" / "weights.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path)
    return tmp_path / "bad"


def set_nan(weights):
    weights["dense/bias"][0] = np.nan


CHANGES = [
    (lambda w: w.pop("dense/bias"), "lacks dense/bias"),
    (lambda w: w.update({"extra": np.zeros(1, np.float32)}), "holds 'extra'"),
    (lambda w: w.update({"dense/bias": np.zeros(3, np.float32)}), r"dense/bias is float32 \(3,\)"),
    (lambda w: w.update({"dense/bias": np.zeros(29)}), r"dense/bias is F64 \(29,\), expected float32 \(29,\)"),
    (set_nan, "dense/bias holds NaN"),
    (lambda w: w["dense/kernel"].fill(3e38), "dense/kernel holds .* absurdly large"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_weights_that_do_not_fit_are_named(run_path, tmp_path, change, message):
    with pytest.raises(RunError, match=message):
        textgen.load(damaged(run_path, tmp_path, change))


def test_what_is_no_run_is_refused(tmp_path, run_path):
    with pytest.raises(RunError, match="does not exist"):
        textgen.load(tmp_path / "none")
    with pytest.raises(RunError, match=r"holds no run\.json"):
        textgen.load(tmp_path)
    shutil.copytree(run_path, tmp_path / "cut")
    weights = tmp_path / "cut" / "checkpoints" / "best" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(RunError, match="damaged"):
        textgen.load(tmp_path / "cut")
    with pytest.raises(RunError, match="has no 'third' checkpoint; it has: best, last"):
        textgen.load(run_path, "third")


def test_loading_and_sampling_import_no_tensorflow(run_path):
    code = (
        "import sys, textgen, textgen.cli\n"
        f"textgen.load({str(run_path)!r}).generate('the', length=5)\n"
        "heavy = {'tensorflow', 'keras', 'rich', 'h5py', 'hypothesis'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_seed_text_is_read_as_its_characters_one_by_one_and_somebody_is_told(model):
    predictor, told, totals = model.predictor, [], []

    @contextlib.contextmanager
    def telling(total):
        totals.append(total)
        yield told.append

    texts = [model.ids("the quick brown fox " * 200), model.ids("lazy"), model.ids("lazy")]
    state = predictor.initial_state(1)
    for index in texts[0]:
        expected = predictor.step(np.array([index]), state)
    expected = expected.copy()
    predictor.telling = telling
    try:
        found, after = predictor.read(texts)
    finally:
        predictor.telling = silently
    assert found[0].tobytes() == expected[0].tobytes()
    ids = np.array([texts[0][1]])
    assert predictor.step(ids, after.take([0])).tobytes() == predictor.step(ids, state).tobytes()
    # the last character of each text is not told, for nothing is left to do
    assert totals == [4001 + 5] and sum(told) == 4000 + 4 and max(told) <= 1024

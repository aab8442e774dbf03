"""The Python API on a real, tiny run."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import textgen
from textgen.config import SampleConfig
from textgen.errors import ConfigError, RunError, TextError


@pytest.fixture(scope="module")
def model(run_path):
    return textgen.load(run_path)


def test_it_has_learnt_its_sentence(model):
    text = model.generate("the quick", length=36, temperature=0)
    assert text == "the quick brown fox jumps over the lazy dog.\n"


def test_a_new_line_is_started_without_a_seed_text(model):
    assert model.generate(length=9, temperature=0) == "the quick"


def test_the_same_rng_seed_gives_the_same_text(model):
    texts = [model.generate("the", length=80, temperature=1.5, rng_seed=seed) for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]


def test_samples_of_one_seed_differ_and_do_not_depend_on_each_other(model):
    config = SampleConfig(length=60, temperature=1.5, rng_seed=1)
    first, second = ("".join(model.stream("", config, sample)) for sample in (0, 1))
    assert first != second
    assert second == "".join(model.stream("", config, 1))
    assert first == model.generate(length=60, temperature=1.5, rng_seed=1)


def test_without_a_seed_two_texts_differ(model):
    assert model.generate(length=60, temperature=2.0) != model.generate(length=60, temperature=2.0)


def test_text_comes_one_character_at_a_time(model):
    pieces = list(model.stream("the", SampleConfig(length=5)))
    assert pieces[0] == "the" and [len(piece) for piece in pieces[1:]] == [1] * 5


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
    (lambda w: w.pop("dense/bias"), "dense/bias is None"),
    (lambda w: w.update({"extra": np.zeros(1, np.float32)}), "extra"),
    (lambda w: w.update({"dense/bias": np.zeros(3, np.float32)}), r"dense/bias is \(3,\)"),
    (set_nan, "dense/bias holds values"),
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
    with pytest.raises(RunError, match="no 'third' checkpoint"):
        textgen.load(run_path, "third")


def test_loading_and_sampling_import_no_tensorflow(run_path):
    code = (
        "import sys, textgen, textgen.cli\n"
        f"textgen.load({str(run_path)!r}).generate('the', length=5)\n"
        "heavy = {'tensorflow', 'keras', 'rich', 'h5py', 'hypothesis'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

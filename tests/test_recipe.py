"""What `--preset auto` picks, and that it says so."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import few, run_textgen

from textgen import recipe
from textgen.config import ModelConfig, TrainConfig, build
from textgen.data.corpus import Corpus
from textgen.runs.run import Run


@given(st.integers(2, 10**12), st.floats(0.001, 10**7), st.sampled_from(["lstm", "gru", "rnn"]))
def test_whatever_it_picks_can_be_trained(characters, minutes, cell):
    values, _ = recipe.choose(characters, minutes, cell)
    model = {name: value for name, value in values.items() if name in ModelConfig.__struct_fields__}
    training = {name: value for name, value in values.items() if name in TrainConfig.__struct_fields__}
    assert model.keys() | training.keys() == values.keys()
    build(ModelConfig, {"cell": cell, **model})
    build(TrainConfig, training)


def test_more_time_makes_a_wider_model_and_a_small_text_more_dropout():
    units = [recipe.choose(1_000_000, minutes)[0]["units"] for minutes in (0.2, 1, 2.5, 5, 15, 40)]
    assert units == sorted(units) and len(set(units)) == 6
    small, large = (recipe.choose(characters, 5.0)[0] for characters in (100_000, 10_000_000))
    assert small["dropout"] > large["dropout"] and small["units"] < large["units"]


def test_a_text_that_is_read_more_often_gets_more_regularization():
    for characters in (100_000, 1_000_000):
        picked = [recipe.choose(characters, minutes)[0] for minutes in (0.1, 0.2, 0.5, 1, 2.5, 15, 60)]
        for name in ("dropout", "recurrent_dropout", "weight_decay"):
            values = [settings[name] for settings in picked]
            assert values == sorted(values) and values[0] < values[-1]


def test_a_machine_four_times_as_fast_picks_what_four_times_the_minutes_would():
    fast, slow = (recipe.choose(1_000_000, 1.0, speed=speed) for speed in (4.0, 1.0))
    assert fast[0] == recipe.choose(1_000_000, 4.0)[0] != slow[0] == recipe.choose(1_000_000, 1.0)[0]
    assert "1 minutes at about 130,000 characters a second, in which" in fast[1]


def test_a_text_of_many_characters_is_read_less_often():
    few, many = (recipe.choose(1_000_000, 5.0, vocabulary_size=size)[0] for size in (65, 8000))
    assert few["units"] == many["units"] and few["dropout"] > many["dropout"]


@pytest.mark.parametrize("given", few([{"minutes": 10}, {"minutes": 10, "learning_rate": 0.001}]))
def test_a_training_that_is_far_from_what_was_reckoned_is_told_what_would_have_been_picked(given, corpus_path):
    corpus = Corpus.load(corpus_path)
    settings = recipe.settings_for(corpus, given, "none")
    (reason,), doubt = settings.reckoning
    reckoned = float(re.search(r"at about ([\d,]+) characters a second", reason)[1].replace(",", ""))
    assert doubt(reckoned) is doubt(1.3 * reckoned) is doubt(0.7 * reckoned) is None
    told = doubt(reckoned / 50)
    expected = f"auto expected about {reckoned:,.0f} characters a second, and for this speed picks 1 layer of 192 units"
    assert told.startswith("trains at about ") and expected in told
    rate = given.get("learning_rate", 0.012)
    assert told.endswith(f"learning rate {rate:g}")
    # where it would have picked the same, there is nothing to say
    assert settings.model.units == 256 and doubt(50 * reckoned) is None


def test_where_no_clock_ends_it_or_a_person_sets_the_shape_no_speed_is_doubted(corpus_path):
    corpus = Corpus.load(corpus_path)
    assert recipe.settings_for(corpus, {"minutes": 1, "units": 8}).reckoning.doubt is None
    reckoning = recipe.settings_for(corpus, {"steps": 10}, "none").reckoning
    assert "a second" not in reckoning.reasons[0] and not (reckoning.doubt and reckoning.doubt(1.0))


def test_several_processes_choose_alike(corpus_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{}")
    (reason,), doubt = recipe.settings_for(Corpus.load(corpus_path), {"minutes": 1}, "none").reckoning
    assert "a second" not in reason and doubt(1.0) is None


def test_the_command_line_says_what_was_picked_and_options_go_before_it(corpus_path, tmp_path):
    out = tmp_path / "run"
    done = run_textgen("train", corpus_path, "--out", out, "--units", "8", "--cell", "rnn", "--steps", "2")
    assert done.returncode == 0, done.stderr
    assert "for 2,430 characters and 5 minutes, in which it reads the text about" in done.stderr
    assert "1 layer of 8 units, dropout 0.5, recurrent dropout 0, weight decay" in done.stderr
    model = Run(out).load_info().model
    assert (model.units, model.dropout, model.recurrent_dropout) == (8, 0.5, 0.0)


@pytest.mark.parametrize("preset", few(["small", "base", "large", "classic"]))
def test_a_preset_sets_what_nobody_gave(preset, corpus_path, tmp_path):
    (tmp_path / "mine.toml").write_text("dropout = 0.125\n")
    arguments = [
        "--preset",
        preset,
        "--config",
        tmp_path / "mine.toml",
        "--units",
        "8",
        "--cell",
        "rnn",
        "--steps",
        "2",
    ]
    done = run_textgen("train", corpus_path, "--out", tmp_path / "run", *arguments)
    assert done.returncode == 0, done.stderr
    info = Run(tmp_path / "run").load_info()
    assert (info.model.units, info.model.dropout, info.train.steps) == (8, 0.125, 2)
    assert (info.train.learning_rate == 0.002) == (preset == "classic")

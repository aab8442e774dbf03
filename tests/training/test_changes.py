"""Runs that go on with other settings: longer, gentler, or because they diverged."""

import shutil

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file
from support import QuietReporter, run_textgen

import textgen
from textgen.config import ModelConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.errors import ConfigError, RunError
from textgen.runs.run import Run
from textgen.training import trainer
from textgen.training.changes import changed
from textgen.training.checkpoint import load_position

# a cell that compiles in a tenth of the time that an LSTM takes
MODEL = ModelConfig(cell="rnn", units=12, embedding_dim=6, dropout=0.0, recurrent_dropout=0.0)
CONFIG = TrainConfig(steps=12, batch_size=4, seq_length=16, validations=3)
EXPLOSIVE = {"learning_rate": 10.0, "weight_decay": 10.0}
"""Every step multiplies the weights by about -99."""


@pytest.fixture
def corpus(corpus_path):
    return Corpus.load(corpus_path)


@pytest.fixture(scope="module")
def twelve_steps(corpus_path, made_once):
    """A run of 12 steps, to copy."""
    train = lambda path: trainer.train(Corpus.load(corpus_path), path, MODEL, CONFIG, QuietReporter())  # noqa: E731
    return made_once("changes/run", train)


@pytest.fixture
def finished(twelve_steps, tmp_path):
    """A copy of the run of 12 steps."""
    return shutil.copytree(twelve_steps, tmp_path / "run")


@pytest.mark.thorough
def test_a_finished_run_trains_so_much_more_with_a_schedule_of_its_own(finished, reporter):
    end = trainer.resume(finished, None, reporter, {"steps": 6})
    assert (end.step, end.finished) == (18, True)
    assert [row.step for row in end.history] == [4, 8, 12, 14, 16, 18]
    rates = [row.learning_rate for row in end.history]
    assert rates[3] > 10 * rates[2] and rates[5] == pytest.approx(rates[2])
    end = trainer.resume(finished, None, reporter, {"epochs": 1})
    windows = len(Corpus.load(Run(finished).load_info().corpus).train) // 4 // 16
    assert end.step == 18 + windows


def test_what_changes_is_recorded_with_its_step(finished, reporter):
    trainer.resume(finished, None, reporter, {"steps": 6, "learning_rate": 0.001, "dropout": 0.25, "patience": 9})
    info = Run(finished).load_info()
    (change,) = info.changes
    assert (change.step, change.reason) == (12, "asked")
    assert change.before == {
        "steps": 12,
        "epochs": None,
        "minutes": None,
        "learning_rate": 0.006,
        "dropout": 0.0,
        "patience": 0,
    }
    assert change.after == change.before | {"steps": 6, "learning_rate": 0.001, "dropout": 0.25, "patience": 9}
    assert (info.train.learning_rate, info.model.dropout, info.train.steps) == (0.001, 0.25, 6)
    assert len(textgen.load(finished).generate(length=5, rng_seed=0)) == 5


@pytest.mark.parametrize("name", ["units", "cell", "batch_size", "seq_length", "rng_seed"])
def test_what_cannot_change_is_refused_by_name(name, finished, reporter):
    before = (finished / "run.json").read_bytes()
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')}"):
        trainer.resume(finished, None, reporter, {name: 8})
    assert (finished / "run.json").read_bytes() == before


def test_changes_are_given_on_the_command_line(finished):
    done = run_textgen("train", "--resume", finished, "--steps", "3", "--learning-rate", "0.002")
    assert done.returncode == 0 and "15 steps" in done.stderr, done.stderr
    assert "learning_rate 0.006 -> 0.002 at step 12 (asked)" in run_textgen("info", finished).stdout
    refused = run_textgen("train", "--resume", finished, "--steps", "3", "--units", "5")
    assert refused.returncode == 2 and "--units" in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.thorough
def test_a_change_whose_first_step_was_lost_is_taken_in_again(finished, reporter, corpus):
    """As after a kill between the writing of run.json and the next checkpoint."""
    run = Run(finished)
    info = changed(run.load_info(), {"steps": 6}, load_position(run))
    run.save_info(info)
    assert trainer.resume(finished, None, reporter).step == 18


def test_a_diverging_run_goes_back_and_halves_its_learning_rate(corpus, tmp_path, reporter):
    config = msgspec.structs.replace(CONFIG, learning_rate=3.0, clip_norm=0.0, steps=40)
    end = trainer.train(corpus, tmp_path / "run", MODEL, config, reporter)
    notes = [note for note in reporter.notes if "diverged" in note]
    info = Run(tmp_path / "run").load_info()
    assert end.finished and end.step == 40
    assert notes and "half the learning rate, 1.5" in notes[0]
    assert [change.reason for change in info.changes] == ["diverged"] * len(notes)
    assert info.train.learning_rate == 3.0 / 2 ** len(notes)


@pytest.mark.thorough
def test_a_run_that_cannot_be_saved_gives_up_and_stays_loadable(corpus, finished, reporter):
    before = load_file(Run(finished).weights_path("last"))
    with pytest.raises(RunError, match=r"after the learning rate was halved 3 times.*--learning-rate"):
        trainer.resume(finished, None, reporter, {"steps": 50, **EXPLOSIVE})
    after = load_file(Run(finished).weights_path("last"))
    assert all(np.isfinite(value).all() for value in after.values())
    assert [change.reason for change in Run(finished).load_info().changes] == ["asked", *["diverged"] * 3]
    assert before.keys() == after.keys()
    assert len(textgen.load(finished).generate(length=5, rng_seed=0)) == 5
    end = trainer.resume(finished, None, reporter, {"learning_rate": 0.001, "weight_decay": 0.0})
    assert end.finished and end.step > 12

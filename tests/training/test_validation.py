"""How much is validated: within a tenth of the time, on time, and the figure says on how much."""

import csv
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SETTINGS, few, run_textgen

from textgen.config import TrainConfig
from textgen.data.evaluation import window_count
from textgen.inference.overview import overview
from textgen.runs.run import Run
from textgen.training.schedule import fraction_done
from textgen.training.validation import LEAST, LEAST_AT_END, MOST, size_at_end, size_by_steps, size_by_time


@pytest.fixture(scope="module")
def long_corpus(tmp_path_factory):
    """More held out than `LEAST`."""
    folder = tmp_path_factory.mktemp("long")
    (folder / "a.txt").write_text("the quick brown fox jumps over the lazy dog.\n" * 7000)
    done = run_textgen("prepare", folder / "a.txt", "--validation", 0.6, "--out", folder / "corpus")
    assert done.returncode == 0, done.stderr
    return folder / "corpus"


@given(st.floats(0.1, 600), st.integers(1, 100), st.integers(1, 10**8), st.floats(1e-5, 0.05), st.floats(0, 1))
def test_all_validations_take_at_most_a_tenth_of_the_minutes(minutes, validations, characters, window_seconds, fit):
    config = TrainConfig(minutes=minutes, validations=validations)
    size = size_by_time(config, characters, window_seconds, fit)
    assert 1 <= size <= min(characters, MOST)
    seconds = window_count(characters, size) * window_seconds + fit
    # all but the last wait until they are a 20th of the time since the one before
    assert seconds <= minutes * 60 / 20 or window_count(characters, size) <= 3


def test_a_slow_machine_validates_on_less_and_a_long_training_on_more():
    sizes = [
        size_by_time(TrainConfig(minutes=m), 10**7, s) for m, s in ((0.15, 0.1), (0.15, 0.01), (5, 0.01), (60, 0.01))
    ]
    assert sizes == sorted(sizes) and sizes[0] < sizes[1] == LEAST < sizes[2] < sizes[3] == MOST
    assert size_by_time(TrainConfig(minutes=1), 11_000, 0.01) == 11_000


def test_steps_alone_settle_the_size_without_a_clock():
    assert size_by_steps(TrainConfig(steps=227), 10**6, 10**4) == LEAST
    assert size_by_steps(TrainConfig(epochs=10), 10**7, 10**5) == MOST
    assert size_by_steps(TrainConfig(steps=227), 11_000, 10**4) == 11_000


def test_training_ends_early_enough_for_its_last_validation():
    config = TrainConfig(minutes=1)
    assert fraction_done(config, 0, 1, 54.0, reserve=6.0) == 1
    assert fraction_done(config, 0, 1, 29.0, reserve=600.0) < 1


@given(st.integers(1, 10**8), st.integers(1, MOST), st.floats(0, 1e6))
def test_the_comparison_at_the_end_is_on_more_characters_where_there_is_time(characters, size, windows):
    size = min(size, characters)
    end = size_at_end(characters, size, windows)
    assert size <= end <= characters
    assert end == size or (end >= min(characters, LEAST_AT_END) and 8 * 2 * window_count(characters, end) <= windows)
    assert size_at_end(characters, size, 1e9) >= min(characters, MOST)


@pytest.mark.parametrize("order", few([0, 3]))
def test_best_is_not_chosen_by_a_few_characters(order, corpus_path, tmp_path):
    run = tmp_path / "run"
    sparse = ("--validation-characters", 40, "--validations", 6, "--steps", 60, "--ngram-order", order)

    def figures():
        with (run / "history.csv").open() as file:
            counted = [int(row["validated"]) for row in csv.DictReader(file)]
        scored = [
            float(run_textgen("score", run, "--split", "validation", "--checkpoint", name).stdout)
            for name in ("best", "last")
        ]
        return counted, *scored

    done = run_textgen("train", corpus_path, "--out", run, *SETTINGS, "--cell", "rnn", *sparse)
    assert done.returncode == 0, done.stderr
    counted, best, last = figures()
    assert counted[-1] == 270 and set(counted[:-1]) <= {40, 270} and best <= last
    assert f"best validation {best:.3f} bpc at step" in done.stderr
    assert overview(run).validation_bpc == pytest.approx(best, abs=1e-4)
    # in a longer training few count again until its end
    done = run_textgen("train", "--resume", run, "--steps", 60)
    assert done.returncode == 0, done.stderr
    counted, best, last = figures()
    assert counted[-1] == 270 and counted.count(40) >= len(counted) - 2 and best <= last
    assert f"best validation {best:.3f} bpc at step" in done.stderr


@pytest.mark.thorough
def test_a_best_that_is_lost_is_chosen_anew(corpus_path, tmp_path):
    run = tmp_path / "run"
    sparse = ("--validation-characters", 40, "--steps", 4)
    done = run_textgen("train", corpus_path, "--out", run, *SETTINGS, "--cell", "rnn", *sparse)
    assert done.returncode == 0, done.stderr
    Run(run).weights_path("best").write_bytes(b"damaged")
    done = run_textgen("train", "--resume", run, "--steps", 4)
    assert done.returncode == 0 and "best validation" in done.stderr, done.stderr
    assert run_textgen("score", run, "--split", "validation").returncode == 0


@pytest.mark.parametrize("end", few([(("--steps", 4),), (("--minutes", 0.02),)]))
def test_the_figure_says_on_how_much_it_is_and_score_agrees(end, long_corpus, tmp_path):
    done = run_textgen("train", long_corpus, "--out", tmp_path / "run", *SETTINGS, *end, "--validations", 2)
    assert done.returncode == 0, done.stderr
    size = Run(tmp_path / "run").load_info().train.validation_characters
    assert size == LEAST if "--steps" in end else 0 < size <= LEAST
    figure, said = re.search(
        r"best validation ([\d.]+) bpc on ([\d,]+) of 189,000 characters at step", done.stderr
    ).groups()
    characters = int(said.replace(",", ""))
    assert characters >= size
    score = run_textgen("score", tmp_path / "run", "--split", "validation", "--characters", characters)
    assert score.stderr == f"textgen: scored {said} of the 189,000 characters of the validation part\n"
    assert float(score.stdout) == pytest.approx(float(figure), abs=1e-3)


@pytest.mark.thorough
def test_a_part_that_is_validated_whole_needs_no_word_and_runs_of_older_versions_go_on(corpus_path, tmp_path):
    million = ("--validation-characters", 1_000_000)
    """The default of older versions, which their run.json holds."""
    train = ("train", corpus_path, "--out", tmp_path / "run", *SETTINGS, "--steps", 2, "--validations", 1)
    assert re.search(r"best validation [\d.]+ bpc at step 2", run_textgen(*train, *million).stderr)
    assert Run(tmp_path / "run").load_info().train.validation_characters == 1_000_000
    done = run_textgen("train", "--resume", tmp_path / "run", "--steps", 2)
    assert done.returncode == 0, done.stderr

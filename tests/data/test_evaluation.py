"""Which characters are counted when bits per character are measured."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support import one_line_error, run_textgen

import textgen
from textgen.data.corpus import Corpus
from textgen.data.evaluation import WARM_UP, counted_characters, evaluation_windows, stream_count
from textgen.inference.score import mean_bits
from textgen.runs.run import Run

START = 10**9


def counted(length: int, most: int) -> np.ndarray:
    """The places of a text that are counted, in rising order; each target must follow its own input."""
    places = []
    for inputs, targets, weights in evaluation_windows(np.arange(length), START, most):
        assert np.all((inputs == targets - 1) | ((targets == 0) & (inputs == START)) | (weights == 0))
        places.append(targets[weights == 1])
    return np.sort(np.concatenate(places))


@settings(max_examples=50)
@given(st.integers(1, 300_000))
def test_every_character_is_counted_once(length):
    assert np.array_equal(counted(length, 0), np.arange(length))
    assert np.array_equal(counted(length, length), np.arange(length))


@settings(max_examples=50)
@given(st.integers(1, 300_000), st.integers(1, 300_000))
def test_of_a_long_text_evenly_spread_characters_are_counted(length, most):
    places, streams = counted(length, most), stream_count(length)
    assert len(np.unique(places)) == len(places)
    assert min(length, most) - streams <= len(places) <= min(length, most) + streams
    if len(places) > streams:
        assert np.diff(places).max() <= -(-length // streams)


def test_a_limit_saves_the_work():
    windows = sum(1 for _ in evaluation_windows(np.zeros(10**6, np.uint8), 0, 64_000))
    assert windows == -(-(1000 + WARM_UP) // 128)


def test_score_scores_the_whole_part_or_as_many_characters_as_one_likes(run_path):
    whole, some = (run_textgen("score", run_path, "--split", "train", *more) for more in ((), ("--characters", 500)))
    assert whole.stderr == "" and some.stderr == "textgen: scored 500 of the 2,430 characters of the train part\n"
    model, ids = textgen.load(run_path), Corpus.load(Run(run_path).load_info().corpus).train
    assert (whole.stdout, some.stdout) == tuple(f"{mean_bits(model, ids, most):.4f}\n" for most in (0, 500))
    assert "goes with --split" in one_line_error(run_textgen("score", run_path, "--characters", 5, input="a\n"), 2)


@given(st.integers(1, 300_000), st.integers(0, 300_000))
def test_how_many_characters_count_is_known_before(count, most):
    counted = sum(int(weights.sum()) for *_, weights in evaluation_windows(np.zeros(count, np.uint8), 0, most))
    assert counted_characters(count, most) == counted

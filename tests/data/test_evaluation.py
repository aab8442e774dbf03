"""Which characters are counted when bits per character are measured."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import SETTINGS, run_textgen

from textgen.data.evaluation import WARM_UP, evaluation_windows, stream_count
from textgen.inference.overview import overview

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


def test_score_counts_the_characters_that_training_validated_on(corpus_path, tmp_path):
    scores = []
    for limit in (100, 0):
        run = tmp_path / str(limit)
        arguments = ("--steps", 10, "--validation-characters", limit)
        assert run_textgen("train", corpus_path, "--out", run, *SETTINGS, *arguments).returncode == 0
        scores.append(float(run_textgen("score", run, "--split", "validation").stdout))
        assert scores[-1] == pytest.approx(overview(run).validation_bpc, abs=1e-4)
    assert abs(scores[0] - scores[1]) > 1e-3

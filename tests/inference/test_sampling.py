"""Each rule does exactly what it says, over 26 letters and readable strings."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from textgen.config import SampleConfig
from textgen.inference.sampling import apply_temperature, choose, draw, keep_top_k, keep_top_p, probabilities

LETTERS = np.array(list(string.ascii_lowercase))
LOGITS = arrays(np.float64, st.integers(1, 40), elements=st.floats(-50, 50))


def letters(logits) -> str:
    return "".join(LETTERS[np.isfinite(logits)])


def likes(text: str) -> np.ndarray:
    """Logits under which earlier letters of a text are likelier."""
    logits = np.full(26, -9.0)
    for rank, letter in enumerate(text):
        logits[ord(letter) - ord("a")] = -rank
    return logits


def test_top_k_keeps_the_likeliest_letters():
    assert letters(keep_top_k(likes("fox"), 2)) == "fo"
    assert letters(keep_top_k(np.zeros(26), 3)) == "abc"


def test_top_p_keeps_the_fewest_letters_that_reach_p():
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    kept = [letters(np.append(keep_top_p(logits, p), np.full(22, -np.inf))) for p in (0.0, 0.39, 0.5, 0.95)]
    assert kept == ["a", "a", "ab", "abcd"]


def test_greedy_takes_the_likeliest_and_draws_no_number():
    generator = np.random.default_rng(0)
    before = generator.bit_generator.state
    assert LETTERS[choose(likes("quick"), SampleConfig(temperature=0.0), generator)] == "q"
    assert generator.bit_generator.state == before


def test_low_temperature_is_greedy_and_high_is_even():
    assert probabilities(apply_temperature(likes("ab"), 0.01))[0] == pytest.approx(1)
    assert probabilities(apply_temperature(likes("ab"), 1000.0)) == pytest.approx(
        np.full(26, 1 / 26), rel=0.02
    )


def test_draws_follow_the_probabilities():
    logits = np.log([0.5, 0.3, 0.2])
    generator = np.random.default_rng(1)
    config = SampleConfig(temperature=1.0)
    drawn = np.bincount([choose(logits, config, generator) for _ in range(20_000)]) / 20_000
    assert drawn == pytest.approx([0.5, 0.3, 0.2], abs=0.015)


@given(LOGITS, st.integers(1, 50))
def test_top_k_keeps_exactly_k(logits, k):
    kept = keep_top_k(logits, k)
    assert np.isfinite(kept).sum() == min(k, len(logits))
    assert np.sort(logits)[-min(k, len(logits)) :] == pytest.approx(np.sort(kept[np.isfinite(kept)]))


@given(LOGITS, st.floats(0, 1))
def test_top_p_keeps_at_least_p_and_not_one_too_many(logits, p):
    chances = probabilities(logits)
    kept = np.isfinite(keep_top_p(logits, p))
    assert chances[kept].sum() >= p - 1e-9
    assert kept.sum() == 1 or chances[kept].sum() - chances[kept].min() <= p + 1e-9


@given(LOGITS, st.floats(0, 1, exclude_max=True), st.integers(1, 5))
def test_a_draw_is_always_a_kept_character(logits, uniform, k):
    kept = keep_top_k(logits, k)
    assert np.isfinite(kept[draw(kept, uniform)])


@given(LOGITS, st.floats(1e-3, 1000))
def test_the_smallest_temperatures_give_no_nan(logits, temperature):
    assert not np.isnan(probabilities(apply_temperature(logits, temperature))).any()

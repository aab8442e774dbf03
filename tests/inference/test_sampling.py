"""Each rule does exactly what it says, over 26 letters and readable strings."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from textgen.config import SampleConfig
from textgen.inference.sampling import (
    LARGEST_UNIFORM,
    apply_temperature,
    choose,
    draw,
    forbid_repeated_ngrams,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    keep_typical,
    penalise_repetition,
    probabilities,
)

LETTERS = np.array(list(string.ascii_lowercase))
LOGITS = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=st.floats(-50, 50))


def letters(logits) -> str:
    return "".join(LETTERS[: logits.shape[-1]][np.isfinite(logits)])


def ids(text: str) -> list[int]:
    return [ord(letter) - ord("a") for letter in text]


def likes(text: str) -> np.ndarray:
    """Logits (26,) under which earlier letters of a text are likelier."""
    logits = np.full(26, -9.0)
    logits[ids(text)] = -np.arange(len(text))
    return logits


def test_top_k_keeps_the_likeliest_letters():
    assert letters(keep_top_k(likes("fox"), 2)) == "fo"
    assert letters(keep_top_k(np.zeros(26), 3)) == "abc"


def test_top_p_keeps_the_fewest_letters_that_reach_p():
    logits = np.log([0.4, 0.3, 0.2, 0.1])
    assert [letters(keep_top_p(logits, p)) for p in (0.0, 0.39, 0.5, 0.95)] == ["a", "a", "ab", "abcd"]


def test_min_p_keeps_letters_near_the_likeliest():
    logits = np.log([0.5, 0.24, 0.2, 0.06])
    assert [letters(keep_min_p(logits, p)) for p in (0.1, 0.4, 0.45, 1.0)] == ["abcd", "abc", "ab", "a"]


def test_typical_p_drops_the_too_likely_as_well_as_the_too_rare():
    logits = np.log([0.6, 0.15, 0.15, 0.05, 0.05])
    assert letters(keep_typical(logits, 0.1)) in ("a", "b")
    even = np.log(np.full(5, 0.2))
    assert letters(keep_typical(even, 0.5)) == "abc"


def test_recent_letters_are_less_likely_under_a_penalty():
    logits = np.full(26, 2.0)
    logits[ids("z")] = -2.0
    penalised = penalise_repetition(logits, ids("abcz"), 4.0)
    assert penalised[ids("abcz")].tolist() == [0.5, 0.5, 0.5, -8.0]
    assert (penalised[3:25] == 2.0).all()
    config = SampleConfig(temperature=0, repetition_penalty=2.0, repetition_window=2)
    greedy = choose(likes("ab")[None] + 20, config, np.zeros(1), [ids("aacc")])
    assert LETTERS[greedy[0]] == "a"  # the penalty looks back on two letters only


def test_no_sequence_is_written_twice():
    assert letters(forbid_repeated_ngrams(np.zeros(26), ids("abcab"), 3)) == string.ascii_lowercase.replace("c", "")
    assert letters(forbid_repeated_ngrams(np.zeros(26), ids("abcab"), 1)) == string.ascii_lowercase[3:]
    assert letters(forbid_repeated_ngrams(np.zeros(26), ids("ab"), 3)) == string.ascii_lowercase
    assert np.isfinite(forbid_repeated_ngrams(np.zeros(2), ids("abba"), 1)).all()


def test_letters_that_are_not_allowed_are_not_drawn():
    allowed = np.isin(LETTERS, list("xyz"))
    drawn = choose(np.zeros((200, 26)), SampleConfig(temperature=5.0), np.linspace(0, 0.999, 200), (), allowed)
    assert set(LETTERS[drawn]) == set("xyz")


def test_greedy_takes_the_likeliest_whatever_is_drawn():
    chosen = choose(np.stack([likes("quick"), likes("fox")]), SampleConfig(temperature=0.0), np.array([0.99, 0.5]))
    assert "".join(LETTERS[chosen]) == "qf"


def test_rules_apply_in_their_order():
    # top-k leaves a and b, of which b alone is within min-p of a only after the temperature has evened them
    logits = np.log([[0.6, 0.3, 0.1]])
    config = {"top_k": 2, "min_p": 0.6}
    cold = [choose(logits, SampleConfig(temperature=1.0, **config), np.array([u]))[0] for u in (0.0, 0.99)]
    warm = [choose(logits, SampleConfig(temperature=3.0, **config), np.array([u]))[0] for u in (0.0, 0.99)]
    assert (cold, warm) == ([0, 0], [0, 1])


def test_low_temperature_is_greedy_and_high_is_even():
    assert probabilities(apply_temperature(likes("ab"), 0.01))[0] == pytest.approx(1)
    assert probabilities(apply_temperature(likes("ab"), 1000.0)) == pytest.approx(np.full(26, 1 / 26), rel=0.02)


def test_draws_follow_the_probabilities():
    logits = np.tile(np.log([0.5, 0.3, 0.2]), (20_000, 1))
    uniforms = np.random.default_rng(1).random(20_000)
    drawn = np.bincount(choose(logits, SampleConfig(temperature=1.0), uniforms)) / 20_000
    assert drawn == pytest.approx([0.5, 0.3, 0.2], abs=0.015)


@given(LOGITS, st.integers(1, 50))
def test_top_k_keeps_exactly_k(logits, k):
    kept = np.isfinite(keep_top_k(logits, k))
    assert (kept.sum(-1) == min(k, logits.shape[1])).all()
    for row, keep in zip(logits, kept, strict=True):
        assert keep.all() or row[keep].min() >= row[~keep].max()


@given(LOGITS, st.floats(0, 1))
def test_top_p_keeps_at_least_p_and_not_one_too_many(logits, p):
    chances = probabilities(logits)
    kept = np.isfinite(keep_top_p(logits, p))
    for chance, keep in zip(chances, kept, strict=True):
        assert chance[keep].sum() >= p - 1e-9
        assert keep.sum() == 1 or chance[keep].sum() - chance[keep].min() <= p + 1e-9


RULES = st.fixed_dictionaries(
    {
        "temperature": st.one_of(st.just(0.0), st.floats(0.001, 1000)),
        "top_k": st.integers(0, 5),
        "top_p": st.floats(0, 1),
        "min_p": st.floats(0, 1),
        "typical_p": st.floats(0, 1),
        "repetition_penalty": st.floats(0.01, 100),
        "no_repeat_ngram": st.integers(0, 3),
    }
)


@given(LOGITS, RULES, st.floats(0, LARGEST_UNIFORM), st.data())
def test_any_rules_together_draw_an_allowed_character_and_rows_do_not_matter_to_each_other(
    logits, rules, uniform, data
):
    rows, size = logits.shape
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    allowed[data.draw(st.integers(0, size - 1))] = True
    histories = [data.draw(st.lists(st.integers(0, size - 1), max_size=8)) for _ in range(rows)]
    config = SampleConfig(**rules)
    if rules["no_repeat_ngram"]:
        allowed[:] = True  # a forbidden sequence may hold the only allowed character
    chosen = choose(logits, config, np.full(rows, uniform), histories, allowed)
    assert allowed[chosen].all()
    alone = [choose(logits[i : i + 1], config, np.array([uniform]), [histories[i]], allowed)[0] for i in range(rows)]
    assert chosen.tolist() == alone


@given(LOGITS, st.floats(0, LARGEST_UNIFORM), st.integers(1, 5))
def test_a_draw_is_always_a_kept_character(logits, uniform, k):
    kept = keep_top_k(apply_temperature(logits, 1.0), k)
    for row, index in zip(kept, draw(kept, np.full(len(kept), uniform)), strict=True):
        assert np.isfinite(row[index])

"""Words are copied as a whole or not at all, and the mixture is a probability whatever is mixed."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.counts.copying import Copier, Recall, model_says
from textgen.counts.memory import GATES, Memory, Tokens
from textgen.counts.rates import USUAL, Recalled
from textgen.data.vocabulary import Vocabulary

VOCABULARY = Vocabulary(sorted("\n abcdefghijklmnopqrstuvwxyz.:我爱"))
TOKENS = Tokens(VOCABULARY)
OF_WORD = np.array(TOKENS.of_word)
SIZE = len(VOCABULARY)
START = np.array([VOCABULARY.start])
TEXTS = st.text(VOCABULARY.idx2char, max_size=60)


def model(rng, rows):
    return rng.normal(0, 3, (rows, SIZE)).astype(np.float32)


def written(texts, temperature=1.0, rates=USUAL, seed=0):
    """Copiers after equally long texts beside a random model, and the logits of the mixture."""
    copiers = Recall(TOKENS, rates, temperature=temperature).fresh(len(texts))
    rngs = [np.random.default_rng(seed) for _ in texts]
    copiers.add(START.repeat(len(texts)))
    logits = copiers.mixed(np.concatenate([model(rng, 1) for rng in rngs]))
    for ids in np.array([VOCABULARY.encode(text) for text in texts]).T:
        copiers.add(ids)
        logits = copiers.mixed(np.concatenate([model(rng, 1) for rng in rngs]))
    return copiers, logits


@given(TEXTS, st.sampled_from([0.3, 0.8, 1.0, 2.0]))
def test_the_mixture_is_a_probability_at_its_temperature(text, temperature):
    # where the memory has nothing to say, the model's logits are passed on
    copiers, logits = written([text], temperature)
    if copiers.rows[0].changes(0.5)[2]:
        assert math.isclose(np.exp(logits / temperature).sum(), 1, rel_tol=1e-6)


@given(TEXTS)
def test_reading_a_text_tells_what_the_mixture_gave_each_character(text):
    rng = np.random.default_rng(1)
    copiers = Recall(TOKENS, USUAL).fresh(1)
    copier = Copier(Memory(TOKENS, 1000.0), USUAL.tolist())
    copiers.add(START)
    copier.memory.last = (VOCABULARY.start, -1)
    for index in VOCABULARY.encode(text).tolist():
        said = model(rng, 1)
        mixed = copiers.mixed(said)
        chances = np.exp(mixed[0] - np.logaddexp.reduce(mixed[0]))
        nats, outside = model_says(said, np.array([index]), OF_WORD)
        assert math.isclose(copier.read(index, math.exp(-nats[0]), outside[0]), chances[index], rel_tol=1e-4)
        copiers.add(np.array([index]))


@given(st.lists(st.text(VOCABULARY.idx2char, min_size=12, max_size=12), min_size=1, max_size=5))
def test_a_text_has_the_same_bits_in_any_company(texts):
    _, together = written(texts)
    for text, row in zip(texts, together, strict=True):
        assert (written([text])[1][0] == row).all()


def test_a_new_name_is_copied_as_a_whole():
    text = "zarvino: come.\n\nza"
    _, logits = written([text])
    chances = np.exp(logits[0])
    # the model is random: it knows nothing of the name
    assert VOCABULARY.idx2char[int(chances.argmax())] == "r"


def test_a_word_is_not_put_together_from_two():
    ids = VOCABULARY.encode("carpet. ca").tolist()
    copier = Copier(Memory(TOKENS, 1000.0), [0.5] * GATES)
    for index in ids[:-2]:
        copier.read(index, 1 / SIZE, 0.2)
    # the model is sure of "ca", so it is the model that writes
    for index in ids[-2:]:
        copier.read(index, 0.999, 0.0005)
    assert copier.copied < 0.6
    before = copier.copied
    copier.read(VOCABULARY.char2idx["t"], 0.1, 0.2)
    assert copier.copied == 0.0 < before


def test_a_low_temperature_makes_likely_copies_likelier_and_others_rarer():
    rates = np.array([0.2, 0.8] + [0.5] * (GATES - 2))
    cold, warm, hot = (Recall(TOKENS, rates, temperature=t).fresh(1).rows[0].rates for t in (0.5, 1.0, 3.0))
    assert cold[0] < warm[0] == pytest.approx(0.2) == hot[0]
    assert cold[1] > warm[1] == pytest.approx(0.8) == hot[1]
    extreme = Recall(TOKENS, rates, temperature=1e-100).fresh(1).rows[0].rates
    assert extreme[:2] == [0.0, 1.0]


@pytest.mark.parametrize("copied", [0.1, 0.6])
def test_rates_are_found_again(copied):
    """Texts of words, of which some are drawn from those before: the rate at which they are is fitted."""
    rng = np.random.default_rng(2)
    words = ["".join(rng.choice(list("abcdefghij"), 6)) for _ in range(4000)]
    texts = []
    for _ in range(20):
        said: list[str] = []
        while sum(map(len, said)) + len(said) < 1000:
            said.append(str(rng.choice(said)) if said and rng.random() < copied else words.pop())
        texts.append(VOCABULARY.encode(" ".join(said))[:1000].astype(np.int64))
    texts = np.array(texts)
    # a model that knows the letters, and where a word ends
    nats = np.where(OF_WORD[texts], math.log(10), 0.0)
    recalled = Recalled(TOKENS, texts)
    outside = np.where(recalled.inside & ~OF_WORD[texts], 1 - 1e-9, 1e-9)
    rates = recalled.rates(nats, outside)
    begun = recalled.begins & OF_WORD[texts]
    met = np.bincount(recalled.gates[begun], minlength=GATES)
    assert np.average(rates, weights=met) == pytest.approx(copied, abs=0.08)

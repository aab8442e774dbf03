"""A memory says what followed, most of all what followed the same words, and forgets in time."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.counts.memory import END, LEVELS, LIFETIME, Memory, Tokens
from textgen.data.vocabulary import Vocabulary

VOCABULARY = Vocabulary(sorted("\n abcdefghijklmnopqrstuvwxyz.:_我爱你"))
TOKENS = Tokens(VOCABULARY)
TEXTS = st.text(VOCABULARY.idx2char, max_size=80)


def reading(text, fading=1000.0):
    memory = Memory(TOKENS, fading)
    for index in VOCABULARY.encode(text).tolist():
        memory.add(index)
    return memory


def by_character(successors):
    return {"end" if index == END else VOCABULARY.idx2char[index]: share for index, share in successors.items()}


def test_it_knows_how_a_word_goes_on_and_what_follows_it():
    memory = reading("quelissa: come. quel")
    assert by_character(memory.within) == {"i": pytest.approx(1)}
    memory = reading("quelissa: come. quelissa")
    assert by_character(memory.within) == {"end": pytest.approx(1)}
    assert by_character(memory.begun) == {":": pytest.approx(1)}


def test_what_followed_the_same_words_comes_before_what_followed_others():
    memory = reading("a dog. a dog. the cat. the cat. a ")
    begun = by_character(memory.begun)
    assert begun["d"] > 0.5 > begun["c"] > 0


def test_what_is_new_counts_more_than_what_is_old():
    memory = reading("dog" + ". . . . . . . . . . . . . . . . . . cat. ", fading=10.0)
    begun = by_character(memory.begun)
    assert begun["c"] > 5 * begun["d"]


def test_what_followed_counts_once_however_often_it_was_read():
    often, once = (by_character(reading(text).begun) for text in ("dog " * 9 + "cat ", "dog cat "))
    assert often["c"] > 0.4
    assert once["c"] > 0.4


@pytest.mark.parametrize("place", range(1, 6))
def test_the_end_of_a_word_is_not_taken_for_the_word_with_one_letter_more(place):
    vocabulary = Vocabulary(["\n", *"qrstu"[: place - 1], "a", *"qrstu"[place - 1 :], " "])
    memory = Memory(Tokens(vocabulary), 1000.0)
    for index in vocabulary.encode("qa qa q").tolist():
        memory.add(index)
    assert END not in memory.begun and vocabulary.char2idx["a"] not in memory.begun


def test_wide_characters_are_tokens_by_themselves():
    memory = reading("我爱你。我爱".replace("。", "."))
    assert memory.path is None
    assert by_character(memory.begun)["你"] > 0.5


def test_it_forgets_and_stays_small():
    memory = reading("zebra. " + "a dog and a cat. " * 400, fading=20.0)
    assert len(memory.table) < 200
    assert "z" not in by_character(memory.begun)
    assert memory.clock <= LIFETIME * memory.fading + 1


def test_a_closed_memory_remembers_and_forgets_nothing():
    memory = reading("zarvino. ", fading=10.0)
    before = by_character(memory.begun)
    assert before.keys() == {"z", " "}
    memory.closed = True
    for index in VOCABULARY.encode("a dog and a cat. " * 20).tolist():
        memory.add(index)
    assert by_character(memory.begun) == pytest.approx(before)


@given(TEXTS, st.sampled_from([3.0, 1000.0]))
def test_what_it_says_are_probabilities(text, fading):
    memory = reading(text, fading)
    for successors in (memory.within, memory.begun):
        assert not successors or math.isclose(sum(successors.values()), 1, rel_tol=1e-9)
        assert all(share > 0 for share in successors.values())
    assert memory.gate >= 0
    assert all(TOKENS.of_word[index] for index in memory.within if index != END)
    assert memory.path is None or not any(TOKENS.of_word[index] for index in memory.begun)


@given(TEXTS, TEXTS, TEXTS)
def test_copies_go_on_by_themselves(text, one, other):
    memory = reading(text)
    twin = memory.copy()
    for index in VOCABULARY.encode(one).tolist():
        memory.add(index)
    for index in VOCABULARY.encode(other).tolist():
        twin.add(index)
    for found, expected in ((memory, reading(text + one)), (twin, reading(text + other))):
        assert (found.within, found.begun, found.gate) == (expected.within, expected.begun, expected.gate)


@pytest.mark.parametrize(
    ("text", "place"), [("", 0), ("a\n\n", 0), ("a\n", 1), ("a ", 2), ("a", 3), ("a:", 4), ("我", 4), ("\n", 0)]
)
def test_places(text, place):
    assert reading(text).gate // LEVELS == (0 if not text else place)

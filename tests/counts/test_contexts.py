"""A text read at once and character by character has the same contexts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.counts import contexts as module
from textgen.counts.contexts import Contexts, Reader, TextContexts
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary

CHARACTERS = "\nabB 我é" + DOCUMENT_END
CHAIN = Contexts(Vocabulary(CHARACTERS), 3)


def read_slowly(text: list[int]) -> tuple[list[list[int]], list[int]]:
    """The contexts and places before each character of a text, and after its last."""
    reader = Reader(CHAIN)
    found = [(reader.keys(), reader.place())]
    for index in text:
        reader.add(index)
        found.append((reader.keys(), reader.place()))
    keys, places = zip(*found, strict=True)
    return list(keys), list(places)


@given(st.lists(st.lists(st.integers(0, len(CHARACTERS) - 1), min_size=1, max_size=40), min_size=1, max_size=4))
@pytest.mark.parametrize("at_once", [4, 2**18])
def test_texts_read_at_once_have_the_contexts_of_each_read_by_itself(at_once, texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "HASHED_AT_ONCE", at_once)
        firsts = np.cumsum([0, *map(len, texts)])[:-1]
        ids = np.concatenate([np.array(text, np.uint8) for text in texts])
        found = TextContexts(CHAIN, ids, firsts)
        everywhere = np.arange(len(ids))
        keys, places = found.keys(everywhere), found.places(everywhere)
    for first, text in zip(firsts, texts, strict=True):
        expected_keys, expected_places = read_slowly(text)
        assert keys[first : first + len(text)].tolist() == expected_keys[:-1]
        assert places[first : first + len(text)].tolist() == expected_places[:-1]

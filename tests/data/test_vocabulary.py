"""Characters to ids and back, over awkward text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.data.vocabulary import Vocabulary, describe
from textgen.errors import CorpusError, TextError

CHARACTERS = st.characters(codec="utf-8")
AWKWARD = ["", "\n", "\0\x1b\r\n", "我爱你", "e\u0301é", "👩‍👩‍👧 😀", "\ufeff\ufffd\u202e", "a" * 1000]


@pytest.mark.parametrize("text", AWKWARD)
def test_awkward_text_comes_back(text):
    vocabulary = Vocabulary(sorted(set(text) | {"\n"}))
    assert vocabulary.decode(vocabulary.encode(text)) == text


@given(st.text(CHARACTERS, min_size=1))
def test_any_text_comes_back_and_both_ways_agree(text):
    vocabulary = Vocabulary(sorted(set(text)))
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert all(vocabulary.char2idx[c] == i for i, c in enumerate(vocabulary.idx2char))


@given(st.sets(CHARACTERS, min_size=1))
def test_a_saved_vocabulary_is_loaded_as_it_was(tmp_path_factory, characters):
    folder = tmp_path_factory.mktemp("vocabulary")
    vocabulary = Vocabulary(sorted({"\n", *characters}))
    vocabulary.save(folder)
    assert Vocabulary.load(folder) == vocabulary


@pytest.mark.parametrize(("size", "dtype"), [(1, "u1"), (256, "u1"), (257, "u2"), (65536, "u2"), (65537, "u4")])
def test_ids_take_the_smallest_unsigned_type(size, dtype):
    vocabulary = Vocabulary(chr(0x10000 + i) for i in range(size))
    assert vocabulary.dtype == np.dtype(dtype)
    assert vocabulary.encode(vocabulary.idx2char[-1])[0] == size - 1


def test_unknown_characters_are_named_with_their_places():
    with pytest.raises(TextError, match=r"3 characters lacks '!' \(U\+0021, at 1\), 'é' \(U\+00E9, at 4\)"):
        Vocabulary("abc").encode("a!b!é")


def test_many_unknown_characters_are_counted():
    assert describe({chr(97 + i): i for i in range(10)}).endswith("'h' (U+0068, at 7) and 2 more")


@pytest.mark.parametrize("characters", [[], ["a", "a"], ["ab"], [""]])
def test_what_is_no_set_of_characters_is_refused(characters):
    with pytest.raises(CorpusError):
        Vocabulary(characters)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format_version": 1}', b'{"format_version": 1, "characters": "ab"}', b"\xff\xfe"],
)
def test_damaged_files_are_one_error(tmp_path, content):
    (tmp_path / "vocabulary.json").write_bytes(content)
    with pytest.raises(CorpusError, match=r"vocabulary\.json"):
        Vocabulary.load(tmp_path)


def test_a_newer_format_is_refused(tmp_path):
    (tmp_path / "vocabulary.json").write_text('{"format_version": 99, "characters": ["a"]}')
    with pytest.raises(CorpusError, match="format version 99, expected 1"):
        Vocabulary.load(tmp_path)

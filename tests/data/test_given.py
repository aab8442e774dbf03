"""Texts that a program holds: what is read of them, what is refused, and where their corpus stands."""

import hashlib
import tracemalloc
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import textgen
from textgen.config import PrepareConfig
from textgen.data.given import given_texts
from textgen.data.transform import PIECE_CHARACTERS
from textgen.data.vocabulary import DOCUMENT_END as END

TEXT = "a text of my own. " * 50


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """The user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "textgen" / "corpora"


def read(text=None, texts=None, **settings) -> str:
    """What texts read as."""
    return "".join(given_texts(text, texts, PrepareConfig(**settings)).read(PrepareConfig(**settings), lambda n: None))


def whole(corpus) -> str:
    return corpus.vocabulary.decode(np.concatenate([corpus.train, corpus.validation]))


def test_a_text_is_prepared_as_a_file_of_it_is(tmp_path):
    text = "\ufeffÀ la foire\r\nde l'\ufb01le\rune e\u0301\n" * 100
    (tmp_path / "text").write_text(text, newline="")
    given, file = (
        textgen.prepare(**source, out=tmp_path / name, lowercase=True, normalize="nfkc").info
        for name, source in (("a", {"text": text}), ("b", {"sources": tmp_path / "text"}))
    )
    assert (given.counts, given.marks, given.train) == (file.counts, file.marks, file.train)
    assert (given.sources[0].sha256, given.sources[0].name) == (file.sources[0].sha256, "text")


@pytest.mark.parametrize("before", [PIECE_CHARACTERS - 1, PIECE_CHARACTERS - 2])
def test_line_ends_and_marks_are_whole_across_pieces(before):
    assert read("a" * before + "\r\n\ufeffe\u0301") == "a" * before + "\né\n"
    assert read("a" * before + "\r\ne", keep_line_ends=True) == "a" * before + "\r\ne\n"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters=END + "\r\ufeff"), min_size=1), max_size=8))
def test_each_of_several_texts_is_a_document(texts):
    expected = "".join(text + "\n" * (text[-1] != "\n") + END for text in texts)
    assert read(texts=iter(texts), document_end=True, normalize="none") == expected


def test_one_string_is_one_text_and_not_its_characters():
    assert read(texts=TEXT) == read(text=TEXT) == TEXT + "\n"


@pytest.mark.parametrize("library", ["list", "tuple", "generator", "numpy", "pandas", "arrow", "polars", "datasets"])
def test_texts_come_from_whatever_holds_strings(library, tmp_path):
    texts = [f"{TEXT}{i}" for i in range(3)]
    make = {
        "list": lambda: texts,
        "tuple": lambda: tuple(texts),
        "generator": lambda: (text for text in texts),
        "numpy": lambda: np.array(texts),
        "pandas": lambda: pytest.importorskip("pandas").DataFrame({"body": texts})["body"],
        "arrow": lambda: pytest.importorskip("pyarrow").table({"body": texts})["body"],
        "polars": lambda: pytest.importorskip("polars").DataFrame({"body": texts})["body"],
        "datasets": lambda: pytest.importorskip("datasets").Dataset.from_dict({"body": texts})["body"],
    }
    corpus = textgen.prepare(texts=make[library](), out=tmp_path / "out", document_end=True)
    together = "".join(f"{text}\n{END}" for text in texts)
    assert whole(corpus) == together
    digest = hashlib.sha256("".join(f"{text}{END}" for text in texts).encode()).hexdigest()
    assert (corpus.info.sources[0].name, corpus.info.sources[0].sha256) == ("texts", digest)


def test_many_texts_are_never_held_together(tmp_path):
    def texts():
        yield from (chr(97 + i % 26) * 100_000 for i in range(600))

    tracemalloc.start()
    textgen.prepare(texts=texts(), out=tmp_path / "out")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50_000_000 < 600 * 100_000


class Failing:
    """Texts that cannot be read to their end."""

    def __iter__(self):
        yield TEXT
        raise ValueError("the net\nis down")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"texts": []}, "texts: no text; expected at least one character"),
        ({"text": ""}, "text: no text; expected at least one character"),
        ({"texts": [TEXT, 2]}, "texts, item 2: 2; expected a string"),
        ({"texts": [None]}, "texts, item 1: None; expected a string"),
        ({"texts": [TEXT, float("nan")]}, "texts, item 2: nan; expected a string"),
        ({"texts": [{"body": TEXT}]}, "texts, item 1: of type dict; expected a string"),
        ({"texts": [Path("a.txt")]}, "texts, item 1: of type PosixPath; expected a string"),
        ({"texts": {"body": TEXT}}, "texts: of type dict; expected strings, as a list or one column"),
        ({"texts": b"abc"}, "texts: of type bytes; expected strings"),
        ({"texts": 5}, "texts: 5; expected strings"),
        ({"texts": np.array(TEXT)}, "texts: the iterable failed after 0 of them: TypeError: iteration over a 0-d"),
        ({"texts": Failing()}, "texts: the iterable failed after 1 of them: ValueError: the net is down"),
        ({"texts": [f"a{END}b"]}, "texts: holds U.FDD0, which is the document separator"),
        ({"text": "a\ud800" * 50}, "the text holds lone surrogates"),
        ({"text": [TEXT]}, "text: of type list; expected a string: several are given as texts"),
        ({"text": TEXT, "texts": [TEXT]}, "text, texts: both given"),
        ({"text": TEXT, "sources": "@fables"}, "sources: given beside text or texts"),
        ({"text": TEXT, "field": "body"}, "field, template: need files of records"),
        ({"texts": [TEXT], "template": "{body}"}, "field, template: need files of records"),
        ({"text": TEXT, "split": "files"}, "--split files needs two files or more, got text alone"),
        ({"text": TEXT, "textt": TEXT}, "unknown setting 'textt'"),
        ({}, "sources: none given; expected a file, a folder or @name, or several of them; or else text or texts"),
        ({"sources": 5}, "sources: 5; expected a file"),
        ({"sources": [TEXT, 5]}, "sources: 5; expected a file"),
        ({"sources": [TEXT]}, "'a text of my own. a text of my own. a te'...: expected a file or folder, got a text"),
        ({"sources": "one line\nand another"}, "expected a file or folder, got a text"),
        ({"sources": "ab/" * 3000}, "expected a file or folder, got a text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("place", ["given", "cache"])
def test_what_cannot_be_prepared_is_one_line_and_leaves_nothing(given, message, place, tmp_path, cache):
    given = given | ({"texts": Failing()} if "failed after 1" in message else {})
    with pytest.raises(textgen.TextgenError) as raised:
        textgen.prepare(**given, out=tmp_path / "new" / "out" if place == "given" else None)
    assert message.replace("U.FDD0", "U+FDD0") in str(raised.value) and "\n" not in str(raised.value)
    assert not (tmp_path / "new").exists() and not cache.exists()


@pytest.mark.parametrize(
    "table", ["pandas.DataFrame", "pyarrow.table", "polars.DataFrame", "datasets.Dataset.from_dict"]
)
def test_a_table_is_told_from_its_columns(table):
    library, _, rest = table.partition(".")
    make = attrgetter(rest)(pytest.importorskip(library))
    with pytest.raises(textgen.TextError, match=r"texts: of type \w+; expected strings, as a list or one column"):
        textgen.prepare(texts=make({"body": [TEXT]}))


def test_what_an_iterable_raised_is_the_cause():
    with pytest.raises(textgen.TextError) as raised:
        textgen.prepare(texts=Failing())
    assert isinstance(raised.value.__cause__, ValueError)


def test_without_a_place_the_same_corpus_stands_in_the_same_one(cache, monkeypatch, tmp_path):
    first, again, other = (textgen.prepare(text=text) for text in (TEXT, TEXT, TEXT + "b"))
    assert first.path == again.path and first.path.parent == cache
    assert sorted(cache.iterdir()) == sorted({first.path, other.path})
    assert whole(first) == whole(textgen.Corpus.load(first.path)) == TEXT + "\n"
    (first.path / "train.npy").write_bytes(b"damaged")
    assert whole(textgen.prepare(text=TEXT)) == TEXT + "\n"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert tmp_path / "home" in textgen.prepare(text=TEXT).path.parents

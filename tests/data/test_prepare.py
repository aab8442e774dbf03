"""Text to a prepared corpus: what is written, what is refused, and that nothing is lost."""

import json
import re
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textgen.config import PrepareConfig
from textgen.data.corpus import Corpus
from textgen.data.encode import PARTS
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources
from textgen.data.summary import describe_corpus
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary
from textgen.errors import CorpusError, TextError
from textgen.runs.reading import read_json
from textgen.runs.writing import write_json

LINES = [f"line {i} of the text\n" for i in range(200)]


def prepared(tmp_path, text, name="out", vocabulary=None, **settings) -> Corpus:
    """A corpus of one text, or of one file for each text of a list."""
    folder = tmp_path / f"{name}-text"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for i, part in enumerate([text] if isinstance(text, str) else text):
        (folder / f"{i}.txt").write_bytes(part.encode())
    config = PrepareConfig(**settings)
    return prepare(find_sources([str(folder)], config.glob), tmp_path / name, config, vocabulary)


def text_of(corpus, part) -> str:
    return corpus.vocabulary.decode(getattr(corpus, part))


def test_the_tail_of_each_source_is_held_out(tmp_path):
    corpus = prepared(tmp_path, ["a" * 799 + "\n", "b" * 799 + "\n"], validation=0.25)
    assert text_of(corpus, "train") == "a" * 600 + "b" * 600
    assert text_of(corpus, "validation") == "a" * 199 + "\n" + "b" * 199 + "\n"
    assert corpus.vocabulary.idx2char == ("\n", "a", "b")
    assert corpus.train.dtype == np.uint8 and isinstance(corpus.train, np.memmap)


def test_lines_are_drawn_whole_and_equal_lines_stay_together(tmp_path):
    corpus = prepared(tmp_path, "".join(LINES * 3), split="lines", validation=0.3)
    sides = [text_of(corpus, part).splitlines(keepends=True) for part in ("train", "validation")]
    assert sorted(sides[0] + sides[1]) == sorted(LINES * 3)
    assert not set(sides[0]) & set(sides[1])
    assert 0.15 < len(sides[1]) / 600 < 0.45


def test_another_seed_draws_other_lines(tmp_path):
    a, b = (
        prepared(tmp_path, "".join(LINES), name=str(seed), split="lines", validation=0.3, rng_seed=seed)
        for seed in (0, 1)
    )
    assert text_of(a, "validation") != text_of(b, "validation")


def test_whole_files_are_held_out(tmp_path):
    texts = [f"file {i} " * 20 + "\n" for i in range(10)]
    corpus = prepared(tmp_path, texts, split="files", validation=0.2)
    held = [text for text in texts if text in text_of(corpus, "validation")]
    kept = [text for text in texts if text in text_of(corpus, "train")]
    assert len(held) == 2 and len(kept) == 8


def test_too_few_files_cannot_be_split_by_files(tmp_path):
    with pytest.raises(TextError, match="two files or more"):
        prepared(tmp_path, "a" * 1000, split="files")
    with pytest.raises(TextError, match="three files or more"):
        prepared(tmp_path, ["a" * 1000, "b" * 1000], split="files", test=0.1)


def test_rare_characters_become_the_replacement_and_are_counted(tmp_path):
    corpus = prepared(tmp_path, "a" * 1000 + "é☃é\n", min_count=2, validation=0)
    assert text_of(corpus, "train") == "a" * 1000 + "é\ufffdé\n"
    assert corpus.info.replaced == 1


def test_a_given_vocabulary_is_used_or_what_it_lacks_is_named(tmp_path):
    known = Vocabulary("\nabz")
    corpus = prepared(tmp_path, "ab" * 500, vocabulary=known)
    assert corpus.vocabulary == known
    with pytest.raises(TextError, match=r"lacks 'c' \(U\+0063, count 3\)"):
        prepared(tmp_path, "ab" * 500 + "ccc", name="other", vocabulary=known)
    assert not (tmp_path / "other").exists()


def test_counts_and_sources_are_recorded(tmp_path):
    corpus = prepared(tmp_path, ["ab" * 400, "b" * 200])
    counts = dict(zip(corpus.vocabulary.idx2char, corpus.info.counts, strict=True))
    assert counts == {"\n": 2, "a": 400, "b": 600}
    assert [source.characters for source in corpus.info.sources] == [801, 201]


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "no text"),
        ("a", {}, "holds one character; expected two or more"),
        ("a\n", {"validation": 0.0, "split": "files"}, "holds one character"),
        ("a", {"document_end": True}, "holds one character"),
    ],
)
def test_too_little_text_is_refused_and_nothing_written(tmp_path, text, settings, message):
    with pytest.raises(TextError, match=message):
        prepared(tmp_path, text, **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["out-text"]


@pytest.mark.parametrize(
    ("texts", "settings"),
    [
        ("Hello world!", {}),
        ("Hello\nworld\n", {"split": "lines", "validation": 0.5}),
        (["Hello", "world!"], {"split": "files"}),
        (["Hello", "world!"], {"split": "documents", "document_end": True, "validation": 0.9}),
    ],
)
def test_of_a_text_too_short_to_hold_out_a_part_all_trains_and_that_is_said(tmp_path, texts, settings):
    corpus = prepared(tmp_path, texts, **settings)
    assert len(corpus.validation) == 0
    assert "too short to hold out a part of it: all of the text trains" in describe_corpus(corpus)
    whole = prepared(tmp_path, texts, "whole", **settings | {"validation": 0.0})
    assert sorted(whole.train) == sorted(corpus.train)
    assert "too short" not in describe_corpus(whole)


def test_no_new_parent_folder_is_left_after_a_refusal(tmp_path, text_file):
    (tmp_path / "bad.txt").write_bytes(b"\xff" * 100)
    with pytest.raises(TextError):
        prepare(find_sources([str(tmp_path / "bad.txt")], []), tmp_path / "a" / "b" / "c", PrepareConfig())
    assert not (tmp_path / "a").exists()


def test_a_place_that_is_taken_is_refused_and_only_a_corpus_replaced(tmp_path, text_file):
    sources = lambda: find_sources([str(text_file)], [])  # noqa: E731
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "notes.md").write_text("mine")
    with pytest.raises(CorpusError, match="not a prepared corpus"):
        prepare(sources(), taken, PrepareConfig(), force=True)
    with pytest.raises(CorpusError, match="not a prepared corpus"):
        prepare(sources(), taken / "notes.md", PrepareConfig(), force=True)

    corpus = prepare(sources(), tmp_path / "corpus", PrepareConfig())
    with pytest.raises(CorpusError, match="--force"):
        prepare(sources(), corpus.path, PrepareConfig())
    lower = prepare(sources(), corpus.path, PrepareConfig(lowercase=True), force=True)
    assert lower.info.settings.lowercase
    (corpus.path / "notes.md").write_text("mine")
    with pytest.raises(CorpusError, match=r"'notes\.md'"):
        prepare(sources(), corpus.path, PrepareConfig(), force=True)
    assert (corpus.path / "notes.md").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"taken", "corpus"}


any_lines = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=40), max_size=30)


@settings(max_examples=40)
@given(any_lines)
def test_the_parts_together_are_the_text(tmp_path_factory, lines):
    folder = tmp_path_factory.mktemp("any")
    text = "".join(line + "\n" for line in lines) + "end\n" * 80
    two = prepared(folder, text, name="two", normalize="none", validation=0.5, encoding="utf-8")
    three = prepared(folder, text, name="three", normalize="none", validation=0.25, test=0.25, encoding="utf-8")
    unmarked = re.sub("^\ufeff+", "", text, flags=re.M)
    for corpus in (two, three):
        assert "".join(text_of(corpus, part) for part in PARTS) == unmarked
        assert corpus.info.marks == len(text) - len(unmarked)
    assert isinstance(three.test, np.memmap) and not len(two.test)


@settings(max_examples=40)
@given(any_lines, st.integers(0, 5))
def test_no_line_is_in_two_parts(tmp_path_factory, lines, rng_seed):
    folder = tmp_path_factory.mktemp("any")
    text = [line + "\n" for line in lines] + LINES * 2
    settings = {"normalize": "none", "encoding": "utf-8", "split": "lines", "validation": 0.3, "rng_seed": rng_seed}
    corpus = prepared(folder, "".join(text), name="three", test=0.3, **settings)
    parts = [whole_lines(text_of(corpus, part)) for part in PARTS]
    unmarked = re.sub("^\ufeff+", "", "".join(text), flags=re.M)
    assert sorted(parts[0] + parts[1] + parts[2]) == sorted(whole_lines(unmarked))
    assert not set(parts[0]) & set(parts[1]) and not set(parts[2]) & set(parts[0] + parts[1])
    two = prepared(folder, "".join(text), name="two", **settings)
    assert text_of(two, "validation") == text_of(corpus, "validation")


def whole_lines(text):
    return [line + "\n" for line in text.split("\n")[:-1]]


@pytest.mark.parametrize("split", ["documents", "files"])
def test_documents_and_files_are_dealt_out_whole(tmp_path, split):
    texts = [f"text {i} " * 20 + "\n" for i in range(40)]
    corpus = prepared(tmp_path, texts, split=split, document_end=True, validation=0.2, test=0.3)
    parts = [text_of(corpus, part).split(DOCUMENT_END)[:-1] for part in PARTS]
    assert sorted(parts[0] + parts[1] + parts[2]) == sorted(texts)
    assert min(map(len, parts)) >= 3


def test_without_a_test_part_or_a_template_nothing_speaks_of_one(tmp_path):
    corpus = prepared(tmp_path, "".join(LINES))
    assert {path.name for path in corpus.path.iterdir()} == {
        "corpus.json",
        "vocabulary.json",
        "train.npy",
        "validation.npy",
    }
    written = (corpus.path / "corpus.json").read_text()
    fields = json.loads(written)
    assert list(fields) == ["format_version", "sources", "settings", "train", "validation", "replaced", "counts"]
    later = ("test", "template")
    assert list(fields["settings"]) == [name for name in PrepareConfig.__struct_fields__ if name not in later]
    # the bytes are what a run knows its corpus by
    assert written == json.dumps(fields, indent=2, ensure_ascii=False) + "\n"
    three = prepared(tmp_path, "".join(LINES), name="three", test=0.2)
    assert three.info.settings.test == 0.2 and three.info.test == len(three.test) == 818


def test_a_test_part_replaces_and_is_replaced(tmp_path):
    sources = prepared(tmp_path, "".join(LINES)).path.with_name("out-text")
    for test, names in ((0.2, 5), (0.0, 4)):
        prepare(find_sources([str(sources)], ["*.txt"]), tmp_path / "out", PrepareConfig(test=test), force=True)
        assert len(list((tmp_path / "out").iterdir())) == names


DAMAGES = {
    "no corpus.json": lambda path: (path / "corpus.json").unlink(),
    "corpus.json: damaged": lambda path: (path / "corpus.json").write_text("{}"),
    "train.npy: damaged": lambda path: (path / "train.npy").write_bytes(b"\x93NUMPY"),
    "expected uint8": lambda path: np.save(path / "train.npy", np.zeros(3, np.int64)),
    "validation.npy": lambda path: (path / "validation.npy").unlink(),
    "test.npy: No such file": lambda path: (path / "test.npy").unlink(),
    "test.npy: damaged": lambda path: np.save(path / "test.npy", np.zeros(3, np.uint8)),
    "test.npy: holds ids beyond": lambda path: spoil_the_last_id(path / "test.npy"),
}


def spoil_the_last_id(path):
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")


@pytest.mark.parametrize("message", DAMAGES)
def test_damaged_corpora_are_refused(message, tmp_path):
    corpus = prepared(tmp_path, "".join(LINES), test=0.2)
    DAMAGES[message](corpus.path)
    with pytest.raises(CorpusError, match=message):
        Corpus.load(corpus.path)


def test_a_newer_format_is_refused(corpus_path, tmp_path):
    shutil.copytree(corpus_path, tmp_path / "corpus")
    file = tmp_path / "corpus" / "corpus.json"
    from textgen.data.corpus import CorpusInfo

    info = read_json(file, CorpusInfo, 10**6, CorpusError)
    info.format_version = 2
    write_json(file, info)
    with pytest.raises(CorpusError, match="format version 2, expected 1"):
        Corpus.load(tmp_path / "corpus")

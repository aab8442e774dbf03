"""Documents and their ends: in a corpus, in what is held out, and in samples."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import SETTINGS, run_textgen

import textgen
from textgen.config import PrepareConfig, build
from textgen.data.corpus import Corpus
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources
from textgen.data.vocabulary import DOCUMENT_END as END
from textgen.data.vocabulary import Vocabulary
from textgen.errors import ConfigError, TextError

POEM = "the quick brown fox\njumps over the lazy dog.\n"


def prepared(folder, documents, name="out", vocabulary=None, **settings) -> Corpus:
    """A corpus of JSON Lines in two files, a document for each text."""
    for i, part in enumerate((documents[::2], documents[1::2])):
        (folder / f"{i}.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in part))
    config = PrepareConfig(**{"field": "text", "document_end": True, **settings})
    sources = find_sources([str(folder / f"{i}.jsonl") for i in range(2)], [])
    return prepare(sources, folder / name, config, vocabulary)


def parts(corpus) -> list[str]:
    return [corpus.vocabulary.decode(getattr(corpus, part)) for part in ("train", "validation")]


CHARACTERS = st.characters(codec="utf-8", exclude_characters=END + "\r")


@given(
    st.lists(st.text(CHARACTERS, min_size=1, max_size=20), min_size=2, max_size=20),
    st.sampled_from(["tail", "documents", "files"]),
)
def test_each_document_is_followed_by_its_end_however_it_is_split(tmp_path_factory, texts, split):
    documents = [f"{i} {text} {'x' * 80}" for i, text in enumerate(texts)]
    folder = tmp_path_factory.mktemp("any")
    held_out = 0.0 if split == "tail" else 0.5
    try:
        corpus = prepared(folder, documents, split=split, validation=held_out, normalize="none")
    except TextError as error:
        # all of a few documents may be drawn for one side
        assert split == "documents" and "part has" in str(error)
        return
    together = "".join(parts(corpus))
    assert sorted(together.split(END)) == sorted(["", *(f"{document}\n" for document in documents)])
    assert corpus.info.counts[corpus.vocabulary.char2idx[END]] == len(documents)
    assert all(part.endswith(END) for part in parts(corpus) if part)


def test_documents_are_drawn_whole_and_equal_ones_stay_together(tmp_path):
    documents = [f"document {i}\nof two lines" for i in range(200)] * 2
    left, right = (part.split(END)[:-1] for part in parts(prepared(tmp_path, documents, split="documents")))
    assert sorted(left + right) == sorted(f"{document}\n" for document in documents)
    assert not set(left) & set(right) and 20 < len(right) < 80


def test_files_of_text_are_documents(tmp_path):
    (tmp_path / "a.txt").write_text("a" * 300)
    (tmp_path / "b.txt").write_text("b" * 300 + "\n")
    (tmp_path / "empty.txt").write_text("")
    done = run_textgen("prepare", ".", "--document-end", "--validation", 0, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0 and "604 characters, 3 distinct, from 3 sources, 2 documents" in done.stderr
    assert "U+FDD0" not in done.stderr
    assert parts(Corpus.load(tmp_path / "out"))[0] == "a" * 300 + f"\n{END}" + "b" * 300 + f"\n{END}"


def test_a_document_end_is_never_rare(tmp_path):
    corpus = prepared(tmp_path, ["a" * 500, "a" * 500 + "b"], min_count=100, validation=0)
    assert parts(corpus)[0] == "a" * 500 + f"\n{END}" + "a" * 500 + f"\ufffd\n{END}"


@pytest.mark.parametrize("document_end", [True, False])
def test_a_text_that_holds_the_document_end_is_refused(tmp_path, document_end):
    with pytest.raises(TextError, match=r"1\.jsonl: holds U\+FDD0, which is the document separator; take it out"):
        prepared(tmp_path, ["a" * 500, f"a{END}b"], document_end=document_end)


def test_a_vocabulary_without_a_document_end_is_refused(tmp_path):
    with pytest.raises(TextError, match="the given vocabulary has no document separator"):
        prepared(tmp_path, ["a" * 500] * 2, vocabulary=Vocabulary("\na\ufffd"))


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"split": "documents"}, "split: documents needs --document-end too"),
        ({"split": "lines", "document_end": True}, "split: lines does not go with --document-end"),
    ],
)
def test_splits_and_documents_that_do_not_go_together_are_refused(chosen, message):
    with pytest.raises(ConfigError, match=message):
        build(PrepareConfig, chosen)


@pytest.fixture(scope="module")
def run_path(tmp_path_factory):
    """A small model of one poem, which is many documents."""
    folder = tmp_path_factory.mktemp("poems")
    prepared(folder, [POEM] * 60)
    arguments = ("--out", folder / "run", *SETTINGS, "--steps", "500", "--learning-rate", "0.02", "--carry", "1")
    done = run_textgen("train", folder / "out", *arguments)
    assert done.returncode == 0, done.stderr
    return folder / "run"


def test_a_sample_starts_and_ends_as_documents_do(run_path):
    done = run_textgen("sample", run_path, "-t", 0, "-n", 2)
    assert done.stdout == f"{POEM}\n{POEM}"
    record = json.loads(run_textgen("sample", run_path, "-t", 0, "--json").stdout)
    assert (record["text"], record["ending"]) == (POEM, "document")


def test_other_ends_of_a_sample_go_before_the_documents(run_path):
    model = textgen.load(run_path)
    assert model.generate("the quick", temperature=0) == POEM
    assert model.generate(temperature=0, until_line=True) == "the quick brown fox\n"
    assert model.generate(temperature=0, stop=("lazy",)) == POEM[: POEM.index("lazy")]
    assert model.generate(temperature=0, length=7) == POEM[:7]
    assert model.generate(beam=3, length=len(POEM) + 5) == POEM


def test_what_is_held_back_at_a_documents_end_is_written(run_path):
    assert textgen.load(run_path).generate(temperature=0, stop=(".\nxyz",)) == POEM


def test_a_forbidden_document_end_lets_a_sample_go_on(run_path):
    text = textgen.load(run_path).generate(temperature=0, ban=END, length=150)
    assert len(text) == 150 and text.startswith(POEM) and END not in text


def test_score_of_a_corpus_of_documents_is_what_training_reported(run_path):
    from textgen.inference.overview import overview

    done = run_textgen("score", run_path, "--split", "validation")
    assert float(done.stdout) == pytest.approx(overview(run_path).validation_bpc, abs=1e-4)


def test_a_document_and_its_sample_cost_the_same(run_path):
    done = run_textgen("score", run_path, "--chars", input=POEM)
    bits = [json.loads(line)["bits"] for line in done.stdout.splitlines()]
    record = json.loads(run_textgen("sample", run_path, "-t", 0, "--json").stdout)
    assert sum(bits) <= record["bits_per_character"] * (len(POEM) + 1) + 0.01


def test_no_sample_on_a_pipe_holds_a_document_end(run_path):
    command = [sys.executable, "-m", "textgen", "sample", str(run_path), "-t", "2", "-n", "40", "--rng-seed", "1"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    assert END not in text and text.endswith("\n")

"""Texts that people have and programs forget, through prepare, train, sample and score."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import SETTINGS, few, run_textgen
from test_arguments import outcome
from test_hostile import measured

import textgen
from textgen.config import ModelConfig, PrepareConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources
from textgen.data.text import PIECE_BYTES

# a cell that compiles in a tenth of the time that an LSTM takes
MODEL = ModelConfig(cell="rnn", units=8, embedding_dim=4, dropout=0.0, recurrent_dropout=0.0)
STEPS = TrainConfig(steps=2, batch_size=2, seq_length=16)
TEXTS = {
    "two characters": "ab",
    "line ends": "\n" * 200,
    "NUL": "a\0b\0\n" * 100,
    "control characters": "".join(map(chr, range(32))) * 30,
    "ESC sequences": "\x1b[31mred\x1b[0m\x1b]0;title\x07\n" * 50,
    "right to left": "שלום עולם \u202eabc\u202c مرحبا\n" * 60,
    "combining marks": "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033da\u0301\u0323 " * 60 + "\n",
    "marks alone": "\u0301" * 5000,
    "emoji with joiners": "👩\u200d👩\u200d👧\u200d👦 👍🏽 🏳\ufe0f\u200d🌈\n" * 60,
    "line ends of all kinds": "a\r\nb\rc\n\r\n\u2028d\x85e\x0c" * 40,
    "beyond Unicode's first plane": "".join(map(chr, range(0x10FF00, 0x10FFFE))) * 4,
    "noncharacters": "\ufffe\uffff\ufdd1a\n" * 60,
    "Hangul in parts": "\u1112\u1161\u11ab\n" * 100,
}


@pytest.mark.parametrize("name", few(TEXTS, 2))
def test_an_odd_text_goes_all_the_way(tmp_path, reporter, monkeypatch, name):
    from textgen.training import trainer

    monkeypatch.chdir(tmp_path)
    Path("text").write_bytes(TEXTS[name].encode())
    code, error = outcome(["prepare", "text", "--out", "corpus", "--validation", "0", "--encoding", "utf-8"])
    assert code == 0, error
    trainer.train(Corpus.load("corpus"), Path("run"), MODEL, STEPS, reporter)
    model = textgen.load("run")
    text = model.generate(length=30, rng_seed=0, temperature=1.5)
    assert len(text) == 30 and set(text) <= set(model.vocabulary.idx2char)
    Path("part").write_bytes(TEXTS[name][:300].encode())
    for arguments in (
        ["sample", "run", "-l", "5", "--seed-file", "part", "--unknown", "skip"],
        ["score", "run", "part"],
        ["score", "run", "--lines", "--unknown", "skip", "part"],
        ["score", "run", "--chars", "--unknown", "skip", "part"],
        ["surprise", "run", "part", "--unknown", "skip", "--out", "page.html"],
    ):
        code, error = outcome(arguments)
        assert code == 0, error


def test_an_empty_text_is_refused(tmp_path, run_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text").touch()
    for arguments in (["prepare", "text", "--out", "corpus"], ["score", str(run_path), "text"]):
        code, error = outcome(arguments)
        assert code == 1 and "no text; expected at least one character" in error
    assert outcome(["sample", str(run_path), "--seed-file", "text", "-l", "3"])[0] == 0


@pytest.mark.parametrize("data", [b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"])
def test_what_is_no_utf8_is_shown_and_nothing_written(tmp_path, run_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    Path("text").write_bytes(b"the lazy dog\n" * 20 + data)
    for arguments in (["prepare", "text", "--out", "corpus"], ["score", str(run_path), "text"]):
        code, error = outcome(arguments)
        assert code == 1 and f"at byte 260: {data[:1].hex()}" in error
    assert not Path("corpus").exists()


def test_lone_surrogates_that_an_encoding_lets_through_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("text").write_bytes(b"a\\ud800b\n" * 100)
    code, error = outcome(["prepare", "text", "--encoding", "unicode_escape", "--out", "corpus"])
    assert code == 1 and "lone surrogates" in error and not Path("corpus").exists()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_text_of_two_bytes_a_character_is_the_same_text(tmp_path, encoding):
    text = "我爱你 the 👩\u200d👧\n" * 60
    (tmp_path / "text").write_bytes(text.encode(encoding))
    sources = find_sources([str(tmp_path / "text")], [])
    corpus = prepare(sources, tmp_path / "corpus", PrepareConfig(encoding=encoding, validation=0.0))
    assert corpus.vocabulary.decode(corpus.train) == text


def test_a_file_that_grows_while_it_is_read_is_what_it_was(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"abc\n" * PIECE_BYTES)

    def grow(count):
        if count:
            with path.open("ab") as file:
                file.write(b"xyz\n" * PIECE_BYTES)

    corpus = prepare(find_sources([str(path)], []), tmp_path / "corpus", PrepareConfig(validation=0.0), on_bytes=grow)
    assert corpus.vocabulary.idx2char == ("\n", "a", "b", "c") and len(corpus.train) == 4 * PIECE_BYTES
    assert path.stat().st_size == 5 * 4 * PIECE_BYTES


def test_a_pipe_is_as_good_as_a_file(tmp_path, run_path):
    text = b"the lazy dog\n" * 2000
    for command in (["prepare", "pipe", "--out", "corpus"], ["score", run_path, "pipe"]):
        os.mkfifo(tmp_path / "pipe")
        writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(text,))
        writer.start()
        done = run_textgen(*command, cwd=tmp_path, timeout=60)
        writer.join()
        assert done.returncode == 0, done.stderr
        (tmp_path / "pipe").unlink()
    assert len(Corpus.load(tmp_path / "corpus").train) == len(text) * 9 // 10


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="needs /dev/stdin")
def test_standard_input_by_its_path_is_read(tmp_path, run_path):
    for command in (["prepare", "/dev/stdin", "--out", tmp_path / "corpus"], ["score", run_path, "/dev/stdin"]):
        done = run_textgen(*command, input="the lazy dog\n" * 100)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "megabytes", [pytest.param(4, marks=pytest.mark.thorough), pytest.param(100, marks=pytest.mark.long)]
)
def test_a_line_without_end_takes_little_memory(tmp_path, megabytes):
    with (tmp_path / "line").open("wb") as file:
        for _ in range(megabytes):
            file.write(b"abcdefghijklmnop" * (2**20 // 16))
    for name, options in {"tail": [], "lines": ["--split", "lines", "--validation", "0"]}.items():
        _, peak = measured("textgen", "prepare", tmp_path / "line", "--out", tmp_path / name, *options)
        assert peak < 150 + (0 if name == "tail" else 3 * megabytes)
    out = tmp_path / "run"
    done = run_textgen(
        "train", tmp_path / "tail", "--out", out, *SETTINGS, "--steps", "2", "--validation-characters", "1000"
    )
    assert done.returncode == 0, done.stderr
    assert run_textgen("sample", out, "-l", "50").returncode == 0


@pytest.mark.thorough
def test_a_line_of_megabytes_is_read_once(run_path):
    """Its pieces are joined once and not anew for each of them."""
    line = b"\xff" + b"a" * (64 * 2**20)
    command = [sys.executable, "-m", "textgen", "score", str(run_path), "--lines"]
    done = subprocess.run(command, input=line, capture_output=True, check=False, timeout=30)
    assert done.returncode == 1 and b"line 1: not UTF-8 at byte 0: ff" in done.stderr

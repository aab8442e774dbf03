"""Any bytes, under any name, become a corpus or one line that refuses them."""

import bz2
import gzip
import lzma
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_arguments import outcome

from textgen.data.corpus import Corpus

STARTS = [
    b"",
    b"PK\3\4",
    b"%PDF-",
    b"\x1f\x8b\x08",
    b"BZh91AY&SY",
    b"\xfd7zXZ\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'{"text": "',
]
ENCODINGS = ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis", "gb18030", "koi8_r"]
texts = st.builds(
    lambda text, times, encoding: (text * times).encode(encoding, "replace"),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.integers(1, 60),
    st.sampled_from(ENCODINGS),
)
plain = st.builds(bytes.__add__, st.sampled_from(STARTS), st.binary(max_size=300) | texts) | texts
packed = st.builds(lambda pack, data: pack(data), st.sampled_from([gzip.compress, bz2.compress, lzma.compress]), plain)
cut = st.builds(lambda data, length: data[:length], packed, st.integers(0, 80))
NAMES = ["a.txt", "a", "a.gz", "a.bz2", "a.xz", "a.zst", "a.jsonl", "a.csv", "a.tsv.gz", "a.jsonl.bz2"]


def tried(examples: int) -> None:
    """Prepare many random files."""

    @settings(max_examples=examples, database=None)
    @given(plain | packed | cut, st.sampled_from(NAMES))
    def attempt(data, name):
        shutil.rmtree("out", ignore_errors=True)
        Path(name).write_bytes(data)
        field = ["--field", "text"] if "json" in name or "sv" in name else []
        code, error = outcome(["prepare", name, "--out", "out", *field])
        assert code in (0, 1) and "Traceback" not in error, (name, data, error)
        if code:
            assert error.startswith(f"textgen: error: {name}") and error.count("\n") == 1, (name, data, error)
            assert not Path("out").exists()
        else:
            assert len(Corpus.load("out").train) >= 3

    attempt()


def test_any_bytes_become_a_corpus_or_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried(150)


@pytest.mark.long
def test_many_bytes_become_a_corpus_or_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried(20_000)

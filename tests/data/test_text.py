"""Where text comes from and how it is decoded."""

import gzip
import hashlib
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.config import PrepareConfig, TextConfig
from textgen.data.sources import find_sources
from textgen.data.text import PIECE_BYTES, Source
from textgen.data.transform import transformed
from textgen.errors import ConfigError, TextError
from textgen.runs.shipped import shipped_names


def read(data: bytes, **settings) -> str:
    """What a source of some bytes reads as."""
    source = Source("bytes", lambda: io.BytesIO(data), len(data))
    text = "".join(source.read(PrepareConfig(**settings), lambda count: None))
    assert source.characters == len(text)
    assert source.sha256 == hashlib.sha256(data).hexdigest()
    return text


@pytest.mark.parametrize(
    ("data", "settings", "text"),
    [
        (b"a\r\nb\rc", {}, "a\nb\nc\n"),
        (b"a\r\nb\r", {"keep_line_ends": True}, "a\r\nb\r\n"),
        (b"\xef\xbb\xbfa\n", {}, "a\n"),
        (b"\xff\xfea\0\n\0", {"encoding": "utf-16"}, "a\n"),
        ("我爱你".encode("gb18030"), {"encoding": "gb18030"}, "我爱你\n"),
        ("e\u0301\n".encode(), {}, "é\n"),
        ("e\u0301\n".encode(), {"normalize": "none"}, "e\u0301\n"),
        ("ﬁ①\n".encode(), {"normalize": "nfkc"}, "fi1\n"),
        ("ÀB\n".encode(), {"lowercase": True}, "àb\n"),
        (b"", {}, ""),
        (b"\n", {}, "\n"),
        (b"a\0\x1bb\n", {"encoding": "utf-8"}, "a\0\x1bb\n"),
    ],
)
def test_bytes_become_text(data, settings, text):
    assert read(data, **settings) == text


@pytest.mark.parametrize("before", [PIECE_BYTES - 1, PIECE_BYTES - 2, PIECE_BYTES - 3])
def test_byte_order_marks_at_the_start_of_lines_are_left_out_across_pieces(before):
    text = "\ufeff" + "a" * (before - 3) + "\n" + "\ufeff\ufeffb\ufeffc\n\ufeff\ufeffd\n"
    source = Source("bytes", lambda: io.BytesIO(text.encode()), None)
    assert "".join(source.read(PrepareConfig(), lambda count: None)) == "a" * (before - 3) + "\nb\ufeffc\nd\n"
    assert source.marks == 5


@pytest.mark.parametrize("before", [PIECE_BYTES - 1, PIECE_BYTES - 2, PIECE_BYTES - 3])
def test_characters_and_line_ends_are_whole_across_pieces(before):
    assert read(b"a" * before + "我\r\ne\u0301".encode()) == "a" * before + "我\né\n"


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=8)), st.sampled_from(["nfc", "nfkc", "none"]))
def test_pieces_are_transformed_as_if_they_were_one(pieces, form):
    text = "".join(pieces)
    expected = text if form == "none" else unicodedata.normalize(form.upper(), text)
    assert "".join(transformed(pieces, TextConfig(normalize=form))) == expected


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (
            b"ab\xffcd",
            "utf-8",
            r"at byte 2: ff; likely cp1252, in which it reads 'abÿcd': try `--encoding cp1252`",
        ),
        (b"a" * PIECE_BYTES + b"\xe6\x88", "utf-8", rf"at byte {PIECE_BYTES}: e6 88"),
        (b"\xff\xfea\0", "utf-8", "likely utf-16, in which it reads 'a'"),
        (
            "été à l’école\n".encode() * 9,
            "ascii",
            "not ascii at byte 0: c3; likely utf-8, in which it reads 'été à l’école'",
        ),
        (b"\x81\x8d\x8f" * 9, "utf-8", "at byte 0: 81; if it is text, give its encoding: `--encoding NAME`"),
    ],
)
def test_bytes_that_are_not_the_encoding_are_shown(data, encoding, message):
    with pytest.raises(TextError, match=message):
        read(data, encoding=encoding)


@pytest.fixture
def folder(tmp_path):
    """Files in several depths."""
    for name in ("b.txt", "a.txt", "sub/c.txt", "sub/deep/d.md", "sub/e.py", "test/f.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def names(folder, globs, exclude=()):
    return [s.name.removeprefix(f"{folder}/") for s in find_sources([str(folder)], globs, exclude)]


def test_folders_are_searched_in_depth_and_in_order(folder):
    assert names(folder, ["*.txt"]) == ["a.txt", "b.txt", "sub/c.txt"]
    assert names(folder, ["*.md", "*.py"], ["test/*"]) == ["sub/deep/d.md", "sub/e.py"]


def test_gzip_is_unpacked(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("我爱你\n".encode()))
    (source,) = find_sources([str(path)], [])
    assert "".join(source.read(PrepareConfig(), lambda count: None)) == "我爱你\n"
    path.write_bytes(gzip.compress(b"abc")[:-4])
    with pytest.raises(TextError, match=r"a\.txt\.gz: cannot be read"):
        list(source.read(PrepareConfig(), lambda count: None))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("none.txt", "none.txt: no such file"),
        ("a\0b", "no file can have this name"),
        ("\ud800", "no file can have"),
        ("@nobody", "no such corpus.*@fables"),
    ],
)
def test_what_is_not_there_is_refused(argument, message):
    with pytest.raises(TextError, match=message):
        find_sources([argument], ["*.txt"])


def test_a_folder_without_a_match_is_refused(tmp_path):
    with pytest.raises(TextError, match=r"no file matches \*\.txt or \*\.md"):
        find_sources([str(tmp_path)], ["*.txt", "*.md"])


def test_an_unknown_encoding_is_refused(text_file, tmp_path):
    from textgen.data.prepare import prepare

    with pytest.raises(ConfigError, match="unknown text encoding 'utf-9'"):
        prepare(find_sources([str(text_file)], []), tmp_path / "out", PrepareConfig(encoding="utf-9"))


def test_shipped_corpora_are_found_by_name():
    assert {"fables", "yuanye", "dinosaurs"} <= set(shipped_names("corpora"))
    assert [s.name.rsplit("/", 1)[1] for s in find_sources(["@fables"], [])] == ["fables.txt"]

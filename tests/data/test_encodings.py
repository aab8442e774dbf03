"""A text in another encoding is refused with the likely one and a line of it, and `--encoding` then takes it."""

import codecs
import subprocess
import sys

import pytest
from support import one_line_error, run_textgen

from textgen.data.encodings import likeliest
from textgen.data.text import PIECE_BYTES

ENGLISH = "The miller said little.\n" * 40 + "It was the miller’s cat, “Tom”, 3 – 4 years old\n"
TEXTS = {
    "cp1252": (ENGLISH, "miller’s cat, “Tom”"),
    "shift_jis": ("むかしむかし、あるところに、きつねがいました。\n" * 9, "むかしむかし、あるところに"),
    "gb18030": ("今天天气很好，我们去公园玩吧。\n" * 9, "今天天气很好"),
    "big5": ("今天天氣很好，我們去公園玩吧。\n" * 9, "今天天氣很好"),
    "koi8_r": ("Привет, как дела? Сегодня хорошая погода в Москве.\n" * 9, "Привет, как дела?"),
    "utf-16": ("Zwölf Boxkämpfer\n" * 9, "Zwölf Boxkämpfer"),
    "utf-16-le": ("The miller said little.\n" * 9, "The miller said little."),
    "utf-16-be": ("The miller said little.\n" * 9, "The miller said little."),
    "utf-32-le": ("The miller said little.\n" * 9, "The miller said little."),
}
ZERO = b"the lazy\0dog\n" * 60


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_likely_encoding_is_named_with_a_line_and_takes_the_text(tmp_path, encoding):
    text, line = TEXTS[encoding]
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    message = one_line_error(run_textgen("prepare", "a.txt", "--out", "out", cwd=tmp_path), 1)
    assert f"likely {encoding}, in which it reads" in message and line in message
    assert f"`--encoding {encoding}`" in message and not (tmp_path / "out").exists()
    done = run_textgen("prepare", "a.txt", "--encoding", encoding, "--out", "out", cwd=tmp_path)
    assert done.returncode == 0 and f"{len(text):,} characters" in done.stderr


@pytest.mark.parametrize("line", ["It’s late.", "He said — “wait”", "A long line of plain words, but a cat’s tail."])
def test_a_short_text_in_english_is_not_taken_for_chinese(line):
    assert likeliest(f"{line}\n".encode("cp1252")) == "cp1252"


@pytest.mark.parametrize("before", [PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1])
def test_the_line_is_found_where_the_encoding_fails_also_at_the_end(tmp_path, before):
    filler = b"plain words and no more\n" * (before // 24 + 1)
    (tmp_path / "a.txt").write_bytes(filler[-before:] + "\nau café".encode("cp1252"))
    message = one_line_error(run_textgen("prepare", tmp_path / "a.txt", "--out", tmp_path / "out"), 1)
    assert f"at byte {before + 7}: e9; likely cp1252, in which it reads 'au café'" in message


def test_zero_bytes_are_refused_unless_the_encoding_is_given(tmp_path, run_path):
    (tmp_path / "a.txt").write_bytes(ZERO)
    said = "a zero byte at 8, as no text in UTF-8 has it; if it is meant, give `--encoding utf-8`"
    for source, given in (("a.txt", ""), ("-", ZERO.decode())):
        assert said in one_line_error(run_textgen("prepare", source, "--out", "out", cwd=tmp_path, input=given), 1)
    assert said in one_line_error(run_textgen("score", run_path, "a.txt", cwd=tmp_path), 1)
    done = run_textgen("prepare", "a.txt", "--encoding", "utf-8", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0 and "odd: U+0000 60" in done.stderr


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE])
def test_a_mark_tells_the_encoding(mark):
    assert likeliest(mark + b"\x11\x62\0\0").startswith("utf-32" if len(mark) == 4 else "utf-16")


def test_the_library_that_knows_encodings_is_loaded_for_the_message_alone(tmp_path):
    for name, data, loaded in (("good", b"the lazy dog\n" * 60, False), ("bad", b"caf\xe9\n" * 60, True)):
        (tmp_path / name).write_bytes(data)
        code = (
            "import sys\nfrom textgen.cli import main\n"
            f"sys.argv = ['textgen', 'prepare', {name!r}, '--out', 'out', '--force']\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            f"assert ('charset_normalizer' in sys.modules) == {loaded}"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

"""What is no text is known by its first bytes and refused with what to do; what is packed is unpacked."""

import bz2
import gzip
import io
import lzma
import sqlite3
import subprocess
import sys
import tarfile
import zipfile

import pytest
from support import one_line_error, run_textgen

from textgen.config import PrepareConfig
from textgen.data.sources import find_sources, patterns

TEXT = "the lazy dog\n" * 60


def zipped(*names: str) -> bytes:
    """A zip archive of some files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "application/epub+zip" if name == "mimetype" else TEXT)
    return data.getvalue()


def tarred() -> bytes:
    """A tar archive of a file."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = len(TEXT)
        archive.addfile(info, io.BytesIO(TEXT.encode()))
    return data.getvalue()


def database() -> bytes:
    """An SQLite database."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table texts (text)")
        return connection.serialize()


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
KINDS = {
    "a.txt": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "is a PDF: make text of it first, for instance with pdftotext"),
    "a.docx": (
        zipped("[Content_Types].xml", "word/document.xml"),
        "is an Office file, as .docx: make text of it first",
    ),
    "a.epub": (zipped("mimetype", "META-INF/container.xml"), "is an EPUB book: make text of it first"),
    "a.zip": (zipped("a.txt"), "is a zip archive: unpack it and give the folder, or its texts as one: unzip -p FILE |"),
    "a.tar": (tarred(), "is a tar archive: unpack it and give the folder"),
    "a.tar.gz": (gzip.compress(tarred()), "is a tar archive: unpack it and give the folder"),
    "a.tar.xz": (lzma.compress(tarred()), "is a tar archive: unpack it and give the folder"),
    "a.7z": (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive: unpack it"),
    "a.sqlite": (database(), "is an SQLite database: export its text first"),
    "a.png": (PNG, "is a picture: read the text in it first"),
    "a.mp3": (b"ID3\4\0\0\0\0", "is sound or a film: textgen reads text only"),
    "a.gz": (gzip.compress(gzip.compress(TEXT.encode())), "is packed as .gz; name it so, or unpack it into a pipe"),
    "a.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "is an old Office file, as .doc: save it as text first"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_no_text_is_named_and_what_to_do(tmp_path, name):
    data, message = KINDS[name]
    (tmp_path / name).write_bytes(data)
    for options in ((), ("--encoding", "latin-1")):
        done = run_textgen("prepare", name, "--out", "out", *options, cwd=tmp_path)
        assert f"{name}: {message}" in one_line_error(done, 1)
    assert not (tmp_path / "out").exists()


def test_standard_input_and_score_are_looked_at_too(tmp_path, run_path):
    (tmp_path / "a.pdf").write_bytes(KINDS["a.txt"][0])
    for command in (["prepare", "-", "--out", tmp_path / "out"], ["score", run_path]):
        with (tmp_path / "a.pdf").open("rb") as file:
            assert "standard input: is a PDF" in one_line_error(run_textgen(*command, stdin=file), 1)


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_files_are_read_whatever_they_are_called(tmp_path, suffix):
    data = PACKERS[suffix](TEXT.encode())
    for name in (f"a.txt{suffix}", "a"):
        (tmp_path / name).write_bytes(data)
        (source,) = find_sources([str(tmp_path / name)], [])
        assert "".join(source.read(PrepareConfig(), lambda count: None)) == TEXT
    with (tmp_path / "a").open("rb") as file:
        done = run_textgen("prepare", "-", "--out", tmp_path / "out", stdin=file)
    assert done.returncode == 0 and "780 characters" in done.stderr
    (tmp_path / f"b{suffix}").write_bytes(data[:-6])
    done = run_textgen("prepare", f"b{suffix}", "--out", "cut", cwd=tmp_path)
    assert f"b{suffix}: cannot be read" in one_line_error(done, 1)


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_records_are_read_as_records(tmp_path, suffix):
    (tmp_path / f"a.jsonl{suffix}").write_bytes(PACKERS[suffix](b'{"text": "abcdef"}\n' * 90))
    done = run_textgen("prepare", tmp_path, "--field", "text", "--out", tmp_path / "out")
    assert done.returncode == 0 and "630 characters" in done.stderr
    assert f"*.csv{suffix}" in patterns(PrepareConfig(field="text"))


def test_zstandard_is_read_where_python_can_and_else_refused_by_name(tmp_path):
    try:
        from compression import zstd
    except ImportError:
        (tmp_path / "a.zst").write_bytes(b"\x28\xb5\x2f\xfd\x04\0")
        message = "a.zst: is packed as .zst, which this Python cannot read; unpack it into a pipe: zstd -dc FILE |"
        assert message in one_line_error(run_textgen("prepare", "a.zst", "--out", "out", cwd=tmp_path), 1)
    else:
        (tmp_path / "a.zst").write_bytes(zstd.compress(TEXT.encode()))
        assert run_textgen("prepare", "a.zst", "--out", "out", cwd=tmp_path).returncode == 0


def test_a_pipe_without_a_name_is_read_whole(tmp_path):
    """Its first bytes come slowly, and are not lost."""
    shell = "(printf 'B'; sleep 0.2; printf 'Zh, he said.\\n%.0s' $(seq 99)) | "
    shell += f"{sys.executable} -m textgen prepare - --out out"
    done = subprocess.run(["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "1,288 characters" in done.stderr, done.stderr

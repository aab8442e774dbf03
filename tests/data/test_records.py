"""Files of records: what is read from them, what is refused, and that no form of a data set changes its text."""

import csv
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import run_textgen

from textgen.config import PrepareConfig
from textgen.data.corpus import Corpus
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources, patterns
from textgen.data.text import PIECE_BYTES
from textgen.errors import TextError

DOCUMENTS = ["one line", "two\nlines\n", "", '我爱你, "quoted"', "e\u0301\r\n\tend"]
AS_TEXT = 'one line\ntwo\nlines\n我爱你, "quoted"\né\n\tend\n'


def json_lines(documents) -> bytes:
    return "".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in enumerate(documents)).encode()


def table(documents, delimiter) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("id", "text"), *enumerate(documents)])
    return text.getvalue().encode()


def parquet(documents) -> bytes:
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    file = io.BytesIO()
    pq.write_table(pa.table({"id": list(range(len(documents))), "text": pa.array(documents, pa.string())}), file)
    return file.getvalue()


FORMS = {
    "a.jsonl": json_lines,
    "a.ndjson": json_lines,
    "a.jsonl.gz": lambda documents: gzip.compress(json_lines(documents)),
    "a.csv": lambda documents: table(documents, ","),
    "a.CSV": lambda documents: table(documents, ","),
    "a.tsv": lambda documents: table(documents, "\t"),
    "a.tsv.gz": lambda documents: gzip.compress(table(documents, "\t")),
    "a.parquet": parquet,
    "a.parquet.gz": lambda documents: gzip.compress(parquet(documents)),
}


def read(path, field="text", **settings) -> str:
    """What a file reads as."""
    (source,) = find_sources([str(path)], [])
    text = "".join(source.read(PrepareConfig(field=field, **settings), lambda count: None))
    assert source.characters == len(text)
    data = path.read_bytes()
    assert source.sha256 == hashlib.sha256(gzip.decompress(data) if path.suffix == ".gz" else data).hexdigest()
    return text


def written(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    return tmp_path / name


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_data_set_gives_the_same_text(tmp_path, name):
    path = written(tmp_path, name, FORMS[name](DOCUMENTS))
    assert read(path) == AS_TEXT
    assert read(path, lowercase=True, keep_line_ends=True).endswith("é\r\n\tend\n")


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\ufdd0"), max_size=30), max_size=8), st.booleans()
)
def test_any_documents_come_back_from_any_form(tmp_path_factory, documents, keep):
    texts = [d if keep else d.replace("\r\n", "\n").replace("\r", "\n") for d in documents]
    texts = [re.sub("(^|(?<=[\n\r]))\ufeff+", "", text) for text in texts]
    expected = "".join(t if t.endswith("\n") or not t else t + "\n" for t in texts)
    folder = tmp_path_factory.mktemp("any")
    for name in ("a.jsonl", "a.csv", "a.tsv"):
        path = written(folder, name, FORMS[name](documents))
        assert read(path, normalize="none", keep_line_ends=keep, encoding="utf-8") == expected, name


def test_records_are_whole_across_pieces_of_input(tmp_path):
    documents = ["我" * (PIECE_BYTES // 3 - 5), "b" * 3 * PIECE_BYTES, *map(str, range(1000))]
    text = "".join(f"{document}\n" for document in documents)
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        assert read(written(tmp_path, name, FORMS[name](documents))) == text


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_byte_order_marks_are_left_out_of_documents_and_lines(tmp_path, name):
    documents = ["\ufeffone", "two\n\ufeffthree \ufeff", "\ufeff"]
    data = FORMS[name](documents)
    marked = data if name == "a.parquet" else b"".join("\ufeff".encode() + line for line in data.splitlines(True))
    path = written(tmp_path, name, marked)
    assert read(path) == "one\ntwo\nthree \ufeff\n"
    corpus = prepare(find_sources([str(path)], []), tmp_path / "out", PrepareConfig(field="text"))
    assert corpus.info.marks == 3 + (0 if name == "a.parquet" else marked.count(b"\n"))


def test_documents_are_normalised_each_by_itself(tmp_path):
    path = written(tmp_path, "a.jsonl", json_lines(["e", "\u0301a\n", "\u0301"]))
    assert read(path) == "e\n\u0301a\n\u0301\n"


def test_dots_lead_into_objects_and_blank_lines_do_not_count(tmp_path):
    data = b'\xef\xbb\xbf{"message": {"id": 1, "text": "a"}}\n\n  \r\n{"message": {"text": "b"}}'
    assert read(written(tmp_path, "a.jsonl", data), "message.text") == "a\nb\n"


def test_a_field_may_have_any_name(tmp_path):
    name = 'a "text", \\ n\u00e9\n'
    path = written(tmp_path, "a.jsonl", (json.dumps({name: "b"}) + "\n").encode())
    assert read(path, name) == "b\n"


def test_other_encodings_are_read(tmp_path):
    path = written(tmp_path, "a.csv", table(DOCUMENTS, ",").decode().encode("utf-16"))
    assert read(path, encoding="utf-16") == AS_TEXT


JSON_MISTAKES = [
    (b'{"text": "a"}\n{"id": 1, "body": "b"}\n', r"a\.jsonl, line 2: no field 'text'; it has: id, body$"),
    (b'{"id": 1, "data": {"text": "a"}}', r"no field 'text'; it has: id, data; did you mean data\.text\?$"),
    (b'{"a": {"b.c": {"text": "a"}}, "b": [{"text": "a"}], "text.": "a"}', r"it has: a, b, text\.$"),
    (b'{"text": 12}', r"line 1: field 'text' is 12; expected a string"),
    (b'{"text": null}', r"line 1: field 'text' is null; expected a string"),
    (b'{"text": {"a": ["' + b"x" * 99 + b'"]}}', r"field 'text' is \{\"a\":\[\"x+\.\.\.; expected a string"),
    (b'\n[{"text": "a"}]', r'line 2: the line is \[\{"text":"a"\}\]; expected an object'),
    (b'{"text": "a"}\n{"text": "b', r"line 2: not JSON: .*truncated"),
    (b'{"text": "\\ud800"}', r"line 1: not JSON: "),
    (b"[" * 100_000, r"line 1: not JSON: "),
    (b'{"text": "a\xff"}', r"a\.jsonl: not utf-8 at byte 11: ff"),
]


@pytest.mark.parametrize(("data", "message"), JSON_MISTAKES)
def test_mistakes_in_json_lines_are_shown_with_their_line(tmp_path, data, message):
    with pytest.raises(TextError, match=message) as caught:
        read(written(tmp_path, "a.jsonl", data))
    assert len(str(caught.value)) < 300


TABLE_MISTAKES = [
    (b"id,body\n1,a\n", r"a\.csv: no column 'text'; it has: id, body"),
    (b"", r"a\.csv: no column 'text'; it has: none"),
    (b'id,text\n1,"a\nb"\n2,a,b\n', r"a\.csv, line 4: 3 columns; expected 2"),
    (b"id,text\n1\n", r"a\.csv, line 2: 1 columns; expected 2"),
    (b'id,text\n1,"a', r"a\.csv, line 2: malformed: unexpected end of data"),
    (b'id,text\n1,"a"b\n', r"a\.csv, line 2: malformed: "),
]


@pytest.mark.parametrize(("data", "message"), TABLE_MISTAKES)
def test_mistakes_in_tables_are_shown_with_their_line(tmp_path, data, message):
    with pytest.raises(TextError, match=message):
        read(written(tmp_path, "a.csv", data))


def test_mistakes_in_parquet_are_shown_with_their_row(tmp_path):
    path = written(tmp_path, "a.parquet", parquet(["a"] * 3000 + [None]))
    with pytest.raises(TextError, match="row 3001: column 'text' is null"):
        read(path)
    with pytest.raises(TextError, match="column 'id' is int64; expected strings"):
        read(path, "id")
    with pytest.raises(TextError, match="no column 'body'; it has: id, text"):
        read(path, "body")
    with pytest.raises(TextError, match="cannot be read as Parquet"):
        read(written(tmp_path, "b.parquet", b"PAR1 no more"))


def test_without_pyarrow_parquet_names_the_extra(tmp_path):
    written(tmp_path, "a.parquet", b"PAR1")
    code = (
        "import sys\nsys.modules['pyarrow'] = None\n"
        "sys.argv = ['textgen', 'prepare', 'a.parquet', '--field', 'text', '--out', 'out']\n"
        "from textgen.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "a.parquet: Parquet needs pyarrow: pip install 'textgen-keras[parquet]'" in done.stderr


def test_a_folder_of_records_is_read_without_a_pattern(tmp_path):
    for name in ("b.jsonl", "sub/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(FORMS[f"a.{name.split('.')[1]}"](["x" * 400]))
    (tmp_path / "c.txt").write_text("no record")
    done = run_textgen("prepare", tmp_path, "--field", "text", "--out", tmp_path / "out")
    assert done.returncode == 0 and "802 characters, 2 distinct, from 2 sources" in done.stderr
    assert patterns(PrepareConfig(field="text", glob=("*.log",))) == ("*.log",)
    assert Corpus.load(tmp_path / "out").info.settings.field == "text"


def test_standard_input_is_json_lines_where_a_field_is_asked_for(tmp_path):
    data = json_lines(["y" * 700]).decode()
    assert run_textgen("prepare", "-", "--field", "text", "--out", tmp_path / "a", input=data).returncode == 0
    assert Corpus.load(tmp_path / "a").info.counts == [1, 700]
    assert run_textgen("prepare", "-", "--out", tmp_path / "b", input=data).returncode == 0
    assert len(Corpus.load(tmp_path / "b").info.counts) > 10


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.txt", ["--field", "text"], "a.txt: --field needs records: .jsonl,"),
        ("a.jsonl", [], "a.jsonl: holds records; name the field to read with --field"),
        ("a.parquet", [], "a.parquet: holds records; name the field to read with --field"),
    ],
)
def test_text_and_records_are_not_mixed_up(tmp_path, name, options, message):
    written(tmp_path, name, b"x")
    done = run_textgen("prepare", name, "--out", "out", *options, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()

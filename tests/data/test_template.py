"""Documents that are made out of several fields, and a model that writes to the label it is given."""

import csv
import io
import json
import random

import pytest
from support import SETTINGS, one_line_error, run_textgen, textgen_done

from textgen.config import PrepareConfig, build
from textgen.data.sources import find_sources
from textgen.data.template import parsed
from textgen.data.vocabulary import DOCUMENT_END as END
from textgen.errors import ConfigError, TextError

RECORDS = [{"label": "a", "stars": 3, "text": "one"}, {"label": "{b}", "stars": 4, "text": "two\nlines"}]
TEMPLATE = "{label} {{{stars}}}: {text}"
AS_TEXT = f"a {{3}}: one\n{END}{{b}} {{4}}: two\nlines\n{END}"


def table(records, delimiter) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, records[0], delimiter=delimiter)
    rows.writeheader()
    rows.writerows(records)
    return text.getvalue().encode()


def parquet(records) -> bytes:
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    columns = pa.Table.from_pylist(records)
    coded = columns.column("label").dictionary_encode()
    file = io.BytesIO()
    pq.write_table(columns.set_column(columns.schema.get_field_index("label"), "label", coded), file)
    return file.getvalue()


FORMS = {
    "a.jsonl": lambda records: "".join(json.dumps(record) + "\n" for record in records).encode(),
    "a.csv": lambda records: table(records, ","),
    "a.tsv": lambda records: table(records, "\t"),
    "a.parquet": parquet,
}


def read(path, template) -> str:
    (source,) = find_sources([str(path)], [])
    return "".join(source.read(PrepareConfig(template=template, document_end=True), lambda count: None))


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_records_fills_a_template_alike(name, tmp_path):
    (tmp_path / name).write_bytes(FORMS[name](RECORDS))
    assert read(tmp_path / name, TEMPLATE) == AS_TEXT


@pytest.mark.parametrize("name", FORMS)
def test_a_field_that_is_missing_is_named(name, tmp_path):
    (tmp_path / name).write_bytes(FORMS[name](RECORDS))
    with pytest.raises(TextError, match=r"no (field|column) 'title'; it has: label, stars, text"):
        read(tmp_path / name, "{label}: {title}")


def test_numbers_stand_as_they_are_written_and_dots_lead_into_objects(tmp_path):
    line = '{"n": -1.50, "yes": true, "data": {"text": "one"}, "nothing": null, "many": [1]}'
    (tmp_path / "a.jsonl").write_text(line)
    assert read(tmp_path / "a.jsonl", "{n} {yes} {data.text}") == f"-1.50 true one\n{END}"
    for name, value in (("nothing", "null"), ("many", r"\[1\]")):
        with pytest.raises(TextError, match=f"line 1: field '{name}' is {value}; expected a string or a number"):
            read(tmp_path / "a.jsonl", f"{{n}} {{{name}}}")


def test_a_column_of_parquet_that_cannot_stand_in_a_template_is_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(parquet([{"label": "a", "n": None, "many": [1]}, {"label": "b", "n": 1}]))
    with pytest.raises(TextError, match="row 1: column 'n' is null; expected a string or a number"):
        read(tmp_path / "a.parquet", "{label} {n}")
    with pytest.raises(TextError, match=r"column 'many' is list<.*>; expected strings"):
        read(tmp_path / "a.parquet", "{label} {many}")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{label", "'{label' has a { by itself; a field is {name}, a brace is {{"),
        ("label}: {text}", "has a } by itself"),
        ("{}: {text}", "has a { by itself"),
        ("text", "'text' has no field; expected some, as in '{label}: {text}'"),
        ("{{text}}", "has no field"),
        ("", "'' has no field"),
    ],
)
def test_what_is_no_template_is_refused(template, message, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(FORMS["a.jsonl"](RECORDS))
    done = run_textgen("prepare", "a.jsonl", "--template", template, "--out", "out", cwd=tmp_path)
    assert message in one_line_error(done, 2) and not (tmp_path / "out").exists()


def test_a_template_stands_in_place_of_a_field():
    with pytest.raises(ConfigError, match="template: cannot be given with field"):
        build(PrepareConfig, {"field": "text", "template": "{text}"})
    assert parsed("{a:>3}").fields == ("a:>3",)


def test_text_has_no_fields_and_a_folder_of_records_needs_no_pattern(tmp_path):
    for name in ("a.csv", "b.jsonl"):
        (tmp_path / name).write_bytes(FORMS[f"a.{name[2:]}"](RECORDS * 10))
    (tmp_path / "c.txt").write_text("no record")
    done = run_textgen("prepare", ".", "--template", TEMPLATE, "--document-end", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0 and "from 2 sources, 40 documents" in done.stderr
    done = run_textgen("prepare", "c.txt", "--template", TEMPLATE, "--out", "other", cwd=tmp_path)
    assert "c.txt: --template needs records: .jsonl," in one_line_error(done, 1)


@pytest.mark.thorough
def test_a_model_writes_to_the_label_that_it_is_given(tmp_path):
    """Half of the records are of letters and half of digits; only the label says which comes."""
    kinds = {"abc": "abc" * 6, "123": "123" * 6}
    drawn = random.Random(1).choices(list(kinds.items()), k=300)
    records = [{"kind": kind, "text": text[i % 3 :]} for i, (kind, text) in enumerate(drawn)]
    (tmp_path / "a.csv").write_bytes(table(records, ","))
    textgen_done(
        "prepare", tmp_path / "a.csv", "--template", "{kind}: {text}", "--document-end", "--out", tmp_path / "c"
    )
    small = ("--cell", "rnn", *SETTINGS, "--steps", "500", "--learning-rate", "0.01", "--ngram-order", "0")
    textgen_done("train", tmp_path / "c", "--out", tmp_path / "run", *small)
    for kind, text in kinds.items():
        done = run_textgen("sample", tmp_path / "run", "-s", f"{kind}: ", "-n", 20, "--rng-seed", 1, "--json")
        written = "".join(json.loads(line)["text"] for line in done.stdout.splitlines())
        assert sum(c in text for c in written if c.isalnum()) > 0.95 * sum(map(str.isalnum, written)) > 100

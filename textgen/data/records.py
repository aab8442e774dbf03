"""Files of records, each of which has a document: JSON Lines, CSV, TSV and Parquet.

Records are read one after another, so memory is bounded by the largest of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import BufferedIOBase
from pathlib import PurePath
from typing import Any

import msgspec

from textgen.config import PrepareConfig
from textgen.data.packed import SUFFIXES, unpacked_name
from textgen.data.template import Template
from textgen.errors import TextError

PARQUET = ".parquet"
PARQUET_ROWS = 1024
PARQUET_BUFFER = 2**20
"""Bytes to read at a time; without it a column of a whole row group, which may be the whole file, is read at once."""
MAX_COLUMN = 2**28
"""Characters of a CSV column's largest value; an unclosed quotation mark ends there and not in all memory."""
SHOWN = 40
OBJECTS, STRINGS = msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.json.Decoder(str)
NUMBERS = b"-0123456789tf"
"""How numbers and truth values begin in JSON."""


def suffix(name: str) -> str:
    """What a file's name says of its format; `.gz` and the like do not count.

    >>> suffix("a/b.jsonl.gz"), suffix("standard input")
    ('.jsonl', '')
    """
    return PurePath(unpacked_name(name)).suffix.lower()


def json_documents(pieces: Iterable[str], name: str, template: Template) -> Iterator[str]:
    """The document of every line's JSON object.

    Args:
        pieces: the file's text.
        name: the file's name, for messages.
        template: the fields; in their names dots lead into objects, as in `message.text`.

    Raises:
        TextError: a line is no JSON object, or lacks a field, or it is no string there.

    >>> pieces = ['{"text": "a", "n": 1}\\n\\n{"n": 2, "te', 'xt": "b"}']
    >>> list(json_documents(pieces, "x.jsonl", Template(("", ": ", ""), ("n", "text"))))
    ['1: a', '2: b']
    """
    paths = [field.split(".") for field in template.fields]
    for number, line in enumerate(whole_lines(pieces), 1):
        values: list[str] = []
        try:
            for keys in paths:
                values.append(json_value(line, keys, template.numbers))
        except (msgspec.DecodeError, UnicodeEncodeError, KeyError, RecursionError):
            if line.strip():
                wrong = what_is_wrong(line, paths[len(values)], template.expected)
                raise TextError(f"{name}, line {number}: {wrong}") from None
        else:
            yield template.filled(values)


def json_value(line: str, keys: list[str], numbers: bool) -> str:
    """The string under some keys, one inside the other, or the number as it is written."""
    value = line.encode()
    for key in keys:
        value = bytes(OBJECTS.decode(value)[key])
    return value.decode() if numbers and value[:1] in NUMBERS else STRINGS.decode(value)


def what_is_wrong(line: str, keys: list[str], expected: str = "a string") -> str:
    """Why a line has no text under its keys.

    >>> what_is_wrong('{"id": 1, "text": 2}', ["text"]), what_is_wrong('{"id": 1}', ["text"])
    ("field 'text' is 2; expected a string", "no field 'text'; it has: id")
    """
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return f"not JSON: {error}; expected one object on each line"
    for depth, key in enumerate(keys):
        if not isinstance(value, dict):
            place = f"field {'.'.join(keys[:depth])!r}" if depth else "the line"
            return f"{place} is {shown(value)}; expected an object"
        if key not in value:
            deeper = deeper_field(msgspec.json.decode(line), keys[-1])
            return (
                f"no field {'.'.join(keys[: depth + 1])!r}; it has: {', '.join(value) or 'none'}"
                + f"; did you mean {deeper}?" * bool(deeper)
            )
        value = value[key]
    return f"field {'.'.join(keys)!r} is {shown(value)}; expected {expected}"


def deeper_field(record: dict[str, Any], key: str) -> str | None:
    """The dotted path to a string of that name in a record, the least deep one.

    >>> deeper_field({"id": 1, "data": {"text": "a"}}, "text")
    'data.text'
    """
    level: list[tuple[list[str], dict[str, Any]]] = [([], record)]
    while level:
        for path, value in level:
            if isinstance(value.get(key), str):
                return ".".join([*path, key])
        inner = [([*path, name], each) for path, value in level for name, each in value.items()]
        # a name with a dot in it cannot be part of a path
        level = [(path, value) for path, value in inner if isinstance(value, dict) and "." not in path[-1]]
    return None


def shown(value: object) -> str:
    """A value as JSON, cut short."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def table_documents(pieces: Iterable[str], name: str, template: Template, delimiter: str) -> Iterator[str]:
    """The documents of a table whose first row names the columns.

    Args:
        pieces: the file's text.
        name: the file's name, for messages.
        template: the columns.
        delimiter: what stands between columns.

    Raises:
        TextError: a column is not there, or a row has another number of columns, or quotation marks are amiss.

    >>> list(table_documents(['n,text\\n1,"a, \\nb"\\n'], "x.csv", Template(("", ": ", ""), ("n", "text")), ","))
    ['1: a, \\nb']
    """
    csv.field_size_limit(MAX_COLUMN)
    rows = csv.reader(whole_lines(pieces), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        check_columns(name, template, header)
        columns = [header.index(field) for field in template.fields]
        for row in rows:
            if len(row) == len(header):
                yield template.filled([row[column] for column in columns])
            elif row:
                counts = f"{len(row)} columns; expected {len(header)} as in the first line"
                raise TextError(f"{name}, line {rows.line_num}: {counts}")
    except csv.Error as error:
        raise TextError(f"{name}, line {rows.line_num}: malformed: {error}") from None


def check_columns(name: str, template: Template, columns: list[str]) -> None:
    """Raise a TextError where a table lacks a field."""
    for field in template.fields:
        if field not in columns:
            raise TextError(f"{name}: no column {field!r}; it has: {', '.join(columns) or 'none'}")


def whole_lines(pieces: Iterable[str]) -> Iterator[str]:
    r"""The lines of a text that comes in pieces, with their ends.

    >>> list(whole_lines(["a\nb", "c\n", "d"]))
    ['a\n', 'bc\n', 'd']
    """
    rest = ""
    for piece in pieces:
        *lines, rest = (rest + piece).split("\n")
        for line in lines:
            yield line + "\n"
    if rest:
        yield rest


def parquet_documents(
    file: BufferedIOBase, name: str, template: Template, on_share: Callable[[float], None]
) -> Iterator[str]:
    """The documents of a Parquet file.

    Args:
        file: the file; its parts are read as they are needed.
        name: its name, for messages.
        template: the columns.
        on_share: told after each batch of rows what share of all rows it was.

    Raises:
        TextError: pyarrow is not installed; or the file is no Parquet, or lacks a column of strings, or a row has no
            value there.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise TextError(f"{name}: Parquet needs pyarrow: pip install 'textgen-keras[parquet]'") from None
    try:
        table = pq.ParquetFile(file, buffer_size=PARQUET_BUFFER, pre_buffer=False)
        check_columns(name, template, table.schema_arrow.names)
        for field in template.fields:
            kind = table.schema_arrow.field(field).type
            kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
            if kind not in (pa.string(), pa.large_string()) and not (template.numbers and is_number):
                raise TextError(f"{name}: column {field!r} is {kind}; expected strings")
        for number, values in enumerate(column_values(table, template.fields, on_share), 1):
            if None in values:
                field = template.fields[values.index(None)]
                raise TextError(f"{name}, row {number}: column {field!r} is null; expected {template.expected}")
            yield template.filled(values)
    except (pa.ArrowException, ValueError) as error:
        raise TextError(f"{name}: cannot be read as Parquet: {error}") from None


def column_values(table: Any, fields: Sequence[str], on_share: Callable[[float], None]) -> Iterator[tuple[Any, ...]]:
    """Some columns of a `pyarrow.parquet.ParquetFile` as strings, row by row, some rows in memory at a time."""
    for batch in table.iter_batches(PARQUET_ROWS, columns=list(dict.fromkeys(fields))):
        yield from zip(*(batch.column(field).cast("large_string").to_pylist() for field in fields), strict=True)
        on_share(len(batch) / table.metadata.num_rows)


TEXT_FORMATS: dict[str, Callable[[Iterable[str], str, Template], Iterator[str]]] = {
    "": json_documents,
    ".jsonl": json_documents,
    ".ndjson": json_documents,
    ".csv": partial(table_documents, delimiter=","),
    ".tsv": partial(table_documents, delimiter="\t"),
}
"""What is a file of text, by its suffix; what has none, as standard input, is JSON Lines."""
RECORDS = (*filter(None, TEXT_FORMATS), PARQUET)
PATTERNS = tuple(f"*{suffix}{packed}" for suffix in RECORDS for packed in ("", *SUFFIXES))


def check_records(names: Iterable[str], config: PrepareConfig) -> None:
    """Raise a TextError where a field is asked for and there are no records, or the other way round."""
    option = "--field" if config.template is None else "--template"
    for name in names:
        if not config.has_records and suffix(name) in RECORDS:
            raise TextError(
                f"{name}: holds records; name the field to read with --field, or give the file as standard input (-) "
                "to read it as plain text"
            )
        if config.has_records and suffix(name) not in ("", *RECORDS):
            raise TextError(
                f"{name}: {option} needs records: {', '.join(RECORDS)}, also with {', '.join(SUFFIXES)}; leave it out"
            )

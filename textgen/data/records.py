"""Files of records, one field of which is a document: JSON Lines, CSV, TSV and Parquet.

Records are read one after another, so memory is bounded by the largest of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import BufferedIOBase
from pathlib import PurePath
from typing import Any

import msgspec

from textgen.data.packed import SUFFIXES, unpacked_name
from textgen.errors import TextError

PARQUET = ".parquet"
PARQUET_ROWS = 1024
PARQUET_BUFFER = 2**20
"""Bytes to read at a time; without it a column of a whole row group, which may be the whole file, is read at once."""
MAX_COLUMN = 2**28
"""Characters of a CSV column's largest value; an unclosed quotation mark ends there and not in all memory."""
SHOWN = 40


def suffix(name: str) -> str:
    """What a file's name says of its format; `.gz` and the like do not count.

    >>> suffix("a/b.jsonl.gz"), suffix("standard input")
    ('.jsonl', '')
    """
    return PurePath(unpacked_name(name)).suffix.lower()


def json_documents(pieces: Iterable[str], name: str, field: str) -> Iterator[str]:
    """One field of every line's JSON object.

    Args:
        pieces: the file's text.
        name: the file's name, for messages.
        field: the field's name; dots lead into objects, as in `message.text`.

    Raises:
        TextError: a line is no JSON object, or lacks the field, or it is no string there.

    >>> list(json_documents(['{"text": "a"}\\n\\n{"n": 1, "te', 'xt": "b"}'], "x.jsonl", "text"))
    ['a', 'b']
    """
    keys = field.split(".")
    objects, strings = msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.json.Decoder(str)
    value: str | msgspec.Raw
    for number, line in enumerate(whole_lines(pieces), 1):
        value = line
        try:
            for key in keys:
                value = objects.decode(value)[key]
            text = strings.decode(value)
        except (msgspec.DecodeError, KeyError, RecursionError):
            if line.strip():
                raise TextError(f"{name}, line {number}: {what_is_wrong(line, keys)}") from None
        else:
            yield text


def what_is_wrong(line: str, keys: list[str]) -> str:
    """Why a line has no text under its keys.

    >>> what_is_wrong('{"id": 1, "text": 2}', ["text"]), what_is_wrong('{"id": 1}', ["text"])
    ("field 'text' is 2; expected a string", "no field 'text'; it has: id")
    """
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        return f"not JSON: {error}; expected one object on each line"
    for depth, key in enumerate(keys):
        if not isinstance(value, dict):
            place = f"field {'.'.join(keys[:depth])!r}" if depth else "the line"
            return f"{place} is {shown(value)}; expected an object"
        if key not in value:
            deeper = deeper_field(msgspec.json.decode(line), keys[-1])
            return (
                f"no field {'.'.join(keys[: depth + 1])!r}; it has: {', '.join(value) or 'none'}"
                + f"; did you mean --field {deeper}?" * bool(deeper)
            )
        value = value[key]
    return f"field {'.'.join(keys)!r} is {shown(value)}; expected a string"


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


def table_documents(pieces: Iterable[str], name: str, field: str, delimiter: str) -> Iterator[str]:
    """One column of a table whose first row names the columns.

    Args:
        pieces: the file's text.
        name: the file's name, for messages.
        field: the column's name.
        delimiter: what stands between columns.

    Raises:
        TextError: there is no such column, or a row has another number of columns, or quotation marks are amiss.

    >>> list(table_documents(['n,text\\n1,"a, \\nb"\\n'], "x.csv", "text", ","))
    ['a, \\nb']
    """
    csv.field_size_limit(MAX_COLUMN)
    rows = csv.reader(whole_lines(pieces), delimiter=delimiter, strict=True)
    try:
        header = next(rows, [])
        if field not in header:
            raise TextError(f"{name}: no column {field!r}; it has: {', '.join(header) or 'none'}")
        column = header.index(field)
        for row in rows:
            if len(row) == len(header):
                yield row[column]
            elif row:
                counts = f"{len(row)} columns; expected {len(header)} as in the first line"
                raise TextError(f"{name}, line {rows.line_num}: {counts}")
    except csv.Error as error:
        raise TextError(f"{name}, line {rows.line_num}: malformed: {error}") from None


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


def parquet_documents(file: BufferedIOBase, name: str, field: str, on_share: Callable[[float], None]) -> Iterator[str]:
    """One column of a Parquet file.

    Args:
        file: the file; its parts are read as they are needed.
        name: its name, for messages.
        field: the column's name.
        on_share: told after each batch of rows what share of all rows it was.

    Raises:
        TextError: pyarrow is not installed; or the file is no Parquet, or has no such column of strings, or a
            row has no value there.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise TextError(f"{name}: Parquet needs pyarrow: pip install 'textgen-keras[parquet]'") from None
    try:
        table = pq.ParquetFile(file, buffer_size=PARQUET_BUFFER, pre_buffer=False)
        columns = table.schema_arrow
        if field not in columns.names:
            raise TextError(f"{name}: no column {field!r}; it has: {', '.join(columns.names) or 'none'}")
        kind = columns.field(field).type
        if (kind.value_type if pa.types.is_dictionary(kind) else kind) not in (pa.string(), pa.large_string()):
            raise TextError(f"{name}: column {field!r} is {kind}; expected strings")
        for number, value in enumerate(column_values(table, field, on_share), 1):
            if value is None:
                raise TextError(f"{name}, row {number}: column {field!r} is null; expected a string")
            yield value
    except (pa.ArrowException, ValueError) as error:
        raise TextError(f"{name}: cannot be read as Parquet: {error}") from None


def column_values(table: Any, field: str, on_share: Callable[[float], None]) -> Iterator[str | None]:
    """The values of one column of a `pyarrow.parquet.ParquetFile`, some rows in memory at a time."""
    for batch in table.iter_batches(PARQUET_ROWS, columns=[field]):
        yield from batch.column(field).to_pylist()
        on_share(len(batch) / table.metadata.num_rows)


TEXT_FORMATS: dict[str, Callable[[Iterable[str], str, str], Iterator[str]]] = {
    "": json_documents,
    ".jsonl": json_documents,
    ".ndjson": json_documents,
    ".csv": partial(table_documents, delimiter=","),
    ".tsv": partial(table_documents, delimiter="\t"),
}
"""What is a file of text, by its suffix; what has none, as standard input, is JSON Lines."""
RECORDS = (*filter(None, TEXT_FORMATS), PARQUET)
PATTERNS = tuple(f"*{suffix}{packed}" for suffix in RECORDS for packed in ("", *SUFFIXES))


def check_field(names: Iterable[str], field: str | None) -> None:
    """Raise a TextError where a field is asked for and there are no records, or the other way round."""
    for name in names:
        if field is None and suffix(name) in RECORDS:
            raise TextError(
                f"{name}: holds records; name the field to read with --field, or give the file as standard input (-) "
                "to read it as plain text"
            )
        if field is not None and suffix(name) not in ("", *RECORDS):
            raise TextError(
                f"{name}: --field needs records: {', '.join(RECORDS)}, also with {', '.join(SUFFIXES)}; leave it out"
            )

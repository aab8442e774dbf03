"""What is no text, known by its first bytes, and what to do about it."""

from __future__ import annotations

import re
from typing import NamedTuple

from textgen.data.packed import packing_of
from textgen.errors import TextError


class Kind(NamedTuple):
    """A kind of file that is no text."""

    first: bytes
    """A pattern of its first bytes."""
    name: str
    advice: str


PANDOC = "make text of it first, for instance with pandoc -t plain"
PICTURE = "read the text in it first, for instance with tesseract"
SOUND = "textgen reads text only"
KINDS = (
    Kind(rb"%PDF-", "a PDF", "make text of it first, for instance with pdftotext"),
    Kind(rb"PK\x03\x04.{26}mimetypeapplication/epub", "an EPUB book", PANDOC),
    Kind(rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "an OpenDocument file", PANDOC),
    Kind(rb"PK\x03\x04.{26}(\[Content_Types\]|_rels/|docProps/|word/|xl/|ppt/)", "an Office file, as .docx", PANDOC),
    Kind(
        rb"PK(\x03\x04|\x05\x06|\x07\x08)",
        "a zip archive",
        "unpack it and give the folder, or its texts as one: unzip -p FILE | textgen prepare - ...",
    ),
    Kind(
        rb".{257}ustar",
        "a tar archive",
        "unpack it and give the folder, or its texts as one: tar -xOf FILE | textgen prepare - ...",
    ),
    Kind(rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it and give the folder"),
    Kind(rb"Rar!\x1a\x07", "a RAR archive", "unpack it and give the folder"),
    Kind(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file, as .doc", "save it as text first"),
    Kind(rb"SQLite format 3\x00", "an SQLite database", "export its text first, for instance as CSV, for --field"),
    Kind(rb"PAR1\x15", "Parquet", "name it .parquet, and the field to read with --field"),
    Kind(rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|II\*\x00|MM\x00\*|RIFF.{4}WEBP", "a picture", PICTURE),
    Kind(
        rb"RIFF.{4}(WAVE|AVI )|ID3[\x02-\x04]\x00|OggS\x00|fLaC\x00|\x00{3}.ftyp|\x1aE\xdf\xa3",
        "sound or a film",
        SOUND,
    ),
    Kind(rb"\x7fELF|MZ[\x90P]\x00|[\xce\xcf]\xfa\xed\xfe", "a program", "textgen reads text only"),
    Kind(rb"\x93NUMPY|\x89HDF\r\n", "an array of numbers", "textgen reads text only"),
)


def refuse_kinds(head: bytes, name: str) -> None:
    """Refuse what is known to be no text.

    Args:
        head: the file's first bytes, unpacked.
        name: its name, for messages.

    Raises:
        TextError: it is no text; says what it is and what to do.
    """
    for kind in KINDS:
        if re.match(kind.first, head, re.DOTALL):
            raise TextError(f"{name}: is {kind.name}: {kind.advice}")
    if packing := packing_of(head):
        raise TextError(
            f"{name}: is packed as {packing.suffix}; name it so, or unpack it into a pipe: "
            f"{packing.unpacker} FILE | textgen prepare - ..."
        )

"""What the scripts share that make the text of a pretrained model out of git repositories."""

from __future__ import annotations

import csv
import hashlib
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

PARTS = ("train", "validation", "test")
Row = Sequence[str | int | None]


def git(repository: Path, *arguments: str) -> str:
    """What git answers."""
    command = ["git", "-C", str(repository), "-c", "core.quotepath=off", *arguments]
    return subprocess.run(command, capture_output=True, check=False).stdout.decode("utf-8", "replace")


def file_names(repository: Path, folder: str = ".") -> list[str]:
    """The names of all files below a folder of a repository's newest commit."""
    return git(repository, "ls-tree", "-r", "-z", "--name-only", "HEAD", folder).split("\0")[:-1]


def contents(repository: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The text of many files of a repository's newest commit, each with its name; lacking files are passed by."""
    names = list(names)
    asked = "".join(f"HEAD:{name}\n" for name in names).encode()
    command = ["git", "-C", str(repository), "cat-file", "--batch"]
    answer = subprocess.run(command, input=asked, capture_output=True, check=False).stdout
    place = 0
    for name in names:
        end = answer.index(b"\n", place)
        head, place = answer[place:end], end + 1
        if not head.endswith(b"missing"):
            size = int(head.split()[-1])
            yield name, answer[place : place + size].decode("utf-8-sig", "replace")
            place += size + 1


def sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def write(out: Path, name: str, texts: Mapping[str, Sequence[str]], header: Sequence[str], rows: Iterable[Row]) -> None:
    """Write the text of a model and `books.csv`, and print what `textgen prepare` needs to know.

    Args:
        out: the folder.
        name: of the text, without `.txt`.
        texts: the works of each of PARTS, which stand in the text in this order.
        header, rows: of `books.csv`.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / "books.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    joined = {part: "".join(texts[part]) for part in PARTS}
    whole = "".join(joined.values())
    (out / f"{name}.txt").write_text(whole, encoding="utf-8")
    for part, text in joined.items():
        print(f"{part}: {len(texts[part])} works, {len(text):,} characters, {len(text) / len(whole)!r} of all")
    print(f"SHA-256 {sha256(whole)}")

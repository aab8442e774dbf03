"""What comes with textgen: corpora and presets."""

from __future__ import annotations

from pathlib import Path

from textgen.errors import TextError


def shipped_folder(kind: str) -> Path:
    """Where `corpora` or `configs` stand: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def shipped_corpora() -> list[str]:
    """The names of the corpora that come with textgen."""
    return sorted(folder.name for folder in shipped_folder("corpora").iterdir() if folder.is_dir())


def shipped_corpus(name: str) -> list[Path]:
    """The text files of a corpus that comes with textgen."""
    if name not in shipped_corpora():
        known = ", ".join(f"@{known}" for known in shipped_corpora())
        raise TextError(f"@{name}: no such corpus comes with textgen; there are {known}")
    return sorted((shipped_folder("corpora") / name).glob("*.txt"))


def describe_shipped() -> str:
    """A table of the corpora that come with textgen."""
    lines = [f"{'name':12} {'characters':>10} {'distinct':>8} {'lines':>7}  first line"]
    for name in shipped_corpora():
        text = "".join(path.read_text(encoding="utf-8") for path in shipped_corpus(name))
        first = text.split("\n", 1)[0][:30]
        row = f"@{name:11} {len(text):10,} {len(set(text)):8,} {text.count(chr(10)):7,}"
        lines.append(f"{row}  {first}")
    return "\n".join(lines)

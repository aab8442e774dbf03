"""What comes with textgen: `@name` is a corpus where a text is expected and a model where a run is; and presets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, get_args

from textgen.errors import ConfigError, RunError, TextError

Kind = Literal["corpora", "configs", "pretrained"]
Preset = Literal["auto", "small", "base", "large", "classic"]
"""`auto` suits the text and the time; the others are files in configs/."""
AUTO: Preset = "auto"
PRESETS: tuple[Preset, ...] = get_args(Preset)
MARK = "@"
"""What the name of something that comes with textgen begins with. A file of such a name is `./@name`."""


def shipped_folder(kind: Kind) -> Path:
    """Where things of a kind stand: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "shipped" / kind
    return installed if installed.is_dir() else package.parent / kind


def shipped_names(kind: Literal["corpora", "pretrained"]) -> list[str]:
    """The names of the corpora, or of the models, that come with textgen; a folder without text or weights is none."""
    holds = {"corpora": "*.txt", "pretrained": "run.json"}[kind]
    return sorted({path.parent.name for path in shipped_folder(kind).glob(f"*/{holds}")})


def shipped_corpus(name: str) -> list[Path]:
    """The text files of a corpus that comes with textgen.

    Raises:
        TextError: there is none of this name.
    """
    if name not in shipped_names("corpora"):
        raise TextError(f"@{name}: no such corpus comes with textgen; there are {listed('corpora')}")
    return sorted((shipped_folder("corpora") / name).glob("*.txt"))


def shipped_preset(name: str) -> Path:
    """The file of a preset that has one.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in PRESETS:
        raise ConfigError(f"preset: {name!r:.80}; expected {', '.join(PRESETS)}")
    return shipped_folder("configs") / f"{name}.toml"


def is_shipped(path: str | os.PathLike[str]) -> bool:
    """Whether a path names something that comes with textgen.

    >>> is_shipped("@english"), is_shipped("./@english")
    (True, False)
    """
    return str(path).startswith(MARK)


def kept_apart(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """A path that says `./@name` still after it has become a `Path`, which drops the `./`.

    >>> kept_apart("@english"), Path(kept_apart("./@english")).is_absolute()
    ('@english', True)
    """
    return Path(path).absolute() if str(path).startswith(f"./{MARK}") else path


def run_folder(path: str | os.PathLike[str]) -> Path:
    """The folder of a run: the path itself, or that of a model that comes with textgen.

    Raises:
        RunError: no model of this name comes with textgen.
    """
    if not is_shipped(path):
        return Path(path)
    name = str(path).removeprefix(MARK)
    if name not in shipped_names("pretrained"):
        raise RunError(f"@{name}: no such model comes with textgen; there are {listed('pretrained')}")
    return shipped_folder("pretrained") / name


def listed(kind: Literal["corpora", "pretrained"]) -> str:
    """The names of a kind, for a message."""
    return ", ".join(f"{MARK}{known}" for known in shipped_names(kind)) or "none"

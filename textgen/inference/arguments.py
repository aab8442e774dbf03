"""What a caller in Python gives, checked: texts and numbers of characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from textgen.errors import ConfigError, TextError


def whole(name: str, value: int | None) -> int:
    """A number of characters that was given; 0 where None was.

    Raises:
        ConfigError: it is no whole number, 1 or more.
    """
    if value is None:
        return 0
    if not isinstance(value, int | np.integer) or value < 1:
        raise ConfigError(f"{name}: {value!r}; expected a whole number, 1 or more")
    return int(value)


def seeds_of(seed_text: str | Iterable[str], samples: int) -> Iterator[str]:
    """Each seed text as often as it is continued."""
    seeds = [seed_text] if isinstance(seed_text, str) else checked(seed_text, "seed_text")
    return (seed for seed in seeds for _ in range(samples))


def one_text(text: str) -> str:
    """A text, and nothing else.

    Raises:
        TextError: it is something else.
    """
    return checked([text], "text")[0]


def checked(texts: Iterable[str] | None, name: str) -> list[str]:
    """Texts, and nothing else.

    Args:
        texts: any iterable.
        name: what they are, for messages.

    Raises:
        TextError: it is none, or holds none, or something else.
    """
    if not isinstance(texts, Iterable):
        raise TextError(f"{name}: {texts!r:.80}; expected a text, or several of them")
    found = list(texts)
    if not found:
        raise TextError(f"{name}: an empty list; expected at least one text")
    for number, text in enumerate(found, 1):
        if not isinstance(text, str):
            raise TextError(f"{name}: number {number} is {text!r:.80}; expected a text")
    return found

"""What becomes of a record: one field of it, or a text with several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from textgen.config import PrepareConfig
from textgen.errors import ConfigError

TOKENS = re.compile(r"(\{\{|\}\})|\{([^{}]+)\}|([{}])|([^{}]+)")
"""Doubled braces, a field, a brace by itself, other text."""


class Template(NamedTuple):
    """Fields of a record, each between two texts.

    Args:
        texts: one more than there are fields.
        fields: their names.
        numbers: whether numbers and truth values will do, as they are written, where strings are expected.
    """

    texts: tuple[str, ...]
    fields: tuple[str, ...]
    numbers: bool = True

    @property
    def expected(self) -> str:
        """What a field has to be, for messages."""
        return "a string or a number" if self.numbers else "a string"

    def filled(self, values: Sequence[str]) -> str:
        """The document of a record whose fields have these values.

        >>> parsed("{label}: {title}").filled(["pets", "Who's a good boy?"])
        "pets: Who's a good boy?"
        """
        return "".join(chain.from_iterable(zip(self.texts, (*values, ""), strict=True)))


def parsed(text: str) -> Template:
    """A template from how it is written: `{name}` is a field; braces doubled mean themselves.

    Raises:
        ConfigError: a brace stands by itself, or there is no field.

    >>> parsed("{{{a.b}}} and {c}")
    Template(texts=('{', '} and ', ''), fields=('a.b', 'c'), numbers=True)
    """
    texts, fields = [""], []
    for doubled, field, lone, plain in TOKENS.findall(text):
        if lone:
            raise ConfigError(f"template: {text!r} has a {lone} by itself; a field is {{name}}, a brace is {lone * 2}")
        if field:
            fields.append(field)
            texts.append("")
        else:
            texts[-1] += plain or doubled[0]
    if not fields:
        raise ConfigError(f"template: {text!r} has no field; expected some, as in '{{label}}: {{text}}'")
    return Template(tuple(texts), tuple(fields))


def template_of(config: PrepareConfig) -> Template | None:
    """What is read of each record; None where a source is a text.

    Raises:
        ConfigError: see `parsed`.
    """
    if config.template is not None:
        return parsed(config.template)
    return None if config.field is None else Template(("", ""), (config.field,), numbers=False)

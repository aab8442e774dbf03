"""Make textgen/settings.py from the classes of textgen/config.py: `python docs/make_settings.py`."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta, structs

from textgen.config import FIXED, Config, ModelConfig, PrepareConfig, SampleConfig, ScoreConfig, TrainConfig

HEAD = '''"""The settings of each call, for editors, type checkers and `help`: their types, ranges and defaults.

Made from the classes of textgen/config.py by `python docs/make_settings.py`; a test keeps the two equal.
"""

from __future__ import annotations

from typing import Literal, TypedDict
'''
PICKED = (
    "Of num_layers, units, dropout, recurrent_dropout, weight_decay, batch_size and learning_rate those that are not "
    "given are picked by the size of the text and the time."
)
KEPT = "The defaults are those of a new run; what is not given here stays as it is."
WIDTH = 120


def settings_module() -> str:
    """The text of textgen/settings.py."""
    training = [*facts(ModelConfig), *facts(TrainConfig)]
    classes = [
        ("PrepareSettings", "Settings of `textgen.prepare`.", facts(PrepareConfig)),
        ("TrainSettings", f"Settings of `textgen.train`. {PICKED}", training),
        (
            "ResumeSettings",
            f"Settings of `textgen.resume`. {KEPT}",
            [fact for fact in training if fact[0] not in FIXED],
        ),
        ("SampleSettings", "Settings of `Model.generate` and `Model.stream`.", facts(SampleConfig, "samples")),
        ("ScoreSettings", "Settings of `Model.score`, `Model.surprise` and `Model.likeliest`.", facts(ScoreConfig)),
    ]
    return "\n\n".join([HEAD, *(class_of(*parts) for parts in classes)])


def class_of(name: str, purpose: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """A class whose docstring has a paragraph for each setting."""
    rows = list(rows)
    told = "\n".join(wrapped(f"{field}: {text}", "    ", "        ") for field, _, text in rows).replace("\\", r"\\")
    fields = "\n".join(f"    {field}: {kind}" for field, kind, _ in rows)
    first, *others = textwrap.wrap(f'"""{purpose}', WIDTH - 4)
    head = "\n".join(f"    {line}" for line in (first, *others))
    return f'class {name}(TypedDict, total=False):\n{head}\n\n{told}\n    """\n\n{fields}\n'


def wrapped(text: str, first: str, others: str) -> str:
    """A paragraph in lines that the formatter leaves alone."""
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)


def facts(kind: type[Config], *without: str) -> Iterator[tuple[str, str, str]]:
    """The name of each setting, its type as source text, and its range, default and help text in a sentence each."""
    hints, bare = get_type_hints(kind, include_extras=True), get_type_hints(kind)
    for field in structs.fields(kind):
        if field.name in without:
            continue
        metas = list(metas_of(hints[field.name]))
        limits = next((f", {number(m.ge)} to {number(m.le)}" for m in metas if m.ge is not None), "")
        description = next(m.description for m in metas if m.description)
        # an option of the command line is a keyword here
        text = re.sub(r"--([a-z][a-z-]*)", lambda flag: flag[1].replace("-", "_"), description)
        source = source_of(bare[field.name])
        yield field.name, source, f"{spoken(bare[field.name])}{limits}, default {field.default!r}. {text}"


def metas_of(hint: Any) -> Iterator[Meta]:
    """What stands about a type and the types in it, the outermost first."""
    for argument in get_args(hint):
        if isinstance(argument, Meta):
            yield argument
    for argument in get_args(hint):
        yield from metas_of(argument)


def source_of(hint: Any) -> str:
    """A type as source text. A list does where a tuple does."""
    if get_origin(hint) is Literal:
        return f"Literal[{', '.join(map(quoted, get_args(hint)))}]"
    if get_origin(hint) is tuple:
        return "tuple[str, ...] | list[str]"
    if isinstance(hint, UnionType) or get_origin(hint):
        return " | ".join(map(source_of, get_args(hint)))
    return "None" if hint is type(None) else hint.__name__


def spoken(hint: Any) -> str:
    """A type in words."""
    if get_origin(hint) is Literal:
        return " | ".join(map(quoted, get_args(hint)))
    if get_origin(hint) is tuple:
        return "tuple of str"
    return source_of(hint)


def number(value: float) -> str:
    """The end of a range."""
    return f"{int(value) if value == int(value) else value:,}"


def quoted(value: str) -> str:
    """A text in double quotes."""
    return f'"{value}"'


if __name__ == "__main__":
    target = Path(__file__).parent.parent / "textgen" / "settings.py"
    target.write_text(settings_module(), encoding="utf-8")

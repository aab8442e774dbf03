"""A text as a page on which each character is shaded by its surprise."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from itertools import islice

from textgen.inference.score import CharacterScore

MOST_BITS = 8.0
"""From this many bits on a character has the deepest shade."""
HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.7 ui-monospace, monospace; max-width: 48rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark; color: CanvasText; background: Canvas; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }}
{shades}</style>
<h1>{title}</h1>
<p>The deeper the shade, the less the model expected the character:
{legend}. Point at one to see its bits and the likeliest ones.</p>
<pre>"""
FRAGMENT = "textgen-surprises"
FRAGMENT_RULES = f".{FRAGMENT} pre {{ white-space: pre-wrap; overflow-wrap: anywhere; }}\n"
MOST_SHOWN = 20_000
"""Characters that a notebook shows: some megabytes of markup."""
SHADES = 9
FIRST_DEEP = 6
"""From this shade on only dark letters can be read, on a dark page too."""


def surprise_page(scores: Iterable[CharacterScore], title: str) -> Iterator[str]:
    """One self-contained HTML page, in pieces.

    Args:
        scores: the characters of the text in order.
        title: what the page is called.
    """
    yield HEAD.format(title=html.escape(title), shades=shade_rules(), legend=legend())
    total, count = 0.0, 0
    for score in scores:
        total, count = total + score.bits, count + 1
        yield shaded(score)
    mean = f"{total / count:.3f}" if count else "-"
    yield f"</pre>\n<p>{count:,} characters, {mean} bits per character.</p>\n</html>\n"


def surprise_fragment(scores: Iterable[CharacterScore]) -> Iterator[str]:
    """The same for a notebook, whose other cells keep their style. A long text is shown up to MOST_SHOWN."""
    told = iter(scores)
    yield f'<div class="{FRAGMENT}"><style>\n{FRAGMENT_RULES}{shade_rules(f".{FRAGMENT} ")}</style>\n<pre>'
    yield from map(shaded, islice(told, MOST_SHOWN))
    left = sum(1 for _ in told)
    yield f"</pre>\n<p>{legend()}{f'; {left:,} more characters are not shown' * bool(left)}</p></div>"


def shaded(score: CharacterScore) -> str:
    """A character as markup, shaded by its bits."""
    level = shade_level(score.bits)
    hint = html.escape(f"{score.bits:.2f} bits; likeliest: {' '.join(map(visible, score.likeliest))}")
    shown = "↵\n" if score.character == "\n" else visible(score.character)
    return f'<b class="s{level}" title="{hint}">{html.escape(shown)}</b>'


def shade_level(bits: float) -> int:
    """The shade of a character, from 0 to SHADES - 1.

    >>> [shade_level(bits) for bits in (0.4, 0.5, 20.0)]
    [0, 1, 8]
    """
    return min(SHADES - 1, int(bits / MOST_BITS * (SHADES - 1) + 0.5))


def shade_rules(within: str = "") -> str:
    """The style of `b.s0` to `b.s8`: orange, the deeper the less of the page, dark or light, is seen through it.

    Args:
        within: a selector of where it holds, with the space after it.
    """
    return "".join(
        f"{within}b.s{i} {{ font-weight: inherit; background: rgb(245 140 60 / {i / (SHADES - 1):g});"
        f"{' color: #1c1c1e;' if i >= FIRST_DEEP else ''} }}\n"
        for i in range(SHADES)
    )


def legend() -> str:
    """The shades and their bits, as markup."""
    return " ".join(f'<b class="s{i}">{MOST_BITS * i / (SHADES - 1):g}</b>' for i in range(SHADES)) + " bits"


def visible(character: str) -> str:
    """A character as it can be shown: control characters as their code points.

    >>> visible("a"), visible("\\n"), visible("\\x1b")
    ('a', '↵', 'U+001B')
    """
    if character == "\n":
        return "↵"
    return character if character.isprintable() else f"U+{ord(character):04X}"

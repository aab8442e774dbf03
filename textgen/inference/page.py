"""A text as a page on which each character is shaded by its surprise."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

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
  color: #222; background: #fff; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }}
{shades}
</style>
<h1>{title}</h1>
<p>The deeper the shade, the less the model expected the character:
{legend}. Point at one to see its bits and the likeliest ones.</p>
<pre>"""
SHADES = 9


def surprise_page(scores: Iterable[CharacterScore], title: str) -> Iterator[str]:
    """One self-contained HTML page, in pieces.

    Args:
        scores: the characters of the text in order.
        title: what the page is called.
    """
    shades = "\n".join(f"b.s{i} {{ font-weight: inherit; background: {shade(i)}; }}" for i in range(SHADES))
    legend = " ".join(f'<b class="s{i}">{MOST_BITS * i / (SHADES - 1):g}</b>' for i in range(SHADES)) + " bits"
    yield HEAD.format(title=html.escape(title), shades=shades, legend=legend)
    total, count = 0.0, 0
    for score in scores:
        total, count = total + score.bits, count + 1
        level = min(SHADES - 1, int(score.bits / MOST_BITS * (SHADES - 1) + 0.5))
        hint = html.escape(f"{score.bits:.2f} bits; likeliest: {' '.join(map(visible, score.likeliest))}")
        shown = "↵\n" if score.character == "\n" else visible(score.character)
        yield f'<b class="s{level}" title="{hint}">{html.escape(shown)}</b>'
    mean = f"{total / count:.3f}" if count else "-"
    yield f"</pre>\n<p>{count:,} characters, {mean} bits per character.</p>\n</html>\n"


def shade(level: int) -> str:
    """A colour from white to orange."""
    share = level / (SHADES - 1)
    return f"rgb({255 - round(10 * share)}, {255 - round(115 * share)}, {255 - round(195 * share)})"


def visible(character: str) -> str:
    """A character as it can be shown: control characters as their code points.

    >>> visible("a"), visible("\\n"), visible("\\x1b")
    ('a', '↵', 'U+001B')
    """
    if character == "\n":
        return "↵"
    return character if character.isprintable() else f"U+{ord(character):04X}"

"""HTML that a notebook shows. A text is never markup: everything is escaped here."""

from __future__ import annotations

import html
from collections.abc import Mapping

STYLE = """<style>
.textgen { font-size: 0.9rem; }
.textgen dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin: 0.4rem 0; }
.textgen dt { opacity: 0.7; }
.textgen dd { margin: 0; }
.textgen pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0.4rem 0; padding: 0.4rem 0.6rem;
  border-left: 3px solid #d9772b; }
.textgen span.validation { color: #d9772b; }
.textgen span.training { color: #3f7fbf; }
</style>"""


def card(*parts: str) -> str:
    """Pieces of markup as one output."""
    return "\n".join(['<div class="textgen">', STYLE, *filter(None, parts), "</div>"])


def line(text: str) -> str:
    """A line of text as a paragraph.

    >>> line("a < b")
    '<p>a &lt; b</p>'
    """
    return f"<p>{html.escape(text)}</p>" if text else ""


def excerpt(text: str) -> str:
    """A text as it stands, control characters left out.

    >>> excerpt("<b>\\n")
    '<pre>&lt;b&gt;\\n</pre>'
    """
    shown = "".join(c for c in text if c == "\n" or c.isprintable())
    return f"<pre>{html.escape(shown)}</pre>" if shown else ""


def definitions(facts: Mapping[str, str]) -> str:
    """Names and what they stand for.

    >>> definitions({"Text": "<plays>"})
    '<dt>Text</dt><dd>&lt;plays&gt;</dd>'
    """
    return "\n".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in facts.items())


def table(facts: Mapping[str, str]) -> str:
    """`definitions` as a list."""
    return f"<dl>\n{definitions(facts)}\n</dl>"


def progress_bar(fraction: float) -> str:
    """How much is done, from 0 to 1."""
    return f'<progress value="{fraction:.4f}" max="1" style="width: 24rem; max-width: 100%"></progress>'

"""Encodings: which there are, and which a text is likely in that is not in the one it was read in."""

from __future__ import annotations

import codecs
import re
from importlib.util import find_spec

from textgen.errors import ConfigError

COMMON = ("cp1252", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "cp1251", "koi8_r", "cp866", "mac_roman")
"""Where a text reads the same in several encodings, the first of these is named."""
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The marks that texts begin with; the longer ones first."""
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
"""In these any text with a line end, a space or a digit has zero bytes."""
HIGH = re.compile(rb"[\x80-\xff]+")
AROUND = 2**14
"""Bytes before and after a place that are looked at."""
SHOWN = 30
"""Characters before and after a place that are shown."""


def check_encoding(name: str) -> None:
    """Raise a ConfigError unless Python knows a text encoding of this name."""
    try:
        "".encode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        raise ConfigError(
            f"encoding: unknown text encoding {name!r}; expected one like utf-8, utf-16, latin-1, gb18030"
        ) from None


def advice(data: bytes, place: int, encoding: str) -> str:
    """What to do about a text that is in another encoding than the one it was read in.

    Args:
        data: a piece of the text, from a multiple of 4 bytes on.
        place: where in it the encoding did not fit.
        encoding: the one that it was read in.
    """
    start = max(0, place - AROUND)
    # a character of several bytes must not be cut
    start = start // 4 * 4 if b"\0" in data else data.rfind(b"\n", 0, start) + 1
    sample = data[start : place + AROUND]
    name = likeliest(sample, encoding)
    if name is None:
        named = "" if find_spec("charset_normalizer") else "; pip install charset-normalizer names the likely one"
        return f"if it is text, give its encoding: `--encoding NAME`{named}"
    if name == "ascii":
        # so zero bytes are all that is wrong
        return "if it is meant, give `--encoding utf-8`"
    line = shown(sample, place - start, name)
    return f"likely {name}, in which it reads {line!r}: try `--encoding {name}`"


def likeliest(sample: bytes, but: str = "utf-8") -> str | None:
    """The encoding that some bytes are likely in, by Python's name, but not that one; None where none fits.

    >>> likeliest("He said it wasn’t there.".encode("cp1252")), likeliest(b"a\\0b\\0c\\0d\\0")
    ('cp1252', 'utf-16-le')
    """
    if name := next((name for mark, name in MARKS.items() if sample.startswith(mark)), None):
        return name
    return by_zeros(sample) or by_characters(sample, but)


def by_zeros(sample: bytes) -> str | None:
    """Which of UTF-16 and UTF-32 has its zero bytes where these bytes have theirs."""
    share = [sample[i::4].count(0) / max(1, len(sample) // 4) for i in range(4)]
    if min(share[2:]) > 0.9 > share[0]:
        return "utf-32-le"
    if min(share[:2]) > 0.9 > share[3]:
        return "utf-32-be"
    even, odd = share[0] + share[2], share[1] + share[3]
    if max(even, odd) < 0.4 or min(even, odd) > max(even, odd) / 4:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def by_characters(sample: bytes, but: str) -> str | None:
    """The encoding in which some bytes look most like text, but not that one, where charset-normalizer is there."""
    # takes a while to import, and is needed for this message alone
    try:
        from charset_normalizer import from_bytes
        from charset_normalizer.utils import is_multi_byte_encoding
    except ImportError:
        return None
    matches = list(from_bytes(sample, cp_exclusion=[but, *(() if b"\0" in sample else WIDE)]))
    if are_single(sample):
        matches = [match for match in matches if not is_multi_byte_encoding(match.encoding)]
    if not matches:
        return None
    tied = [best := matches[0]]
    if not is_multi_byte_encoding(best.encoding):
        tied = [match for match in matches if (match.chaos, match.coherence) == (best.chaos, best.coherence)]
    fitting = {name for match in tied for name in match.could_be_from_charset}
    name = next((name for name in COMMON if name in fitting), best.encoding)
    return name.replace("_", "-") if name.startswith("utf") else name


def are_single(sample: bytes) -> bool:
    """Whether the bytes beyond ASCII are few and stand alone, as accents and quotation marks do and no Chinese.

    >>> are_single(b"It\\x92s late."), are_single("晚了".encode("gb18030"))
    (True, False)
    """
    beyond = sum(map(len, HIGH.findall(sample)))
    alone = sum(len(run) == 1 for run in HIGH.findall(sample))
    return beyond < len(sample) / 4 and alone > beyond / 2


def shown(sample: bytes, place: int, name: str) -> str:
    """The line around a place, as it reads in an encoding."""
    text = sample.decode(name, "replace")
    # the place may be inside a character
    at = len(sample[:place].decode(name, "ignore"))
    before, after = text[:at].split("\n")[-1], text[at:].split("\n")[0]
    return f"{before[-SHOWN:]}{after[:SHOWN]}".strip()

"""The text that `@english` read: books, plays and verse out of public git repositories, in the forms people write in.

    python make_text.py --books classic-books-markdown.git --plays PLAY.git --plays VERSE.git ... --out english

BOOKS is a clone of github.com/mlschmitt/classic-books-markdown; each of PLAYS is a clone of a book of
github.com/standardebooks. Both may be bare. It writes `english.txt` (training, then validation, then test),
`books.csv` (what was read, what was not, and why) and the commands that follow.

A text is left out if its author is one of LEFT_OUT, or if it is from LATEST + 1 or later, names no year, is not
English (fewer than a tenth of its words are among the most common ones) or is mostly tables (more than a fiftieth of
its lines).
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).parent.parent))
from making import file_names, git, sha256, write

LATEST = 1928
LEFT_OUT = ("Shakespeare", "Tolstoy", "Nietzsche", "Aesop", "King James Bible", "Jefferson Bible")
"""Authors and titles that others measure themselves on."""
VALIDATION = ("Aphra Behn", "Horace Walpole", "Lewis Carroll", "Stephen Crane", "Willa Cather")
TEST = ("Jonathan Swift", "Mary Wollstonecraft Shelley", "Jerome K. Jerome", "Kenneth Grahame", "Rebecca West")
COMMON = frozenset(("the", "and", "of", "to", "a", "in", "that", "was", "it", "his", "he", "with", "i", "had", "not"))
FORMAT_CHARACTERS = "\u2060\u200b\u200a\u2009\u00ad\ufeff"
SPACES = re.compile("[\t\u00a0\u2002\u2003\u202f]")
OPENING = re.compile(r"(^|[\s(\[—–_*-])([\"'])", re.M)
YEARS = {
    "alfred-lord-tennyson_idylls-of-the-king": 1859,
    "ben-jonson_the-alchemist": 1610,
    "edgar-allan-poe_poetry": 1845,
    "george-bernard-shaw_arms-and-the-man": 1894,
    "george-bernard-shaw_major-barbara": 1905,
    "henrik-ibsen_hedda-gabler_edmund-gosse_william-archer": 1890,
    "j-m-synge_the-playboy-of-the-western-world": 1907,
    "john-keats_poetry": 1820,
    "lord-byron_don-juan": 1819,
    "oliver-goldsmith_she-stoops-to-conquer": 1773,
    "oscar-wilde_lady-windermeres-fan": 1892,
    "oscar-wilde_the-importance-of-being-earnest": 1895,
    "richard-brinsley-sheridan_the-school-for-scandal": 1777,
    "walt-whitman_leaves-of-grass": 1855,
    "william-congreve_the-way-of-the-world": 1700,
}
"""The plays and the verse of Standard Ebooks, whose packages name the year of their own edition alone."""
EPUB = "{http://www.idpf.org/2007/ops}type"
XHTML = "{http://www.w3.org/1999/xhtml}"
NOT_THE_WORK = re.compile(
    "colophon|imprint|titlepage|uncopyright|endnotes|loi|dramatis|dedication|preface|foreword|intro"
)


class Book(NamedTuple):
    """One work, with the marks of Markdown."""

    source: str
    title: str
    author: str
    year: int | None
    text: str


def markdown_books(repository: Path) -> Iterator[Book]:
    """The books of a repository that has a Markdown file for each, in a folder for its author."""
    for name in file_names(repository):
        if name.endswith(".md") and "/" in name:
            head, _, text = git(repository, "show", f"HEAD:{name}").replace("\r\n", "\n").partition("\n-------\n")
            author, title = name.removesuffix(".md").split("/", 1)
            yield Book("classic-books-markdown", title.strip(), author, year_of(head), text)


def year_of(head: str) -> int | None:
    """The year in the head of a book.

    >>> year_of("## Year: 1688"), year_of("## Year: 600 BC"), year_of("## Year:")
    (1688, -600, None)
    """
    found = re.search(r"^## Year:\s*(\d+)\s*(BC)?", head, re.M)
    return (-1 if found[2] else 1) * int(found[1]) if found else None


def standard_ebook(repository: Path) -> Book:
    """A play or a book of verse of Standard Ebooks."""
    package = git(repository, "show", "HEAD:src/epub/content.opf")
    title, author = (re.search(f"<dc:{name} [^>]*>([^<]*)", package)[1] for name in ("title", "creator"))
    names = git(repository, "ls-tree", "-r", "--name-only", "HEAD", "src/epub/text/").split()
    order = re.findall(r'<itemref idref="([^"]+)', package)
    files = sorted((n for n in names if not NOT_THE_WORK.search(n)), key=lambda n: order.index(Path(n).name))
    parts = [body_text(ElementTree.fromstring(git(repository, "show", f"HEAD:{name}"))) for name in files]
    return Book(
        f"standardebooks/{repository_name(repository)}",
        title,
        author,
        YEARS[repository_name(repository)],
        "\n\n".join(parts),
    )


def repository_name(repository: Path) -> str:
    """The name of a clone: its folder, or the folder around it.

    >>> repository_name(Path("standardebooks+a_play/repo")), repository_name(Path("a_play.git"))
    ('a_play', 'a_play')
    """
    folder = repository.parent if repository.name == "repo" else repository
    return folder.name.removesuffix(".git").removeprefix("standardebooks+")


def body_text(root: ElementTree.Element) -> str:
    """The text of a page: a paragraph or a stanza to a block, a speech to `**NAME** speech`."""
    blocks = []
    for element in root.iter():
        kind = element.get(EPUB, "")
        if element.tag == f"{XHTML}tr":
            cells = list(element)
            name = plain(cells[0]) if "persona" in cells[0].get(EPUB, "") else ""
            speech = "\n".join(plain(part) for part in cells[-1].findall(f"{XHTML}p") or [cells[-1]])
            blocks.append(f"**{name}** {speech}" if name else speech)
        elif re.fullmatch(rf"{XHTML}h[1-6]", element.tag):
            blocks.append(plain(element))
        elif element.tag == f"{XHTML}p" and "ordinal" not in kind:
            blocks.append(plain(element))
            within = blocks[-1]
            # the paragraphs of a speech were taken with its row
            if len(blocks) > 1 and within and within in blocks[-2]:
                blocks.pop()
    return "\n\n".join(block for block in blocks if block)


def plain(element: ElementTree.Element) -> str:
    """The text of an element: line breaks kept, notes left out, stage directions in `_..._`."""
    if "noteref" in element.get(EPUB, ""):
        return ""
    parts = [element.text or ""]
    for child in element:
        parts += ["\n" if child.tag == f"{XHTML}br" else plain(child), child.tail or ""]
    lines = re.sub(r"[ \t]*\n[ \t]*(?=\n)|[ \t]+", " ", "".join(parts)).split("\n")
    text = "\n".join(line.strip() for line in lines if line.strip())
    if element.tag in (f"{XHTML}i", f"{XHTML}em") and text and element.get(EPUB, "") != "z3998:persona":
        text = f"_{text}_"
    return text if element.tag in (f"{XHTML}p", f"{XHTML}td", f"{XHTML}tr") else padded(text, "".join(parts))


def padded(text: str, raw: str) -> str:
    """A text with the spaces that stood around it."""
    before, after = " " * raw[:1].isspace(), " " * raw[-1:].isspace()
    return f"{before}{text}{after}" if text else " " * bool(raw)


def why_not(book: Book) -> str:
    """Why a book is left out, or nothing."""
    words = re.findall("[a-z']+", book.text.lower())
    lines = book.text.split("\n")
    reasons = {
        "left out for others' measurements": any(
            name in (book.author, book.title) or name in book.author for name in LEFT_OUT
        ),
        "no text": len(words) < 1000,
        "no year": book.year is None,
        f"later than {LATEST}": (book.year or 0) > LATEST,
        "not English": sum(word in COMMON for word in words) < len(words) / 10,
        "mostly tables": sum(line.count("|") > 1 for line in lines) > len(lines) / 50,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def in_some_form(text: str, rng: random.Random) -> str:
    """A text as one of many people would have written it, drawn at random.

    Quotes and dashes typographic or plain, paragraphs on a line of their own or wrapped, set apart by an empty line or
    not, emphasis with or without marks, speakers before their speech in four ways.
    """
    text = unicodedata.normalize("NFC", SPACES.sub(" ", text)).translate(dict.fromkeys(map(ord, FORMAT_CHARACTERS)))
    text = re.sub(r"^ *#+ *|[\\*]{3,}|\\$", "", text, flags=re.M).replace("\\", "")
    text = re.sub(r"[^\n]*Project Gutenberg[^\n]*", "", text)
    text = "\n".join(re.sub("  +", " ", line).strip() for line in text.split("\n"))
    text = re.sub("\n{3,}", "\n\n", text).strip("\n")
    text = speeches(text, rng.randrange(4)).replace("*", "")
    text = typographic(text) if rng.random() < 0.3 else typewritten(text)
    if rng.random() < 0.7:
        text = re.sub(r"_(\S[^_]*?)_", r"\1", text)
    columns = rng.choice((0, 0, 64, 72, 79))
    if columns:
        fill = textwrap.TextWrapper(columns, break_long_words=False, break_on_hyphens=False).fill
        text = "\n".join(fill(line) if len(line) > columns else line for line in text.split("\n"))
    elif rng.random() < 0.2:
        text = text.replace("\n\n", "\n")
    controls = [ord(c) for c in set(text) if c != "\n" and unicodedata.category(c)[0] == "C"]
    return text.translate(dict.fromkeys(controls)) + "\n\n\n"


def speeches(text: str, form: int) -> str:
    """A play's `**NAME** speech` in one of four forms.

    >>> [speeches("**Anna** Who is there?", form) for form in range(4)]
    ['ANNA:\\nWho is there?', 'Anna: Who is there?', 'ANNA. Who is there?', 'Anna.\\nWho is there?']
    """

    def speech(found: re.Match[str]) -> str:
        name = found[1].strip(" .:")
        return (f"{name.upper()}:\n", f"{name}: ", f"{name.upper()}. ", f"{name}.\n")[form]

    return re.sub(r"^\*\*([^*\n]{1,40})\*\*[.:]?\s*", speech, text, flags=re.M)


def typewritten(text: str) -> str:
    """Quotes and dashes as a typewriter has them.

    >>> typewritten("“Well—” he said…")
    '"Well--" he said...'
    """
    for mark, plain_mark in zip("“”‘’—–…", ('"', '"', "'", "'", "--", "-", "..."), strict=True):
        text = text.replace(mark, plain_mark)
    return text


def typographic(text: str) -> str:
    """Quotes and dashes as a printer has them.

    >>> typographic('"Well--" he said, "it\\'s late..."')
    '“Well—” he said, “it’s late…”'
    """
    text = text.replace("...", "…").replace("--", "—")
    text = OPENING.sub(lambda found: found[1] + {'"': "“", "'": "‘"}[found[2]], text)
    return text.replace('"', "”").replace("'", "’")


def part_of(book: Book) -> str:
    """Which part of the text a book belongs to."""
    return "validation" if book.author in VALIDATION else "test" if book.author in TEST else "train"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--books", type=Path, required=True)
    parser.add_argument("--plays", type=Path, action="append", default=[])
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    plays = [standard_ebook(repository) for repository in sorted(arguments.plays)]
    known = {book.title for book in plays}
    books = [*plays, *(book for book in markdown_books(arguments.books) if book.title not in known)]
    books.sort(key=lambda book: (book.author, book.title))
    rng = random.Random(1)
    rng.shuffle(books)
    texts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    rows = []
    for book in books:
        reason = why_not(book)
        text = in_some_form(book.text, rng)
        if not reason:
            texts[part_of(book)].append(text)
        rows.append(
            (book.author, book.title, book.year, reason or part_of(book), len(text), sha256(book.text), book.source)
        )
    header = ("author", "title", "year", "part", "characters", "sha256", "source")
    write(arguments.out, "english", texts, header, sorted(rows, key=lambda row: (row[0], row[1])))


main()

"""The text that `@chinese` read: novels, prose and verse out of public git repositories, in simplified characters.

    python make_text.py --shu SHU --novels NOVELS --library LIBRARY --story STORY --luxun LUXUN --poetry POETRY \\
        --out text

Each is a clone, which may be bare: SHU of github.com/shjwudp/shu, NOVELS of ibyli/chinese-novel, LIBRARY of
LuckyQY/self.library, STORY of zoubenjun/story, LUXUN of tallusil/luxun-novel-analysis and POETRY of
chinese-poetry/chinese-poetry. It writes `chinese.txt` (training, then validation, then test) and `books.csv` (what was
read, what was not, and why), and prints the shares of kinds.

`works.py` names what is read of SHU, LIBRARY, STORY and LUXUN; of NOVELS and of the verse all is read that no rule of
`why_not` leaves out. Lines that a site or an editor added are cut: those that match NOISE or NOTE. A
paragraph that stood in a work before is left out.
"""

from __future__ import annotations

import argparse
import html
import itertools
import json
import random
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from works import COLLECTED, DIED, EROTIC, ESSAYS, LUXUN, MODERN, NOT_FREE, TEST, VALIDATION

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from making import contents, file_names, sha256, write  # noqa: E402

VERNACULAR = 0.055
"""Of a work's characters so many are MARKS at least; works in the classical language have less."""
MARKS = "的了着这那们么个你呢吗吧她它啊"
SAME = 0.3
"""A work of whose passages so many stood in another is the same work."""
WINDOW = 13
SAMPLED = 16
YUANYE = 30
"""So many characters in a row that stand in `@yuanye` too, on which others are measured, leave a work out."""
TIMES = {"modern prose": 2, "novels": 1, "verse": 1}
"""How often a work of a kind stands in the training part, in other forms: modern prose is rare and wanted."""
VERSE = 0.03
"""Verse is at most so much of the training part."""
SHORTEST = 2_000
CHINESE = re.compile("[\u4e00-\u9fff]")
NOISE = (
    "www http .com .net .org .cn txt ebook 电子书 书包网 小说天堂 黄金书屋 国学网 分节阅读 扫描 校对 责任编辑"
    " 出版社 编者 版权 isbn 书号 内容简介 按语】 全书完 全书终 鲁迅全集 \ufffd"
)
"""What marks a line that a site or an editor added, or one with a character that could not be read."""
NOTE = re.compile(r"[①-⑳⑴-⒛*※]|[〔\[（(【]\s*([0-9０-９⒈-⒛]{1,3}|注释?)\s*[〕\]）)】]|[（(]?原载|注释|注：")
FIRST_NOTE = re.compile(r"[\s　]*(⑴|[（〔\[(]\s*[1１⒈]\s*[）〕\])])")
MARK = re.compile(r"[①-⑳⑴-⒛]|[〔\[【]\s*[0-9０-９]{1,3}\s*[〕\]】]")
WIDTH = '[\u3000-\u9fff\uff00-\uffef“”‘’…—"]'
BETWEEN = f"(?<={WIDTH})"
HALF = re.compile("[,;:?!()]")
DOTS = re.compile("[．。·.…]{2,}|…")
DASHES = re.compile("[-—─－―]{2,}|—")
WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0).isalnum()}
ODD = str.maketrans("「」『』〝〞﹐﹒﹔﹕﹖﹗．", "“”‘’“”，。；：？！。")
HALF_WIDTH = {",": "，", ";": "；", ":": "：", "?": "？", "!": "！", "(": "（", ")": "）"}


class Work(NamedTuple):
    """One work."""

    title: str
    author: str
    period: str
    """A dynasty, or the year in which the author died."""
    kind: str
    """A key of TIMES."""
    source: str
    text: str


def modern_works(shu: Path) -> Iterator[Work]:
    """Prose and novels of authors of the Republic."""
    names = {f"books/近代/{title}.txt": author for author, (_, titles) in MODERN.items() for title in titles.split()}
    for name, text in contents(shu, names):
        author, title = names[name], Path(name).stem
        kind = "novels" if "蔡东藩" in author or title == "三侠剑" else "modern prose"
        yield Work(title, author, f"d. {MODERN[author][0]}", kind, "shjwudp/shu", text)


def volumes(repository: Path, named: dict[str, tuple[str, int, str, str | None]], source: str) -> Iterator[Work]:
    """Collected works, without what their editors put before and after."""
    for name, text in contents(repository, (n for n in file_names(repository) if Path(n).stem in named)):
        author, died, first, last = named[Path(name).stem]
        begin = re.search(first, text, re.M)
        end = re.search(last, text, re.M) if last else None
        yield Work(
            Path(name).stem,
            author,
            f"d. {died}",
            "modern prose",
            source,
            text[begin.start() if begin else 0 : end.start() if end else None],
        )


def essays_of_luxun(repository: Path) -> Iterator[Work]:
    """The collections of Lu Xun, whose pieces end where an editor's notes begin."""
    for title in LUXUN.split():
        pieces = []
        for _, text in contents(repository, file_names(repository, f"data/raw/{title}/")):
            lines = text.replace("```", "").split("\n")
            begun = itertools.takewhile(
                lambda line: not re.match(r"[\s　]*[（〔\[(]\s*[1１⒈一]\s*[）〕\])]", line), lines
            )
            # a line of a paragraph is broken after some 40 characters; a paragraph begins with two spaces
            pieces.append(re.sub(r"\n(?![\s　])", "", "\n".join(begun)))
        yield Work(title, "鲁迅", "d. 1936", "modern prose", "tallusil/luxun-novel-analysis", "\n".join(pieces))


def novels(repository: Path) -> Iterator[Work]:
    """Novels, a file to a chapter, with their headings."""
    chapters: dict[str, dict[str, str]] = {}
    for name, text in contents(repository, (n for n in file_names(repository, "resources/"))):
        chapters.setdefault(str(Path(name).parent), {})[Path(name).stem] = text
    for folder, files in sorted(chapters.items()):
        info = json.loads(files.pop("info"))
        author, dynasty = info["author"]["name"], info["author"]["dynasty"]
        period = f"d. {DIED[author]}" if author in DIED else dynasty if dynasty != "未知" else "before 1912"
        texts = []
        for number, heading in enumerate(info["catalogues"]):
            text = re.sub(r"</?p>|<br ?/?>|　{2,}", "\n", files.get(str(number), ""))
            text = html.unescape(re.sub("<[^>]*>", "", text)).strip()
            texts.append(text if text.startswith(heading[:3]) else f"{heading}\n{text}")
        yield Work(Path(folder).name, author, period, "novels", "ibyli/chinese-novel", "\n\n".join(texts))


def verse(repository: Path) -> Iterator[Work]:
    """Lyrics of Song and songs of Yuan, a file to a work."""
    names = [n for n in file_names(repository) if re.match(r"宋词/ci\.song\.\d+\.json|元曲/yuanqu\.json", n)]
    for name, text in contents(repository, names):
        for begin in range(0, len(poems := json.loads(text)), 1000):
            some = poems[begin : begin + 1000]
            joined = "\n\n".join(
                "\n".join((poem.get("rhythmic") or poem.get("title", ""), poem["author"], *poem["paragraphs"]))
                for poem in some
            )
            title = f"{name.split('/')[0]} {Path(name).stem} {begin}"
            period = "宋" if name.startswith("宋") else "元"
            yield Work(title, "many", period, "verse", "chinese-poetry/chinese-poetry", joined)


def cleaned(text: str) -> list[str]:
    """The paragraphs of a text, with one kind of punctuation and without what others added."""
    kinds = {c: unicodedata.category(c) for c in set(text)}
    table = {c: "\ufffd" if kind == "Co" else "" for c, kind in kinds.items() if kind[0] == "C"}
    text = text.translate(str.maketrans(table | {"\n": "\n", "爇": "热"})).translate(WIDE)
    lines = (line.strip() for line in text.split("\n"))
    paragraphs = (punctuated(" ".join(MARK.sub("", line).split())) for line in lines if not NOTE.match(line))
    return [p for p in paragraphs if CHINESE.search(p) and not is_noise(p.lower())]


def is_noise(paragraph: str) -> bool:
    """Whether a paragraph in small letters is none of the work's."""
    return any(word in paragraph for word in NOISE.split())


def punctuated(line: str) -> str:
    """A paragraph with the punctuation of a Chinese printer, and none of a typewriter.

    >>> punctuated('他说:"走罢!" 她 不走...')
    '他说：“走罢！”她不走……'
    """
    if " " in line:
        line = re.sub(rf"{BETWEEN} +| +(?={WIDTH})", "", line)
    if HALF.search(line):
        line = re.sub(rf"{BETWEEN}[,;:?!()]|[,;:?!()](?=[\u4e00-\u9fff])", lambda found: HALF_WIDTH[found[0]], line)
    line = DASHES.sub("——", DOTS.sub("……", line)).translate(ODD)
    if '"' in line:
        quotes = itertools.cycle("“”")
        line = re.sub('"', lambda _: next(quotes), line)
    return line


def why_not(work: Work, paragraphs: list[str], known: set[int], yuanye: np.ndarray) -> str:
    """Why a work is left out, or nothing."""
    text = "".join(paragraphs)
    passages = sampled(text)
    reasons = {
        "not in the public domain, as far as is known": work.title in NOT_FREE.split(),
        "erotic": work.title in EROTIC.split(),
        "too short": len(text) < SHORTEST,
        "in the classical language": work.kind == "novels"
        and sum(map(text.count, MARKS)) < VERNACULAR * len(CHINESE.findall(text)),
        "stands in another": sum(p in known for p in passages) > SAME * len(passages),
        "left out for others' measurements": shares_passages(text, yuanye),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def hashes(text: str, window: int) -> np.ndarray:
    """A number for each passage of so many Chinese characters."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    codes = codes[(codes >= 0x4E00) & (codes <= 0x9FFF)].astype(np.uint64)
    count = max(0, len(codes) - window + 1)
    out = np.zeros(count, np.uint64)
    for i in range(window):
        out = out * np.uint64(0x9E3779B97F4A7C15) + codes[i : i + count]
    return out ^ (out >> np.uint64(29))


def shares_passages(text: str, other: np.ndarray) -> bool:
    """Whether one of the passages, as sorted numbers, stands in a text."""
    numbers = hashes(text, YUANYE)
    found = np.searchsorted(other, numbers).clip(max=len(other) - 1)
    return bool((other[found] == numbers).any())


def sampled(text: str) -> list[int]:
    """The numbers of some passages: the same ones wherever they stand."""
    numbers = hashes(text, WINDOW)
    return numbers[numbers % np.uint64(SAMPLED) == 0].tolist()


def in_some_form(paragraphs: list[str], rng: random.Random) -> str:
    """A work as one of many people would have written it, drawn at random.

    A paragraph is a line; in some it is indented by two ideographic spaces, or an empty line stands after it. In few
    the quotes are corner brackets.
    """
    indented, apart, brackets = rng.random() < 0.25, rng.random() < 0.25, rng.random() < 0.08
    text = ("\n\n" if apart else "\n").join("　　" * indented + paragraph for paragraph in paragraphs)
    for quote, bracket in zip("“”‘’", "「」『』", strict=True):
        text = text.replace(quote, bracket) if brackets else text
    return text + "\n\n\n"


def works_of(arguments: argparse.Namespace) -> Iterator[Work]:
    """All works, the better editions first."""
    yield from modern_works(arguments.shu)
    yield from essays_of_luxun(arguments.luxun)
    yield from volumes(arguments.story, ESSAYS, "zoubenjun/story")
    yield from volumes(arguments.library, COLLECTED, "LuckyQY/self.library")
    yield from novels(arguments.novels)
    yield from verse(arguments.poetry)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("shu", "novels", "library", "story", "luxun", "poetry", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    arguments = parser.parse_args()
    corpus = HERE.parent.parent / "corpora" / "yuanye" / "yuanye.txt"
    yuanye = np.unique(hashes(corpus.read_text(encoding="utf-8"), YUANYE))
    rng, known, stood, rows = random.Random(1), set(), set(), []
    taken: dict[str, list[tuple[str, str]]] = {"train": [], "validation": [], "test": []}
    shares: Counter[str] = Counter()
    for work in works_of(arguments):
        paragraphs = cleaned(work.text)
        reason = why_not(work, paragraphs, known, yuanye)
        part = "validation" if work.author in VALIDATION else "test" if work.author in TEST else "train"
        if not reason and work.kind == "verse" and shares["verse"] >= VERSE * shares.total():
            reason = "enough verse"
        text = ""
        if not reason:
            known.update(sampled("".join(paragraphs)))
            paragraphs = [p for p in paragraphs if len(p) < 20 or p not in stood]
            stood.update(paragraphs)
            for _ in range(TIMES[work.kind] if part == "train" else 1):
                text = in_some_form(paragraphs, rng)
                taken[part].append((work.kind, text))
                shares[work.kind] += len(text) * (part == "train")
        size = len(text) or sum(map(len, paragraphs))
        rows.append((*work[:4], reason or part, size, sha256(work.text), work.source))
    for texts in taken.values():
        rng.shuffle(texts)
    header = ("title", "author", "period", "kind", "part", "characters", "sha256", "source")
    write(arguments.out, "chinese", {p: [t for _, t in texts] for p, texts in taken.items()}, header, sorted(rows))
    for kind, size in shares.most_common():
        print(f"{kind}: {size:,} characters, {100 * size / shares.total():.1f} % of the training part")


if __name__ == "__main__":
    main()

"""Make the picture of the README, a terminal in which textgen learns and writes: `python docs/make_recording.py`.

The commands really run, in a folder that is removed afterwards. It takes a minute and a half on an idle machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

PICTURE = Path(__file__).with_name("recording.svg")
COLUMNS = 80
COMMANDS = [
    "textgen prepare @fables --out data/fables",
    "textgen train data/fables --out runs/fables --minutes 1 --validations 5",
    "textgen sample runs/fables -s 'THE FOX' -t 0.6 -l 400 | fold -s",
]
CHARACTER, LINE, MARGIN = 8.4, 20, 16
"""Width of a character, height of a line and the space around the text, in pixels."""
COMMAND_CLASS = ' class="command"'
STYLE = """
  svg { color-scheme: light dark; }
  text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #24292f; }
  rect { fill: #f6f8fa; stroke: #8c959f; }
  .command { font-weight: bold; fill: #0550ae; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    rect { fill: #0d1117; stroke: #6e7681; }
    .command { fill: #79c0ff; }
  }
"""


def screen(folder: Path) -> list[str]:
    """The lines of a terminal in which each command ran, standard error included."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": str(COLUMNS)}
    lines = []
    for command in COMMANDS:
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
        lines += [f"$ {command}", *done.stdout.decode().splitlines(), ""]
    return lines[:-1]


def wrapped(line: str) -> list[str]:
    """A line as a terminal breaks it."""
    return [line[start : start + COLUMNS] for start in range(0, max(len(line), 1), COLUMNS)]


def drawn(lines: list[str]) -> str:
    """An SVG of the lines. It loads nothing; every line has its width set, so any monospaced font fits."""
    rows = [(row, line.startswith("$ ")) for line in lines for row in wrapped(line)]
    width, height = COLUMNS * CHARACTER + 2 * MARGIN, len(rows) * LINE + 2 * MARGIN
    texts = [
        f'<text x="{MARGIN}" y="{MARGIN + (number + 0.75) * LINE:g}" textLength="{len(row) * CHARACTER:.1f}" '
        f'xml:space="preserve"{COMMAND_CLASS * command}>{escape(row, quote=False)}</text>'
        for number, (row, command) in enumerate(rows)
        if row
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}">\n'
        "<title>A terminal: textgen prepares a corpus, trains for a minute and writes</title>\n"
        f"<style>{STYLE}</style>\n"
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="8"/>\n'
        + "\n".join(texts)
        + "\n</svg>\n"
    )


def main() -> None:
    """Run the commands and draw."""
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(drawn(screen(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Load and sample a run over and over, while it is trained.

    python tests/trials/reader.py RUN DONE

Ends when the file DONE stands there, and prints how many times it has loaded the run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import textgen
from textgen.inference.overview import overview


def main() -> None:
    """Read until the trainer is done."""
    run, done, loads = Path(sys.argv[1]), Path(sys.argv[2]), 0
    while not done.exists():
        for checkpoint in ("best", "last"):
            textgen.load(run, checkpoint).generate("the", length=2)
            loads += 1
        overview(run)
    sys.stdout.write(f"{loads}\n")


if __name__ == "__main__":
    main()

"""Do one thing in a process of its own, and tell how much memory it took.

    python tests/trials/measure.py info RUN | load RUN | corpus FOLDER | textgen COMMAND...

The last line on standard output is the largest resident memory in megabytes; before it stands the refusal, if any.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import textgen
from textgen.cli import cli
from textgen.data.corpus import Corpus
from textgen.inference.overview import overview

DONE = {
    "info": overview,
    "load": textgen.load,
    "corpus": Corpus.load,
    "textgen": lambda *arguments: cli.main(arguments, standalone_mode=False),
}


def peak_megabytes() -> int:
    """The largest resident memory of this process. `getrusage` counts its parent's too, from before it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Do what the arguments say."""
    try:
        DONE[sys.argv[1]](*sys.argv[2:])
    except textgen.TextgenError as error:
        sys.stdout.write(f"{error}\n")
    sys.stdout.write(f"{peak_megabytes()}\n")


if __name__ == "__main__":
    main()

"""Start many textgen processes for the price of one import of TensorFlow.

Reads lines of JSON on standard input, each the arguments of a command, runs each in a forked process of its own, and
writes a line with its process number when it starts and one with its exit status when it has ended.
"""

from __future__ import annotations

import json
import os
import sys

from textgen.cli import main


def run(arguments: list[str]) -> None:
    """Be a textgen process to the end."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(quiet, descriptor)
    sys.argv = ["textgen", *arguments]
    main()


def serve() -> None:
    """Run the commands one after another."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(json.loads(line))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import textgen.training  # noqa: F401  (the costly import; what follows shares it)

    serve()

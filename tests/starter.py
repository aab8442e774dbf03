"""Start many textgen processes for the price of one import of TensorFlow.

Reads lines of JSON on standard input, each a command: its `arguments`, `cwd`, `env` and `files`, the paths that become
its standard input, output and error. Runs each in a forked process of its own, and writes a line with its process
number when it starts and one with its exit status when it has ended.
"""

from __future__ import annotations

import json
import os
import sys

from textgen.cli import main


def run(arguments: list[str], cwd: str, env: dict[str, str], files: list[str]) -> None:
    """Be a textgen process to the end."""
    for descriptor, (path, mode) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(path, mode), descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["textgen", *arguments]
    main()


def serve() -> None:
    """Run the commands one after another."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            run(**json.loads(line))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import textgen.training  # noqa: F401  (the costly import; what follows shares it)

    serve()

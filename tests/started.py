"""A textgen process that a `Starter` has started; from a shell `python started.py SOCKET ARGUMENT...`."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


class Started:
    """A command that runs.

    Args:
        address: the starter's socket.
        arguments: the words after `textgen`.
        cwd: the folder to run in.
        env: the environment.
        files: the descriptors of its standard input, output and error.
    """

    def __init__(
        self, address: str, arguments: Sequence[str], cwd: str, env: Mapping[str, str], files: Sequence[int]
    ) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(address)
        command = {"arguments": arguments, "cwd": cwd, "env": dict(env)}
        socket.send_fds(self.connection, [json.dumps(command).encode() + b"\n"], files)
        self.answers = self.connection.makefile()
        self.pid = int(self.answers.readline())

    def wait(self) -> int:
        """The exit status when it has ended, negative where a signal ended it."""
        with self.connection, self.answers:
            return int(self.answers.readline())


if __name__ == "__main__":
    status = Started(sys.argv[1], sys.argv[2:], str(Path.cwd()), os.environ, (0, 1, 2)).wait()
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        signal.raise_signal(-status)
    sys.exit(status)

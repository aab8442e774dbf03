"""Start many textgen processes for the price of one import of TensorFlow.

`python starter.py SOCKET` says when it listens there, and does until its standard input ends. A connection is one
command: a line of JSON with its `arguments`, `cwd` and `env`, and with it its standard input, output and error. It runs
in a forked process of its own. The answer is a line with the number of the process, and when it has ended one with its
exit status.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import sys

from textgen.cli import main

STANDARD = (0, 1, 2)


def run(arguments: list[str], cwd: str, env: dict[str, str], files: list[int]) -> None:
    """Be a textgen process, to the end but for the second in which Python would take TensorFlow apart."""
    for file, standard in zip(files, STANDARD, strict=True):
        os.dup2(file, standard)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["textgen", *arguments]
    status = 0
    try:
        main()
    except SystemExit as end:
        status = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def attend(connection: socket.socket) -> None:
    """Start the command of a connection, and tell how it ends."""
    given, files, _, _ = socket.recv_fds(connection, 2**20, len(STANDARD))
    while not given.endswith(b"\n"):
        given += connection.recv(2**20)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if not child:
        connection.close()
        run(**json.loads(given), files=files)
    for file in files:
        os.close(file)
    connection.sendall(b"%d\n" % child)
    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os._exit(0)


def serve(path: str) -> None:
    """Attend to connections, each in a process of its own, until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if not os.fork():
                listener.close()
                return attend(connection)
            connection.close()


if __name__ == "__main__":
    import textgen.training  # noqa: F401  (the costly import; what follows shares it)

    serve(sys.argv[1])

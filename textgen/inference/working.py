"""What a worker does: it takes tasks from a connection and sends what they yield; see `pool`."""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from typing import Any

from textgen.errors import TextgenError

Work = Callable[..., Iterable[Any]]
SECONDS = 0.05
"""What a task yields in so short a time is sent together."""


def main(connection: int, memory: int) -> None:
    """Do tasks until whoever sends them is gone.

    Args:
        connection: the descriptor of a connection. The first thing that comes is the work as a pickle, and where in
            the memory its arrays lie; then come the tasks, its arguments.
        memory: the descriptor of a file.
    """
    to_parent = Connection(connection)
    tasks: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    with contextlib.suppress(OSError, EOFError):
        data, spans = to_parent.recv()
        threading.Thread(target=take, args=(to_parent, tasks), daemon=True).start()
        try:
            arrays = memoryview(mmap.mmap(memory, 0, prot=mmap.PROT_READ))
            work: Work = pickle.loads(data, buffers=[arrays[first:end] for first, end in spans])
        except Exception as error:
            to_parent.send(told(error))
        while True:
            do(work, tasks.get(), to_parent)
    os._exit(0)


def take(connection: Connection, tasks: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    """Take tasks as they come. When the process that sends them ends, however it ends, so does this one, at once."""
    with contextlib.suppress(OSError, EOFError):
        while True:
            tasks.put(connection.recv())
    os._exit(0)


def do(work: Work, task: tuple[Any, ...], connection: Connection) -> None:
    """Send what a task yields, in lists, and at its end None, or what went wrong."""
    pieces: list[Any] = []
    sent, end = 0.0, None
    try:
        for piece in work(*task):
            pieces.append(piece)
            if time.monotonic() - sent > SECONDS:
                connection.send(pieces)
                pieces, sent = [], time.monotonic()
    except Exception as error:
        end = told(error)
    connection.send(pieces)
    connection.send(end)


def told(error: Exception) -> Exception:
    """An error as another process is told of it. One that nobody expects takes the place with it where it happened."""
    if isinstance(error, TextgenError | OSError | MemoryError):
        return error
    return RuntimeError("".join(traceback.format_exception(error)))

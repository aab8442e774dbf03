"""The processes of `workers`.

They are started anew and not forked: NumPy's matrix products can hang or crash in a forked process. Nor do they import
the program that starts them, as those of `multiprocessing` do: a script needs no guard for them. They get the model as
it stands in memory. Its arrays are written once, to a file without a name that all workers map. So they share one copy,
and a run that is replaced meanwhile changes nothing.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from textgen.data.parallel import signals_blocked
from textgen.errors import TextgenError

Task = tuple[Any, ...]
AHEAD = 2
"""For each worker as many tasks are begun as this, at most, before the first of all has been handed on."""
QUEUED = 1000
"""Messages of a task that wait to be handed on; a worker that is further ahead waits, too."""
ALIGNMENT = 64
"""Bytes."""
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
"""The cores are taken by workers, and none is left for threads of a matrix product."""


class Pool:
    """Workers, each with a thread that hands it one task after another and takes what comes.

    A process starts with the first task that there is for it.

    Args:
        work, tasks, workers: see `workers.shared_out`.
    """

    def __init__(self, work: Callable[..., Iterable[Any]], tasks: Iterable[Task], workers: int) -> None:
        self.memory = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `end`)
        self.work = self._hand_over(work)
        self.tasks = iter(tasks)
        self.count = workers
        self.turn, self.starting = threading.Lock(), threading.Lock()
        self.ahead = threading.Semaphore(workers * AHEAD)
        self.order: queue.SimpleQueue[queue.Queue[Any] | Exception | None] = queue.SimpleQueue()
        """For each task what has come of it. None is the end of the tasks."""
        self.under_way: set[queue.Queue[Any]] = set()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.ended = False
        for _ in range(workers):
            threading.Thread(target=self._attend, daemon=True).start()

    def results(self) -> Iterator[list[Any]]:
        """What the tasks yield, in their order."""
        while (output := self.order.get()) is not None:
            if isinstance(output, Exception):
                raise output
            while (pieces := output.get()) is not None:
                if isinstance(pieces, Exception):
                    raise pieces
                if pieces:
                    yield pieces
            self.under_way.discard(output)
            self.ahead.release()

    def end(self) -> None:
        """End all processes, whatever they do, and let go of their threads."""
        with self.starting:
            self.ended = True
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        for output in list(self.under_way):
            while not output.empty():
                output.get()
        self.ahead.release(self.count)
        self.memory.close()

    def _hand_over(self, work: Callable[..., Iterable[Any]]) -> tuple[bytes, list[tuple[int, int]]]:
        """The work as a pickle, and where in the memory its arrays lie."""
        arrays: list[pickle.PickleBuffer] = []
        data, spans = pickle.dumps(work, protocol=5, buffer_callback=arrays.append), []
        try:
            for array in arrays:
                self.memory.write(bytes(-self.memory.tell() % ALIGNMENT))
                first = self.memory.tell()
                self.memory.write(array.raw())
                spans.append((first, self.memory.tell()))
            self.memory.write(b"\0")  # an empty file cannot be mapped
            self.memory.flush()
        except OSError as error:
            raise TextgenError(
                f"{tempfile.gettempdir()}: {error.strerror}; workers need room for a copy of the model there, "
                "or give --workers 1"
            ) from None
        return data, spans

    def _next(self) -> tuple[Task, queue.Queue[Any]] | None:
        """The next task, once there is room for what comes of it, and the place for that; None where no more comes."""
        with self.turn:
            self.ahead.acquire()
            if self.ended:
                return None
            try:
                task = next(self.tasks)
            except StopIteration:
                self.order.put(None)
                return None
            except Exception as error:
                self.order.put(error)
                return None
            output: queue.Queue[Any] = queue.Queue(QUEUED)
            self.under_way.add(output)
            self.order.put(output)
            return task, output

    def _attend(self) -> None:
        """Hand a worker tasks as long as there are any."""
        connection: Connection | None = None
        while taken := self._next():
            task, output = taken
            try:
                connection = connection or self._start()
                connection.send(task)
                pieces: Any = []
                while isinstance(pieces, list):
                    pieces = connection.recv()
                    output.put(pieces)
            except (OSError, EOFError):
                reason = "a worker was killed, perhaps because memory ran out; give fewer --workers"
                pieces = TextgenError(reason)
                output.put(pieces)
            except Exception as error:
                pieces = error
                output.put(pieces)
            if pieces is not None:
                return

    def _start(self) -> Connection:
        """A connection to a new process, which has the work.

        Raises:
            TextgenError: the system refuses.
        """
        ours, theirs = Pipe()
        code = "import sys; from textgen.inference.working import main; main(*map(int, sys.argv[1:]))"
        handed = theirs.fileno(), self.memory.fileno()
        folders = os.pathsep.join(folder or str(Path.cwd()) for folder in sys.path)
        # Ctrl-C reaches all processes of a terminal, and is the first one's
        with theirs, self.starting, signals_blocked():
            if self.ended:
                raise TextgenError("ended")
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-c", code, *map(str, handed)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={**ONE_THREAD, **os.environ, "PYTHONPATH": folders},
                    pass_fds=handed,
                )
            except OSError as error:
                raise TextgenError(f"no worker could be started: {error.strerror}; give fewer --workers") from None
            self.processes.append(process)
        ours.send(self.work)
        return ours

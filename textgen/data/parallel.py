"""Parts of a task side by side, in processes of their own.

Nothing is imported for it, and no process started, until it is used.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

from textgen.errors import CorpusError

REPORT_SECONDS = 0.2
TASKS_PER_WORKER = 8
"""Into how many parts a worker's share is cut, so that none waits long for another at the end."""


class Workers:
    """Processes that do parts of a task; the first of them is this process itself.

    Args:
        count: how many.
        on_bytes: told the number of input bytes that the parts have read.
    """

    def __init__(self, count: int, on_bytes: Callable[[int], None]) -> None:
        self.count = count
        self.on_bytes = on_bytes
        self.pool = None

    def __enter__(self) -> Workers:
        if self.count > 1:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            context = get_context("spawn")
            self.read, self.stopped = context.Value("q", 0), context.Event()
            self.reported = 0
            shared = (self.read, self.stopped)
            self.pool = ProcessPoolExecutor(self.count - 1, context, initializer=begin, initargs=shared)
        return self

    def __exit__(self, *error: object) -> None:
        if self.pool:
            self.stopped.set()
            self.pool.shutdown(cancel_futures=True)

    def batches(self, items: list) -> list[list]:
        """Items in as many runs as it is good to hand out."""
        number = min(len(items), self.count * TASKS_PER_WORKER) if self.pool else 1
        ends = [len(items) * i // number for i in range(number + 1)]
        return [items[a:b] for a, b in pairwise(ends)]

    def map(self, task: Callable, parts: Iterable[tuple]) -> Iterator[Any]:
        """The results of `task(*part, on_bytes)` for each part, in order.

        The other processes begin with the first parts, this one with the last, so that it need not wait for them to
        start.

        Raises:
            What the first task to fail, in the order of the parts, raises; CorpusError when a worker was killed.
        """
        if not self.pool:
            yield from (task(*part, self.on_bytes) for part in parts)
            return
        from concurrent.futures.process import BrokenProcessPool

        parts = list(parts)
        try:
            with signals_blocked():
                futures = [self.pool.submit(work, task, part) for part in parts]
            last = len(parts)
            for index in range(len(parts)):
                while not futures[index].done() and last > index:
                    last -= 1
                    if futures[last].cancel():
                        futures[last] = self._do(task, parts[last])
                yield self._result(futures[index])
        except BrokenProcessPool:
            raise CorpusError("a worker was killed, perhaps for want of memory; give fewer --workers") from None

    def _do(self, task: Callable, part: tuple) -> Any:
        """Do one part here; what it raises is kept for when its turn comes."""
        from concurrent.futures import Future

        future: Future = Future()
        try:
            future.set_result(task(*part, self._report))
        except Exception as error:
            future.set_exception(error)
        return future

    def _result(self, future: Any) -> Any:
        from concurrent.futures import wait

        while not wait([future], REPORT_SECONDS).done:
            self._report()
        self._report()
        return future.result()

    def _report(self, count: int = 0) -> None:
        """Tell of bytes that were read here, and of those that the other processes have read by now."""
        read = self.read.value
        self.on_bytes(count + read - self.reported)
        self.reported = read


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Processes that are started here never get the interrupt that a terminal sends to all: it is the first one's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


shared: tuple = ()
"""In a worker: the number of bytes that all have read, and whether to stop."""


def begin(*given: Any) -> None:
    """Make a worker ready, and let it end with the process that started it, however that ends."""
    global shared  # noqa: PLW0603
    shared = given
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Wait for the parent's end, then end at once."""
    from multiprocessing import parent_process

    parent_process().join()
    os._exit(1)


def work(task: Callable, part: tuple) -> Any:
    """Do one part in a worker."""
    return task(*part, advance)


def advance(count: int) -> None:
    """Add to the bytes that were read, or give up where the work was stopped."""
    read, stopped = shared
    if stopped.is_set():
        raise KeyboardInterrupt
    with read.get_lock():
        read.value += count

"""Parts of a task side by side, in processes of their own.

Nothing is imported for it, and no process started, until it is used.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from textgen.errors import CorpusError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Event

    Number = Synchronized[int]

Item = TypeVar("Item")
Result = TypeVar("Result")
Parts = list[tuple[Any, ...]]
"""The arguments of a task, for each part."""
Done = dict[int, Result | Exception]
"""By the numbers of parts what came of them."""
REPORT_SECONDS = 0.2
TASKS_PER_WORKER = 16
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
        self.pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        if self.count > 1:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            context = get_context("spawn")
            self.read, self.taken, self.stopped = context.Value("q", 0), context.Value("q", 0), context.Event()
            self.reported = 0
            shared = (self.read, self.taken, self.stopped)
            self.pool = ProcessPoolExecutor(self.count - 1, context, initializer=begin, initargs=shared)
        return self

    def __exit__(self, *error: object) -> None:
        if self.pool:
            self.stopped.set()
            self.pool.shutdown(cancel_futures=True)

    def batches(self, items: list[Item]) -> list[list[Item]]:
        """Items in as many runs as it is good to hand out."""
        number = min(len(items), self.count * TASKS_PER_WORKER) if self.pool else 1
        ends = [len(items) * i // number for i in range(number + 1)]
        return [items[a:b] for a, b in pairwise(ends)]

    def map(self, task: Callable[..., Result], parts: Parts) -> list[Result]:
        """The results of `task(*part, on_bytes)` for each part, in order.

        Every process takes the next part that none has begun; this one need not wait for the others to start.

        Raises:
            What the first task to fail, in the order of the parts, raises; CorpusError when a worker was killed.
        """
        if not self.pool:
            return [task(*part, self.on_bytes) for part in parts]
        from concurrent.futures.process import BrokenProcessPool

        def end_all(future: Future[Done[Result]]) -> None:
            if not future.cancelled() and future.exception():
                self.taken.value = len(parts)

        self.taken.value = 0
        try:
            with signals_blocked(), main_hidden():
                futures = [self.pool.submit(work, task, parts) for _ in range(self.count - 1)]
            for future in futures:
                future.add_done_callback(end_all)
            done = take_turns(task, parts, self.taken, self._report)
            for future in futures:
                done |= self._result(future)
        except BrokenProcessPool:
            raise CorpusError("a worker was killed, perhaps because memory ran out; give fewer --workers") from None
        results = []
        for _, result in sorted(done.items()):
            if isinstance(result, Exception):
                raise result
            results.append(result)
        return results

    def _result(self, future: Future[Done[Result]]) -> Done[Result]:
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


@contextlib.contextmanager
def main_hidden() -> Iterator[None]:
    """Processes that are started here do not import the program that starts them: a script needs no guard for them."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def take_turns(
    task: Callable[..., Result], parts: Parts, taken: Number, on_bytes: Callable[[int], None]
) -> Done[Result]:
    """Do parts until all are taken.

    Args:
        task: what to do.
        parts: its arguments, for each part.
        taken: how many parts any process has begun, in shared memory.
        on_bytes: its last argument.

    Returns:
        By their numbers the results of the parts that were done here; where one failed, its exception, and nobody
        begins another.
    """
    done: Done[Result] = {}
    while (index := take(taken)) < len(parts):
        try:
            done[index] = task(*parts[index], on_bytes)
        except Exception as error:
            done[index] = error
            taken.value = len(parts)
    return done


def take(taken: Number) -> int:
    """The number of the next part."""
    with taken.get_lock():
        taken.value += 1
        return taken.value - 1


shared: tuple[Number, Number, Event]
"""In a worker: the bytes that all have read, the parts that all have begun, and whether to stop."""


def begin(*given: *tuple[Number, Number, Event]) -> None:
    """Make a worker ready, and let it end with the process that started it, however that ends."""
    global shared  # noqa: PLW0603
    shared = given
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Wait for the parent's end, then end at once."""
    from multiprocessing import parent_process

    if parent := parent_process():
        parent.join()
    os._exit(1)


def work(task: Callable[..., Result], parts: Parts) -> Done[Result]:
    """Do parts in a worker."""
    _, taken, _ = shared
    return take_turns(task, parts, taken, advance)


def advance(count: int) -> None:
    """Add to the bytes that were read, or give up where the work was stopped."""
    read, _, stopped = shared
    if stopped.is_set():
        raise KeyboardInterrupt
    with read.get_lock():
        read.value += count

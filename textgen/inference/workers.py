"""Tasks done by several processes. What they yield comes as it is made, in the order of the tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

Item = TypeVar("Item")
Task = tuple[Any, ...]


def shares(items: Iterable[Item], count: int, workers: int, most: int) -> Iterator[list[Item]]:
    """Items in runs of equal length, as many for each worker.

    Args:
        items: so many as `count`.
        count: how many there are.
        workers: how many workers there are.
        most: how long a run may be.

    >>> [len(run) for run in shares(range(130), 130, 2, 64)]
    [33, 33, 33, 31]
    """
    rounds = -(-count // (workers * most))
    length = max(1, -(-count // max(1, rounds * workers)))
    left = iter(items)
    while run := list(islice(left, length)):
        yield run


def shared_out(work: Callable[..., Iterable[Item]], tasks: Iterable[Task], workers: int) -> Iterator[list[Item]]:
    """What `work(*task)` yields for each task, in the order of the tasks.

    Args:
        work: what to do. Several workers get a copy of it by `pickle`.
        tasks: its arguments, task by task; a thread may wait for the next one meanwhile.
        workers: the number of processes; 1 does all of it here.

    Yields:
        What was yielded since the last time, one item at least.

    Raises:
        What the work raises, or `tasks`, after all that comes before it; TextgenError when a worker was killed.
    """
    if workers == 1:
        for task in tasks:
            for item in work(*task):
                yield [item]
        return
    # it is imported, and processes are started, where it is used
    from textgen.inference.pool import Pool

    pool = Pool(work, tasks, workers)
    try:
        yield from pool.results()
    finally:
        pool.end()

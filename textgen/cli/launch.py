"""Several training processes on this machine, as one training."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import click

from textgen.errors import TextgenError
from textgen.machine import check_installed, cores

GRACE_SECONDS = 10.0
"""How long the others may go on when one process has failed."""


class LaunchError(TextgenError):
    """A worker failed; its exit code is passed on."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--workers", type=click.IntRange(1, 1024), required=True, help="Number of processes.")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- train ...")
def launch(workers: int, arguments: tuple[str, ...]) -> None:
    """Train one model with several processes on this machine.

    \b
    textgen launch --workers 2 -- train data/plays --out runs/plays
    """
    if arguments[0] != "train":
        raise click.UsageError(f"launch runs `train`, got {arguments[0]!r}: textgen launch --workers N -- train ...")
    check_installed()
    run_workers(arguments, workers)


def run_workers(arguments: Sequence[str], workers: int) -> None:
    """Run a textgen command in several processes that know of one another through TF_CONFIG, and wait for them.

    The first is the chief, whose progress is shown; of the others only errors are. SIGINT and SIGTERM are passed on.
    When one fails, the others have ten seconds to end by themselves.

    Args:
        arguments: what follows `textgen`.
        workers: the number of processes.

    Raises:
        LaunchError: a process failed.
    """
    addresses = [f"localhost:{port}" for port in free_ports(workers)]
    processes = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    caught: list[int] = []
    for number in before:
        signal.signal(number, lambda number, _: caught.append(number))
    try:
        for index in range(workers):
            processes.append(start_worker(arguments, addresses, index))
        code = wait_for_all(processes, caught)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    if caught:
        raise LaunchError("stopped by a signal; the workers have saved the run", 128 + caught[-1])
    if code:
        raise LaunchError(f"a worker ended with exit code {code}; the others were ended too", code)


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nothing listens on."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in sockets]
    for server in sockets:
        server.close()
    return ports


def start_worker(arguments: Sequence[str], addresses: list[str], index: int) -> subprocess.Popen[bytes]:
    """Start one process; all share the machine's cores equally."""
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    share = max(1, cores() // len(addresses))
    environment = {"TF_NUM_INTRAOP_THREADS": str(share), **os.environ, "TF_CONFIG": json.dumps(task)}
    # a process group of its own: Ctrl-C reaches a worker once, through us
    return subprocess.Popen([sys.executable, "-m", "textgen", *arguments], env=environment, process_group=0)


def wait_for_all(processes: list[subprocess.Popen[bytes]], caught: list[int]) -> int:
    """The first exit code that is not 0, or 0 when all have ended well."""
    deadline, passed_on = None, 0
    while True:
        for number in caught[passed_on:]:
            for process in processes:
                process.send_signal(number)
            passed_on += 1
        codes = [process.poll() for process in processes]
        failed = [code for code in codes if code]
        if failed and deadline is None:
            deadline = time.monotonic() + GRACE_SECONDS
        if None not in codes or (deadline and time.monotonic() > deadline):
            # a process that a signal ended has a negative code; a shell shows 128 + signal
            return next((code if code > 0 else 128 - code for code in failed), 0)
        time.sleep(0.05)

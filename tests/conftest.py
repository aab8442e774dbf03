"""Real things that many tests share: a tiny text, its prepared corpus, a run trained on it."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support import SETTINGS, TEXT, QuietReporter, textgen_done

# no test fails by the clock: a busy machine is slow
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

PEAKS: list[int] = []
"""The most memory of each worker, as the system counts it; CONTRIBUTING.md says how much that may be."""


def pytest_configure(config):
    """Let XLA compile a function once, and every other process of these tests load what it has compiled.

    It compiles without optimization, in half of the time. Set XLA_FLAGS to other flags, or to none, to do without that.
    """
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="textgen-xla-")
        config.add_cleanup(folder.cleanup)
        os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={folder.name}"


def pytest_sessionfinish(session):
    """Tell the main process how much memory this worker took."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Keep what a worker has told."""
    PEAKS.append(getattr(node, "workeroutput", {}).get("peak", 0))


def pytest_terminal_summary(terminalreporter):
    """Say it."""
    if PEAKS:
        megabytes = max(PEAKS) / (2**20 if sys.platform == "darwin" else 2**10)
        terminalreporter.write_line(f"The largest worker took {megabytes:,.0f} MB.")


@pytest.fixture(scope="session", autouse=True)
def clean_environment():
    """No setting of the person who runs the tests changes them. Nor does a shell that ignores Ctrl-C: what they start
    has the default handlers.
    """
    for name in [name for name in os.environ if name.startswith("TEXTGEN_")]:
        del os.environ[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def memory_given_back():
    """What the models of a file took is free for the next."""
    yield
    if keras := sys.modules.get("keras"):
        keras.backend.clear_session()
        gc.collect()
        with contextlib.suppress(AttributeError):  # only the GNU C library has it
            ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make something on the disk for all workers, who only read it.

    `made_once(name, make)` is its path. It calls `make` with the path if nobody has yet.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "made"

    def path_of(name: str, make: Callable[[Path], object]) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name("lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                make(path)
        return path

    return path_of


@pytest.fixture(scope="session")
def text_file(made_once) -> Path:
    """A text of 2,700 characters, all of one sentence."""
    return made_once("text/fox.txt", lambda path: path.write_text(TEXT))


@pytest.fixture(scope="session")
def corpus_path(text_file, made_once) -> Path:
    """The prepared corpus of `text_file`."""
    return made_once("corpus/fox", lambda path: textgen_done("prepare", text_file, "--out", path))


@pytest.fixture(scope="session")
def run_path(corpus_path, made_once) -> Path:
    """A small model that knows the sentence of `corpus_path` well."""
    arguments = ("train", corpus_path, *SETTINGS, "--steps", "300", "--learning-rate", "0.02")
    return made_once("run/fox", lambda path: textgen_done(*arguments, "--out", path))


@pytest.fixture
def reporter() -> QuietReporter:
    """A reporter that keeps what it is told."""
    return QuietReporter()

"""The power fails at each step of a write in turn: what then stands on the disk is the old or the new.

    python tests/trials/power.py WRITE FOLDER

For k = 1, 2, ... a forked process writes and dies at its k-th call of open, rename, mkdir, remove or fsync, until one
lives to the end. The disk is a cruel one: what had not been synced by then is lost. It prints the number of steps.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import textgen
from textgen.config import PrepareConfig
from textgen.data.corpus import Corpus
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources
from textgen.runs.writing import write_bytes

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"}
OLD, NEW = "old text\n" * 400, "new words\n" * 500
FILES = (
    "checkpoints/best/weights.safetensors",
    "checkpoints/last/weights.safetensors",
    "checkpoints/last/training.safetensors",
    "history.csv",
)
"""What a checkpoint writes, in this order."""


def failing_at(step: int) -> None:
    """Let the power fail at a step of what this process does from now on."""
    count, synced, fsync = 0, set(), os.fsync

    def happen(event: str, arguments: tuple) -> None:
        nonlocal count
        if event == "os.rename" and os.path.isfile(arguments[0]) and os.stat(arguments[0]).st_ino not in synced:  # noqa: PTH113, PTH116
            os.truncate(arguments[0], 0)
        if event in EVENTS | {"fsync"}:
            count += 1
            if count == step:
                os._exit(1)

    def counted_fsync(descriptor: int) -> None:
        about = os.fstat(descriptor)
        lost = count + 1 == step and stat.S_ISREG(about.st_mode)
        if lost:
            os.ftruncate(descriptor, 0)
        happen("fsync", ())
        fsync(descriptor)
        synced.add(about.st_ino)

    os.fsync = counted_fsync
    sys.addaudithook(happen)


def write_file(folder: Path) -> None:
    """Replace one file."""
    write_bytes(folder / "file", NEW.encode())


def file_is_whole(folder: Path) -> str:
    """Which of the two texts the file holds."""
    return {OLD: "old", NEW: "new"}[(folder / "file").read_text()]


def prepare_corpus(folder: Path) -> None:
    """Replace a prepared corpus."""
    prepare(find_sources([str(folder / "new.txt")], []), folder / "corpus", PrepareConfig(), force=True)


def corpus_is_whole(folder: Path) -> str:
    """Which of the two texts the corpus holds."""
    corpus = Corpus.load(folder / "corpus")
    text = corpus.vocabulary.decode([*corpus.train, *corpus.validation])
    return {OLD: "old", NEW: "new"}[text]


def first_corpus_is_whole(folder: Path) -> str:
    """The corpus is whole, or nothing stands in its place."""
    return corpus_is_whole(folder) if (folder / "corpus").exists() else "old"


def write_checkpoint(folder: Path) -> None:
    """Write a newer checkpoint over an older one."""
    for name in FILES:
        write_bytes(folder / "run" / name, (folder / "newer" / name).read_bytes())


def checkpoint_is_whole(folder: Path) -> str:
    """Every file of the run is that of the older or the newer checkpoint, and the run samples."""
    textgen.load(folder / "run").generate(length=1)
    contents = {name: (folder / "run" / name).read_bytes() for name in FILES}
    older = [name for name in FILES if contents[name] == (folder / "older" / name).read_bytes()]
    newer = [name for name in FILES if contents[name] == (folder / "newer" / name).read_bytes()]
    assert set(older) | set(newer) == set(FILES)
    return "new" if set(newer) == set(FILES) else "old"


def old_corpus(folder: Path) -> None:
    """A corpus of the old text, and the new text beside it."""
    (folder / "new.txt").write_text(NEW)
    (folder / "old.txt").write_text(OLD)
    prepare(find_sources([str(folder / "old.txt")], []), folder / "corpus", PrepareConfig())


def old_run(folder: Path) -> None:
    """The older run of two, which the test has put there."""
    shutil.copytree(folder.parent / "older", folder / "run")
    for name in ("older", "newer"):
        (folder / name).symlink_to(folder.parent / name)


WRITES: dict[str, tuple[Callable, Callable, Callable]] = {
    "file": (lambda folder: (folder / "file").write_text(OLD), write_file, file_is_whole),
    "corpus": (lambda folder: (folder / "new.txt").write_text(NEW), prepare_corpus, first_corpus_is_whole),
    "forced corpus": (old_corpus, prepare_corpus, corpus_is_whole),
    "checkpoint": (old_run, write_checkpoint, checkpoint_is_whole),
}


def main() -> None:
    """Fail at every step of a write."""
    before, write, state = WRITES[sys.argv[1]]
    steps, found, status = 0, [], 1
    while status:
        steps += 1
        folder = Path(sys.argv[2]) / str(steps)
        folder.mkdir()
        before(folder)
        child = os.fork()
        if not child:
            failing_at(steps)
            write(folder)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        found.append(state(folder))
        shutil.rmtree(folder)
    assert found == sorted(found, reverse=True) and found[-1] == "new", found
    sys.stdout.write(f"{steps - 1}\n")


if __name__ == "__main__":
    main()

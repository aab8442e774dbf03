"""The run directory: every path in it, its metadata, its lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from textgen.config import ENDS, SHAPE, ModelConfig, TextConfig, TrainConfig
from textgen.errors import RunError
from textgen.runs.reading import read_json, reporting_os_errors
from textgen.runs.shipped import is_shipped, run_folder
from textgen.runs.writing import UNFINISHED, write_json

FORMAT_VERSION = 2
"""Since 2 a run can have n-gram counts."""
CHECKPOINT_STEP = re.compile("[0-9]{1,13}")
MAX_INFO_BYTES = 2**20


class Change(msgspec.Struct, kw_only=True):
    """Settings that changed after training had begun."""

    step: Annotated[int, Meta(ge=0, le=10**12)]
    """The first step that they apply to."""
    seconds: Annotated[float, Meta(ge=0, le=1e12)]
    """Seconds of training until then."""
    reason: Literal["asked", "diverged"]
    before: dict[str, Any]
    after: dict[str, Any]


class RunInfo(msgspec.Struct, kw_only=True):
    """What run.json holds: the settings in force, and how they came to be."""

    format_version: int
    textgen_version: str
    model: ModelConfig
    train: TrainConfig
    corpus: str
    corpus_fingerprint: str
    corpus_characters: Annotated[int, Meta(ge=0, le=10**18)] = 0
    """Of the training and the validation part together; 0 is unknown."""
    text: TextConfig | None = None
    """How its corpus was made; None where nobody said: in a run of an older version, or of a model from elsewhere."""
    started_from: str = ""
    """The run whose weights this one began with; empty for none."""
    started_from_sha256: str = ""
    """Of the weights that it began with; empty for none, and for runs that were made before it was noted."""
    changes: list[Change] = []

    @property
    def extension(self) -> Change | None:
        """The last change that set a new end: the schedule begins there."""
        return next((change for change in reversed(self.changes) if ENDS & change.after.keys()), None)


def best_of(checkpoints: list[str]) -> str:
    """Of a run's checkpoints that of the lowest validation loss: `best`, or before the first validation `last`.

    >>> best_of(["last"]), best_of(["best", "last"])
    ('last', 'best')
    """
    return "last" if "best" not in checkpoints and "last" in checkpoints else "best"


def shape_of(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings of a run that say which weights its network has.

    Raises:
        RunError: it is no run, or damaged.
    """
    model = Run(path).load_info().model
    return {name: getattr(model, name) for name in SHAPE}


class Run:
    """The paths and files of one run directory.

    Args:
        path: the directory, which need not exist yet; or `@name` for a model that comes with textgen.

    Raises:
        RunError: no model of this name comes with textgen.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = str(path)
        """What the user calls it."""
        self.path = run_folder(path)
        self.info_path = self.path / "run.json"
        self.counts_path = self.path / "counts.safetensors"
        self.history_path = self.path / "history.csv"
        self.events_path = self.path / "events"
        self.lock_path = self.path / "lock"

    @property
    def full_name(self) -> str:
        """What it is called from any folder."""
        return self.name if is_shipped(self.name) else str(self.path.absolute())

    def checkpoints(self) -> list[str]:
        """The names of the checkpoints that hold weights: `best`, `last` and step numbers."""
        found = [path.parent.name for path in self.path.glob("checkpoints/*/weights.safetensors")]
        known = [name for name in found if name in ("best", "last") or CHECKPOINT_STEP.fullmatch(name)]
        return sorted(known, key=lambda name: (name.isdigit(), len(name), name))

    def best_checkpoint(self) -> str:
        """See `best_of`."""
        return best_of(self.checkpoints())

    def drop_steps(self, keep: int) -> None:
        """Delete the checkpoints of steps but the newest."""
        steps = [name for name in self.checkpoints() if name.isdigit()]
        with reporting_os_errors(self.path, RunError):
            for name in steps[:-keep]:
                shutil.rmtree(self.weights_path(name).parent)

    def weights_path(self, checkpoint: str) -> Path:
        """The averaged weights of `best`, `last` or a step: what samples and scores."""
        return self.path / "checkpoints" / checkpoint / "weights.safetensors"

    @property
    def training_path(self) -> Path:
        """Everything that an exact resume needs."""
        return self.path / "checkpoints" / "last" / "training.safetensors"

    def refuse_shipped(self) -> None:
        """Raise a RunError where the run comes with textgen: it is for all, and nobody writes into it."""
        if is_shipped(self.name):
            raise RunError(
                f"{self.name}: comes with textgen and stays as it is; give another --out, and begin with it by "
                f"--from {self.name}"
            )

    def exists(self) -> bool:
        """Whether something stands at the path; a directory that is empty, or holds a lock alone, is nothing."""
        self.refuse_shipped()
        with reporting_os_errors(self.path, RunError):
            names = {path.name for path in self.path.iterdir()} if self.path.is_dir() else set()
            return self.path.is_file() or bool(names - {self.lock_path.name})

    def load_info(self) -> RunInfo:
        """Read run.json.

        Raises:
            RunError: the directory is no run, or of another format version, or damaged.
        """
        if not self.info_path.is_file():
            reason = "holds no run.json" if self.path.is_dir() else "does not exist"
            raise RunError(f"{self.path}: {reason}; expected a directory made by `textgen train`, or @name")
        info = read_json(self.info_path, RunInfo, MAX_INFO_BYTES, RunError)
        if info.format_version not in (1, FORMAT_VERSION):
            raise RunError(
                f"{self.info_path}: format version {info.format_version}, expected at most "
                f"{FORMAT_VERSION}; textgen {info.textgen_version} wrote it: upgrade textgen"
            )
        if info.format_version == 1:
            # made before there were counts
            info.model = msgspec.structs.replace(info.model, ngram_order=0)
        return info

    def save_info(self, info: RunInfo) -> None:
        """Write run.json."""
        write_json(self.info_path, info)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run for one trainer. The system lets go of it when the process ends, however it ends.

        Raises:
            RunError: another process is training this run, or the run holds what could lead out of it.
        """
        with reporting_os_errors(self.path, RunError):
            self.path.mkdir(parents=True, exist_ok=True)
            self._refuse_links()
            handle = self.lock_path.open("a+")
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                handle.seek(0)
                holder = handle.read(20).strip() or "unknown"
                raise RunError(
                    f"{self.path}: process {holder} is training this run; wait for it, or give another --out"
                ) from None
            with reporting_os_errors(self.path, RunError):
                handle.truncate(0)
                handle.write(f"{os.getpid()}\n")
                handle.flush()
                for leftover in self.path.rglob(f".*{UNFINISHED}"):
                    leftover.unlink(missing_ok=True)
            yield

    def _refuse_links(self) -> None:
        """A trainer writes into the run: nothing in it may lead elsewhere, or block who opens it."""
        for folder, folders, files in os.walk(self.path):
            for path in (Path(folder, name) for name in folders + files):
                # what another trainer has just written may be gone again
                with contextlib.suppress(FileNotFoundError):
                    mode = path.lstat().st_mode
                    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                        raise RunError(f"{path}: is a link, pipe or device; a run holds plain files and folders only")

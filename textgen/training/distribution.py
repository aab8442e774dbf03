"""Where a training runs: on one device, on all of a machine's, or on many machines (`tf.distribute`)."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from textgen.errors import ConfigError, RunError
from textgen.machine import cores, is_one_of_several
from textgen.training import quiet_standard_error

SLURM_PORT = 8888
"""Slurm names hosts but no ports; the tasks of a host listen on this one and those after it."""
MOST_TASKS = 1024
"""On one host."""
LEAST_STREAMS = 8
"""A core that has fewer multiplies matrices too thin for it."""


class Placement:
    """The devices of a training, and which streams of a batch each of them reads.

    Args:
        kind: `none`, `mirrored` (all GPUs of this machine, or else all its CPU devices), `multiworker` (the
            processes that TF_CONFIG or Slurm names), or `auto`: the last where there are several such processes,
            the second where there are several GPUs.
        batch_size: B, the streams of all devices together.

    Raises:
        ConfigError: there is no cluster, or B cannot be shared out equally.
    """

    def __init__(self, kind: str, batch_size: int) -> None:
        self.kind = kind = choose(kind)
        """Without `auto`."""
        resolver = cluster_resolver() if kind == "multiworker" else None
        with quiet_standard_error():
            self.strategy = create_strategy(kind, resolver)
        self.batch_size = batch_size
        self.replicas: int = self.strategy.num_replicas_in_sync
        if batch_size % self.replicas:
            raise ConfigError(
                f"batch_size: {batch_size} streams cannot be shared equally among {self.replicas} devices; "
                f"give a --batch-size that is a multiple of {self.replicas}"
            )
        self.share = batch_size // self.replicas
        self.chief = resolver is None or (resolver.task_type, resolver.task_id) in (("worker", 0), ("chief", 0))
        """Whether this process writes the run; one does."""
        here: list[int] = []

        def note_replica(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            here.append(context.replica_id_in_sync_group)
            return tf.constant(0)

        self.strategy.experimental_distribute_values_from_function(note_replica)
        self._gather = tf.function(lambda values: self.strategy.gather(values, 0))
        self.first = here[0]
        self.rows = slice(here[0] * self.share, (here[-1] + 1) * self.share)
        """The streams of the batch that this process reads."""
        self.parts = parts_for(self.share, cores() // len(here))
        """How many parts a CPU's streams are cut into, each for a core of its own."""

    @property
    def alone(self) -> bool:
        """Whether one device does it all."""
        return self.replicas == 1

    def place(self, rows: np.ndarray) -> tf.Tensor | tf.distribute.DistributedValues:
        """Share out this process's rows of a batch, (rows, ...), to its devices."""
        if self.alone:
            return tf.constant(rows)

        def part(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            start = (context.replica_id_in_sync_group - self.first) * self.share
            return tf.constant(rows[start : start + self.share])

        return self.strategy.experimental_distribute_values_from_function(part)

    def gather(self, values: tf.Tensor | tf.distribute.DistributedValues) -> np.ndarray:
        """The rows of all devices of all processes, (B, ...). Every process must call it."""
        return np.asarray(values if self.alone else self._gather(values))

    def agree(self, value: float) -> float:
        """The chief's value. Every process must call it."""
        if self.alone:
            return value
        mine = np.full(self.rows.stop - self.rows.start, value if self.chief else 0.0)
        return float(self.gather(self.place(mine))[0])


def parts_for(streams: int, share_of_cores: int) -> int:
    """The most equal parts of some streams that have a core each and `LEAST_STREAMS`, or else one."""
    most = min(share_of_cores, streams // LEAST_STREAMS)
    return next((parts for parts in range(most, 1, -1) if streams % parts == 0), 1)


@contextlib.contextmanager
def reporting_lost_workers(placement: Placement, run: Path) -> Iterator[None]:
    """Turn TensorFlow's errors when another process has gone, or memory runs out, into one line."""
    try:
        yield
    except tf.errors.ResourceExhaustedError:
        raise RunError(
            f"{run}: the device ran out of memory; give smaller --units, --batch-size or --seq-length to a new run"
        ) from None
    except tf.errors.OpError as error:
        if placement.alone:
            raise
        raise RunError(
            f"{run}: another worker of this training was lost ({type(error).__name__}); its last checkpoint is kept: "
            f"start all workers again with: train --resume {run}"
        ) from None


def choose(kind: str) -> str:
    """What `auto` means here."""
    if kind != "auto":
        return kind
    if is_one_of_several():
        return "multiworker"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "none"


def create_strategy(
    kind: str, resolver: tf.distribute.cluster_resolver.ClusterResolver | None
) -> tf.distribute.Strategy:
    """The strategy of a kind; for `multiworker` it waits for the other processes."""
    if kind == "multiworker":
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if kind == "mirrored":
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def cluster_resolver() -> tf.distribute.cluster_resolver.ClusterResolver:
    """What tells the processes of a training and which of them this is.

    Raises:
        ConfigError: neither TF_CONFIG nor Slurm tells.
    """
    if text := os.environ.get("TF_CONFIG"):
        check_cluster(text)
        return tf.distribute.cluster_resolver.TFConfigClusterResolver()
    if "SLURM_PROCID" in os.environ:
        return SlurmCluster()
    raise ConfigError(
        "distribute: multiworker needs TF_CONFIG or Slurm's variables, and neither is set; "
        "`textgen launch --workers N -- train ...` starts workers on this machine"
    )


class SlurmCluster(tf.distribute.cluster_resolver.SlurmClusterResolver):
    """The tasks of a Slurm job step, each with the GPUs that Slurm lets it see, which may be none."""

    def __init__(self) -> None:
        # the base class would share out a node's GPUs itself, and cannot when there are none
        super().__init__(port_base=SLURM_PORT, gpus_per_node=MOST_TASKS, gpus_per_task=1, auto_set_gpu=False)

    def num_accelerators(
        self, task_type: str | None = None, task_id: int | None = None, config_proto: Any = None
    ) -> dict[str, int]:
        """The GPUs of this task."""
        return {"GPU": len(tf.config.list_physical_devices("GPU"))}


def check_cluster(text: str) -> None:
    """Raise a ConfigError unless TF_CONFIG names workers and one of them as this process."""
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        cluster[task["type"]][int(task["index"])]
    except (ValueError, TypeError, KeyError, IndexError):
        form = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
        raise ConfigError(
            f"TF_CONFIG: {text[:80]!r} names no cluster with this process in it; expected {form}"
        ) from None

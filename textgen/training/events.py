"""The history for TensorBoard."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import tensorflow as tf

from textgen.errors import RunError
from textgen.runs.history import HistoryRow
from textgen.runs.run import Run

SCALARS = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"})


@contextlib.contextmanager
def writing_events(run: Run) -> Iterator[None]:
    """Collect what `write_event` writes in a file of the run.

    Raises:
        RunError: the system refuses, for instance because the disk is full.
    """
    folder = os.fsencode(run.events_path)
    try:
        writer = tf.summary.create_file_writer(folder)
        try:
            with writer.as_default():
                yield
        finally:
            writer.close()
    except tf.errors.OpError as error:
        # the lines after the first tell where a function was defined, and may name this module
        first = error.message.partition("\n")[0]
        if run.events_path.name not in first:
            raise
        reason = first.rsplit("; ", 1)[-1]
        raise RunError(f"{run.events_path}: cannot be written: {reason}") from None


def write_event(row: HistoryRow) -> None:
    """Write the figures of one validation."""
    for name in ("train_bpc", "validation_bpc", "network_bpc", "learning_rate", "characters_per_second"):
        if (value := getattr(row, name)) is not None:
            # tf.summary.scalar would want TensorBoard installed to write, not only to read
            tf.summary.write(name, tf.constant(value, tf.float32), row.step, SCALARS)

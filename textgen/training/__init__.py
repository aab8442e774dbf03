"""Ids to a run. The only folder that imports TensorFlow or Keras.

Raises:
    TextgenError: when it is imported where one of them is not installed.
"""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator

from textgen.machine import check_installed


@contextlib.contextmanager
def quiet_standard_error() -> Iterator[None]:
    """Keep what native code writes to standard error away from the user, unless the block fails."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        except BaseException:
            noise.seek(0)
            os.write(kept, noise.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


check_installed()
logging.getLogger("tensorflow").setLevel(logging.ERROR)
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with quiet_standard_error():
    import keras  # noqa: F401

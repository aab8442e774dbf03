"""How much of the validation part is validated: all validations together take at most a tenth of the time.

Where training ends by minutes, a validation waits until it takes no more than `SHARE` of the time since the one before,
and the last one starts so early that it ends on time. Its size, where nobody gave one, follows from the same share and
from the speed, which is measured before the clock starts. Where training ends by steps or epochs alone, the clock
decides nothing, so that the same settings always validate the same characters.
"""

from __future__ import annotations

from textgen.config import TrainConfig
from textgen.data.evaluation import WINDOW, countable_characters, stream_count

SHARE = 1 / 20
"""Of the time for all validations but the last, and the most for the last."""
LEAST = 2**17
"""Characters whose mean is within about 0.01 bits of that of a large part. Fewer count for want of time alone."""
MOST = 1_000_000
FORWARD_SPEED = 3
"""How many characters are validated in the time in which one is trained on, about."""


def size_by_time(config: TrainConfig, characters: int, window_seconds: float, fit_seconds: float = 0.0) -> int:
    """How many characters to validate in a training that ends by minutes.

    Args:
        config: the settings.
        characters: those of the validation part.
        window_seconds: what a window of all streams takes.
        fit_seconds: what each validation takes besides.
    """
    seconds = 60 * (config.end_minutes or 0) * SHARE

    def countable(seconds: float) -> int:
        windows = max(0.0, seconds - fit_seconds) / window_seconds
        return countable_characters(characters, int(windows))

    return min(characters, MOST, max(min(LEAST, countable(seconds / 2)), countable(seconds / config.validations)))


def size_by_steps(config: TrainConfig, characters: int, windows_per_epoch: int) -> int:
    """How many characters to validate in a training that ends by steps or epochs alone.

    Args:
        config: the settings.
        characters: those of the validation part.
        windows_per_epoch: the steps of an epoch.
    """
    ends = config.steps, config.epochs and config.epochs * windows_per_epoch
    trained = min(end for end in ends if end) * config.batch_size * config.seq_length
    windows = FORWARD_SPEED * SHARE * trained / (stream_count(characters) * WINDOW)
    return min(characters, MOST, max(LEAST, countable_characters(characters, int(windows / config.validations))))

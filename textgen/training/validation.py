"""How much of the validation part is validated: all validations together take at most a tenth of the time.

Where training ends by minutes, a validation waits until it takes no more than `SHARE` of the time since the one before,
and the last one starts so early that it ends on time. Its size, where nobody gave one, follows from the same share and
from the speed, which is measured before the clock starts. Where training ends by steps or epochs alone, the clock
decides nothing, so that the same settings always validate the same characters.

At the end the last weights and those that were the best until then are compared on more characters, if there is time.
"""

from __future__ import annotations

from textgen.config import TrainConfig
from textgen.data.evaluation import WINDOW, countable_characters, counted_characters, stream_count, window_count

SHARE = 1 / 20
"""Of the time for all validations but the last, and the most for the last."""
LEAST = 2**17
"""Characters whose mean is within about 0.01 bits of that of a large part. Fewer count for want of time alone."""
MOST = 1_000_000
SHARE_AT_END = 1 / 8
"""Of the time, at most, for the comparison at the end on `LEAST_AT_END` characters. One on all has `SHARE`."""
LEAST_AT_END = 20_000
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
    windows = SHARE * windows_by_steps(config, characters, windows_per_epoch)
    return min(characters, MOST, max(LEAST, countable_characters(characters, int(windows / config.validations))))


def windows_by_steps(config: TrainConfig, characters: int, windows_per_epoch: int) -> float:
    """How many windows of a validation take as long as a training that ends by steps or epochs, about."""
    ends = config.steps, config.epochs and config.epochs * windows_per_epoch
    trained = min(end for end in ends if end) * config.batch_size * config.seq_length
    return FORWARD_SPEED * trained / (stream_count(characters) * WINDOW)


def size_at_end(characters: int, size: int, windows: float) -> int:
    """How many characters to compare the last weights and the best on: all, if there is time, or `LEAST_AT_END`.

    Args:
        characters: those of the validation part.
        size: how many each validation has, which is the least.
        windows: how many windows take as long as the whole training.
    """
    most, least = (counted_characters(characters, size) for size in (MOST, LEAST_AT_END))
    for end, share in ((most, SHARE), (least, SHARE_AT_END)):
        if end > size and 2 * window_count(characters, end) <= share * windows:
            return end
    return size

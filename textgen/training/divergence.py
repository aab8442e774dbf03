"""Whether a training has diverged: its loss is not a number, or far above its own past."""

from __future__ import annotations

from textgen.errors import TextgenError

MOMENTUM = 0.9
HALVINGS = 3
"""How often a run may go back and halve its learning rate before it gives up."""


class Diverged(TextgenError):
    """The training has diverged; what it did since the last checkpoint is of no use."""


def smoothed(recent: float | None, loss: float) -> float:
    """The mean of the last losses, the newest weighing most."""
    return loss if recent is None else MOMENTUM * recent + (1 - MOMENTUM) * loss


def is_astray(recent: float, lowest: float) -> bool:
    """Whether the recent loss, in nats per character, is far above the lowest one so far.

    Half as much again and one nat more: ordinary training and its spikes stay well below that.

    >>> is_astray(2.0, 1.3), is_astray(3.2, 1.3), is_astray(float("nan"), 1.3)
    (False, True, True)
    """
    return not recent <= 1.5 * lowest + 1

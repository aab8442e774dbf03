"""Where a training stands."""

from __future__ import annotations

import msgspec

from textgen.runs.history import Amount, Count, HistoryRow


class Position(msgspec.Struct, kw_only=True):
    """Where a training stands, besides its tensors."""

    step: Count = 0
    seconds: Amount = 0.0
    loss_sum: Amount = 0.0
    """Nats per character, added up over the steps since the last validation."""
    loss_steps: Count = 0
    validations: Count = 0
    validated: Count = 0
    """Characters of the validation part that `best` is of: as many as each validation has, or more at the end."""
    held_out: Count = 0
    best: Amount | None = None
    """The lowest validation loss, in nats per character."""
    best_step: Count = 0
    stale: Count = 0
    """Validations since the best."""
    recent: Amount | None = None
    """The training loss of late, in nats per character, and the lowest that it has been."""
    lowest: Amount | None = None
    changes: Count = 0
    """How many of the run's changes of settings have been taken in."""
    finished: bool = False
    history: list[HistoryRow] = []

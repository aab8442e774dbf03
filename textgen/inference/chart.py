"""The learning curve of a run in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textgen.runs.history import Point

WIDTH, HEIGHT = 64, 6
MOST = 1e9
"""What a damaged history claims beyond it is cut."""
BLOCKS = " ▁▂▃▄▅▆▇█"


def learning_curve(curve: Sequence[Point]) -> list[str]:
    """Lines of at most 80 columns that show bits per character in validation over minutes; none for a single point.

    >>> print(learning_curve([Point(0, None, 4.0), Point(60, None, 2.0), Point(120, None, 2.0)])[0])
    4 │█▇▅▄▂▁
    """
    points = [(point.seconds, point.validation_bpc) for point in curve if point.validation_bpc is not None]
    if len(points) < 2:
        return []
    seconds, bits = np.array(points).clip(0, MOST).T
    low, high = float(bits.min()), float(bits.max())
    columns = np.interp(np.linspace(seconds[0], seconds[-1], WIDTH), seconds, bits)
    levels = 1 + np.rint((columns - low) / ((high - low) or 1) * (HEIGHT * 8 - 1)).astype(int)
    rows = [
        "".join(BLOCKS[min(8, max(0, level - 8 * row))] for level in levels.tolist()) for row in reversed(range(HEIGHT))
    ]
    names = [f"{high:.4g}", *[""] * (HEIGHT - 2), f"{low:.4g}"]
    margin = max(map(len, names))
    end = f"{seconds[-1] / 60:.1f} minutes"
    start = f"{seconds[0] / 60:.1f}"
    return [
        *(f"{name:>{margin}} │{row}".rstrip() for name, row in zip(names, rows, strict=True)),
        f"{'':{margin}} └{'─' * WIDTH}",
        f"{'':{margin}}  {start}{end:>{WIDTH - len(start)}}",
    ]

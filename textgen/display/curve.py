"""The learning curve of a run as a picture in HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from textgen.runs.history import Point

WIDTH, HEIGHT = 360, 200
VALIDATION, TRAINING = "#d9772b", "#3f7fbf"
PICTURE_STYLE = f"""<style>
text {{ font: 11px sans-serif; fill: #888; }}
.axis {{ stroke: #888; fill: none; }}
.validation {{ stroke: {VALIDATION}; fill: none; stroke-width: 2; }}
.training {{ stroke: {TRAINING}; fill: none; stroke-width: 1.5; stroke-dasharray: 4 3; }}
</style>"""
LEFT, BOTTOM, MARGIN = 44, 28, 10


def curve_picture(curve: Sequence[Point]) -> str:
    """The same as an image. A notebook that is not trusted takes drawings out, and leaves images."""
    legend, svg, drawing = curve_svg(curve).partition("<svg ")
    if not svg:
        return ""
    head, end, rest = drawing.partition(">")
    data = f'<svg xmlns="http://www.w3.org/2000/svg" {head}{end}{PICTURE_STYLE}{rest}'
    encoded = base64.b64encode(data.encode()).decode()
    return f'{legend}<img width="{WIDTH}" alt="learning curve" src="data:image/svg+xml;base64,{encoded}">'


def curve_svg(curve: Sequence[Point]) -> str:
    """Bits per character over minutes, in training and in validation; nothing for fewer than two points."""
    lines = {
        "validation": [(p.seconds, p.validation_bpc) for p in curve if p.validation_bpc is not None],
        "training": [(p.seconds, p.train_bpc) for p in curve if p.train_bpc is not None],
    }
    points = [point for line in lines.values() for point in line]
    if len(points) < 2:
        return ""
    most_seconds = max(seconds for seconds, _ in points) or 1
    low, high = min(bpc for _, bpc in points), max(bpc for _, bpc in points)
    right, floor = WIDTH - MARGIN, HEIGHT - BOTTOM

    def x(seconds: float) -> float:
        return LEFT + (right - LEFT) * seconds / most_seconds

    def y(bpc: float) -> float:
        return floor - (floor - MARGIN) * (bpc - low) / ((high - low) or 1)

    drawn = "\n".join(
        f'<polyline class="{name}" points="{" ".join(f"{x(s):.1f},{y(b):.1f}" for s, b in line)}"/>'
        for name, line in lines.items()
    )
    told = f"Learning curve: bits per character fall from {high:.2f} to {low:.2f} in {most_seconds / 60:.1f} minutes"
    return (
        '<p>Bits per character in <span class="validation">validation</span> and '
        '<span class="training">training</span> (dashed)</p>\n'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">\n'
        f'<path class="axis" d="M{LEFT} {MARGIN}V{floor}H{right}"/>\n{drawn}\n'
        f'<text x="{LEFT - 6}" y="{MARGIN + 8}" text-anchor="end">{high:.2f}</text>\n'
        f'<text x="{LEFT - 6}" y="{floor}" text-anchor="end">{low:.2f}</text>\n'
        f'<text x="{LEFT}" y="{HEIGHT - 8}">0</text>\n'
        f'<text x="{right}" y="{HEIGHT - 8}" text-anchor="end">{most_seconds / 60:.1f} minutes</text>\n</svg>'
    )

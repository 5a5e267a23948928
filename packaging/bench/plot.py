"""Draws a scatter plot as SVG, both axes logarithmic."""

from __future__ import annotations

import html
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 640, 380, 56
TICKS = [factor * 10**power for power in range(-2, 5) for factor in (1, 2, 5)]
STYLE = "text{font:12px sans-serif;fill:#555}line{stroke:#ccc}.ours{fill:#1668c7}.rival{fill:#c4501b}"


@dataclass(frozen=True, slots=True)
class Point:
    """A dot with its name; `rival` gives it the other colour."""

    label: str
    x: float
    y: float
    rival: bool = False


def scatter(points: Sequence[Point], x_title: str, y_title: str) -> str:
    """The picture. Labels stand above their dots, or below where the room above is taken."""
    across = _Axis([point.x for point in points], MARGIN, WIDTH - MARGIN)
    up = _Axis([point.y for point in points], HEIGHT - MARGIN, 24)
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for tick in across.ticks:
        x = across.place(tick)
        parts.append(f'<line x1="{x:.0f}" y1="24" x2="{x:.0f}" y2="{HEIGHT - MARGIN}"/>')
        parts.append(_text(x, HEIGHT - MARGIN + 16, f"{tick:g}"))
    for tick in up.ticks:
        y = up.place(tick)
        parts.append(f'<line x1="{MARGIN}" y1="{y:.0f}" x2="{WIDTH - MARGIN}" y2="{y:.0f}"/>')
        parts.append(_text(MARGIN - 16, y + 4, f"{tick:g}"))
    parts.append(_text(WIDTH / 2, HEIGHT - 12, x_title))
    parts.append(_text(MARGIN, 16, y_title))
    taken: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda point: point.y):
        x, y = across.place(point.x), up.place(point.y)
        kind = "rival" if point.rival else "ours"
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        free = [
            line
            for line in (y - 9, y + 18, y - 23, y + 32)
            if all(abs(line - b) > 12 or abs(x - a) > 110 for a, b in taken)
        ]
        line = free[0] if free else y - 37
        taken.append((x, line))
        parts.append(_text(x, line, point.label))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" text-anchor="middle">\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


class _Axis:
    """From values to places; a little wider than what it shows."""

    def __init__(self, values: Sequence[float], first: float, last: float) -> None:
        self._low, high = log10(min(values) / 1.5), log10(max(values) * 1.5)
        self._first, self._step = first, (last - first) / (high - self._low)
        self.ticks = [tick for tick in TICKS if self._low <= log10(tick) <= high]

    def place(self, value: float) -> float:
        return self._first + (log10(value) - self._low) * self._step


def _text(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}">{html.escape(words)}</text>'

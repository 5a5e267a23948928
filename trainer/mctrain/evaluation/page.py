"""The report page of a model: a scatter plot of accuracy against latency in SVG, then a table per task with intervals and
both halves.
"""

from __future__ import annotations

import html
import os
import platform
from dataclasses import dataclass
from math import ceil, log10
from typing import TYPE_CHECKING
from urllib.parse import quote

from mctrain.evaluation.outcome import RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.evaluation.evaluated_model import EvaluatedModel
    from mctrain.evaluation.outcome import Interval
    from mctrain.evaluation.report import TaskResult


WIDTH, HEIGHT, MARGIN = 640, 380, 56
STYLE = "text{font:12px sans-serif;fill:#555}line{stroke:#ccc}.ours{fill:#1668c7}.rival{fill:#c4501b}"
_TOP = 24
_LETTER = 6.5  # approximate width of a character in pixels
_FACTORS = [factor * 10**power for power in range(-2, 5) for factor in (1, 2, 5)]
_LEAST_ROOM, _MOST_LINES = 5, 6  # margin around the points in percent; most grid lines of a percent axis


QUERY = "a dog in the snow"
ROUNDS, CALLS = 9, 3


@dataclass(frozen=True, slots=True)
class Point:
    """A labelled point; `rival` selects the other colour."""

    label: str
    x: float
    y: float
    rival: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """The values at both ends, a little wider than the data, and the values with grid lines."""

    title: str
    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool

    def place(self, value: float, first: float, last: float) -> float:
        """The coordinate of a value, given those of the ends."""
        low, high, item = (log10(each) if self.logarithmic else each for each in (self.low, self.high, value))
        return first + (last - first) * (item - low) / (high - low)


def factors(title: str, values: Sequence[float]) -> Axis:
    """A logarithmic axis."""
    low, high = min(values) / 1.5, max(values) * 1.5
    return Axis(title, low, high, tuple(tick for tick in _FACTORS if low <= tick <= high), logarithmic=True)


def percent(title: str, values: Sequence[float]) -> Axis:
    """A percent axis, cropped around the values."""
    room = max(_LEAST_ROOM, (max(values) - min(values)) / 4)
    low, high = max(0.0, min(values) - room), min(100.0, max(values) + room)
    step = next(each for each in (1, 2, 5, 10, 20) if (high - low) / each <= _MOST_LINES)
    ticks = range(ceil(low / step) * step, int(high) + 1, step)
    return Axis(title, low, high, tuple(map(float, ticks)), logarithmic=False)


def scatter(points: Sequence[Point], across: Axis, up: Axis) -> str:
    """The SVG. Labels are above their points, or below if the space is taken."""
    body = "\n".join([*_lines(across, up), *_dots(points, across, up)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" text-anchor="middle">\n'
        f"<style>{STYLE}</style>\n{body}\n</svg>\n"
    )


def _lines(across: Axis, up: Axis) -> list[str]:
    low = HEIGHT - MARGIN
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    for tick in across.ticks:
        x = across.place(tick, MARGIN, WIDTH - MARGIN)
        parts.append(f'<line x1="{x:.0f}" y1="{_TOP}" x2="{x:.0f}" y2="{low}"/>')
        parts.append(_text(x, low + 16, f"{tick:g}"))
    for tick in up.ticks:
        y = up.place(tick, low, _TOP)
        parts.append(f'<line x1="{MARGIN}" y1="{y:.0f}" x2="{WIDTH - MARGIN}" y2="{y:.0f}"/>')
        parts.append(_text(MARGIN - 16, y + 4, f"{tick:g}"))
    return [*parts, _text(WIDTH / 2, HEIGHT - 12, across.title), _text(MARGIN, 16, up.title)]


def _dots(points: Sequence[Point], across: Axis, up: Axis) -> list[str]:
    parts: list[str] = []
    taken: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda point: point.y):
        x, y = across.place(point.x, MARGIN, WIDTH - MARGIN), up.place(point.y, HEIGHT - MARGIN, _TOP)
        kind = "rival" if point.rival else "ours"
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        lines = (y - 9, y + 18, y - 23, y + 32)
        free = (each for each in lines if all(abs(each - b) > 12 or abs(x - a) > 110 for a, b in taken))
        line = next(free, y - 37)
        taken.append((x, line))
        parts.append(_text(x, line, point.label))
    return parts


def _text(x: float, y: float, words: str) -> str:
    """Centred text, shifted if needed to stay inside the picture."""
    half = min(WIDTH, _LETTER * len(words)) / 2
    x = min(max(x, half), WIDTH - half)
    return f'<text x="{x:.0f}" y="{y:.0f}">{html.escape(words)}</text>'


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds per photo and per query, unbatched on one thread, and the runtime of the towers.

    The median over `ROUNDS` rounds of the minimum over `CALLS` calls.
    """

    image: float
    text: float
    runtime: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The mean of the first figure of each task, on the reported half; `of` names these figures."""

    percent: float
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A model in the plot."""

    name: str
    accuracy: Accuracy
    latency: Latency


def accuracy_of(results: Sequence[TaskResult]) -> Accuracy | None:
    """The mean accuracy of several tasks, or None if none is left.

    Tasks without a reported half, and those where lower is better, are left out.
    """
    asked = [each for each in results if not each.less_is_better]
    figures = {f"{each.task} {each.figures[0].name}": each.figures[0].reporting for each in asked}
    reported = {name: figure for name, figure in figures.items() if figure is not None}
    return Accuracy(sum(reported.values()) / len(reported), tuple(reported)) if reported else None


def accuracy_plot(models: Sequence[Placed]) -> str:
    """The plot as SVG: the first model in one colour, the others in another."""
    points = [
        Point(model.name, model.latency.image, model.accuracy.percent, rival=number > 0)
        for number, model in enumerate(models)
    ]
    of = models[0].accuracy.of
    title = of[0] if len(of) == 1 else f"mean of {len(of)} figures"
    across = factors("ms a photo, image tower, one thread", [each.x for each in points])
    return scatter(points, across, percent(f"accuracy, %: {title}", [each.y for each in points]))


_HOW = f"""Figures are percent. The interval is the middle 95 % of {RESAMPLES:,} resamples of the photos, each with all its
texts, and of a share at 0 and 100 % the exact one; the noise of training is not in it. Settings are chosen by one half of the photos and figures reported of the other:
even and odd SHA-256 of their keys. Equal scores count against the model.
"""
_AGAINST = """The last three columns tell what it has above the other one, in points, on the same resamples, and the share of
these in which it has more, with half of those in which both have the same.
"""
_MEASURED = f"""Milliseconds are of a tower alone, given one photo as pixels or one query (“{QUERY}”) as tokens, on one thread of
{{machine}}: of {ROUNDS} rounds the median of the least of {CALLS} calls, models in turns.
"""
_PLACES = ("model", "accuracy", "ms a photo", "ms a query", "run by")
_COLUMNS = ("figure", "all", "95 % interval", "chosen by", "reported")
_MORE = ("above the other", "95 % interval", "more in")


def markdown(
    results: Sequence[TaskResult],
    model: EvaluatedModel,
    other: EvaluatedModel | None,
    placed: Sequence[Placed],
    plot: str,
) -> str:
    """The page; `plot` is the file name of the plot, `placed` are its models."""
    parts = [f"# {_plain(model.name)}\n", f"Weights `{model.digest}`.\n", _HOW]
    if other:
        parts += [f"Beside it stands {_plain(other.name)}, weights `{other.digest}`. {_AGAINST}"]
    if placed:
        parts += [_against_latency(placed, plot)]
    return "\n".join(parts + [_table(each) for each in results])


def _against_latency(placed: Sequence[Placed], plot: str) -> str:
    rows = [
        (
            _plain(model.name),
            f"{model.accuracy.percent:.1f}",
            f"{model.latency.image:.1f}",
            f"{model.latency.text:.1f}",
            model.latency.runtime,
        )
        for model in placed
    ]
    of = ", ".join(map(_plain, placed[0].accuracy.of))
    machine = f"{platform.processor() or platform.machine()} with {os.cpu_count()} cores, {platform.system()}"
    return (
        f"## Accuracy against latency\n\n![Accuracy against latency]({quote(plot)})\n\n{_rows(_PLACES, rows)}\n"
        f"Accuracy is the mean of the first figures of the tasks, of the reported half: {of}.\n"
        f"{_MEASURED.format(machine=_plain(machine))}"
    )


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ("---", *["---:"] * (len(columns) - 1)), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _table(result: TaskResult) -> str:
    apart = {lead.figure: lead for lead in result.differences}
    rows = []
    for figure in result.figures:
        halves = ("" if half is None else f"{half:.1f}" for half in (figure.choosing, figure.reporting))
        rows.append([_plain(figure.name), f"{figure.percent:.1f}", _span(figure.interval), *halves])
        if lead := apart.get(figure.name):
            rows[-1] += [f"{lead.points:+.1f}", _span(lead.interval), f"{lead.better:.1%}"]
    asked = f"{result.photos:,} photos, {result.texts:,} texts.{' Less is better.' * result.less_is_better}"
    return f"## {_plain(result.task)}\n\n{asked}\n\n" + _rows(_COLUMNS + (_MORE if apart else ()), rows)


def _span(each: Interval) -> str:
    return f"{each.low:.1f} to {each.high:.1f}"


def _plain(text: str) -> str:
    """Escapes names, so that they neither break a table nor become markup."""
    return "".join(f"\\{sign}" if sign in "\\|`*_[]<>#" else sign for sign in " ".join(text.split()))

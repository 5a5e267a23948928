"""How accurate a model is in one number, and what that costs in time: the plot of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.evaluation.plot import Point, factors, percent, scatter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.evaluation.report import Result


QUERY = "a dog in the snow"
ROUNDS, CALLS = 9, 3


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one photo and of one query, each alone on one thread, and what runs the towers.

    Of each of `ROUNDS` rounds the least of `CALLS` calls counts, and of these the median.
    """

    image: float
    text: float
    runtime: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The mean of the first figure of each task, of the half that is reported; `of` names these figures."""

    percent: float
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A model in the plot."""

    name: str
    accuracy: Accuracy
    latency: Latency


def accuracy_of(results: Sequence[Result]) -> Accuracy | None:
    """One number of several tasks, and None where none is left.

    Left out are tasks without a reported half, and those of which less is better.
    """
    asked = [own for own in results if not own.less_is_better]
    told = {f"{own.task} {own.figures[0].name}": own.figures[0].reporting for own in asked}
    reported = {name: figure for name, figure in told.items() if figure is not None}
    return Accuracy(sum(reported.values()) / len(reported), tuple(reported)) if reported else None


def accuracy_plot(models: Sequence[Placed]) -> str:
    """The picture, SVG: the first model in one colour, what it stands beside in another."""
    points = [
        Point(own.name, own.latency.image, own.accuracy.percent, rival=number > 0)
        for number, own in enumerate(models)
    ]
    of = models[0].accuracy.of
    title = of[0] if len(of) == 1 else f"mean of {len(of)} figures"
    across = factors("ms a photo, image tower, one thread", [own.x for own in points])
    return scatter(points, across, percent(f"accuracy, %: {title}", [own.y for own in points]))

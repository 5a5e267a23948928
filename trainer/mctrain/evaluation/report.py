"""Figures as they are told: to a terminal and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mctrain.evaluation.halves import reporting

if TYPE_CHECKING:
    from mctrain.evaluation.measure import Answers
    from mctrain.evaluation.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in percent: of all photos, of the half that settings are chosen by, and of the half that is reported.

    A half is None where it has nothing of a group.
    """

    name: str
    percent: float
    choosing: float | None
    reporting: float | None

    def sentence(self) -> str:
        """For a terminal."""
        return f"{self.name} {self.percent:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """What one task says about a subject."""

    task: str
    photos: int
    texts: int
    figures: tuple[Figure, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """One line for a terminal."""
        figures = ", ".join(own.sentence() for own in self.figures)
        return f"{self.task}: {self.photos} photos, {self.texts} texts; {figures}"


def result_of(task: str, answers: Answers) -> Result:
    """The figures of the answers to a task."""
    odd = reporting(answers.keys)

    def figure(outcome: Outcome) -> Figure:
        halves = (outcome.percent(~odd), outcome.percent(odd))
        return Figure(outcome.figure, _rounded(outcome.percent()) or 0.0, *map(_rounded, halves))

    return Result(task, len(answers.keys), answers.texts, tuple(map(figure, answers.outcomes)))


def _rounded(percent: float | None) -> float | None:
    return None if percent is None else round(percent, 2)

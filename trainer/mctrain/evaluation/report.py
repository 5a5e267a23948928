"""Figures for the terminal and as JSON, and stored by the digest of a model's weights.

A set has two halves: one to choose settings, the other to report. The parity of the SHA-256 of a photo's key, as a number,
decides. `everyday-dev` consists of the photos where that number is a multiple of 20, so there the parity of the quotient
decides.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mctrain.atomic_files import open_atomic
from mctrain.evaluation.outcome import Difference, Interval, difference, interval_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mctrain.evaluation.outcome import Answers


_DRAWN = 20


_FOLDER = "scores"


def reported_half(keys: Sequence[str]) -> NDArray[np.bool_]:
    """Which photos [n] are in the reported half; the others choose settings."""
    numbers = [int(hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest(), 16) for key in keys]
    if all(number % _DRAWN == 0 for number in numbers):
        numbers = [number // _DRAWN for number in numbers]
    return np.array([number % 2 == 1 for number in numbers], np.bool_)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in percent: over all photos, over the half that chooses settings, and over the reported half.

    A half is None if it lacks a group.
    """

    name: str
    percent: float
    interval: Interval
    choosing: float | None
    reporting: float | None


@dataclass(frozen=True, slots=True)
class TaskResult:
    """A model's figures on one task, and its lead over another one; `less_is_better` for some tasks."""

    task: str
    photos: int
    texts: int
    figures: tuple[Figure, ...]
    differences: tuple[Difference, ...] = ()
    less_is_better: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        document: dict[str, Any] = _rounded(asdict(self))
        return document

    def sentences(self, against: str = "") -> list[str]:
        """A line for the terminal, and another for the differences."""
        asked = f"{self.photos} photos, {self.texts} texts{', less is better' * self.less_is_better}"
        figures = [f"{each.name} {each.percent:.2f} {_span(each.interval)}" for each in self.figures]
        lines = [f"{self.task}: {asked}; {'; '.join(figures)}"]
        if self.differences:
            leads = [
                f"{lead.figure} {lead.points:+.2f} {_span(lead.interval)}, more in {lead.better:.1%}"
                for lead in self.differences
            ]
            lines.append(f"{self.task}, against {against}: {'; '.join(leads)}")
        return lines


def result_of(task: str, answers: Answers, others: Answers | None = None) -> TaskResult:
    """The figures of the answers to a task; `others` are another model's answers to the same questions."""
    odd = reported_half(answers.keys)
    figures = []
    for outcome in answers.outcomes:
        percent = outcome.percent()
        assert percent is not None, "every group of it has a question"
        halves = outcome.percent(~odd), outcome.percent(odd)
        figures.append(Figure(outcome.figure, percent, interval_of(outcome), *halves))
    pairs = zip(answers.outcomes, others.outcomes, strict=True) if others else ()
    apart = tuple(difference(one, other) for one, other in pairs)
    return TaskResult(task, len(answers.keys), answers.texts, tuple(figures), apart, answers.less_is_better)


def _span(each: Interval) -> str:
    return f"({each.low:.2f} to {each.high:.2f})"


def _rounded(content: Any) -> Any:
    """Rounds the numbers of a JSON document to four places."""
    if isinstance(content, dict):
        return {key: _rounded(each) for key, each in content.items()}
    if isinstance(content, (list, tuple)):
        return [_rounded(each) for each in content]
    return round(content, 4) if isinstance(content, float) else content


def save_scores(cache: Path, digest: str, results: Sequence[TaskResult]) -> None:
    """Stores the line of each task; replaces earlier lines of the same task.

    Raises:
        OSError: the file cannot be written.
    """
    kept = _read(_file(cache, digest)) | {each.task: each.sentences()[0] for each in results}
    with open_atomic(_file(cache, digest)) as file:
        file.write(json.dumps(kept, indent=1).encode())


def load_scores(cache: Path, digest: str) -> list[str]:
    """The stored lines, one per task; empty if the model was never measured with this cache."""
    return list(_read(_file(cache, digest)).values())


def _file(cache: Path, digest: str) -> Path:
    return cache / _FOLDER / f"{digest}.json"


def _read(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # a cache may be deleted at any time; a damaged file is made again
    return {str(task): str(line) for task, line in kept.items()} if isinstance(kept, dict) else {}

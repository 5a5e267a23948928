"""What a search gives back: ranked photos and, where the query had faults, their places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.models.calibration import Match


@dataclass(frozen=True, slots=True)
class Result:
    """One photo of an answer; `path` is its primary file, `width` and `height` are upright pixels.

    `match` is None where the model is not calibrated, and where a photo was the query.
    """

    id: int
    path: Path
    score: float
    match: Match | None
    taken: str | None
    place: str | None
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class QueryFault:
    """A part of the query that was left out; `start` and `end` are character positions in it."""

    start: int
    end: int
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Ranked photos, best first; `photos` is how many were searched."""

    query: str
    space: str
    photos: int
    milliseconds: float
    results: tuple[Result, ...]
    faults: tuple[QueryFault, ...] = ()

"""What an indexing run tells while it goes: a stream of immutable events, the same for window, command line and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    """The scan has seen so many picture files; `complete` once it is over."""

    files: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is: `done` of `total` files that needed work; `seconds_left` once the rate is steady."""

    done: int
    total: int
    problems: int
    photos_per_second: float
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch is safe on disk; these photos can be searched now."""

    photo_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run; `indexed` counts files embedded in it, `problems` the files listed in it."""

    found: int
    indexed: int
    unchanged: int
    moved: int
    missing: int
    problems: int
    seconds: float
    photos_per_second: float


@dataclass(frozen=True, slots=True)
class Emptier:
    """A folder or directory that can be read and lost so many photos, which were kept in case a disk took them: a person
    may let go of those, see `Library.forget`.
    """

    path: Path
    photos: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every run; `cancelled` if a person stopped it, `notes` are sentences a person should read.

    `suggested` says what tags suggest of the new photos, None if nothing.
    """

    summary: Summary
    cancelled: bool
    notes: tuple[str, ...] = ()
    emptier: tuple[Emptier, ...] = ()
    suggested: str | None = None


Event = Found | Progress | Committed | Finished

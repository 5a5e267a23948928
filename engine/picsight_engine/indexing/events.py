"""The events that an indexing run reports: an immutable stream, the same for window, command line and tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message

if TYPE_CHECKING:
    from pathlib import Path

READ_BY_NEW_MODEL = Message('Every photo was read by "{model}"; searches use it from now on.')


@dataclass(frozen=True, slots=True)
class Found:
    """The number of picture files that the scan has seen; `complete` once the scan is over."""

    files: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress: `done` of `total` files that need work; `seconds_left` once the rate is steady. `is_slow` while slow kinds are made."""

    done: int
    total: int
    problems: int
    photos_per_second: float
    seconds_left: float | None
    is_slow: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch is on disk; these photos can be searched now."""

    photo_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of a run; `indexed` counts the files that it embedded, `problems` the files that it listed."""

    found: int
    indexed: int
    unchanged: int
    moved: int
    missing: int
    problems: int
    seconds: float
    photos_per_second: float


@dataclass(frozen=True, slots=True)
class EmptiedFolder:
    """A readable folder that lacks so many photos that a disk may be disconnected; they are kept, see `Library.forget`."""

    path: Path
    photos: int


@dataclass(frozen=True, slots=True)
class Searchable:
    """All photos are on disk as far as searches need them, unless the user stopped the run; slow kinds follow."""

    cancelled: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every run; `cancelled` if the user stopped it, `notes` are sentences for the user. `in_doubt` if a run
    over some places missed photos of which only a whole one can tell whether they are gone.

    `suggested` reports the new photos that tags suggest, None if there are none.
    """

    summary: Summary
    cancelled: bool
    notes: tuple[Message, ...] = ()
    emptied: tuple[EmptiedFolder, ...] = ()
    suggested: Message | None = None
    in_doubt: bool = False


Event = Found | Progress | Committed | Searchable | Finished

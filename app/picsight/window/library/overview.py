"""What the window says of the library, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.library import Library
    from picsight_engine.store.folders import Folder
    from picsight_engine.store.problems import Problem


@dataclass(frozen=True, slots=True)
class BrokenModel:
    """Why the library cannot be opened: its model of this name is incomplete, or not there at all."""

    name: str
    incomplete: bool


@dataclass(frozen=True, slots=True)
class Grown:
    """A run has brought photos: so many are in the library now."""

    photos: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Folders, the number of photos, and what could not be read."""

    folders: tuple[Folder, ...]
    photos: int
    problems: tuple[Problem, ...]


def overview_of(library: Library) -> Overview:
    """Read it; runs in a thread."""
    return Overview(tuple(library.folders()), library.status().photos, tuple(library.problems()))

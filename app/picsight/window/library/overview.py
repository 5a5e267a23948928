"""What the sidebar and the status say of the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.library import Library
    from picsight_engine.store.folders import Folder
    from picsight_engine.store.problems import Problem


@dataclass(frozen=True, slots=True)
class Overview:
    """Folders, the number of photos, and what could not be read."""

    folders: tuple[Folder, ...]
    photos: int
    problems: tuple[Problem, ...]


def overview_of(library: Library) -> Overview:
    """Read it; runs in a thread."""
    return Overview(tuple(library.folders()), library.status().photos, tuple(library.problems()))

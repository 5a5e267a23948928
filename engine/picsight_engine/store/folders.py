"""The folders that the user added and their directories; nested folders are merged, removed ones rest until they expire."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from picsight_engine.foundation.other_programs import is_path_shown

if TYPE_CHECKING:
    import sqlite3

    from picsight_engine.store.database import Database

FolderState = Literal["watching", "offline", "denied"]

# A removed folder rests: all its files are missing, and it is not listed. It is deleted with the last of its files. Its
# `looked_at` is the time of removal.
RESTING = "(SELECT id FROM folders WHERE state = 'paused')"
_ALL = "SELECT id, path, state FROM folders WHERE state <> 'paused' ORDER BY id"
_EVERY = "SELECT id, path, state FROM folders ORDER BY id"
_FILES = "SELECT folder_id, name, photo_id FROM files WHERE present AND photo_id IS NOT NULL"
_ADD = "INSERT INTO folders (path) VALUES (?)"
_SET_STATE = "UPDATE folders SET state = ? WHERE id = ? AND state NOT IN (?, 'paused')"
_RESTING_AT = f"SELECT id FROM folders WHERE path = ? AND id IN {RESTING}"
_WAKE = "UPDATE folders SET state = 'watching' WHERE id = ?"
# Files that were missing before the folder was removed stay missing.
_SHOW = """
UPDATE files SET present = 1, missing_since = NULL, missing_seconds = 0
WHERE folder_id = ?1 AND missing_since >= (SELECT looked_at FROM folders WHERE id = ?1)"""
_SHOWN_ONLY_BY = """
SELECT photo_id FROM files AS file WHERE present AND folder_id = ?1 AND photo_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM files WHERE present AND photo_id = file.photo_id AND folder_id <> file.folder_id)
UNION SELECT single_id FROM files WHERE present AND folder_id = ?1 AND single_id IS NOT NULL"""
_HIDE = "UPDATE files SET present = 0, missing_since = ? WHERE present AND folder_id = ?"
_REST = "UPDATE folders SET state = 'paused', looked_at = ? WHERE id = ? AND state <> 'paused'"
_REVISE = "UPDATE revision SET number = number + 1"
_REMOVE = "DELETE FROM folders WHERE id = ?"
# Names are bytes: || joins them as text unchanged, CAST turns the result into bytes. A file that the outer folder already
# knows (two ways into one folder) is not moved, and is deleted with the inner folder.
_REBASE_FILES = """
UPDATE OR IGNORE files SET folder_id = :outer, name = CAST(:prefix || name AS BLOB) WHERE folder_id = :inner"""
_REBASE_PROBLEMS = """
UPDATE OR IGNORE problems SET folder_id = :outer, name = CAST(:prefix || name AS BLOB) WHERE folder_id = :inner"""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose photos the library shows; `path` is absolute, as the user spelled it."""

    id: int
    path: Path
    state: FolderState


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of the library; `photos` includes those below it. `parent` is None for a folder that the user added."""

    path: Path
    parent: Path | None
    photos: int


def file_path(folder: Path, name: bytes) -> Path:
    """The path of a file by its stored name: relative to the folder, with "/" between parts, in bytes of os.fsencode.

    On Windows os.fsencode gives UTF-8, so a library reads the same there. On other systems, a name that is not UTF-8
    keeps its bytes.
    """
    return folder / os.fsdecode(name)


def all_folders(db: Database) -> list[Folder]:
    """Every folder, in the order of addition."""
    with db.reading() as connection:
        return _folders(connection, _ALL)


def all_directories(db: Database) -> list[Directory]:
    """Every folder in the order of addition, each followed by its directories with photos, by name; 0.3 s for 100,000
    photos.
    """
    shown: defaultdict[int, defaultdict[bytes, set[int]]] = defaultdict(lambda: defaultdict(set))
    for folder_id, name, photo_id in db.rows(_FILES):
        shown[folder_id][name.rpartition(b"/")[0]].add(photo_id)
    directories = []
    for folder in all_folders(db):
        whole = _with_those_above(shown[folder.id])
        directories.append(Directory(folder.path, None, len(whole.pop(b"", ()))))
        for name in sorted(whole, key=lambda name: name.split(b"/")):
            path = file_path(folder.path, name)
            directories.append(Directory(path, path.parent, len(whole[name])))
    return directories


def add_folder(db: Database, path: Path) -> Folder:
    """Adds a folder and returns the one that now covers it.

    A folder inside a known one (also through a symbolic link) is not added again. A folder that contains known ones takes
    over their files, so that photos keep their vectors. A hidden folder becomes a separate folder, because indexing the
    folder around it skips it. A removed folder comes back with its photos as they were.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links: a person's own spelling stays
    with db.writer() as connection:
        for folder in _folders(connection, _ALL):
            if shown_inside(path, folder.path) is not None:
                return folder
        resting = connection.execute(_RESTING_AT, (os.fsencode(path),)).fetchone()
        if resting is None:
            outer = connection.execute(_ADD, (os.fsencode(path),)).lastrowid or 0
        else:
            (outer,) = resting
            connection.execute(_SHOW, (outer,))
            connection.execute(_WAKE, (outer,))
        for folder in _folders(connection, _EVERY):
            prefix = shown_inside(folder.path, path)
            if prefix:
                values = {"outer": outer, "inner": folder.id, "prefix": prefix + b"/"}
                connection.execute(_REBASE_FILES, values)
                connection.execute(_REBASE_PROBLEMS, values)
                connection.execute(_REMOVE, (folder.id,))
    return Folder(outer, path, "watching")


def set_state(db: Database, folder_id: int, state: FolderState) -> None:
    """Stores whether the folder can be reached; photos with files elsewhere may get another primary file."""
    with db.writer() as connection:
        if connection.execute(_SET_STATE, (state, folder_id, state)).rowcount:
            connection.execute(_REVISE)


def remove_folder(db: Database, folder_id: int) -> list[int]:
    """Removes a folder, which rests in the library until its files expire; returns the photos that left, and those behind them."""
    with db.writer() as connection:
        hidden = [photo_id for (photo_id,) in connection.execute(_SHOWN_ONLY_BY, (folder_id,))]
        now = time.time()
        connection.execute(_HIDE, (now, folder_id))
        connection.execute(_REST, (now, folder_id))
        connection.execute(_REVISE)
    return hidden


def _folders(connection: sqlite3.Connection, which: str) -> list[Folder]:
    return [Folder(row[0], Path(os.fsdecode(row[1])), row[2]) for row in connection.execute(which)]


def _inside(path: Path, folder: Path) -> bytes | None:
    """The stored name of `path` inside `folder`, b"" for the folder itself, None outside it; links are followed."""
    inner, outer = (Path(os.path.realpath(each)) for each in (path, folder))
    if not inner.is_relative_to(outer):
        return None
    return b"" if inner == outer else os.fsencode(inner.relative_to(outer).as_posix())


def shown_inside(path: Path, folder: Path) -> bytes | None:
    """Like `_inside`, but None for a path that a scan of `folder` skips."""
    name = _inside(path, folder)
    return name if name is not None and is_path_shown(name, folder) else None


def stored_names(path: Path, folder: Path) -> list[bytes]:
    """The names that `path` may have in `folder`, most likely first; b"" is the folder itself, none means outside it, or that
    no path is so on any system.

    First the path as spelled, then with links in its directories resolved (a file that is itself a link keeps its name),
    then the target of such a link.
    """
    if "\0" in str(path):
        return []
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the file itself
    real = _inside(path, folder)
    if real == b"":
        return [b""]
    names = []
    if path.is_relative_to(folder):
        names.append(os.fsencode(path.relative_to(folder).as_posix()))
    parent = _inside(path.parent, folder)
    if parent is not None:
        name = os.fsencode(path.name)
        names.append(parent + b"/" + name if parent else name)
    if real is not None and real not in names:
        names.append(real)
    return names


def covered_names(path: Path, folder: Folder) -> list[bytes]:
    """The stored names below which `path` covers files of the folder; b"" if it contains the folder, none if outside."""
    if _inside(folder.path, path) is not None:
        return [b""]
    return stored_names(path, folder.path)


def _with_those_above(direct: dict[bytes, set[int]]) -> dict[bytes, set[int]]:
    """The photos of each directory including all directories below it; b"" is the folder itself."""
    whole: defaultdict[bytes, set[int]] = defaultdict(set)
    for name, photos in direct.items():
        above = name
        while above:
            whole[above] |= photos
            above = above.rpartition(b"/")[0]
        whole[b""] |= photos
    return whole

"""The folders that a person added, and how one takes over another that lies inside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from picsight_engine.hidden import is_shown
from picsight_engine.store.text import erase_traces

if TYPE_CHECKING:
    import sqlite3

    from picsight_engine.store.database import Database

FolderState = Literal["watching", "offline", "paused", "denied"]

_ALL = "SELECT id, path, state FROM folders ORDER BY id"
_ADD = "INSERT INTO folders (path) VALUES (?)"
_SET_STATE = "UPDATE folders SET state = ? WHERE id = ? AND state <> ?"
_REVISE = "UPDATE revision SET number = number + 1"
_REMOVE = "DELETE FROM folders WHERE id = ?"
# Names are bytes: || joins them as text without looking at them, CAST makes bytes of it again. What the outer
# folder knows already (two ways into one folder) stays behind and goes with the inner folder.
_REBASE_FILES = """
UPDATE OR IGNORE files SET folder_id = :outer, name = CAST(:prefix || name AS BLOB) WHERE folder_id = :inner"""
_REBASE_PROBLEMS = """
UPDATE OR IGNORE problems SET folder_id = :outer, name = CAST(:prefix || name AS BLOB) WHERE folder_id = :inner"""
_ONLY_IN_FOLDER = """
SELECT DISTINCT photo_id FROM files AS file WHERE folder_id = ? AND photo_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM files WHERE photo_id = file.photo_id AND folder_id <> file.folder_id)"""
_FORGET_PHOTO = "DELETE FROM photos WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder whose photos the library shows; `path` is absolute, as the person gave it."""

    id: int
    path: Path
    state: FolderState


def file_path(folder: Path, name: bytes) -> Path:
    """The path of a file by its stored name: relative to the folder, parts divided by "/", os.fsencode's bytes.

    On Windows os.fsencode gives UTF-8, so a library reads the same there; a name that is no UTF-8 elsewhere
    keeps its bytes.
    """
    return folder / os.fsdecode(name)


def all_folders(db: Database) -> list[Folder]:
    """Every folder, in the order in which they were added."""
    with db.reading() as connection:
        return _folders(connection)


def add_folder(db: Database, path: Path) -> Folder:
    """Adds a folder and returns the one that now covers it.

    A folder inside a known one (also by way of a symbolic link) is not added again; one that contains known
    ones takes over their files, so that photos keep their vectors. A hidden one, which no indexing of the folder around
    it would look into, is a folder of its own.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links: a person's own spelling stays
    with db.writer() as connection:
        known = _folders(connection)
        for folder in known:
            if _shown_inside(path, folder.path) is not None:
                return folder
        outer = connection.execute(_ADD, (os.fsencode(path),)).lastrowid or 0
        for folder in known:
            prefix = _shown_inside(folder.path, path)
            if prefix is not None:
                _take_over(connection, outer, folder.id, prefix)
    return Folder(outer, path, "watching")


def set_state(db: Database, folder_id: int, state: FolderState) -> None:
    """Records whether the folder can be seen; photos that lie elsewhere too may be shown by another file then."""
    with db.writer() as connection:
        if connection.execute(_SET_STATE, (state, folder_id, state)).rowcount:
            connection.execute(_REVISE)


def remove_folder(db: Database, folder_id: int) -> list[int]:
    """Takes a folder out of the library; returns the photos that no other folder shows, which are forgotten."""
    with db.writer() as connection:
        forgotten = [photo_id for (photo_id,) in connection.execute(_ONLY_IN_FOLDER, (folder_id,))]
        connection.execute(_REMOVE, (folder_id,))
        erase_traces(connection)
        connection.executemany(_FORGET_PHOTO, [(photo_id,) for photo_id in forgotten])
    return forgotten


def _folders(connection: sqlite3.Connection) -> list[Folder]:
    return [Folder(row[0], Path(os.fsdecode(row[1])), row[2]) for row in connection.execute(_ALL)]


def _inside(path: Path, folder: Path) -> bytes | None:
    """The stored name of `path` inside `folder`, b"" for the folder itself, None elsewhere; links are followed."""
    inner, outer = (os.path.normcase(os.path.realpath(each)) for each in (path, folder))
    if inner == outer:
        return b""
    if not Path(inner).is_relative_to(outer):
        return None
    real = Path(os.path.realpath(path)).relative_to(os.path.realpath(folder))
    return os.fsencode(real.as_posix())  # "." cannot be: the folder itself was told apart above


def _shown_inside(path: Path, folder: Path) -> bytes | None:
    """As `_inside`, but None where no walk through `folder` would come."""
    name = _inside(path, folder)
    return name if name is not None and all(map(is_shown, name.split(b"/"))) else None


def stored_names(path: Path, folder: Path) -> list[bytes]:
    """The names that `path` may have in `folder`, the likeliest first; b"" is the folder itself, none is elsewhere.

    The path as it is spelled, then with the links in front of the file's own name followed (a file that is itself
    a link keeps its name), then the file that such a link leads to.
    """
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
    """The stored names below which `path` covers files of the folder, b"" where it holds all of it; none elsewhere."""
    if _inside(folder.path, path) is not None:
        return [b""]
    return stored_names(path, folder.path)


def _take_over(connection: sqlite3.Connection, outer: int, inner: int, prefix: bytes) -> None:
    values = {"outer": outer, "inner": inner, "prefix": prefix + b"/"}
    connection.execute(_REBASE_FILES, values)
    connection.execute(_REBASE_PROBLEMS, values)
    connection.execute(_REMOVE, (inner,))

"""A copy of a library: what it leaves behind for a backup, and what changes where it arrives, perhaps on another machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import LibraryError
from picsight_engine.store.folders import file_path
from picsight_engine.store.full_text import erase_traces, write_due_texts

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from picsight_engine.store.database import Database

# A face keeps its number and its box, which decisions are about; the next run that looks for faces finds its vector again.
_FORGET_FACES = "UPDATE faces SET vector = NULL, space = NULL"
_DERIVED = ("vectors", "derived", "colours", "written", "prompt_vectors", "file_texts", "texts_due")
_PACK = "VACUUM INTO ?"
_JOIN = "ATTACH DATABASE ? AS library"
_STRAY = "DELETE FROM thumbnails WHERE photo_id NOT IN (SELECT id FROM library.photos)"
_HOLDS_SOMETHING = """
SELECT EXISTS (SELECT 1 FROM photos) OR EXISTS (SELECT 1 FROM folders) OR EXISTS (SELECT 1 FROM tag_runs)
    OR EXISTS (SELECT 1 FROM searches WHERE name IS NOT NULL)"""
# Which disks there are, and which were connected, is different here.
_ARRIVE = (
    "UPDATE files SET device = NULL",
    "UPDATE folders SET state = 'watching' WHERE state IN ('offline', 'denied')",
)
_DUE = "INSERT OR IGNORE INTO texts_due (file_id) SELECT id FROM files"
_LACKING_DUE = f"{_DUE} WHERE id NOT IN (SELECT file_id FROM file_texts)"
_FOLDERS = "SELECT id, path FROM folders"
_LEAVE = "UPDATE folders SET path = CAST(id AS BLOB) WHERE id = ?"
_MOVE = "UPDATE folders SET path = ? WHERE id = ?"
_SHOWN = "SELECT path FROM folders WHERE state <> 'paused' ORDER BY id"
_PLACES = """
SELECT path, name, photo_id FROM files JOIN folders ON folders.id = folder_id WHERE present AND photo_id IS NOT NULL"""


def copy_database(source: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Copies a database as it is at one moment; the copy is scratch, so it needs no journal.

    Raises LibraryError if the source is damaged.
    """
    source.backup(copy)
    copy.execute("PRAGMA journal_mode = OFF")
    faults = [fault for (fault,) in copy.execute("PRAGMA quick_check")]
    if faults != ["ok"]:
        words = "The library is damaged ({fault}), so it was not backed up. Type: picsight doctor"
        raise LibraryError(words, fault=faults[0])


def count_photos(connection: sqlite3.Connection) -> int:
    """The photos of a library."""
    return int(connection.execute("SELECT count(*) FROM photos").fetchone()[0])


def pack(copy: sqlite3.Connection, target: Path, *, small: bool) -> None:
    """Takes the vectors of faces out of a copy, or if it is to be small whatever can be made of photos again, and writes it to an
    empty file, in which no byte of them is.
    """
    copy.execute(_FORGET_FACES)
    for table in _DERIVED if small else ():
        copy.execute(f"DELETE FROM {table}")
    erase_traces(copy)
    copy.execute(_PACK, (target.absolute().as_uri(),))


def drop_stray_thumbnails(copy: sqlite3.Connection, library: Path) -> None:
    """Deletes thumbnails of photos that are not in `library`: they came later, and their numbers will be given to other photos."""
    copy.execute(_JOIN, (library.absolute().as_uri(),))
    copy.execute(_STRAY)


def holds_something(db: Database) -> bool:
    """Whether a library has photos, folders, decisions or saved searches."""
    return bool(db.row(_HOLDS_SOMETHING)[0])


def stored_folders(connection: sqlite3.Connection) -> dict[int, str]:
    """All folders by their numbers, as the system that stored them spells them."""
    return {number: os.fsdecode(path) for number, path in connection.execute(_FOLDERS)}


def settle(connection: sqlite3.Connection, places: Mapping[int, Path]) -> None:
    """Moves folders to their places here, and makes ready what a copy lacks, in one transaction."""
    connection.execute("BEGIN")
    for statement in _ARRIVE:
        connection.execute(statement)
    for number in places:  # one may take the place that another one leaves
        connection.execute(_LEAVE, (number,))
    for number, place in places.items():
        connection.execute(_MOVE, (os.fsencode(place), number))
        connection.execute(f"{_DUE} WHERE folder_id = ?", (number,))
    connection.execute(_LACKING_DUE)
    write_due_texts(connection)
    connection.execute("COMMIT")
    keep_log(connection)


def keep_log(connection: sqlite3.Connection) -> None:
    """Lets a database that arrived be read while it is written, as others are; stored in the file."""
    connection.execute("PRAGMA journal_mode = WAL")


def count_found(connection: sqlite3.Connection) -> int:
    """How many photos have a file at its place."""
    places = (
        (file_path(Path(os.fsdecode(path)), name), photo) for path, name, photo in connection.execute(_PLACES)
    )
    return len({photo for path, photo in places if os.path.lexists(path)})


def missing_folders(connection: sqlite3.Connection) -> tuple[Path, ...]:
    """The folders that are not there; removed ones, which rest, do not count."""
    places = [Path(os.fsdecode(path)) for (path,) in connection.execute(_SHOWN)]
    return tuple(place for place in places if not place.is_dir())

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
_HOLDS_SOMETHING = """
SELECT EXISTS (SELECT 1 FROM photos) OR EXISTS (SELECT 1 FROM folders) OR EXISTS (SELECT 1 FROM tag_runs)
    OR EXISTS (SELECT 1 FROM searches WHERE name IS NOT NULL)"""
# Which disks there are, and which were connected, is different here.
_FORGET_DISKS = "UPDATE files SET device = NULL"
_LOOK_AGAIN = "UPDATE folders SET state = 'watching' WHERE state IN ('offline', 'denied')"
_LEAVE = "UPDATE folders SET path = CAST(id AS BLOB) WHERE id = ?"
_MOVE = "UPDATE folders SET path = ? WHERE id = ?"
_DUE = "INSERT OR IGNORE INTO texts_due (file_id) SELECT id FROM files"
_LACKING_DUE = f"{_DUE} WHERE id NOT IN (SELECT file_id FROM file_texts)"
_PLACES = """
SELECT path, name, photo_id FROM files JOIN folders ON folders.id = folder_id WHERE present AND photo_id IS NOT NULL"""


def copy_database(source: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Copies a database as it is at one moment; the copy is scratch, so it needs no journal. Raises LibraryError if it is damaged."""
    copy.execute("PRAGMA journal_mode = OFF")
    source.backup(copy)
    faults = [fault for (fault,) in copy.execute("PRAGMA quick_check")]
    if faults != ["ok"]:
        words = "The library is damaged ({fault}), so it was not backed up. Type: picsight doctor"
        raise LibraryError(words, fault=faults[0])


def pack(copy: sqlite3.Connection, target: Path, *, small: bool) -> int:
    """Takes the vectors of faces out of a copy, and if it is to be small whatever can be made of photos again, and writes it to an
    empty file, in which no byte of them is; returns the number of photos that are not missing.
    """
    copy.execute(_FORGET_FACES)
    for table in _DERIVED if small else ():
        copy.execute(f"DELETE FROM {table}")
    erase_traces(copy)
    copy.execute("VACUUM INTO ?", (target.absolute().as_uri(),))
    return int(copy.execute("SELECT count(*) FROM photos WHERE missing_since IS NULL").fetchone()[0])


def holds_something(db: Database) -> bool:
    """Whether a library has photos, folders, decisions or saved searches."""
    return bool(db.row(_HOLDS_SOMETHING)[0])


def stored_folders(connection: sqlite3.Connection) -> dict[int, str]:
    """All folders by their numbers, as the system that stored them spells them."""
    return {number: os.fsdecode(path) for number, path in connection.execute("SELECT id, path FROM folders")}


def settle(connection: sqlite3.Connection, places: Mapping[int, Path]) -> None:
    """Moves folders to their places here, and makes ready what a copy lacks, in one transaction."""
    connection.execute("BEGIN")
    connection.execute(_FORGET_DISKS)
    connection.execute(_LOOK_AGAIN)
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


def look_around(connection: sqlite3.Connection) -> tuple[int, tuple[Path, ...]]:
    """How many photos have a file at its place, and the folders that are not there; removed ones, which rest, do not count."""
    rows = (
        (file_path(Path(os.fsdecode(path)), name), photo) for path, name, photo in connection.execute(_PLACES)
    )
    found = {photo for path, photo in rows if os.path.lexists(path)}
    folders = connection.execute("SELECT path FROM folders WHERE state <> 'paused' ORDER BY id").fetchall()
    return len(found), tuple(path for (each,) in folders if not (path := Path(os.fsdecode(each))).is_dir())

"""Files that show pictures, with their metadata; how they are added, moved, marked as missing and forgotten."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

from picsight_engine.foundation.metadata import Metadata
from picsight_engine.store.folders import RESTING, all_folders, stored_names
from picsight_engine.store.full_text import erase_traces

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from picsight_engine.store.database import Database

IDS = "(SELECT value FROM json_each(?))"  # a list of numbers, bound as JSON
_FILE_COLUMNS = """
id, folder_id, name, size, mtime_ns, device, bytes_hash, photo_id, metadata_rule, beside, present"""
_PHOTOS_IN = f"SELECT coalesce(single_id, photo_id) FROM files WHERE id IN {IDS}"
_FILES_OF = f"SELECT {_FILE_COLUMNS} FROM files WHERE folder_id = ? ORDER BY name"
# "0" follows "/"
_FILES_BELOW = f"""
SELECT {_FILE_COLUMNS} FROM files
WHERE folder_id = ?1 AND name > CAST(?2 || '/' AS BLOB) AND name < CAST(?2 || '0' AS BLOB)"""
_MANY_PLACES = 100  # for which all files are read at once
_FILE_AT = f"SELECT {_FILE_COLUMNS} FROM files WHERE folder_id = ? AND name = ?"
_DATES = f"""
SELECT photo_id, taken FROM files
WHERE present AND taken IS NOT NULL AND photo_id IN {IDS}"""
_PUT_FILE = """
INSERT INTO files (folder_id, name, size, mtime_ns, bytes_hash, photo_id, device) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (folder_id, name) DO UPDATE SET
    size = excluded.size, mtime_ns = excluded.mtime_ns, device = excluded.device, bytes_hash = excluded.bytes_hash,
    photo_id = CASE WHEN present AND single_id = excluded.photo_id THEN photo_id ELSE excluded.photo_id END,
    single_id = CASE WHEN present AND single_id = excluded.photo_id THEN single_id END, present = 1, missing_since = NULL, missing_seconds = 0"""
_MAKE_ROOM = "DELETE FROM files WHERE folder_id = ? AND name = ? AND id <> ?"
_MOVE_FILE = "UPDATE files SET folder_id = ?, name = ? WHERE id = ?"
_SET_DEVICE = "UPDATE files SET device = ? WHERE id = ?"
_LOOKED_LAST = "SELECT looked_at FROM folders WHERE id = ? AND state <> 'paused'"
_LOOKED_EVER = "SELECT max(looked_at) FROM folders"
_LOOKED = "UPDATE folders SET looked_at = ? WHERE id = ?"
_AGE = "SET missing_seconds = max(0, missing_seconds + ?)"
_AGE_FILES = f"UPDATE files {_AGE} WHERE NOT present AND folder_id = ?"
_AGE_PHOTOS = f"UPDATE photos {_AGE} WHERE missing_since IS NOT NULL"
_AGE_RESTING = f"UPDATE files {_AGE} WHERE folder_id IN {RESTING}"
_FORGET_FILES = f"DELETE FROM files WHERE NOT present AND missing_seconds >= ? AND folder_id NOT IN {RESTING}"
_FORGET_RESTING = f"DELETE FROM files WHERE missing_seconds >= ? AND folder_id IN {RESTING}"
_DROP_RESTING = "DELETE FROM folders WHERE state = 'paused' AND id NOT IN (SELECT folder_id FROM files)"
_FORGET_THESE = f"DELETE FROM files WHERE NOT present AND id IN {IDS} RETURNING photo_id, single_id"
_WITHOUT_FILES = """
SELECT id FROM photos WHERE missing_since IS NOT NULL AND {which}
    AND NOT EXISTS (SELECT 1 FROM files WHERE photo_id = photos.id OR single_id = photos.id) ORDER BY id"""
_EXPIRED = _WITHOUT_FILES.format(which="missing_seconds >= ?")
_UNSEEN = _WITHOUT_FILES.format(which=f"id IN {IDS}")
_FORGET_PHOTOS = f"DELETE FROM photos WHERE id IN {IDS}"
UNREACHABLE = "(state IN ('offline', 'denied'))"  # of a folder, 1 or 0
# The primary file of a photo is its oldest present file, preferably in a reachable folder and not the second of a pair:
# a photo must not be opened from a memory card that was copied and removed.
PRIMARY_FILE = f"""(
    SELECT files.id FROM files JOIN folders ON folders.id = folder_id WHERE photo_id = photos.id AND present
    ORDER BY {UNREACHABLE}, single_id IS NOT NULL, files.id LIMIT 1)"""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A path at which a picture was seen.

    `name` is relative to its folder, in bytes of os.fsencode with "/" between the parts; `device` is that of the directory
    where it was last seen, None if unknown; `bytes_hash` is 16 bytes; `photo_id` is None for a file without a readable
    picture; `metadata_rule` is the rule by which its metadata were read, 0 for none; `beside` is the scan's fingerprint of
    its side-cars, None without any.
    """

    id: int
    folder_id: int
    name: bytes
    size: int
    mtime_ns: int
    device: int | None
    bytes_hash: bytes | None
    photo_id: int | None
    metadata_rule: int
    beside: int | None
    present: bool


@dataclass(frozen=True, slots=True)
class NewFile:
    """A path at which a picture is seen now; the fields are those of `StoredFile`."""

    folder_id: int
    name: bytes
    size: int
    mtime_ns: int
    bytes_hash: bytes | None
    photo_id: int | None
    device: int | None = None


_COLUMNS = tuple(field.name for field in fields(Metadata))
_METADATA_OF = f"SELECT {', '.join(_COLUMNS)} FROM files WHERE id = ?"
_PUT_METADATA = f"""
UPDATE files SET metadata_rule = ?, beside = ?, {", ".join(f"{name} = ?" for name in _COLUMNS)} WHERE folder_id = ? AND name = ?"""


def put_file(connection: sqlite3.Connection, file: NewFile) -> None:
    """Stores that this picture is at this path now, behind another photo if it was; the one that was there before is hidden."""
    connection.execute(_PUT_FILE, astuple(file))


def put_metadata(
    connection: sqlite3.Connection,
    folder_id: int,
    name: bytes,
    metadata: Metadata,
    rule: int,
    *,
    beside: int | None = None,
) -> None:
    """Replaces the metadata of the file at this path and stores the rule by which they were read; `beside` is the scan's
    fingerprint of its side-cars.
    """
    keywords = json.dumps(metadata.keywords, ensure_ascii=False) if metadata.keywords else None
    values = {name: getattr(metadata, name) for name in _COLUMNS} | {"keywords": keywords}
    connection.execute(_PUT_METADATA, (rule, beside, *values.values(), folder_id, name))


def move_file(connection: sqlite3.Connection, file_id: int, folder_id: int, name: bytes) -> None:
    """Gives a file another path and replaces the record at that path. Call `put_file` to store its new content."""
    connection.execute(_MAKE_ROOM, (folder_id, name, file_id))
    connection.execute(_MOVE_FILE, (folder_id, name, file_id))


def set_devices(connection: sqlite3.Connection, devices: Iterable[tuple[int, int]]) -> None:
    """Stores the device of each file, given as (file, device)."""
    connection.executemany(_SET_DEVICE, [(device, file_id) for file_id, device in devices])


def age_missing(
    connection: sqlite3.Connection, folder_ids: Iterable[int], now: float, *, most: float
) -> None:
    """Ages the missing files in these folders, which were just scanned, by the time since their last scan.

    One scan counts for at most `most` seconds, so that one wrong clock cannot expire a file: several scans must agree. A
    jump of the clock ahead is cancelled by its jump back. `now` is in seconds since 1970.
    """
    ever = connection.execute(_LOOKED_EVER).fetchone()[0]
    for statement in (_AGE_PHOTOS, _AGE_RESTING):
        connection.execute(statement, (_credit(ever, now, most),))
    for folder_id in folder_ids:
        last = connection.execute(_LOOKED_LAST, (folder_id,)).fetchone()
        if last is not None:  # otherwise the user has removed the folder meanwhile
            connection.execute(_AGE_FILES, (_credit(last[0], now, most), folder_id))
            connection.execute(_LOOKED, (now, folder_id))


def _credit(last: float | None, now: float, most: float) -> float:
    return 0.0 if last is None else min(max(now - last, -most), most)


def forget_missing(connection: sqlite3.Connection, seconds: float) -> list[int]:
    """Deletes files, also of removed folders, and photos with their vectors, that have been missing for `seconds` as counted by
    `age_missing`. Returns the forgotten photos.
    """
    if sum(connection.execute(each, (seconds,)).rowcount for each in (_FORGET_FILES, _FORGET_RESTING)):
        erase_traces(connection)
    connection.execute(_DROP_RESTING)
    return _forget_photos(connection, _EXPIRED, seconds)


def forget_files(connection: sqlite3.Connection, file_ids: Sequence[int]) -> list[int]:
    """Deletes those of these files that are missing, and photos without any other; returns the forgotten photos."""
    ids = json.dumps(list(file_ids))
    photos = [photo for row in connection.execute(_FORGET_THESE, (ids,)).fetchall() for photo in row]
    erase_traces(connection)
    return _forget_photos(connection, _UNSEEN, json.dumps(photos))


def _forget_photos(connection: sqlite3.Connection, which: str, value: object) -> list[int]:
    forgotten = [photo_id for (photo_id,) in connection.execute(which, (value,))]
    connection.execute(_FORGET_PHOTOS, (json.dumps(forgotten),))
    return forgotten


def photos_in(db: Database, file_ids: Iterable[int]) -> set[int]:
    """The photos that these files show, also behind others."""
    return set(db.column(_PHOTOS_IN, json.dumps(list(file_ids))))


def files_of(db: Database, folder_id: int, places: Collection[bytes] | None = None) -> list[StoredFile]:
    """Every known file in a folder, including missing ones, by name; or at least those in these directories, in any order."""
    if places is None or b"" in places or len(places) > _MANY_PLACES:
        return [_stored_file(row) for row in db.rows(_FILES_OF, folder_id)]
    found = {row[0]: row for place in places for row in db.rows(_FILES_BELOW, folder_id, place)}
    return [_stored_file(row) for row in found.values()]


def find_file(db: Database, path: Path) -> StoredFile | None:
    """The file that the library knows at `path`, as spelled or through symbolic links."""
    for folder in all_folders(db):
        for name in stored_names(path, folder.path):
            if row := db.row(_FILE_AT, folder.id, name):
                return _stored_file(row)
    return None


def metadata_of(db: Database, file_id: int) -> Metadata:
    """The metadata of a file; empty for an unknown file."""
    row = db.row(_METADATA_OF, file_id)
    if row is None:
        return Metadata()
    values = dict(zip(_COLUMNS, row, strict=True))
    values["keywords"] = tuple(json.loads(values["keywords"] or "[]"))
    for name in ("flash", "edited", "live"):
        values[name] = None if values[name] is None else bool(values[name])
    return Metadata(**values)


def dates_of(db: Database, photo_ids: Sequence[int]) -> dict[int, set[str]]:
    """When each of these photos was taken, by its present files, which may disagree."""
    dates: dict[int, set[str]] = {photo_id: set() for photo_id in photo_ids}
    for photo_id, taken in db.rows(_DATES, json.dumps(list(dates))):
        dates[photo_id].add(taken)
    return dates


def _stored_file(row: tuple[Any, ...]) -> StoredFile:
    return StoredFile(*(*row[:-1], bool(row[-1])))

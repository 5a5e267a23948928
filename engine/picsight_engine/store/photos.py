"""Photos, and the files at which they were seen: a photo is visible while one of its files is present."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsight_engine.store.folders import all_folders, file_path, stored_names

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from picsight_engine.store.database import Database

_FILE_COLUMNS = "id, folder_id, name, size, mtime_ns, bytes_hash, photo_id, present, missing_since"
_FILES_OF = f"SELECT {_FILE_COLUMNS} FROM files WHERE folder_id = ? ORDER BY name"
_FILE_AT = f"SELECT {_FILE_COLUMNS} FROM files WHERE folder_id = ? AND name = ?"
# A picture that is seen again tells its date again; a copy without one takes nothing away.
_PUT_PHOTO = """
INSERT INTO photos (fingerprint, fingerprint_rule, width, height, taken, taken_offset, taken_source, phash)
VALUES (:fingerprint, :rule, :width, :height, :taken, :taken_offset, :taken_source, :phash)
ON CONFLICT (fingerprint) DO UPDATE SET
    taken = excluded.taken, taken_offset = excluded.taken_offset, taken_source = excluded.taken_source
    WHERE excluded.taken IS NOT NULL"""
_BY_FINGERPRINT = "SELECT id FROM photos WHERE fingerprint = ?"
_BY_BYTES = "SELECT photo_id FROM files WHERE bytes_hash = ? AND photo_id IS NOT NULL ORDER BY id LIMIT 1"
_PUT_FILE = """
INSERT INTO files (folder_id, name, size, mtime_ns, bytes_hash, photo_id) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (folder_id, name) DO UPDATE SET
    size = excluded.size, mtime_ns = excluded.mtime_ns, bytes_hash = excluded.bytes_hash,
    photo_id = excluded.photo_id, present = 1, missing_since = NULL"""
_TOUCH_FILE = "UPDATE files SET size = ?, mtime_ns = ?, present = 1, missing_since = NULL WHERE id = ?"
_MAKE_ROOM = "DELETE FROM files WHERE folder_id = ? AND name = ? AND id <> ?"
_MOVE_FILE = """
UPDATE files SET folder_id = ?, name = ?, size = ?, mtime_ns = ?, present = 1, missing_since = NULL WHERE id = ?"""
_IDS = "(SELECT value FROM json_each(?))"
_PHOTOS_OF_FILES = f"SELECT DISTINCT photo_id FROM files WHERE photo_id IS NOT NULL AND id IN {_IDS}"
_MARK_MISSING = f"UPDATE files SET present = 0, missing_since = ? WHERE present AND id IN {_IDS}"
_MARK_RETURNED = f"UPDATE files SET present = 1, missing_since = NULL WHERE id IN {_IDS}"
_HIDDEN_OF = f"SELECT id FROM photos WHERE missing_since IS NOT NULL AND id IN {_IDS} ORDER BY id"
_HIDDEN = "SELECT id FROM photos WHERE missing_since IS NOT NULL ORDER BY id"
_FORGET_FILES = "DELETE FROM files WHERE NOT present AND missing_since < ?"
_EXPIRED = "SELECT id FROM photos WHERE missing_since < ? ORDER BY id"
_FORGET_PHOTOS = "DELETE FROM photos WHERE missing_since < ?"
# The primary file of a photo is the present one that the library knows longest.
_PHOTOS = """
SELECT photos.id, width, height, taken, taken_offset, taken_source, lat, lon, place, camera, lens, rating,
    folders.path, files.name, files.mtime_ns
FROM photos
JOIN files ON files.id = (SELECT min(id) FROM files WHERE photo_id = photos.id AND present)
JOIN folders ON folders.id = files.folder_id"""
_PHOTOS_BY_ID = f"{_PHOTOS} WHERE photos.id IN {_IDS}"
_NEWEST_FIRST = f"""{_PHOTOS}
ORDER BY coalesce(taken, strftime('%Y-%m-%dT%H:%M:%S', files.mtime_ns / 1000000000, 'unixepoch', 'localtime')) DESC,
    photos.id DESC"""
_PATHS = """
SELECT folders.path, files.name FROM files JOIN folders ON folders.id = files.folder_id
WHERE photo_id = ? AND present ORDER BY files.id"""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A path at which a picture was seen.

    `name` is relative to its folder, parts divided by "/", bytes of os.fsencode; `bytes_hash` is 16 bytes;
    `photo_id` is None for a file that gave no picture; `missing_since` is in seconds since 1970.
    """

    id: int
    folder_id: int
    name: bytes
    size: int
    mtime_ns: int
    bytes_hash: bytes | None
    photo_id: int | None
    present: bool
    missing_since: float | None


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A picture as a worker saw it: upright size, local ISO date, signed 64-bit perceptual hash."""

    fingerprint: bytes
    width: int
    height: int
    taken: str | None = None
    taken_offset: str | None = None
    taken_source: str | None = None
    phash: int | None = None
    fingerprint_rule: int = 1


@dataclass(frozen=True, slots=True)
class Photo:
    """A visible photo with its primary file; what is not known of it is None."""

    id: int
    width: int
    height: int
    taken: str | None
    taken_offset: str | None
    taken_source: str | None
    lat: float | None
    lon: float | None
    place: str | None
    camera: str | None
    lens: str | None
    rating: int | None
    folder: Path
    name: bytes
    mtime_ns: int

    @property
    def path(self) -> Path:
        """The primary file's absolute path (made on demand: a wall of 100,000 photos shows a few)."""
        return file_path(self.folder, self.name)


def put_photo(connection: sqlite3.Connection, photo: NewPhoto) -> int:
    """Stores a picture and returns its id: the known one if the fingerprint is known."""
    values = {
        "fingerprint": photo.fingerprint,
        "rule": photo.fingerprint_rule,
        "width": photo.width,
        "height": photo.height,
        "taken": photo.taken,
        "taken_offset": photo.taken_offset,
        "taken_source": photo.taken_source,
        "phash": photo.phash,
    }
    connection.execute(_PUT_PHOTO, values)
    photo_id: int = connection.execute(_BY_FINGERPRINT, (photo.fingerprint,)).fetchone()[0]
    return photo_id


def put_file(
    connection: sqlite3.Connection,
    folder_id: int,
    name: bytes,
    size: int,
    mtime_ns: int,
    bytes_hash: bytes | None,
    photo_id: int | None,
) -> None:
    """Stores that this picture is at this path now; a picture that was there before goes into hiding."""
    connection.execute(_PUT_FILE, (folder_id, name, size, mtime_ns, bytes_hash, photo_id))


def touch_file(connection: sqlite3.Connection, file_id: int, size: int, mtime_ns: int) -> None:
    """Records that a file was written again and holds the same bytes."""
    connection.execute(_TOUCH_FILE, (size, mtime_ns, file_id))


def move_file(
    connection: sqlite3.Connection, file_id: int, folder_id: int, name: bytes, size: int, mtime_ns: int
) -> None:
    """Records that a file is at another path now; what the library knew of that path is replaced."""
    connection.execute(_MAKE_ROOM, (folder_id, name, file_id))
    connection.execute(_MOVE_FILE, (folder_id, name, size, mtime_ns, file_id))


def mark_missing(connection: sqlite3.Connection, file_ids: Iterable[int], when: float) -> list[int]:
    """Records that files are gone; returns the photos that nothing shows now, whose thumbnails must go as well."""
    ids = json.dumps(list(file_ids))
    photo_ids = [photo_id for (photo_id,) in connection.execute(_PHOTOS_OF_FILES, (ids,))]
    connection.execute(_MARK_MISSING, (when, ids))
    return [photo_id for (photo_id,) in connection.execute(_HIDDEN_OF, (json.dumps(photo_ids),))]


def mark_returned(connection: sqlite3.Connection, file_ids: Iterable[int]) -> None:
    """Records that missing files are back as they were."""
    connection.execute(_MARK_RETURNED, (json.dumps(list(file_ids)),))


def forget_missing(connection: sqlite3.Connection, older_than: float) -> list[int]:
    """Deletes files and photos (with their vectors) that are missing since before `older_than`, seconds since 1970.

    Returns the forgotten photos.
    """
    forgotten = [photo_id for (photo_id,) in connection.execute(_EXPIRED, (older_than,))]
    connection.execute(_FORGET_FILES, (older_than,))
    connection.execute(_FORGET_PHOTOS, (older_than,))
    return forgotten


def files_of(db: Database, folder_id: int) -> list[StoredFile]:
    """Every file known in a folder, missing ones too, by name."""
    with db.reading() as connection:
        return [_stored_file(row) for row in connection.execute(_FILES_OF, (folder_id,))]


def photo_by_fingerprint(db: Database, fingerprint: bytes) -> int | None:
    """The photo with this fingerprint, visible or not."""
    return _first(db, _BY_FINGERPRINT, fingerprint)


def photo_by_bytes_hash(db: Database, bytes_hash: bytes) -> int | None:
    """The photo that a file with these bytes showed, visible or not."""
    return _first(db, _BY_BYTES, bytes_hash)


def find_file(db: Database, path: Path) -> StoredFile | None:
    """The file that the library knows at `path`, by the person's spelling or through symbolic links."""
    for folder in all_folders(db):
        for name in stored_names(path, folder.path):
            with db.reading() as connection:
                row = connection.execute(_FILE_AT, (folder.id, name)).fetchone()
            if row is not None:
                return _stored_file(row)
    return None


def photos_by_id(db: Database, photo_ids: Sequence[int]) -> dict[int, Photo]:
    """The visible ones among these photos, by id."""
    with db.reading() as connection:
        rows = connection.execute(_PHOTOS_BY_ID, (json.dumps([int(each) for each in photo_ids]),)).fetchall()
    return {photo.id: photo for photo in _photos(rows)}


def all_photos(db: Database) -> list[Photo]:
    """Every visible photo, newest first: by the date taken, else by the file's own."""
    with db.reading() as connection:
        return _photos(connection.execute(_NEWEST_FIRST).fetchall())


def paths_of(db: Database, photo_id: int) -> list[Path]:
    """Where the photo is present, the primary file first."""
    with db.reading() as connection:
        rows = connection.execute(_PATHS, (photo_id,)).fetchall()
    return [file_path(Path(os.fsdecode(folder)), name) for folder, name in rows]


def hidden_photos(db: Database) -> list[int]:
    """The photos of which no file is present, ascending: a search must not show them."""
    with db.reading() as connection:
        return [photo_id for (photo_id,) in connection.execute(_HIDDEN)]


def _first(db: Database, statement: str, value: bytes) -> int | None:
    with db.reading() as connection:
        row = connection.execute(statement, (value,)).fetchone()
    return None if row is None else row[0]


def _stored_file(
    row: tuple[int, int, bytes, int, int, bytes | None, int | None, int, float | None],
) -> StoredFile:
    return StoredFile(*row[:7], bool(row[7]), row[8])


def _photos(rows: list[tuple[Any, ...]]) -> list[Photo]:
    folders: dict[bytes, Path] = {}  # one Path a folder, not one a photo
    photos = []
    for row in rows:
        folder, name, mtime_ns = row[-3:]
        if folder not in folders:
            folders[folder] = Path(os.fsdecode(folder))
        photos.append(Photo(*(*row[:-3], folders[folder], name, mtime_ns)))
    return photos

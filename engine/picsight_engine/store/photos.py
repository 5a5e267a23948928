"""Photos: pictures, independent of file names; a photo is visible while one of its files is present."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from picsight_engine.store.derived.thumbnails import Sketch
from picsight_engine.store.files import IDS, PRIMARY_FILE, UNREACHABLE
from picsight_engine.store.folders import all_folders, covered_names, file_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from picsight_engine.store.database import Database

_PUT_PHOTO = """
INSERT INTO photos (fingerprint, fingerprint_rule, picture_rule, width, height)
VALUES (:fingerprint, :fingerprint_rule, :picture_rule, :width, :height)
ON CONFLICT (fingerprint) DO UPDATE SET picture_rule = excluded.picture_rule,
    width = excluded.width, height = excluded.height"""
_PUT_LIKENESS = "UPDATE photos SET phash = ? WHERE id = ?"
_BY_FINGERPRINT = "SELECT id FROM photos WHERE fingerprint = ?"
_PICTURE_RULE = "SELECT picture_rule FROM photos WHERE id = ?"
_KNOWN = f"SELECT id FROM photos WHERE id IN {IDS}"
SHOWN = "photo_id NOT IN (SELECT id FROM photos WHERE missing_since IS NOT NULL)"  # of rows with a photo
_HIDDEN = "SELECT id FROM photos WHERE missing_since IS NOT NULL ORDER BY id"
_COLUMNS = """
photos.id, width, height, taken, taken_offset, place, camera, duration, folders.path, files.name, files.mtime_ns"""
# What the names of a photo's companions end with: ".dng heic".
_ENDINGS = "group_concat(CASE WHEN single_id IS NOT NULL THEN lower(substr(name, -4)) END, ' ')"
_LIVE = "live AND (single_id IS NOT NULL OR duration IS NULL)"  # not a film whose still has just gone
_WITH_ENDINGS = f"""
{_COLUMNS}, (SELECT {_ENDINGS} FROM files WHERE photo_id = photos.id AND present),
EXISTS (SELECT 1 FROM files WHERE photo_id = photos.id AND present AND {_LIVE})"""
_PHOTOS = f"""
SELECT {_WITH_ENDINGS}
FROM photos
JOIN files ON files.id = {PRIMARY_FILE}
JOIN folders ON folders.id = files.folder_id"""
_PHOTOS_BY_ID = f"{_PHOTOS} WHERE photos.id IN {IDS}"
_BY_DATE = """
ORDER BY coalesce(taken, strftime('%Y-%m-%dT%H:%M:%S', files.mtime_ns / 1000000000, 'unixepoch', 'localtime')) DESC,
    photos.id DESC"""
_BY_FOLDER = "ORDER BY folders.path, files.name"
_SKETCHES = """
SELECT id, phash, width, height FROM photos
WHERE missing_since IS NULL AND phash IS NOT NULL ORDER BY id"""
# Grouping finds all primary files in half the time; SQLite takes `first` from the row of the minimum.
_NEWEST_FIRST = f"""
SELECT {_COLUMNS}, endings, is_live
FROM (
    SELECT files.id AS first, min(({UNREACHABLE} << 62) | ((single_id IS NOT NULL) << 61) | files.id), {_ENDINGS} AS endings, sum({_LIVE}) AS is_live
    FROM files JOIN folders ON folders.id = folder_id
    WHERE present AND photo_id IS NOT NULL GROUP BY photo_id)
JOIN files ON files.id = first
JOIN photos ON photos.id = files.photo_id
JOIN folders ON folders.id = files.folder_id
{_BY_DATE}"""
# One pass over the newest files only; files that are not a photo's primary file are dropped afterwards.
_NEWEST = f"""
SELECT {_WITH_ENDINGS}
FROM (SELECT id AS new FROM files WHERE present AND taken IS NOT NULL ORDER BY taken DESC, photo_id DESC LIMIT ?)
JOIN files ON files.id = new
JOIN photos ON photos.id = files.photo_id
JOIN folders ON folders.id = files.folder_id
WHERE files.id = {PRIMARY_FILE}
ORDER BY taken DESC, photos.id DESC"""
_VISIBLE = "SELECT count(*) FROM photos WHERE missing_since IS NULL"
_PRESENT = "FROM files JOIN folders ON folders.id = files.folder_id WHERE present"
_PATHS = f"""
SELECT folders.path, files.name {_PRESENT} AND photo_id = ? ORDER BY single_id IS NOT NULL, files.id"""
_SHOWING = (
    f"SELECT folders.path, files.name, size, mtime_ns {_PRESENT} AND photo_id IN {IDS} ORDER BY files.id"
)
_COMPANIONS = (
    f"SELECT folders.path, files.name {_PRESENT} AND single_id IS NOT NULL{{which}} ORDER BY files.id"
)
_SHOWN_BY = f"SELECT photo_id, folders.path, files.name, single_id IS NOT NULL {_PRESENT} AND {{which}} ORDER BY 4, files.id"
_AMONG = _SHOWN_BY.format(which=f"photo_id IN {IDS} AND files.id IN {IDS}")
# "+" keeps SQLite from reading rows in the order of names, which is all over the file.
_BELOW = """photo_id IS NOT NULL AND +folder_id = ? AND substr(files.name, 1, length(?2)) = ?2 AND EXISTS (
    SELECT 1 FROM files AS other WHERE other.present AND other.photo_id = files.photo_id AND other.id <> files.id)"""
_GONE = f"""
SELECT folders.path, files.name FROM files JOIN folders ON folders.id = files.folder_id
WHERE NOT present AND photo_id IN {IDS} ORDER BY files.id"""
_OF_PHOTOS = f" AND photo_id IN {IDS}"


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A picture as a worker read it: upright size, and the rules of both identities."""

    fingerprint: bytes
    width: int
    height: int
    fingerprint_rule: int = 1
    picture_rule: int = 1


class Photo(NamedTuple):  # a tuple, which is made in half the time: a wall has 100,000
    """A visible photo with the metadata of its primary file; unknown values are None.

    `duration` is that of a film in seconds; `is_live` means that a film is in the photo's file, or beside it; `endings` are
    the last four letters of its companions' names, separated by spaces.
    """

    id: int
    width: int
    height: int
    taken: str | None
    taken_offset: str | None
    place: str | None
    camera: str | None
    duration: float | None
    folder: Path
    name: bytes
    mtime_ns: int
    endings: str | None = None
    is_live: bool = False

    @property
    def path(self) -> Path:
        """The primary file's absolute path (made on demand: a wall of 100,000 photos shows a few)."""
        return file_path(self.folder, self.name)


def put_photo(connection: sqlite3.Connection, photo: NewPhoto) -> int:
    """Stores a picture and returns its id: the known one if the fingerprint is known."""
    connection.execute(_PUT_PHOTO, asdict(photo))
    photo_id: int = connection.execute(_BY_FINGERPRINT, (photo.fingerprint,)).fetchone()[0]
    return photo_id


def put_likeness(connection: sqlite3.Connection, hashes: Mapping[int, int | None]) -> None:
    """Stores signed 64-bit perceptual hashes by photo; None deletes one."""
    connection.executemany(_PUT_LIKENESS, [(phash, photo_id) for photo_id, phash in hashes.items()])


def known_photo(connection: sqlite3.Connection, fingerprint: bytes) -> int | None:
    """The photo with this fingerprint, visible or not."""
    row = connection.execute(_BY_FINGERPRINT, (fingerprint,)).fetchone()
    return None if row is None else row[0]


def picture_rule_of(db: Database, photo_id: int) -> int:
    """The rule by which the photo's picture was decoded when its thumbnail and vector were made."""
    return int(db.row(_PICTURE_RULE, photo_id)[0])


def known_photos(connection: sqlite3.Connection, photo_ids: Iterable[int]) -> set[int]:
    """The known ones among these photos, visible or not."""
    return {photo_id for (photo_id,) in connection.execute(_KNOWN, (json.dumps(list(photo_ids)),))}


def photos_by_id(db: Database, photo_ids: Sequence[int]) -> dict[int, Photo]:
    """The visible ones among these photos, by id."""
    rows = db.rows(_PHOTOS_BY_ID, json.dumps([int(each) for each in photo_ids]))
    return {photo.id: photo for photo in _photos(rows)}


def all_photos(db: Database) -> list[Photo]:
    """Every visible photo, newest first: by the date taken, else by the file's date."""
    return _photos(db.rows(_NEWEST_FIRST))


def newest_photos(db: Database, limit: int) -> list[Photo]:
    """The newest photos with a date; in a large library 20 times as fast as `all_photos`.

    At most `limit`, and fewer if there are copies among the newest files.
    """
    return _photos(db.rows(_NEWEST, limit))


def photos_shown(db: Database) -> int:
    """The number of visible photos."""
    return int(db.row(_VISIBLE)[0])


def first_of(db: Database, photo_ids: Sequence[int], limit: int, *, by_folder: bool) -> list[Photo]:
    """The first `limit` of the visible ones among these photos, in the order of `all_photos`, or of primary files' paths."""
    statement = f"{_PHOTOS_BY_ID} {_BY_FOLDER if by_folder else _BY_DATE} LIMIT ?"
    return _photos(db.rows(statement, json.dumps(photo_ids), max(limit, 0)))


def sketches(db: Database) -> list[Sketch]:
    """Hash and size of every visible photo, by id."""
    return [Sketch._make(row) for row in db.rows(_SKETCHES)]


def paths_of(db: Database, photo_id: int) -> list[Path]:
    """Where the photo is present, the primary file first."""
    return _paths(db.rows(_PATHS, photo_id))


def files_showing(db: Database, photo_ids: Iterable[int]) -> dict[Path, tuple[int, int]]:
    """The present files of these photos, each with its size (bytes) and time (ns since 1970) when it was read."""
    rows = db.rows(_SHOWING, json.dumps(list(photo_ids)))
    return {file_path(Path(os.fsdecode(folder)), name): (size, time) for folder, name, size, time in rows}


def paths_among(
    db: Database, photo_ids: Sequence[int], file_ids: Sequence[int]
) -> dict[int, tuple[Path, ...]]:
    """Those of these files that show the photos, by photo; files behind others only if there are no others."""
    return _by_photo(db.rows(_AMONG, json.dumps(photo_ids), json.dumps(file_ids)))


def paths_below(
    db: Database, place: Path, photo_ids: Sequence[int] | None = None
) -> dict[int, tuple[Path, ...]]:
    """The same for the files in or below a folder, of those of these or all photos that have several files."""
    statement = _SHOWN_BY.format(which=_BELOW if photo_ids is None else _BELOW + _OF_PHOTOS)
    values = () if photo_ids is None else (json.dumps(photo_ids),)
    names = [(each.id, name) for each in all_folders(db) for name in covered_names(place, each)[:1]]
    found = (db.rows(statement, at, name and name + b"/", *values) for at, name in names)
    return _by_photo([row for rows in found for row in rows])


def _by_photo(rows: Sequence[tuple[int, bytes, bytes, int]]) -> dict[int, tuple[Path, ...]]:
    folders = {folder: Path(os.fsdecode(folder)) for folder in {row[1] for row in rows}}
    in_front = {photo_id for photo_id, *_, is_behind in rows if not is_behind}
    found: dict[int, list[Path]] = {}
    for photo_id, folder, name, is_behind in rows:
        if not is_behind or photo_id not in in_front:
            found.setdefault(photo_id, []).append(file_path(folders[folder], name))
    return {photo_id: tuple(paths) for photo_id, paths in found.items()}


def gone_files(db: Database, photo_ids: Sequence[int]) -> list[Path]:
    """Where these photos were before: their files that are missing."""
    return _paths(db.rows(_GONE, json.dumps(list(photo_ids))))


def companions_of(db: Database, photo_ids: Sequence[int] | None = None) -> list[Path]:
    """The present files that stand behind the primary files of these photos; by default, of all photos."""
    values = () if photo_ids is None else (json.dumps(list(photo_ids)),)
    return _paths(db.rows(_COMPANIONS.format(which="" if photo_ids is None else _OF_PHOTOS), *values))


def _paths(rows: Iterable[tuple[bytes, bytes]]) -> list[Path]:
    return [file_path(Path(os.fsdecode(folder)), name) for folder, name in rows]


def hidden_photos(db: Database) -> list[int]:
    """The photos without a present file, ascending; a search must not show them."""
    return db.column(_HIDDEN)


def _photos(rows: list[tuple[Any, ...]]) -> list[Photo]:
    # one Path per folder, not per photo
    folders = {folder: Path(os.fsdecode(folder)) for folder in {row[-5] for row in rows}}
    return [Photo._make((*row[:-5], folders[row[-5]], *row[-4:-1], bool(row[-1]))) for row in rows]

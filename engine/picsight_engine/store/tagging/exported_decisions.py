"""The user's decisions and ratings for export and import, with the data that identifies each picture elsewhere."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsight_engine.foundation.face import Box
from picsight_engine.store.files import IDS, PRIMARY_FILE
from picsight_engine.store.folders import all_folders, covered_names, file_path
from picsight_engine.store.tagging.decisions import LATEST

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.folders import Folder
    from picsight_engine.store.tagging.decisions import Verdict

# A photo by its primary file, or by its oldest file if all are missing.
_PICTURES = f"""
SELECT photos.id, folders.path, files.name, fingerprint, fingerprint_rule FROM photos
JOIN files ON files.id = coalesce({PRIMARY_FILE}, (SELECT min(id) FROM files WHERE photo_id = photos.id))
JOIN folders ON folders.id = files.folder_id
WHERE photos.id IN (
    SELECT photo_id FROM tag_photos WHERE verdict IS NOT NULL UNION SELECT photo_id FROM tag_examples
    UNION SELECT photo_id FROM ratings)"""
# The decisions of a merged tag belong to the tag that it was merged into.
_DECISIONS = f"""
SELECT coalesce(merged_into, tags.id) AS owner, tag_decisions.photo_id, verdict, source, decided_at, face_id, x, y, width, height,
    {LATEST.format("tag_decisions")}
FROM tag_decisions JOIN tag_runs ON tag_runs.id = run_id JOIN tags ON tags.id = tag_id LEFT JOIN faces ON faces.id = face_id
WHERE undone_at IS NULL{{which}} GROUP BY owner, tag_decisions.photo_id, face_id ORDER BY owner, tag_decisions.photo_id, x"""
_OF_TAGS = f" AND coalesce(merged_into, tags.id) IN {IDS}"
_RATINGS = f"""
SELECT photo_id, stars, rated_at, {LATEST.format("ratings")} FROM ratings JOIN tag_runs ON tag_runs.id = run_id
WHERE undone_at IS NULL GROUP BY photo_id ORDER BY photo_id"""
_DECIDED = """
SELECT photo_id, tag_id FROM tag_photos JOIN tags ON tags.id = tag_id WHERE verdict = ? AND removed_at IS NULL"""
_EVER_DECIDED = "SELECT DISTINCT photo_id, tag_id FROM tag_decisions"
_EVER_RATED = "SELECT DISTINCT photo_id, stars FROM ratings WHERE stars IS NOT NULL"
_OF_RUNS = " UNION ".join(
    f"""
SELECT json_extract(value, '$.id'), json_extract(value, '$.name'), json_extract(value, '$.parent_id'),
    json_extract(value, '$.merged_into') FROM tag_runs, json_each(tag_runs.{end})"""
    for end in ("before", "after")
)
_PAST_NAMES = f"SELECT id, name, parent_id, merged_into FROM tags UNION {_OF_RUNS}"
_FILES = """
SELECT files.id, photo_id, name, size, mtime_ns, bytes_hash, fingerprint, taken, keywords, single_id IS NOT NULL
FROM files JOIN photos ON photos.id = coalesce(single_id, photo_id)
WHERE present AND photo_id IS NOT NULL AND {which} ORDER BY name"""
_IN_FOLDER = "folder_id = ?1"
_WITH_HASH = """files.id IN (
    SELECT id FROM files WHERE bytes_hash = ?2
    UNION SELECT files.id FROM photos AS known JOIN files ON photo_id = known.id AND single_id IS NULL
    WHERE known.fingerprint = ?2
    UNION SELECT files.id FROM photos AS known JOIN files ON single_id = known.id WHERE known.fingerprint = ?2) AND +folder_id = ?1"""  # without its index, which lists the whole folder
_BACKUP = "SELECT revision, filed, filed_hash FROM tag_state"
_SET_BACKUP = "UPDATE tag_state SET filed = ?, filed_hash = ?"
# A photo whose file stands behind another is hidden: what is stored about it applies to the photo in front.
_FRONT = """(
    SELECT photo_id FROM files
    WHERE single_id = photos.id AND present AND photos.missing_since IS NOT NULL LIMIT 1)"""
_SHOWN_INSTEAD = (
    f"SELECT CASE WHEN missing_since IS NULL THEN id ELSE {_FRONT} END FROM photos WHERE id IN {IDS}"
)
_BY_FINGERPRINT = f"SELECT coalesce({_FRONT}, id) FROM photos WHERE fingerprint = ? AND fingerprint_rule = ?"
_BY_HASH = f"""
SELECT coalesce({_FRONT}, id), missing_since IS NULL OR {_FRONT} IS NOT NULL AS is_shown FROM photos
WHERE fingerprint = ?1 OR id IN (SELECT photo_id FROM files WHERE bytes_hash = ?1) ORDER BY is_shown DESC, id LIMIT 1"""


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """The present or last path of a photo, and its fingerprint by a rule."""

    path: str  # a Path takes ten times as long to make
    fingerprint: bytes
    rule: int


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """The last decision about a photo, or about a face in it; its time is in seconds since 1970."""

    photo_id: int
    verdict: Verdict
    source: str
    decided_at: float
    face_id: int | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class StoredRating:
    """The stars that the user gave last, None if they were withdrawn."""

    stars: int | None
    rated_at: float


@dataclass(frozen=True, slots=True)
class PastName:
    """A present or former name of a tag, its parent, and the tag that it was merged into."""

    tag_id: int
    name: str
    parent_id: int | None
    merged_into: int | None


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A present file of a photo as it was indexed, with its own date and keywords; `fingerprint` is that of the file's picture."""

    id: int
    photo_id: int
    path: Path
    size: int
    mtime_ns: int
    bytes_hash: bytes | None
    fingerprint: bytes
    taken: str | None
    keywords: tuple[str, ...]
    is_companion: bool


def seen_pictures(connection: sqlite3.Connection) -> dict[int, SeenPicture]:
    """The photos with decisions, examples or ratings; those without any known file are left out."""
    return {
        photo_id: SeenPicture(os.path.join(os.fsdecode(folder), os.fsdecode(name)), fingerprint, rule)  # noqa: PTH118
        for photo_id, folder, name, fingerprint, rule in connection.execute(_PICTURES)
    }


def last_decisions(
    connection: sqlite3.Connection, tag_ids: Iterable[int] | None = None
) -> dict[int, list[StoredDecision]]:
    """The last decision about every photo by tag, including withdrawn ones; for all tags or for these."""
    statement = _DECISIONS.format(which="" if tag_ids is None else _OF_TAGS)
    values = () if tag_ids is None else (json.dumps(list(tag_ids)),)
    found: defaultdict[int, list[StoredDecision]] = defaultdict(list)
    for tag_id, photo, verdict, source, time, face, *corners, _ in connection.execute(statement, values):
        box = None if face is None else Box(*corners)
        found[tag_id].append(StoredDecision(photo, verdict, source, time, face, box))
    return found


def last_ratings(connection: sqlite3.Connection) -> dict[int, StoredRating]:
    """The stars that the user gave last, by photo."""
    return {
        photo_id: StoredRating(stars, rated_at)
        for photo_id, stars, rated_at, _ in connection.execute(_RATINGS)
    }


def tags_decided(connection: sqlite3.Connection, verdict: Verdict) -> defaultdict[int, list[int]]:
    """The tags in which each photo is accepted, or rejected."""
    return _by_photo(connection.execute(_DECIDED, (verdict,)))


def ever_decided(connection: sqlite3.Connection) -> defaultdict[int, list[int]]:
    """The tags in which each photo was ever decided, even if undone or withdrawn since."""
    return _by_photo(connection.execute(_EVER_DECIDED))


def ever_rated(connection: sqlite3.Connection) -> defaultdict[int, list[int]]:
    """The stars that the user ever gave each photo, even if undone or withdrawn since."""
    return _by_photo(connection.execute(_EVER_RATED))


def _by_photo(rows: Iterable[tuple[int, int]]) -> defaultdict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for photo_id, value in rows:
        found[photo_id].append(value)
    return found


def past_names(connection: sqlite3.Connection) -> Iterator[PastName]:
    """All recorded names and parents of all tags, including removed ones."""
    for row in connection.execute(_PAST_NAMES):
        yield PastName(*row)


def shown_files(db: Database, place: Path | None = None) -> Iterator[ShownFile]:
    """The present files of photos in the whole library or in a folder, by folder and name."""
    for folder in all_folders(db):
        names = [b""] if place is None else covered_names(place, folder)
        for row in db.rows(_FILES.format(which=_IN_FOLDER), folder.id) if names else ():
            if any(row[2].startswith(below + b"/") or below in {b"", row[2]} for below in names):
                yield _shown_file(folder, row)


def files_with_hash(db: Database, digest: bytes) -> list[ShownFile]:
    """The present files whose bytes or picture have this hash, by folder and name."""
    statement = _FILES.format(which=_WITH_HASH)
    return [
        _shown_file(folder, row)
        for folder in all_folders(db)
        for row in db.rows(statement, folder.id, digest)
    ]


def _shown_file(folder: Folder, row: tuple[Any, ...]) -> ShownFile:
    file_id, photo_id, name, *seen, keywords, companion = row
    path, held = file_path(folder.path, name), tuple(json.loads(keywords or "[]"))
    return ShownFile(*(file_id, photo_id, path, *seen, held, bool(companion)))


def is_covered(db: Database, place: Path) -> bool:
    """Whether a folder equals, lies in, or contains a folder of the library, and exists or has photos, as on an unplugged disk."""
    is_in_place = any(covered_names(place, folder) for folder in all_folders(db))
    return is_in_place and (place.exists() or next(shown_files(db, place), None) is not None)


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """The present revision of tags and ratings, the one that the file of decisions holds, and the hash of that file."""

    revision: int
    saved: int
    digest: bytes | None


def backup_record(connection: sqlite3.Connection) -> BackupRecord:
    """The stored state of the file of decisions beside the database."""
    return BackupRecord(*connection.execute(_BACKUP).fetchone())


def record_backup(connection: sqlite3.Connection, revision: int, digest: bytes) -> None:
    """Stores that everything up to this revision is in the file with this hash."""
    connection.execute(_SET_BACKUP, (revision, digest))


def photo_with_fingerprint(connection: sqlite3.Connection, fingerprint: bytes, rule: int) -> int | None:
    """The photo with this fingerprint, visible or not; of a file behind another photo, that photo."""
    row = connection.execute(_BY_FINGERPRINT, (fingerprint, rule)).fetchone()
    return None if row is None else row[0]


def shown_instead(connection: sqlite3.Connection, photo_ids: Iterable[int]) -> set[int | None]:
    """The visible photos that show these pictures now: itself, or the photo of its pair; None stands for those that left."""
    return {shown for (shown,) in connection.execute(_SHOWN_INSTEAD, (json.dumps(list(photo_ids)),))}


def photo_with_hash(db: Database, digest: bytes) -> tuple[int, bool] | None:
    """The photo with this fingerprint, or with this hash of a file's bytes, and whether it is visible."""
    row = db.row(_BY_HASH, digest)
    return None if row is None else (row[0], bool(row[1]))

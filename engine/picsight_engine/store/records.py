"""What a person has said of pictures, as it leaves the library and comes back: each picture as others find it again."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.store.files import IDS, PRIMARY_FILE
from picsight_engine.store.folders import all_folders, covered_names, file_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.decisions import Verdict

# A photo by its primary file; by the one that the library knows longest where all of them are missing.
_PICTURES = f"""
SELECT photos.id, folders.path, files.name, fingerprint, fingerprint_rule FROM photos
JOIN files ON files.id = coalesce({PRIMARY_FILE}, (SELECT min(id) FROM files WHERE photo_id = photos.id))
JOIN folders ON folders.id = files.folder_id
WHERE photos.id IN (
    SELECT photo_id FROM tag_photos WHERE verdict IS NOT NULL UNION SELECT photo_id FROM tag_examples
    UNION SELECT photo_id FROM ratings)"""
# The last word counts, of those that were not undone: SQLite takes a row's other columns from that with the highest
# number. Of a tag that was merged into another the other one has the decisions.
_DECISIONS = """
SELECT coalesce(merged_into, tags.id) AS owner, photo_id, verdict, source, decided_at, max(tag_decisions.id)
FROM tag_decisions JOIN tag_runs ON tag_runs.id = run_id JOIN tags ON tags.id = tag_id
WHERE undone_at IS NULL{which} GROUP BY owner, photo_id ORDER BY owner, photo_id"""
_OF_TAGS = f" AND coalesce(merged_into, tags.id) IN {IDS}"
_RATINGS = """
SELECT photo_id, stars, rated_at, max(ratings.id) FROM ratings JOIN tag_runs ON tag_runs.id = run_id
WHERE undone_at IS NULL GROUP BY photo_id ORDER BY photo_id"""
_DECIDED = """
SELECT photo_id, tag_id FROM tag_photos JOIN tags ON tags.id = tag_id WHERE verdict = ? AND removed_at IS NULL"""
_EVER_DECIDED = "SELECT DISTINCT photo_id, tag_id FROM tag_decisions"
_EVER_RATED = "SELECT DISTINCT photo_id FROM ratings"
_OF_RUNS = " UNION ".join(
    f"""
SELECT json_extract(value, '$.id'), json_extract(value, '$.name'), json_extract(value, '$.parent_id'),
    json_extract(value, '$.merged_into') FROM tag_runs, json_each(tag_runs.{end})"""
    for end in ("before", "after")
)
_PAST_NAMES = f"SELECT id, name, parent_id, merged_into FROM tags UNION {_OF_RUNS}"
_FILES = """
SELECT files.id, photo_id, name, size, mtime_ns, bytes_hash, fingerprint, keywords
FROM files JOIN photos ON photos.id = photo_id WHERE present AND folder_id = ? ORDER BY name"""
_FILING = "SELECT revision, filed, filed_hash FROM tag_state"
_UNFILED = "SELECT revision <> filed FROM tag_state"
_FILED = "UPDATE tag_state SET filed = ?, filed_hash = ?"
_RULE = "SELECT fingerprint_rule FROM photos WHERE id = ?"
_BY_FINGERPRINT = "SELECT id FROM photos WHERE fingerprint = ? AND fingerprint_rule = ?"
_BY_HASH = """
SELECT id, missing_since IS NULL AS is_shown FROM photos
WHERE fingerprint = ?1 OR id IN (SELECT photo_id FROM files WHERE bytes_hash = ?1) ORDER BY is_shown DESC, id LIMIT 1"""


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """Where a photo lies, or lay last, and its fingerprint by a rule."""

    path: str  # Path takes ten times as long to make
    fingerprint: bytes
    rule: int


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """The last decision about a photo, in seconds since 1970."""

    photo_id: int
    verdict: Verdict
    source: str
    decided_at: float


@dataclass(frozen=True, slots=True)
class StoredRating:
    """The stars that a person gave last, None where they were taken back."""

    stars: int | None
    rated_at: float


@dataclass(frozen=True, slots=True)
class PastName:
    """What a tag is or was called, which one it stood below, and which one had its photos."""

    tag_id: int
    name: str
    parent_id: int | None
    merged_into: int | None


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A present file of a photo as it was indexed, with the keywords that it holds itself."""

    id: int
    photo_id: int
    path: Path
    size: int
    mtime_ns: int
    bytes_hash: bytes | None
    fingerprint: bytes
    keywords: tuple[str, ...]


def seen_pictures(connection: sqlite3.Connection) -> dict[int, SeenPicture]:
    """The photos of which a person has said anything; one of which no file is known any more lies nowhere."""
    return {
        photo_id: SeenPicture(os.path.join(os.fsdecode(folder), os.fsdecode(name)), fingerprint, rule)  # noqa: PTH118
        for photo_id, folder, name, fingerprint, rule in connection.execute(_PICTURES)
    }


def last_decisions(
    connection: sqlite3.Connection, tag_ids: Iterable[int] | None = None
) -> dict[int, list[StoredDecision]]:
    """The last decision about every photo by tag, withdrawn ones too; of all tags, or of these."""
    statement = _DECISIONS.format(which="" if tag_ids is None else _OF_TAGS)
    values = () if tag_ids is None else (json.dumps(list(tag_ids)),)
    found: defaultdict[int, list[StoredDecision]] = defaultdict(list)
    for tag_id, *decision, _ in connection.execute(statement, values):
        found[tag_id].append(StoredDecision(*decision))
    return found


def last_ratings(connection: sqlite3.Connection) -> dict[int, StoredRating]:
    """The stars that a person gave last, by photo."""
    return {
        photo_id: StoredRating(stars, rated_at)
        for photo_id, stars, rated_at, _ in connection.execute(_RATINGS)
    }


def tags_decided(connection: sqlite3.Connection, verdict: Verdict) -> defaultdict[int, list[int]]:
    """The tags in which each photo is accepted, or rejected."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for photo_id, tag_id in connection.execute(_DECIDED, (verdict,)):
        found[photo_id].append(tag_id)
    return found


def ever_decided(connection: sqlite3.Connection) -> defaultdict[int, list[int]]:
    """The tags of which anything was ever said about each photo, undone or withdrawn since or not."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for photo_id, tag_id in connection.execute(_EVER_DECIDED):
        found[photo_id].append(tag_id)
    return found


def ever_rated(connection: sqlite3.Connection) -> set[int]:
    """The photos to which stars were ever given, undone or taken back since or not."""
    return {photo_id for (photo_id,) in connection.execute(_EVER_RATED)}


def past_names(connection: sqlite3.Connection) -> Iterator[PastName]:
    """All names and places of all tags, removed ones too, as far as changes were written down."""
    for row in connection.execute(_PAST_NAMES):
        yield PastName(*row)


def shown_files(db: Database, place: Path | None = None) -> Iterator[ShownFile]:
    """The present files of photos, of the whole library or of a folder, by folder and name."""
    for folder in all_folders(db):
        names = [b""] if place is None else covered_names(place, folder)
        rows = db.rows(_FILES, folder.id) if names else []
        for file_id, photo_id, name, size, mtime_ns, bytes_hash, fingerprint, keywords in rows:
            if any(name.startswith(below + b"/") or below in {b"", name} for below in names):
                path, keywords_held = file_path(folder.path, name), tuple(json.loads(keywords or "[]"))
                yield ShownFile(
                    file_id, photo_id, path, size, mtime_ns, bytes_hash, fingerprint, keywords_held
                )


def is_covered(db: Database, place: Path) -> bool:
    """Whether a folder is, lies in, or holds one of the library's."""
    return any(covered_names(place, folder) for folder in all_folders(db))


@dataclass(frozen=True, slots=True)
class Filing:
    """The number that changes with all that is said, what it was when that was filed last, and the hash of that file."""

    revision: int
    filed: int
    digest: bytes | None


def noted_filing(connection: sqlite3.Connection) -> Filing:
    """What is known of the file beside the database."""
    return Filing(*connection.execute(_FILING).fetchone())


def note_filed(connection: sqlite3.Connection, revision: int, digest: bytes) -> None:
    """Everything up to this number is in the file with this hash."""
    connection.execute(_FILED, (revision, digest))


def is_unfiled(db: Database) -> bool:
    """Whether anything was said since it was filed last."""
    return bool(db.row(_UNFILED)[0])


def photo_with_fingerprint(connection: sqlite3.Connection, fingerprint: bytes, rule: int) -> int | None:
    """The photo with this fingerprint, visible or not."""
    row = connection.execute(_BY_FINGERPRINT, (fingerprint, rule)).fetchone()
    return None if row is None else row[0]


def rule_of(connection: sqlite3.Connection, photo_id: int) -> int:
    """The rule by which a photo's fingerprint was made."""
    rule: int = connection.execute(_RULE, (photo_id,)).fetchone()[0]
    return rule


def photo_with_hash(db: Database, digest: bytes) -> tuple[int, bool] | None:
    """The photo of which this is the fingerprint, or the hash of a file's bytes, and whether it is shown."""
    row = db.row(_BY_HASH, digest)
    return None if row is None else (row[0], bool(row[1]))

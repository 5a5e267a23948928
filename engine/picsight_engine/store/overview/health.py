"""The library's figures and faults, as values that `status` and `doctor` put into words."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.store.derived.vectors import STORED, WHOLE
from picsight_engine.store.folders import RESTING
from picsight_engine.store.selection import visible_photos
from picsight_engine.store.tagging.decisions import LATEST, apply_tags
from picsight_engine.store.tagging.tags import revise

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.thumbnails import ThumbnailStore

_FAVOURITES = """
INSERT INTO tags (name, key, kind, created_at)
VALUES ('Favourites', 'favourites', 'favourite', CAST(strftime('%s', 'now') AS REAL))"""
_COUNTS = f"""
SELECT (SELECT count(*) FROM folders WHERE state <> 'paused'),
    (SELECT count(*) FROM photos WHERE missing_since IS NULL),
    (SELECT count(*) FROM files WHERE present AND photo_id IS NOT NULL),
    (SELECT count(*) FROM problems WHERE NOT ignored AND folder_id NOT IN {RESTING})"""
_LACKING = f"""
FROM photos WHERE missing_since IS NULL AND NOT EXISTS (
    SELECT 1 FROM vectors JOIN spaces ON spaces.id = space_id
    WHERE photo_id = photos.id AND part = {WHOLE} AND spaces.name = ?)"""
_WITHOUT_VECTOR = f"SELECT id {_LACKING} ORDER BY id"
# If all present files of a photo are listed under problems, no model can read it again.
_AWAITING = f"""
SELECT count(*) {_LACKING} AND EXISTS (
    SELECT 1 FROM files WHERE photo_id = photos.id AND present AND NOT EXISTS (
        SELECT 1 FROM problems WHERE problems.folder_id = files.folder_id AND problems.name = files.name))"""
_WRONG = f"FROM vectors JOIN spaces ON spaces.id = space_id WHERE length(vector) <> dim * {STORED.itemsize}"
_MISSHAPEN = f"SELECT DISTINCT photo_id {_WRONG} ORDER BY photo_id"
_DELETE_MISSHAPEN = f"DELETE FROM vectors WHERE (photo_id, space_id) IN (SELECT photo_id, space_id {_WRONG})"
_BEHIND = "SELECT single_id FROM files WHERE present AND single_id IS NOT NULL"
# Compares the last decisions that were not undone with the stored states.
_LAST_DECIDED = f"""
SELECT coalesce(merged_into, tags.id) AS tag_id, photo_id, verdict, {LATEST.format("tag_decisions")}
FROM tag_decisions JOIN tags ON tags.id = tag_decisions.tag_id JOIN tag_runs ON tag_runs.id = run_id
WHERE undone_at IS NULL GROUP BY 1, 2"""
_COUNTING = "SELECT tag_id, photo_id, verdict FROM tag_photos WHERE verdict IS NOT NULL"
_DECIDED = f"SELECT tag_id, photo_id, verdict FROM ({_LAST_DECIDED}) WHERE verdict <> 'withdrawn'"
_MISJUDGED = f"""
SELECT count(*) FROM (
    SELECT tag_id, photo_id FROM ({_DECIDED} EXCEPT {_COUNTING})
    UNION SELECT tag_id, photo_id FROM ({_COUNTING} EXCEPT {_DECIDED}))"""
# A tag is at the top level, or below an existing tag that is itself in place.
_ADRIFT = """
WITH RECURSIVE placed (id) AS (
    SELECT id FROM tags WHERE parent_id IS NULL AND removed_at IS NULL
    UNION SELECT tags.id FROM placed JOIN tags ON parent_id = placed.id WHERE removed_at IS NULL)
SELECT id FROM tags WHERE removed_at IS NULL AND id NOT IN (SELECT id FROM placed)"""
_LIFT = f"UPDATE tags SET parent_id = NULL WHERE id IN ({_ADRIFT})"
_HAS__FAVOURITES = "SELECT count(*) FROM tags WHERE kind = 'favourite' AND removed_at IS NULL"
_TAGS = "SELECT id FROM tags"


@dataclass(frozen=True, slots=True)
class Counts:
    """The library in numbers: visible photos, their present files, problems that are not ignored."""

    folders: int
    photos: int
    files: int
    problems: int


def counts(db: Database) -> Counts:
    """The figures that `status` shows."""
    return Counts(*db.row(_COUNTS))


def folder_bytes(folder: Path) -> int:
    """The total size of all files below `folder`; files that vanish meanwhile or are unreadable count as 0."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(where, name), follow_symlinks=False).st_size  # noqa: PTH116, PTH118 - os.walk gives strings
            except OSError:
                continue
    return total


def damage(db: Database) -> list[str]:
    """The faults that SQLite finds in the file's structure, without those of the text index, which can be rebuilt."""
    return [text for text in db.column("PRAGMA quick_check") if text != "ok" and "FTS5 table" not in text]


def broken_references(db: Database) -> int:
    """How many rows refer to rows that do not exist."""
    return len(db.rows("PRAGMA foreign_key_check"))


def photos_without_vector(db: Database, space: str) -> list[int]:
    """The visible photos that a search in this space cannot find: they are not indexed yet."""
    return db.column(_WITHOUT_VECTOR, space)


def photos_awaiting(db: Database, space: str) -> int:
    """How many visible and readable photos still lack a vector in this space."""
    return int(db.row(_AWAITING, space)[0])


def misshapen_vectors(db: Database) -> list[int]:
    """The photos with a stored vector of a wrong length for its space."""
    return db.column(_MISSHAPEN)


def delete_misshapen_vectors(db: Database) -> int:
    """Deletes vectors of a wrong length, with all others of their photos, so that the next indexing makes them again.

    Returns the number of vectors deleted.
    """
    with db.writer() as connection:
        return connection.execute(_DELETE_MISSHAPEN).rowcount


def orphan_thumbnails(db: Database, thumbnails: ThumbnailStore) -> list[int]:
    """The photos with a thumbnail but no file, except those in `thumbnails.kept` and those that stand behind others."""
    shown = {*visible_photos(db).tolist(), *db.column(_BEHIND)}
    return sorted({*thumbnails.ids()} - shown - thumbnails.kept)


def photos_without_thumbnail(db: Database, thumbnails: ThumbnailStore) -> list[int]:
    """The visible photos without a thumbnail."""
    return sorted({*visible_photos(db).tolist()} - {*thumbnails.ids()})


def misjudged_photos(db: Database) -> int:
    """How many pairs of photo and tag have a state that contradicts the decisions."""
    return int(db.row(_MISJUDGED)[0])


def misplaced_tags(db: Database) -> int:
    """How many tags are below a removed tag or below themselves, plus one if the favourites are missing."""
    return len(db.rows(_ADRIFT)) + int(db.row(_HAS__FAVOURITES)[0] == 0)


def mend_tags(db: Database) -> None:
    """Recomputes states from decisions, moves misplaced tags to the top, and restores missing favourites."""
    with db.writer() as connection:
        connection.execute(_LIFT)
        if connection.execute(_HAS__FAVOURITES).fetchone()[0] == 0:
            connection.execute(_FAVOURITES)
        apply_tags(connection, [tag_id for (tag_id,) in connection.execute(_TAGS)])
        revise(connection)

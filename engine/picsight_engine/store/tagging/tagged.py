"""Selects the visible photos of a tag: accepted or suggested in it or below it, and not rejected. Also the stars of photos.

The user's stars override those of the files; like a decision, each rating is part of a run.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from picsight_engine.store.files import IDS, PRIMARY_FILE
from picsight_engine.store.photos import SHOWN
from picsight_engine.store.selection import ascending, photos_with, visible_photos
from picsight_engine.store.tagging.decisions import LATEST
from picsight_engine.store.tagging.exported_decisions import last_decisions
from picsight_engine.store.tagging.tags import name_key, paths_of, person_ids, tags_called

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

_IN = f"""
WITH RECURSIVE below (top, id) AS (
    SELECT value, value FROM json_each(?)
    UNION SELECT top, tags.id FROM below JOIN tags ON parent_id = below.id WHERE removed_at IS NULL)
SELECT photo_id FROM below JOIN tag_photos AS held ON tag_id = below.id
WHERE verdict IS NOT 'rejected' AND {SHOWN} AND NOT EXISTS (
    SELECT 1 FROM tag_photos WHERE tag_id = top AND photo_id = held.photo_id AND verdict = 'rejected')"""
_BELOW = """
WITH RECURSIVE below (id) AS (
    SELECT value FROM json_each(?) UNION SELECT tags.id FROM below JOIN tags ON parent_id = below.id WHERE removed_at IS NULL)
SELECT id FROM below"""
_KEYWORDS = """
SELECT photo_id, keywords FROM files WHERE present AND photo_id IS NOT NULL AND keywords IS NOT NULL"""
# An estimate: hidden photos count, and a photo in several tags counts once for each.
_SIZES = """
WITH RECURSIVE sizes (tag_id, photos) AS (
    SELECT tag_id, count(*) FROM tag_photos WHERE verdict IS NOT 'rejected' GROUP BY tag_id),
above (tag_id, top) AS (
    SELECT tag_id, tag_id FROM sizes UNION SELECT above.tag_id, parent_id FROM above JOIN tags ON tags.id = top
    WHERE parent_id IS NOT NULL)
SELECT top, sum(photos) FROM above JOIN sizes USING (tag_id) GROUP BY top"""
_FAVOURITES = "SELECT id FROM tags WHERE kind = 'favourite'"
_UNTAGGED = """
SELECT id AS photo_id FROM photos WHERE missing_since IS NULL
AND id NOT IN (
    SELECT photo_id FROM tag_photos JOIN tags ON tags.id = tag_id
    WHERE verdict IS NOT 'rejected' AND kind = 'tag' AND removed_at IS NULL)
AND id NOT IN (SELECT photo_id FROM files WHERE present AND photo_id IS NOT NULL AND keywords IS NOT NULL)"""
_ADD = "INSERT INTO ratings (photo_id, stars, run_id, rated_at) VALUES (?, ?, ?, ?)"
_LAST = f"""
SELECT photo_id, stars, {LATEST.format("ratings")} FROM ratings JOIN tag_runs ON tag_runs.id = run_id
WHERE undone_at IS NULL{{which}} GROUP BY photo_id"""
_STARRED = f"""
WITH starred AS MATERIALIZED (SELECT photo_id, stars FROM ({_LAST.format(which="")}) WHERE stars IS NOT NULL)"""
_STARRED_OF = f"""
SELECT photo_id, stars FROM ({_LAST.format(which=f" AND photo_id IN {IDS}")}) WHERE stars IS NOT NULL"""
# Lightroom rates the RAW of a pair, in its side-car; cameras write 0 into the JPEG.
_FILE_STARS = f"""
SELECT photos.id, coalesce(nullif(rating, 0), (
    SELECT max(rating) FROM files WHERE photo_id = photos.id AND present AND single_id IS NOT NULL), rating)
FROM photos JOIN files ON files.id = {PRIMARY_FILE} WHERE photos.id IN {IDS}"""
_RATED = f"""
{_STARRED} SELECT photo_id FROM starred JOIN photos ON photos.id = photo_id
WHERE missing_since IS NULL AND stars BETWEEN ?1 AND ?2
UNION SELECT photo_id FROM files WHERE present AND +photo_id IS NOT NULL AND rating BETWEEN ?1 AND ?2
    AND photo_id NOT IN (SELECT photo_id FROM starred)"""
_PERSONS = "SELECT id, name FROM tags WHERE is_person AND removed_at IS NULL ORDER BY id"
_ANY = "SELECT 1 FROM tags WHERE kind <> 'favourite' AND removed_at IS NULL LIMIT 1"


def photos_tagged(db: Database, path: str) -> NDArray[np.int64]:
    """The photos in the tags of this name or path; all arrays of ids in this module are ascending."""
    with db.reading() as connection:
        called = tags_called(connection, path)
    return ascending(db.column(_IN, json.dumps(called)))


def photos_of_person(db: Database, name: str) -> NDArray[np.int64]:
    """The photos in which a face of this person was accepted."""
    with db.reading() as connection:
        called = tags_called(connection, name, persons=True)
    return ascending(db.column(_IN, json.dumps(called)))


def names_of_persons(db: Database) -> dict[int, str]:
    """The names of all persons."""
    return dict(db.rows(_PERSONS))


def photos_with_keyword(db: Database, path: str, fits: Callable[[str], bool]) -> NDArray[np.int64]:
    """The photos whose files have a keyword that fits, without those that the user rejected in the tag of that name."""
    with db.reading() as connection:
        rows = connection.execute(_KEYWORDS).fetchall()
        fitting: dict[str, list[str]] = {}
        for text in {text for _, text in rows}:
            if found := [keyword for keyword in json.loads(text) if fits(keyword)]:
                fitting[text] = found
        outside = _outside(connection, path) if fitting else {}
    return ascending(
        photo_id
        for photo_id, text in rows
        if any(_holds(keyword, outside.get(photo_id, ())) for keyword in fitting.get(text, ()))
    )


def _outside(connection: sqlite3.Connection, path: str) -> dict[int, list[str]]:
    """The photos rejected in tags of this name or path (as an empty path), or in tags below these."""
    called = [*{*tags_called(connection, path)} - person_ids(connection)]  # a face is no keyword
    ids = [tag_id for (tag_id,) in connection.execute(_BELOW, (json.dumps(called),))]
    keys = {tag_id: _key_of(name) for tag_id, name in paths_of(connection, ids).items()}
    keys.update(dict.fromkeys(called, ""))
    found: defaultdict[int, list[str]] = defaultdict(list)
    for tag_id, decisions in last_decisions(connection, ids).items():
        for decision in decisions:
            if decision.verdict != "accepted":
                found[decision.photo_id].append(keys[tag_id])
    return found


def _holds(keyword: str, outside: Iterable[str]) -> bool:
    """Whether a keyword still puts a photo into the tag; it does not if the photo was rejected there."""
    key = _key_of(keyword)
    return not any(
        path == "" or f"/{path}".endswith(f"/{key}") or key.startswith(f"{path}/") for path in outside
    )


def _key_of(path: str) -> str:
    return "/".join(map(name_key, re.split(r"[/|]", path)))


def sizes_of_tags(db: Database) -> Counter[int]:
    """The approximate number of photos of each tag with the tags below it, to tell large tags from empty ones."""
    return Counter(dict(db.rows(_SIZES)))


def favourite_photos(db: Database) -> NDArray[np.int64]:
    """The favourites."""
    return ascending(db.column(_IN, json.dumps(db.column(_FAVOURITES))))


def untagged_photos(db: Database) -> NDArray[np.int64]:
    """The photos without tags and without keywords in their files; favourites and albums do not count as tags here."""
    return ascending(db.column(_UNTAGGED))


def photos_that_may_be_tagged(db: Database) -> NDArray[np.int64]:
    """Every photo once there is any tag, even an empty one; until then the photos whose files have keywords."""
    return visible_photos(db) if db.row(_ANY) else photos_with(db, "keywords")


def add_ratings(
    connection: sqlite3.Connection, run_id: int, photo_ids: Iterable[int], stars: int | None, time: float
) -> bool:
    """Gives photos 0 to 5 stars, -1 for rejected, None for the stars of their files; returns whether there are any photos."""
    rows = [(photo_id, stars, run_id, time) for photo_id in photo_ids]
    connection.executemany(_ADD, rows)
    return bool(rows)


def person_stars(connection: sqlite3.Connection, photo_ids: Sequence[int]) -> dict[int, int]:
    """The user's stars for these photos, as far as there are any."""
    return dict(connection.execute(_STARRED_OF, (json.dumps(photo_ids),)).fetchall())


def stars_of(connection: sqlite3.Connection, photo_ids: Sequence[int]) -> dict[int, int | None]:
    """The stars of these visible photos: the user's, else the primary file's or a companion's, None without any."""
    file_stars = dict(connection.execute(_FILE_STARS, (json.dumps(photo_ids),)).fetchall())
    return {**file_stars, **person_stars(connection, photo_ids)}


def photos_rated(db: Database, least: float, most: float) -> NDArray[np.int64]:
    """The visible photos with `least` to `most` stars: the user's, else those of any file."""
    return ascending(db.column(_RATED, least, most))


def photos_with_stars(db: Database) -> NDArray[np.int64]:
    """The photos with one star or more."""
    return photos_rated(db, 1, 5)

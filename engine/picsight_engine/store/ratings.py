"""The stars that a person gives: of the photo, whatever its files say; like decisions, each is a part of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from picsight_engine.store.files import IDS, PRIMARY_FILE
from picsight_engine.store.selection import ascending

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

_ADD = "INSERT INTO ratings (photo_id, stars, run_id, rated_at) VALUES (?, ?, ?, ?)"
# The last word counts, of those that were not undone: SQLite takes `stars` from the row of the highest number.
_LAST = """
SELECT photo_id, stars, max(ratings.id) AS last FROM ratings JOIN tag_runs ON tag_runs.id = run_id
WHERE undone_at IS NULL{which} GROUP BY photo_id"""
_OWN = f"""
WITH own AS MATERIALIZED (SELECT photo_id, stars FROM ({_LAST.format(which="")}) WHERE stars IS NOT NULL)"""
_OWN_OF = f"""
SELECT photo_id, stars FROM ({_LAST.format(which=f" AND photo_id IN {IDS}")}) WHERE stars IS NOT NULL"""
_FILE_STARS = (
    f"SELECT photos.id, rating FROM photos JOIN files ON files.id = {PRIMARY_FILE} WHERE photos.id IN {IDS}"
)
_RATED = f"""
{_OWN} SELECT photo_id FROM own JOIN photos ON photos.id = photo_id
WHERE missing_since IS NULL AND stars BETWEEN ?1 AND ?2
UNION SELECT photo_id FROM files WHERE present AND +photo_id IS NOT NULL AND rating BETWEEN ?1 AND ?2
    AND photo_id NOT IN (SELECT photo_id FROM own)"""


def add_ratings(
    connection: sqlite3.Connection, run_id: int, photo_ids: Iterable[int], stars: int | None, time: float
) -> bool:
    """Gives photos 0 to 5 stars, -1 for rejected, None for those of their files; returns whether there are any photos."""
    rows = [(photo_id, stars, run_id, time) for photo_id in photo_ids]
    connection.executemany(_ADD, rows)
    return bool(rows)


def person_stars(connection: sqlite3.Connection, photo_ids: Sequence[int]) -> dict[int, int]:
    """The stars of those of these photos to which a person gave some."""
    return dict(connection.execute(_OWN_OF, (json.dumps(photo_ids),)).fetchall())


def stars_of(connection: sqlite3.Connection, photo_ids: Sequence[int]) -> dict[int, int | None]:
    """The stars of these visible photos: a person's own, else those of the primary file, None where it has none."""
    file_stars = dict(connection.execute(_FILE_STARS, (json.dumps(photo_ids),)).fetchall())
    return {**file_stars, **person_stars(connection, photo_ids)}


def photos_rated(db: Database, least: float, most: float) -> NDArray[np.int64]:
    """The visible photos with so many stars, ascending: a person's own, else those of any file."""
    return ascending(db.column(_RATED, least, most))


def photos_with_stars(db: Database) -> NDArray[np.int64]:
    """Those with one star or more."""
    return photos_rated(db, 1, 5)

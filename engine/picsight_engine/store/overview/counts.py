"""Counts the visible photos by folder, month, place, camera, lens and keyword.

Also finds what several photos have in common, by their primary files, in a few statements for any number of photos.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from picsight_engine.store.files import IDS, PRIMARY_FILE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from picsight_engine.store.database import Database

_REVISION = "SELECT number FROM revision"
_SHOWN = "present AND photo_id IS NOT NULL"
_FOLDERS = "SELECT id, path FROM folders"
_PLACES = """
SELECT added_folder, folder, suffix, count(*), min(file_id) FROM file_texts GROUP BY added_folder, folder, suffix"""
_UNSEEN = """
SELECT added_folder, folder, suffix, count(*) FROM files CROSS JOIN file_texts ON file_id = files.id
WHERE NOT present OR photo_id IS NULL GROUP BY added_folder, folder, suffix"""
_NAMES = "SELECT id, name FROM files WHERE id IN (SELECT value FROM json_each(?))"
_MONTHS = f"SELECT substr(taken, 1, 7), count(*) FROM files WHERE {_SHOWN} AND taken IS NOT NULL GROUP BY 1"
_TEXTS = f"SELECT {{0}}, count(*) FROM files WHERE {_SHOWN} AND {{0}} IS NOT NULL GROUP BY 1"
_KEYWORDS = f"SELECT keywords, count(*) FROM files WHERE {_SHOWN} AND keywords IS NOT NULL GROUP BY 1"
_COPIES = f"""
SELECT photo_id, added_folder, folder, suffix, substr(taken, 1, 7), files.keywords, place, camera, lens
FROM files JOIN file_texts ON file_id = files.id WHERE present AND photo_id IN (
    SELECT photo_id FROM files WHERE {_SHOWN} GROUP BY photo_id HAVING count(*) > 1)"""
MOST_POSITIONS = 1_000  # more cannot be told apart on a map
_ONE = "CASE WHEN count({0}) = count(*) AND min({0}) = max({0}) THEN min({0}) END"
_SHARED = f"""
WITH chosen AS MATERIALIZED (
    SELECT files.id AS id, size, taken, place, lat, lon, camera, lens, keywords
    FROM photos JOIN files ON files.id = {PRIMARY_FILE}
    WHERE photos.missing_since IS NULL AND photos.id IN {IDS})
SELECT count(*), coalesce(sum(size), 0), min(taken), max(taken), count(*) - count(taken),
    {_ONE.format("camera")}, {_ONE.format("lens")},
    CASE WHEN count(place) = count(*) THEN json_group_array(DISTINCT place) END,
    (SELECT json_group_array(json_array(north, east)) FROM (
        SELECT DISTINCT round(lat, 2) AS north, round(lon, 2) AS east FROM chosen
        WHERE lat IS NOT NULL AND lon IS NOT NULL LIMIT {MOST_POSITIONS})),
    (SELECT json_group_array(value) FROM (
        SELECT value FROM chosen, json_each(keywords) GROUP BY value
        HAVING count(DISTINCT chosen.id) = (SELECT count(*) FROM chosen)))
FROM chosen"""
_SHARED_TAGS = f"""
SELECT tag_id FROM tag_photos JOIN tags ON tags.id = tag_id
WHERE photo_id IN {IDS} AND verdict = 'accepted' AND removed_at IS NULL GROUP BY tag_id HAVING count(*) = ?"""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class DirectoryFiles:
    """Files of one kind in one directory: `names` are the parts of its path from the added folder's name on, `above` is
    the path before that, `suffix` is lower case with its dot.
    """

    above: str
    names: tuple[str, ...]
    suffix: str


@dataclass(frozen=True, slots=True)
class Counted(Generic[Value]):
    """The number of files per value; `copies` lists photos with several files, once per file that has the value."""

    files: Mapping[Value, int]
    copies: Mapping[Value, tuple[int, ...]]

    def photos(self, values: Iterable[Value]) -> int:
        """How many photos have a file with any of these values."""
        chosen = list(values)
        repeated = Counter(photo_id for value in chosen for photo_id in self.copies.get(value, ()))
        return sum(self.files[value] for value in chosen) - repeated.total() + len(repeated)


@dataclass(frozen=True, slots=True)
class Contents:
    """The counts at one `revision`; months are "2019-07", keywords are the lists of single files, towns are places with
    region and country.
    """

    revision: int
    places: Counted[DirectoryFiles]
    months: Counted[str]
    keywords: Counted[tuple[str, ...]]
    towns: Counted[str]
    cameras: Counted[str]
    lenses: Counted[str]


@dataclass(frozen=True, slots=True)
class SharedDetails:
    """The number of visible photos, their total bytes, the first and last local ISO date, and how many have no date.

    The other fields are values that all photos share, None if one differs or is missing. `place` is the common end of
    their places: the country, if they lie in several of its regions. `positions` are all distinct ones, (degrees north,
    degrees east) to two decimals.
    """

    photos: int
    bytes: int
    first: str | None
    last: str | None
    undated: int
    camera: str | None
    lens: str | None
    place: str | None
    positions: tuple[tuple[float, float], ...]
    keywords: tuple[str, ...]


def photos_revision(db: Database) -> int:
    """A number that changes whenever any process changes the metadata or presence of files."""
    return int(db.row(_REVISION)[0])


def read_contents(db: Database) -> Contents:
    """Counts the contents: about 60 ms for 100,000 files, most of it inside SQLite."""
    with db.snapshot() as connection:
        return _contents(connection)


def shared_details(db: Database, photo_ids: Sequence[int]) -> SharedDetails:
    """The details that these photos share."""
    row = db.row(_SHARED, json.dumps(photo_ids))
    *single, places, positions, keywords = row
    place = _common_end(json.loads(places or "[]"))
    shared = place, tuple(map(tuple, json.loads(positions))), tuple(json.loads(keywords))
    return SharedDetails(*(*single, *shared))


def shared_tags(db: Database, photo_ids: Sequence[int]) -> list[int]:
    """The tags in which all of these photos are accepted."""
    return db.column(_SHARED_TAGS, json.dumps(photo_ids), len(photo_ids))


def _contents(connection: sqlite3.Connection) -> Contents:
    number: int = connection.execute(_REVISION).fetchone()[0]
    copies = connection.execute(_COPIES).fetchall()
    return Contents(
        number,
        _places(connection, copies),
        _counted(connection.execute(_MONTHS), ((row[0], row[4]) for row in copies)),
        _counted(
            ((_listed(text), files) for text, files in connection.execute(_KEYWORDS)),
            ((row[0], row[5] and _listed(row[5])) for row in copies),
        ),
        *(
            _counted(connection.execute(_TEXTS.format(column)), ((row[0], row[number]) for row in copies))
            for number, column in enumerate(("place", "camera", "lens"), start=6)
        ),
    )


def _places(connection: sqlite3.Connection, copies: Iterable[tuple[int, ...]]) -> Counted[DirectoryFiles]:
    """Counts by directory; those that differ only in case or accents count as one, under the first one's name."""
    unseen = {row[:3]: row[3] for row in connection.execute(_UNSEEN)}
    found = [row for row in connection.execute(_PLACES) if row[3] > unseen.get(row[:3], 0)]
    names = dict(connection.execute(_NAMES, (json.dumps([row[4] for row in found]),)))
    folders = {folder_id: os.fsdecode(path) for folder_id, path in connection.execute(_FOLDERS)}
    places = {row[:3]: _place(folders[row[0]], names[row[4]], row[2]) for row in found}
    return _counted(
        ((places[row[:3]], row[3] - unseen.get(row[:3], 0)) for row in found),
        ((row[0], places.get(row[1:4])) for row in copies),
    )


def _place(folder: str, stored: bytes, suffix: str) -> DirectoryFiles:
    above, _, last = folder.replace(os.sep, "/").rstrip("/").rpartition("/")
    *directories, _ = os.fsdecode(stored).split("/")
    return DirectoryFiles(above + "/", (last, *directories) if last else tuple(directories), suffix)


def _counted(
    files: Iterable[tuple[Value, int]], copies: Iterable[tuple[int, Value | None]]
) -> Counted[Value]:
    """Counts equal values together."""
    totals: Counter[Value] = Counter()
    for value, number in files:
        totals[value] += number
    photos: defaultdict[Value, list[int]] = defaultdict(list)
    for photo_id, of_copy in copies:
        if of_copy is not None:
            photos[of_copy].append(photo_id)
    return Counted(totals, {value: tuple(ids) for value, ids in photos.items()})


def _listed(keywords: str) -> tuple[str, ...]:
    return tuple(json.loads(keywords))


def _common_end(places: Sequence[str]) -> str | None:
    """The regions that contain all of these places, smallest first."""
    common: list[str] = []
    for parts in zip(*(reversed(place.split(", ")) for place in places), strict=False):
        if len(set(parts)) > 1:
            break
        common.insert(0, parts[0])
    return ", ".join(common) or None

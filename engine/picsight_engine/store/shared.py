"""What several photos have in common, by their primary files: a few statements, however many photos there are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.store.files import IDS, PRIMARY_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight_engine.store.database import Database

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
_TAGS = f"""
SELECT tag_id FROM tag_photos JOIN tags ON tags.id = tag_id
WHERE photo_id IN {IDS} AND verdict = 'accepted' AND removed_at IS NULL GROUP BY tag_id HAVING count(*) = ?"""


@dataclass(frozen=True, slots=True)
class SharedDetails:
    """So many visible photos: their bytes together, the first and last local ISO date, how many have none.

    The rest is what all of them say alike, None where one says otherwise or nothing. `place` is the part that their places
    have in common: the country, where they lie in several regions of it. `positions` are all that there are, (degrees
    north, degrees east) to two decimals.
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


def shared_details(db: Database, photo_ids: Sequence[int]) -> SharedDetails:
    """What these photos have in common."""
    with db.reading() as connection:
        row = connection.execute(_SHARED, (json.dumps(photo_ids),)).fetchone()
    *single, places, positions, keywords = row
    place = _common_end(json.loads(places or "[]"))
    shared = place, tuple(map(tuple, json.loads(positions))), tuple(json.loads(keywords))
    return SharedDetails(*(*single, *shared))


def shared_tags(db: Database, photo_ids: Sequence[int]) -> list[int]:
    """The tags in which all of these photos were accepted."""
    with db.reading() as connection:
        return [tag_id for (tag_id,) in connection.execute(_TAGS, (json.dumps(photo_ids), len(photo_ids)))]


def _common_end(places: Sequence[str]) -> str | None:
    """The regions in which all of these places lie, the smallest first."""
    common: list[str] = []
    for parts in zip(*(reversed(place.split(", ")) for place in places), strict=False):
        if len(set(parts)) > 1:
            break
        common.insert(0, parts[0])
    return ", ".join(common) or None

"""What can be wrong with tags, although SQLite finds every row in its place; and how it is mended from what is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.store.decisions import settle_tags
from picsight_engine.store.tag_schema import FAVOURITES
from picsight_engine.store.tags import count_up

if TYPE_CHECKING:
    from picsight_engine.store.database import Database

# What the last decision says that was not undone, against what counts.
_SAID = """
SELECT coalesce(merged_into, tags.id) AS tag_id, photo_id, verdict, max(tag_decisions.id) AS last
FROM tag_decisions JOIN tags ON tags.id = tag_decisions.tag_id JOIN tag_runs ON tag_runs.id = run_id
WHERE undone_at IS NULL GROUP BY 1, 2"""
_COUNTING = "SELECT tag_id, photo_id, verdict FROM tag_photos WHERE verdict IS NOT NULL"
_SAYING = f"SELECT tag_id, photo_id, verdict FROM ({_SAID}) WHERE verdict <> 'withdrawn'"
_MISJUDGED = f"""
SELECT count(*) FROM (
    SELECT tag_id, photo_id FROM ({_SAYING} EXCEPT {_COUNTING})
    UNION SELECT tag_id, photo_id FROM ({_COUNTING} EXCEPT {_SAYING}))"""
# A tag stands at the top, or below one that is there and stands somewhere itself.
_ADRIFT = """
WITH RECURSIVE placed (id) AS (
    SELECT id FROM tags WHERE parent_id IS NULL AND removed_at IS NULL
    UNION SELECT tags.id FROM placed JOIN tags ON parent_id = placed.id WHERE removed_at IS NULL)
SELECT id FROM tags WHERE removed_at IS NULL AND id NOT IN (SELECT id FROM placed)"""
_LIFT = f"UPDATE tags SET parent_id = NULL WHERE id IN ({_ADRIFT})"
_HAS_FAVOURITES = "SELECT count(*) FROM tags WHERE kind = 'favourite' AND removed_at IS NULL"
_TAGS = "SELECT id FROM tags"


def misjudged_photos(db: Database) -> int:
    """How often a photo does not stand to a tag as was decided."""
    with db.reading() as connection:
        return int(connection.execute(_MISJUDGED).fetchone()[0])


def misplaced_tags(db: Database) -> int:
    """How many tags stand below one that is gone, or below themselves; and the favourites, where they are gone."""
    with db.reading() as connection:
        adrift = len(connection.execute(_ADRIFT).fetchall())
        favourites: int = connection.execute(_HAS_FAVOURITES).fetchone()[0]
        return adrift + (favourites == 0)


def mend_tags(db: Database) -> None:
    """Lets decisions count as they were made, puts such tags to the top, and makes the favourites anew."""
    with db.writer() as connection:
        connection.execute(_LIFT)
        if connection.execute(_HAS_FAVOURITES).fetchone()[0] == 0:
            connection.execute(FAVOURITES)
        settle_tags(connection, [tag_id for (tag_id,) in connection.execute(_TAGS)])
        count_up(connection)

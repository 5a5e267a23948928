"""Decisions about photos, and the states that follow: which photos are in which tags, and how many.

A decision about a file's picture stays valid after another program has edited the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from picsight_engine.store.derived.thumbnails import MOST_BITS
from picsight_engine.store.files import IDS
from picsight_engine.store.photos import SHOWN
from picsight_engine.store.tagging.tags import revise, share_examples

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from picsight_engine.store.database import Database

_BATCH = 1_000  # decisions: 20 ms

Verdict = Literal["accepted", "rejected", "withdrawn"]
State = Literal["accepted", "rejected", "suggested"]

_ADD = """
INSERT INTO tag_decisions (tag_id, photo_id, verdict, source, run_id, decided_at, face_id, score)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,
    (SELECT score FROM tag_photos WHERE tag_id = ?1 AND photo_id = ?2 AND verdict IS NULL))"""
# The tag that a decision belongs to: the tag itself, or the one that it was merged into.
_OWNER = "coalesce(tag.merged_into, tag.id)"
_PAIRS = (
    f"SELECT DISTINCT {_OWNER} AS tag_id, photo_id FROM tag_decisions JOIN tags AS tag ON tag.id = tag_id"
)
_PAIRS_OF_RUN = f"{_PAIRS} WHERE run_id = ?"
_PAIRS_OF_BATCH = f"{_PAIRS_OF_RUN} AND tag_decisions.id > ?"
_NEWEST = "SELECT coalesce(max(id), 0) FROM tag_decisions"
_PAIRS_OF_PHOTO = f"{_PAIRS} WHERE photo_id = ?"
_PAIRS_OF_TAGS = f"""
SELECT tag_id, photo_id FROM tag_photos WHERE verdict IS NOT NULL AND tag_id IN (SELECT value FROM json_each(?1))
UNION {_PAIRS} WHERE {_OWNER} IN (SELECT value FROM json_each(?1))"""
_GIVERS = """(
    SELECT id FROM tags WHERE id = pair.tag_id AND merged_into IS NULL
    UNION ALL SELECT id FROM tags WHERE merged_into = pair.tag_id)"""
# Among decisions or ratings that were not undone, the last counts. It is that of the last run: a copy has a later id, and
# clocks jump. With max(), SQLite takes the other columns from the row of the maximum.
LATEST = "max(run_id << 32 | {}.id)"
# Without the index on pairs, the query is quadratic in a photo's decisions. A person is in a photo if one face is accepted.
_LAST = f"""
SELECT verdict FROM (
    SELECT verdict, {LATEST.format("tag_decisions")}
    FROM tag_decisions INDEXED BY tag_decisions_pair JOIN tag_runs ON tag_runs.id = run_id
    WHERE tag_decisions.tag_id IN {_GIVERS}
        AND tag_decisions.photo_id = pair.photo_id AND undone_at IS NULL GROUP BY face_id)
WHERE verdict <> 'withdrawn' ORDER BY verdict LIMIT 1"""
_COLLECT = "CREATE TEMP TABLE due AS {pairs}"
_SETTLE = f"""
INSERT INTO tag_photos (tag_id, photo_id, verdict)
SELECT tag_id, photo_id, ({_LAST}) FROM due AS pair WHERE true
ON CONFLICT (tag_id, photo_id) DO UPDATE SET verdict = excluded.verdict WHERE verdict IS NOT excluded.verdict"""
_TIDY = """
DELETE FROM tag_photos WHERE verdict IS NULL AND score IS NULL AND (tag_id, photo_id) IN (SELECT * FROM due)"""
_FORGET_DUE = "DROP TABLE due"
_ALL_DECIDED = (
    f"SELECT tag_id, photo_id, verdict FROM tag_photos WHERE verdict IS NOT NULL AND tag_id IN {IDS}"
)
_DECIDED = "SELECT photo_id, verdict FROM tag_photos WHERE tag_id = ? AND verdict IS NOT NULL"
_COUNTS = f"SELECT tag_id, coalesce(verdict, 'suggested'), count(*) FROM tag_photos WHERE {SHOWN}{{which}} GROUP BY 1, verdict"
# A parent has the photos of the tags below it, each once, except those rejected in the parent itself.
_COUNTS_OF_PARENTS = f"""
WITH RECURSIVE below (top, id) AS (
    SELECT DISTINCT parent_id, parent_id FROM tags WHERE removed_at IS NULL AND parent_id IS NOT NULL{{which}}
    UNION SELECT top, tags.id FROM below JOIN tags ON parent_id = below.id WHERE removed_at IS NULL)
SELECT top, sum(accepted), sum(NOT accepted) FROM (
    SELECT top, max(verdict IS NOT NULL) AS accepted
    FROM below JOIN tag_photos AS held ON tag_id = below.id
    WHERE verdict IS NOT 'rejected' AND {SHOWN} AND NOT EXISTS (
        SELECT 1 FROM tag_photos WHERE tag_id = top AND photo_id = held.photo_id AND verdict = 'rejected')
    GROUP BY top, photo_id)
GROUP BY top"""
_STATES = f"""
SELECT photo_id, tag_id, coalesce(verdict, 'suggested'), score FROM tag_photos JOIN tags ON tags.id = tag_id
WHERE photo_id IN {IDS} AND removed_at IS NULL ORDER BY photo_id, tag_id"""
_OF_FACES = f"""
SELECT face_id, person.id, verdict, {LATEST.format("tag_decisions")}
FROM tag_decisions INDEXED BY tag_decisions_face JOIN tag_runs ON tag_runs.id = run_id
JOIN tags AS tag ON tag.id = tag_id JOIN tags AS person ON person.id = {_OWNER}
WHERE face_id IS NOT NULL{{which}} AND undone_at IS NULL AND person.removed_at IS NULL GROUP BY face_id, person.id"""
_OF_SUGGESTED = f"""
SELECT count(*), coalesce(sum(verdict = 'accepted'), 0) FROM tag_photos AS pair
WHERE tag_id = ? AND verdict IS NOT NULL AND EXISTS (
    SELECT 1 FROM tag_decisions JOIN tag_runs ON tag_runs.id = run_id
    WHERE tag_decisions.tag_id IN {_GIVERS}
        AND photo_id = pair.photo_id AND undone_at IS NULL AND score IS NOT NULL)"""

_ALL_BITS = 2**64 - 1  # hashes are stored signed
_SHOWN_BY = "SELECT photo_id, taken, duration FROM files WHERE id = ? AND photo_id IS NOT NULL"
_PHASHES = "SELECT phash FROM photos WHERE id IN (?, ?)"
# The copies keep the runs of the originals, so that both are undone together.
_DECIDE = """
INSERT INTO tag_decisions (tag_id, photo_id, verdict, source, run_id, decided_at, score)
SELECT tag_id, ?2, verdict, source, run_id, decided_at, score FROM tag_decisions AS known WHERE photo_id = ?1
    AND (face_id IS NULL OR verdict = 'accepted')
    AND NOT EXISTS (
        SELECT 1 FROM tag_decisions
        WHERE photo_id = ?2 AND tag_id = known.tag_id AND run_id = known.run_id) ORDER BY id"""
_RATE = """
INSERT INTO ratings (photo_id, stars, run_id, rated_at)
SELECT ?2, stars, run_id, rated_at FROM ratings AS known WHERE photo_id = ?1
    AND NOT EXISTS (SELECT 1 FROM ratings WHERE photo_id = ?2 AND run_id = known.run_id) ORDER BY id"""


@dataclass(frozen=True, slots=True)
class TagState:
    """The state of a photo in a tag; the score is None if none was computed or it is below the threshold."""

    tag_id: int
    state: State
    score: float | None


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision to store, with its source and its time in seconds since 1970; of a person, about a face or the whole photo."""

    tag_id: int
    photo_id: int
    verdict: Verdict
    source: str
    time: float
    face_id: int | None = None


def add_decisions(connection: sqlite3.Connection, run_id: int, decisions: Sequence[NewDecision]) -> bool:
    """Stores decisions, which count at once; returns whether there are any. Ctrl-C takes effect between batches."""
    for start in range(0, len(decisions), _BATCH):
        batch = decisions[start : start + _BATCH]
        newest = connection.execute(_NEWEST).fetchone()[0]
        rows = [
            (each.tag_id, each.photo_id, each.verdict, each.source, run_id, each.time, each.face_id)
            for each in batch
        ]
        connection.executemany(_ADD, rows)
        _settle(connection, _PAIRS_OF_BATCH, run_id, newest)
    return bool(decisions)


def apply_run(connection: sqlite3.Connection, run_id: int) -> None:
    """Recomputes every pair of photo and tag that a run decided: the last decision that was not undone counts."""
    _settle(connection, _PAIRS_OF_RUN, run_id)


def apply_tags(connection: sqlite3.Connection, tag_ids: Iterable[int]) -> None:
    """The same for all photos of these tags, which were merged or separated."""
    _settle(connection, _PAIRS_OF_TAGS, json.dumps(list(tag_ids)))


def persons_of_faces(
    connection: sqlite3.Connection, face_ids: Iterable[int] | None = None
) -> dict[int, dict[int, Verdict]]:
    """Every decision about a face that counts, by face and person; of all faces or of these."""
    statement = _OF_FACES.format(which="" if face_ids is None else f" AND face_id IN {IDS}")
    values = () if face_ids is None else (json.dumps([*face_ids]),)
    verdicts: dict[int, dict[int, Verdict]] = {}
    for face_id, tag_id, verdict, _ in connection.execute(statement, values):
        verdicts.setdefault(face_id, {})[tag_id] = verdict
    return verdicts


def decided(connection: sqlite3.Connection, tag_id: int) -> dict[int, State]:
    """Every photo that is accepted or rejected, visible or not."""
    return dict(connection.execute(_DECIDED, (tag_id,)).fetchall())


def decided_for(connection: sqlite3.Connection, tag_ids: Iterable[int]) -> dict[int, dict[int, State]]:
    """The same for each of these tags."""
    verdicts: dict[int, dict[int, State]] = {tag_id: {} for tag_id in tag_ids}
    for tag_id, photo_id, verdict in connection.execute(_ALL_DECIDED, (json.dumps(list(verdicts)),)):
        verdicts[tag_id][photo_id] = verdict
    return verdicts


def suggested_and_decided(connection: sqlite3.Connection, tag_id: int) -> tuple[int, int]:
    """How many of a tag's suggestions are decided, and how many of those were accepted."""
    counts: tuple[int, int] = connection.execute(_OF_SUGGESTED, (tag_id,)).fetchone()
    return counts


def count_states(connection: sqlite3.Connection, tag_id: int | None = None) -> dict[tuple[int, State], int]:
    """The number of visible photos by tag and state, for all tags or one, including the tags below.

    Rejected photos are counted without the tags below.
    """
    one = () if tag_id is None else (tag_id,)
    of_tag, parents = (" AND tag_id = ?", " AND parent_id = ?") if one else ("", "")
    rows = connection.execute(_COUNTS.format(which=of_tag), one)
    counts = {(counted, state): number for counted, state, number in rows}
    for parent, accepted, suggested in connection.execute(_COUNTS_OF_PARENTS.format(which=parents), one):
        counts[parent, "accepted"], counts[parent, "suggested"] = accepted, suggested
    return counts


def states_of(db: Database, photo_ids: Sequence[int]) -> dict[int, list[TagState]]:
    """The tags of these photos, also those in which they are rejected."""
    states: dict[int, list[TagState]] = {photo_id: [] for photo_id in photo_ids}
    for photo_id, *state in db.rows(_STATES, json.dumps(list(states))):
        states[photo_id].append(TagState(*state))
    return states


def is_same_shot(
    connection: sqlite3.Connection,
    file_id: int,
    photo_id: int,
    taken: str | None,
    duration: float | None = None,
) -> bool:
    """Whether a file's earlier picture and a photo are the same shot, not two shots to which a camera gave one name.

    They are if both were taken in the same second (`taken` is the file's present date) or look alike as copies do. Films
    without a date, which are not compared by looks, are if they last equally long.
    """
    shown = connection.execute(_SHOWN_BY, (file_id,)).fetchone()
    if shown is None or shown[0] == photo_id:  # it may have left its pair meanwhile
        return False
    before, then, lasted = shown
    is_film = duration is not None and duration == lasted
    return (taken == then and (taken is not None or is_film)) or look_alike(connection, before, photo_id)


def look_alike(connection: sqlite3.Connection, one: int, other: int) -> bool:
    """Whether two photos look alike as copies do."""
    (a,), (b,) = connection.execute(_PHASHES, (one, other)).fetchall()
    return None not in {a, b} and ((a ^ b) & _ALL_BITS).bit_count() <= MOST_BITS


def copy_decisions(connection: sqlite3.Connection, before: int, after: int) -> None:
    """Copies decisions and stars of the photo `before` to `after`; of those of both, the last that the user made counts."""
    moved = [connection.execute(statement, (before, after)).rowcount for statement in (_DECIDE, _RATE)]
    if any(moved):
        _settle(connection, _PAIRS_OF_PHOTO, after)
        revise(connection)


def share_decisions(connection: sqlite3.Connection, before: int, after: int) -> None:
    """Copies decisions and stars from one photo of a pair, or from an earlier version of one, to the other, and makes both
    examples of the same tags.
    """
    copy_decisions(connection, before, after)
    if share_examples(connection, before, after):
        revise(connection)


def _settle(connection: sqlite3.Connection, pairs: str, *values: object) -> None:
    # A temporary table: the statements below change the tables that it is read from.
    connection.execute(_COLLECT.format(pairs=pairs), values)
    connection.execute(_SETTLE)
    connection.execute(_TIDY)
    connection.execute(_FORGET_DUE)

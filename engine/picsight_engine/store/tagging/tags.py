"""The present definitions of tags: names, parents, words and examples."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from picsight_engine.foundation.errors import Message
from picsight_engine.foundation.folding import fold
from picsight_engine.store.files import IDS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from picsight_engine.store.database import Database

TagKind = Literal["tag", "album", "favourite", "person"]

# A person is stored as an album, since the table allows three kinds.
_COLUMNS = "id, name, parent_id, iif(is_person, 'person', kind), threshold, suggests, created_at, removed_at, merged_into"
_LIVE = f"SELECT {_COLUMNS} FROM tags WHERE removed_at IS NULL ORDER BY id"
_BY_ID = f"SELECT {_COLUMNS} FROM tags WHERE id IN {IDS} ORDER BY id"
_PROMPTS = "SELECT tag_id, text FROM tag_prompts"
_EXAMPLES = "SELECT tag_id, photo_id, against FROM tag_examples"
_ADD = """
INSERT INTO tags (name, key, parent_id, threshold, suggests, kind, created_at, is_person)
VALUES (?1, ?2, ?3, ?4, ?5, iif(?6 = 'person', 'album', ?6), ?7, ?6 = 'person')"""
_PUT = """
UPDATE tags SET name = ?, key = ?, parent_id = ?, threshold = ?, suggests = ?, removed_at = ?, merged_into = ?
WHERE id = ?"""
_NO_PROMPTS = "DELETE FROM tag_prompts WHERE tag_id = ?"
_PUT_PROMPT = "INSERT INTO tag_prompts (tag_id, position, text) VALUES (?, ?, ?)"
_NO_EXAMPLES = "DELETE FROM tag_examples WHERE tag_id = ?"
# A photo that was forgotten meanwhile is no longer an example.
_PUT_EXAMPLE = """
INSERT OR IGNORE INTO tag_examples (tag_id, photo_id, against)
SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM photos WHERE id = ?2)"""
_UNSHARED = """
SELECT tag_id FROM tag_examples WHERE photo_id IN (?1, ?2) GROUP BY tag_id HAVING count(*) = 1 OR min(against) < max(against)"""
_RUNS_WITH = """
SELECT id, undone_at IS NOT NULL, before, after FROM tag_runs WHERE before LIKE ?1 OR after LIKE ?1 ORDER BY id"""
_PUT_RUN = "UPDATE tag_runs SET before = ?, after = ? WHERE id = ?"
_CALLED = """
SELECT tag.id, tag.parent_id FROM tags AS tag WHERE key = ? AND removed_at IS NULL AND is_person >= ? ORDER BY is_person, id"""
_BELOW = "SELECT id FROM tags WHERE parent_id = ? AND removed_at IS NULL ORDER BY id"
_MERGED = "SELECT id FROM tags WHERE merged_into = ? ORDER BY id"
_NAMES = "SELECT id, name, parent_id FROM tags WHERE removed_at IS NULL"
_PERSONS = "SELECT id FROM tags WHERE is_person"
_ABOVE = "SELECT name, key, removed_at, parent_id FROM tags WHERE id = ?"
_TWIN = """
SELECT count(*) FROM tags AS tag JOIN tags AS other USING (key)
WHERE tag.id = ? AND other.id <> tag.id AND +other.parent_id IS tag.parent_id AND other.removed_at IS NULL
    AND other.is_person = tag.is_person"""
_LIVE_BELOW = "SELECT count(*) FROM tags WHERE parent_id = ? AND removed_at IS NULL"
DEEPEST = 20  # levels of tags
_HEIGHT = f"""
WITH RECURSIVE below (id, height) AS (
    SELECT ?, 1 UNION ALL SELECT tags.id, height + 1 FROM below JOIN tags ON parent_id = below.id
    WHERE removed_at IS NULL AND height <= {DEEPEST})
SELECT max(height) FROM below"""
_REVISION = "SELECT revision FROM tag_state"
_REVISED = "UPDATE tag_state SET revision = revision + 1"
QUOTES = re.compile('["“”„]')  # in a query they would end the name


@dataclass(frozen=True, slots=True)
class Definition:
    """The definition of a tag; `removed_at` is in seconds since 1970, `merged_into` is the tag that took over its photos.

    `threshold` None means the default. `examples` are positive example photos, `against` are negative ones.
    """

    id: int
    name: str
    parent_id: int | None
    kind: TagKind
    threshold: float | None
    suggests: bool
    created_at: float
    removed_at: float | None = None
    merged_into: int | None = None
    prompts: tuple[str, ...] = ()
    examples: tuple[int, ...] = ()
    against: tuple[int, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether the tag is not removed."""
        return self.removed_at is None


def name_key(name: str) -> str:
    """A name for comparison: without case and accents, and with uniform quotation marks."""
    return fold(QUOTES.sub("'", name))


def add_tag(connection: sqlite3.Connection, draft: Definition, now: float) -> int:
    """Adds a tag; returns its id."""
    tag_id = connection.execute(_ADD, (*_values(draft), draft.kind, now)).lastrowid or 0
    _put_words_and_examples(connection, tag_id, draft)
    return tag_id


def put_definition(connection: sqlite3.Connection, tag: Definition) -> None:
    """Stores the definition of a tag."""
    connection.execute(_PUT, (*_values(tag), tag.removed_at, tag.merged_into, tag.id))
    connection.execute(_NO_PROMPTS, (tag.id,))
    connection.execute(_NO_EXAMPLES, (tag.id,))
    _put_words_and_examples(connection, tag.id, tag)


def share_examples(connection: sqlite3.Connection, one: int, other: int) -> bool:
    """Gives two photos of a pair the same part in every tag: the last that either got; returns whether they differed.

    The runs are rewritten as if both had always been chosen together, so that they are undone together.
    """
    tag_ids = [tag_id for (tag_id,) in connection.execute(_UNSHARED, (one, other)).fetchall()]
    for tag in tags_by_id(connection, tag_ids).values():
        put_definition(connection, _retold(connection, tag, (one, other)))
    return bool(tag_ids)


def _retold(connection: sqlite3.Connection, tag: Definition, pair: tuple[int, int]) -> Definition:
    """Rewrites the runs of a tag; returns what follows for the tag."""
    now = {name: list(getattr(tag, name)) for name in ("examples", "against")}
    rows = connection.execute(_RUNS_WITH, (f'%"id": {tag.id},%',)).fetchall()
    runs = [(run_id, is_undone, *map(json.loads, states)) for run_id, is_undone, *states in rows]
    states = [
        (is_undone, *(next(each for each in tags if each["id"] == tag.id) for tags in both))
        for _, is_undone, *both in runs
    ]
    last = next((after for is_undone, _, after in reversed(states) if not is_undone), now)
    states.append((False, dict(last), now))  # what the present run has changed
    part = _part(states[0][1], pair[0]) or _part(states[0][1], pair[1])
    for is_undone, before, after in states:
        news = [_part(after, photo) for photo in pair if _part(after, photo) != _part(before, photo)]
        _put_part(before, pair, part)
        then = news[-1] if news else part
        _put_part(after, pair, then)
        part = part if is_undone else then
    for run_id, _, *both in runs:
        connection.execute(_PUT_RUN, (*map(json.dumps, both), run_id))
    return replace(tag, examples=tuple(now["examples"]), against=tuple(now["against"]))


def _part(tag: dict[str, Any], photo: int) -> str | None:
    return next((part for part in ("examples", "against") if photo in tag[part]), None)


def _put_part(tag: dict[str, Any], pair: tuple[int, int], part: str | None) -> None:
    for name in ("examples", "against"):
        tag[name] = sorted({*tag[name]} - {*pair} | ({*pair} if name == part else set()))


def _values(tag: Definition) -> tuple[str, str, int | None, float | None, bool]:
    return tag.name, name_key(tag.name), tag.parent_id, tag.threshold, tag.suggests


def _put_words_and_examples(connection: sqlite3.Connection, tag_id: int, tag: Definition) -> None:
    connection.executemany(_PUT_PROMPT, [(tag_id, place, text) for place, text in enumerate(tag.prompts)])
    examples = [(tag_id, photo_id, False) for photo_id in tag.examples]
    connection.executemany(_PUT_EXAMPLE, [*examples, *((tag_id, each, True) for each in tag.against)])


def live_tags(connection: sqlite3.Connection) -> list[Definition]:
    """Every tag that is not removed."""
    return _definitions(connection, connection.execute(_LIVE).fetchall(), "", ())


def tags_by_id(connection: sqlite3.Connection, tag_ids: Iterable[int]) -> dict[int, Definition]:
    """These tags, removed or not."""
    ids = (json.dumps(list(tag_ids)),)
    found = _definitions(
        connection, connection.execute(_BY_ID, ids).fetchall(), f" WHERE tag_id IN {IDS}", ids
    )
    return {tag.id: tag for tag in found}


def tags_below(connection: sqlite3.Connection, tag_id: int) -> list[Definition]:
    """The tags directly below this one."""
    found = [row[0] for row in connection.execute(_BELOW, (tag_id,))]
    return list(tags_by_id(connection, found).values())


def tags_merged_into(connection: sqlite3.Connection, tag_id: int) -> list[Definition]:
    """The tags whose decisions this one has taken over."""
    found = [row[0] for row in connection.execute(_MERGED, (tag_id,))]
    return list(tags_by_id(connection, found).values())


def tags_called(connection: sqlite3.Connection, path: str, *, persons: bool = False) -> list[int]:
    """The tag with this path, otherwise all tags whose path ends in it: "Waders" also means "Birds/Waders".

    A tag comes before a person of the same name, unless only `persons` are asked for.
    """
    *above, last = [name_key(part) for part in path.split("/")]
    ending = []
    for tag_id, parent_id in connection.execute(_CALLED, (last, persons)).fetchall():
        keys = [key for _, key in _line(connection, parent_id)]
        if keys == above:
            return [tag_id]
        if not above or keys[-len(above) :] == above:
            ending.append(tag_id)
    return ending


def paths_of(connection: sqlite3.Connection, tag_ids: Iterable[int]) -> dict[int, str]:
    """The paths of these tags, such as "Birds/Waders"."""
    return {tag_id: "/".join(name for name, _ in _line(connection, tag_id)) for tag_id in set(tag_ids)}


def ids_above(connection: sqlite3.Connection, tag_id: int) -> list[int]:
    """The tag itself, its parent, and so on; each once, even if an edited database has a cycle."""
    return list(_rows_above(connection, tag_id))


def tag_paths(db: Database) -> dict[int, str]:
    """The paths of all tags that are not removed."""
    tags = {tag_id: (name, above) for tag_id, name, above in db.rows(_NAMES)}
    return {tag_id: "/".join(names) for tag_id, names in name_paths(tags).items()}


def person_ids(connection: sqlite3.Connection) -> set[int]:
    """The tags that are persons, also removed ones."""
    return {tag_id for (tag_id,) in connection.execute(_PERSONS)}


def name_paths(tags: Mapping[int, tuple[str, int | None]]) -> dict[int, tuple[str, ...]]:
    """For each tag, given by its name and parent, the names from the topmost tag down to it.

    A line stops at a cycle in an edited database, and at a parent that is not among these tags.
    """
    lines = {}
    for tag_id in tags:
        names: dict[int, str] = {}
        above: int | None = tag_id
        while above is not None and above in tags and above not in names:
            names[above], above = tags[above]
        lines[tag_id] = tuple(reversed(names.values()))
    return lines


def misplacement(connection: sqlite3.Connection, tag: Definition) -> Message | None:
    """Why a tag cannot be in its place: its parent is gone, is itself or is too deep, or its name is taken there."""
    if not tag.is_live:
        below = connection.execute(_LIVE_BELOW, (tag.id,)).fetchone()[0]
        words = 'There are tags below "{tag}"; move or remove them first.'
        return Message(words, tag=tag.name) if below else None
    above = _rows_above(connection, tag.parent_id)
    if tag.id in above:
        return Message('"{tag}" cannot be below itself.', tag=tag.name)
    for name, _, removed_at in above.values():
        if removed_at is not None:
            return Message('"{tag}" was removed, and nothing can be below it.', tag=name)
    if len(above) + connection.execute(_HEIGHT, (tag.id,)).fetchone()[0] > DEEPEST:
        return too_deep(tag.name)
    if connection.execute(_TWIN, (tag.id,)).fetchone()[0]:
        words = 'There is a tag "{tag}" in this place already; choose another name.'
        return Message(words, tag=tag.name)
    return None


def too_deep(name: str) -> Message:
    """The message for a tag that is nested too deep."""
    words = '"{tag}" would be nested too deep: at most {most} levels of tags are allowed. Move it further up.'
    return Message(words, tag=name, most=DEEPEST)


def tags_revision(db: Database) -> int:
    """A number that changes whenever any process changes a tag, decision, suggestion or rating."""
    return int(db.row(_REVISION)[0])


def revise(connection: sqlite3.Connection) -> None:
    """Changes the number."""
    connection.execute(_REVISED)


def _line(connection: sqlite3.Connection, tag_id: int | None) -> list[tuple[str, str]]:
    """Names and keys from the topmost tag down to this one."""
    return [(name, key) for name, key, _ in reversed(_rows_above(connection, tag_id).values())]


def _rows_above(
    connection: sqlite3.Connection, tag_id: int | None
) -> dict[int, tuple[str, str, float | None]]:
    """Name, key and time of removal of a tag and of those above it, upwards, each once."""
    found = {}
    while tag_id is not None and tag_id not in found:
        *row, above = connection.execute(_ABOVE, (tag_id,)).fetchone()
        found[tag_id], tag_id = tuple(row), above
    return found


def _definitions(
    connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]], which: str, values: tuple[str, ...]
) -> list[Definition]:
    prompts: defaultdict[int, list[str]] = defaultdict(list)
    for tag_id, text in connection.execute(f"{_PROMPTS}{which} ORDER BY tag_id, position", values):
        prompts[tag_id].append(text)
    examples: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for tag_id, photo_id, against in connection.execute(f"{_EXAMPLES}{which} ORDER BY photo_id", values):
        examples[tag_id, against].append(photo_id)
    return [
        Definition(
            *(
                *(*row[:5], bool(row[5]), *row[6:]),
                tuple(prompts.get(row[0], ())),
                tuple(examples.get((row[0], 0), ())),
                tuple(examples.get((row[0], 1), ())),
            )
        )
        for row in rows
    ]

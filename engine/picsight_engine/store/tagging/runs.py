"""Every change of tags is a run: recorded, undone and redone as a whole."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

from picsight_engine.foundation.errors import Message, RequestError
from picsight_engine.store.derived.faces import move_faces, restore_faces
from picsight_engine.store.messages import read, written
from picsight_engine.store.photos import known_photos
from picsight_engine.store.tagging.decisions import add_decisions, apply_run, apply_tags
from picsight_engine.store.tagging.pairs import share_taught, share_with_copies
from picsight_engine.store.tagging.suggestions import add_scores, drop_old_scores, put_scores, restore_scores
from picsight_engine.store.tagging.tagged import add_ratings
from picsight_engine.store.tagging.tags import (
    Definition,
    add_tag,
    misplacement,
    put_definition,
    revise,
    tags_by_id,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from picsight_engine.foundation.face import PutAway
    from picsight_engine.store.database import Database
    from picsight_engine.store.tagging.decisions import NewDecision
    from picsight_engine.store.tagging.suggestions import Scores

RunKind = Literal[
    "new", "change", "rename", "move", "merge", "remove", "decide", "rate", "suggest", "index", "import"
]

_BEGIN = "INSERT INTO tag_runs (kind, words, words_values, made_at) VALUES (?, ?, ?, ?)"
_NOTE = "UPDATE tag_runs SET before = ?, after = ? WHERE id = ?"
_DROP = "DELETE FROM tag_runs WHERE id = ?"
_COLUMNS = "id, kind, words, words_values, made_at, undone_at IS NOT NULL"
_LATEST = f"SELECT {_COLUMNS} FROM tag_runs ORDER BY id DESC LIMIT ?"
# Undo skips suggestions for new photos, which the user did not request.
_LAST_DONE = "SELECT id FROM tag_runs WHERE kind <> 'index' AND undone_at IS NULL ORDER BY id DESC LIMIT 1"
# Changes made after an undo build on its result, so older undone runs cannot be redone.
_LAST_UNDONE = """
SELECT id FROM tag_runs AS run WHERE undone_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM tag_runs WHERE kind <> 'index' AND undone_at IS NULL AND made_at > run.undone_at
) ORDER BY undone_at DESC, id LIMIT 1"""
# The run that is meant by default, and what is said if there is none, or if it is undone or redone already.
_UNDO = _LAST_DONE, Message("There is nothing to undo."), Message('"{change}" is undone already.')
_REDO = _LAST_UNDONE, Message("Nothing was undone."), Message('"{change}" was not undone.')
_RUN = f"SELECT {_COLUMNS} FROM tag_runs WHERE id = ?"
_DEFINITIONS = "SELECT before, after FROM tag_runs WHERE id = ?"
_SET_UNDONE = "UPDATE tag_runs SET undone_at = ? WHERE id = ?"
_COLLECTED: ContextVar[list[TagChange] | None] = ContextVar("collected", default=None)


@dataclass(frozen=True, slots=True)
class TagChange:
    """One change; `words` describe it to the user, `made_at` is in seconds since 1970."""

    id: int
    kind: RunKind
    words: Message
    made_at: float
    undone: bool


class RunRecorder:
    """A run under construction, inside a transaction; `made` is the finished run, None if nothing changed."""

    def __init__(self, connection: sqlite3.Connection, run: TagChange) -> None:
        self.connection = connection
        self.now = run.made_at
        self.made: TagChange | None = None
        self._run = run
        self._added: set[int] = set()
        self._before: dict[int, Definition] = {}
        self._changed = False  # decisions, stars or suggestions

    def add(self, draft: Definition) -> int:
        """Adds a tag, which undo removes; returns its id."""
        tag_id = add_tag(self.connection, draft, self.now)
        self._added.add(tag_id)
        share_taught(self.connection, [draft])
        return tag_id

    def define(self, tag: Definition) -> None:
        """Stores the definition of a tag."""
        known = tags_by_id(self.connection, [tag.id])[tag.id]
        if known != tag:
            self._before.setdefault(tag.id, known)
            put_definition(self.connection, tag)
            share_taught(self.connection, [known, tag])
            apply_tags(self.connection, _parted({tag.id: known}, {tag.id: tag}))

    def tag(self, tag_id: int) -> Definition:
        """The present state of a tag; raises RequestError if it was removed."""
        tag = tags_by_id(self.connection, [tag_id])[tag_id]
        if not tag.is_live:
            raise RequestError('"{tag}" was removed meanwhile.', tag=tag.name)
        return tag

    def decide(self, decisions: Sequence[NewDecision]) -> None:
        """Adds decisions, which count at once."""
        self._changed |= add_decisions(self.connection, self._run.id, decisions)
        share_with_copies(self.connection, {each.photo_id for each in decisions})

    def move_faces(self, face_ids: Collection[int], to: int | PutAway | None) -> None:
        """Moves faces into a group, puts them away, or with None brings them back; each face once per run."""
        if face_ids:
            move_faces(self.connection, self._run.id, face_ids, to)
            self._changed = True

    def rate(self, photo_ids: Sequence[int], stars: int | None, rated_at: float | None = None) -> None:
        """Gives photos stars; None returns to those of their files."""
        when = self.now if rated_at is None else rated_at
        self._changed |= add_ratings(self.connection, self._run.id, photo_ids, stars, when)
        share_with_copies(self.connection, photo_ids)

    def score(self, tag_id: int, scores: Scores) -> None:
        """Replaces a tag's suggestions; once per run."""
        self._changed |= put_scores(self.connection, self._run.id, tag_id, scores)

    def score_new(self, photo_ids: Sequence[int], scores: Mapping[int, Scores]) -> None:
        """Replaces the tags' suggestions among these photos; once per run."""
        self._changed |= add_scores(self.connection, self._run.id, photo_ids, scores)

    def finish(self) -> None:
        """Applies the run; deletes it if it changed nothing."""
        if not (self._added or self._before or self._changed):
            self.connection.execute(_DROP, (self._run.id,))
            return
        after = tags_by_id(self.connection, {*self._added, *self._before})
        _require_places(self.connection, after)
        unmade = {tag_id: replace(after[tag_id], removed_at=self.now) for tag_id in self._added}
        values = (_written(self._before | unmade), _written(after), self._run.id)
        self.connection.execute(_NOTE, values)
        drop_old_scores(self.connection)
        revise(self.connection)
        self.made = self._run


@contextmanager
def record_run(db: Database, kind: RunKind, words: Message | str) -> Iterator[RunRecorder]:
    """One run in one transaction: all changes of the block are undone together.

    Raises:
        RequestError: the block raises it, or gives two tags the same name and place.
    """
    with db.writer() as connection:
        now, message = time.time(), Message.from_words(words)
        run_id = connection.execute(_BEGIN, (kind, *written(message), now)).lastrowid or 0
        recording = RunRecorder(connection, TagChange(run_id, kind, message, now, undone=False))
        yield recording
        recording.finish()
    collected = _COLLECTED.get()
    if collected is not None and recording.made is not None:
        collected.append(recording.made)


@contextmanager
def collect_runs() -> Iterator[list[TagChange]]:
    """Yields a list that receives each run that this thread (no other thread or process) commits inside the block."""
    made: list[TagChange] = []
    token = _COLLECTED.set(made)
    try:
        yield made
    finally:
        _COLLECTED.reset(token)


def runs(db: Database, limit: int) -> list[TagChange]:
    """The changes, latest first, including undone ones."""
    return [_run(row) for row in db.rows(_LATEST, limit)]


def undo_or_redo(db: Database, run_id: int | None, *, undo: bool) -> tuple[TagChange, set[int]]:
    """Undoes a run, by default the user's latest one that is not undone; or redoes one, by default the one undone last.

    Returns the run, and the tags whose scores could not be restored.

    Raises:
        RequestError: there is none, it is undone already or was not undone, or a tag that it changed was changed again.
    """
    otherwise, without, refusal = _UNDO if undo else _REDO
    with db.writer() as connection:
        run = _chosen(connection, run_id, otherwise, without)
        if run.undone == undo:
            raise RequestError(refusal.about(change=run.words))
        return _restore(connection, run, undone_at=time.time() if undo else None)


def _restore(
    connection: sqlite3.Connection, run: TagChange, *, undone_at: float | None
) -> tuple[TagChange, set[int]]:
    """Restores the tags of a run to their state before it, or after it if `undone_at` is None."""
    then, now = _definitions(connection, run.id)
    if undone_at is None:
        then, now = now, then
    if tags_by_id(connection, now) != now:
        words = 'A tag that "{change}" changed was changed again since; undo that first.'
        raise RequestError(words, change=run.words)
    for tag in then.values():
        put_definition(connection, tag)
    _require_places(connection, then)
    connection.execute(_SET_UNDONE, (undone_at, run.id))
    share_taught(connection, then.values())  # these may have come together since
    apply_tags(connection, _parted(now, then))
    apply_run(connection, run.id)
    restore_faces(connection, run.id, undo=undone_at is not None)
    due = restore_scores(connection, run.id, undo=undone_at is not None)
    revise(connection)
    # A restored tag has not scored the photos added while it was removed.
    due |= {tag.id for tag in then.values() if tag.is_live and not now[tag.id].is_live}
    return replace(run, undone=undone_at is not None), due


def _require_places(connection: sqlite3.Connection, tags: Mapping[int, Definition]) -> None:
    for tag in tags.values():
        fault = misplacement(connection, tag)
        if fault is not None:
            raise RequestError(fault)


def _parted(before: Mapping[int, Definition], after: Mapping[int, Definition]) -> set[int]:
    """The tags whose decisions now belong to another tag."""
    moved = [tag_id for tag_id in before if before[tag_id].merged_into != after[tag_id].merged_into]
    owners = {each[tag_id].merged_into for each in (before, after) for tag_id in moved}
    return {*moved, *(owner for owner in owners if owner is not None)}


def _written(tags: Mapping[int, Definition]) -> str:
    # `asdict` copies all values and takes ten times as long.
    names = [each.name for each in fields(Definition)]
    return json.dumps([{name: getattr(tag, name) for name in names} for tag in tags.values()])


def _definitions(
    connection: sqlite3.Connection, run_id: int
) -> tuple[dict[int, Definition], dict[int, Definition]]:
    """A run's tags before and after it, without examples that were forgotten since."""
    before, after = (json.loads(text) for text in connection.execute(_DEFINITIONS, (run_id,)).fetchone())
    named = [photo for tag in (*before, *after) for photo in (*tag["examples"], *tag["against"])]
    known = known_photos(connection, named)
    return _read(before, known), _read(after, known)


def _read(tags: list[dict[str, Any]], known: set[int]) -> dict[int, Definition]:
    return {
        tag["id"]: Definition(
            **{
                **tag,
                "prompts": tuple(tag["prompts"]),
                "examples": tuple(photo for photo in tag["examples"] if photo in known),
                "against": tuple(photo for photo in tag["against"] if photo in known),
            }
        )
        for tag in tags
    }


def _run(row: tuple[int, RunKind, str, str, float, int]) -> TagChange:
    run_id, kind, template, values, made_at, undone = row
    return TagChange(run_id, kind, read(template, values), made_at, undone=bool(undone))


def _chosen(
    connection: sqlite3.Connection, run_id: int | None, otherwise: str, without: Message
) -> TagChange:
    """The run with this id; by default that which a statement finds, or RequestError `without` one."""
    found = connection.execute(otherwise).fetchone() if run_id is None else (run_id,)
    if found is None:
        raise RequestError(without)
    row = connection.execute(_RUN, found).fetchone()
    if row is None:
        raise RequestError("There is no change number {number}.", number=run_id)
    return _run(row)

"""Keeps the file of decisions beside the database: the user's decisions survive the loss of the database.

It is rewritten after changes. A file that this library did not write (of an earlier library in the same folder, or edited
by hand) is never overwritten, but renamed.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, get_args

import xxhash

from picsight_engine.exchange.decisions_file import Example, RatingLine, TagLine, encode
from picsight_engine.foundation.errors import Message, StorageError, faults_as
from picsight_engine.foundation.private_files import DRAFTED, sweep_drafts, write_private
from picsight_engine.store.library_folder import DECISIONS
from picsight_engine.store.tagging.exported_decisions import (
    backup_record,
    last_decisions,
    last_ratings,
    record_backup,
    seen_pictures,
)
from picsight_engine.store.tagging.searches import saved_searches
from picsight_engine.store.tagging.tags import live_tags
from picsight_engine.tags.tree import listed_tags

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from picsight_engine.exchange.decisions_file import Line
    from picsight_engine.store.database import Database
    from picsight_engine.store.tagging.exported_decisions import BackupRecord, SeenPicture, StoredDecision


_LATEST = datetime(9998, 12, 31, tzinfo=UTC).timestamp()


def decision_lines(connection: sqlite3.Connection) -> Iterator[Line]:
    """Every tag with its decisions and examples, by path, the saved searches with the favourites; then the ratings."""
    pictures = seen_pictures(connection)
    decisions = last_decisions(connection)
    tags = live_tags(connection)
    thresholds = {tag.id: tag.threshold for tag in tags}
    for tag in listed_tags(tags, {}):
        plain = TagLine(tag.path, tag.kind, tag.prompts, thresholds[tag.id], tag.suggests)
        lines = [
            *_decided(plain, decisions.get(tag.id, ()), pictures),
            *(
                replace(plain, picture=pictures[each], example=example)
                for example, photos in zip(get_args(Example), (tag.examples, tag.against), strict=True)
                for each in photos
                if each in pictures
            ),
        ]
        if tag.kind == "favourite":
            lines += [replace(plain, search=(each.name, each.query)) for each in saved_searches(connection)]
        yield from lines or [plain]
    for photo_id, rating in last_ratings(connection).items():
        if rating.stars is not None and photo_id in pictures:
            yield RatingLine(pictures[photo_id], rating.stars, _time(rating.rated_at))


def _decided(
    plain: TagLine, decisions: Iterable[StoredDecision], pictures: dict[int, SeenPicture]
) -> Iterator[TagLine]:
    for decision in decisions:
        if decision.verdict != "withdrawn" and decision.photo_id in pictures:
            yield replace(
                plain,
                picture=pictures[decision.photo_id],
                decision=decision.verdict,
                time=_time(decision.decided_at),
                source=decision.source,
                face=decision.box,
            )


def _time(seconds: float) -> datetime:
    """The time, limited to the range of a file of decisions: a side-car may have any time."""
    return datetime.fromtimestamp(min(max(seconds, 0), _LATEST), UTC)


BackupState = Literal["none", "earlier", "current", "behind", "missing", "damaged"]

_IMPORT = "Import it to restore its tags, decisions and ratings."


def decisions_path(db: Database) -> Path:
    """The path of the file, which may not exist yet."""
    return db.folder / DECISIONS


def backup_state(db: Database) -> BackupState:
    """Whether the file equals the library's decisions.

    "none" if there are no decisions and no file, "earlier" if there is a file but no decisions, "damaged" also if another
    program has written it.
    """
    with db.reading() as connection:
        known = backup_record(connection)
    digest = _digest(decisions_path(db))
    if known.digest is None and not known.revision:
        return "none" if digest is None else "earlier"
    if digest is None:
        return "missing"
    if digest != known.digest:
        return "damaged"
    return "current" if known.saved == known.revision else "behind"


def back_up_decisions(db: Database) -> Message | None:
    """Writes the file unless it holds all decisions; returns a sentence about a foreign file, which can be imported.

    Raises:
        StorageError: the disk is full, read-only or gone; the old file stays.
    """
    state, file = backup_state(db), decisions_path(db)
    if state == "earlier":
        return Message("{file} belongs to an earlier library. {advice}", file=file, advice=Message(_IMPORT))
    if db.read_only or state in {"none", "current"}:
        return None
    sweep_drafts(file.parent, DECISIONS + DRAFTED)
    with db.snapshot() as connection:
        revision = backup_record(connection).revision
        content = "".join(encode(decision_lines(connection))).encode()
    words = "The decisions could not be written into {file} ({reason}); the library itself holds them."
    with faults_as(OSError, StorageError, words, file=file), db.writer() as connection:
        known = backup_record(connection)
        if known.saved > revision:  # another process has saved a later revision
            return None
        aside = _put_aside(file, known)
        write_private(file, content)
        record_backup(connection, revision, xxhash.xxh3_128_digest(content))
    if aside is None:
        return None
    return Message("{file} was not written by this library. {advice}", file=aside, advice=Message(_IMPORT))


def _put_aside(file: Path, known: BackupRecord) -> Path | None:
    """Renames a file that this library did not write."""
    if _digest(file) in {None, known.digest}:
        return None
    stem, _, suffix = file.name.rpartition(".")
    aside = file.with_name(f"{stem}.{time.strftime('%Y-%m-%d-%H%M%S')}.{suffix}")
    return file.rename(aside)


def _digest(file: Path) -> bytes | None:
    """The hash of a file's bytes, None if there is no file; raises StorageError if it cannot be read."""
    words = "{file} cannot be read ({reason}). Move it away; the library itself holds the decisions."
    with faults_as(OSError, StorageError, words, file=file), suppress(FileNotFoundError):
        return xxhash.xxh3_128_digest(file.read_bytes())
    return None

"""Everything that a person has said, as the lines of a file of decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from picsight_engine.exchange.decisions_file import PhotoReference, RatingLine, TagLine
from picsight_engine.store.records import last_decisions, last_ratings, seen_pictures
from picsight_engine.store.tags import live_tags
from picsight_engine.tags.tree import as_seen

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from picsight_engine.exchange.decisions_file import Line
    from picsight_engine.store.records import StoredDecision

_LATEST = datetime(9998, 12, 31, tzinfo=UTC).timestamp()


def lines_of(connection: sqlite3.Connection) -> Iterator[Line]:
    """Every tag with its decisions and examples, by path, then the ratings."""
    pictures = {
        photo_id: PhotoReference(seen.path, seen.fingerprint, seen.rule)
        for photo_id, seen in seen_pictures(connection).items()
    }
    decisions = last_decisions(connection)
    tags = live_tags(connection)
    thresholds = {tag.id: tag.threshold for tag in tags}
    for tag in as_seen(tags, {}):
        plain = TagLine(tag.path, tag.kind, tag.prompts, thresholds[tag.id], tag.suggests)
        lines = [
            *_decided(plain, decisions.get(tag.id, ()), pictures),
            *(
                replace(plain, picture=pictures[each], example="for")
                for each in tag.examples
                if each in pictures
            ),
            *(
                replace(plain, picture=pictures[each], example="against")
                for each in tag.against
                if each in pictures
            ),
        ]
        yield from lines or [plain]
    for photo_id, rating in last_ratings(connection).items():
        if rating.stars is not None and photo_id in pictures:
            yield RatingLine(pictures[photo_id], rating.stars, _time(rating.rated_at))


def _decided(
    plain: TagLine, decisions: Iterable[StoredDecision], pictures: dict[int, PhotoReference]
) -> Iterator[TagLine]:
    for decision in decisions:
        if decision.verdict != "withdrawn" and decision.photo_id in pictures:
            yield replace(
                plain,
                picture=pictures[decision.photo_id],
                decision=decision.verdict,
                time=_time(decision.decided_at),
                source=decision.source,
            )


def _time(seconds: float) -> datetime:
    """The time, or the nearest that a file of decisions may hold: a side-car's clock may have been anything."""
    return datetime.fromtimestamp(min(max(seconds, 0), _LATEST), UTC)

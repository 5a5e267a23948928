"""What follows an indexing run: copies are grouped, the model that answers changes, tags suggest, decisions are filed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError, PicsightError, StorageError
from picsight_engine.exchange.filing import file_decisions
from picsight_engine.indexing.events import Committed, Finished
from picsight_engine.search.duplicates import find_stacks
from picsight_engine.store.photos import photos_shown
from picsight_engine.store.records import is_unfiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picsight_engine.indexing.events import Event
    from picsight_engine.search.answering import Answering
    from picsight_engine.store.database import Database
    from picsight_engine.store.thumbnails import ThumbnailStore
    from picsight_engine.tags.tags import Tags

# Photos are compared once more than one in so many waits, so that a long run groups copies as it goes.
_COMPARED_SHARE = 256


def follow(
    events: Iterable[Event], db: Database, thumbnails: ThumbnailStore, answering: Answering, tags: Tags
) -> Iterator[Event]:
    """Passes on the events of a run; the last one also says what came of it for searches and tags.

    Raises:
        StorageError: the disk is full or gone; what was stored before stays.
    """
    uncompared = 0
    for event in events:
        if isinstance(event, Committed):
            uncompared += len(event.photo_ids)
        if isinstance(event, Finished) or uncompared * _COMPARED_SHARE > photos_shown(db):
            find_stacks(db, thumbnails)
            uncompared = 0
        if isinstance(event, Finished):
            yield _filed(_suggested(_switched(event, answering), tags), db)
        else:
            yield event


def file_quietly(db: Database) -> None:
    """Files new decisions if the disk lets it; the library holds them anyway, and `doctor` reports a file left behind."""
    with suppress(PicsightError):
        if is_unfiled(db):
            file_decisions(db)


def _switched(event: Finished, answering: Answering) -> Finished:
    """Lets the wanted model answer if no photo lacks its vector any more, and says so."""
    if not answering.end():
        return event
    note = f'Every photo was read by "{answering.wanted.manifest.title}"; searches use it from now on.'
    return replace(event, notes=(*event.notes, note))


def _suggested(event: Finished, tags: Tags) -> Finished:
    """Suggests tags for the new photos and reports them; a cancelled run leaves that to the next."""
    if event.cancelled:
        return event
    try:
        run = tags.suggest_all()
    except BundleError as fault:
        return replace(event, notes=(f"No tag has looked at the new photos. {fault}", *event.notes))
    return event if run is None else replace(event, suggested=f"{run.words}.")


def _filed(event: Finished, db: Database) -> Finished:
    """Brings the file of decisions up to date; reports one that this library did not write."""
    try:
        note = file_decisions(db)
    except StorageError as fault:
        note = str(fault)
    return event if note is None else replace(event, notes=(*event.notes, note))

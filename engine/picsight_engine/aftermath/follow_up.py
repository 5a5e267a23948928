"""The steps after an indexing run: copies, colours, the switch of models, calibration, tag suggestions, the decisions file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.aftermath.duplicates import find_stacks
from picsight_engine.exchange.decisions_backup import back_up_decisions
from picsight_engine.foundation.errors import BundleError, Message, PicsightError, StorageError
from picsight_engine.indexing.events import READ_BY_NEW_MODEL, Committed, Finished, Searchable
from picsight_engine.kinds import kinds_of, settled, store
from picsight_engine.store.photos import photos_shown
from picsight_engine.store.selection import visible_photos
from picsight_engine.store.tagging.exported_decisions import backup_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.indexing.events import Event
    from picsight_engine.search.active_model import ActiveModel
    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.thumbnails import ThumbnailStore
    from picsight_engine.tags.tags import Tags

# Copies are grouped once more than one photo in this many is new, so that a long run groups them as it goes.
_COMPARED_SHARE = 256
_AT_ONCE = 1024  # photos per transaction


def follow_up(
    events: Iterable[Event], db: Database, thumbnails: ThumbnailStore, active_model: ActiveModel, tags: Tags
) -> Iterator[Event]:
    """Passes on the events of a run; the last one also reports the effect on searches and tags.

    Raises:
        StorageError: the disk is full or gone; earlier batches stay.
    """
    uncompared = 0
    notes: tuple[Message, ...] = ()
    suggested: Message | None = None
    for event in events:
        is_due = isinstance(event, Searchable)
        if isinstance(event, Committed):
            uncompared += len(event.photo_ids)
            is_due = uncompared * _COMPARED_SHARE > photos_shown(db)
        if is_due:
            find_stacks(db, thumbnails)
            make_of_thumbnails(db, thumbnails, active_model.wanted)
            uncompared = 0
        if isinstance(event, Searchable):
            notes, suggested = _settle(db, active_model, tags, cancelled=event.cancelled)
        if isinstance(event, Finished):
            yield replace(event, notes=(*event.notes, *notes), suggested=suggested)
        else:
            yield event


def make_of_thumbnails(db: Database, thumbnails: ThumbnailStore, bundle: Bundle) -> None:
    """Makes what is due of the thumbnails of visible photos: colours take 5 s for 10,000. Damaged thumbnails are left out."""
    for kind in kinds_of(bundle.manifest.space_id):
        if not kind.of_thumbnail:
            continue
        make, done = kind.maker(bundle), settled(db, thumbnails, kind)
        due = [photo_id for photo_id in visible_photos(db).tolist() if photo_id not in done]
        for start in range(0, len(due), _AT_ONCE):
            jpegs = ((photo_id, thumbnails.get(photo_id)) for photo_id in due[start : start + _AT_ONCE])
            made = ((photo_id, make(jpeg)) for photo_id, jpeg in jpegs if jpeg is not None)
            if things := {photo_id: thing for photo_id, thing in made if thing is not None}:
                with db.writer() as connection:
                    store(connection, kind, things)


def back_up_quietly(db: Database) -> None:
    """Saves new decisions if the disk allows; the library holds them anyway, and `doctor` reports an outdated file."""
    with suppress(PicsightError):
        with db.reading() as connection:
            known = backup_record(connection)
        if known.saved != known.revision:
            back_up_decisions(db)


def _settle(
    db: Database, active_model: ActiveModel, tags: Tags, *, cancelled: bool
) -> tuple[tuple[Message, ...], Message | None]:
    """Lets searches, tags and the file of decisions follow a run; returns notes for the user and what tags suggest.

    After a cancelled run, the next one fits the thresholds and suggests tags.
    """
    notes, suggested = list[Message](), None
    if active_model.after_indexing():
        title = active_model.wanted.manifest.title
        notes.append(READ_BY_NEW_MODEL.about(model=title))
    if not cancelled:
        with suppress(BundleError):  # searches report a text tower that cannot be loaded
            active_model.calibrate()
        try:
            run = tags.suggest_all()
            suggested = None if run is None else Message("{change}.", change=run.words)
        except BundleError as fault:
            words = "Tags could not be suggested for the new photos. {fault}"
            notes.append(Message(words, fault=fault))
    try:
        note = back_up_decisions(db)  # a sentence if another library wrote the file
    except StorageError as fault:
        note = fault.message
    return (*notes, *([] if note is None else [note])), suggested

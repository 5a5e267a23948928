"""The steps after an indexing run: copies, colours, the switch of models, calibration, tag suggestions, the decisions file."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.errors import BundleError, PicsightError, StorageError
from picsight_engine.exchange.filing import file_decisions
from picsight_engine.indexing.events import Committed, Finished
from picsight_engine.search.colours import measure_colours
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

# Copies are grouped once more than one photo in this many is new, so that a long run groups them as it goes.
_COMPARED_SHARE = 256


def follow(
    events: Iterable[Event], db: Database, thumbnails: ThumbnailStore, answering: Answering, tags: Tags
) -> Iterator[Event]:
    """Passes on the events of a run; the last one also reports the effect on searches and tags.

    Raises:
        StorageError: the disk is full or gone; earlier batches stay.
    """
    uncompared = 0
    for event in events:
        is_due = isinstance(event, Finished)
        if isinstance(event, Committed):
            uncompared += len(event.photo_ids)
            is_due = uncompared * _COMPARED_SHARE > photos_shown(db)
        if is_due:
            find_stacks(db, thumbnails)
            measure_colours(db, thumbnails)
            uncompared = 0
        if isinstance(event, Finished):
            yield _filed(_suggested(_calibrated(_switched(event, answering), answering), tags), db)
        else:
            yield event


def file_quietly(db: Database) -> None:
    """Files new decisions if the disk allows; the library holds them anyway, and `doctor` reports an outdated file."""
    with suppress(PicsightError):
        if is_unfiled(db):
            file_decisions(db)


def _switched(event: Finished, answering: Answering) -> Finished:
    """Switches searching to the wanted model once every photo has its vector, and reports that."""
    if not answering.end():
        return event
    note = f'Every photo was read by "{answering.wanted.manifest.title}"; searches use it from now on.'
    return replace(event, notes=(*event.notes, note))


def _calibrated(event: Finished, answering: Answering) -> Finished:
    """Fits thresholds for a model that brings none; after a cancelled run the next run does it."""
    if not event.cancelled:
        with suppress(BundleError):  # searches report a text tower that cannot be loaded
            answering.calibrate()
    return event


def _suggested(event: Finished, tags: Tags) -> Finished:
    """Suggests tags for the new photos and reports the suggestions; after a cancelled run the next run does it."""
    if event.cancelled:
        return event
    try:
        run = tags.suggest_all()
    except BundleError as fault:
        return replace(event, notes=(f"No tag has looked at the new photos. {fault}", *event.notes))
    return event if run is None else replace(event, suggested=f"{run.words}.")


def _filed(event: Finished, db: Database) -> Finished:
    """Updates the file of decisions; reports a file that another library wrote."""
    try:
        note = file_decisions(db)
    except StorageError as fault:
        note = str(fault)
    return event if note is None else replace(event, notes=(*event.notes, note))

"""The only writer of a run: collects the workers' results and stores each batch in one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsight_engine.indexing.plan import HEALS_UNSEEN, is_changed
from picsight_engine.kinds import store
from picsight_engine.photos.identity import FINGERPRINT_RULE
from picsight_engine.photos.metadata.tag_precedence import METADATA_RULE
from picsight_engine.store.derived.states import record_derived
from picsight_engine.store.derived.vectors import has_vector
from picsight_engine.store.files import (
    NewFile,
    age_missing,
    forget_missing,
    move_file,
    photos_in,
    put_metadata,
    set_devices,
)
from picsight_engine.store.folders import all_folders
from picsight_engine.store.overview.health import orphan_thumbnails
from picsight_engine.store.overview.problems import NewProblem, clear_problem, put_problem
from picsight_engine.store.photos import NewPhoto, known_photo, put_photo
from picsight_engine.store.tagging.decisions import is_same_shot, share_decisions
from picsight_engine.store.tagging.pairs import mark_missing, mark_returned, pair, show_picture

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from picsight_engine.indexing.messages import Described, Failed, Identified
    from picsight_engine.indexing.plan import Plan, Task
    from picsight_engine.kinds import DerivedKind
    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.thumbnails import ThumbnailStore
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.folders import Folder

_DAY = 24 * 3600.0
KEPT_SECONDS = 30 * _DAY  # how long a missing photo keeps its identity
_MOST_SECONDS = 2.0  # until an open batch is due
_MOST_CREDIT = 10 * _DAY  # the most that one run may add to that age, so that at least three runs must agree


@dataclass(frozen=True, slots=True)
class ReadableFile:
    """A file that shows a picture; `described` if a worker made it now, `moved_from` is the file's earlier place."""

    task: Task
    identified: Identified
    described: Described | None
    moved_from: StoredFile | None


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file from which no picture could be read, or, of a known photo, not these slow `kinds`, by name."""

    task: Task
    failed: Failed
    kinds: frozenset[str] = frozenset()


class Batch:
    """The results that are not on disk yet. A batch is due by size or age, and stored completely or not at all."""

    def __init__(
        self, db: Database, thumbnails: ThumbnailStore, kinds: Iterable[DerivedKind], *, photos: int
    ) -> None:
        self._db = db
        self._thumbnails = thumbnails
        self._kinds = {kind.name: kind for kind in kinds}
        self._photos = photos
        self._open: list[ReadableFile | UnreadableFile] = []
        self._since = 0.0
        self._unread: set[int] = set()  # known files that changed or went, and are still to be read
        self._replaced: set[int] = set()  # the photos that these showed
        self._traces: set[tuple[int, int]] = set()  # sizes and times of all files to be read

    def settle(self, plan: Plan) -> tuple[int, ...]:
        """Stores the findings of the scan alone; returns the photos that are back."""
        now = time.time()
        with self._db.writer() as connection:
            for healed in plan.healed:
                clear_problem(connection, healed.folder_id, healed.name)
            for folder, problem in plan.unreadable:
                put_problem(
                    connection, NewProblem(folder.id, problem.name, problem.code, problem.message, now)
                )
            mark_returned(connection, [file.id for file in plan.returned])
            set_devices(connection, plan.devices)
        changed = (task.stored for task in plan.tasks if task.stored and is_changed(task.stored, task.file))
        self._unread = {file.id for file in changed}
        self._replaced = photos_in(self._db, self._unread)
        self._traces = {(task.file.size, task.file.mtime_ns) for task in plan.tasks if self._unread}
        self._unread.update(file.id for file in plan.moving)
        self.give_up(plan.gone)
        self.sweep_thumbnails()
        return tuple({file.photo_id: None for file in plan.returned if file.photo_id is not None})

    def give_up(self, files: Sequence[StoredFile]) -> None:
        """Records files as missing; photos without any file lose their thumbnails at once."""
        if files:
            with self._db.writer() as connection:
                hidden = mark_missing(connection, [file.id for file in files], time.time())
            self._thumbnails.delete(hidden)

    def sweep(self, folders: Sequence[Folder]) -> None:
        """Ages the missing files of folders that were scanned completely, and deletes those that have expired."""
        with self._db.writer() as connection:
            age_missing(connection, [folder.id for folder in folders], time.time(), most=_MOST_CREDIT)
            forget_missing(connection, KEPT_SECONDS)
        self.sweep_thumbnails()

    def sweep_thumbnails(self) -> None:
        """Removes the thumbnails of photos without a file, also of photos that a kill kept from being stored."""
        self._thumbnails.delete(orphan_thumbnails(self._db, self._thumbnails))

    def add(self, outcome: ReadableFile | UnreadableFile) -> None:
        """Adds an outcome to the next commit."""
        if not self._open:
            self._since = time.monotonic()
        self._open.append(outcome)

    @property
    def empty(self) -> bool:
        """Whether every outcome is on disk."""
        return not self._open

    @property
    def due(self) -> bool:
        """Whether it is time to commit."""
        if not self._open:
            return False
        return len(self._open) >= self._photos or time.monotonic() - self._since >= _MOST_SECONDS

    def drop(self) -> None:
        """Discards the outcomes that the disk does not accept."""
        self._open = []

    def commit(self) -> tuple[int, ...]:
        """Stores the outcomes of at most one batch in one transaction; returns the photos that are visible now.

        It may be called again after an interrupt. Raises StorageError if the disk is full or gone: earlier batches stay.
        """
        shown: dict[int, None] = {}
        hidden: list[int] = []
        pictures: dict[int, tuple[bytes, Sequence[tuple[float, bytes]]]] = {}  # thumbnails and frames
        with self._db.writer() as connection:
            folders = {folder.id for folder in all_folders(self._db)}
            for outcome in self._open[: self._photos]:
                if outcome.task.folder.id not in folders:
                    continue  # the user removed the folder meanwhile
                if isinstance(outcome, ReadableFile):
                    shown.update(self._store_readable(connection, outcome, pictures))
                elif outcome.kinds:
                    self._record_failure(connection, outcome)
                else:
                    hidden += _store_unreadable(connection, outcome)
            # Thumbnails are committed before photos, so that every photo that can be found has one. If the photo is
            # rolled back, the next photo with that id overwrites the thumbnail.
            jpegs = {photo_id: jpeg for photo_id, (jpeg, _) in pictures.items()}
            frames = [
                (photo_id, *frame) for photo_id, (_, shown_in) in pictures.items() for frame in shown_in
            ]
            self._thumbnails.put(jpegs, frames)
        self._thumbnails.delete(hidden)
        del self._open[: self._photos]
        return tuple(shown)

    def _store_readable(
        self, connection: sqlite3.Connection, seen: ReadableFile, pictures: dict[int, Any]
    ) -> dict[int, None]:
        """Stores a file and its picture, unless the user removed that picture from the library meanwhile; adds its thumbnail."""
        folder, file, described = seen.task.folder, seen.task.file, seen.described
        self._unread.discard(seen.task.stored.id if seen.task.stored else 0)
        if described is None:
            photo_id = known_photo(connection, seen.identified.fingerprint)
        else:
            photo_id = _store_photo(connection, seen.identified, described)
        if photo_id is None:
            return {}
        for name, thing in described.things.items() if described is not None else ():
            kind = self._kinds[name]
            store(connection, kind, {photo_id: thing})
            if kind.put is None:
                pictures[photo_id] = thing
        edited = self._edited_from(connection, seen, photo_id)
        if seen.moved_from is not None:
            move_file(connection, seen.moved_from.id, folder.id, file.name)
            self._unread.discard(seen.moved_from.id)
            pair(connection, seen.moved_from.folder_id, seen.moved_from.name, self._unread)
        digest, metadata = seen.identified.bytes_hash, seen.identified.metadata
        here = NewFile(folder.id, file.name, file.size, file.mtime_ns, digest, photo_id, device=file.device)
        show_picture(connection, here)
        put_metadata(connection, folder.id, file.name, metadata, METADATA_RULE, beside=file.beside)
        clear_problem(connection, folder.id, file.name)
        if edited is not None:
            share_decisions(connection, edited, photo_id)
        pair(connection, folder.id, file.name, self._unread)
        return {photo_id: None}

    def _record_failure(self, connection: sqlite3.Connection, unreadable: UnreadableFile) -> None:
        stored = unreadable.task.stored
        for kind in map(self._kinds.__getitem__, unreadable.kinds):
            if stored is not None and stored.photo_id is not None:
                record_derived(connection, kind.name, kind.rule, [stored.photo_id], "failed")

    def _edited_from(self, connection: sqlite3.Connection, seen: ReadableFile, photo_id: int) -> int | None:
        """The photo that the file showed before, if the new picture is the same shot; a moved file may leave a pair's photo.

        Frames of a burst are alike, too: a known picture was renamed, not edited, if the file that showed it shows another now,
        or if this file's former content lies under another name.
        """
        stored, now = seen.moved_from or seen.task.stored, seen.identified.metadata
        if stored is None or stored.photo_id in {None, photo_id}:
            return None
        if seen.moved_from is not None:
            return stored.photo_id
        is_elsewhere = seen.described is None and (stored.size, stored.mtime_ns) in self._traces
        if is_elsewhere or photo_id in self._replaced:
            return None
        is_same = is_same_shot(connection, stored.id, photo_id, now.taken, now.duration)
        return stored.photo_id if is_same else None


def _store_photo(connection: sqlite3.Connection, identified: Identified, described: Described) -> int:
    rules = FINGERPRINT_RULE, identified.picture_rule
    photo = NewPhoto(identified.fingerprint, described.width, described.height, *rules)
    return put_photo(connection, photo)


def _store_unreadable(connection: sqlite3.Connection, unreadable: UnreadableFile) -> list[int]:
    """Lists a file under problems; returns the photos that have no file any more.

    A file that is unreadable, or unchanged since it was read, keeps its picture: the read error may be temporary. A film
    that stood behind a photo, and that nothing here can read, has none; one that was read before has vectors.
    """
    folder, file, stored = unreadable.task.folder, unreadable.task.file, unreadable.task.stored
    now = time.time()
    code, message = unreadable.failed.code, unreadable.failed.message
    problem = NewProblem(folder.id, file.name, code, message, now, size=file.size, mtime_ns=file.mtime_ns)
    put_problem(connection, problem)
    if stored is None or code in HEALS_UNSEEN:
        return []
    had_picture = code != "not_read" or has_vector(connection, stored.photo_id)
    if had_picture and not is_changed(stored, file):
        return []
    return mark_missing(connection, [stored.id], now)

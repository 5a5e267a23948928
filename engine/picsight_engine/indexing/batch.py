"""The one writer of a run: gathers what workers found and stores it, each batch in one transaction."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.indexing.plan import HEALS_UNSEEN, is_changed
from picsight_engine.photos.identity import FINGERPRINT_RULE
from picsight_engine.photos.precedence import METADATA_RULE
from picsight_engine.store.decisions import is_same_shot, say_again
from picsight_engine.store.files import (
    NewFile,
    age_missing,
    forget_missing,
    move_file,
    put_file,
    put_metadata,
    set_devices,
)
from picsight_engine.store.folders import all_folders
from picsight_engine.store.health import orphan_thumbnails
from picsight_engine.store.pairs import mark_missing, mark_returned, pair
from picsight_engine.store.photos import NewPhoto, known_photo, put_photo
from picsight_engine.store.problems import NewProblem, clear_problem, put_problem
from picsight_engine.store.vectors import put_vector

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from picsight_engine.indexing.messages import Described, Failed, Identified
    from picsight_engine.indexing.plan import Plan, Task
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.folders import Folder
    from picsight_engine.store.thumbnails import ThumbnailStore

_DAY = 24 * 3600.0
KEPT_SECONDS = 30 * _DAY  # how long a missing photo may come back as itself
_MOST_CREDIT = 10 * _DAY  # what one run may add to that, so that three of them must agree


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that shows a picture; `described` where a worker made it anew, `moved_from` where the file was before."""

    task: Task
    identified: Identified
    described: Described | None
    moved_from: StoredFile | None


@dataclass(frozen=True, slots=True)
class Bad:
    """A file that gave no picture."""

    task: Task
    failed: Failed


class Batch:
    """What is not yet on disk. A batch is due by its size or its age, and stored whole or not at all."""

    def __init__(
        self, db: Database, thumbnails: ThumbnailStore, space: str, *, photos: int, seconds: float
    ) -> None:
        self._db = db
        self._thumbnails = thumbnails
        self._space = space
        self._photos = photos
        self._seconds = seconds
        self._open: list[Seen | Bad] = []
        self._since = 0.0

    def settle(self, plan: Plan) -> tuple[int, ...]:
        """Stores what the scan alone has shown; returns the photos that are back."""
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
        self.give_up(plan.gone)
        self.sweep_thumbnails()
        return tuple({file.photo_id: None for file in plan.returned if file.photo_id is not None})

    def give_up(self, files: Sequence[StoredFile]) -> None:
        """Records files as missing: what nothing shows any more leaves the thumbnails at once."""
        if files:
            with self._db.writer() as connection:
                hidden = mark_missing(connection, [file.id for file in files], time.time())
            self._thumbnails.delete(hidden)

    def sweep(self, folders: Sequence[Folder]) -> None:
        """Lets what is missing in folders that were looked through grow older, and drops for good what has come of age."""
        with self._db.writer() as connection:
            age_missing(connection, [folder.id for folder in folders], time.time(), most=_MOST_CREDIT)
            forget_missing(connection, KEPT_SECONDS)
        self.sweep_thumbnails()

    def sweep_thumbnails(self) -> None:
        """Removes the thumbnail of every photo that nothing shows, also of one that a kill kept from being stored."""
        self._thumbnails.delete(orphan_thumbnails(self._db, self._thumbnails))

    def add(self, outcome: Seen | Bad) -> None:
        """Keeps an outcome for the next commit."""
        if not self._open:
            self._since = time.monotonic()
        self._open.append(outcome)

    @property
    def empty(self) -> bool:
        """Whether all that was kept is on disk."""
        return not self._open

    @property
    def due(self) -> bool:
        """Whether it is time to commit."""
        if not self._open:
            return False
        return len(self._open) >= self._photos or time.monotonic() - self._since >= self._seconds

    def drop(self) -> None:
        """Forgets what is kept, because the disk does not take it."""
        self._open = []
        self._thumbnails.discard()

    def commit(self) -> tuple[int, ...]:
        """Stores what is kept, as much as one batch holds, in one transaction; returns the photos that it shows.

        Interrupted, it may be called again. Raises StorageError when the disk is full or gone: earlier batches stay.
        """
        shown: dict[int, None] = {}
        hidden: list[int] = []
        with self._db.writer() as connection:
            folders = {folder.id for folder in all_folders(self._db)}
            for outcome in self._open[: self._photos]:
                if outcome.task.folder.id not in folders:
                    continue  # a person removed the folder meanwhile
                if isinstance(outcome, Bad):
                    hidden += _store_bad(connection, outcome)
                else:
                    shown.update(self._store_seen(connection, outcome))
            # Before the photos themselves are safe: a photo that can be found has its thumbnail, and one whose
            # photo is rolled back is overwritten by the next photo of that number.
            self._thumbnails.commit()
        self._thumbnails.delete(hidden)
        del self._open[: self._photos]
        return tuple(shown)

    def _store_seen(self, connection: sqlite3.Connection, seen: Seen) -> dict[int, None]:
        """Stores a file and its picture; nothing if a person took that picture out of the library meanwhile."""
        folder, file = seen.task.folder, seen.task.file
        if seen.described is not None:
            photo_id: int | None = self._store_photo(connection, seen.identified, seen.described)
        else:
            photo_id = known_photo(connection, seen.identified.fingerprint)
        if photo_id is None:
            return {}
        edited = _edited_from(connection, seen, photo_id)
        if seen.moved_from is not None:
            move_file(connection, seen.moved_from.id, folder.id, file.name)
            pair(connection, seen.moved_from.folder_id, seen.moved_from.name)
        digest, metadata = seen.identified.bytes_hash, seen.identified.metadata
        here = NewFile(folder.id, file.name, file.size, file.mtime_ns, digest, photo_id, device=file.device)
        put_file(connection, here)
        put_metadata(connection, folder.id, file.name, metadata, METADATA_RULE, beside=file.beside)
        clear_problem(connection, folder.id, file.name)
        if edited is not None:
            say_again(connection, edited, photo_id)
        pair(connection, folder.id, file.name)
        return {photo_id: None}

    def _store_photo(
        self, connection: sqlite3.Connection, identified: Identified, described: Described
    ) -> int:
        shape = described.width, described.height, described.phash
        rules = FINGERPRINT_RULE, identified.picture_rule
        photo_id = put_photo(connection, NewPhoto(identified.fingerprint, *shape, *rules))
        if described.vector is not None:
            put_vector(connection, photo_id, self._space, np.frombuffer(described.vector, dtype="<f2"))
        self._thumbnails.put(photo_id, described.thumbnail)
        return photo_id


def _edited_from(connection: sqlite3.Connection, seen: Seen, photo_id: int) -> int | None:
    """The photo that the file showed before, if it is the same shot."""
    stored, taken = seen.task.stored, seen.identified.metadata.taken
    if stored is None or stored.photo_id in {None, photo_id}:
        return None
    same = is_same_shot(connection, stored.id, photo_id, taken)
    return stored.photo_id if same else None


def _store_bad(connection: sqlite3.Connection, bad: Bad) -> list[int]:
    """Lists a file under problems; returns the photos that nothing shows any more.

    What cannot be looked at, or did not change since it was read, may still be the old picture: a disk has its bad days.
    """
    folder, file, stored = bad.task.folder, bad.task.file, bad.task.stored
    now = time.time()
    # a name that is not UTF-8 cannot be stored as text
    message = bad.failed.message.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    put_problem(
        connection,
        NewProblem(
            folder.id, file.name, bad.failed.code, message, now, size=file.size, mtime_ns=file.mtime_ns
        ),
    )
    if stored is None or bad.failed.code in HEALS_UNSEEN or not is_changed(stored, file):
        return []
    return mark_missing(connection, [stored.id], now)

"""Decides which picture a file shows: a known one, one that another worker is reading, or a new one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from picsight_engine.indexing.messages import WorkerOrder
from picsight_engine.store.photos import known_photo, picture_rule_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from picsight_engine.indexing.messages import Identified
    from picsight_engine.indexing.plan import Task
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile


class PictureTracker:
    """Ensures that a picture is embedded only once, even if many files show it or they moved."""

    def __init__(
        self,
        db: Database,
        *,
        embedded: Collection[int],
        pictured: Collection[int],
        moving: Iterable[StoredFile],
    ) -> None:
        self._db = db
        self._embedded = embedded  # photos with a vector
        self._pictured = pictured  # photos with a thumbnail
        self._done: set[bytes] = set()  # fingerprints described in this run, stored or about to be
        self._waiting: dict[bytes, list[tuple[Task, Identified]]] = {}  # copies, by fingerprint
        self._moving: defaultdict[bytes, list[StoredFile]] = defaultdict(list)
        for file in moving:
            if file.bytes_hash is not None:
                self._moving[file.bytes_hash].append(file)

    def order(self, task: Task, identified: Identified) -> WorkerOrder | None:
        """The order for the worker that holds the file; an order for work marks the picture as being described.

        None if another worker is describing the same picture: the file waits for that, see `arrived`, `failed`.
        """
        fingerprint = identified.fingerprint
        if fingerprint in self._waiting:
            self._waiting[fingerprint].append((task, identified))
            return None
        order = WorkerOrder.SKIP if fingerprint in self._done else self._missing(identified)
        if order is not WorkerOrder.SKIP:
            self._waiting[fingerprint] = []
        return order

    def arrived(self, fingerprint: bytes) -> list[tuple[Task, Identified]]:
        """Records that the picture is described; returns the copies that waited for it."""
        self._done.add(fingerprint)
        return self._waiting.pop(fingerprint, [])

    def failed(self, fingerprint: bytes) -> list[Task]:
        """Records that the file gave no picture; returns the waiting copies, which must now be read themselves."""
        return [task for task, _ in self._waiting.pop(fingerprint, [])]

    def moved_from(self, task: Task, identified: Identified) -> StoredFile | None:
        """The missing file with the same bytes that this file replaces, each at most once."""
        if task.stored is not None and task.stored.present:
            return None
        files = self._moving.get(identified.bytes_hash)
        return files.pop() if files else None

    def not_found_again(self) -> list[StoredFile]:
        """The missing files that were not found again in this run."""
        return [file for files in self._moving.values() for file in files]

    def _missing(self, identified: Identified) -> WorkerOrder:
        with self._db.reading() as connection:
            photo_id = known_photo(connection, identified.fingerprint)
        if photo_id is None or photo_id not in self._embedded:
            return WorkerOrder.EMBED
        if picture_rule_of(self._db, photo_id) < identified.picture_rule:
            return WorkerOrder.EMBED  # its decoding has changed since its vector was made
        return WorkerOrder.SKIP if photo_id in self._pictured else WorkerOrder.DESCRIBE

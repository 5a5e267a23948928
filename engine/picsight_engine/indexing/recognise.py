"""Which picture a file shows: one the library knows, one that another worker has in hand, or a new one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from picsight_engine.indexing.messages import WorkerOrder
from picsight_engine.store.photos import photo_by_fingerprint, picture_rule_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from picsight_engine.indexing.messages import Identified
    from picsight_engine.indexing.plan import Task
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile


class Recogniser:
    """Sees to it that a picture is embedded once, however many files show it and wherever they moved."""

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
        self._waiting: dict[bytes, list[tuple[Task, Identified]]] = {}  # copies, by the fingerprint under way
        self._moving: defaultdict[bytes, list[StoredFile]] = defaultdict(list)
        for file in moving:
            if file.bytes_hash is not None:
                self._moving[file.bytes_hash].append(file)

    def order(self, task: Task, identified: Identified) -> WorkerOrder:
        """What the worker that holds the file shall do; ordering work makes the picture the one under way.

        Where the same picture is under way already, the file is kept until that is done: see `arrived`, `failed`.
        """
        fingerprint = identified.fingerprint
        if fingerprint in self._waiting:
            self._waiting[fingerprint].append((task, identified))
            return WorkerOrder.SKIP
        order = WorkerOrder.SKIP if fingerprint in self._done else self._missing(identified)
        if order is not WorkerOrder.SKIP:
            self._waiting[fingerprint] = []
        return order

    def is_waiting(self, identified: Identified) -> bool:
        """Whether the picture is under way with some worker."""
        return identified.fingerprint in self._waiting

    def arrived(self, fingerprint: bytes) -> list[tuple[Task, Identified]]:
        """The picture is described: returns the copies that waited for it."""
        self._done.add(fingerprint)
        return self._waiting.pop(fingerprint, [])

    def failed(self, fingerprint: bytes) -> list[Task]:
        """The file under way gave no picture: returns those that must be tried themselves."""
        return [task for task, _ in self._waiting.pop(fingerprint, [])]

    def moved_from(self, task: Task, identified: Identified) -> StoredFile | None:
        """The missing file with these bytes whose place this one takes, each at most once."""
        if task.stored is not None and task.stored.present:
            return None
        files = self._moving.get(identified.bytes_hash)
        return files.pop() if files else None

    def not_found_again(self) -> list[StoredFile]:
        """The missing files that no file of this run turned out to be."""
        return [file for files in self._moving.values() for file in files]

    def _missing(self, identified: Identified) -> WorkerOrder:
        photo_id = photo_by_fingerprint(self._db, identified.fingerprint)
        if photo_id is None or photo_id not in self._embedded:
            return WorkerOrder.EMBED
        if picture_rule_of(self._db, photo_id) < identified.picture_rule:
            return WorkerOrder.EMBED  # it is decoded otherwise than when its vector was made
        return WorkerOrder.SKIP if photo_id in self._pictured else WorkerOrder.DESCRIBE

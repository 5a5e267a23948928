"""Decides which picture a file shows: a known one, one that another worker is reading, or a new one."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from picsight_engine.store.photos import known_photo, picture_rule_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from picsight_engine.indexing.messages import Identified
    from picsight_engine.indexing.plan import Task
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile


class PictureTracker:
    """Ensures that a picture is embedded only once, even if many files show it or they moved."""

    def __init__(
        self,
        db: Database,
        settled: Mapping[str, Collection[int]],
        moving: Iterable[StoredFile] = (),
        *,
        known_only: bool = False,
    ) -> None:
        """`settled` are the kinds to make, by name, each with the photos that are not due for it."""
        self._db = db
        self._settled = settled
        self._known_only = known_only  # whether new pictures are left alone
        self._done: set[bytes] = set()  # fingerprints described in this run, stored or about to be
        self._waiting: dict[bytes, list[tuple[Task, Identified]]] = {}  # copies, by fingerprint
        self._moving: defaultdict[bytes, list[StoredFile]] = defaultdict(list)
        for file in moving:
            if file.bytes_hash is not None:
                self._moving[file.bytes_hash].append(file)

    def wanted(self, task: Task, identified: Identified) -> frozenset[str] | None:
        """The kinds that the worker which holds the file must make; if there are any, the picture is being described from now on.

        None if another worker is describing the same picture: the file waits for that, see `arrived`, `failed`.
        """
        fingerprint = identified.fingerprint
        if fingerprint in self._waiting:
            self._waiting[fingerprint].append((task, identified))
            return None
        due = frozenset[str]() if fingerprint in self._done else self._due(identified)
        if due:
            self._waiting[fingerprint] = []
        return due

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

    def _due(self, identified: Identified) -> frozenset[str]:
        with self._db.reading() as connection:
            photo_id = known_photo(connection, identified.fingerprint)
        if photo_id is None and self._known_only:
            return frozenset()
        if photo_id is None or picture_rule_of(self._db, photo_id) < identified.picture_rule:
            return frozenset(self._settled)  # new, or its decoding has changed since
        return frozenset(name for name, photos in self._settled.items() if photo_id not in photos)

"""The vectors of a space, memory-mapped for the scan: cache files that follow the database, or are rebuilt if they cannot.

The database is authoritative. The files mirror it up to a state (newest row, number of deletions); `refresh` compares
states and adds what is missing. The first process that finds rows missing writes them, under a lock; all others only map
the files. If the cache cannot be written, a private copy in the system's temporary folder replaces it.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.errors import StorageError, faults_as
from picsight_engine.foundation.private_files import FILE_MODE, make_private_folder
from picsight_engine.store.derived.vectors import (
    WHOLE,
    SpaceState,
    live_rows,
    space_state,
    vector_in_row,
    vectors_since,
)
from picsight_engine.store.overview.counts import photos_revision
from picsight_engine.store.photos import hidden_photos
from picsight_engine.vectors.row_files import DELETED, RowFiles, TornFilesError, remove_generation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

_CHUNK = 4096  # rows read at a time: 4 MB of 512 numbers
_LOCK_SECONDS = 120.0  # another process may be building a large cache, about 10 s per million rows
_DELETED_SHARE = 4  # a cache is rebuilt once a quarter of its rows is deleted ...
_DELETED_ROWS = 4096  # ... and at least this many
_GENERATION = re.compile(r"-(\d+)-[0-9a-f]+\.rows$")


@dataclass(frozen=True, slots=True)
class Rows:
    """A snapshot of the matrix. Rows keep the order in which vectors were stored; `hidden` rows must not be shown.

    A photo has one row for its whole and, after it, one for each of its parts.
    """

    ids: NDArray[np.int64]  # [n] photo ids, 0 for deleted vectors
    scales: NDArray[np.float32]  # [n]
    codes: NDArray[np.int8]  # [n, dim]
    originals: NDArray[np.float16]  # [n, dim]
    hidden: NDArray[np.bool_] | None  # [n], None while no row is hidden
    parts: NDArray[np.int32] | None = None  # [n] part numbers, None while no photo has parts

    def shown(self, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.bool_] | None:
        """The visible rows [n], or those that are `allowed` [n]; None for all."""
        if self.hidden is None:
            return allowed
        return ~self.hidden if allowed is None else allowed & ~self.hidden

    def count(self, allowed: NDArray[np.bool_] | None = None, *, wholes: bool = False) -> int:
        """The number of visible rows, or of those that are `allowed` [n]; with `wholes`, the number of their photos."""
        shown = self.shown(allowed)
        if wholes and self.parts is not None:
            whole = self.parts == WHOLE
            shown = whole if shown is None else shown & whole
        return len(self.ids) if shown is None else int(np.count_nonzero(shown))

    @property
    def photos(self) -> int:
        """The number of photos that a search covers."""
        return self.count(wholes=True)

    def parts_at(self, positions: NDArray[np.intp]) -> list[int]:
        """The part numbers of these rows."""
        return [WHOLE] * len(positions) if self.parts is None else self.parts[positions].tolist()


class Matrix:
    """The mapped vectors of one space of a library; thread-safe."""

    def __init__(self, cache_folder: Path, db: Database, space: str, dim: int) -> None:
        """Maps the cache of `space` and updates it; LibraryError if the stored vectors are damaged."""
        self._folder = cache_folder
        self._db = db
        self._space = space
        self._dim = dim
        self._lock = threading.Lock()
        self._files: RowFiles | None = None
        self._private: tempfile.TemporaryDirectory[str] | None = None
        self._shown: tuple[object, ...] = ()
        self._hidden: list[int] = []  # also the second of each pair: tens of thousands, so read once
        self._revision: int | None = None
        self.rows = _no_rows(dim)  # as of the last `refresh`; a search uses one such snapshot throughout
        self.refresh()

    def refresh(self) -> Rows:
        """Applies all vectors stored, deleted or hidden since the last call, by any process."""
        with self._lock:
            if not self._is_current():
                self._write(anew=False)
            self._show()
            return self.rows

    def rebuild(self) -> Rows:
        """Rebuilds the cache from the library."""
        with self._lock:
            self._write(anew=True)
            self._show()
            return self.rows

    def is_true_copy(self) -> bool:
        """Whether every cached vector equals the stored one; reads all, except vectors stored meanwhile."""
        while True:
            rows, files = self.refresh(), self._files
            if files is None:
                raise RuntimeError("the matrix was closed")
            state = files.state
            stored = vectors_since(self._db, self._space, self._dim, 0, state.last_row)
            alive = rows.ids != DELETED
            same = np.array_equal(rows.ids[alive], stored.photo_ids)
            same = same and rows.parts_at(np.flatnonzero(alive)) == stored.parts.tolist()
            same = same and rows.originals[alive].tobytes() == stored.vectors.tobytes()
            # If not, the rest must be compared again.
            if space_state(self._db, self._space).deletions == state.deletions:
                return same

    def close(self) -> None:
        """Closes the files; earlier snapshots stay valid."""
        with self._lock:
            self._files = None
            self.rows, self._shown = _no_rows(self._dim), ()
            if self._private is not None:
                self._private.cleanup()
                self._private = None

    def _is_current(self) -> bool:
        """Whether the files mirror the library, after reloading what other processes published."""
        state = space_state(self._db, self._space)
        try:
            if self._files is not None and self._files.state != state:
                self._files.reload()
        except TornFilesError:
            self._files = None
        if self._files is None:
            self._files = self._newest()
        return self._files is not None and self._files.state == state

    def _write(self, *, anew: bool) -> None:
        """Updates the files; uses a private folder if the cache cannot be written."""
        try:
            with self._cache_lock(_LOCK_SECONDS):
                self._follow(anew=anew)
        except OSError:  # read-only, full, or locked too long by a hung process
            self._follow_in_private()

    def _follow_in_private(self) -> None:
        words = "Neither the library's cache nor {folder} can be written ({reason}), so nothing can be searched; make room there."
        with faults_as(OSError, StorageError, words, folder=tempfile.gettempdir()):
            if self._private is None:
                self._private = tempfile.TemporaryDirectory(prefix="picsight-", ignore_cleanup_errors=True)
            self._folder = Path(self._private.name)
            self._follow(anew=True)

    @contextmanager
    def _cache_lock(self, seconds: float) -> Iterator[None]:
        if self._private is not None:
            yield
            return
        from filelock import FileLock  # lazy: 35 ms, needed only to update the cache

        make_private_folder(self._folder)
        with FileLock(self._folder / "vectors.lock", timeout=seconds, mode=FILE_MODE):
            yield

    def _follow(self, *, anew: bool) -> None:
        # Read the state under the lock: another process may have updated the cache while we waited.
        state = space_state(self._db, self._space)
        known, self._files = self._files, None  # so that no half-finished state is kept if the update fails
        files = None if anew else self._newest(known)
        if files is not None:
            try:
                self._extend(files, state)
            except TornFilesError:
                files = None
        self._files = files or self._build(state)

    def _extend(self, files: RowFiles, state: SpaceState) -> None:
        """Applies the changes since the files' state; TornFilesError if the files cannot follow."""
        known = files.state
        if state == known:
            return
        if state.deletions < known.deletions or (
            state.deletions == known.deletions and state.last_row < known.last_row
        ):
            raise TornFilesError  # an older copy of the library was restored
        self._append(files, known.last_row, state.last_row)
        if state.deletions != known.deletions:
            self._delete(files, state.last_row)
        files.publish(state)

    def _append(self, files: RowFiles, after: int, last: int) -> None:
        while after < last:
            # Vectors stored meanwhile are left for the next refresh.
            new = vectors_since(self._db, self._space, self._dim, after, last, _CHUNK)
            if not len(new.rows):
                return
            files.append(new)
            after = int(new.rows[-1])

    def _delete(self, files: RowFiles, last: int) -> None:
        records, _, _ = files.view()
        alive = np.flatnonzero(records["photo"] != DELETED)
        live = live_rows(self._db, self._space)
        live = live[live <= last]
        dead = alive[~np.isin(records["row"][alive], live, assume_unique=True)]
        remaining = len(alive) - len(dead)
        deleted = files.count - remaining
        if remaining != len(live) or (deleted > _DELETED_ROWS and deleted * _DELETED_SHARE > files.count):
            raise TornFilesError
        files.delete(dead)

    def _build(self, state: SpaceState) -> RowFiles:
        """Builds a new generation from the library and deletes older ones."""
        older = self._generations()
        number = 1 + max((number for number, _ in older), default=0)
        stem = self._folder / f"{self._stem_name()}-{number}-{os.urandom(4).hex()}"
        try:
            files = RowFiles.create(stem, self._dim)
            self._append(files, 0, state.last_row)
            files.publish(state)
        except BaseException:
            remove_generation(stem)
            raise
        for _, old in older:
            remove_generation(old)
        return files

    def _newest(self, known: RowFiles | None = None) -> RowFiles | None:
        """The newest valid generation; a `known` one stays mapped."""
        for _, stem in self._generations():
            try:
                if known is not None and known.stem == stem:
                    known.reload()
                    return known
                files = RowFiles.open(stem, self._dim)
            except TornFilesError:
                continue
            if self._mirrors_library(files):
                return files
        return None

    def _mirrors_library(self, files: RowFiles) -> bool:
        """Whether the newest row equals the library's; it differs if an older copy of the library was restored."""
        records, _, originals = files.view()
        alive = np.flatnonzero(records["photo"][-_CHUNK:] != DELETED)
        if not len(alive):
            return True
        position = max(0, files.count - _CHUNK) + int(alive[-1])
        stored = vector_in_row(self._db, int(records["row"][position]))
        if stored is None:  # deleted since; the deletions are compared later
            return True
        return np.array_equal(stored.view(np.uint16), originals[position].view(np.uint16))

    def _generations(self) -> list[tuple[int, Path]]:
        """The generations of this space with their numbers, newest first, valid or not."""
        found = []
        for path in self._folder.glob(f"{self._stem_name()}-*.rows"):
            match = _GENERATION.search(path.name)
            if match:
                found.append((int(match[1]), path.with_suffix("")))
        return sorted(found, reverse=True)

    def _stem_name(self) -> str:
        """The space's name as a safe file name."""
        return self._space if re.fullmatch("[0-9A-Za-z]+", self._space) else self._space.encode().hex()

    def _show(self) -> None:
        """Takes a new snapshot if anything changed."""
        if self._files is None:
            return
        revision = photos_revision(self._db)  # first: of a change meanwhile the next call learns
        if revision != self._revision:
            self._hidden, self._revision = hidden_photos(self._db), revision
        hidden = self._hidden
        seen = (self._files.stem, self._files.count, self._files.state, hidden)
        if seen == self._shown:
            return
        records, codes, originals = self._files.view()
        mask = records["photo"] == DELETED
        if hidden:
            mask |= np.isin(records["photo"], hidden)
        self.rows = Rows(
            records["photo"],
            np.ascontiguousarray(records["scale"]),  # interleaved with records, and each search reads all
            codes,
            originals,
            mask if mask.any() else None,
            np.ascontiguousarray(records["part"]) if records["part"].any() else None,
        )
        self._shown = seen


def _no_rows(dim: int) -> Rows:
    return Rows(
        np.empty(0, np.int64),
        np.empty(0, np.float32),
        np.empty((0, dim), np.int8),
        np.empty((0, dim), np.float16),
        None,
    )

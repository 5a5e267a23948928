"""The photos of a library: details, files, thumbnails, copies."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message, PicsightError, RequestError, StorageError
from picsight_engine.search.details import details_at, photo_at
from picsight_engine.store.derived.thumbnails import FILE_NAME as THUMBNAILS
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import moments_of
from picsight_engine.store.derived.written import lines_of
from picsight_engine.store.overview.counts import shared_details
from picsight_engine.store.overview.problems import problem_at
from picsight_engine.store.photos import companions_of, files_showing, gone_files, paths_below, photos_by_id
from picsight_engine.store.tagging.tagged import person_stars

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsight_engine.foundation.written_line import WrittenLine
    from picsight_engine.search.answer import Answer
    from picsight_engine.search.details import PhotoDetails
    from picsight_engine.store.database import Database
    from picsight_engine.store.overview.counts import SharedDetails
    from picsight_engine.store.photos import Photo
    from picsight_engine.tags.tags import Tags


class Photos:
    """The photos of one library; thread-safe. `space` and `tags` return the space in which searches run, and the tags.

    The photos in `gone` left with their files, which may come back; their thumbnails stay until the library is closed.
    """

    def __init__(self, db: Database, space: Callable[[], str], tags: Callable[[], Tags]) -> None:
        self.gone: set[int] = set()
        self._db = db
        self._space = space
        self._tags = tags
        self._lock = threading.Lock()
        self._thumbnails: ThumbnailStore | None = None

    def details(self, path: Path) -> PhotoDetails | None:
        """The details of the photo at `path`, in any spelling of the path; None if the library has no photo there."""
        details = details_at(self._db, path)
        if details is None:
            return None
        states = self._tags().states([details.id])[details.id]
        with self._db.reading() as connection:
            stars = person_stars(connection, [details.id]).get(details.id, details.rating)
        return replace(
            details, tags=tuple(tag for tag, state, _ in states if state == "accepted"), rating=stars
        )

    def shared(self, photo_ids: Sequence[int]) -> SharedDetails:
        """The details that the visible ones of these photos share; 10,000 photos take 0.1 s."""
        return shared_details(self._db, photo_ids)

    def with_id(self, photo_id: int) -> Photo | None:
        """The visible photo with this id, or None."""
        return photos_by_id(self._db, [photo_id]).get(photo_id)

    def moments(self, photo_id: int) -> list[tuple[int, float]]:
        """The parts of a film that searches compare, with their moments in seconds, in order; none for a photo."""
        return [*moments_of(self._db, [photo_id], self._space()).get(photo_id, {}).items()]

    def written(self, photo_id: int) -> tuple[WrittenLine, ...]:
        """The lines that were read in a photo, in reading order."""
        return lines_of(self._db, [photo_id]).get(photo_id, ())

    def files(self, photo_ids: Sequence[int]) -> dict[Path, tuple[int, int]]:
        """The present files of these photos, each with its size (bytes) and time (ns since 1970) when it was read."""
        return files_showing(self._db, photo_ids)

    def companions(self, photo_ids: Sequence[int] | None = None) -> list[Path]:
        """The present files that stand behind those that the wall shows, of these photos or of all."""
        return companions_of(self._db, photo_ids)

    def files_in(self, folder: Path, photo_ids: Sequence[int] | None = None) -> dict[int, tuple[Path, ...]]:
        """The files in a folder, or below it, of those of these or all photos that have several files, by photo."""
        return paths_below(self._db, folder, photo_ids)

    def gone_files(self, photo_ids: Sequence[int]) -> list[Path]:
        """Where these photos had other files, which are missing."""
        return gone_files(self._db, photo_ids)

    def thumbnail(self, photo_id: int, moment: float | None = None) -> bytes | None:
        """A photo's thumbnail as JPEG, 256 pixels on the long side, of a film that of its frame at a result's `moment`; None if
        there is none.
        """
        return self.thumbnails().get(photo_id, moment)

    def record_removed(self, paths: Sequence[Path]) -> int:
        """Records files that the user has just removed; photos without any file leave the library at once.

        They are restored if their files come back. Their thumbnails stay until the library is closed. Returns the number
        of photos that left.
        """
        from picsight_engine.indexing.removed_files import record_removed  # 60 ms that a search does not pay

        gone = record_removed(self._db, paths)
        self.gone.update(gone)
        return len(gone)

    def record_restored(self, paths: Sequence[Path]) -> None:
        """Records files that the user has just put back in place; their photos are visible again at once."""
        from picsight_engine.indexing.removed_files import record_restored  # 60 ms that a search does not pay

        record_restored(self._db, paths)

    def stacks(self) -> dict[int, int]:
        """Maps every photo that has duplicates to the one with the lowest id.

        Indexing finds them; they are the same for all searches.
        """
        return self._firsts()

    def stacked(self, answer: Answer) -> Answer:
        """The answer, with the stacks of its photos added."""
        firsts = self._firsts([result.id for result in answer.results])
        if not firsts:
            return answer
        results = (replace(one, stack=firsts[one.id]) if one.id in firsts else one for one in answer.results)
        return replace(answer, results=tuple(results))

    def asked_for(self, photo: Path | int) -> tuple[Photo, str]:
        """A visible photo and the absolute path by which it was requested."""
        if isinstance(photo, int):
            found = photos_by_id(self._db, [photo]).get(photo)
        else:
            found = photo_at(self._db, photo)
        if found is None:
            problem = None if isinstance(photo, int) else problem_at(self._db, photo)
            words = "{photo} is not a photo of the library; index its folder first."
            if isinstance(photo, Path) and os.path.isdir(photo):  # noqa: PTH112 -- Path raises where it may not look
                words = "{photo} is a folder; name photos in it."
            raise RequestError(Message(words, photo=str(photo)) if problem is None else problem.message)
        return found, str(found.path if isinstance(photo, int) else photo.absolute())

    def thumbnails(self) -> ThumbnailStore:
        """The thumbnails, opened on first use: a search does not need them."""
        with self._lock:
            if self._thumbnails is None:
                self._thumbnails = ThumbnailStore.open(self._db.folder, self.gone)
            return self._thumbnails

    def close_thumbnails(self) -> None:
        """Closes the file of thumbnails, which the next use opens again."""
        with self._lock:
            if self._thumbnails is not None:
                self._thumbnails.close()
                self._thumbnails = None

    def close(self) -> None:
        """Deletes the thumbnails of photos that left, if the disk allows, and closes the file."""
        with suppress(PicsightError):  # if the disk is full, the next indexing does it
            if self.gone:
                self.thumbnails().delete(self.gone.difference(photos_by_id(self._db, list(self.gone))))
        self.close_thumbnails()

    def _firsts(self, photo_ids: Sequence[int] | None = None) -> dict[int, int]:
        """Stacks are stored with the thumbnails; a search does not create that file, and does not fail without it."""
        if (self._db.folder / THUMBNAILS).exists():
            with suppress(StorageError):
                return self.thumbnails().firsts(photo_ids)
        return {}

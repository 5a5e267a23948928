"""The details of one photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from picsight_engine.kinds import WORDS
from picsight_engine.store.derived.written import written_in
from picsight_engine.store.files import find_file, metadata_of
from picsight_engine.store.overview.problems import problem_at
from picsight_engine.store.photos import companions_of, paths_of, photos_by_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight_engine.foundation.metadata import Metadata
    from picsight_engine.foundation.written_line import WrittenLine
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.overview.problems import Problem
    from picsight_engine.store.photos import Photo


_WRITTEN = ("rating", "label", "title", "description", "creator", "copyright")


@dataclass(frozen=True, slots=True)
class PhotoDetails:
    """One photo: `paths` are its present files, the primary one first, without its `companions`; `metadata` are those of
    the requested file, with what people wrote about a companion.

    `width` and `height` are upright pixels, `bytes` is the size of that file, `file_time` its last change in local time.
    `rating` is the user's, else the file's; `is_live` means that a film is in a file of the photo, or beside it.
    `written` is what is written in it, in reading order, None if it was not read.
    """

    id: int
    paths: tuple[Path, ...]
    width: int
    height: int
    metadata: Metadata
    rating: int | None = None
    file_time: str | None = None
    bytes: int = 0
    is_live: bool = False
    tags: tuple[str, ...] = ()
    problem: Problem | None = None
    companions: tuple[Path, ...] = ()
    written: tuple[WrittenLine, ...] | None = None

    @property
    def taken(self) -> str | None:
        """ISO 8601, with the offset if known."""
        return taken_iso(self.metadata)


def photo_at(db: Database, path: Path) -> Photo | None:
    """The photo with a present file at `path`, in any spelling of the path; None for any other path."""
    found = _shown_at(db, path)
    return None if found is None else found[1]


def details_at(db: Database, path: Path) -> PhotoDetails | None:
    """The details of the photo at `path`, with the metadata of that file; None if there is no photo."""
    found = _shown_at(db, path)
    if found is None:
        return None
    file, photo = found
    companions = companions_of(db, [photo.id])
    behind = [metadata_of(db, each.id) for path in companions if (each := find_file(db, path))]
    metadata = _completed(metadata_of(db, file.id), behind)
    return PhotoDetails(
        id=photo.id,
        paths=tuple(path for path in paths_of(db, photo.id) if path not in companions),
        companions=tuple(companions),
        width=photo.width,
        height=photo.height,
        metadata=metadata,
        rating=metadata.rating,
        file_time=_file_time(file.mtime_ns),
        bytes=file.size,
        is_live=photo.is_live,
        problem=problem_at(db, path),
        written=written_in(db, photo.id, WORDS.name, WORDS.rule),
    )


def _completed(metadata: Metadata, others: Sequence[Metadata]) -> Metadata:
    """The metadata of a file, completed by what people wrote to others of its shot: many programs write to the RAW alone."""
    if not others:
        return metadata
    every = (metadata, *others)
    written = {
        name: next(filter(None, (getattr(each, name) for each in every)), getattr(metadata, name))
        for name in _WRITTEN
    }
    keywords = dict.fromkeys(keyword for each in every for keyword in each.keywords)
    return replace(metadata, **written, keywords=tuple(keywords))


def _shown_at(db: Database, path: Path) -> tuple[StoredFile, Photo] | None:
    """The present file at a path, and the photo that it shows."""
    file = find_file(db, path)
    if file is None or not file.present or file.photo_id is None:
        return None
    photo = photos_by_id(db, [file.photo_id]).get(file.photo_id)
    return None if photo is None else (file, photo)


def taken_iso(photo: Metadata | Photo) -> str | None:
    """When the photo was taken, ISO 8601 with the offset if known."""
    return None if photo.taken is None else photo.taken + (photo.taken_offset or "")


def _file_time(mtime_ns: int) -> str | None:
    try:
        return datetime.fromtimestamp(mtime_ns // 1_000_000_000).isoformat()  # noqa: DTZ006 - local time
    except (ValueError, OverflowError, OSError):  # the year is out of range
        return None

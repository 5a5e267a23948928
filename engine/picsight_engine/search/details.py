"""What the library knows of one photo, and of one path that is no photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.store import problems
from picsight_engine.store.photos import find_file, paths_of, photos_by_id

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.photos import Photo
    from picsight_engine.store.problems import Problem


@dataclass(frozen=True, slots=True)
class PhotoDetails:
    """One photo: `paths` are its present files, the primary one first, width and height are upright pixels.

    `taken` is ISO 8601, with its offset where that is known; what is not known is None.
    """

    id: int
    paths: tuple[Path, ...]
    width: int
    height: int
    taken: str | None
    taken_from: str | None
    lat: float | None
    lon: float | None
    place: str | None
    camera: str | None
    lens: str | None
    rating: int | None
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    problem: Problem | None = None


def photo_at(db: Database, path: Path) -> Photo | None:
    """The photo whose present file lies at `path`, however that is spelled; None for any other path."""
    file = None if _impossible(path) else find_file(db, path)
    if file is None or file.photo_id is None or not file.present:
        return None
    return photos_by_id(db, [file.photo_id]).get(file.photo_id)


def details_at(db: Database, path: Path) -> PhotoDetails | None:
    """What is known of the photo at `path`; None where there is none."""
    photo = photo_at(db, path)
    if photo is None:
        return None
    return PhotoDetails(
        id=photo.id,
        paths=tuple(paths_of(db, photo.id)),
        width=photo.width,
        height=photo.height,
        taken=taken_iso(photo),
        taken_from=photo.taken_source,
        lat=photo.lat,
        lon=photo.lon,
        place=photo.place,
        camera=photo.camera,
        lens=photo.lens,
        rating=photo.rating,
        problem=problem_at(db, path),
    )


def problem_at(db: Database, path: Path) -> Problem | None:
    """Why the file or directory at `path`, however that is spelled, could not be indexed; None if nothing is known."""
    return None if _impossible(path) else problems.problem_at(db, path)


def taken_iso(photo: Photo) -> str | None:
    """When the photo was taken, ISO 8601 with the offset where it is known."""
    return None if photo.taken is None else photo.taken + (photo.taken_offset or "")


def _impossible(path: Path) -> bool:
    """No system allows NUL in a path, and asking it raises ValueError."""
    return "\0" in str(path)

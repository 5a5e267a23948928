"""Photos in a query: turns "like:#1234" and "like:PATH" into vectors, also for files outside the library."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.errors import ImageError, PicsightError
from picsight_engine.language.query import QueryFault
from picsight_engine.photos import formats
from picsight_engine.photos.reading import known_format, problem, read_file
from picsight_engine.search.details import photo_at
from picsight_engine.store.derived.vectors import vector_of
from picsight_engine.store.photos import photos_by_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from picsight_engine.language.query import Picture, Query
    from picsight_engine.store.database import Database

_NUMBER = r"#([0-9]{1,18})"
_REMEMBERED = 16  # files outside the library; reading one takes a second, too long to repeat at every key


@dataclass(frozen=True, slots=True)
class PictureVectors:
    """The vectors [dim] of a query's pictures, by the typed text; `known` are the photos of the library among them."""

    vectors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    known: tuple[int, ...] = ()
    faults: tuple[QueryFault, ...] = ()


class PictureFinder:
    """Finds the vectors of pictures in one space; `read` embeds a file outside the library. Thread-safe."""

    def __init__(self, db: Database, space: str, read: Callable[[Path], NDArray[np.float32]]) -> None:
        self._db = db
        self._space = space
        self._lock = threading.Lock()

        @lru_cache(_REMEMBERED)
        def read_once(path: Path, _modified: int, _size: int) -> NDArray[np.float32] | ImageError:
            try:
                _check_start(path)
                return read(path)
            except ImageError as fault:  # a cache keeps values only
                if fault.code in {"no_permission", "vanished"}:  # these pass, and the file stays as it is
                    raise
                return fault

        self._read = read_once

    def pictures_of(self, query: Query) -> PictureVectors:
        """The pictures of a query; those that cannot be read become faults."""
        vectors: dict[str, NDArray[np.float32]] = {}
        known, faults = [], []
        for picture in query.pictures:
            try:
                photo_id = self._photo(picture)
                vectors[picture.target] = self._vector(picture, photo_id)
            except PicsightError as fault:
                faults.append(QueryFault(picture.start, picture.end, fault.message))
            else:
                known += [] if photo_id is None else [photo_id]
        return PictureVectors(vectors, tuple(known), tuple(faults))

    def _photo(self, picture: Picture) -> int | None:
        """The id of the photo, None for a file outside the library."""
        number = re.fullmatch(_NUMBER, picture.target)
        if number is None:
            photo = photo_at(self._db, _path_of(picture))
            return None if photo is None else photo.id
        photo_id = int(number[1])
        if photo_id not in photos_by_id(self._db, [photo_id]):
            raise PicsightError("There is no photo {target} in the library.", target=picture.target)
        return photo_id

    def _vector(self, picture: Picture, photo_id: int | None) -> NDArray[np.float32]:
        if photo_id is None:
            return self._of_file(_path_of(picture))
        stored = vector_of(self._db, photo_id, self._space)
        if stored is None:
            raise PicsightError(
                "{target} was not read by this model yet; index its folder again.", target=picture.target
            )
        return stored.astype(np.float32)

    def _of_file(self, path: Path) -> NDArray[np.float32]:
        try:
            info = path.stat()
        except (OSError, ValueError):  # NUL in a path
            raise PicsightError("{path} is not there, so nothing can be like it.", path=path) from None
        with self._lock:
            found = self._read(path, info.st_mtime_ns, info.st_size)
        if isinstance(found, ImageError):
            raise found.with_traceback(None)
        return found


def _check_start(path: Path) -> None:
    """Raise ImageError for a file that is no picture by its first bytes; a worker would need a second to start."""
    if path.is_dir():
        raise problem("not_an_image", path, "is a folder, so nothing can be like it.")
    start = read_file(path, lambda file, _size: file.read(formats.FIRST))
    if not formats.is_film(path):
        known_format(start, path)


def _path_of(picture: Picture) -> Path:
    """The absolute path of the file; "~" is the home folder."""
    try:
        return Path(os.path.abspath(os.path.expanduser(picture.target)))  # noqa: PTH100, PTH111 -- keeps links, and a missing home raises no error
    except FileNotFoundError:
        raise PicsightError(
            "The folder in which {target} was typed is gone; type the whole path.", target=picture.target
        ) from None

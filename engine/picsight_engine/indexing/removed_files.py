"""Records files that the user has removed or restored, and forgets photos for good."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import RequestError
from picsight_engine.indexing.absence import is_below
from picsight_engine.indexing.plan import folder_view, make_plan
from picsight_engine.indexing.scan import scan
from picsight_engine.store.database import index_lock
from picsight_engine.store.derived.vectors import active_space
from picsight_engine.store.files import find_file, forget_files, forget_missing
from picsight_engine.store.folders import all_folders, covered_names, file_path
from picsight_engine.store.library_folder import CACHE
from picsight_engine.store.overview.problems import clear_problem
from picsight_engine.store.tagging.pairs import mark_missing, mark_returned, photos_behind
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.thumbnails import ThumbnailStore
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.overview.problems import Problem


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many photos were forgotten; absent files that were `kept`, as their disk may be offline, or may have `moved`."""

    photos: int
    kept: int
    moved: int


def forget_lost(db: Database, thumbnails: ThumbnailStore, named: Sequence[Path] | None = None) -> Forgotten:
    """Forgets all photos that the `named` folders or directories have lost, even if these are empty; by default all missing
    photos, also of removed folders, but not of folders that are offline.

    Raises:
        RequestError: a named path is not part of the library.
        BusyError: photos are being indexed.
        StorageError: the disk is full, read-only or gone.
    """
    folders = all_folders(db)
    covered = {
        folder.id: [name for path in named or () for name in covered_names(path, folder)]
        for folder in folders
    }
    for path in named or ():
        if not any(covered_names(path, folder) for folder in folders):
            raise RequestError(
                "{path} is not part of the library; name a folder that was indexed, or one in it.", path=path
            )
    with index_lock(db.folder):
        views = [folder_view(db, folder, list(scan(folder.path, leave_out=db.folder))) for folder in folders]
        stored = [(view.folder.path, file) for view in views for file in view.stored]
        known = {file.photo_id for _, file in stored if file.photo_id is not None}
        plan = make_plan(views, complete=known, metadata_rule=0)
        stored = [(path, file) for path, file in stored if _is_named(file, covered)]
        lost = {file.id for path, file in stored if file.present and _is_away(file_path(path, file.name))}
        problems = (each for view in views for each in view.problems if _is_named(each, covered))
        solved = [each for each in problems if _is_away(each.path)]
        moving = {file.id for file in plan.moving} - lost
        with db.writer() as connection:
            mark_returned(connection, [file.id for file in plan.returned])
            mark_missing(connection, lost.union(file.id for file in plan.gone if named is None), time.time())
            for problem in (*plan.healed, *solved):
                clear_problem(connection, problem.folder_id, problem.name)
            behind = photos_behind(connection)
            if named is None:
                photos = forget_missing(connection, 0)
            else:
                photos = forget_files(connection, [file.id for _, file in stored])
        thumbnails.delete(photos)
        if photos:
            _forget_cached(db)
    return Forgotten(len(set(photos) - behind), len(plan.kept - lost), len(moving - plan.kept))


def record_removed(db: Database, paths: Sequence[Path]) -> list[int]:
    """Records files that the user has just removed; returns the photos that have no file now.

    These photos leave at once; their vectors stay, as for every missing photo. A path that still exists or cannot be
    read is ignored.
    """
    files = [file for path in paths if _is_away(path) and (file := find_file(db, path)) is not None]
    with db.writer() as connection:
        return mark_missing(connection, [file.id for file in files], time.time())


def record_restored(db: Database, paths: Sequence[Path]) -> None:
    """Records files that the user has just put back unchanged; the next indexing reads all others."""
    back = []
    for path in paths:
        file = find_file(db, path)
        with suppress(OSError):
            info = path.stat()
            if file is not None and (info.st_size, info.st_mtime_ns) == (file.size, file.mtime_ns):
                back.append(file.id)
    with db.writer() as connection:
        mark_returned(connection, back)


def _forget_cached(db: Database) -> None:
    """Rebuilds the cache of vectors: a row marked as deleted would keep the vector's bytes."""
    space = active_space(db)
    if space is not None:
        with closing(Matrix(db.folder / CACHE, db, space.name, space.dim)) as matrix:
            matrix.rebuild()


def _is_named(entry: StoredFile | Problem, covered: Mapping[int, Sequence[bytes]]) -> bool:
    """Whether a file lies below a named path; b"" is the whole folder."""
    return any(is_below(entry.name, name) for name in covered[entry.folder_id])


def _is_away(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # unreadable does not mean missing
        return False
    return False

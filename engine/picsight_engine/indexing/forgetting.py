"""What a person says is gone: files just taken away, and forgetting for good what no file shows any more."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.indexing.absence import is_below
from picsight_engine.indexing.plan import folder_view, make_plan
from picsight_engine.indexing.scan import scan
from picsight_engine.store.database import index_lock
from picsight_engine.store.files import find_file, forget_missing
from picsight_engine.store.folders import all_folders, covered_names, file_path
from picsight_engine.store.library_folder import CACHE
from picsight_engine.store.pairs import mark_missing, mark_returned
from picsight_engine.store.problems import clear_problem
from picsight_engine.store.vectors import active_space
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from picsight_engine.indexing.absence import FolderView
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.problems import Problem
    from picsight_engine.store.thumbnails import ThumbnailStore


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The photos that were forgotten; how many absent files were `kept` because their disk may be unplugged, and how many
    may have `moved` to where they were not indexed yet.
    """

    photos: list[int]
    kept: int
    moved: int


def forget_lost(
    db: Database, thumbnails: ThumbnailStore, named: Sequence[Path] = (), *, resting: bool = True
) -> Forgotten:
    """Forgets what is missing, and everything that `named` folders or directories have lost, emptied ones too.

    With `resting`, also what removed folders have shown, which otherwise goes once it expires.

    What is offline elsewhere is left alone.

    Raises:
        RequestError: a named path is no part of the library.
        BusyError: photos are being indexed.
        StorageError: the disk refused.
    """
    folders = all_folders(db)
    covered = {
        folder.id: [name for path in named for name in covered_names(path, folder)] for folder in folders
    }
    for path in named:
        if not any(covered_names(path, folder) for folder in folders):
            raise RequestError(
                f"{path} is no part of the library; name a folder that was indexed, or one in it."
            )
    with index_lock(db.folder):
        views = [folder_view(db, folder, list(scan(folder.path, leave_out=db.folder))) for folder in folders]
        known = {file.photo_id for view in views for file in view.stored if file.photo_id is not None}
        plan = make_plan(views, complete=known, metadata_rule=0)
        lost = {
            file.id
            for view in views
            for file in view.stored
            if file.present and _is_lost(view, file, covered)
        }
        moving = {file.id for file in plan.moving} - lost
        with db.writer() as connection:
            mark_returned(connection, [file.id for file in plan.returned])
            mark_missing(connection, lost.union(file.id for file in plan.gone), time.time())
            for problem in (*plan.healed, *_lost_problems(views, covered)):
                clear_problem(connection, problem.folder_id, problem.name)
            photos = forget_missing(connection, 0, resting=resting)
        thumbnails.delete(photos)
        if photos:
            _forget_cached(db)
    return Forgotten(photos, len(plan.kept - lost), len(moving - plan.kept))


def note_gone(db: Database, paths: Sequence[Path]) -> list[int]:
    """Records files that a person has just taken away; returns the photos that nothing shows now.

    These leave at once, their vectors stay as those of every missing photo. A path at which there is something, or
    which cannot be looked at, is left alone.
    """
    files = [file for path in paths if _is_away(path) and (file := find_file(db, path)) is not None]
    with db.writer() as connection:
        return mark_missing(connection, [file.id for file in files], time.time())


def note_back(db: Database, paths: Sequence[Path]) -> None:
    """Records files that a person has just put back, as they were; the next indexing looks at any other."""
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
    """Builds the cache of vectors anew: a buried row would keep the vector's bytes."""
    space = active_space(db)
    if space is not None:
        with closing(Matrix.open(db.folder / CACHE, db, space.name, space.dim)) as matrix:
            matrix.rebuild()


def _lost_problems(views: Sequence[FolderView], covered: Mapping[int, Sequence[bytes]]) -> Iterator[Problem]:
    for view in views:
        yield from (problem for problem in view.problems if _is_lost(view, problem, covered))


def _is_lost(view: FolderView, entry: StoredFile | Problem, covered: Mapping[int, Sequence[bytes]]) -> bool:
    """Whether a file lies below what a person has named, b"" being the whole folder, and is certainly not there."""
    names = covered[view.folder.id]
    return any(is_below(entry.name, name) for name in names) and _is_away(
        file_path(view.folder.path, entry.name)
    )


def _is_away(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it cannot be seen, which is another thing
        return False
    return False

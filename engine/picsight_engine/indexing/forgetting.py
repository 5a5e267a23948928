"""Forgetting for good what is gone, at a person's word: photos that no file shows any more, their vectors and thumbnails."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.indexing.look import Look
from picsight_engine.indexing.plan import make_plan
from picsight_engine.store.database import index_lock
from picsight_engine.store.files import forget_missing, mark_missing
from picsight_engine.store.folders import all_folders, covered_names, file_path
from picsight_engine.store.own_folder import CACHE
from picsight_engine.store.vectors import active_space
from picsight_engine.vectors.matrix import Matrix

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight_engine.indexing.plan import FolderView
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.folders import Folder
    from picsight_engine.store.thumbnails import Thumbnails


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The photos that were forgotten, and how many absent files were `kept` because their disk may be unplugged."""

    photos: list[int]
    kept: int


def forget_lost(db: Database, thumbnails: Thumbnails, named: Sequence[Path] = ()) -> Forgotten:
    """Forgets what is missing, and everything that `named` folders or directories have lost, emptied ones too.

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
                f"{path} is no folder of the library; picsight doctor lists those that are away."
            )
    with index_lock(db.folder):
        views = [_view(db, folder) for folder in folders]
        let_go = {file.id for view in views for file in _lost_below(view, covered[view.folder.id])}
        plan = make_plan(views, complete=(), metadata_rule=0)
        gone = let_go.union(file.id for file in plan.gone)
        with db.writer() as connection:
            mark_missing(connection, gone, time.time())
            photos = forget_missing(connection, 0)
        thumbnails.delete(photos)
        if photos:
            _forget_cached(db)
    return Forgotten(photos, len(plan.kept - let_go))


def _forget_cached(db: Database) -> None:
    """Builds the cache of vectors anew: a buried row would keep the vector's bytes."""
    space = active_space(db)
    if space is not None:
        with closing(Matrix.open(db.folder / CACHE, db, space.name, space.dim)) as matrix:
            matrix.rebuild()


def _view(db: Database, folder: Folder) -> FolderView:
    look = Look(db, folder)
    for _ in look:
        pass
    return look.view()


def _lost_below(view: FolderView, names: Sequence[bytes]) -> list[StoredFile]:
    """The files below these names, b"" being everything, of which it is certain that they are not there."""
    return [
        file
        for file in view.stored
        if file.present
        and any(not name or file.name == name or file.name.startswith(name + b"/") for name in names)
        and _is_gone(view.folder, file.name)
    ]


def _is_gone(folder: Folder, name: bytes) -> bool:
    try:
        file_path(folder.path, name).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it cannot be seen, which is another thing
        return False
    return False

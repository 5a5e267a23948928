"""A look through one folder: what a scan sees of it, put beside what the library knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.indexing.plan import FolderView
from picsight_engine.indexing.scan import SeenFile, SeenFolder, SeenLink, SeenProblem, scan
from picsight_engine.store.files import files_of
from picsight_engine.store.problems import problems_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from picsight_engine.store.database import Database
    from picsight_engine.store.folders import Folder


class Look:
    """Iterating walks the folder and tells each picture file; `view` is for afterwards."""

    def __init__(self, db: Database, folder: Folder, cancel: threading.Event | None = None) -> None:
        self._db = db
        self._folder = folder
        self._cancel = cancel
        self._files: list[SeenFile] = []
        self._folders: list[SeenFolder] = []
        self._links: list[SeenLink] = []
        self._unreadable: list[SeenProblem] = []

    def __iter__(self) -> Iterator[SeenFile]:
        for seen in scan(self._folder.path, leave_out=self._db.folder, cancel=self._cancel):
            match seen:
                case SeenFile():
                    self._files.append(seen)
                    yield seen
                case SeenFolder():
                    self._folders.append(seen)
                case SeenLink():
                    self._links.append(seen)
                case SeenProblem():
                    self._unreadable.append(seen)

    def view(self) -> FolderView:
        """What was seen, and what the library knows."""
        return FolderView(
            folder=self._folder,
            stored=files_of(self._db, self._folder.id),
            problems=problems_of(self._db, self._folder.id),
            seen=self._files,
            folders=self._folders,
            links=self._links,
            unreadable=self._unreadable,
        )

"""The folders of a library: adding, removing, and forgetting what they no longer hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import RequestError
from picsight_engine.store.folders import add_folder, all_directories, all_folders, remove_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight_engine.holdings.photos import Photos
    from picsight_engine.indexing.watching import Watch
    from picsight_engine.store.database import Database
    from picsight_engine.store.folders import Directory, Folder


class Folders:
    """The folders of one library; thread-safe."""

    def __init__(self, db: Database, photos: Photos) -> None:
        self._db = db
        self._photos = photos

    def listed(self) -> list[Folder]:
        """The folders whose photos the library shows."""
        return all_folders(self._db)

    def directories(self) -> list[Directory]:
        """The folders and their directories that hold photos, each with the number of photos."""
        return all_directories(self._db)

    def add(self, path: Path) -> Folder:
        """Adds a folder to index; returns the known folder that contains it, if there is one.

        Raises:
            RequestError: there is no folder at this path.
        """
        return add_folder(self._db, existing_folder(path))

    def watch(self) -> Watch:
        """Watches the folders for changes; a context manager."""
        from picsight_engine.indexing.watching import (
            Watch,
        )  # watchdog and psutil: a search need not pay for them

        return Watch(lambda: [folder.path for folder in self.listed()], self._db.folder)

    def remove(self, folder_id: int) -> None:
        """Removes a folder from the library; its photos are forgotten after 30 days, their files stay untouched.

        Until then, adding the folder again restores their tags, decisions and ratings.
        """
        self._photos.gone.update(remove_folder(self._db, folder_id))

    def restore(self, path: Path) -> None:
        """Restores a removed folder with its photos as they were; the folder may be offline."""
        add_folder(self._db, path)

    def forget(self, lost: Sequence[Path]) -> int:
        """Forgets for good all photos that these folders or directories no longer hold.

        Returns how many photos were forgotten; their files, if there are any, stay untouched.

        Raises:
            RequestError: a path is not part of the library.
            BusyError: photos are being indexed.
            StorageError: the disk is full, read-only or gone.
        """
        # Lazy: a search need not pay 60 ms.
        from picsight_engine.aftermath.follow_up import back_up_quietly
        from picsight_engine.indexing.removed_files import forget_lost

        forgotten = forget_lost(self._db, self._photos.thumbnails(), lost).photos
        back_up_quietly(self._db)
        return forgotten


def existing_folder(path: Path) -> Path:
    """The path of a folder that is there; RequestError if it is not."""
    if not path.is_dir():
        if path.exists():
            raise RequestError("{path} is not a folder; choose a folder.", path=path)
        raise RequestError("{path} is not there; choose a folder.", path=path)
    return path

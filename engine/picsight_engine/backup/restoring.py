"""Makes a library of a backup, on this machine or another one, where its folders may have other places."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING
from zipfile import ZipFile

from picsight_engine.backup.archive import SETTINGS, check, extract
from picsight_engine.foundation.errors import RequestError, StorageError, faults_as
from picsight_engine.foundation.private_files import drafted, make_private_folder, write_private
from picsight_engine.store.connections import connect, explained
from picsight_engine.store.copies import (
    count_found,
    holds_something,
    keep_log,
    missing_folders,
    settle,
    stored_folders,
)
from picsight_engine.store.database import FILE_NAME, index_lock
from picsight_engine.store.derived import thumbnails
from picsight_engine.store.library_folder import MODEL, require_library_folder
from picsight_engine.store.migrations import migrate
from picsight_engine.store.opening import open_database, put_log_aside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WINDOWS = re.compile(r"[A-Za-z]:|\\\\")


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restored library holds: its photos, how many of them are `found` at their places, and the folders that are `missing`;
    and whether the user's settings were restored.
    """

    photos: int
    found: int
    missing: tuple[Path, ...]
    settings: bool


def restore(
    file: Path, folder: Path, *, moved: Sequence[tuple[str, Path]] = (), settings: Path | None = None
) -> Restored:
    """Makes a library in `folder` of a backup; it appears complete or not at all.

    Each of `moved` is a folder as the other system spelled it, and where its content is now. `settings` is the user's file of
    settings, which is written if there is none.

    Raises:
        RequestError: there is no backup, a library that holds something, or a moved folder is not there.
        ForeignFolderError: the folder holds other files.
        BusyError: another process is indexing the library.
        LibraryError: the backup is damaged, which says what can be saved from it, or was made by a newer program.
        StorageError: the disk is full, read-only or gone.
    """
    about = check(file)
    path = folder / FILE_NAME
    words = "Nothing was restored into {folder} ({reason}). Make room, or choose another place."
    with faults_as(OSError, StorageError, words, folder=folder), explained(path):
        _require_empty(folder)
        make_private_folder(folder)
        with index_lock(folder), ZipFile(file) as archive, drafted(path) as library:
            names = archive.namelist()
            extract(archive, FILE_NAME, library)
            with closing(connect(library)) as connection:
                migrate(connection)
                settle(connection, _places(stored_folders(connection), file, moved))
                found, missing = count_found(connection), missing_folders(connection)
            with drafted(folder / thumbnails.FILE_NAME) as pictures:
                if thumbnails.FILE_NAME in names:
                    extract(archive, thumbnails.FILE_NAME, pictures)
                    with closing(connect(pictures)) as connection:
                        keep_log(connection)
                else:
                    pictures.unlink()
                thumbnails.remove(folder)  # of the empty library
            if MODEL in names:
                write_private(folder / MODEL, archive.read(MODEL))
            with_settings = SETTINGS in names and settings is not None and not settings.exists()
            if with_settings and settings is not None:
                write_private(settings, archive.read(SETTINGS))
            put_log_aside(path)
    return Restored(about.photos, found, missing, with_settings)


def _require_empty(folder: Path) -> None:
    if not (folder / FILE_NAME).exists():
        require_library_folder(folder)
        return
    with closing(open_database(folder)) as db:
        if holds_something(db):
            words = (
                "The library in {folder} is not empty, so nothing was restored. Choose another folder for it."
            )
            raise RequestError(words, folder=folder)


def _places(stored: Mapping[int, str], file: Path, moved: Sequence[tuple[str, Path]]) -> dict[int, Path]:
    """Where those folders are now that have moved; raises RequestError if one of `moved` is not there."""
    for old, new in moved:
        if all(_inside(path, old) is None for path in stored.values()):
            words = "{old} is no folder of {file}. Its folders: {there}."
            raise RequestError(words, old=old, file=file, there=", ".join(stored.values()))
        if not new.is_dir():
            raise RequestError("{folder} is not a folder; check how it is spelled.", folder=new)
    places = {number: _moved(path, moved) for number, path in stored.items()}
    for place, times in Counter(places.values()).items():
        if times > 1:
            raise RequestError("Two folders of {file} cannot both be {folder}.", file=file, folder=place)
    return {number: place for number, place in places.items() if str(place) != stored[number]}


def _moved(path: str, moved: Sequence[tuple[str, Path]]) -> Path:
    """Where a folder is now: the first of `moved` that it is, or lies in, counts."""
    for old, new in moved:
        inside = _inside(path, old)
        if inside is not None:
            return new.joinpath(*inside)
    return Path(path)


def _inside(path: str, folder: str) -> tuple[str, ...] | None:
    """The parts of a path below a folder, () for the folder itself, None outside it; as the system of both spells paths."""
    system = PureWindowsPath if _WINDOWS.match(path) else PurePosixPath
    try:
        return system(path).relative_to(system(folder)).parts
    except ValueError:
        return None

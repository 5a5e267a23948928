"""Makes a library of a backup, on this machine or another one, where its folders may have other places."""

from __future__ import annotations

import re
import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING
from zipfile import ZipFile

from picsight_engine.backup.archive import SETTINGS, check, refusing_damage
from picsight_engine.foundation.errors import RequestError, StorageError, faults_as
from picsight_engine.foundation.private_files import drafted, make_private_folder, write_private
from picsight_engine.store.connections import connect, explained
from picsight_engine.store.copies import (
    holds_something,
    keep_log,
    look_around,
    settle,
    stored_folders,
)
from picsight_engine.store.database import FILE_NAME, index_lock
from picsight_engine.store.derived import thumbnails
from picsight_engine.store.folders import shown_inside
from picsight_engine.store.library_folder import MODEL, require_library_folder
from picsight_engine.store.migrations import migrate
from picsight_engine.store.opening import open_database, put_log_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    Moved: TypeAlias = Sequence[tuple[str, Path]]

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
    file: Path, folder: Path, *, moved: Sequence[Moved] = (), settings: Path | None = None
) -> Restored:
    """Makes a library in `folder` of a backup; it appears complete or not at all.

    Each of `moved` is a folder as the other system spelled it, and where its content is now, in each way to read what a person
    typed: one that names a folder of the backup counts. `settings` is the user's file of settings, which is written if there
    is none.

    Raises:
        RequestError: there is no backup, a library that holds something, or a moved folder is not there or in another one.
        ForeignFolderError: the folder holds other files.
        BusyError: another process is indexing the library.
        LibraryError: the backup is damaged, which says what can be saved from it, or was made by a newer program.
        StorageError: the disk is full, read-only or gone.
    """
    photos = check(file)
    path = folder / FILE_NAME
    words = "Nothing was restored into {folder} ({reason}). Make room, or choose another place."
    with faults_as(OSError, StorageError, words, folder=folder):
        _require_empty(folder)
        with (
            _made(folder), index_lock(folder), refusing_damage(file), explained(path), ZipFile(file) as archive, drafted(path) as library
        ):  # fmt: skip
            names = archive.namelist()
            _extract(archive, FILE_NAME, library)
            with closing(connect(library)) as connection:
                migrate(connection)
                settle(connection, _places(stored_folders(connection), file, moved))
                found, missing = look_around(connection)
            with drafted(folder / thumbnails.FILE_NAME) as pictures:
                if thumbnails.FILE_NAME in names:
                    _extract(archive, thumbnails.FILE_NAME, pictures)
                    with closing(connect(pictures)) as connection:
                        keep_log(connection)
                else:
                    pictures.unlink()
                thumbnails.remove(folder)  # of the empty library
            if MODEL in names:
                write_private(folder / MODEL, archive.read(MODEL))
            with_settings = False
            if settings is not None and SETTINGS in names and not settings.exists():
                write_private(settings, archive.read(SETTINGS))
                with_settings = True
            put_log_aside(path)
    return Restored(photos, found, missing, with_settings)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Makes a folder; one that was not there is removed again if it got no library."""
    is_new = not folder.exists()
    try:
        make_private_folder(folder)
        yield
    finally:
        if is_new and not (folder / FILE_NAME).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _extract(archive: ZipFile, name: str, path: Path) -> None:
    with archive.open(name) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


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


def _places(stored: Mapping[int, str], file: Path, moved: Sequence[Moved]) -> dict[int, Path]:
    """Where those folders are now that have moved, by the first of `moved` in which they lie; raises RequestError if one is not
    there, or two would share a place or lie one in the other.
    """
    places: dict[int, Path] = {}
    for readings in moved:
        fitting = []
        for old, new in readings:
            inside = {number: _inside(path, old) for number, path in stored.items()}
            found = {number: new.joinpath(*parts) for number, parts in inside.items() if parts is not None}
            fitting += [(new, found)] if found else []
        if not fitting:
            words = "{old} is no folder of {file}. Its folders: {there}."
            raise RequestError(words, old=readings[0][0], file=file, there=", ".join(stored.values()))
        new, found = max(fitting, key=lambda each: each[0].is_dir())
        if not new.is_dir():
            raise RequestError("{folder} is not a folder; check how it is spelled.", folder=new)
        places = found | places
    everywhere = {number: places.get(number, Path(path)) for number, path in stored.items()}
    for inner, outer in permutations(everywhere, 2):
        if places.keys().isdisjoint((inner, outer)) or not everywhere[inner].is_absolute():
            continue
        name = shown_inside(everywhere[inner], everywhere[outer])
        if name == b"" or (name and _inside(stored[inner], stored[outer]) is None):
            words = "Two folders of {file} cannot share a place, or lie one in the other: {folder}, {other}."
            raise RequestError(words, file=file, folder=everywhere[inner], other=everywhere[outer])
    return places


def _inside(path: str, folder: str) -> tuple[str, ...] | None:
    """The parts of a path below a folder, () for the folder itself, None outside it; as the system of both spells paths."""
    system = PureWindowsPath if _WINDOWS.match(path) else PurePosixPath
    try:
        return system(path).relative_to(system(folder)).parts
    except ValueError:
        return None

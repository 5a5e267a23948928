"""Moves files to the system's trash and back, one by one, never deleting or replacing any; and finds files that belong
together.
"""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile

from picsight.texts import tr
from picsight.window.actions.trash_folder import put_into_trash, take_from_trash
from picsight.window.parts.words import quoted
from picsight_engine.foundation.other_programs import package_of
from picsight_engine.foundation.suffixes import RAW_SUFFIXES
from picsight_engine.photos.formats import IMAGE_SUFFIXES, is_photo_name

if TYPE_CHECKING:
    import threading
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

# There Qt calls the system. Elsewhere Qt links a file into the trash and then unlinks its name: a file that an editor
# saves under that name in between would be deleted.
_QT_MOVES = sys.platform in ("darwin", "win32")
# Files that editors and cameras add to a photo.
SIDE_CARS = frozenset([".aae", ".arp", ".dop", ".mov", ".on1", ".pp3", ".thm", ".vrd", ".wav", ".xmp"])
FileMark = tuple[int, int, int, int]  # device, inode, bytes, modification time in ns: identifies a file


@dataclass(frozen=True, slots=True)
class Moved:
    """A file in the trash; `back` is its path there, empty if the system does not report it."""

    path: Path
    back: str
    mark: FileMark


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that was not moved, and a sentence with the reason; `lost` if it can never be restored from the trash."""

    path: Path
    why: str
    lost: bool = False


def marks_of(paths: Iterable[Path]) -> dict[Path, FileMark]:
    """The marks of the files at these paths, without following links; inaccessible paths are left out."""
    found = {}
    for path in paths:
        try:
            info = os.lstat(path)
        except (OSError, ValueError):
            continue
        found[path] = info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns
    return found


def move_to_trash(
    paths: Sequence[Path], marks: Mapping[Path, FileMark], cancel: threading.Event
) -> Iterator[Moved | Kept]:
    """Move files, one after the other, until `cancel` is set; a file that has changed since it was marked stays.

    Reads and writes the disk, so it runs in a thread.
    """
    for path in paths:
        if cancel.is_set():
            return
        yield _move(path, marks.get(path))


def restore(moved: Sequence[Moved]) -> list[Kept]:
    """Restore files from the trash; return those that cannot be restored and stay there."""
    return [kept for each in moved if (kept := _restore(each)) is not None]


def _move(path: Path, mark: FileMark | None) -> Moved | Kept:
    name = quoted(path)
    if package := package_of(path):
        words = tr("{name} stays: {package} belongs to another program. Delete it there.")
        return Kept(path, words.format(name=name, package=quoted(package)))
    if mark is None or not os.path.lexists(path):
        return Kept(path, tr("{name} is not there; its disk may not be connected.", name=name))
    if marks_of([path]).get(path) == mark:
        try:
            back = _into_trash(path)
        except PermissionError:
            folder = quoted(path.parent)
            return Kept(path, tr("Picsight may not change the folder {folder}.", folder=folder))
        except OSError as fault:
            words = tr("The system has no trash for {name}.")
            if fault.errno not in {None, errno.EXDEV}:
                words = tr("{name} stays, because nothing can be written into the trash ({reason}).")
            return Kept(path, words.format(name=name, reason=fault.strerror))
        arrived = marks_of([Path(back)]).get(Path(back), mark) if back else mark
        # A file that was replaced just before the rename is put back.
        if arrived == mark or not _put_back(Path(back), path):
            return Moved(path, back, arrived)
    return Kept(path, tr("{name} was replaced meanwhile, so it stays; look at it again.", name=name))


def _into_trash(path: Path) -> str:
    """Move a file to the trash; return its path there, empty if the system does not report it.

    Raises:
        OSError: there is no trash for it, or it cannot be moved.
    """
    if not _QT_MOVES:
        return str(put_into_trash(path))
    file = QFile(str(path))
    if not file.moveToTrash():
        raise OSError(file.errorString())
    return "" if file.fileName() == str(path) else file.fileName()


def _restore(moved: Moved) -> Kept | None:
    """Restore a file; None on success."""
    path, back, name = moved.path, Path(moved.back), quoted(moved.path)
    if not os.path.lexists(back.parent):  # a disk's trash is on that disk
        return Kept(path, tr("{name} cannot be put back; its disk may not be connected.", name=name))
    if marks_of([back]).get(back) != moved.mark:
        return Kept(path, tr("{name} is not in the trash any more.", name=name), lost=True)
    if os.path.lexists(path):
        words = tr("There is another {name} by now; the one before stays in the trash.")
        return Kept(path, words.format(name=name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Kept(path, tr("The folder of {name} is not there; it stays in the trash.", name=name))
    if not _put_back(back, path):
        return Kept(path, tr("{name} cannot be put back; it stays in the trash.", name=name))
    return None


def _put_back(back: Path, path: Path) -> bool:
    """Move a file back, never over another one."""
    if _QT_MOVES:
        return QFile(str(back)).rename(str(path))
    try:
        take_from_trash(back, path)
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class RelatedFiles:
    """The chosen files; `twins`, which show the same pictures; `companions`, which are useless without them."""

    chosen: tuple[Path, ...]
    twins: tuple[Path, ...] = ()
    companions: tuple[Path, ...] = ()

    @property
    def others(self) -> tuple[Path, ...]:
        """All but the chosen files."""
        return (*self.twins, *self.companions)

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file."""
        return (*self.chosen, *self.others)


def related_files(
    chosen: Sequence[Path], twins: Iterable[Path] = (), companions: Sequence[Path] = ()
) -> RelatedFiles:
    """Find companions of the files, of the known `twins` and of the known `companions`. Reads each of their folders once,
    so it runs in a thread.
    """
    pictures = dict.fromkeys((*chosen, *twins, *companions))
    listings = {folder: _by_stem(folder) for folder in {path.parent for path in pictures}}
    wanted = dict.fromkeys(chosen)
    behind = dict.fromkeys(path for path in companions if path not in wanted)
    beside = (each for path in pictures for each in _companions(path, listings[path.parent], pictures))
    return RelatedFiles(
        tuple(wanted),
        tuple(path for path in pictures if path not in wanted and path not in behind),
        tuple(dict.fromkeys([*behind, *(path for path in beside if path not in pictures)])),
    )


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    """The files of a folder by their names without the last suffix; none if the folder is not readable."""
    listing: dict[str, list[Path]] = {}
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.is_dir(follow_symlinks=False))
    except OSError:
        return listing
    for name in names:
        path = folder / name
        listing.setdefault(path.stem.casefold(), []).append(path)
    return listing


def _companions(
    picture: Path, listing: Mapping[str, Sequence[Path]], pictures: Collection[Path]
) -> Iterator[Path]:
    """IMG_1.jpg.xmp belongs to IMG_1.jpg alone; IMG_1.xmp and IMG_1.cr2 belong to it if no other picture is called IMG_1.

    So a.jpg.xmp does not belong to a.jpg.png, whose name without suffix is another photo's.
    """
    yield from _with(SIDE_CARS, listing.get(picture.name.casefold(), ()))
    alike = listing.get(picture.stem.casefold(), ())
    others = _with(IMAGE_SUFFIXES - RAW_SUFFIXES, alike)
    if not is_photo_name(picture.stem) and all(path in pictures for path in others):
        yield from _with(SIDE_CARS | RAW_SUFFIXES, alike)
        for raw in _with(RAW_SUFFIXES, alike):
            yield from _with(SIDE_CARS, listing.get(raw.name.casefold(), ()))


def _with(suffixes: Collection[str], paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if path.suffix.lower() in suffixes)

"""The freedesktop.org trash: finds a file's trash folder, and moves the file there or back with one rename."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QByteArray

_AT_FDCWD, _RENAME_NOREPLACE = -100, 1  # of renameat2(2)
_LONG = 230  # bytes of a name: with ".trashinfo" and a number it must stay below 255


def put_into_trash(path: Path) -> Path:
    """Rename a file into the trash of its file system, with a note of its origin; return its path there.

    Raises:
        OSError: its file system has no trash, or refuses the rename. The file stays.
    """
    real = Path(os.path.realpath(path.parent)) / path.name
    trash, origin = _trash_of(real)
    stem = path.stem if len(os.fsencode(path.name)) < _LONG else path.stem[:50]
    for number in itertools.count(1):
        name = stem + (f".{number}" if number > 1 else "") + path.suffix
        note, target = trash / "info" / f"{name}.trashinfo", trash / "files" / name
        try:
            _write_note(note, origin)
        except FileExistsError:  # the name belongs to another file in the trash
            continue
        try:
            rename_unless_there(path, target)
        except FileExistsError:  # a file without a note
            note.unlink()
        except OSError:
            note.unlink()
            raise
        else:
            return target
    raise AssertionError("count() does not end")


def take_from_trash(back: Path, path: Path) -> None:
    """Rename a file in the trash to its origin, and remove its note; raises like `rename_unless_there`."""
    rename_unless_there(back, path)
    (back.parent.parent / "info" / f"{back.name}.trashinfo").unlink(missing_ok=True)


def rename_unless_there(source: Path, target: Path) -> None:
    """Rename a file atomically, never over another one and never to another file system.

    Raises:
        FileExistsError: `target` exists.
        OSError: the rename fails.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        names = _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target)
        if rename(*names, _RENAME_NOREPLACE) == 0:
            return
        code = ctypes.get_errno()
        # These two mean that the kernel or the file system does not support this rename.
        if code not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(code, os.strerror(code), str(source), None, str(target))
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _trash_of(path: Path) -> tuple[Path, Path]:
    """The trash on the file system of a path without links, and the path as written in a note there."""
    device = path.parent.stat().st_dev
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "Trash"
    if next(each for each in (home, *home.parents) if each.exists()).stat().st_dev == device:
        choices, origin = [home], path
    else:
        top = next(each for each in path.parents if os.path.ismount(each))
        choices, origin = [top / f".Trash-{os.getuid()}"], path.relative_to(top)
        common = top / ".Trash"  # shared: safe only if users cannot rename the folders of others
        if common.is_dir() and not common.is_symlink() and common.stat().st_mode & stat.S_ISVTX:
            choices.insert(0, common / str(os.getuid()))
    for trash in choices:
        with suppress(OSError):
            _prepare(trash, device)
            return trash, origin
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path))


def _prepare(trash: Path, device: int) -> None:
    """Make the folders of a trash, readable only for this user; a link or another user's folder is rejected."""
    for folder in (trash, trash / "files", trash / "info"):
        folder.mkdir(mode=0o700, parents=folder == trash, exist_ok=True)
        info = folder.lstat()
        if not stat.S_ISDIR(info.st_mode) or (info.st_uid, info.st_dev) != (os.getuid(), device):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(folder))


def _write_note(note: Path, origin: Path) -> None:
    """Reserve a name in the trash, atomically."""
    when = datetime.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S")
    path = QByteArray(os.fsencode(origin)).toPercentEncoding(QByteArray(b"/")).toStdString()
    text = f"[Trash Info]\nPath={path}\nDeletionDate={when}\n"
    descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, text.encode())
    except OSError:  # a full disk creates the file, but not its contents
        note.unlink()
        raise
    finally:
        os.close(descriptor)

"""Files and folders that only their owner can read: Picsight's data shows photos from private folders.

Everything that the engine and the app write unasked is created here, with modes 0700 and 0600. Files that the user asks
for (an exported model, a thumbnail) follow the umask. Windows protects a user's profile by other means, so these are
plain files there.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
DRAFTED = f".{'[0-9a-f]' * 8}.part"  # what `drafted` adds to a name, as of `Path.glob`
_LEFT_SECONDS = 3600.0  # longer than any draft is being written


def make_private_folder(folder: Path) -> None:
    """Makes a folder and its missing parents; an existing folder stays as it is. Raises OSError."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(FOLDER_MODE, exist_ok=True)


def open_private(path: Path, mode: Literal["ab", "wb", "xb"]) -> BinaryIO:
    """Opens a file to write bytes; a new file is readable by its owner only. Raises OSError."""
    return open(path, mode, opener=_opener)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def write_private(path: Path, content: str | bytes) -> None:
    """Writes a small file atomically, and makes its folder: a kill or a full disk leaves the old one. Raises OSError."""
    make_private_folder(path.parent)
    with drafted(path) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """An empty file beside `path` for the block to fill; it is synced to disk and replaces `path` afterwards, unless the
    block raises or takes it away. Raises OSError.
    """
    draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
    try:
        open_private(draft, "xb").close()
        yield draft
        if draft.exists():
            with draft.open("rb+") as file:
                os.fsync(file.fileno())
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def move_unless_there(draft: Path, path: Path) -> None:
    """Moves a file on its disk; raises FileExistsError if there is something at `path`, which stays, and OSError."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # the file systems of memory cards have no hard links
        if os.path.lexists(path):
            raise FileExistsError from None
        draft.rename(path)
    else:
        draft.unlink()


def sweep_drafts(folder: Path, names: str) -> None:
    """Removes drafts that a killed process left, and SQLite's journals of them, `names` being a `Path.glob` pattern; a recent one
    may still be in use.
    """
    with suppress(OSError):  # the next sweep tries again
        for left in (*folder.glob(names), *folder.glob(f"{names}-journal")):
            if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()


def make_private(path: Path) -> None:
    """Removes other users' permissions from a file or folder that an earlier version made; skips what is not ours."""
    if os.name != "posix":
        return
    with suppress(OSError):  # `is_open_to_others` reports what stays open
        info = path.lstat()
        if not stat.S_ISLNK(info.st_mode) and info.st_uid == os.geteuid() and info.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(info.st_mode) & ~_OTHERS)


def close_tree(folder: Path) -> None:
    """Removes other users' permissions from a folder of an earlier version and its contents; the folder comes last, so
    that its mode shows whether the work is done.
    """
    if is_open_to_others(folder):
        for path in folder.rglob("*"):
            make_private(path)
        make_private(folder)


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but the owner can read a file or list a folder; False if it does not exist."""
    if os.name != "posix":
        return False
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False

"""Files and folders for their owner alone: what Picsight keeps shows photos that a private folder hides.

Everything that the engine and the app write of their own accord is made here, 0700 and 0600; what a person asks for (an
exported model, a thumbnail in a file) follows the person's umask. Windows guards a user's profile by other means, there
these are plain files.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Literal

if TYPE_CHECKING:
    from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LEFT_SECONDS = 3600.0  # nobody writes on a draft for so long


def make_private_folder(folder: Path) -> None:
    """Makes a folder, and those above it that are missing; one that is there stays as it is. Raises OSError."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(FOLDER_MODE, exist_ok=True)


def open_private(path: Path, mode: Literal["ab", "wb", "xb"]) -> BinaryIO:
    """Opens a file to write bytes; one that this makes is for its owner alone. Raises OSError."""
    return open(path, mode, opener=_opener)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags, FILE_MODE)


def make_private_file(path: Path) -> None:
    """Makes an empty file for a library that opens files itself, SQLite for one; FileExistsError where there is one."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))


def write_private(path: Path, content: str | bytes) -> None:
    """Writes a small file in one step, in a folder that is made if need be: neither a kill nor a full disk leaves half of
    it, or takes the one of before. Raises OSError.
    """
    make_private_folder(path.parent)
    draft = draft_of(path)
    try:
        with open_private(draft, "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def draft_of(path: Path) -> Path:
    """The name under which a file is written until it is whole, another one each time."""
    return path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")


def sweep_drafts(folder: Path, names: str) -> None:
    """Removes drafts that a kill left in a folder, by their `names` as of `Path.glob`; a younger one may be another process's."""
    with suppress(OSError):  # the next one sweeps again
        for left in folder.glob(names):
            if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()


def make_private(path: Path) -> None:
    """Takes away what others may do with a file or folder of ours, made by an earlier version; what is not ours stays."""
    if os.name != "posix":
        return
    with suppress(OSError):  # `is_open_to_others` tells of what stays
        info = path.lstat()
        if not stat.S_ISLNK(info.st_mode) and info.st_uid == os.geteuid() and info.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(info.st_mode) & ~_OTHERS)


def close_tree(folder: Path) -> None:
    """Takes away what others may do with a folder of an earlier version and all that lies in it; the folder itself comes
    last, so that it tells whether the work is done.
    """
    if is_open_to_others(folder):
        for path in folder.rglob("*"):
            make_private(path)
        make_private(folder)


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but the owner may read a file or look into a folder; never of a thing that is not there."""
    if os.name != "posix":
        return False
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False

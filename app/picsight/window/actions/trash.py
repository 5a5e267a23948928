"""Files to the system's trash and back, one by one: never past it, never over anything."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile

from picsight.window.parts.words import isolated, say

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that is in the trash; `back` is where it lies there, empty where the system does not say."""

    path: Path
    back: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that stays where it is, and why, in a sentence; `lost` if it cannot come back from the trash ever."""

    path: Path
    why: str
    lost: bool = False


def move_to_trash(paths: Sequence[Path], cancel: threading.Event) -> Iterator[Moved | Kept]:
    """Move files, one after the other, until `cancel` is set. Reads and writes the disk, so it runs in a thread."""
    for path in paths:
        if cancel.is_set():
            return
        yield _move(path)


def bring_back(moved: Sequence[Moved]) -> list[Kept]:
    """Put files back where they were; those that cannot be are returned, and lie where they lay."""
    return [kept for each in moved if (kept := _bring_back(each)) is not None]


def _move(path: Path) -> Moved | Kept:
    name = isolated(f"“{path.name}”")
    if not os.path.lexists(path):
        return Kept(path, say("{name} is not there; its disk may not be connected.").format(name=name))
    if os.fsencode(path) != str(path).encode("utf-8", "replace"):  # Qt would look for another name
        return Kept(path, say("{name} has a name that the trash cannot take.").format(name=name))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        folder = isolated(f"“{path.parent.name or path.parent}”")
        return Kept(path, say("Picsight may not change the folder {folder}.").format(folder=folder))
    file = QFile(str(path))
    if file.moveToTrash():
        return Moved(path, "" if file.fileName() == str(path) else file.fileName())
    return Kept(path, say("The system has no trash for {name}.").format(name=name))


def _bring_back(moved: Moved) -> Kept | None:
    """None if the file is back."""
    path, name = moved.path, isolated(f"“{moved.path.name}”")
    if not os.path.lexists(Path(moved.back).parent):  # a disk takes its own trash with it
        return Kept(path, say("{name} cannot be put back; its disk may not be connected.").format(name=name))
    if not os.path.lexists(moved.back):
        return Kept(path, say("{name} is not in the trash any more.").format(name=name), lost=True)
    if os.path.lexists(path):
        words = say("There is another {name} by now; the one before stays in the trash.")
        return Kept(path, words.format(name=name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Kept(path, say("The folder of {name} is not there; it stays in the trash.").format(name=name))
    if not QFile(moved.back).rename(str(path)):  # never writes over anything
        return Kept(path, say("{name} cannot be put back; it stays in the trash.").format(name=name))
    if sys.platform not in ("darwin", "win32"):
        _forget_note(moved.back)
    return None


def _forget_note(back: str) -> None:
    """The note beside a file in the trash says where it came from; without the file it is a leftover."""
    file = Path(back)
    with contextlib.suppress(OSError):
        (file.parent.parent / "info" / f"{file.name}.trashinfo").unlink()

"""Copies of files in another folder: whole or not at all, never over anything; names that clash get a number."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight.window.parts.words import isolated, say, size

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

CHUNK = 4 * 1024 * 1024  # bytes between two looks at whether to go on
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Copied:
    """A file that has a whole copy there."""

    path: Path
    copy: Path


@dataclass(frozen=True, slots=True)
class NotCopied:
    """A file without a copy, and why, in a sentence; `ends` where the others cannot have one either."""

    path: Path
    why: str
    ends: bool = False


def copy_files(paths: Sequence[Path], folder: Path, cancel: threading.Event) -> Iterator[Copied | NotCopied]:
    """Copy files one after the other, until `cancel` is set; reads and writes the disk, so it runs in a thread."""
    if why := _lacks_room(paths, folder):
        yield NotCopied(folder, why, ends=True)
        return
    for path in paths:
        if cancel.is_set():
            return
        outcome = _copy(path, folder, cancel)
        if outcome is None:  # given up half way
            return
        yield outcome
        if isinstance(outcome, NotCopied) and outcome.ends:
            return


def _lacks_room(paths: Sequence[Path], folder: Path) -> str:
    """Why all of it will not fit; empty if it may."""
    needed = 0
    for path in paths:
        with contextlib.suppress(OSError):  # which is told when its turn comes
            needed += path.stat().st_size
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if needed <= free:
        return ""
    words = say("The copies need {needed}, and {folder} has {free} left. Nothing was copied.")
    return words.format(needed=size(needed), folder=_name(folder), free=size(free))


def _copy(path: Path, folder: Path, cancel: threading.Event) -> Copied | NotCopied | None:
    name = _name(path)
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return NotCopied(path, say("{name} is not there; its disk may not be connected.").format(name=name))
    except OSError as fault:
        return NotCopied(
            path, say("{name} cannot be read: {reason}.").format(name=name, reason=fault.strerror)
        )
    with source:
        try:
            copy = _write(path, source, folder, cancel)
        except OSError as fault:
            return NotCopied(path, *_refusal(name, folder, fault))
    return None if copy is None else Copied(path, copy)


def _write(path: Path, source: BinaryIO, folder: Path, cancel: threading.Event) -> Path | None:
    """Under another name until it is whole, so that whatever ends the program leaves no half copy that looks like one."""
    part = folder / f".picsight-{os.urandom(4).hex()}.part"
    try:
        with part.open("xb") as target:
            while chunk := source.read(CHUNK):
                if cancel.is_set():
                    return None
                target.write(chunk)
        with contextlib.suppress(OSError):  # times and rights, which not every disk can keep
            shutil.copystat(path, part)
        reserved = _reserve(folder, path)
        try:
            return part.replace(reserved)
        except OSError:
            with contextlib.suppress(OSError):
                reserved.unlink()
            raise
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _reserve(folder: Path, path: Path) -> Path:
    """An empty file under the first name that nobody has: IMG_1.jpg, then IMG_1 (2).jpg."""
    for number in itertools.count(1):
        target = folder / (path.name if number == 1 else f"{path.stem} ({number}){path.suffix}")
        with contextlib.suppress(FileExistsError):
            target.open("xb").close()
            return target
    raise AssertionError


def _refusal(name: str, folder: Path, fault: OSError) -> tuple[str, bool]:
    """Why a copy could not be written, and whether the others cannot be either."""
    where = _name(folder)
    if fault.errno in FULL:
        return say("The disk of {folder} is full.").format(folder=where), True
    if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return say("Picsight may not write into {folder}.").format(folder=where), True
    if not folder.is_dir():
        return say("The folder {folder} is not there any more.").format(folder=where), True
    return say("{name} cannot be copied: {reason}.").format(name=name, reason=fault.strerror), False


def _name(path: Path) -> str:
    return isolated(f"“{path.name or path}”")

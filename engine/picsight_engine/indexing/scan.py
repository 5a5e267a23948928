"""What lies in a folder: its picture files by name, size and time, its directories, and what of it cannot be looked at."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight_engine.photos.formats import IMAGE_SUFFIXES, unread_kind
from picsight_engine.photos.sidecars import SUFFIXES, companions
from picsight_engine.store.folders import is_shown

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from picsight_engine.errors import ProblemCode

# What the database takes: a volume's number on Windows may be larger, and times of recovered files are anything.
_MOST = 2**63 - 1
_SPEAKING = tuple(map(os.fsencode, SUFFIXES))  # of files beside pictures that may speak of these


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A picture file, by its suffix; `name` is relative to the folder, with "/" between its parts.

    `device` is that of its directory: a link's own file may lie elsewhere, and some file systems give each file another.
    `companions` are the names of the files beside it that speak of it, `beside` changes when one of them does, None for none.
    """

    name: bytes
    size: int
    mtime_ns: int
    device: int
    companions: tuple[bytes, ...] = ()
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class SeenFolder:
    """A directory that could be read, b"" for the folder itself; `empty` if it shows nothing, hidden things aside."""

    name: bytes
    device: int
    empty: bool


@dataclass(frozen=True, slots=True)
class SeenProblem:
    """A directory that cannot be read, b"" for the folder itself: what lies below it is unknown, not gone. Or a file of
    a kind that is not read yet.
    """

    name: bytes
    code: ProblemCode
    message: str


@dataclass(slots=True)
class DirectoryListing:
    """One directory: itself where it could be read, its pictures, what of it is not read, its directories and links to some.

    `broken` are links that lead nowhere now: what they led to is unknown, not gone.
    """

    folder: SeenFolder | None = None
    files: list[SeenFile] = field(default_factory=list)
    problems: list[SeenProblem] = field(default_factory=list)
    folders: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)


def scan(
    folder: Path, *, leave_out: Path | None = None, cancel: threading.Event | None = None
) -> Iterator[DirectoryListing]:
    """Walks `folder`, directory by directory and by name; left out are hidden files and directories, the system's own, and `leave_out`.

    Links are followed. A directory is walked once however many links lead to it, and under its own name where it has
    one inside the folder. Pipes and sockets are passed over. Ends early once `cancel` is set. Never raises for what it finds.
    """
    root = os.fsencode(folder)
    visited = set() if leave_out is None else _identities(leave_out)
    folders: list[bytes] = [b""]
    links: list[bytes] = []
    # Links come last, so that real names win.
    while (folders or links) and not (cancel is not None and cancel.is_set()):
        name = folders.pop() if folders else links.pop(0)
        listing = DirectoryListing()
        try:
            _list(root, name, visited, listing)
        except OSError as fault:  # half a directory says nothing about the other half
            listing = DirectoryListing(problems=_problems(root, name, fault))
        yield listing
        folders.extend(reversed(listing.folders))
        links.extend(listing.links)


def printable(path: bytes) -> str:
    """A path for a sentence: names that are not UTF-8 keep their readable part."""
    return path.decode("utf-8", "replace")


def _list(root: bytes, name: bytes, visited: set[tuple[int, int]], listing: DirectoryListing) -> None:
    path = os.path.join(root, name) if name else root  # noqa: PTH118 -- pathlib cannot hold bytes
    info = os.stat(path)  # noqa: PTH116
    if (info.st_dev, info.st_ino) in visited:
        return
    visited.add((info.st_dev, info.st_ino))
    with os.scandir(path) as entries:
        shown = sorted((entry for entry in entries if is_shown(entry.name)), key=lambda entry: entry.name)
    device = info.st_dev & _MOST
    listing.folder = SeenFolder(name, device, empty=not shown)
    for entry in shown:
        _sort_in(entry, name + b"/" + entry.name if name else entry.name, device, listing)
    if any(entry.name[-5:].lower().endswith(_SPEAKING) for entry in shown):
        _add_companions(listing, {entry.name: entry for entry in shown})


def _sort_in(entry: os.DirEntry[bytes], name: bytes, device: int, listing: DirectoryListing) -> None:
    """Puts one entry where it belongs; a fault behind a link is the link's, any other is the directory's."""
    try:
        if entry.is_dir():
            (listing.links if entry.is_symlink() else listing.folders).append(name)
        elif entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110 -- pathlib cannot hold bytes
            listing.broken.append(name)
        elif _suffix(name) in IMAGE_SUFFIXES and entry.is_file():
            info = entry.stat()
            modified = max(-_MOST, min(info.st_mtime_ns, _MOST))
            listing.files.append(SeenFile(name, info.st_size, modified, device))
        elif (kind := unread_kind(_suffix(name))) and entry.is_file():
            message = f"{printable(entry.path)} is a {kind}, which Picsight does not read yet."
            listing.problems.append(SeenProblem(name, "not_read", message))
    except OSError as fault:
        if entry.is_symlink():
            listing.broken.append(name)
        elif not isinstance(fault, FileNotFoundError):
            raise


def _add_companions(listing: DirectoryListing, entries: Mapping[bytes, os.DirEntry[bytes]]) -> None:
    """Puts beside each picture the files that speak of it."""
    found = companions([os.fsdecode(name) for name in entries])
    for place, file in enumerate(listing.files):
        names = tuple(map(os.fsencode, found.get(os.fsdecode(file.name.rpartition(b"/")[2]), ())))
        stamps = []
        for name in names:
            with suppress(OSError):  # it went meanwhile
                info = entries[name].stat()
                stamps.append((name, info.st_size, info.st_mtime_ns))
        if stamps:
            beside = zlib.crc32(repr(stamps).encode())
            listing.files[place] = replace(file, companions=names, beside=beside)


def _suffix(name: bytes) -> str:
    return os.path.splitext(name)[1].decode("ascii", "replace").lower()  # noqa: PTH122


def _identities(path: Path) -> set[tuple[int, int]]:
    try:
        info = path.stat()
    except OSError:
        return set()
    return {(info.st_dev, info.st_ino)}


def _problems(root: bytes, name: bytes, fault: OSError) -> list[SeenProblem]:
    """The sentence for an unreadable directory; none for one below the folder that simply vanished meanwhile."""
    where = printable(root + b"/" + name if name else root)
    if isinstance(fault, PermissionError):
        sentence = (
            f"The folder {where} cannot be opened: permission was denied. Allow reading it, then index again."
        )
        return [SeenProblem(name, "no_permission", sentence)]
    if isinstance(fault, (FileNotFoundError, NotADirectoryError)):
        sentence = f"The folder {where} is not there. Connect its disk, then index again."
        return [] if name else [SeenProblem(name, "vanished", sentence)]
    sentence = f"The folder {where} cannot be read ({fault.strerror}). Check its disk, then index again."
    return [SeenProblem(name, "vanished", sentence)]

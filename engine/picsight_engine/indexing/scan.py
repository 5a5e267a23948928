"""Scans a folder: its pictures and films with size and time, its directories, and whatever cannot be read."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message, as_text
from picsight_engine.foundation.other_programs import is_shown
from picsight_engine.foundation.suffixes import SHARED_SUFFIX, VIDEO_SUFFIXES, suffix_of
from picsight_engine.photos.formats import FIRST, IMAGE_SUFFIXES, is_transport_stream
from picsight_engine.photos.metadata.sidecars import SUFFIXES, companions

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from picsight_engine.foundation.errors import ProblemCode

# Limits of the database: a Windows volume number may be larger, and recovered files may have any time.
_MOST = 2**63 - 1
_SIDECAR_SUFFIXES = tuple(map(os.fsencode, SUFFIXES))  # suffixes of side-cars
_LISTED = IMAGE_SUFFIXES | VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A picture or film, by its suffix; `name` is relative to the folder, with "/" between its parts.

    `device` is that of its directory: a link may point elsewhere, and some file systems give each file its own number.
    `companions` are the names of its side-cars, and for a film those of the stills to which it may belong; `beside` changes
    when one of them changes, and is None without any.
    """

    name: bytes
    size: int
    mtime_ns: int
    device: int
    companions: tuple[bytes, ...] = ()
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class SeenFolder:
    """A readable directory, b"" for the folder itself; `empty` if it holds nothing except hidden files."""

    name: bytes
    device: int
    empty: bool


@dataclass(frozen=True, slots=True)
class SeenProblem:
    """An unreadable directory, b"" for the folder itself: its contents are unknown, not gone."""

    name: bytes
    code: ProblemCode
    message: Message


@dataclass(slots=True)
class DirectoryListing:
    """One directory: itself if readable, its pictures, problems, subdirectories and links to directories.

    `broken` are links without a target: their targets are unknown, not gone. `passed_folders` and `passed_files` count the
    entries that are hidden or of other programs.
    """

    folder: SeenFolder | None = None
    files: list[SeenFile] = field(default_factory=list)
    problems: list[SeenProblem] = field(default_factory=list)
    folders: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    broken: list[bytes] = field(default_factory=list)
    passed_folders: int = 0
    passed_files: int = 0


def scan(
    folder: Path,
    *,
    places: Iterable[bytes] | None = None,
    leave_out: Path | None = None,
    cancel: threading.Event | None = None,
) -> Iterator[DirectoryListing]:
    """Walks `folder` directory by directory, in order of names; skips what is hidden or of other programs, and
    `leave_out`.

    With `places`, lists these directories alone and not those below them; a parent is listed for one that is not there.
    Links are followed. Each directory is walked once, even if several links lead to it, and under its real name if that
    lies inside the folder. Pipes and sockets are skipped. Ends early once `cancel` is set. Never raises for file errors.
    """
    root = os.fsencode(folder)
    visited = set() if leave_out is None else _identities(leave_out)
    folders: list[bytes] = [b""] if places is None else sorted(_existing(root, places), reverse=True)
    links: list[bytes] = []
    # Links come last, so that real names win.
    while (folders or links) and not (cancel is not None and cancel.is_set()):
        name = folders.pop() if folders else links.pop(0)
        listing = DirectoryListing()
        try:
            _list(root, name, visited, listing)
        except OSError as fault:  # a partly read directory says nothing about the rest
            listing = DirectoryListing(problems=_problems(root, name, fault))
        yield listing
        if places is None:
            folders.extend(reversed(listing.folders))
            links.extend(listing.links)


def _existing(root: bytes, places: Iterable[bytes]) -> set[bytes]:
    """These directories, or the nearest parents of those that are not there; b"" in any case if none of them is."""
    existing = set()
    for place in places:
        while place and not os.path.isdir(os.path.join(root, place)):  # noqa: PTH112, PTH118 -- pathlib cannot hold bytes
            place = place.rpartition(b"/")[0]  # noqa: PLW2901 -- upwards
        existing.add(place)
    return existing


def _list(root: bytes, name: bytes, visited: set[tuple[int, int]], listing: DirectoryListing) -> None:
    path = os.path.join(root, name) if name else root  # noqa: PTH118 -- pathlib cannot hold bytes
    info = os.stat(path)  # noqa: PTH116
    if (info.st_dev, info.st_ino) in visited:
        return
    visited.add((info.st_dev, info.st_ino))
    here = os.path.basename(os.path.realpath(path))  # noqa: PTH119
    visible = []
    with os.scandir(path) as entries:
        for entry in entries:
            if is_shown(entry.name, here):
                visible.append(entry)
            elif entry.is_dir(follow_symlinks=False):
                listing.passed_folders += 1
            else:
                listing.passed_files += 1
    visible.sort(key=lambda entry: entry.name)
    device = info.st_dev & _MOST
    listing.folder = SeenFolder(name, device, empty=not visible)
    for entry in visible:
        _sort_in(entry, name + b"/" + entry.name if name else entry.name, device, listing)
    if any(entry.name[-5:].lower().endswith(_SIDECAR_SUFFIXES) for entry in visible):
        _add_companions(listing, {entry.name: entry for entry in visible})


def _sort_in(entry: os.DirEntry[bytes], name: bytes, device: int, listing: DirectoryListing) -> None:
    """Adds one entry to the listing; an error behind a link concerns the link, any other the directory."""
    try:
        if entry.is_dir():
            (listing.links if entry.is_symlink() else listing.folders).append(name)
        elif entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110 -- pathlib cannot hold bytes
            listing.broken.append(name)
        elif suffix_of(name) in _LISTED and entry.is_file() and _is_picture(entry):
            info = entry.stat()
            modified = max(-_MOST, min(info.st_mtime_ns, _MOST))
            listing.files.append(SeenFile(name, info.st_size, modified, device))
    except OSError as fault:
        if entry.is_symlink():
            listing.broken.append(name)
        elif not isinstance(fault, FileNotFoundError):
            raise


def _is_picture(entry: os.DirEntry[bytes]) -> bool:
    """Whether a file is what its suffix says; one that cannot be opened may be, and must not count as gone."""
    if suffix_of(entry.name) == SHARED_SUFFIX:
        with suppress(OSError), open(entry.path, "rb") as file:  # noqa: PTH123 -- pathlib cannot hold bytes
            return is_transport_stream(file.read(FIRST))
    return True


def _add_companions(listing: DirectoryListing, entries: Mapping[bytes, os.DirEntry[bytes]]) -> None:
    """Adds to each picture the side-cars beside it."""
    found = companions([os.fsdecode(name) for name in entries])
    for place, file in enumerate(listing.files):
        names = tuple(map(os.fsencode, found.get(os.fsdecode(file.name.rpartition(b"/")[2]), ())))
        stamps = []
        for name in names:
            with suppress(OSError):  # it was deleted meanwhile
                info = entries[name].stat()
                stamps.append((name, info.st_size, info.st_mtime_ns))
        if stamps:
            beside = zlib.crc32(repr(stamps).encode())
            listing.files[place] = replace(file, companions=names, beside=beside)


def _identities(path: Path) -> set[tuple[int, int]]:
    try:
        info = path.stat()
    except OSError:
        return set()
    return {(info.st_dev, info.st_ino)}


def _problems(root: bytes, name: bytes, fault: OSError) -> list[SeenProblem]:
    """The problem of an unreadable directory; none for a subdirectory that was deleted meanwhile."""
    where = as_text(root + b"/" + name if name else root)
    if isinstance(fault, PermissionError):
        words = (
            "The folder {path} cannot be opened: permission was denied. Allow reading it, then index again."
        )
        return [SeenProblem(name, "no_permission", Message(words, path=where))]
    if isinstance(fault, (FileNotFoundError, NotADirectoryError)):
        words = "The folder {path} is not there. Connect its disk, then index again."
        return [] if name else [SeenProblem(name, "vanished", Message(words, path=where))]
    words = "The folder {path} cannot be read ({fault}). Check its disk, then index again."
    return [SeenProblem(name, "vanished", Message(words, path=where, fault=fault.strerror))]

"""Watches folders: reports the directories in which something changed, once the changes are over.

The system reports changes on local disks. Network shares report only what this computer changes, and a watched removable disk
cannot be ejected everywhere. So the times of directories are compared as well, which shows files that come, go or are renamed:
there often, elsewhere now and then, for what the system cannot report (no watches left, a disk mounted inside a folder).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import psutil
from watchdog.events import (
    EVENT_TYPE_ATTRIB,
    EVENT_TYPE_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_DELETED,
    EVENT_TYPE_EVENTS_LOST,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_MOVED,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from picsight_engine.foundation.other_programs import is_path_shown, is_shown
from picsight_engine.indexing.scan import is_listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

# Directories by their folder, as seen from it; None for all of the folder.
Places = dict["Path", "set[bytes] | None"]
Way = Literal["events", "times"]

LOOK_SECONDS = 2.0  # between looks whether folders are there
COMPARE_SECONDS: dict[Way, float] = {
    "times": 30.0,
    "events": 60.0,
}  # between looks at the times of directories
_CALM_SECONDS = 0.3  # without an event: the changes are over
_GROWING_SECONDS = 1.0  # between looks at the size of a file that is open
_LONGEST_SECONDS = 300.0  # of changes that do not end
_MOST_EVENTS = 10_000  # a folder with more since the last report is looked at as a whole
_TICK_SECONDS, _IDLE_TICK_SECONDS = 0.05, 0.1
_ANSWER_SECONDS = 5.0  # a share that takes longer hangs
_CHANGES = frozenset([
    EVENT_TYPE_CREATED, EVENT_TYPE_MODIFIED, EVENT_TYPE_MOVED, EVENT_TYPE_DELETED, EVENT_TYPE_CLOSED, EVENT_TYPE_ATTRIB,
])  # fmt: skip
_REMOTE = frozenset([
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "davfs", "9p", "ceph", "virtiofs", "vboxsf", "prl_fs",
])  # fmt: skip
_REMOTE_STARTS = ("fuse.", "macfuse", "osxfuse")
_REMOVABLE = ("/media/", "/run/media/", "/Volumes/")

logging.getLogger("watchdog").setLevel(logging.CRITICAL)  # it names each directory for which no watch is left


class Watch:
    """Watches the folders that `folders` lists, until it is closed; one that is listed later is reported as a whole first. `leave_out` is the library's folder.

    A share that hangs blocks nothing: each folder has a thread.
    """

    def __init__(self, folders: Callable[[], Iterable[Path]], leave_out: Path) -> None:
        self._folders, self._leave_out = folders, os.fsencode(os.path.realpath(leave_out))
        self._changes = _Changes()
        self._watched: dict[Path, _WatchedFolder] = {}
        self._due = 0.0
        self._refresh(known=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for watched in self._watched.values():
            watched.ended.set()

    def ways(self) -> dict[Path, Way | None]:
        """How each folder is looked at, None if it is not there or does not answer; waits until it is."""
        until = time.monotonic() + _ANSWER_SECONDS
        for watched in self._watched.values():
            watched.ready.wait(max(until - time.monotonic(), 0.0))
        return {path: watched.way for path, watched in self._watched.items()}

    def next(self, stop: threading.Event, is_allowed: Callable[[], bool] = lambda: True) -> Places:
        """Waits for changes and for their end, and while it is not allowed; {} once `stop` is set."""
        while not stop.wait(_TICK_SECONDS if self._changes.places else _IDLE_TICK_SECONDS):
            if time.monotonic() >= self._due:
                self._refresh()
            if self._changes.places and is_allowed() and (found := self._changes.take()):
                return found
        return {}

    def report(self, places: Mapping[Path, Iterable[bytes] | None]) -> None:
        """Lets `next` report these places, too."""
        for folder, names in places.items():
            self._changes.add(folder, names)

    def _refresh(self, *, known: bool = False) -> None:
        self._due = time.monotonic() + LOOK_SECONDS
        folders = {*self._folders()}
        for gone in self._watched.keys() - folders:
            self._watched.pop(gone).ended.set()
        for folder in folders - self._watched.keys():
            watched = _WatchedFolder(folder, self._changes, self._leave_out, known=known)
            self._watched[folder] = watched
            watched.start()


@dataclass(slots=True)
class _Open:
    """A file that is written: its folder and directory, its size, and when that was looked at."""

    folder: Path
    place: bytes
    size: int | None
    at: float


@dataclass(slots=True)
class _Changes:
    """What changed and was not reported yet; written by the threads of all folders."""

    places: Places = field(default_factory=dict)
    _trees: set[tuple[Path, bytes]] = field(default_factory=set)  # directories that came with all below them
    _open: dict[bytes, _Open] = field(default_factory=dict)
    _first: float = 0.0
    _last: float = 0.0
    _events: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, folder: Path, names: Iterable[bytes] | None, tree: bytes | None = None) -> None:
        with self._lock:
            self._last = time.monotonic()
            if not self.places:
                self._first, self._events = self._last, 0
            self._events += 1
            before = self.places.get(folder, set())
            if names is None or before is None or self._events > _MOST_EVENTS:
                self.places[folder] = None
            else:
                before.update(names)
                self.places[folder] = before
                if tree is not None:
                    before.add(tree)
                    self._trees.add((folder, tree))

    def open(self, path: bytes, folder: Path, place: bytes) -> bool:
        """A file is written; its directory waits until the file is closed or has kept its size. False if that was known."""
        size = _size(path)
        with self._lock:
            is_new = path not in self._open
            if is_new:
                self._open[path] = _Open(folder, place, size, time.monotonic())
            return is_new

    def close(self, path: bytes) -> None:
        with self._lock:
            self._open.pop(path, None)

    def take(self) -> Places:
        """What may be looked at now; {} while changes go on."""
        now = time.monotonic()
        with self._lock:
            is_late = now - self._first > _LONGEST_SECONDS
            if now - self._last < _CALM_SECONDS and not is_late:
                return {}
            if is_late:
                self._open.clear()
            growing = self._growing(now)
            found, self.places = self.places, {}
            for folder, held in growing.items():
                names = found.pop(folder, set())
                if names is None:
                    self.places[folder] = None
                else:
                    self.places[folder] = names & held
                    found[folder] = names - held
            self.places = {folder: names for folder, names in self.places.items() if names != set()}
            found = {folder: names for folder, names in found.items() if names != set()}
            trees = {(folder, name) for folder, name in self._trees if name in (found.get(folder) or ())}
            self._trees = {(folder, name) for folder, name in self._trees - trees if self.places.get(folder)}
        for folder, name in trees:
            if (names := found[folder]) is not None:
                names.update(_below(folder, name))
        return found

    def _growing(self, now: float) -> dict[Path, set[bytes]]:
        """The directories of files that have grown since the last look, or that were not looked at for long enough."""
        for path, file in [*self._open.items()]:
            if now - file.at >= _GROWING_SECONDS:
                size, file.at = _size(path), now
                if size in (file.size, None):
                    del self._open[path]
                file.size = size
        growing: dict[Path, set[bytes]] = {}
        for file in self._open.values():
            growing.setdefault(file.folder, set()).add(file.place)
        return growing


class _WatchedFolder(threading.Thread, FileSystemEventHandler):
    """A folder and the way in which it is looked at, chosen anew when its disk comes back."""

    def __init__(self, folder: Path, changes: _Changes, leave_out: bytes, *, known: bool) -> None:
        super().__init__(name="picsight-watch", daemon=True)
        self.ended, self.ready = threading.Event(), threading.Event()
        self.way: Way | None = None
        self._folder, self._changes, self._leave_out = folder, changes, leave_out
        self._root = os.fsencode(folder)
        self._known = known  # as it is now
        self._identity: tuple[int, int, bool] | None = None
        self._observer: BaseObserver | None = None
        self._times: _DirectoryTimes | None = None
        self._due = 0.0

    def run(self) -> None:
        while not self.ended.is_set():
            self._look()
            self.ready.set()
            self.ended.wait(LOOK_SECONDS)
        self._end()

    def dispatch(self, event: FileSystemEvent) -> None:
        """Notes an event; called by the observer's thread."""
        if event.event_type == EVENT_TYPE_EVENTS_LOST:
            self._changes.add(self._folder, None)
        elif event.event_type in _CHANGES:
            for path in filter(None, (event.src_path, event.dest_path)):
                self._note(os.fsencode(str(path)), event.event_type, is_directory=event.is_directory)

    def _note(self, path: bytes, kind: str, *, is_directory: bool) -> None:
        name = path.removeprefix(self._root).strip(os.fsencode(os.sep))
        name = name.replace(b"\\", b"/") if os.name == "nt" else name
        if not is_path_shown(name, self._folder) or (path + b"/").startswith(self._leave_out + b"/"):
            return
        place = name.rpartition(b"/")[0]
        if is_listed(name):
            if kind not in {EVENT_TYPE_CREATED, EVENT_TYPE_MODIFIED}:
                self._changes.close(path)
            elif not self._changes.open(path, self._folder, place):
                return
            self._changes.add(self._folder, (place,))
        # Windows reports the end of a directory as that of a file.
        elif (is_directory and kind != EVENT_TYPE_MODIFIED) or (
            os.name == "nt" and kind == EVENT_TYPE_DELETED
        ):
            self._changes.add(self._folder, (place,), tree=name)

    def _look(self) -> None:
        identity = _identity(self._folder)
        if identity != self._identity or not self.ready.is_set():
            self._end()
            self._identity = identity
            if identity is not None:
                self._begin()
            if not self._known:
                self._changes.add(self._folder, None)
            self._known = False
        elif self._times is not None and self.way is not None and time.monotonic() >= self._due:
            self._due = time.monotonic() + COMPARE_SECONDS[self.way]
            if changed := self._times.changed():
                self._changes.add(self._folder, changed)

    def _begin(self) -> None:
        self._root = os.fsencode(os.path.realpath(self._folder))
        self.way = "times"
        if not _is_polled(os.fsdecode(self._root)):
            observer = Observer()
            observer.daemon = True
            observer.schedule(self, os.fsdecode(self._root), recursive=True)
            with suppress(OSError):  # the system has no watch left
                observer.start()
                self._observer, self.way = observer, "events"
        self._times = _DirectoryTimes(self._root)
        self._due = time.monotonic() + COMPARE_SECONDS[self.way]

    def _end(self) -> None:
        if self._observer is not None:
            self._observer.stop()
        self._observer = self._times = self.way = None


class _DirectoryTimes:
    """The directories of a folder with the times of their last changes."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._known: dict[bytes, tuple[int, list[bytes]]] = {}
        self.changed()

    def changed(self) -> set[bytes]:
        """The directories that have changed since the last call, and those that have come or gone."""
        known, self._known = self._known, {}
        changed, left = set(), [b""]
        while left:
            name = left.pop()
            path = os.path.join(self._root, name)  # noqa: PTH118 -- pathlib cannot hold bytes
            try:
                modified = os.stat(path).st_mtime_ns  # noqa: PTH116
                before = known.get(name)
                if before is None or before[0] != modified:
                    changed.add(name)
                    before = modified, _directories(path, name)
            except OSError:
                continue
            self._known[name] = before
            left += before[1]
        return changed | (known.keys() - self._known.keys())


def _directories(path: bytes, name: bytes) -> list[bytes]:
    """The directories in the one at `path`, whose name seen from its folder is `name`; links are not followed."""
    here = os.path.basename(path)  # noqa: PTH119
    with os.scandir(path) as entries:
        found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return [name + b"/" + each if name else each for each in found if is_shown(each, here)]


def _below(folder: Path, name: bytes) -> set[bytes]:
    """The directories below one."""
    root = os.fsencode(os.path.realpath(folder))
    found, left = set[bytes](), [name]
    while left:
        here = left.pop()
        with suppress(OSError):  # it has gone again
            left += _directories(os.path.join(root, here), here)  # noqa: PTH118
        found.add(here)
    return found


def _identity(folder: Path) -> tuple[int, int, bool] | None:
    """What changes when another directory is at the path, or the same can be read; None if there is none."""
    try:
        info = folder.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino, os.access(folder, os.R_OK | os.X_OK)


def _size(path: bytes) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return None


def _is_polled(path: str) -> bool:
    """Whether a path is on a network share or a removable disk."""
    holds = [
        part
        for part in psutil.disk_partitions(all=True)
        if f"{path}{os.sep}".startswith(part.mountpoint.rstrip(os.sep) + os.sep)
    ]
    if not holds:
        return False
    disk = max(holds, key=lambda part: len(part.mountpoint))
    return (
        disk.fstype.lower() in _REMOTE
        or disk.fstype.lower().startswith(_REMOTE_STARTS)
        or not {"removable", "remote"}.isdisjoint(disk.opts.split(","))
        or disk.mountpoint.startswith(_REMOVABLE)
    )

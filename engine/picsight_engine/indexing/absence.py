"""Decides which files that a scan did not see are gone, and which may be on a disconnected disk. Pure functions.

A file counts as gone if its directory could be read, is not empty, and lies on the device where the file was last seen.
Otherwise its disk may be disconnected: the mount point stays behind, empty or with the files that the disk had hidden,
or another disk is mounted there. A directory that is gone itself is judged by its nearest existing parent.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from picsight_engine.indexing.scan import DirectoryListing, SeenFolder
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.folders import Folder
    from picsight_engine.store.overview.problems import Problem

# If this many known pictures of a directory were all replaced by others, the user did not edit them one by one.
REPLACED_FILES = 2


@dataclass(slots=True)
class Absences:
    """The files of one folder that were present before and were not seen now.

    `gone` files are certainly gone. `away` files cannot be judged; they are grouped by the directory that is the reason
    (b"" is the folder itself). `movable` files are among them and may also have been moved by the user.
    """

    gone: list[StoredFile] = field(default_factory=list)
    away: defaultdict[bytes, list[StoredFile]] = field(default_factory=lambda: defaultdict(list))
    movable: list[StoredFile] = field(default_factory=list)


class FolderView:
    """One folder at the start of a run: what the library knows of it, and of a scan the `seen` files, the `folders` by name,
    broken `links`, and `unreadable` directories. A `partial` one holds some directories alone.
    """

    def __init__(
        self,
        folder: Folder,
        stored: Sequence[StoredFile],
        problems: Sequence[Problem],
        listings: Sequence[DirectoryListing],
        *,
        partial: bool = False,
    ) -> None:
        self.partial = partial
        self.folder, self.stored, self.problems = folder, stored, problems
        self.seen = [file for listing in listings for file in listing.files]
        self.folders = {each.folder.name: each.folder for each in listings if each.folder is not None}
        self.links = frozenset(link for listing in listings for link in listing.broken)
        self.unreadable = [problem for listing in listings for problem in listing.problems]
        self._files = {file.name: file for file in self.seen}
        self._closed = frozenset(problem.name for problem in self.unreadable)
        self._unknown = self._closed | self.links
        self._came_along = self._renumbered()

    def absences(self) -> Absences:
        """Judges the files stored as present that were not seen."""
        found = Absences()
        absent = [file for file in self.stored if file.present and file.name not in self._files]
        replaced = self._replaced(absent)
        for file in absent:
            if b"" not in self._closed and is_in(file.name, self._closed):
                continue  # already reported as the directory's problem
            place = self._nearest(file.name)
            instead = next((path for path in _above(file.name) if path in replaced), None)
            if place is None:
                found.away[b""].append(file)
            elif is_in(file.name, self.links) or not self._is_on(file.device, place.device):
                found.away[place.name].append(file)
            elif place.empty or instead is not None:
                found.away[place.name if instead is None else instead].append(file)
                found.movable.append(file)
            else:
                found.gone.append(file)
        return found

    def is_healed(self, problem: Problem, away: Collection[bytes]) -> bool:
        """Whether a problem is solved because its file is gone, or its directory can be read again."""
        if problem.name in self._files or is_in(problem.name, self._unknown):
            return False
        place = self._nearest(problem.name)
        return problem.name in self.folders or (place is not None and place.name not in away)

    def settled_devices(self, lost: Absences) -> list[tuple[int, int]]:
        """Files with the device on which to look for them from now on.

        A disk may have another device number after a restart. Files seen under the new number prove it, and the unseen
        files follow unless they outnumber those.
        """
        settled = [
            (file.id, seen.device)
            for file in self.stored
            if (seen := self._files.get(file.name)) is not None and file.device != seen.device
        ]
        stayed: defaultdict[tuple[int | None, int], list[int]] = defaultdict(list)
        for name, files in lost.away.items():
            for file in files if name in self.folders else ():
                stayed[file.device, self.folders[name].device].append(file.id)
        for (before, now), ids in stayed.items():
            if len(ids) <= self._came_along[before, now]:
                settled += [(file_id, now) for file_id in ids]
        return settled

    def _renumbered(self) -> Counter[tuple[int | None, int]]:
        """How many files were seen again under a new device number, by (old, new)."""
        return Counter(
            (file.device, seen.device)
            for file in self.stored
            if (seen := self._files.get(file.name)) is not None and file.device not in {None, seen.device}
        )

    def _is_on(self, before: int | None, now: int) -> bool:
        """Whether a directory still lies on a device; after renumbering, an equal number proves nothing."""
        return before is None or (before == now and not any(now in numbers for numbers in self._came_along))

    def _replaced(self, absent: Sequence[StoredFile]) -> frozenset[bytes]:
        """The directories whose known pictures were all replaced by unknown ones: perhaps another disk is mounted."""
        lost = Counter(path for file in absent for path in _above(file.name))
        candidates = {
            path for path, files in lost.items() if files >= REPLACED_FILES and path in self.folders
        }
        for file in self.stored if candidates else ():
            if file.name in self._files:
                candidates.difference_update(_above(file.name))
        if not candidates:
            return frozenset()
        return frozenset(path for name in self._files for path in _above(name) if path in candidates)

    def _nearest(self, name: bytes) -> SeenFolder | None:
        """The directory of `name`, or its nearest parent that could be read."""
        return next((self.folders[path] for path in _above(name) if path in self.folders), None)


def is_in(name: bytes, places: Collection[bytes]) -> bool:
    """Whether `name` equals one of the places or lies below one."""
    return bool(places) and any(path in places for path in (name, *_above(name)))


def is_below(name: bytes, place: bytes) -> bool:
    """Whether `name` is the directory `place` or lies below it; everything lies below b"", the folder itself."""
    return not place or name == place or name.startswith(place + b"/")


def _above(name: bytes) -> Iterable[bytes]:
    """The parent directories of `name`, nearest first, b"" last."""
    while name:
        name = name.rpartition(b"/")[0]
        yield name

"""Which of the files that a scan did not see are gone, and which only cannot be seen: pure, as the plan that asks it.

An absence counts where the directory that held the file could be read, shows something, and lies on the device on which
the file was seen last. Anything else may be a disk that is not there: its mount point stays behind, empty or with what
the disk had covered. A directory that is gone itself is judged by the nearest one above it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from picsight_engine.indexing.scan import SeenFile, SeenFolder, SeenLink, SeenProblem
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.problems import Problem


@dataclass(slots=True)
class Absences:
    """The files of one folder that were there and were not seen, as far as could be looked.

    `gone` is credible. `away` cannot be judged, by the directory that says so (b"" is the folder itself); those of the
    `emptied` directories may as well have been moved by a person.
    """

    gone: list[StoredFile] = field(default_factory=list)
    away: dict[bytes, list[StoredFile]] = field(default_factory=dict)
    emptied: set[bytes] = field(default_factory=set)


class Sight:
    """What a scan could look at in one folder."""

    def __init__(
        self,
        files: Iterable[SeenFile],
        folders: Iterable[SeenFolder],
        links: Iterable[SeenLink],
        unreadable: Iterable[SeenProblem],
    ) -> None:
        self._files = {file.name: file for file in files}
        self._folders = {folder.name: folder for folder in folders}
        self._closed = frozenset(problem.name for problem in unreadable)
        self._broken = frozenset(link.name for link in links)

    def absences(self, stored: Iterable[StoredFile]) -> Absences:
        """Judges the present files that were not seen."""
        found = Absences()
        for file in stored:
            if not file.present or file.name in self._files:
                continue
            if b"" not in self._closed and self._is_behind(file.name):
                continue  # a directory that cannot be read, a link that leads nowhere: nothing is known
            place = self._nearest(file.name)
            if place is None or place.empty or file.device not in (None, place.device):
                found.away.setdefault(b"" if place is None else place.name, []).append(file)
                if place is not None and place.empty:
                    found.emptied.add(place.name)
            else:
                found.gone.append(file)
        return found

    def is_healed(self, problem: Problem, away: Collection[bytes]) -> bool:
        """Whether a problem is over because its file is gone, or its directory can be read again."""
        if problem.name in self._files or self._is_behind(problem.name):
            return False
        place = self._nearest(problem.name)
        return problem.name in self._folders or (place is not None and place.name not in away)

    def settled_devices(self, stored: Iterable[StoredFile], lost: Absences) -> list[tuple[int, int]]:
        """Files with the device on which to look for them from now on.

        A disk may be called otherwise after a restart. Files that came along prove it, also for those that did not, where
        these are not the more.
        """
        settled, came_along = [], Counter[tuple[int | None, int]]()
        for file in stored:
            seen = self._files.get(file.name)
            if seen is not None and file.device != seen.device:
                settled.append((file.id, seen.device))
                came_along[file.device, seen.device] += 1
        stayed: defaultdict[tuple[int | None, int], list[int]] = defaultdict(list)
        for name, files in lost.away.items():
            for file in files if name in self._folders else ():
                stayed[file.device, self._folders[name].device].append(file.id)
        for (before, now), ids in stayed.items():
            if len(ids) <= came_along[before, now]:
                settled += [(file_id, now) for file_id in ids]
        return settled

    def _is_behind(self, name: bytes) -> bool:
        """Whether `name` is, or lies below, what could not be looked at."""
        return any(path in self._closed or path in self._broken for path in (name, *_above(name)))

    def _nearest(self, name: bytes) -> SeenFolder | None:
        """The directory that held `name`, or the nearest above that could be read."""
        return next((self._folders[path] for path in _above(name) if path in self._folders), None)


def _above(name: bytes) -> Iterable[bytes]:
    """The directories that hold `name`, the nearest first, b"" last."""
    while name:
        name = name.rpartition(b"/")[0]
        yield name

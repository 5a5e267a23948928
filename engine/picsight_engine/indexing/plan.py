"""Plans an indexing run: compares what the library knows with what the scan saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from picsight_engine.foundation.other_programs import is_path_shown
from picsight_engine.indexing.absence import Absences, FolderView, is_below, is_in
from picsight_engine.photos.formats import can_read_films
from picsight_engine.store.files import files_of
from picsight_engine.store.overview.problems import problems_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from picsight_engine.indexing.scan import DirectoryListing, SeenFile, SeenProblem
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.folders import Folder, FolderState
    from picsight_engine.store.overview.problems import Problem

GUARDED_FILES = 50  # a folder with fewer files may lose any number of them
GUARDED_LOSS = 0.2  # a larger folder that loses this share at once counts as a disconnected disk
# Problems that are retried even if time and size are unchanged; so are films that are "not_read", once they can be.
HEALS_UNSEEN = frozenset({"no_permission", "vanished"})
# A busy machine, or one short of memory, causes these too: such a file is tried in this many runs.
_MACHINE_PROBLEMS, _MOST_TRIES = frozenset({"timeout", "crashed"}), 3


@dataclass(frozen=True, slots=True)
class Task:
    """A file that a worker must read; `stored` is the library's record under its name."""

    folder: Folder
    file: SeenFile
    stored: StoredFile | None = None


@dataclass(frozen=True, slots=True)
class Offline:
    """Absent files whose disk may be disconnected; all of them are kept.

    They lie in `place`, a directory of the folder (b"" is the folder itself) with this `state`. `may_be_gone` if the
    user may have removed them instead.
    """

    folder: Folder
    state: FolderState
    files: tuple[StoredFile, ...]
    place: bytes = b""
    may_be_gone: bool = False


@dataclass(slots=True)
class Plan:
    """The work of a run. `tasks` are in order.

    `gone` files are certainly gone. A `moving` file waits for a task with the same bytes; without one it is gone, unless
    it is `kept`. `devices` are files with the device on which to look for them from now on. Absent files of partial views
    are `in_doubt` where only a whole scan can tell a disconnected disk.
    """

    tasks: list[Task] = field(default_factory=list)
    unchanged: int = 0
    returned: list[StoredFile] = field(default_factory=list)
    gone: list[StoredFile] = field(default_factory=list)
    moving: list[StoredFile] = field(default_factory=list)
    offline: list[Offline] = field(default_factory=list)
    in_doubt: list[StoredFile] = field(default_factory=list)
    online: list[Folder] = field(default_factory=list)
    healed: list[Problem] = field(default_factory=list)
    unreadable: list[tuple[Folder, SeenProblem]] = field(default_factory=list)
    devices: list[tuple[int, int]] = field(default_factory=list)

    @property
    def kept(self) -> frozenset[int]:
        """The absent files, by id, that cannot be judged."""
        return frozenset(
            file.id for files in (self.in_doubt, *(each.files for each in self.offline)) for file in files
        )


def folder_view(
    db: Database,
    folder: Folder,
    listings: Sequence[DirectoryListing],
    places: Collection[bytes] | None = None,
) -> FolderView:
    """What a scan saw of a folder, or of these places in it, together with what the library knows of them."""
    stored, problems = files_of(db, folder.id), problems_of(db, folder.id)
    if places is None:
        return FolderView(folder, stored, problems, listings)
    listed = {listing.folder.name for listing in listings if listing.folder is not None}
    listed |= {problem.name for listing in listings for problem in listing.problems}
    gone = frozenset(places) - listed

    def is_concerned(name: bytes) -> bool:
        return name in listed or name.rpartition(b"/")[0] in listed or is_in(name, gone)

    stored = [file for file in stored if is_concerned(file.name)]
    problems = [problem for problem in problems if is_concerned(problem.name)]
    return FolderView(folder, stored, problems, listings, partial=True)


def make_plan(views: Iterable[FolderView], complete: Collection[int], metadata_rule: int) -> Plan:
    """Compares the stored files with the seen files.

    `complete` are the photos that lack nothing; others are read again. So are files whose metadata were read by an older
    rule than `metadata_rule`, and files whose side-cars came, changed or went. Files that failed and have not changed are
    skipped, unless they were readable before or the machine may have been the cause.
    """
    plan = Plan()
    views = list(views)
    lost = []
    for view in views:
        absences = view.absences()
        lost.append(absences)
        _plan_seen(plan, view, complete, metadata_rule)
        plan.healed.extend(each for each in view.problems if view.is_healed(each, absences.away))
        plan.devices.extend(view.settled_devices(absences))
        plan.unreadable.extend(
            (view.folder, each) for each in view.unreadable if each.name or not view.partial
        )
    traces = Counter((task.file.size, task.file.mtime_ns) for task in plan.tasks if task.stored is None)
    sizes = {task.file.size for task in plan.tasks}
    for view, absences in zip(views, lost, strict=True):
        emptied = _looks_emptied(view, absences, traces)
        if view.partial:
            plan.in_doubt += [file for files in absences.away.values() for file in files]
            plan.in_doubt += absences.gone if emptied else ()
        else:
            _keep(plan, view, absences, traces, emptied=emptied)
        movable = [*absences.movable, *absences.gone]
        # Without these, a file is not recognised in its new place.
        movers = [file for file in movable if file.bytes_hash and file.photo_id and file.size in sizes]
        plan.moving.extend(movers)
        if not emptied:
            moving = {file.id for file in movers}
            plan.gone.extend(file for file in absences.gone if file.id not in moving)
    # Files that may have moved come first (they need no embedding and must not disappear), then the newest.
    moving = {file.size for file in plan.moving}
    plan.tasks.sort(
        key=lambda task: (task.file.size not in moving, -task.file.mtime_ns, task.folder.id, task.file.name)
    )
    return plan


def _plan_seen(plan: Plan, view: FolderView, complete: Collection[int], metadata_rule: int) -> None:
    stored = {file.name: file for file in view.stored}
    bad = {problem.name: problem for problem in view.problems}
    heals_unseen = HEALS_UNSEEN | {"not_read"} if can_read_films() else HEALS_UNSEEN
    for seen in view.seen:
        known = stored.get(seen.name)
        problem = bad.get(seen.name)
        if problem is not None:
            was_read = known is not None and known.photo_id is not None
            may_be_part = problem.code == "not_read" and bool(seen.companions)  # its photo may have come
            is_due = problem.code in _MACHINE_PROBLEMS and problem.tries < _MOST_TRIES
            heals = problem.code in heals_unseen or may_be_part or is_due
            if was_read or heals or is_changed(problem, seen):
                plan.tasks.append(Task(view.folder, seen, known))
        elif (
            known is None
            or is_changed(known, seen)
            or known.photo_id not in complete
            or known.metadata_rule < metadata_rule
            or known.beside != seen.beside
        ):
            plan.tasks.append(Task(view.folder, seen, known))
        else:
            plan.unchanged += 1
            if not known.present:
                plan.returned.append(known)


def is_changed(known: StoredFile | Problem, seen: SeenFile) -> bool:
    """Whether a file's size or time differs from when it was read."""
    return (known.size, known.mtime_ns) != (seen.size, seen.mtime_ns)


def _keep(
    plan: Plan, view: FolderView, absences: Absences, traces: Counter[tuple[int, int]], *, emptied: bool
) -> None:
    """Adds the files kept because their disk may be disconnected, and the resulting state of the folder."""
    movable = {file.id for file in absences.movable}
    places = {name: all(file.id in movable for file in files) for name, files in absences.away.items()}
    moved = {file.id for file in absences.movable if traces[file.size, file.mtime_ns]}
    left = any(file.id not in moved for files in absences.away.values() for file in files)
    hidden = emptied or (left and not _shows_known(view))
    state = _unreachable(view) or ("offline" if hidden else "watching")
    for name, files in absences.away.items():
        may_be_gone = all(may for other, may in places.items() if is_below(other, name))
        plan.offline.append(Offline(view.folder, state, tuple(files), name, may_be_gone))
    if emptied or (state != "watching" and not places):
        lost = tuple(absences.gone) if emptied else ()
        plan.offline.append(Offline(view.folder, state, lost, may_be_gone=all(places.values())))
    if state == "watching" and view.folder.state in ("offline", "denied"):
        plan.online.append(view.folder)


def _shows_known(view: FolderView) -> bool:
    """Whether the scan saw any file that the library knows in this folder."""
    present = {file.name for file in view.stored if file.present}
    return any(file.name in present for file in view.seen)


def _unreachable(view: FolderView) -> FolderState | None:
    """The state of a folder that cannot be opened; None if it can."""
    for problem in view.unreadable:
        if not problem.name:
            return "denied" if problem.code == "no_permission" else "offline"
    return None


def _looks_emptied(view: FolderView, absences: Absences, traces: Counter[tuple[int, int]]) -> bool:
    """Whether a disconnected disk, not the user, seems to be why files are missing; moved files are not counted.

    An offline folder stays offline while its files are missing, even if new files appear.
    """
    away = sum(len(files) for files in absences.away.values())
    present = sum(file.present for file in view.stored) - away
    # An older version indexed what is passed over now.
    gone = (file for file in absences.gone if is_path_shown(file.name, view.folder.path))
    without_trace = (Counter((file.size, file.mtime_ns) for file in gone) - traces).total()
    if present < GUARDED_FILES or without_trace < GUARDED_LOSS * present:
        return False
    return view.folder.state == "offline" or len(view.seen) <= (1 - GUARDED_LOSS) * present

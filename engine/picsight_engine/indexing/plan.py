"""What an indexing run has to do: what the library knows beside what the scan saw, as values, without touching a disk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from picsight_engine.indexing.scan import SeenFile, SeenProblem
    from picsight_engine.store.folders import Folder, FolderState
    from picsight_engine.store.photos import StoredFile
    from picsight_engine.store.problems import Problem

GUARDED_FILES = 50  # a folder of fewer files may lose any number of them
GUARDED_LOSS = 0.2  # a larger one that loses this share at once is taken for a disk that is not there
HEALS_UNSEEN = frozenset(
    {"no_permission", "vanished"}
)  # without a new time or size: always worth another look


@dataclass(frozen=True, slots=True)
class FolderView:
    """One folder as a run meets it: what was stored, what was seen, and what could not be looked at."""

    folder: Folder
    stored: Sequence[StoredFile]
    problems: Sequence[Problem]
    seen: Sequence[SeenFile]
    unreadable: Sequence[SeenProblem] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A file that a worker must read; `stored` is what the library knew under its name."""

    folder: Folder
    file: SeenFile
    stored: StoredFile | None = None


@dataclass(frozen=True, slots=True)
class Offline:
    """A folder that is taken for unplugged: so many of its files were not seen, and none of them is given up."""

    folder: Folder
    state: FolderState
    missing: int


@dataclass(slots=True)
class Plan:
    """The work of a run. `tasks` come in order; `gone` is certain, `moving` waits for a task with the same bytes."""

    tasks: list[Task] = field(default_factory=list)
    unchanged: int = 0
    returned: list[StoredFile] = field(default_factory=list)
    gone: list[StoredFile] = field(default_factory=list)
    moving: list[StoredFile] = field(default_factory=list)
    offline: list[Offline] = field(default_factory=list)
    online: list[Folder] = field(default_factory=list)
    healed: list[Problem] = field(default_factory=list)
    unreadable: list[tuple[Folder, SeenProblem]] = field(default_factory=list)


def make_plan(
    views: Iterable[FolderView],
    complete: Collection[int],
    *,
    retry_problems: bool = False,
) -> Plan:
    """Compares what is stored with what was seen.

    `complete` are the photos that lack nothing: others are read again. Files that failed and did not change since are
    left alone unless `retry_problems`.
    """
    plan = Plan()
    views = list(views)
    lost = {view.folder.id: _lost(view) for view in views}
    for view in views:
        _plan_seen(plan, view, complete, retry_problems=retry_problems)
        plan.healed.extend(_healed(view))
        plan.unreadable.extend((view.folder, problem) for problem in view.unreadable)
    new = Counter((task.file.size, task.file.mtime_ns) for task in plan.tasks if task.stored is None)
    for view in views:
        missing = lost[view.folder.id]
        state = _unreachable(view) or ("offline" if _emptier(view, missing, new) else "watching")
        if state != "watching":
            plan.offline.append(Offline(view.folder, state, len(missing)))
            continue
        if view.folder.state in ("offline", "denied"):
            plan.online.append(view.folder)
        plan.gone.extend(missing)
    _set_movers_apart(plan)
    _sort(plan)
    return plan


def _plan_seen(plan: Plan, view: FolderView, complete: Collection[int], *, retry_problems: bool) -> None:
    stored = {file.name: file for file in view.stored}
    bad = {problem.name: problem for problem in view.problems}
    for seen in view.seen:
        known = stored.get(seen.name)
        problem = bad.get(seen.name)
        if problem is not None:
            if retry_problems or problem.code in HEALS_UNSEEN or _changed(problem, seen):
                plan.tasks.append(Task(view.folder, seen, known))
        elif known is None or _changed(known, seen) or known.photo_id not in complete:
            plan.tasks.append(Task(view.folder, seen, known))
        else:
            plan.unchanged += 1
            if not known.present:
                plan.returned.append(known)


def _changed(known: StoredFile | Problem, seen: SeenFile) -> bool:
    return (known.size, known.mtime_ns) != (seen.size, seen.mtime_ns)


def _lost(view: FolderView) -> list[StoredFile]:
    """Files that were there and are not, as far as could be looked."""
    seen = {file.name for file in view.seen}
    return [
        file
        for file in view.stored
        if file.present and file.name not in seen and not _below(file.name, view.unreadable, or_root=False)
    ]


def _below(name: bytes, problems: Sequence[SeenProblem], *, or_root: bool = True) -> bool:
    """Whether `name` lies in a directory that cannot be read; the root, b"", holds everything where it counts."""
    folders = [problem.name for problem in problems]
    return any(name == folder or name.startswith(folder + b"/") if folder else or_root for folder in folders)


def _unreachable(view: FolderView) -> FolderState | None:
    """The state of a folder that cannot itself be opened."""
    for problem in view.unreadable:
        if not problem.name:
            return "denied" if problem.code == "no_permission" else "offline"
    return None


def _emptier(view: FolderView, lost: Sequence[StoredFile], new: Counter[tuple[int, int]]) -> bool:
    """Whether a disk, not a person, seems to have taken files away; those that turn up elsewhere are no loss.

    A folder that is offline stays so, whatever arrives, while its files are missing.
    """
    present = sum(file.present for file in view.stored)
    arrived = new.copy()
    without_trace = 0
    for file in lost:
        key = (file.size, file.mtime_ns)
        if arrived[key] > 0:
            arrived[key] -= 1
        else:
            without_trace += 1
    if present < GUARDED_FILES or without_trace < GUARDED_LOSS * present:
        return False
    return view.folder.state == "offline" or len(view.seen) <= (1 - GUARDED_LOSS) * present


def _healed(view: FolderView) -> list[Problem]:
    """Problems of files that are gone and of directories that can be read again."""
    seen = {file.name for file in view.seen}
    return [
        problem
        for problem in view.problems
        if problem.name not in seen and not _below(problem.name, view.unreadable)
    ]


def _set_movers_apart(plan: Plan) -> None:
    """A missing file with the size of a file to be read may be that file under a new name: its bytes will tell."""
    sizes = {task.file.size for task in plan.tasks}
    missing, plan.gone = plan.gone, []
    for file in missing:
        known = file.bytes_hash is not None and file.photo_id is not None
        (plan.moving if known and file.size in sizes else plan.gone).append(file)


def _sort(plan: Plan) -> None:
    """Files that may have moved first (they cost no embedding and must not blink), then the newest."""
    moving = {file.size for file in plan.moving}
    plan.tasks.sort(
        key=lambda task: (task.file.size not in moving, -task.file.mtime_ns, task.folder.id, task.file.name)
    )

"""Gives the files of a run to the worker pool, decides which picture each shows, and collects the outcomes in the batch."""

from __future__ import annotations

import itertools
import logging
import math
import os
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.indexing.batch import ReadableFile, UnreadableFile
from picsight_engine.indexing.events import Progress
from picsight_engine.indexing.messages import Failed, Identified, WorkerLost
from picsight_engine.photos.reading import lost_photo
from picsight_engine.store.derived.vectors import is_vectors
from picsight_engine.store.folders import file_path
from picsight_engine.store.photos import known_photo, picture_rule_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from picsight_engine.indexing.batch import Batch
    from picsight_engine.indexing.messages import Described, WorkerReply
    from picsight_engine.indexing.plan import Task
    from picsight_engine.indexing.worker_pool import WorkerPool
    from picsight_engine.photos.decoding.decode import Limits
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.folders import Folder

_LOG = logging.getLogger(__name__)
_STEP_SECONDS = 0.2  # the longest that a cancelled run goes on
_FILES_A_WORKER = 8  # fewer are done before another worker has started
WINDOW_SECONDS = 30.0  # over which the rate is measured, so that one large photo does not shake it
_ENOUGH_FILES, _ENOUGH_SECONDS = 8, 2.0  # before these, no remaining time is shown


class PictureTracker:
    """Ensures that a picture is embedded only once, even if many files show it or they moved."""

    def __init__(
        self,
        db: Database,
        settled: Mapping[str, Collection[int]],
        moving: Iterable[StoredFile] = (),
        *,
        known_only: bool = False,
    ) -> None:
        """`settled` are the kinds to make, by name, each with the photos that are not due for it."""
        self._db = db
        self._settled = settled
        self._known_only = known_only  # whether new pictures are left alone
        self._done: set[bytes] = set()  # fingerprints described in this run, stored or about to be
        self._waiting: dict[bytes, list[tuple[Task, Identified]]] = {}  # copies, by fingerprint
        self._moving: defaultdict[bytes, list[StoredFile]] = defaultdict(list)
        for file in moving:
            if file.bytes_hash is not None:
                self._moving[file.bytes_hash].append(file)

    def wanted(self, task: Task, identified: Identified) -> frozenset[str] | None:
        """The kinds that the worker which holds the file must make; if there are any, the picture is being described from now on.

        None if another worker is describing the same picture: the file waits for that, see `arrived`, `failed`.
        """
        fingerprint = identified.fingerprint
        if fingerprint in self._waiting:
            self._waiting[fingerprint].append((task, identified))
            return None
        due = frozenset[str]() if fingerprint in self._done else self._due(identified)
        if due:
            self._waiting[fingerprint] = []
        return due

    def arrived(self, fingerprint: bytes) -> list[tuple[Task, Identified]]:
        """Records that the picture is described; returns the copies that waited for it."""
        self._done.add(fingerprint)
        return self._waiting.pop(fingerprint, [])

    def failed(self, fingerprint: bytes) -> list[Task]:
        """Records that the file gave no picture; returns the waiting copies, which must now be read themselves."""
        return [task for task, _ in self._waiting.pop(fingerprint, [])]

    def moved_from(self, task: Task, identified: Identified) -> StoredFile | None:
        """The missing file with the same bytes that this file replaces, each at most once."""
        if task.stored is not None and task.stored.present:
            return None
        files = self._moving.get(identified.bytes_hash)
        return files.pop() if files else None

    def not_found_again(self) -> list[StoredFile]:
        """The missing files that were not found again in this run."""
        return [file for files in self._moving.values() for file in files]

    def _due(self, identified: Identified) -> frozenset[str]:
        with self._db.reading() as connection:
            photo_id = known_photo(connection, identified.fingerprint)
        if photo_id is None and self._known_only:
            return frozenset()
        if photo_id is None or picture_rule_of(self._db, photo_id) < identified.picture_rule:
            return frozenset(self._settled)  # new, or its decoding has changed since
        return frozenset(name for name, photos in self._settled.items() if photo_id not in photos)


class Rate:
    """The rate of finished files, by the caller's monotonic clock in seconds."""

    def __init__(self, start: float) -> None:
        self._marks: deque[tuple[float, int]] = deque([(start, 0)])

    def done(self, now: float) -> None:
        """Records that one more file is done."""
        self._marks.append((now, self._marks[-1][1] + 1))
        while len(self._marks) > 2 and now - self._marks[1][0] >= WINDOW_SECONDS:
            self._marks.popleft()

    def per_second(self, now: float) -> float:
        """Files per second over the window, 0 before the first."""
        (since, before), (_, total) = self._marks[0], self._marks[-1]
        return (total - before) / max(now - since, 1e-9) if total > before else 0.0

    def seconds_left(self, now: float, files_left: int) -> float | None:
        """The expected seconds for the rest; None until enough files and seconds are measured."""
        (since, before), (_, total) = self._marks[0], self._marks[-1]
        if files_left == 0:
            return 0.0
        if total - before < _ENOUGH_FILES or now - since < _ENOUGH_SECONDS:
            return None
        return files_left / self.per_second(now)


@dataclass(slots=True)
class RunTally:
    """Counts of files by outcome; `unchanged` are those whose picture the library already knew."""

    done: int = 0
    indexed: int = 0
    unchanged: int = 0
    moved: int = 0
    problems: int = 0


@dataclass(slots=True)
class _Held:
    """A file that a worker is reading."""

    task: Task
    identified: Identified | None = None
    wanted: frozenset[str] = frozenset()


class Dispatcher:
    """Works through the tasks of a run in short steps."""

    def __init__(
        self,
        pool: WorkerPool,
        tracker: PictureTracker,
        batch: Batch,
        tasks: Iterable[Task],
        *,
        limits: Limits,
        workers: int,
        slow: bool = False,
    ) -> None:
        """With `slow`, these are known photos, which stay as they are if a kind cannot be made of them."""
        self._slow = slow
        self.tally = RunTally()
        self._rate = Rate(time.monotonic())
        self.vanished_folders: list[Folder] = []
        self._pool = pool
        self._tracker = tracker
        self._batch = batch
        self._limits = limits
        self._workers = workers
        self._queue = deque(tasks)
        self._total = len(self._queue)
        self._suspects: deque[Task] = deque()  # lost with their worker once
        self._alone = False  # whether only suspects are left; each is read alone by a new worker
        self._held: dict[int, _Held] = {}
        self._keys = itertools.count()

    @property
    def finished(self) -> bool:
        """Whether every task has its outcome."""
        return not (self._queue or self._suspects or self._held)

    @property
    def pending_sizes(self) -> set[int]:
        """The sizes of the files not read yet; any of them may be a file that is missing elsewhere."""
        waiting = (*self._queue, *self._suspects, *(held.task for held in self._held.values()))
        return {task.file.size for task in waiting}

    def progress(self, now: float) -> Progress:
        """The progress at `now` (monotonic seconds)."""
        return Progress(
            done=self.tally.done,
            total=self._total,
            problems=self.tally.problems,
            photos_per_second=self._rate.per_second(now),
            seconds_left=self._rate.seconds_left(now, self._total - self.tally.done),
            is_slow=self._slow,
        )

    def step(self) -> None:
        """Gives work to idle workers and takes the results that arrive within a fraction of a second."""
        if not self._queue and not self._held and self._suspects:
            self._pool.close()
            self._alone = True
            self._queue.append(self._suspects.popleft())
        wanted = 1 if self._alone else min(self._workers, math.ceil(len(self._queue) / _FILES_A_WORKER))
        self._pool.start_workers(wanted)
        for _ in range(min(self._pool.idle, len(self._queue))):
            key, task = next(self._keys), self._queue.popleft()
            self._held[key] = _Held(task)
            self._pool.assign(key, _path(task), tuple(map(os.fsdecode, task.file.companions)))
        for key, news in self._pool.wait(_STEP_SECONDS):
            self._take(key, news)

    def _take(self, key: int, news: WorkerReply) -> None:
        if isinstance(news, Identified):
            self._decide(key, news)
            return
        held = self._held.pop(key)
        if isinstance(news, (Failed, WorkerLost)):
            if held.identified is not None:
                self._queue.extendleft(self._tracker.failed(held.identified.fingerprint))
            self._fail(held, news)
            return
        assert held.identified is not None, "a worker describes what it has identified"
        self._show(held.task, held.identified, news)
        if not news.things:  # a film behind a photo; copies of it may stand alone
            self._queue.extendleft(self._tracker.failed(held.identified.fingerprint))
            return
        for task, identified in self._tracker.arrived(held.identified.fingerprint):
            self._show(task, identified, None)

    def _decide(self, key: int, identified: Identified) -> None:
        held = self._held[key]
        held.identified = identified
        wanted = self._tracker.wanted(held.task, identified)
        if wanted:
            held.wanted = wanted
        else:
            del self._held[key]
        if wanted is not None and not wanted:
            self._show(held.task, identified, None)
        self._pool.order(key, wanted or frozenset())

    def _show(self, task: Task, identified: Identified, described: Described | None) -> None:
        """Records that the file shows a picture: a new, renewed or known one."""
        moved_from = self._tracker.moved_from(task, identified)
        self._batch.add(ReadableFile(task, identified, described, moved_from))
        if described is not None and any(map(is_vectors, described.things)):
            self.tally.indexed += 1
        elif moved_from is not None:
            self.tally.moved += 1
        else:
            self.tally.unchanged += 1
        self._count()

    def _fail(self, held: _Held, news: Failed | WorkerLost) -> None:
        task = held.task
        if isinstance(news, WorkerLost):
            if not self._alone:
                self._suspects.append(task)
                return
            lost = lost_photo(news.code, _path(task), self._limits, "was left out")
            news = Failed(news.code, lost.message)
        if news.detail:
            _LOG.info("%s\n%s", news.message, news.detail)
        if news.code == "vanished" and self._has_vanished(task.folder):
            return
        self._batch.add(UnreadableFile(task, news, held.wanted if self._slow else frozenset()))
        self.tally.problems += 1
        self._count()

    def _has_vanished(self, folder: Folder) -> bool:
        """Whether the whole folder is gone, as with a disconnected disk: its other files are then skipped."""
        try:
            with os.scandir(folder.path) as entries:
                if next(entries, None) is not None:
                    return False
        except OSError:
            pass
        if folder not in self.vanished_folders:
            self.vanished_folders.append(folder)
            kept = [task for task in self._queue if task.folder.id != folder.id]
            self._queue = deque(kept)
            self._suspects = deque(task for task in self._suspects if task.folder.id != folder.id)
        return True

    def _count(self) -> None:
        self.tally.done += 1
        self._rate.done(time.monotonic())


def _path(task: Task) -> Path:
    return file_path(task.folder.path, task.file.name)

"""An indexing run as a stream of events, from the scan of the folders to the summary."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import check_image_tower
from picsight_engine.foundation.errors import BundleError, LibraryError, Message, StorageError, as_text
from picsight_engine.foundation.processes import on_battery
from picsight_engine.indexing.batch import Batch
from picsight_engine.indexing.dispatcher import Dispatcher, PictureTracker
from picsight_engine.indexing.events import (
    Committed,
    EmptiedFolder,
    Event,
    Finished,
    Found,
    Searchable,
    Summary,
)
from picsight_engine.indexing.plan import Task, folder_view, make_plan
from picsight_engine.indexing.scan import DirectoryListing, scan
from picsight_engine.indexing.worker_pool import WorkerPool, suitable_workers
from picsight_engine.kinds import kinds_of, settled
from picsight_engine.photos.metadata.tag_precedence import METADATA_RULE
from picsight_engine.photos.reading import Limits
from picsight_engine.runtime.backend import Backend
from picsight_engine.runtime.backend_comparison import choose_image_backend
from picsight_engine.store.database import index_lock
from picsight_engine.store.derived.states import files_due
from picsight_engine.store.files import files_of
from picsight_engine.store.folders import file_path, set_state
from picsight_engine.store.overview.problems import problems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.indexing.absence import FolderView
    from picsight_engine.indexing.plan import Plan
    from picsight_engine.kinds import DerivedKind
    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.thumbnails import ThumbnailStore
    from picsight_engine.store.folders import Folder

_LOG = logging.getLogger(__name__)
_FILES_FOR_ENCODER = 64  # fewer files are done before Core ML has started
_TICK_SECONDS = 0.1  # the shortest interval between progress events while files are done
_PULSE_SECONDS = 0.5  # the longest interval


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """The settings of a run; `workers` None means as many as suit this machine; of the slow kinds, those named are made."""

    workers: int | None = None
    slow: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    batch_photos: int = 64


def run_index(
    db: Database,
    thumbnails: ThumbnailStore,
    bundle: Bundle,
    folders: Sequence[Folder],
    settings: IndexSettings = IndexSettings(),
    *,
    places: Mapping[Path, Collection[bytes]] | None = None,
    cancel: threading.Event | None = None,
    is_busy: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Indexes folders of the library, or of each folder only the directories that `places` names by its path, as seen from it;
    the last event is always Finished, unless the run raises.

    Slow kinds wait while `is_busy`, and until the next run once the computer runs on its battery.

    Closing the iterator, Ctrl-C and `cancel` store finished work and end the workers. A killed run loses at most its
    open batch.

    Raises:
        BusyError: another run is indexing this library.
        StorageError: the disk is full or gone; everything committed stays.
        BundleError: the image tower was changed since it was installed, or cannot be loaded.
    """
    with index_lock(db.folder):
        known = kinds_of(bundle.manifest.space_id)
        kinds = [
            kind for kind in known if not kind.of_thumbnail and (not kind.slow or kind.name in settings.slow)
        ]
        batch = Batch(db, thumbnails, kinds, photos=settings.batch_photos)
        run = _Run(
            db,
            thumbnails,
            bundle,
            folders,
            settings,
            places,
            cancel or threading.Event(),
            is_busy,
            kinds,
            batch,
        )
        yield from run.events()


@dataclass(slots=True)
class _Run:
    """One run; used once."""

    db: Database
    thumbnails: ThumbnailStore
    bundle: Bundle
    folders: Sequence[Folder]
    settings: IndexSettings
    places: Mapping[Path, Collection[bytes]] | None
    cancel: threading.Event
    is_busy: Callable[[], bool]
    kinds: Sequence[DerivedKind]
    batch: Batch
    started: float = field(default_factory=time.monotonic)
    found: int = 0
    cancelled: bool = False
    notes: list[Message] = field(default_factory=list)
    emptied: list[EmptiedFolder] = field(default_factory=list)

    def events(self) -> Iterator[Event]:
        """The whole run."""
        views = yield from self._scan_folders()
        first = [kind for kind in self.kinds if not kind.slow]
        done = {kind.name: settled(self.db, self.thumbnails, kind) for kind in first}
        plan = make_plan(views, frozenset.intersection(*done.values()), METADATA_RULE)
        if plan.tasks:
            check_image_tower(self.bundle)
        self._set_states(plan)
        returned = self.batch.settle(plan)
        if returned:
            yield Committed(returned)
        swept = [kind for kind in first if kind.put is None]  # `settle` deletes thumbnails
        done |= {kind.name: settled(self.db, self.thumbnails, kind) for kind in swept}
        tracker = PictureTracker(self.db, done, plan.moving)
        encoder = _encoder(self.bundle, len(plan.tasks))
        with closing(WorkerPool(self.bundle, self.settings.limits, encoder, first)) as pool:
            dispatcher = self._dispatcher(pool, tracker, plan.tasks)
            yield from self._work(dispatcher)
        finished = self._close(plan, dispatcher, tracker)
        yield Searchable(self.cancelled)
        if not self.cancelled:
            yield from self._make_slow(views)
        yield replace(finished, cancelled=self.cancelled, notes=tuple(self.notes))

    def _make_slow(self, views: Sequence[FolderView]) -> Iterator[Event]:
        """Makes the slow kinds of all photos that are due, reading one file of each once."""
        slow = [kind for kind in self.kinds if kind.slow]
        due = {file for kind in slow for file in files_due(self.db, kind.name, kind.rule)}
        tasks: dict[int, Task] = {}
        for view in views if due else ():
            stored = {file.name: file for file in files_of(self.db, view.folder.id)}
            for seen in view.seen:
                known = stored.get(seen.name)
                if known is not None and known.photo_id is not None and (view.folder.id, seen.name) in due:
                    tasks.setdefault(known.photo_id, Task(view.folder, seen, known))
        if tasks:
            done = {kind.name: settled(self.db, self.thumbnails, kind) for kind in slow}
            tracker = PictureTracker(self.db, done, known_only=True)
            with closing(WorkerPool(self.bundle, self.settings.limits, kinds=slow)) as pool:
                dispatcher = self._dispatcher(pool, tracker, tasks.values(), slow=True)
                try:
                    yield from self._work(dispatcher, slow=True)
                except BundleError as fault:  # searches work without these kinds
                    self.notes.append(fault.message)
                    return
            if not (self.cancelled or dispatcher.finished):
                words = "Words and faces in the other pictures are looked for when the computer is plugged in and indexes again."
                self.notes.append(Message(words))

    def _dispatcher(
        self, pool: WorkerPool, tracker: PictureTracker, tasks: Iterable[Task], *, slow: bool = False
    ) -> Dispatcher:
        workers = self.settings.workers or suitable_workers()
        limits = self.settings.limits
        return Dispatcher(pool, tracker, self.batch, tasks, limits=limits, workers=workers, slow=slow)

    def _scan_folders(self) -> Generator[Event, None, list[FolderView]]:
        """Scans the folders; omits those that a cancelled scan did not reach."""
        views: list[FolderView] = []
        reported = 0.0
        for folder in self.folders:
            listings: list[DirectoryListing] = []
            places = None if self.places is None else self.places[folder.path]
            for listing in scan(folder.path, places=places, leave_out=self.db.folder, cancel=self.cancel):
                listings.append(listing)
                self.found += len(listing.files)
                if time.monotonic() - reported >= _TICK_SECONDS:
                    reported = time.monotonic()
                    yield Found(self.found, complete=False)
            if self.cancel.is_set():
                self.cancelled = True
                return views
            _log_passed_over(folder, listings)
            views.append(folder_view(self.db, folder, listings, places))
        yield Found(self.found, complete=True)
        return views

    def _set_states(self, plan: Plan) -> None:
        """Stores which folders cannot be reached."""
        for offline in plan.offline:
            set_state(self.db, offline.folder.id, offline.state)
        for folder in plan.online:
            set_state(self.db, folder.id, "watching")

    def _note_offline(self, plan: Plan, moved: set[int]) -> None:
        """Notes the files that could not be seen and were not found elsewhere."""
        away: list[tuple[int, str]] = []
        for offline in plan.offline:
            lost = [file for file in offline.files if file.id not in moved]
            photos = len({file.photo_id for file in lost})
            if offline.state == "denied":
                words = 'Picsight may not read "{folder}". Nothing was removed; allow it to read the folder and index again.'
                self.notes.append(Message(words, folder=_title(offline.folder)))
            elif photos:
                away.append((photos, as_text(offline.place) or _title(offline.folder)))
                if offline.may_be_gone:
                    self.emptied.append(EmptiedFolder(file_path(offline.folder.path, offline.place), photos))
        if away:
            self.notes.append(_missing_sentence(away))

    def _work(self, dispatcher: Dispatcher, *, slow: bool = False) -> Iterator[Event]:
        """Runs the dispatcher and commits due batches; finished work is stored first, however the run ends."""
        reported, reported_done = 0.0, -1
        try:
            while not dispatcher.finished:
                if self._must_stop(slow=slow):
                    break
                if slow and self.is_busy():
                    time.sleep(_TICK_SECONDS)
                else:
                    dispatcher.step()
                while self.batch.due:
                    if photo_ids := self.batch.commit():
                        yield Committed(photo_ids)
                now = time.monotonic()
                since = now - reported
                done = dispatcher.tally.done
                if since >= _PULSE_SECONDS or (since >= _TICK_SECONDS and done != reported_done):
                    reported, reported_done = now, done
                    yield dispatcher.progress(now)
        except (StorageError, LibraryError):
            self.batch.drop()
            raise
        finally:
            rest: tuple[int, ...] = ()
            while not self.batch.empty:
                rest += self.batch.commit()
        if rest:
            yield Committed(rest)
        yield dispatcher.progress(time.monotonic())

    def _must_stop(self, *, slow: bool) -> bool:
        self.cancelled = self.cancelled or self.cancel.is_set()
        return self.cancelled or (slow and on_battery())

    def _close(self, plan: Plan, dispatcher: Dispatcher, tracker: PictureTracker) -> Finished:
        """Stores what is known only after all files were read; the result has the summary."""
        missing = len(plan.gone)
        not_found = tracker.not_found_again()
        self._note_offline(plan, {file.id for file in plan.moving} - {file.id for file in not_found})
        for folder in dispatcher.vanished_folders:
            set_state(self.db, folder.id, "offline")
            words = '"{folder}" disappeared during indexing. Nothing was removed from Picsight; connect its disk and index again.'
            self.notes.append(Message(words, folder=_title(folder)))
        if not dispatcher.vanished_folders:
            kept, pending = plan.kept, dispatcher.pending_sizes
            lost = [file for file in not_found if file.id not in kept and file.size not in pending]
            self.batch.give_up(lost)
            missing += len(lost)
            if not self.cancelled and self.places is None:
                unseen = {offline.folder.id for offline in plan.offline if offline.state != "watching"}
                self.batch.sweep([folder for folder in self.folders if folder.id not in unseen])
        tally = dispatcher.tally
        seconds = time.monotonic() - self.started
        summary = Summary(
            found=self.found,
            indexed=tally.indexed,
            unchanged=plan.unchanged + tally.unchanged,
            moved=tally.moved,
            missing=missing,
            problems=sum(len(problems_of(self.db, folder.id)) for folder in self.folders),
            seconds=seconds,
            photos_per_second=tally.indexed / seconds,
        )
        found = {file.id for file in plan.moving} - {file.id for file in not_found}
        in_doubt = any(file.id not in found for file in plan.in_doubt)
        return Finished(summary, self.cancelled, tuple(self.notes), tuple(self.emptied), in_doubt=in_doubt)


def _log_passed_over(folder: Folder, listings: Sequence[DirectoryListing]) -> None:
    folders = sum(listing.passed_folders for listing in listings)
    files = sum(listing.passed_files for listing in listings)
    if folders or files:
        where = f"Passed over in {as_text(folder.path)}, hidden or of other programs"
        _LOG.info("%s: folders %d, files %d.", where, folders, files)


def _encoder(bundle: Bundle, files: int) -> Backend | None:
    """The backend that needs its own process, if there are enough files to justify one."""
    if files < _FILES_FOR_ENCODER:
        return None
    chosen = choose_image_backend(bundle).backend
    return None if chosen is Backend.ONNX else chosen


def _missing_sentence(away: Sequence[tuple[int, str]]) -> Message:
    """How many photos are missing from where; names the first place and counts the others."""
    (photos, where), *others = away
    places = "".join(f', {photos:,} from "{where}"' for photos, where in others)
    words = '{number:,} photos are missing from "{folder}"{others}. Nothing was removed from Picsight.'
    if photos == 1:
        words = '1 photo is missing from "{folder}"{others}. Nothing was removed from Picsight.'
    return Message(words, number=photos, folder=where, others=places)


def _title(folder: Folder) -> str:
    return as_text(folder.path.name or folder.path)

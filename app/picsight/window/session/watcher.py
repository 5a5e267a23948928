"""Keeps the window up to date: indexes what changes in the folders, and shows what other programs change in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from picsight.jobs import Jobs
    from picsight.settings import Settings, SettingsStore
    from picsight.window.session.controller import LibraryController
    from picsight_engine.indexing.watching import Places
    from picsight_engine.library import Library

LANE = "revision"
LOOK_MS = 1000  # between looks whether another program has changed the library


class Watcher(QObject):
    """Starts a run for what changed once no other run goes on, and after a pause."""

    def __init__(
        self, library: LibraryController, store: SettingsStore, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._controller, self._store, self._jobs = library, store, jobs
        self._library: Library | None = None
        self._stream: threading.Event | None = None  # ends it
        self._due: Places = {}
        self._revisions: tuple[int, int] | None = None
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._compare)
        library.opened.connect(self._use)
        library.begun.connect(lambda: self._follow(store.settings))
        library.indexing_ended.connect(self._index)
        store.changed.append(self._follow)

    def _use(self, library: Library) -> None:
        self._library = library
        self._compare()
        self._timer.start()

    def _follow(self, settings: Settings) -> None:
        """Watch the folders, or no longer, as the settings say."""
        library, store = self._library, self._store
        if settings.watch == "never" and self._stream is not None:
            self._stream.set()
            self._stream, self._due = None, {}
        elif settings.watch != "never" and self._stream is None and library is not None:

            def changes(cancel: threading.Event) -> Iterator[Places]:
                with library.folders.watch() as watch:
                    while places := watch.next(cancel, lambda: store.settings.may_watch):
                        yield places

            self._stream = self._jobs.stream(changes, self._take, lambda: None)

    def _take(self, places: Places) -> None:
        for folder, names in places.items():
            known = self._due.get(folder, set())
            self._due[folder] = None if names is None or known is None else known | names
        self._index()

    def _index(self) -> None:
        if self._due and not (self._controller.is_indexing or self._controller.is_paused):
            places, self._due = self._due, {}
            self._controller.index(places)

    def _compare(self) -> None:
        if (library := self._library) is not None:
            self._jobs.read(
                lambda: (library.revision, library.tags.revision), self._show_changes, replaces=LANE
            )

    def _show_changes(self, revisions: tuple[int, int]) -> None:
        """Show what changed since the last look; a run shows its own changes."""
        before, self._revisions = self._revisions, revisions
        if before is None or before == revisions or self._controller.is_reading:
            return
        self._controller.refresh_overview()
        if before[0] != revisions[0]:
            self._controller.photos_changed.emit()

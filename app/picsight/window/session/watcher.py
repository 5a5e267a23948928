"""Keeps the window up to date: indexes what changes in the folders, and shows what other programs change in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from picsight.at_login import start_at_login

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.settings import Settings, SettingsStore
    from picsight.window.session.controller import LibraryController
    from picsight_engine.indexing.watching import Places
    from picsight_engine.library import Library

LANE, LANE_LOGIN = "revision", "at login"
LOOK_MS = 1000  # between looks whether another program has changed the library


class Watcher(QObject):
    """Starts a run for what changed once no other run goes on, and not during a pause or in full screen."""

    def __init__(self, library: LibraryController, store: SettingsStore, jobs: Jobs, window: QWidget) -> None:
        super().__init__(window)
        self._controller, self._store, self._jobs, self._window = library, store, jobs, window
        self._starts_at_login = store.settings.watch_at_login
        self._library: Library | None = None
        self._stream: threading.Event | None = None  # ends it
        self._due: Places = {}
        self._revisions: tuple[int, int] | None = None
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._compare)
        library.opened.connect(self._use)
        library.begun.connect(self._begin)
        library.indexing_ended.connect(self._index)
        store.changed.append(self._follow)

    def _use(self, library: Library) -> None:
        self._library = library
        self._compare()
        self._timer.start()

    def _begin(self) -> None:
        self._follow(self._store.settings)
        if self._stream is None:
            self._controller.index()

    def _follow(self, settings: Settings) -> None:
        """Watch the folders, or no longer, as the settings say."""
        library, store = self._library, self._store
        if settings.watch_at_login != self._starts_at_login:
            self._starts_at_login = wanted = settings.watch_at_login
            self._jobs.read(lambda: start_at_login(wanted=wanted), lambda _none: None, replaces=LANE_LOGIN)
        if settings.watch == "never" and self._stream is not None:
            self._stream.set()
            self._stream, self._due = None, {}
        elif settings.watch != "never" and self._stream is None and library is not None:

            def changes(cancel: threading.Event) -> Iterator[Places | None]:
                with library.folders.watch() as watch:
                    watch.ways()
                    yield None  # from now on, no change is missed
                    while places := watch.next(cancel, lambda: store.settings.may_watch):
                        yield places

            self._stream = self._jobs.stream(changes, self._take, lambda: None)

    def _take(self, places: Places | None) -> None:
        if places is None:
            self._controller.index()
            return
        for folder, names in places.items():
            known = self._due.get(folder, set())
            self._due[folder] = None if names is None or known is None else known | names
        self._index()

    def _index(self) -> None:
        must_wait = self._controller.is_indexing or self._controller.is_paused or self._window.isFullScreen()
        if self._due and not must_wait:
            places, self._due = self._due, {}
            self._controller.index(places)

    def _compare(self) -> None:
        self._index()  # unless the window is in full screen still
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

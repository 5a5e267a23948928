"""The window: `run_window` shows it. Modules that the first frame does not need are imported after it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QFileSystemWatcher, QLocale, QObject, QSocketNotifier, QTimer, Signal
from PySide6.QtWidgets import QApplication

from picsight.jobs import Jobs
from picsight.locations import model_choice
from picsight.settings import SettingsStore, settings_file
from picsight.window.parts.focus import KeyboardWatch
from picsight.window.parts.icons import program_icon
from picsight.window.parts.words import english_of
from picsight.window.session.overview import LibrarySetup
from picsight.window.shell.main_window import MainWindow
from picsight.window.tokens import apply_theme, put_on
from picsight_engine.foundation.private_files import make_private_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QWindow

CLOSING = (signal.SIGINT, signal.SIGTERM)
# Each call of Qt that paints waits so long for a thread that computes: with Python's 5 ms a wall is painted in half a second.
TURN_SECONDS = 0.0005


def run_window(library_folder: Path, folders_to_add: Sequence[Path] = ()) -> int:
    """Show the window on a library until it is closed; returns the exit code.

    `folders_to_add` are added and indexed once the library is open.
    """
    sys.setswitchinterval(TURN_SECONDS)
    app = QApplication(sys.argv[:1])
    interrupts = Interrupts() if sys.platform != "win32" else None  # Qt cannot watch pipes on Windows
    app.setApplicationName("Picsight")
    QLocale.setDefault(english_of(QLocale.system()))
    app.setDesktopFileName("picsight")
    app.setWindowIcon(program_icon())
    file = settings_file()
    store = SettingsStore(file)
    apply_theme(app, lambda: store.settings.theme)
    store.changed.append(lambda changed: put_on(app, changed.theme))
    KeyboardWatch(app)
    jobs = Jobs()
    setup = LibrarySetup(library_folder, partial(model_choice, library_folder))
    window = MainWindow(setup, store, jobs)
    # editors and the store replace the file, which ends the watch of a file, but not that of its folder
    with suppress(OSError):  # without the folder nothing is stored either, which the log says
        make_private_folder(file.parent)
    watcher = QFileSystemWatcher([str(file.parent)])
    watcher.directoryChanged.connect(window.read_settings)
    if interrupts is not None:
        interrupts.interrupted.connect(window.close_at_once)
    window.show()
    first = FirstFrame(window.windowHandle())
    first.painted.connect(lambda: window.start(folders_to_add))
    try:
        return app.exec()
    finally:
        if interrupts is not None:
            interrupts.close()
        window.end()


class FirstFrame(QObject):
    """Signals once that a window has been painted for the first time."""

    painted = Signal()

    def __init__(self, window: QWindow) -> None:
        super().__init__(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Queue the signal at the first expose event, which paints the frame while it is handled."""
        if event.type() == QEvent.Type.Expose:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self.painted.emit)
        return False


class Interrupts(QObject):
    """Signals Ctrl+C or `kill`: without it, Python does not see a signal during Qt's loop.

    Python may call a signal's handler anywhere, even while a widget is painted, where Qt loses exceptions. So the
    handler does nothing; the signal wakes the loop through a pipe, and the loop reports it. A signal before the loop
    runs waits for it.
    """

    interrupted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._before = signal.set_wakeup_fd(self._writer)
        self._notifier = QSocketNotifier(self._reader, QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)
        self._handlers = {which: signal.signal(which, lambda _number, _frame: None) for which in CLOSING}

    def close(self) -> None:
        """Restore the signal handlers."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        for which, handler in self._handlers.items():
            signal.signal(which, handler)
        os.close(self._reader)
        os.close(self._writer)

    def _woken(self) -> None:
        if set(os.read(self._reader, 64)) & set(CLOSING):  # one byte per signal: its number
            self.interrupted.emit()

"""Opens photos in another program: a list of those that the desktop knows, else the chooser that the system has."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QMimeDatabase, QObject, QProcess, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from picsight.window.actions.keys import photo_menu
from picsight.window.actions.programs import Program, programs_for
from picsight.window.parts.words import isolated, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.window.actions.keys import MenuEntry
    from picsight.window.library.status import StatusLine

MOST_WINDOWS = 20  # of programs that open one photo each


class OpenWith(QObject):
    """Linux lists programs, which take several photos; a Mac asks for one of them, Windows for one photo at a time.

    The usual program comes first, and any other can be looked for. There is no menu of programs that Qt would show, and
    the systems' own lists are no more than this: entries of the desktop, applications in a folder, a dialog of Windows.
    """

    def __init__(self, window: QWidget, status: StatusLine, jobs: Jobs) -> None:
        super().__init__(window)
        self._window, self._status, self._jobs = window, status, jobs

    def choose(self, paths: Sequence[Path], point: QPoint) -> None:
        """Let a person choose the program; a list opens at this point of the screen."""
        if not paths:
            return
        if sys.platform == "darwin":
            self._ask_for_application(paths)
        elif sys.platform == "win32":
            QProcess.startDetached("rundll32", ["shell32.dll,OpenAs_RunDLL", str(paths[0])])
        else:
            language = QLocale().name()
            self._jobs.read(
                lambda: programs_for(_kinds(paths), language), partial(self._show_list, tuple(paths), point)
            )

    def _show_list(self, paths: Sequence[Path], point: QPoint, programs: Sequence[Program]) -> None:
        entries: list[MenuEntry | None] = [
            (plain(program.name).replace("&", "&&"), "", partial(self.open, program, paths))
            for program in programs
        ]
        entries = entries or [(self.tr("The usual program"), "", partial(self._open_usually, paths))]
        another = self.tr("Another program…"), "", partial(self._ask_for_program, paths)
        photo_menu(self._window, [*entries, None, another]).popup(point)

    def _open_usually(self, paths: Sequence[Path]) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths[0]))):
            self._status.show_sentence(self.tr("No program of this computer says that it opens such photos."))

    def open(self, program: Program, paths: Sequence[Path]) -> None:
        """Open these files in a program."""
        name = isolated(program.name)
        if len(paths) > MOST_WINDOWS and not program.takes_several:
            words = self.tr("{program} opens every photo in a window of its own; select at most {most}.")
            self._status.show_sentence(words.format(program=name, most=MOST_WINDOWS))
            return
        for command in program.commands(paths):
            if not QProcess.startDetached(command[0], command[1:]):
                self._status.show_sentence(self.tr("{program} does not start.").format(program=name))
                return

    def _ask_for_application(self, paths: Sequence[Path]) -> None:
        self._ask(
            "/Applications",
            "*.app",
            lambda application: QProcess.startDetached("open", ["-a", application, *map(str, paths)]),
        )

    def _ask_for_program(self, paths: Sequence[Path]) -> None:
        self._ask("/usr/bin", "", lambda file: self.open(Program(Path(file).name, (file, "%F")), paths))

    def _ask(self, folder: str, names: str, chosen: Callable[[str], object]) -> None:
        dialog = QFileDialog(self._window, self.tr("Open with"), folder)
        dialog.setNameFilter(names)
        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _kinds(paths: Sequence[Path]) -> set[str]:
    """Of which kinds files are, by their names."""
    database = QMimeDatabase()
    return {
        database.mimeTypeForFile(name, QMimeDatabase.MatchMode.MatchExtension).name()
        for name in {f"x{path.suffix.lower()}" for path in paths}
    }

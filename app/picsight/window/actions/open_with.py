"""Opens photos in another program, from the list of freedesktop.org desktop entries or with the system's chooser; and
shows them in the system's file browser.
"""

from __future__ import annotations

import configparser
import shlex
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QMimeDatabase, QObject, QProcess, QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from picsight.texts import tr
from picsight.window.controls.keys import photo_menu
from picsight.window.controls.question import open_once
from picsight.window.parts.words import isolated, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.window.controls.keys import MenuEntry
    from picsight.window.status.line import StatusLine

Location = QStandardPaths.StandardLocation
MOST_WINDOWS = 20  # of programs that open one photo each
WAIT_MS = 2000  # for a file browser to answer
SERVICE, OBJECT = "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"
ENTRY = "Desktop Entry"
ONE, SEVERAL = ("%f", "%u"), ("%F", "%U")
IGNORED = ("%i", "%c", "%k", "%d", "%D", "%n", "%N", "%v", "%m")  # icon, name, and deprecated codes


class OpenWith(QObject):
    """On Linux a menu of programs for several photos, on a Mac a choice of an application, on Windows a dialog per photo.

    The default program comes first. Qt has no menu of programs, so each system's source is used: desktop entries, the
    applications folder, the Windows dialog.
    """

    def __init__(self, window: QWidget, status: StatusLine, jobs: Jobs) -> None:
        super().__init__(window)
        self._window, self._status, self._jobs = window, status, jobs

    def choose(self, paths: Sequence[Path], point: QPoint) -> None:
        """Let the user choose the program; a menu opens at this point of the screen."""
        if not paths:
            return
        if sys.platform == "darwin":
            self._ask_for_application(paths)
        elif sys.platform == "win32":
            QProcess.startDetached("rundll32", ["shell32.dll,OpenAs_RunDLL", str(paths[0])])
        else:
            language = QLocale.system().name()
            self._jobs.read(
                lambda: programs_for(_kinds(paths), language), partial(self._show_list, tuple(paths), point)
            )

    def _show_list(self, paths: Sequence[Path], point: QPoint, programs: Sequence[Program]) -> None:
        entries: list[MenuEntry | None] = [
            (plain(program.name).replace("&", "&&"), "", partial(self.open, program, paths))
            for program in programs
        ]
        refusal = tr("No program on this computer opens photos of this kind.")
        usual = partial(self._open_usually, paths[0], refusal)
        entries = entries or [(tr("The usual program"), "", usual)]
        another = tr("Another program…"), "", partial(self._ask_for_program, paths)
        photo_menu(self._window, [*entries, None, another]).popup(point)

    def play(self, path: Path) -> None:
        """Play a film, or the film of a Live Photo, in the system's player."""
        self._open_usually(path, tr("No program on this computer plays films of this kind."))

    def _open_usually(self, path: Path, refusal: str) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self._status.show_sentence(refusal)

    def open(self, program: Program, paths: Sequence[Path]) -> None:
        """Open these files in a program."""
        name = isolated(program.name)
        if len(paths) > MOST_WINDOWS and not program.takes_several:
            words = tr("{program} opens each photo in a new window; select at most {most}.")
            self._status.show_sentence(words.format(program=name, most=MOST_WINDOWS))
            return
        for command in program.commands(paths):
            if not QProcess.startDetached(command[0], command[1:]):
                self._status.show_sentence(tr("{program} does not start.", program=name))
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
        dialog = QFileDialog(self._window, tr("Open with"), folder)
        dialog.setNameFilter(names)
        dialog.fileSelected.connect(chosen)
        open_once(dialog)


def _kinds(paths: Sequence[Path]) -> set[str]:
    """The MIME types of files, by their names."""
    database = QMimeDatabase()
    return {
        database.mimeTypeForFile(name, QMimeDatabase.MatchMode.MatchExtension).name()
        for name in {f"x{path.suffix.lower()}" for path in paths}
    }


@dataclass(frozen=True, slots=True)
class Program:
    """A program's name, and its command with field codes for files."""

    name: str
    words: tuple[str, ...]

    @property
    def takes_several(self) -> bool:
        """Whether one command opens any number of files."""
        return any(word in SEVERAL for word in self.words)

    def commands(self, paths: Sequence[Path]) -> list[list[str]]:
        """The commands that open these files: one for all, else one for each."""
        if self.takes_several:
            return [list(self._filled(paths))]
        return [list(self._filled([path])) for path in paths]

    def _filled(self, paths: Sequence[Path]) -> Iterator[str]:
        has_place = any(word in ONE + SEVERAL for word in self.words)
        for word in self.words:
            if word in ONE + SEVERAL:
                yield from (path.as_uri() if word in ("%u", "%U") else str(path) for path in paths)
            elif word not in IGNORED:
                yield word.replace("%%", "%")
        if not has_place:
            yield from map(str, paths)


def programs_for(kinds: Collection[str], language: str) -> list[Program]:
    """The programs that open all of these MIME types: the default ones first, then by name.

    `language` is that of their names, such as de_CH. Reads hundreds of small files, so it runs in a thread.
    """
    folders = [Path(each) for each in QStandardPaths.standardLocations(Location.ApplicationsLocation)]
    usual = [_usual(kind, folders) for kind in kinds]
    found: dict[str, Program | None] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*.desktop")):
            name = "-".join(file.relative_to(folder).parts)
            if name not in found:  # the user's entry precedes the system's
                found[name] = _program(file, kinds, language)
    there = {name: program for name, program in found.items() if program is not None}
    return [
        there[name]
        for name in sorted(there, key=lambda name: (name not in usual, there[name].name.casefold()))
    ]


def _usual(kind: str, folders: Sequence[Path]) -> str:
    """The default entry for a MIME type, by the user, else by the desktop; empty if there is none."""
    settings = map(Path, QStandardPaths.standardLocations(Location.GenericConfigLocation))
    for folder in (*settings, *folders):
        chosen = _read(folder / "mimeapps.list", "Default Applications").get(kind, "")
        if chosen:
            return chosen.split(";")[0]
    return ""


def _program(file: Path, kinds: Collection[str], language: str) -> Program | None:
    """The program of an entry, if it opens these MIME types and is not hidden."""
    fields = _read(file, ENTRY)
    opens = set(fields.get("MimeType", "").split(";"))
    hidden = any(fields.get(key, "").lower() == "true" for key in ("NoDisplay", "Hidden", "Terminal"))
    if hidden or not fields.get("Name") or not opens.issuperset(kinds):
        return None
    try:
        words = tuple(shlex.split(fields.get("Exec", "")))
    except ValueError:  # an unclosed quote
        return None
    if not words or shutil.which(fields.get("TryExec") or words[0]) is None:
        return None
    names = (fields.get(f"Name[{each}]") for each in (language, language.split("_", maxsplit=1)[0]))
    return Program(next(filter(None, names), fields["Name"]), words)


def _read(file: Path, section: str) -> Mapping[str, str]:
    """A section of a desktop entry; empty if the section is missing or the file is invalid."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # names differ by their case
    try:
        parser.read_string(file.read_text(encoding="utf-8", errors="replace"))
    except (OSError, configparser.Error):
        return {}
    return dict(parser[section]) if parser.has_section(section) else {}


def reveal(path: Path, jobs: Jobs, report: Callable[[str], object]) -> None:
    """Show a file selected in its folder, else open the folder, else report where the file is."""
    if sys.platform == "darwin":
        QProcess.startDetached("open", ["-R", str(path)])
    elif sys.platform == "win32":
        QProcess.startDetached("explorer", [f"/select,{path}"])
    else:
        jobs.read(
            lambda: _ask_file_manager(path),
            lambda shown: None if shown else open_folder(path.parent, path, report),
        )


def open_folder(folder: Path, wanted: Path, report: Callable[[str], object]) -> None:
    """Open a folder; if nothing can, report the path of the file `wanted` in it."""
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        report(tr("No file browser answers. Look at {path}.", path=isolated(str(wanted))))


def _ask_file_manager(path: Path) -> bool:
    """Ask over the session bus; waits for the answer, so it runs in a thread."""
    from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage  # 10 ms, only on use

    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    message = QDBusMessage.createMethodCall(SERVICE, OBJECT, SERVICE, "ShowItems")
    message.setArguments([[QUrl.fromLocalFile(str(path)).toString()], ""])
    reply = bus.call(message, QDBus.CallMode.Block, WAIT_MS)
    return reply.type() != QDBusMessage.MessageType.ErrorMessage

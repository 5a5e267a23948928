"""Copies photos into a chosen folder: atomically, never over an existing file; clashing names get a number."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths
from PySide6.QtWidgets import QFileDialog

from picsight.texts import tr
from picsight.window.controls.question import choose, open_once
from picsight.window.parts.words import counted, first_of, name_lines, number, quoted, size
from picsight_engine.foundation.other_programs import package_of
from picsight_engine.search.answer import files_of_all

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence

    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.settings import SettingsStore
    from picsight.window.status.line import StatusLine
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

CHUNK = 4 * 1024 * 1024  # bytes between two checks for cancellation
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Copied:
    """The result for a file: its copy, or a sentence with the reason for a failure."""

    path: Path
    copy: Path | None = None
    why: str = ""


class Exporting(QObject):
    """Asks whether to include RAW files and originals, and for a folder; shows progress, and reports the result; one export
    at a time. The settings hold the last answer to the first question.
    """

    def __init__(self, window: QWidget, status: StatusLine, jobs: Jobs, store: SettingsStore) -> None:
        super().__init__(window)
        self._window, self._status, self._jobs = window, status, jobs
        self._store = store
        self.library: Library | None = None  # set when it is opened
        self._folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        self._running: threading.Event | None = None  # cancels the export

    def export(self, photos: Sequence[Result]) -> None:
        """Copy these photos, and the files behind them if the user wants that, into a folder that the user chooses."""
        paths, library = files_of_all(photos), self.library
        pairs = [photo.id for photo in photos if photo.companions]
        if library is None or not pairs:
            self.choose(paths)
        else:
            self._jobs.read(lambda: library.photos.companions(pairs), partial(self._ask, paths))

    def _ask(self, paths: Sequence[Path], companions: Sequence[Path]) -> None:
        companions = [path for path in companions if path not in paths]
        if not companions:  # the half of a pair is exported, found by its name
            self.choose(paths)
            return
        every = [*paths, *companions]
        question = counted(
            len(paths), "Export {name} with what is behind it?", "Export %n files with what is behind them?"
        )
        both = tr("Both files") if len(every) == 2 else counted(len(every), "All %n files", "All %n files")
        only = counted(len(paths), "Only this photo", "Only the %n selected")
        options = [(both, partial(self._take, every, True)), (only, partial(self._take, paths, False))]
        names = "\n".join(name_lines(companions))
        question = question.replace("{name}", quoted(paths[0]))
        choose(self._window, question, names, options, usual=not self._store.settings.export_companions)

    def _take(self, paths: Sequence[Path], takes_all: bool) -> None:
        self._store.change(export_companions=takes_all)
        self.choose(paths)

    def choose(self, paths: Sequence[Path]) -> None:
        """Ask for the folder, by default the last one, then copy these files into it."""
        if self._running is not None:
            self._status.show_sentence(tr("Other photos are still being copied. Wait for them, or cancel."))
        elif paths:
            words = counted(len(paths), "Export a copy to", "Export %n copies to")
            dialog = QFileDialog(self._window, words, self._folder)
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            dialog.setLabelText(QFileDialog.DialogLabel.Accept, tr("Export"))
            dialog.fileSelected.connect(partial(self._export, paths))
            open_once(dialog)

    def _export(self, paths: Sequence[Path], folder: str) -> None:
        self._folder = folder
        outcomes: list[Copied] = []

        def note(outcome: Copied) -> None:
            outcomes.append(outcome)
            self._show_progress(len(outcomes), len(paths))

        def end() -> None:
            self._running = None
            self._status.end_work()
            self._report(outcomes, len(paths), Path(folder))

        self._running = self._jobs.stream(partial(copy_files, paths, Path(folder)), note, end)
        self._show_progress(0, len(paths))

    def _show_progress(self, done: int, of: int) -> None:
        words = tr("Copying: {done} of {of}", done=number(done), of=number(of))
        if self._running is not None:
            self._status.show_work(words, done, of, self._running.set)

    def _report(self, outcomes: Sequence[Copied], wanted: int, folder: Path) -> None:
        refused = [each.why for each in outcomes if each.why]
        copied = len(outcomes) - len(refused)
        words = counted(copied, "Copied %n photo to {folder}.", "Copied %n photos to {folder}.")
        if copied < wanted:
            words = tr("Copied {copied} of {wanted} photos to {folder}.")
        words = words.format(copied=number(copied), wanted=number(wanted), folder=quoted(folder))
        why = first_of(refused, "One more could not be copied.", "%n more could not be copied.")
        self._status.show_sentence(" ".join(filter(None, (words, why))))


def copy_files(paths: Sequence[Path], folder: Path, cancel: threading.Event) -> Iterator[Copied]:
    """Copy files one after the other, until `cancel` is set or the folder cannot take more.

    Reads and writes the disk, so it runs in a thread.
    """
    if why := _obstacle(paths, folder):
        yield Copied(folder, why=why)
        return
    for path in paths:
        try:
            copy = _copy(path, folder, cancel)
        except OSError as fault:
            why, is_last = _refusal(path, folder, fault)
            yield Copied(path, why=why)
            if is_last:
                return
        else:
            if copy is None:  # cancelled
                return
            yield Copied(path, copy)


def _obstacle(paths: Sequence[Path], folder: Path) -> str:
    """Why nothing can be copied into the folder; empty if copying is possible."""
    if package_of(folder / "copy"):
        words = tr("{folder} belongs to another program. Choose another folder; nothing was copied.")
        return words.format(folder=quoted(folder))
    needed = 0
    for path in paths:
        with contextlib.suppress(OSError):  # reported when it is copied
            needed += path.stat().st_size
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if needed <= free:
        return ""
    words = tr("The copies need {needed}, and {folder} has {free} left. Nothing was copied.")
    return words.format(needed=size(needed), folder=quoted(folder), free=size(free))


def _copy(path: Path, folder: Path, cancel: threading.Event) -> Path | None:
    """Write under a temporary name until the copy is complete, so that a crash leaves no partial copy under the real
    name. None if cancelled.
    """
    part = folder / f".picsight-{os.urandom(4).hex()}.part"
    try:
        with path.open("rb") as source, part.open("xb") as target:
            while (chunk := source.read(CHUNK)) and not cancel.is_set():
                target.write(chunk)
        if cancel.is_set():
            return None
        with contextlib.suppress(OSError):  # times and permissions, which not every disk supports
            shutil.copystat(path, part)
        reserved = _reserve(folder, path)
        try:
            return part.replace(reserved)
        except OSError:
            with contextlib.suppress(OSError):
                reserved.unlink()
            raise
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _reserve(folder: Path, path: Path) -> Path:
    """An empty file with the first free name: IMG_1.jpg, then IMG_1 (2).jpg."""
    for place in itertools.count(1):
        target = folder / (path.name if place == 1 else f"{path.stem} ({place}){path.suffix}")
        with contextlib.suppress(FileExistsError):
            target.open("xb").close()
            return target
    raise AssertionError


def _refusal(path: Path, folder: Path, fault: OSError) -> tuple[str, bool]:
    """Why a copy could not be written, and whether this applies to all others."""
    where, name = quoted(folder), quoted(path)
    if fault.filename == str(path):  # the photo, not its copy
        gone = tr("{name} is not there; its disk may not be connected.")
        why = gone if isinstance(fault, FileNotFoundError) else tr("{name} cannot be read: {reason}.")
        return why.format(name=name, reason=fault.strerror), False
    if fault.errno in FULL:
        return tr("The disk of {folder} is full.", folder=where), True
    if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return tr("Picsight may not write into {folder}.", folder=where), True
    if not folder.is_dir():
        return tr("The folder {folder} no longer exists.", folder=where), True
    return tr("{name} cannot be copied: {reason}.", name=name, reason=fault.strerror), False

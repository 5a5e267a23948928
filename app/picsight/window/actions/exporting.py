"""Copies photos into a folder that a person chooses: with progress, a way to stop, and a sentence at the end."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths
from PySide6.QtWidgets import QFileDialog

from picsight.window.actions.copies import Copied, NotCopied, copy_files
from picsight.window.parts.words import counted, first_of, isolated, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs, Stream
    from picsight.window.library.status import StatusLine


class Exporting(QObject):
    """Asks where to, and tells how it went; one export at a time."""

    def __init__(self, window: QWidget, status: StatusLine, jobs: Jobs) -> None:
        super().__init__(window)
        self._window, self._status, self._jobs = window, status, jobs
        self._folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        self._running: Stream | None = None

    def choose(self, paths: Sequence[Path]) -> None:
        """Ask for the folder, at first the one of last time, then copy these files into it."""
        if self._running is not None:
            self._status.show_sentence(self.tr("Wait until the copies before are made, or cancel them."))
        elif paths:
            words = counted(len(paths), "Export a copy to", "Export %n copies to")
            dialog = QFileDialog(self._window, words, self._folder)
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            dialog.setLabelText(QFileDialog.DialogLabel.Accept, self.tr("Export"))
            dialog.fileSelected.connect(partial(self._export_to, paths))
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()

    def _export_to(self, paths: Sequence[Path], folder: str) -> None:
        self._folder = folder
        self.export(paths, Path(folder))

    def export(self, paths: Sequence[Path], folder: Path) -> None:
        """Copy these files into the folder."""
        outcomes: list[Copied | NotCopied] = []

        def note(outcome: Copied | NotCopied) -> None:
            outcomes.append(outcome)
            self._show_progress(len(outcomes), len(paths))

        def end() -> None:
            self._running = None
            self._status.end_work()
            self._tell(outcomes, len(paths), folder)

        self._running = self._jobs.stream(partial(copy_files, paths, folder), note, end)
        self._show_progress(0, len(paths))

    def _show_progress(self, done: int, of: int) -> None:
        words = self.tr("Copying: {done} of {of}").format(done=number(done), of=number(of))
        if self._running is not None:
            self._status.show_work(words, done, of, self._running.cancel)

    def _tell(self, outcomes: Sequence[Copied | NotCopied], wanted: int, folder: Path) -> None:
        copied = sum(isinstance(each, Copied) for each in outcomes)
        refused = [each.why for each in outcomes if isinstance(each, NotCopied)]
        name = isolated(f"“{folder.name or folder}”")
        if copied == wanted:
            words = counted(copied, "Copied %n photo to {folder}.", "Copied %n photos to {folder}.")
            self._status.show_sentence(words.format(folder=name))
            return
        words = self.tr("Copied {copied} of {wanted} photos to {folder}.")
        words = words.format(copied=number(copied), wanted=number(wanted), folder=name)
        why = first_of(refused, "One more could not be copied.", "%n more could not be copied.")
        self._status.show_sentence(" ".join(filter(None, (words, why))))

"""The line at the bottom: what is shown, what goes on, and how to pause it; a click tells more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from picsight.window.parts.controls import Button, ThinProgress, Weight
from picsight.window.parts.labels import ElidedLabel, Words
from picsight.window.parts.words import counted, duration, number, percent, tooltip
from picsight.window.tokens import PAD, SMALL, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from picsight_engine.indexing.events import Progress


class StatusLine(QWidget):
    """Left: the photos. Right: indexing, with what can be done about it."""

    pause_requested = Signal()
    resume_requested = Signal()
    cancel_change_requested = Signal()
    install_again_requested = Signal()
    forget_requested = Signal()
    problems_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photos = ElidedLabel(self)
        self._said = ElidedLabel(self, edge=Qt.AlignmentFlag.AlignTrailing)
        self._news = Button("", Weight.QUIET, self)
        self._act = Button("", Weight.QUIET, self)
        self._progress = ThinProgress(self.tr("Indexing"), self)
        self._details = IndexingDetails(self)
        self._action = self.pause_requested
        self._act.clicked.connect(self._act_now)
        self._news.clicked.connect(self._toggle)
        row = QHBoxLayout()
        row.setContentsMargins(px(self, PAD), 0, px(self, PAD), 0)
        row.setSpacing(px(self, PAD))
        self._photos.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        row.addWidget(self._photos)
        row.addWidget(self._said, 1)
        row.addWidget(self._news)
        row.addWidget(self._progress)
        row.addWidget(self._act)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 1, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._details)
        column.addLayout(row)
        self._photos.setMinimumHeight(px(self, 2.25))
        self._progress.setFixedWidth(px(self, 8))
        self._progress.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._details.hide()
        self.show_idle()

    def say_photos(self, words: str) -> None:
        """What is shown and selected."""
        self._photos.setText(words)

    def words(self) -> str:
        """What is said about indexing."""
        return self._news.text() if self._news.isVisibleTo(self) else self._said.text()

    def show_idle(self) -> None:
        """Nothing goes on."""
        self._show_right("", None, "")
        self._details.hide()

    def show_scanning(self, files: int) -> None:
        """Files are being found; their number is not known yet."""
        self._show_right(
            counted(files, "Looking · %n file so far", "Looking · %n files so far"),
            self.pause_requested,
            self.tr("Pause"),
        )
        self._progress.setMaximum(0)
        self._progress.show()

    def show_progress(self, progress: Progress, folders: int) -> None:
        """How far it is."""
        left = progress.seconds_left
        words = (
            self.tr("Indexing · {time} left").format(time=duration(left))
            if left is not None
            else self.tr("Indexing")
        )
        self._show_right(words, self.pause_requested, self.tr("Pause"))
        self._progress.setMaximum(max(progress.total, 1))
        self._progress.setValue(progress.done)
        self._progress.show()
        self._details.show_progress(progress, folders)

    def show_changing(self, share: float | None) -> None:
        """A new model reads the photos: how much of them, from 0 to 1, None while they are counted."""
        sentence = self.tr("Search keeps working while the new model reads your photos.")
        short = self.tr("The new model reads your photos.")
        if share is not None:
            done = percent(share)
            sentence = self.tr("Search keeps working while the new model reads your photos: {share}.")
            sentence, short = sentence.format(share=done), self.tr("New model: {share}").format(share=done)
        self._show_right(sentence, self.cancel_change_requested, self.tr("Cancel"), short)
        self._act.setAccessibleName(self.tr("Cancel the change of model"))
        self._details.hide()
        self._progress.setAccessibleName(self.tr("Photos read by the new model"))
        self._progress.setMaximum(0 if share is None else 1000)
        self._progress.setValue(0 if share is None else int(1000 * share))
        self._progress.show()

    def show_unread(self, why: str) -> None:
        """The new model could not read all photos now: `why`, if that is known, and the way back."""
        words = self.tr("The new model cannot read all photos now. Until it can, the one before answers.")
        self._show_right(
            " ".join(filter(None, (why, words))), self.cancel_change_requested, self.tr("Cancel")
        )
        self._act.setAccessibleName(self.tr("Cancel the change of model"))
        self._details.hide()

    def show_incomplete(self) -> None:
        """The model's files cannot be used as they are."""
        words = self.tr("The search model is incomplete.")
        self._show_right(words, self.install_again_requested, self.tr("Install again"))
        self._details.hide()

    def show_paused(self) -> None:
        """A person paused it."""
        self._show_right(self.tr("Paused."), self.resume_requested, self.tr("Resume"))
        self._details.hide()

    def show_stopped(self, sentence: str) -> None:
        """It could not go on: why, and a way to try again."""
        self._show_right(sentence, self.resume_requested, self.tr("Resume"))
        self._details.hide()

    def show_emptier(self, sentence: str) -> None:
        """Photos are missing and were kept: a person may know better."""
        self._show_right(sentence, self.forget_requested, self.tr("They are gone"))

    def show_sentence(self, sentence: str) -> None:
        """Something that a person should read; nothing is to be done here about it."""
        self._show_right(sentence, None, "")

    def show_done(self, photos: int, problems: int) -> None:
        """All is looked through."""
        found = counted(photos, "%n photo", "%n photos")
        if problems:
            bad = counted(problems, "%n problem", "%n problems")
            words = self.tr("Your photos are ready: {photos}, {problems}.").format(photos=found, problems=bad)
            self._show_right(words, self.problems_requested, self.tr("Show problems"))
        else:
            self._show_right(self.tr("Your photos are ready: {photos}.").format(photos=found), None, "")
        self._details.hide()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The line to the photos."""
        painter = QPainter(self)
        painter.fillRect(0, 0, self.width(), 1, tones(self).line)
        painter.end()

    def _show_right(self, words: str, action: object | None, verb: str, short: str = "") -> None:
        goes_on = action is self.pause_requested
        self._said.say("" if goes_on else words, short)
        self._said.setToolTip("" if goes_on else tooltip(words))
        self._news.setText(words if goes_on else "")
        self._news.setVisible(goes_on)
        self._news.updateGeometry()
        self._progress.hide()
        self._act.setVisible(action is not None)
        self._act.setText(verb)
        self._act.setAccessibleName("")  # its words; only a change of model needs more
        self._progress.setAccessibleName(self.tr("Indexing"))
        self._act.updateGeometry()
        if action is not None:
            self._action = action  # type: ignore[assignment]  # one of this class's own signals

    def _act_now(self) -> None:
        self._action.emit()

    def _toggle(self) -> None:
        self._details.setVisible(not self._details.isVisible())


class IndexingDetails(QWidget):
    """Two lines about the run: how far and how fast, how long and what could not be read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._far, self._long = Words(parent=self), Words(parent=self)
        column = QVBoxLayout(self)
        column.setContentsMargins(px(self, PAD), px(self, PAD), px(self, PAD), 0)
        column.setSpacing(px(self, SMALL))
        column.addWidget(self._far)
        column.addWidget(self._long)

    def show_progress(self, progress: Progress, folders: int) -> None:
        """Say the figures."""
        where = counted(folders, "Looking through %n folder", "Looking through %n folders")
        done = self.tr("{done} of {total}").format(done=number(progress.done), total=number(progress.total))
        rate = counted(round(progress.photos_per_second), "%n photo a second", "%n photos a second")
        gap = "   "
        self._far.setText(gap.join((where, done, rate) if progress.photos_per_second >= 1 else (where, done)))
        left = (
            self.tr("{time} left").format(time=duration(progress.seconds_left))
            if progress.seconds_left is not None
            else ""
        )
        problems = counted(progress.problems, "%n problem", "%n problems") if progress.problems else ""
        self._long.setText(" · ".join(filter(None, (left, problems))))
        self._long.setVisible(bool(self._long.text()))

"""The status line: the number of photos, the running work, and a button to pause it; a click shows more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, ThinProgress
from picsight.window.parts.labels import TRAILING, ElidedLabel, Label
from picsight.window.parts.layouts import Ruled, filled
from picsight.window.parts.words import counted, duration, number, percent, quoted, tooltip
from picsight.window.tokens import PAD, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from picsight_engine.indexing.events import Progress

NOTICED_MS, READ_MS = 6000, 60  # how long news stays: until it is noticed, plus the time per letter


@dataclass(frozen=True, slots=True)
class StatusText:
    """The text on the right, and the button `verb`, which `spoken` names for a screen reader.

    `short` is used if there is little room. `goes_on`: a click on the words shows the figures. `bar` is the progress
    and its total, which is 0 if unknown.
    """

    words: str = ""
    verb: str = ""
    run: Callable[[], object] | None = None
    short: str = ""
    spoken: str = ""
    goes_on: bool = False
    bar: tuple[int, int] | None = None
    bar_name: str = ""


IDLE = StatusText()


class StatusLine(Ruled):
    """Left: the photos. Right: the running work and its button; news covers it until there was time to read it."""

    pause_requested = Signal()
    resume_requested = Signal()
    cancel_change_requested = Signal()
    install_again_requested = Signal()
    forget_requested = Signal()
    problems_requested = Signal()
    suggestions_requested = Signal()
    folders_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._photos = ElidedLabel(self)
        self._sentence = ElidedLabel(self)
        self._sentence.setAlignment(TRAILING)
        self._news = Button("", Emphasis.QUIET, self)
        self._button = Button("", Emphasis.QUIET, self)
        self._progress = ThinProgress(tr("Indexing"), self)
        self._figures = IndexingFigures(self)
        self._standing, self._shown, self._far = IDLE, IDLE, ""
        self._work: StatusText | None = None
        self.expiry = QTimer(self, singleShot=True)
        self.expiry.timeout.connect(self._expire)
        self._button.clicked.connect(self._press)
        self._news.clicked.connect(self._toggle)
        self._lay_out()
        self._show(IDLE)

    def _lay_out(self) -> None:
        parts = self._photos, (self._sentence, 1), self._news, self._progress, self._button
        row = filled(QHBoxLayout(), self, *parts, gap=PAD, around=(PAD, 0, PAD, 0))
        filled(QVBoxLayout(self), self, self._figures, row, gap=0).setContentsMargins(0, 1, 0, 0)
        self._photos.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._photos.setMinimumHeight(px(self, 2.25))
        self._progress.setFixedWidth(px(self, 8))
        self._progress.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._figures.hide()

    def say_photos(self, words: str) -> None:
        """Show the number of photos in the library."""
        self._photos.setText(words)

    def words(self) -> str:
        """The text on the right."""
        return self._shown.words

    def show_idle(self) -> None:
        """Show that nothing is running."""
        self._set_state(IDLE)

    def show_scanning(self, files: int) -> None:
        """Show that files are being found; their total is not known yet."""
        self._far = ""
        words = counted(files, "Looking · %n file so far", "Looking · %n files so far")
        self._set_state(self._pausable(words, (0, 0)))

    def show_progress(self, progress: Progress, folders: int, photos: int) -> None:
        """Show the progress of indexing; `photos` can be searched already."""
        left, words = progress.seconds_left, tr("Looking into photos") if progress.is_slow else tr("Indexing")
        if left is not None:
            words = tr("{work} · {time} left", work=words, time=duration(left))
        done, total = number(progress.done), number(progress.total)
        self._far = tr("{done} of {total}", done=done, total=total)
        self._figures.show_progress(progress, self._far, folders, photos)
        self._set_state(self._pausable(words, (progress.done, max(progress.total, 1))))

    def _pausable(self, words: str, bar: tuple[int, int]) -> StatusText:
        return StatusText(words, tr("Pause"), self.pause_requested.emit, goes_on=True, bar=bar)

    def show_changing(self, share: float | None) -> None:
        """Show the share of photos that a new model has read, from 0 to 1, None while they are counted."""
        sentence = tr("Search keeps working while the new model reads your photos.")
        short = tr("The new model reads your photos.")
        if share is not None:
            done = percent(share)
            sentence = tr("Search keeps working while the new model reads your photos: {share}.")
            sentence, short = sentence.format(share=done), tr("New model: {share}", share=done)
        bar = (0, 0) if share is None else (int(1000 * share), 1000)
        name = tr("Photos read by the new model")
        self._set_state(replace(self._cancelable(sentence), short=short, bar=bar, bar_name=name))

    def show_unread(self, why: str) -> None:
        """Show that the new model could not read all photos: `why`, if known, and a button to cancel the change."""
        words = tr("The new model cannot read all photos now. Until it can, the old one answers.")
        self._set_state(self._cancelable(" ".join(filter(None, (why, words)))))

    def _cancelable(self, words: str) -> StatusText:
        spoken = tr("Cancel the change of model")
        return StatusText(words, tr("Cancel"), self.cancel_change_requested.emit, spoken=spoken)

    def show_incomplete(self) -> None:
        """Show that the model's files are incomplete."""
        words = tr("The search model is incomplete.")
        self._set_state(StatusText(words, tr("Install again"), self.install_again_requested.emit))

    def show_paused(self) -> None:
        """Show that the user paused indexing, and its progress."""
        words = tr("Paused at {far}.", far=self._far) if self._far else tr("Paused.")
        self._set_state(StatusText(words, tr("Resume"), self.resume_requested.emit))

    def show_stopped(self, sentence: str) -> None:
        """Show why indexing stopped, and a button to try again."""
        self._set_state(StatusText(sentence, tr("Resume"), self.resume_requested.emit))

    def show_emptied(self, sentence: str) -> None:
        """Show that missing photos were kept, and a button to remove them."""
        self._set_state(StatusText(sentence, tr("They are gone"), self.forget_requested.emit))

    def show_sentence(
        self, sentence: str, verb: str = "", run: Callable[[], object] | None = None
    ) -> StatusText:
        """Show news, with a button `verb` if there is something to do about it."""
        self._show(StatusText(sentence, verb, run))
        self.expiry.start(NOTICED_MS + READ_MS * len(sentence))  # as long as it takes to read
        return self._shown

    def is_showing(self, line: StatusText | None) -> bool:
        """Whether this very text is on the right."""
        return self._shown is line

    def show_done(self, photos: int, problems: int) -> None:
        """Show that all folders are indexed."""
        found = counted(photos, "%n photo", "%n photos")
        if problems:
            bad = counted(problems, "%n problem", "%n problems")
            words = tr("Your photos are ready: {photos}, {problems}.", photos=found, problems=bad)
            self.show_sentence(words, tr("Show problems"), self.problems_requested.emit)
        else:
            self.show_sentence(tr("Your photos are ready: {photos}.", photos=found))

    def show_suggested(self, sentence: str) -> None:
        """Show that tags suggest new photos."""
        self.show_sentence(sentence, tr("Look at them"), self.suggestions_requested.emit)

    def show_empty(self, folders: Sequence[Path]) -> None:
        """Show that these added folders hold no photos."""
        names = ", ".join(map(quoted, folders))
        words = tr("No photos in {folders}.", folders=names)
        self.show_sentence(words, tr("Choose another folder…"), self.folders_requested.emit)

    def show_work(self, words: str, done: int, total: int, cancel: Callable[[], object]) -> None:
        """Show the progress of work that the user waits for; it takes precedence over background work."""
        if self._work is None:
            self.expiry.stop()
        self._work = StatusText(words, tr("Cancel"), cancel, bar=(done, total), bar_name=words)
        if not self.expiry.isActive():
            self._show(self._work)

    def end_work(self) -> None:
        """Remove the progress of finished or cancelled work."""
        self._work = None
        if not self.expiry.isActive():
            self._show(self._standing)

    def _set_state(self, line: StatusText) -> None:
        """Set the text about the running work; it waits for news that has a button, or if the button is the same."""
        before, self._standing = self._standing, line
        stays = self._shown.verb or line.verb == before.verb
        if self._work is None and not (self.expiry.isActive() and stays):
            self.expiry.stop()
            self._show(line)

    def _expire(self) -> None:
        if self.underMouse():  # the user is reading it, or about to press its button
            self.expiry.start()
        else:
            self._show(self._work or self._standing)

    def _show(self, line: StatusText) -> None:
        self._shown = line
        self._sentence.say("" if line.goes_on else line.words, line.short)
        self._sentence.setToolTip("" if line.goes_on else tooltip(line.words))
        self._news.setText(line.words if line.goes_on else "")
        self._news.setVisible(line.goes_on)
        self._news.updateGeometry()
        self._figures.setVisible(line.goes_on and self._figures.isVisible())
        self._progress.setVisible(line.bar is not None)
        done, total = line.bar or (0, 1)
        self._progress.setMaximum(total)
        self._progress.setValue(done)
        self._progress.setAccessibleName(line.bar_name or tr("Indexing"))
        self._button.setVisible(bool(line.verb))
        self._button.setText(line.verb)
        self._button.setAccessibleName(line.spoken)
        self._button.updateGeometry()

    def _press(self) -> None:
        if self._shown.run is not None:
            self._shown.run()

    def _toggle(self) -> None:
        self._figures.setVisible(not self._figures.isVisible())


class IndexingFigures(QWidget):
    """Two lines about the run: progress and speed, then searchable photos and problems."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._far, self._long = Label(parent=self), Label(parent=self)
        filled(QVBoxLayout(self), self, self._far, self._long, gap=SMALL, around=(PAD, PAD, PAD, 0))

    def show_progress(self, progress: Progress, done: str, folders: int, photos: int) -> None:
        """Show the figures; `done` is the progress in words."""
        where = counted(folders, "Looking through %n folder", "Looking through %n folders")
        rate = counted(round(progress.photos_per_second), "%n photo a second", "%n photos a second")
        gap = "   "
        self._far.setText(gap.join((where, done, rate) if progress.photos_per_second >= 1 else (where, done)))
        ready = counted(photos, "You can already search %n photo", "You can already search %n photos")
        ready = ready if photos else ""
        problems = counted(progress.problems, "%n problem", "%n problems") if progress.problems else ""
        self._long.setText(" · ".join(filter(None, (ready, problems))))

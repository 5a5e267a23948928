"""Pages of text: a title, a reason, and buttons. The first-run page says what Picsight does and
promises; a line tells of better models.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, IconButton
from picsight.window.parts.icons import Icon
from picsight.window.parts.labels import ElidedLabel, Label, sized
from picsight.window.parts.layouts import Ruled, filled
from picsight.window.tokens import HALF, ONE, PAD, WIDE, px

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from picsight.window.parts.layouts import Part

    Option = tuple[str, Callable[[], object]]  # the words of a button and its action

WIDEST = 32  # em: longer lines are hard to read


def _centre(page: QWidget, *parts: Part, gap: float) -> QVBoxLayout:
    """Centre parts on a page, a little above half its height."""
    inner = QWidget(page)
    inner.setMaximumWidth(px(page, WIDEST))
    filled(QHBoxLayout(page), page, 1, (inner, 1000), 1)
    return filled(QVBoxLayout(inner), page, 2, *parts, 3, gap=gap)


class Notice(QWidget):
    """A title, a sentence, buttons; shown when there is nothing else to show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._sentence = (
            sized(Label(parent=self, wraps=True), 1.3, semibold=True),
            Label(parent=self, wraps=True),
        )
        for label in (self._title, self._sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._buttons = ButtonRow(self)
        _centre(self, self._title, self._sentence, HALF, self._buttons, gap=PAD)

    def words(self) -> str:
        """The shown words."""
        return f"{self._title.text()}\n{self._sentence.text()}"

    def say(self, title: str, sentence: str = "", options: Sequence[Option] = ()) -> None:
        """Show words and buttons with their actions; the first button is the primary one."""
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        had_focus = self.hasFocus()
        if first := self._buttons.offer(options):
            self.setFocusProxy(first)
            if had_focus:
                first.show()
                first.setFocus()


class ButtonRow(QHBoxLayout):
    """Centred buttons side by side: the next steps."""

    def __init__(self, host: QWidget) -> None:
        super().__init__()
        self._host = host

    def offer(self, options: Sequence[Option]) -> Button | None:
        """Show a button for each; returns the first one, which is the primary one."""
        while (item := self.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        buttons = []
        for place, (words, action) in enumerate(options):
            buttons.append(Button(words, Emphasis.PLAIN if place else Emphasis.PRIMARY, self._host))
            buttons[-1].clicked.connect(action)
        if buttons:
            filled(self, self._host, 1, *buttons, 1, gap=PAD)
        return buttons[0] if buttons else None


class FirstRun(QWidget):
    """Two promises and a way to add folders."""

    choose_requested = Signal()
    folders_chosen = Signal(object)  # list[Path]

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)  # as every page
        words = Label(tr("Find your photos by describing them."), self, wraps=True)
        title = sized(words, 1.3, semibold=True)
        promises = [
            self._promise("computer", tr("Everything stays on this computer: no account, no upload.")),
            self._promise("read-only", tr("Your photos are only read, never changed.")),
        ]
        self._hint = sized(Label(tr("Or drop a folder here."), self, wraps=True), 0.9)
        _centre(
            self, title, PAD, *promises, ONE, self._buttons(), PAD, self._hint, gap=HALF
        ).setContentsMargins(0, 0, 0, 0)

    def _promise(self, icon: str, words: str) -> QHBoxLayout:
        label = Label(words, self, wraps=True)
        label.setMinimumHeight(px(self, WIDE))
        sign = Icon(icon, 1.25, self, lambda colours: colours.accent)
        return filled(QHBoxLayout(), self, sign, (label, 1), gap=PAD)

    def _buttons(self) -> QHBoxLayout:
        choose = Button(tr("Choose folders…"), Emphasis.PRIMARY, self)
        choose.clicked.connect(self.choose_requested)
        buttons = [choose]
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        if pictures and Path(pictures).is_dir() and Path(pictures) != Path.home():
            use = Button(tr("Use my Pictures folder"), Emphasis.QUIET, self)
            use.clicked.connect(lambda: self.folders_chosen.emit([Path(pictures)]))
            buttons.append(use)
        return filled(QHBoxLayout(), self, *buttons, 1, gap=PAD)

    def say(self, sentence: str) -> None:
        """Show why a folder could not be added."""
        self._hint.setText(sentence)


class HintLine(Ruled):
    """A line below the photos, so that none of them moves when it appears."""

    models_requested = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = ElidedLabel(self)
        whole = tr("Not what you meant? This small model knows everyday things.")
        words.say(whole, tr("Not what you meant?"))
        words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.better = Button(tr("Get a better one…"), Emphasis.QUIET, self)
        self.better.setAccessibleDescription(words.text())
        self.better.clicked.connect(self.models_requested)
        self.dismiss = IconButton("clear", tr("Do not mention better models again"), self)
        self.dismiss.clicked.connect(self.dismissed)
        row = filled(QHBoxLayout(self), self, PAD - HALF, words, self.better, 1, self.dismiss, gap=HALF)
        row.setContentsMargins(px(self, HALF), 1, px(self, HALF), 0)
        self.hide()

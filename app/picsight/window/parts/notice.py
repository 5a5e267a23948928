"""A page of words: what is, why, and the buttons that lead on. Used wherever there is nothing else to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from picsight.window.parts.controls import Button, Weight
from picsight.window.parts.labels import Words, sized
from picsight.window.tokens import HALF, PAD, px

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Way = tuple[str, Callable[[], None]]  # the words of a button and what it does


class Notice(QWidget):
    """A title, a sentence, buttons; centred, at most 32 em wide."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = sized(Words(parent=self), 1.3, semibold=True)
        self._sentence = Words(parent=self)
        for label in (self._title, self._sentence):
            label.setWordWrap(True)
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._ways = Ways(self)
        inner = QWidget(self)
        inner.setMaximumWidth(px(self, 32))
        column = QVBoxLayout(inner)
        column.setSpacing(px(self, PAD))
        column.addStretch(2)
        column.addWidget(self._title)
        column.addWidget(self._sentence)
        column.addSpacing(px(self, HALF))
        column.addLayout(self._ways)
        column.addStretch(3)
        centred = QHBoxLayout(self)
        centred.addStretch(1)
        centred.addWidget(inner, 1000)
        centred.addStretch(1)

    def words(self) -> str:
        """What is said now."""
        return f"{self._title.text()}\n{self._sentence.text()}"

    def say(self, title: str, sentence: str = "", ways: Sequence[Way] = ()) -> None:
        """Show words and, for each button, what it does; the first is the primary one."""
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self._ways.offer(ways)


class Ways(QHBoxLayout):
    """Buttons side by side in the middle: where one can go from here."""

    def __init__(self, host: QWidget) -> None:
        super().__init__()
        self._host = host
        self.setSpacing(px(host, PAD))

    def offer(self, ways: Sequence[Way]) -> None:
        """A button for each; the first is the primary one."""
        while (item := self.takeAt(0)) is not None:
            if widget := item.widget():
                widget.deleteLater()
        if not ways:
            return
        self.addStretch(1)
        for place, (words, action) in enumerate(ways):
            button = Button(words, Weight.PLAIN if place else Weight.PRIMARY, self._host)
            button.clicked.connect(action)
            self.addWidget(button)
        self.addStretch(1)

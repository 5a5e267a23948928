"""The words of a tag: chips, each with a cross, and a line for one more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from picsight.window.parts.line import Line
from picsight.window.parts.pills import Pills
from picsight.window.search.chips import Chip, ChipButton
from picsight.window.tokens import HAIR, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent


class WordsField(QWidget):
    """Tells of all words whenever one comes or goes."""

    changed = Signal(object)  # tuple[str, ...]
    typed = Signal(object)  # tuple[str, ...] with what stands in the line, for a preview

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words: tuple[str, ...] = ()
        self._chips = Pills(self, between=HAIR)
        self.line = WordsLine(self)
        self.line.returnPressed.connect(self._add)
        self.line.textEdited.connect(lambda _text: self.typed.emit(self.with_line()))
        self.line.emptied.connect(lambda: self._show(self._words[:-1], tell=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(px(self, SMALL))
        column.addWidget(self._chips, 0, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.line)
        self.show_words(())

    def words(self) -> tuple[str, ...]:
        """The words that are there."""
        return self._words

    def with_line(self) -> tuple[str, ...]:
        """The same with what stands in the line."""
        text = " ".join(self.line.text().split())
        return tuple(dict.fromkeys((*self._words, *([text] if text else []))))

    def show_words(self, words: Sequence[str]) -> None:
        """Show these; nobody is told."""
        self._show(words, tell=False)

    def _show(self, words: Sequence[str], *, tell: bool) -> None:
        changed, self._words = tuple(words) != self._words, tuple(words)
        buttons = [self._button(each) for each in self._words]
        self._chips.show_buttons(buttons)
        self._chips.setVisible(bool(buttons))
        if tell and changed:
            self.changed.emit(self._words)

    def _button(self, words: str) -> ChipButton:
        button = ChipButton(Chip(words, words), self._chips)
        button.setAccessibleName(self.tr("{words}, removable").format(words=words))
        button.removed.connect(lambda: self._show([each for each in self._words if each != words], tell=True))
        button.opened.connect(lambda: self._edit(words))
        return button

    def _edit(self, words: str) -> None:
        """Words become text again, to be written otherwise; what stands there becomes a chip."""
        self._show([each for each in self.with_line() if each != words], tell=True)
        self.line.setText(words)
        self.typed.emit(self.with_line())
        self.line.setFocus()

    def _add(self) -> None:
        words = self.with_line()
        self.line.clear()
        self._show(words, tell=True)


class WordsLine(Line):
    """Where one more is typed; Backspace with nothing typed takes the last one away."""

    emptied = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Words of the tag"), self.tr("Such as: wading bird"), parent)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Backspace goes on to the chips."""
        if event.key() == Qt.Key.Key_Backspace and not self.text():
            self.emptied.emit()
        else:
            super().keyPressEvent(event)

"""The line of the search box: examples while it is empty, and marks in its words. The box handles its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QPalette, QTextCharFormat
from PySide6.QtWidgets import QLineEdit, QWidget

from picsight.texts import marked, tr
from picsight.window.tokens import px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from picsight.window.search.understood import Mark

EXAMPLES = (
    marked("red bicycle near the sea"),
    marked("dog on the beach"),
    marked("castle by the water"),
    marked("birthday cake with candles"),
)
ROTATE_MS = 8000


class SearchLine(QLineEdit):
    """Words, on the ground of the box."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._example, self._has_examples = 0, True
        self._composing = False
        self.setFrame(False)
        self.setAccessibleName(tr("Search photos"))
        self.setAttribute(Qt.WidgetAttribute.WA_MacShowFocusRect, False)
        self.setAcceptDrops(False)  # the whole box takes pictures
        self.setMinimumWidth(px(self, 4))
        clear_ground = QPalette()
        clear_ground.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.setPalette(clear_ground)
        self.offer_examples(offered=True)
        self._rotation = QTimer(self, interval=ROTATE_MS)
        self._rotation.timeout.connect(self._rotate)
        self._rotation.start()

    def offer_examples(self, *, offered: bool) -> None:
        """Show an example while the line is empty, or show none beside chips."""
        self._has_examples = offered
        example = tr("Describe a photo, for example: {words}", words=tr(EXAMPLES[self._example]))
        self.setPlaceholderText(example if offered else "")

    def _rotate(self) -> None:
        """Show the next example while nobody types."""
        if self._has_examples and not self.hasFocus():
            self._example = (self._example + 1) % len(EXAMPLES)
            self.offer_examples(offered=True)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Note whether a word is being composed, which has formats of its own."""
        self._composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Mark only these parts. QLineEdit has no text formats, so those of an input method are used."""
        if self._composing:
            return
        kind, cursor = QInputMethodEvent.AttributeType.TextFormat, self.cursorPosition()
        attributes = [
            QInputMethodEvent.Attribute(kind, mark.start - cursor, mark.length, self._format(mark))
            for mark in marks
        ]
        selected = self.selectionStart(), len(self.selectedText())
        QGuiApplication.sendEvent(self, QInputMethodEvent("", attributes))
        if selected[0] >= 0:
            self.setSelection(*selected)

    def _format(self, mark: Mark) -> QTextCharFormat:
        colours, form = tones(self), QTextCharFormat()
        if mark.is_fault:
            form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            form.setUnderlineColor(colours.fault)
        else:
            form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DashUnderline)
            form.setUnderlineColor(colours.accent)
        return form

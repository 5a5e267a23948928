"""Marks under the words of a line: waves where something is wrong, dashes under what was recognised, as around its chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QTextCharFormat

from picsight.window.tokens import tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QLineEdit


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a line."""

    start: int
    length: int
    is_fault: bool = False


def show_marks(line: QLineEdit, marks: Sequence[Mark]) -> None:
    """Mark these parts and no others. A line has no formats of its own: it shows those of an input method."""
    kind, cursor = QInputMethodEvent.AttributeType.TextFormat, line.cursorPosition()
    attributes = [
        QInputMethodEvent.Attribute(kind, mark.start - cursor, mark.length, _format(line, mark))
        for mark in marks
    ]
    selected = line.selectionStart(), len(line.selectedText())
    QGuiApplication.sendEvent(line, QInputMethodEvent("", attributes))
    if selected[0] >= 0:
        line.setSelection(*selected)


def _format(line: QLineEdit, mark: Mark) -> QTextCharFormat:
    colours, form = tones(line), QTextCharFormat()
    if mark.is_fault:
        form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
        form.setUnderlineColor(colours.fault)
    else:
        form.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DashUnderline)
        form.setUnderlineColor(colours.accent)
    return form

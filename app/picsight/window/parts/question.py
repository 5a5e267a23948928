"""A question with one way to say yes: something is taken away, or costs time to get back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox

from picsight.window.parts.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget


def ask(parent: QWidget | None, question: str, consequence: str, yes: str, act: Callable[[], object]) -> None:
    """Ask over the window; `act` if the button `yes` is pressed. The question may hold names."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)  # Qt would read a name with tags in it as markup
    box.setText(plain(question))
    box.setInformativeText(consequence)
    button = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    button.clicked.connect(act)
    box.finished.connect(box.deleteLater)
    box.open()

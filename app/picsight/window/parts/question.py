"""Questions over the window: before something is taken away, or costs time to get back, and for another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QInputDialog, QMessageBox

from picsight.window.parts.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget


def ask(parent: QWidget | None, question: str, consequence: str, yes: str, act: Callable[[], object]) -> None:
    """Ask over the window; `act` if the button `yes` is pressed. The question may hold names."""
    choose(parent, question, consequence, [(yes, act)])


def choose(
    parent: QWidget | None, question: str, consequence: str, ways: Sequence[tuple[str, Callable[[], object]]]
) -> None:
    """Ask which of several ways to go, each a button and what it does, or none of them. Both sentences may hold names."""
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)  # Qt would read a name with tags in it as markup
    box.setText(plain(question))
    box.setInformativeText("\n".join(plain(line) for line in consequence.split("\n")))
    for words, act in ways:
        box.addButton(words, QMessageBox.ButtonRole.AcceptRole).clicked.connect(act)
    box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
    box.finished.connect(box.deleteLater)
    _open(box)


def ask_name(parent: QWidget, title: str, label: str, name: str, take: Callable[[str], object]) -> None:
    """Ask for another name than this one; `take` it unless the person leaves."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setTextValue(name)
    dialog.textValueSelected.connect(take)
    dialog.finished.connect(dialog.deleteLater)
    _open(dialog)


def _open(dialog: QDialog) -> None:
    """Show it with buttons of words alone, as all of Picsight has; some platforms put coloured signs on them."""
    dialog.open()
    for box in dialog.findChildren(QDialogButtonBox):
        for button in box.buttons():
            button.setIcon(QIcon())

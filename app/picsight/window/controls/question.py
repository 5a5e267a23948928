"""Questions over the window: before a removal, before something that is slow to restore, and for a new name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QInputDialog, QMessageBox

from picsight.window.parts.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QCheckBox, QWidget


def ask(parent: QWidget | None, question: str, consequence: str, yes: str, act: Callable[[], object]) -> None:
    """Ask over the window; call `act` if the button `yes` is pressed. The question may contain names."""
    choose(parent, question, consequence, [(yes, act)])


def choose(
    parent: QWidget | None,
    question: str,
    consequence: str,
    options: Sequence[tuple[str, Callable[[], object]]],
    *,
    usual: int | None = None,
    tick: QCheckBox | None = None,
) -> None:
    """Ask for one of several actions, each with a button, or none. Both sentences may contain names. Enter does the
    `usual` one, by its place, else nothing. `tick` is shown below, for the action to read.
    """
    box = QMessageBox(parent)
    box.setTextFormat(Qt.TextFormat.PlainText)  # Qt reads a name with tags in it as markup
    box.setText(plain(question))
    box.setInformativeText("\n".join(plain(line) for line in consequence.split("\n")))
    if tick is not None:
        box.setCheckBox(tick)
    buttons = [box.addButton(words, QMessageBox.ButtonRole.AcceptRole) for words, _act in options]
    for button, (_words, act) in zip(buttons, options, strict=True):
        button.clicked.connect(act)
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(cancel if usual is None else buttons[usual])
    open_once(box)


def ask_name(parent: QWidget, title: str, label: str, name: str, take: Callable[[str], object]) -> None:
    """Ask for a new name; call `take` with it unless the user cancels."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(title)
    dialog.setLabelText(label)
    dialog.setTextValue(name)
    dialog.textValueSelected.connect(take)
    open_once(dialog)


def open_once(dialog: QDialog) -> None:
    """Show a dialog, which is deleted when it closes, with text buttons; some platforms add coloured icons to them."""
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    for box in dialog.findChildren(QDialogButtonBox):
        for button in box.buttons():
            button.setIcon(QIcon())

"""The window's keys and the menu of a photo, in one table each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PySide6.QtWidgets import QWidget

    Entry = tuple[str, str, Callable[[], object]]  # words, key, what it does
    Submenu = tuple[str, Sequence[Entry | None]]  # words, what is below

_Standard = QKeySequence.StandardKey
# What acts everywhere in the window. A standard key that the platform leaves empty has a plain one beside it.
EVERYWHERE: dict[str, tuple[QKeySequence.StandardKey | str, ...]] = {
    "find": (_Standard.Find, "/"),
    "back": (_Standard.Back,),
    "photos": ("Ctrl+1",),
    "problems": ("Ctrl+5",),
    "tags": ("Ctrl+6",),
    "sidebar": ("F9",),
    "details": ("Ctrl+I",),
    "add_folder": (_Standard.Open,),
    "look_again": (_Standard.Refresh,),
    "keep": (_Standard.Save, "Ctrl+S"),
    "reveal": ("Ctrl+R",),
    "undo": (_Standard.Undo, "Ctrl+Z"),
    "redo": (_Standard.Redo, "Ctrl+Shift+Z"),
    "larger": (_Standard.ZoomIn, "Ctrl+="),
    "smaller": (_Standard.ZoomOut,),
    "usual_size": ("Ctrl+0",),
    "full_screen": (_Standard.FullScreen, "F11"),
    "quit": (_Standard.Quit, "Ctrl+Q"),
}


def bind_keys(window: QWidget, wishes: Mapping[str, Callable[[], None]]) -> None:
    """Make a shortcut for each wish of `EVERYWHERE`; a key that two names share is bound once."""
    for name, act in wishes.items():
        taken: set[str] = set()
        for keys in EVERYWHERE[name]:
            for sequence in (
                QKeySequence.keyBindings(keys) if isinstance(keys, _Standard) else [QKeySequence(keys)]
            ):
                words = sequence.toString()
                if words in taken or words == "Backspace" or (name == "look_again" and words == "Ctrl+R"):
                    continue
                taken.add(words)
                QShortcut(sequence, window, act)


def photo_menu(parent: QWidget, entries: Sequence[Entry | Submenu | None]) -> QMenu:
    """A menu of entries; None is a line between groups."""
    menu = QMenu(parent)
    _fill(menu, entries)
    return menu


def _fill(menu: QMenu, entries: Sequence[Entry | Submenu | None]) -> None:
    for entry in entries:
        if entry is None:
            menu.addSeparator()
            continue
        if len(entry) == 2:
            _fill(menu.addMenu(QCoreApplication.translate("Actions", entry[0])), entry[1])
            continue
        words, key, act = entry
        action = menu.addAction(QCoreApplication.translate("Actions", words), act)
        if key:
            action.setShortcut(QKeySequence(key))
            action.setShortcutVisibleInContextMenu(True)

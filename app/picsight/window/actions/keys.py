"""The window's keys and the menu of a photo, in one table each; every shortcut tells what it does as its `whatsThis`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PySide6.QtWidgets import QWidget

    MenuEntry = tuple[str, str, Callable[[], object]]  # words, key, what it does
    Submenu = tuple[str, Sequence[MenuEntry | None]]  # words, what is below

_Standard = QKeySequence.StandardKey


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a widget takes by itself, and what it does there."""

    words: str
    keys: tuple[str, ...]


# What acts everywhere in the window: its words, its keys. A standard key that the platform leaves empty has a plain one beside it.
EVERYWHERE: dict[str, tuple[str, tuple[QKeySequence.StandardKey | str, ...]]] = {
    "find": ("To the box", (_Standard.Find, "/")),
    "back": ("Back", (_Standard.Back,)),
    "photos": ("All photos", ("Ctrl+1",)),
    "problems": ("Problems", ("Ctrl+5",)),
    "tags": ("Tags", ("Ctrl+6",)),
    "sidebar": ("Show or hide the sidebar", ("F9",)),
    "details": ("Show or hide the details", ("Ctrl+I",)),
    "add_folder": ("Add folders", (_Standard.Open,)),
    "look_again": ("Look for new photos", (_Standard.Refresh,)),
    "keep": ("Keep this search", (_Standard.Save, "Ctrl+S")),
    "reveal": ("Show in folder", ("Ctrl+R",)),
    "undo": ("Undo", (_Standard.Undo, "Ctrl+Z")),
    "redo": ("Redo", (_Standard.Redo, "Ctrl+Shift+Z")),
    "larger": ("Larger photos", (_Standard.ZoomIn, "Ctrl+=")),
    "smaller": ("Smaller photos", (_Standard.ZoomOut,)),
    "usual_size": ("Usual size of photos", ("Ctrl+0",)),
    "full_screen": ("Full screen", (_Standard.FullScreen, "F11")),
    "keys": ("This list", (_Standard.HelpContents, "F1")),
    "quit": ("Quit", (_Standard.Quit, "Ctrl+Q")),
}


def bind_keys(window: QWidget, wishes: Mapping[str, Callable[[], None]]) -> None:
    """Make a shortcut for each wish of `EVERYWHERE`; a key that two names share is bound once."""
    for name, act in wishes.items():
        taken: set[str] = set()
        said, bound = EVERYWHERE[name]
        for keys in bound:
            for sequence in (
                QKeySequence.keyBindings(keys) if isinstance(keys, _Standard) else [QKeySequence(keys)]
            ):
                words = sequence.toString()
                if words in taken or words == "Backspace" or (name == "look_again" and words == "Ctrl+R"):
                    continue
                taken.add(words)
                QShortcut(sequence, window, act).setWhatsThis(QCoreApplication.translate("Actions", said))


def photo_menu(parent: QWidget, entries: Sequence[MenuEntry | Submenu | None]) -> QMenu:
    """A menu of entries; None is a line between groups."""
    menu = QMenu(parent)
    _fill(menu, entries)
    return menu


def _fill(menu: QMenu, entries: Sequence[MenuEntry | Submenu | None]) -> None:
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

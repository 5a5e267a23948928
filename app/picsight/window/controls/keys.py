"""The window's keys, the list of all keys, and menus; each shortcut's `whatsThis` describes it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QBoxLayout, QDialog, QGridLayout, QMenu, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import scrolled
from picsight.window.parts.labels import Label, sized
from picsight.window.parts.layouts import filled
from picsight.window.tokens import HALF, ONE, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from PySide6.QtCore import QObject
    from PySide6.QtGui import QKeyEvent

    MenuEntry = tuple[str, str, Callable[[], object]]  # words, key, action
    Submenu = tuple[str, Sequence[MenuEntry | None]]  # words, entries
    KeyGroup = tuple[str, Sequence[tuple[str, str]]]  # name; description and key of each

WIDE, HIGH, NARROW = 60, 40, 50  # em: below the last width the columns are stacked


@dataclass(frozen=True, slots=True)
class Key:
    """Keys that a widget handles itself: their description, and each with a value for the action on the widget.

    Without an action, Qt or a part of the widget acts. Keys are named as in `QKeySequence`.
    """

    words: str
    keys: Mapping[str, Any]
    act: Callable[[Any, Any], object] | None = None


def press(widget: QWidget, keys: Iterable[Key], event: QKeyEvent) -> bool:
    """Act on a key that the widget lists, with or without Shift; False for any other. Arrows follow the reading direction."""
    ignored = Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
    name = QKeySequence(event.keyCombination().toCombined() & ~ignored.value).toString()
    name = {"Enter": "Return"}.get(name, name)
    if widget.isRightToLeft():
        name = {"Left": "Right", "Right": "Left"}.get(name, name)
    for key in keys:
        if name in key.keys and key.act is not None:
            key.act(widget, key.keys[name])
            return True
    return False


def bind_keys(
    window: QWidget, words: str, keys: Iterable[QKeySequence.StandardKey | str], act: Callable[[], object]
) -> None:
    """Make a shortcut for each of an action's keys, except Backspace, which some platforms use for Back."""
    bindings: dict[str, QKeySequence] = {}  # two standard keys may share one
    for key in keys:
        alike = [QKeySequence(key)] if isinstance(key, str) else QKeySequence.keyBindings(key)
        bindings |= {each.toString(): each for each in alike}
    bindings.pop("Backspace", None)
    for sequence in bindings.values():
        QShortcut(sequence, window, act).setWhatsThis(words)


def photo_menu(
    parent: QWidget, entries: Sequence[MenuEntry | Submenu | None], menu: QMenu | None = None
) -> QMenu:
    """A menu of entries, or this menu filled with them; None is a separator."""
    if menu is None:
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for entry in entries:
        if entry is None:
            menu.addSeparator()
        elif len(entry) == 2:
            photo_menu(parent, entry[1], menu.addMenu(entry[0]))
        else:
            words, key, act = entry
            action = menu.addAction(words, act)
            if key:
                action.setShortcut(QKeySequence(key))
                action.setShortcutVisibleInContextMenu(True)
    return menu


def bound_keys(owner: QObject) -> list[tuple[str, str]]:
    """The descriptions and keys of a widget's shortcuts."""
    options = Qt.FindChildOption.FindDirectChildrenOnly
    shortcuts = [each for each in owner.findChildren(QShortcut, options=options) if each.whatsThis()]
    return [
        (words, _listed(each.key() for each in alike))
        for words, alike in groupby(shortcuts, key=lambda each: each.whatsThis())
    ]


def widget_keys(keys: Iterable[Key]) -> list[tuple[str, str]]:
    """The same for keys that a widget handles itself."""
    return [(tr(key.words), _listed(map(QKeySequence, key.keys))) for key in keys]


def _listed(keys: Iterable[QKeySequence]) -> str:
    """Keys in words, without alternatives that only some keyboards have: Find, Help, F14."""
    common = [key for key in keys if key[0].key() <= Qt.Key.Key_F12]  # type: ignore[index]  # it is
    return ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in common)


class KeyList(QDialog):
    """The list of keys, in two columns if they fit; closes with Escape."""

    def __init__(self, columns: Sequence[Sequence[KeyGroup]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keys"))
        self.finished.connect(self.deleteLater)
        inner = QWidget(self)
        room = parent.size().boundedTo(QSize(px(self, WIDE), px(self, HIGH)))
        beside = room.width() >= px(self, NARROW)
        row = QBoxLayout(
            QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom, inner
        )
        parts = ((self._column(groups), 1) for groups in columns)
        filled(row, self, *parts, gap=2 * ONE, around=(ONE, ONE, ONE, ONE))
        scroll = scrolled(inner, tr("Keys"))
        filled(QVBoxLayout(self), self, scroll, around=(0, 0, 0, 0))
        self.resize(room)
        scroll.setFocus()  # the arrows scroll

    def _column(self, groups: Sequence[KeyGroup]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(px(self, ONE))
        grid.setVerticalSpacing(px(self, SMALL))
        for name, keys in groups:
            heading = sized(Label(name, self, wraps=True), 1.0, semibold=True)
            heading.setContentsMargins(0, px(self, HALF) if grid.count() else 0, 0, 0)
            grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            for words, key in keys:
                labels = Label(words, self, wraps=True, dim=True), Label(key, self, wraps=True)
                line = grid.rowCount()
                for place, label in enumerate(labels):
                    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeading)
                    grid.addWidget(label, line, place)
        grid.setRowStretch(grid.rowCount(), 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        return grid

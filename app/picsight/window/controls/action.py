"""An action on chosen photos, as a value that bar, menu and keys share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut

from picsight.texts import tr
from picsight.window.parts.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget

    from picsight.window.controls.keys import MenuEntry


@dataclass(frozen=True, slots=True)
class Action:
    """An action on photos, with texts to translate; `run` gets the screen position for a menu, if it opens one.

    `many` is the text for several photos, with %n for their number. `letter` is its key where letters do not type. `keys`
    are those for the choices of its menu, in words.
    """

    icon: str
    one: str
    many: str
    key: str
    run: Callable[[QPoint], object]
    letter: str = ""
    keys: str = ""

    def words(self, photos: int) -> str:
        """Its text for this number of photos."""
        return counted(photos, self.one, self.many) if self.many else tr(self.one)

    def entry(self, photos: int, point: QPoint) -> MenuEntry:
        """Its menu entry, for a menu at this point of the screen."""
        return self.words(photos), self.key, partial(self.run, point)

    @property
    def shown_key(self) -> str:
        """Its key, or the keys of its menu, as the platform writes it."""
        return self.keys or QKeySequence(self.key).toString(QKeySequence.SequenceFormat.NativeText)

    def name(self) -> str:
        """Its text and its keys."""
        return f"{tr(self.one)} ({self.shown_key})" if self.shown_key else tr(self.one)


def bind_actions(
    widget: QWidget, actions: Sequence[Action], where: Callable[[], QPoint] = QPoint, *, letters: bool = False
) -> list[QShortcut]:
    """Bind the keys of actions, and their `letters`, while this widget has the focus; a menu opens at `where`."""
    shortcuts = []
    for action in actions:
        for key in filter(None, (action.key, action.letter if letters else "")):
            shortcut = QShortcut(QKeySequence(key), widget, context=Qt.ShortcutContext.WidgetShortcut)
            shortcut.setAutoRepeat(False)  # a held key applies only to the photo at which it was pressed
            shortcut.setWhatsThis(tr(action.one))
            shortcut.activated.connect(lambda action=action: action.run(where()))
            shortcuts.append(shortcut)
    return shortcuts


def below(widget: QWidget) -> QPoint:
    """The position of a button's menu: below it, at its leading edge."""
    corner = widget.rect().bottomRight() if widget.isRightToLeft() else widget.rect().bottomLeft()
    return widget.mapToGlobal(corner)

"""What can be done with chosen photos, as values: the bar, the menu and the keys all lead to the same acts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut

from picsight.window.parts.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QWidget

    from picsight.window.actions.keys import MenuEntry


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do; `wish` takes the point of the screen at which a list opens, if it opens one.

    `many` says it of several photos, with %n for how many. `letter` does the same where nothing is typed.
    """

    icon: str
    one: str
    many: str
    key: str
    wish: Callable[[QPoint], object]
    letter: str = ""

    def words(self, photos: int) -> str:
        """What it does with so many photos."""
        return counted(photos, self.one, self.many)

    def entry(self, photos: int, point: QPoint) -> MenuEntry:
        """The same as a line of a menu that opens at this point of the screen."""
        return self.words(photos), self.key, partial(self.wish, point)

    def name(self) -> str:
        """What it does, and its key."""
        key = QKeySequence(self.key).toString(QKeySequence.SequenceFormat.NativeText)
        return f"{self.one} ({key})" if key else self.one


def bind_acts(
    widget: QWidget, acts: Sequence[Act], where: Callable[[], QPoint], *, letters: bool = False
) -> list[QShortcut]:
    """Let the keys of acts, and their `letters`, do what they say while this widget has the keyboard; a list opens at
    `where`.
    """
    shortcuts = []
    for act in acts:
        for key in filter(None, (act.key, act.letter if letters else "")):
            shortcut = QShortcut(QKeySequence(key), widget, context=Qt.ShortcutContext.WidgetShortcut)
            shortcut.setAutoRepeat(False)  # a key that is held means the photo at which it was pressed
            shortcut.setWhatsThis(act.one)
            shortcut.activated.connect(partial(_do, act, where))
            shortcuts.append(shortcut)
    return shortcuts


def _do(act: Act, where: Callable[[], QPoint]) -> None:
    act.wish(where())


def below(widget: QWidget) -> QPoint:
    """Where a list opens that belongs to a button: at its leading edge, under it."""
    corner = widget.rect().bottomRight() if widget.isRightToLeft() else widget.rect().bottomLeft()
    return widget.mapToGlobal(corner)

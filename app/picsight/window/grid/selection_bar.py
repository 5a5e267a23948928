"""The bar for a selection: the number of chosen photos and the actions on them; a menu has those that do not fit."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtWidgets import QSizePolicy, QStyle, QWidget

from picsight.window.actions.acts import below
from picsight.window.actions.keys import photo_menu
from picsight.window.parts.controls import IconButton
from picsight.window.parts.labels import Words
from picsight.window.parts.words import counted
from picsight.window.tokens import PAD, px

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QResizeEvent

    from picsight.window.actions.acts import Act


WIDEST = 888  # photos: the number of digits of most selections


class SelectionBar(QWidget):
    """Replaces the title of the wall while photos are selected."""

    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: tuple[tuple[Act, ...], ...] = ()
        self._buttons: dict[Act, IconButton] = {}
        self._left_out: Collection[Act] = ()
        self._photos = 0
        self._count = Words(parent=self)
        self._clear = IconButton("clear", self.tr("Select none (Esc)"), self)
        self._more = IconButton("more", self.tr("More"), self)
        self._clear.clicked.connect(self.cleared)
        self._more.clicked.connect(self._show_more)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.hide()

    def offer(self, groups: Sequence[Sequence[Act]]) -> None:
        """Show these acts with a gap between groups."""
        self._groups = tuple(tuple(group) for group in groups)
        for act in itertools.chain(*self._groups):
            button = IconButton(act.icon, act.name(), self)
            button.clicked.connect(partial(self._do, act, button))
            self._buttons[act] = button
        self._place()

    def leave_out(self, acts: Collection[Act]) -> None:
        """Hide these acts for now."""
        self._left_out = acts
        self._place()

    def show_count(self, photos: int) -> None:
        """Show the number of chosen photos; hide the bar for 0."""
        self._photos = photos
        self._count.setText(counted(photos, "%n selected", "%n selected"))
        self._place()
        self.setVisible(photos > 0)

    def offered(self) -> list[str]:
        """The visible acts, by their accessible names."""
        return [button.accessibleName() for button in self._buttons.values() if not button.isHidden()]

    def sizeHint(self) -> QSize:
        """Room for all acts side by side."""
        return QSize(self._ends()[-1], px(self, 2.25))

    def minimumSizeHint(self) -> QSize:
        """Room for the number and the menu of all acts."""
        return QSize(self._start() + self._side(), px(self, 2.25))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many acts as fit."""
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        """Lay out again after a change of reading direction or font."""
        super().changeEvent(event)
        self._place()

    def _acts(self) -> Iterator[tuple[Act, int]]:
        """Every offered act, and the gap before it."""
        for group in self._groups:
            for place, act in enumerate(act for act in group if act not in self._left_out):
                yield act, 0 if place else px(self, PAD)

    def _side(self) -> int:
        return px(self, 2.25)

    def _start(self) -> int:
        return self._wide() + self._side()

    def _wide(self) -> int:
        """The width reserved for the number, so that the acts behind it do not move as it grows."""
        least = counted(WIDEST, "%n selected", "%n selected")
        return max(self._count.sizeHint().width(), self.fontMetrics().horizontalAdvance(least))

    def _ends(self) -> list[int]:
        """The start of the first act, and the end of each."""
        widths = (gap + self._side() for _, gap in self._acts())
        return list(itertools.accumulate(widths, initial=self._start()))

    def _fitting(self) -> int:
        """The number of acts that fit; the menu takes the room of one."""
        ends = self._ends()
        room = self.width() if ends[-1] <= self.width() else self.width() - self._side()
        return sum(end <= room for end in ends[1:])

    def _place(self) -> None:
        side, high = self._side(), self.height()
        self._put(self._count, 0, self._wide(), high)
        self._put(self._clear, self._wide(), side, high)
        acts, ends, fitting = [act for act, _ in self._acts()], self._ends(), self._fitting()
        for act, end in zip(acts, ends[1:], strict=True):
            self._put(self._buttons[act], end - side, side, high)
        for act, button in self._buttons.items():
            button.setVisible(act in acts[:fitting])
        self._more.setVisible(fitting < len(acts))
        self._put(self._more, ends[fitting], side, high)

    def _put(self, widget: QWidget, left: int, wide: int, high: int) -> None:
        widget.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), QRect(left, 0, wide, high)))

    def _do(self, act: Act, button: IconButton) -> None:
        act.wish(below(button))

    def _show_more(self) -> None:
        point, hidden = below(self._more), list(self._acts())[self._fitting() :]
        photo_menu(self, [act.entry(self._photos, point) for act, _ in hidden]).popup(point)

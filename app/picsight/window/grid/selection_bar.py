"""The bar for a selection: the number of chosen photos and the actions on them; a menu has those that do not fit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from picsight.window.actions.acts import below
from picsight.window.actions.keys import photo_menu
from picsight.window.parts.controls import IconButton
from picsight.window.parts.labels import Words
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import counted
from picsight.window.tokens import PAD, px

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from PySide6.QtGui import QResizeEvent

    from picsight.window.actions.acts import Act


WIDEST = 888  # photos: the number of digits of most selections


class SelectionBar(QWidget):
    """Replaces the title of the wall while photos are selected."""

    cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[Act, IconButton] = {}
        self._groups: dict[QWidget, Sequence[Act]] = {}
        self._left_out: Collection[Act] = ()
        self._hidden: Sequence[Act] = ()
        self._photos = 0
        self._count = Words(parent=self)
        self._clear = IconButton("clear", self.tr("Select none (Esc)"), self)
        self._more = IconButton("more", self.tr("More"), self)
        self._clear.clicked.connect(self.cleared)
        self._more.clicked.connect(self._show_more)
        self._row = filled(QHBoxLayout(self), self, self._count, self._clear, gap=0, around=(0, 0, 0, 0))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.hide()

    def offer(self, groups: Sequence[Sequence[Act]]) -> None:
        """Show these acts with a gap before each group."""
        for acts in groups:
            group = QWidget(self)
            for act in acts:
                self._buttons[act] = button = IconButton(act.icon, act.name(), group)
                button.clicked.connect(partial(self._do, act, button))
            buttons = [self._buttons[act] for act in acts]
            filled(QHBoxLayout(group), self, PAD, *buttons, gap=0, around=(0, 0, 0, 0))
            self._groups[group] = acts
        filled(self._row, self, *self._groups, self._more, 1)
        self._fit()

    def leave_out(self, acts: Collection[Act]) -> None:
        """Hide these acts for now."""
        self._left_out = acts
        self._fit()

    def show_count(self, photos: int) -> None:
        """Show the number of chosen photos; hide the bar for 0."""
        self._photos = photos
        self._count.setText(counted(photos, "%n selected", "%n selected"))
        # The acts behind the number do not move as it grows.
        least = counted(WIDEST, "%n selected", "%n selected")
        self._count.setMinimumWidth(self.fontMetrics().horizontalAdvance(least))
        self._fit()
        self.setVisible(photos > 0)

    def offered(self) -> list[str]:
        """The visible acts, by their accessible names."""
        return [button.accessibleName() for button in self._buttons.values() if not button.isHidden()]

    def minimumSizeHint(self) -> QSize:
        """Room for the number and the menu of all acts."""
        side = self._clear.sizeHint().width()
        return QSize(self._count.minimumSizeHint().width() + 2 * side, side)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many acts as fit."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as many acts as fit behind the number; the menu of the others takes the room of one."""
        acts = [act for act in self._buttons if act not in self._left_out]
        side, gap = self._clear.sizeHint().width(), px(self, PAD)
        gaps = gap * sum(not set(acts).isdisjoint(group) for group in self._groups.values())
        room = (self.width() - self.minimumSizeHint().width() - gaps) // side  # beside the menu
        shown = acts if len(acts) <= room + 1 else acts[: max(room, 0)]
        for act, button in self._buttons.items():
            button.setVisible(act in shown)
        for group, its_acts in self._groups.items():
            group.setVisible(not set(shown).isdisjoint(its_acts))
        self._hidden = acts[len(shown) :]
        self._more.setVisible(bool(self._hidden))
        self._row.activate()

    def _do(self, act: Act, button: IconButton) -> None:
        act.wish(below(button))

    def _show_more(self) -> None:
        point = below(self._more)
        photo_menu(self, [act.entry(self._photos, point) for act in self._hidden]).popup(point)

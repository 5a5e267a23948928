"""Culling: a mode of the wall in which letters pick, reject and rate photos, and nothing is typed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from picsight.window.actions.acts import Act, bind_acts

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QPoint

    from picsight.window.grid.page import WallPage
    from picsight.window.tags.tagging import Tagging


class Culling(QObject):
    """Starts and ends by its key, and ends by its sign in the header or by Escape."""

    def __init__(self, page: WallPage, tagging: Tagging, where: Callable[[], QPoint]) -> None:
        super().__init__(page)
        self._grid, self._header = page.view, page.header
        acts = (
            Act("favourite", self.tr("Pick"), "", "P", lambda _point: tagging.cull(picked=True)),
            Act("clear", self.tr("Reject"), "", "X", lambda _point: tagging.cull(picked=False)),
            *(replace(act, key=act.letter) for act in tagging.stars),
            Act("clear", self.tr("Back to the photos"), "", "Esc", lambda _point: self.turn()),
        )
        in_words = self.tr("Culling: {act}")
        acts = tuple(replace(act, one=in_words.format(act=act.one)) for act in acts)
        self._keys = bind_acts(self._grid, acts, where)
        turn = Act("tick", self.tr("Culling: start, end"), "", "Ctrl+Shift+K", lambda _point: self.turn())
        bind_acts(self._grid, (turn,), where)
        self._header.culling.clicked.connect(self.turn)
        self._show(on=False)

    def turn(self) -> None:
        """Start, or end."""
        self._show(on=not self._is_on)

    def _show(self, *, on: bool) -> None:
        self._is_on = on
        self._grid.let_letters_act("culling", act=on)
        for key in self._keys:
            key.setEnabled(on)
        self._header.show_culling(on=on)
        if on:
            self._grid.setFocus()

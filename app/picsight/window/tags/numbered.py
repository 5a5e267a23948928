"""A few tags with a number each: its key puts the photo that is looked at into one, or takes it out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy

from picsight.window.parts.choice import Toggle
from picsight.window.parts.pills import Pills
from picsight.window.parts.words import cut_middle, number, plain, tooltip
from picsight.window.tokens import px

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from PySide6.QtWidgets import QWidget

MOST, WIDEST = 9, 11  # keys; em of a name


class NumberedTags(Pills):
    """Which of them hold the photo has a tick; they keep their numbers while photos come and go."""

    chosen = Signal(str)  # the path of a tag

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._toggles: dict[str, Toggle] = {}
        policy = self.sizePolicy()
        policy.setVerticalPolicy(QSizePolicy.Policy.Minimum)  # a fixed one leaves room for one line alone
        self.setSizePolicy(policy)

    def offer(self, paths: Sequence[str]) -> None:
        """These tags, from 1 on."""
        self._toggles = {path: self._toggle(place, path) for place, path in enumerate(paths[:MOST], 1)}
        self.show_buttons(list(self._toggles.values()))
        self.setVisible(bool(paths))

    def show_held(self, paths: Collection[str]) -> None:
        """These hold the photo."""
        for path, toggle in self._toggles.items():
            toggle.setChecked(path in paths)

    def held(self) -> list[str]:
        """Those with a tick."""
        return [path for path, toggle in self._toggles.items() if toggle.isChecked()]

    def press(self, key: int) -> bool:
        """Choose the one of this number, if there is one."""
        if not 1 <= key <= len(self._toggles):
            return False
        self.chosen.emit(list(self._toggles)[key - 1])
        return True

    def _toggle(self, place: int, path: str) -> Toggle:
        toggle, name = Toggle(self), plain(path)
        toggle.say(f"{number(place)}  {cut_middle(name, self.fontMetrics(), px(self, WIDEST))}", on=False)
        toggle.setAccessibleName(self.tr("{name}, key {number}").format(name=name, number=number(place)))
        toggle.setToolTip(tooltip(name))
        toggle.clicked.connect(partial(self._choose, path))
        return toggle

    def _choose(self, path: str, _checked: bool = False) -> None:
        self.chosen.emit(path)

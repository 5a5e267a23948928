"""The list of keys, in groups: gathered from the shortcuts that are there and from what widgets say of the keys they take."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QBoxLayout, QDialog, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from picsight.window.parts.controls import flatten
from picsight.window.parts.labels import DimWords, Words, sized
from picsight.window.tokens import HALF, ONE, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from PySide6.QtCore import QObject

    from picsight.window.actions.keys import Key

    Group = tuple[str, Sequence[tuple[str, str]]]  # its name; what a key does, and the key

WIDE, HIGH, NARROW = 60, 40, 50  # em: under the last the columns stand below each other


def bound_keys(owner: QObject) -> list[tuple[str, str]]:
    """What the shortcuts of a widget do, and their keys."""
    options = Qt.FindChildOption.FindDirectChildrenOnly
    shortcuts = [each for each in owner.findChildren(QShortcut, options=options) if each.whatsThis()]
    return [
        (words, _listed(each.key() for each in alike))
        for words, alike in groupby(shortcuts, key=lambda each: each.whatsThis())
    ]


def own_keys(keys: Iterable[Key]) -> list[tuple[str, str]]:
    """The same of keys that a widget takes by itself."""
    return [
        (
            QCoreApplication.translate("Actions", key.words),
            _listed(QKeySequence(each) for each in key.keys),
        )
        for key in keys
    ]


def _listed(keys: Iterable[QKeySequence]) -> str:
    """Keys in words, without those that only some keyboards have beside the others: Find, Help, F14."""
    common = [key for key in keys if key[0].key() <= Qt.Key.Key_F12]  # type: ignore[index]  # it is
    return ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in common)


class KeyList(QDialog):
    """Two columns of groups where there is room; closes with Escape."""

    def __init__(self, columns: Sequence[Sequence[Group]], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        self.finished.connect(self.deleteLater)
        inner = QWidget(self)
        room = parent.size().boundedTo(QSize(px(self, WIDE), px(self, HIGH)))
        beside = room.width() >= px(self, NARROW)
        row = QBoxLayout(
            QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom, inner
        )
        row.setContentsMargins(px(self, ONE), px(self, ONE), px(self, ONE), px(self, ONE))
        row.setSpacing(px(self, 2 * ONE))
        for groups in columns:
            row.addLayout(self._column(groups), 1)
        scroll = QScrollArea(self)
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        flatten(scroll)
        scroll.setAccessibleName(self.tr("Keys"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        self.resize(room)
        scroll.setFocus()  # the arrows scroll

    def _column(self, groups: Sequence[Group]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(px(self, ONE))
        grid.setVerticalSpacing(px(self, SMALL))
        for name, keys in groups:
            heading = sized(Words(name, self), 1.0, semibold=True)
            heading.setWordWrap(True)
            heading.setContentsMargins(0, px(self, HALF) if grid.count() else 0, 0, 0)
            grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            for words, key in keys:
                line, labels = grid.rowCount(), (DimWords(words, self), Words(key, self))
                for place, label in enumerate(labels):
                    label.setWordWrap(True)
                    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeading)
                    grid.addWidget(label, line, place)
        grid.setRowStretch(grid.rowCount(), 1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        return grid

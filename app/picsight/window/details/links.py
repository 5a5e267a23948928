"""Facts as links to similar photos, wrapped into as many lines as they need."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QStyle, QWidget

from picsight.window.parts.controls import Button, Weight
from picsight.window.parts.labels import CENTRE, LEADING, Drawn, paint_words
from picsight.window.parts.pills import Pills
from picsight.window.parts.words import breakable, plain, say, tooltip
from picsight.window.tokens import HALF, high_contrast, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QPainter

    from picsight.window.details.photo_facts import Detail
    from picsight.window.tokens import Tones

HEIGHT = 2.0  # em of one line
_WRAP = Qt.TextFlag.TextWordWrap


class FactLink(Button):
    """Words in the colour of links; without a query they are plain words."""

    radius = HALF

    def __init__(self, detail: Detail, parent: QWidget) -> None:
        super().__init__("", Weight.QUIET, parent)
        self.detail = detail
        self._words = breakable(detail.words)  # `text` would make an ampersand a shortcut
        self.setAccessibleName(plain(detail.words))
        if detail.query:
            self.setAccessibleDescription(say("Show others like this"))
            self.setToolTip(tooltip(say("Show others like this"), detail.query))
        else:
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.unsetCursor()

    def sizeHint(self) -> QSize:
        """All words in one line."""
        return QSize(
            self.fontMetrics().horizontalAdvance(self._words) + 2 * px(self, HALF) + 1, px(self, HEIGHT)
        )

    def minimumSizeHint(self) -> QSize:
        """The least size, with the words in several lines."""
        return QSize(px(self, 4), px(self, HEIGHT))

    def hasHeightForWidth(self) -> bool:
        """True, since long words take several lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of the lines at that width."""
        return max(
            px(self, HEIGHT), self._room(width).height() + px(self, HEIGHT) - self.fontMetrics().height()
        )

    def _room(self, width: int) -> QRect:
        room = QRect(0, 0, width - 2 * px(self, HALF), 100 * px(self, HEIGHT))
        return self.fontMetrics().boundingRect(room, _WRAP, self._words)

    def _plate(self, _colours: Tones) -> None:
        return None

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        """Paint the words, underlined below the mouse."""
        if self.detail.query and (self.underMouse() or high_contrast()):
            font = self.font()
            font.setUnderline(True)
            painter.setFont(font)
        painter.setPen(colours.link if self.detail.query else colours.text)
        inset = px(self, HALF)
        paint_words(painter, self.rect().adjusted(inset, 0, -inset, 0), LEADING, self._words, _WRAP)


class FactLinks(Drawn, Pills):
    """Several links, separated by dots; unchanged links are kept."""

    asked = Signal(str)  # a query

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._details: tuple[Detail, ...] = ()

    def show_details(self, details: Sequence[Detail]) -> None:
        """Replace the links; hide for none."""
        self.setVisible(bool(details))
        if tuple(details) == self._details:
            return
        self._details = tuple(details)
        links = [FactLink(detail, self) for detail in details]
        for link in links:
            if link.detail.query:
                link.clicked.connect(lambda _checked=False, query=link.detail.query: self.asked.emit(query))
        self.show_buttons(links)

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint the dots between links on the same line."""
        painter.setPen(colours.dim_on_window)
        places, gap = self._places(self.width()), px(self, HALF)
        for before, after in itertools.pairwise(places):
            if before.top() == after.top():
                point = QRect(before.right() + 1, before.top(), gap, before.height())
                paint_words(
                    painter, QStyle.visualRect(self.layoutDirection(), self.rect(), point), CENTRE, "·"
                )

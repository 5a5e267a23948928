"""Quiet buttons of a header: one says what is chosen and opens the list of what else there is, one stays down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QActionGroup, QPainter
from PySide6.QtWidgets import QMenu, QStyle, QToolButton, QWidget

from picsight.window.parts.controls import NO_LINE, Painted
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import CENTRE, paint_plate, paint_words
from picsight.window.tokens import HAIR, HALF, ONE, mix, px

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QColor, QKeyEvent, QPen

    from picsight.window.tokens import Tones

T = TypeVar("T")


class _Flat(Painted, QToolButton):
    """Without an outline until the mouse is over it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen] | None:
        if not (self.underMouse() or self.isDown()):
            return None
        return mix(colours.base, colours.text, 0.12 if self.isDown() else 0.07), NO_LINE

    def _inner(self) -> QRect:
        """What is within the air at both ends."""
        return self.rect().adjusted(px(self, HALF), 0, -px(self, HALF), 0)

    def _part(self, left: int, width: int, height: int) -> QRect:
        """A part of the inner area, so far from its leading edge, in the middle of its height."""
        area = self._inner()
        place = QRect(area.left() + left, (self.height() - height) // 2, width, height)
        return QStyle.visualRect(self.layoutDirection(), area, place)


class Choice(_Flat, Generic[T]):
    """Sort: Match v. Where there is no room the icon stands for the words."""

    def __init__(
        self, name: str, icon: str, chosen: Callable[[T], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name, self._icon, self._chosen = name, icon, chosen
        self._is_short = False
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(QMenu(self))

    def offer(self, ways: Sequence[tuple[str, T]], now: T) -> None:
        """These are the ways, each with its words, and this one is chosen."""
        menu = self.menu()
        menu.clear()
        group = QActionGroup(menu)
        for words, way in ways:
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked(way == now)
            action.triggered.connect(lambda _checked, way=way: self._chosen(way))
            group.addAction(action)
        chosen = next(words for words, way in ways if way == now)
        self.setText(f"{self._name}: {chosen}")
        self.setAccessibleName(self.text())
        self.set_short(short=self._is_short)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the list, as Space does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.showMenu()
        else:
            super().keyPressEvent(event)

    def set_short(self, *, short: bool) -> None:
        """Show the icon instead of the words, or the words again."""
        self._is_short = short
        self.setToolTip(self.text() if short else "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """The words, or the icon, and the sign that a list opens."""
        return QSize(self._wide() + 2 * px(self, HALF) + px(self, 1.125), px(self, 2.25))

    def _wide(self) -> int:
        return px(self, 1.25) if self._is_short else self.fontMetrics().horizontalAdvance(self.text())

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        side, icon = px(self, 0.875), px(self, 1.25)
        paint_icon(painter, self._part(self._inner().width() - side, side, side), "down", colours.dim)
        painter.setPen(colours.text)
        if self._is_short:
            paint_icon(painter, self._part(0, icon, icon), self._icon, colours.text)
        else:
            paint_words(painter, self._part(0, self._wide(), self.height()), CENTRE, self.text())


class Toggle(_Flat):
    """A box with a tick while what it says holds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)

    def say(self, words: str, *, on: bool) -> None:
        """What it says and whether it holds."""
        self.setText(words)
        self.setAccessibleName(words)
        self.setChecked(on)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """The box of the tick and the words."""
        words = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(words + px(self, 1.5) + 2 * px(self, HALF), px(self, 2.25))

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        side, radius, before = px(self, ONE), px(self, HAIR), px(self, 1.5)
        box = self._part(0, side, side)
        on, accent = self.isChecked(), colours.accent
        fill, line = (accent, accent) if on else (colours.base, colours.outline)
        paint_plate(painter, box, radius, fill, line, inset=0.5)
        if on:
            paint_icon(painter, box.adjusted(2, 2, -2, -2), "tick", colours.on_accent)
        painter.setPen(colours.text)
        words = self._part(before, self._inner().width() - before, self.height())
        paint_words(painter, words, CENTRE, self.text())

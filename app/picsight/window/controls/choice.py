"""Quiet buttons of a header: one shows a choice and opens its menu, one toggles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QActionGroup, QPainter
from PySide6.QtWidgets import QMenu, QStyle, QToolButton, QWidget

from picsight.window.controls.buttons import NO_LINE, ButtonBase
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import CENTRE, paint_plate, paint_words
from picsight.window.tokens import HAIR, HALF, ONE, mix, px

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QColor, QKeyEvent, QPen

    from picsight.window.tokens import Tones

T = TypeVar("T")


class _Flat(ButtonBase, QToolButton):
    """A button without an outline until the mouse is over it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def _plate(self, colours: Tones) -> tuple[QColor, QPen] | None:
        if not (self.underMouse() or self.isDown()):
            return None
        return mix(colours.base, colours.text, 0.12 if self.isDown() else 0.07), NO_LINE

    def _inner(self) -> QRect:
        """The rectangle within the padding at both ends."""
        return self.rect().adjusted(px(self, HALF), 0, -px(self, HALF), 0)

    def _part(self, left: int, width: int, height: int) -> QRect:
        """A part of the inner area at a distance from its leading edge, vertically centred."""
        area = self._inner()
        place = QRect(area.left() + left, (self.height() - height) // 2, width, height)
        return QStyle.visualRect(self.layoutDirection(), area, place)


class Choice(_Flat, Generic[T]):
    """A choice such as Sort: Match v. In a narrow header an icon replaces the words."""

    def __init__(
        self, name: str, icon: str, chosen: Callable[[T], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name, self._icon, self._chosen = name, icon, chosen
        self._is_short = False
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(QMenu(self))

    def offer(self, options: Sequence[tuple[str, T]], now: T) -> None:
        """Set the options, each with its words, and the chosen one."""
        menu = self.menu()
        menu.clear()
        group = QActionGroup(menu)
        for words, value in options:
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setChecked(value == now)
            action.triggered.connect(lambda _checked, value=value: self._chosen(value))
            group.addAction(action)
        chosen = next(words for words, value in options if value == now)
        self.setText(f"{self._name}: {chosen}")
        self.setAccessibleName(self.text())
        self.set_short(short=self._is_short)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the menu with Enter, as with Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.showMenu()
        else:
            super().keyPressEvent(event)

    def set_short(self, *, short: bool) -> None:
        """Show the icon or the words."""
        self._is_short = short
        self.setToolTip(self.text() if short else "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Room for the words or the icon, and the menu arrow."""
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
    """A tick box with words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)

    def say(self, words: str, *, on: bool) -> None:
        """Set the words and the tick."""
        self.setText(words)
        self.setAccessibleName(words)
        self.setChecked(on)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Room for the tick box and the words."""
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

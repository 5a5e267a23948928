"""Chips: a search's filters, each with a cross; those that do not fit are collapsed into a number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QPainterPath, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QStyle, QWidget

from picsight.texts import tr
from picsight.window.controls.action import below
from picsight.window.controls.buttons import ButtonBase
from picsight.window.controls.keys import photo_menu
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, paint_words
from picsight.window.parts.words import counted, cut_middle, isolated, tooltip
from picsight.window.tokens import HAIR, HALF, SMALL, em, mix, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPixmap

    from picsight.window.tokens import Tones

WIDEST = 14  # em: the text of one chip
HEIGHT, CROSS, PICTURE = 1.875, 1.5, 1.5  # em


@dataclass(frozen=True, slots=True)
class Chip:
    """The content of a chip: `token` is its typed form, or the words of the line in which it was `recognised`.

    The chip of the searched folder has no token. `fault` is its error message.
    """

    token: str
    words: str
    recognised: bool = False
    fault: str = ""
    picture: QPixmap | None = None


class ChipBar(QWidget):
    """The chips in order. The arrow keys move between them; `left` reports that they leave the bar."""

    opened = Signal(object)  # Chip: a click on its words, or Enter
    removed = Signal(object)  # Chip
    left = Signal()  # back to the words
    typed = Signal(object)  # QKeyEvent that no chip handles

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: list[ChipButton] = []
        self._more = MoreButton(self)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(px(self, HAIR))
        self._row.addWidget(self._more)
        self._more.opened.connect(self.opened)
        self.hide()

    def chips(self) -> list[Chip]:
        """The chips, visible or collapsed."""
        return [button.chip for button in self._buttons]

    def show_chips(self, chips: Sequence[Chip], *, selected: bool = False) -> None:
        """Show these chips, all selected or none; the focus stays."""
        if list(chips) == self.chips() and all(button.is_selected == selected for button in self._buttons):
            return
        focused = next((row for row, button in enumerate(self._buttons) if button.hasFocus()), -1)
        while len(self._buttons) > len(chips):
            button = self._buttons.pop()
            self._row.removeWidget(button)
            button.hide()
            button.deleteLater()
        for chip in chips[len(self._buttons) :]:
            self._add(chip)
        for button, chip in zip(self._buttons, chips, strict=True):
            button.show_chip(chip, selected=selected)
        if focused >= 0:
            self.focus(min(focused, len(self._buttons) - 1))
        self.setVisible(bool(chips))

    def fit(self, room: int) -> None:
        """Show as many chips as fit; the last ones are collapsed first."""
        ends = list(accumulate(button.sizeHint().width() + self._row.spacing() for button in self._buttons))
        if ends and ends[-1] > room:
            room -= self._more.sizeHint().width()
        shown = sum(end <= room for end in ends)
        for row, button in enumerate(self._buttons):
            button.setVisible(row < shown)
        self._more.hold(self.chips()[shown:])

    def focus(self, row: int) -> None:
        """Focus a chip; before the first one, the line."""
        if 0 <= row < len(self._buttons):
            self._buttons[row].setFocus(Qt.FocusReason.TabFocusReason)
        else:
            self.left.emit()

    def focus_last(self) -> None:
        """Focus the last visible chip."""
        self.focus(sum(not button.isHidden() for button in self._buttons) - 1)

    def _add(self, chip: Chip) -> None:
        button = ChipButton(chip, self)
        self._row.insertWidget(len(self._buttons), button)
        self._buttons.append(button)
        button.opened.connect(lambda: self.opened.emit(button.chip))
        button.removed.connect(lambda: self.removed.emit(button.chip))
        button.stepped.connect(lambda step: self._step(button, step))
        button.typed.connect(self.typed)

    def _step(self, button: ChipButton, step: int) -> None:
        row = self._buttons.index(button) + step
        if row < len(self._buttons) and not (row >= 0 and self._buttons[row].isHidden()):
            self.focus(row)


class ChipButton(ButtonBase, QAbstractButton):
    """A pill with words and a cross."""

    high, edge, radius = HEIGHT, 1.0, 0.0

    opened, removed = Signal(), Signal()
    stepped = Signal(int)
    typed = Signal(object)  # QKeyEvent that it does not handle

    def __init__(self, chip: Chip, parent: QWidget) -> None:
        super().__init__(parent)
        self.chip, self.is_selected = chip, False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.show_chip(chip)

    def show_chip(self, chip: Chip, *, selected: bool = False) -> None:
        """Show this content."""
        self.chip, self.is_selected = chip, selected
        self.setAccessibleName(tr("Filter: {words}, removable", words=chip.words))
        self.setAccessibleDescription(chip.fault)
        if chip.recognised:
            back = tr("Click to search for these words instead.")
        elif chip.token:
            back = tr("Click to edit: {token}", token=isolated(chip.token))
        else:
            back = tr("Esc searches all photos.")
        self.setToolTip(tooltip(chip.words, chip.fault, back))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Picture, words, cross."""
        before = px(self, HAIR + PICTURE + SMALL) if self.chip.picture else px(self, 0.625)
        return QSize(
            before + self.fontMetrics().horizontalAdvance(self._cut()) + px(self, CROSS + 0.125),
            px(self, self.high),
        )

    def _cut(self) -> str:
        return cut_middle(self.chip.words, self.fontMetrics(), px(self, WIDEST))

    def _plate(self, colours: Tones) -> tuple[QColor, QPen]:
        """The colours of the pill: the accent's tone, with a dashed outline if recognised in the words."""
        line = Qt.PenStyle.DashLine if self.chip.recognised else Qt.PenStyle.SolidLine
        tone = 0.45 if self.is_selected else 0.12 * self.underMouse()
        return mix(colours.pill, colours.accent, tone), QPen(colours.pill_edge, 1, line)

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        whole, direction, left = self.rect(), self.layoutDirection(), px(self, 0.625)
        if self.chip.picture:
            side = px(self, PICTURE)
            place = QRect(px(self, HAIR), (self.height() - side) // 2, side, side)
            _paint_round(painter, QStyle.visualRect(direction, whole, place), self.chip.picture)
            left = px(self, HAIR + PICTURE + SMALL)
        words = QStyle.visualRect(direction, whole, whole.adjusted(left, 0, -px(self, CROSS), 0))
        paint_words(painter, words, LEADING, self._cut())
        if self.chip.fault:
            _paint_wave(painter, words, self.fontMetrics().horizontalAdvance(self._cut()), self)
        paint_icon(painter, self._cross(), "clear", colours.text, px(self, 0.875))

    def _cross(self) -> QRect:
        zone = self.rect()
        zone.setLeft(zone.right() - px(self, CROSS))
        return QStyle.visualRect(self.layoutDirection(), self.rect(), zone)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Remove the chip with its cross, open it with its words."""
        point = event.position().toPoint()
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(point):
            (self.removed if self._cross().contains(point) else self.opened).emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens, Delete and Backspace remove, arrows move, Ctrl+C copies."""
        forward = Qt.Key.Key_Left if self.isRightToLeft() else Qt.Key.Key_Right
        backward = Qt.Key.Key_Right if self.isRightToLeft() else Qt.Key.Key_Left
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.opened.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif key in (forward, backward):
            self.stepped.emit(1 if key == forward else -1)
        elif event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.chip.token)
        else:
            event.ignore()
            self.typed.emit(event)


class MoreButton(ButtonBase, QAbstractButton):
    """The number of collapsed chips; a menu lists them."""

    high, edge, radius = HEIGHT, 1.0, 0.0

    opened = Signal(object)  # Chip

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._held: list[Chip] = []
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self._show_menu)
        self.hide()

    def hold(self, chips: Sequence[Chip]) -> None:
        """Stand for these chips; hide if there are none."""
        self._held = list(chips)
        self.setText(f"+{len(chips)}")
        self.setAccessibleName(counted(len(chips), "One more filter", "%n more filters"))
        self.setToolTip(tooltip(*(chip.words for chip in chips)))
        self.setVisible(bool(chips))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Room for two digits."""
        return QSize(self.fontMetrics().horizontalAdvance("+00") + px(self, HALF), px(self, self.high))

    def _plate(self, colours: Tones) -> tuple[QColor, QPen]:
        return colours.base, QPen(colours.outline, 1)

    def _show_menu(self) -> None:
        entries = [
            (chip.words.replace("&", "&&"), "", partial(self.opened.emit, chip)) for chip in self._held
        ]
        photo_menu(self, entries).popup(below(self))


def _paint_round(painter: QPainter, place: QRect, picture: QPixmap) -> None:
    """Paint the middle of a picture in a circle."""
    side = min(picture.width(), picture.height())
    middle = QRect((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
    painter.save()
    path = QPainterPath()
    path.addEllipse(QRectF(place))
    painter.setClipPath(path)
    painter.drawPixmap(place, picture, middle)
    painter.restore()


def _paint_wave(painter: QPainter, words: QRect, width: int, widget: QWidget) -> None:
    """Paint the wavy line under a fault."""
    step = max(2.0, em(widget) * 0.18)
    base = words.center().y() + widget.fontMetrics().height() / 2 - 1
    start = words.right() - width if widget.isRightToLeft() else words.left()
    path = QPainterPath()
    path.moveTo(start, base)
    for count in range(int(width / step)):
        path.lineTo(start + (count + 1) * step, base - (step if count % 2 == 0 else 0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(tones(widget).fault, 1.25))
    painter.drawPath(path)

"""Lists whose rows have an icon, words, and a note at the end: model, delegate, backgrounds, and a popup's list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from picsight.window.controls.buttons import draw_focus
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import LEADING, TRAILING, paint_plate, paint_words
from picsight.window.parts.words import cut_middle
from picsight.window.tokens import HAIR, HALF, SMALL, em, px, tones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtWidgets import QWidget


Index = QModelIndex | QPersistentModelIndex
VALUE, ROW = Qt.ItemDataRole.UserRole + 1, Qt.ItemDataRole.UserRole + 2


@dataclass(frozen=True, slots=True)
class Row:
    """The contents of a row, with the `note` at its end, and its text for a screen reader."""

    icon: str
    words: str
    note: str
    spoken: str


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances in em: a row's height, its icon, the space before, after, and between words and note."""

    high: float
    icon: float
    before: float
    after: float
    between: float


class RowsModel(QAbstractListModel):
    """Values, each shown as a row."""

    def __init__(self, row_of: Callable[[Any], Row], parent: QWidget) -> None:
        super().__init__(parent)
        self._row_of = row_of
        self.values: Sequence[Any] = ()

    def put(self, values: Sequence[Any]) -> None:
        """Replace the values."""
        self.beginResetModel()
        self.values = tuple(values)
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """The number of values."""
        return 0 if parent is not None and parent.isValid() else len(self.values)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The value itself, its row, the words, the text for a screen reader."""
        value = self.values[index.row()]
        if role == VALUE:
            return value
        if role not in {ROW, Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return None
        row = self._row_of(value)
        if role == ROW:
            return row
        return row.words if role == Qt.ItemDataRole.DisplayRole else row.spoken


class RowDelegate(QStyledItemDelegate):
    """Paints a row; `ground` is one of the background functions below."""

    def __init__(
        self,
        view: QListView,
        spacing: Spacing,
        ground: Callable[[QPainter, QAbstractItemView, QRect, QStyle.StateFlag], None],
    ) -> None:
        super().__init__(view)
        self._view, self._spacing, self._ground = view, spacing, ground

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """The width that the list chooses."""
        return QSize(px(self._view, 10), px(self._view, self._spacing.high))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row: icon and words leading, the note trailing."""
        view, spacing, rect, row = self._view, self._spacing, option.rect, index.data(ROW)
        colours, direction, metrics = tones(view), view.layoutDirection(), view.fontMetrics()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._ground(painter, view, rect, option.state)
        room = rect.adjusted(px(view, spacing.before), 0, -px(view, spacing.after), 0)
        side = px(view, spacing.icon)
        icon = QRect(room.left(), room.center().y() - side // 2, side, side)
        end = metrics.horizontalAdvance(row.note) + px(view, spacing.between)
        words = room.adjusted(side + px(view, HALF), 0, -end, 0)
        paint_icon(painter, QStyle.visualRect(direction, rect, icon), row.icon, colours.dim)
        painter.setPen(colours.text)
        shown = cut_middle(row.words, metrics, words.width())
        paint_words(painter, QStyle.visualRect(direction, rect, words), LEADING, shown)
        painter.setPen(colours.dim)
        paint_words(painter, QStyle.visualRect(direction, rect, room), TRAILING, row.note)
        painter.restore()


class PopupRows(QListView):
    """The list of a popup: it never has the focus, so it announces each new current row itself."""

    def __init__(self, name: str, row_of: Callable[[Any], Row], spacing: Spacing, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows = RowsModel(row_of, self)
        self.setModel(self._rows)
        self.setItemDelegate(RowDelegate(self, spacing, popup_ground))
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)

    def value(self) -> Any | None:
        """The value of the current row; None for no row."""
        index = self.currentIndex()
        return index.data(VALUE) if index.isValid() else None

    def go(self, row: int) -> None:
        """Make a row the current one and announce it; -1 for none."""
        self.setCurrentIndex(self._rows.index(row, 0))
        if row >= 0:
            words = self.currentIndex().data(Qt.ItemDataRole.AccessibleTextRole)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))


def raise_frame(popup: QFrame) -> None:
    """Set a popup's background and outline from the current palette."""
    popup.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)
    popup.setAutoFillBackground(True)
    palette = popup.palette()
    palette.setColor(QPalette.ColorRole.WindowText, tones(popup).outline)
    popup.setPalette(palette)


def popup_ground(painter: QPainter, view: QAbstractItemView, rect: QRect, state: QStyle.StateFlag) -> None:
    """Paint the background of a popup's row: stronger for the chosen one than for the one under the mouse."""
    chosen = state & QStyle.StateFlag.State_Selected
    if chosen or state & QStyle.StateFlag.State_MouseOver:
        colours = tones(view)
        fill, line = (colours.chosen, colours.accent) if chosen else (colours.hover, None)
        paint_plate(painter, rect, px(view, HAIR), fill, line, inset=1.5)


def row_ground(painter: QPainter, view: QAbstractItemView, rect: QRect, state: QStyle.StateFlag) -> None:
    """Paint the background of a page's row, and the focus ring."""
    colours, shape, radius = tones(view), QRectF(rect).adjusted(1, 1, -1, -1), SMALL * em(view)
    selected = state & QStyle.StateFlag.State_Selected
    if selected or state & QStyle.StateFlag.State_MouseOver:
        fill, line = (colours.chosen, QPen(colours.rim, 2)) if selected else (colours.hover, None)
        paint_plate(painter, shape, radius, fill, line)
    if state & QStyle.StateFlag.State_HasFocus:
        draw_focus(painter, view, shape, radius)

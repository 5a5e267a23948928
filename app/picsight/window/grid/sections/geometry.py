"""A list view with the geometry of a justified wall: rows that fill the width, whatever their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from picsight.settings import ROW_LARGEST, ROW_SMALLEST
from picsight.window.grid.layout import LayoutMetrics, RowLayout, justify
from picsight.window.grid.wall import EMPTY
from picsight.window.tokens import PAD, SMALL, em, px

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from picsight.jobs import Jobs
    from picsight.window.grid.model import WallModel

LAID_AT_ONCE = 4000  # photos: 2 ms; a longer wall is laid out in a thread, except for its first rows
LANE = "layout"
_Move = QAbstractItemView.CursorAction


class JustifiedView(QListView):
    """The positions of photos, hit tests and key navigation. Subclasses paint and signal requests."""

    row_height_changed = Signal(float)  # em
    laid_out = Signal()

    def __init__(
        self, model: WallModel, jobs: Jobs, row_height: float, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._wall_model, self._jobs, self._row_height = model, jobs, row_height
        self._rows: RowLayout = justify(EMPTY.shapes, LayoutMetrics(1, 1, 0))
        self._lane = f"{LANE} {id(self)}"  # per wall, so that another wall does not take its result
        self._band = QRect()
        self._column: int | None = None
        self._awaited: tuple[int, int] | None = None  # the place to scroll to once the whole wall is laid out
        self._moved = QTimer(self, singleShot=True, interval=0)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setModel(model)

    def at_top(self) -> bool:
        """True while the first row is in sight."""
        return self.verticalScrollBar().value() <= em(self)

    def place(self) -> tuple[int, int]:
        """The scroll offset and the current row, for `return_to`."""
        return self.verticalScrollBar().value(), self.currentIndex().row()

    def return_to(self, place: tuple[int, int]) -> None:
        """Restore a place."""
        if 0 <= place[1] < self._wall_model.rowCount():
            flag = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(self._wall_model.index(place[1]), flag.ClearAndSelect)
        self.verticalScrollBar().setValue(place[0])

    def content_height(self) -> int:
        """The height of all photos with their margins."""
        return self._rows.height + 2 * px(self, PAD)

    def rows_within(self, height: int) -> float:
        """The length of the rows that fit into this height, in row heights."""
        metrics = self._metrics()
        return metrics.width / metrics.row * height / (metrics.row + metrics.gap)

    def row_height(self) -> float:
        """The wanted height of a row in em."""
        return self._row_height

    def set_row_height(self, height: float, pointer: QPoint | None = None) -> None:
        """Change the wanted height of rows (em); the photo under the pointer, or the current one, does not move."""
        height = min(max(height, ROW_SMALLEST), ROW_LARGEST)
        if height == self._row_height:
            return
        self._row_height = height
        self._lay_out(pointer=pointer)
        self.row_height_changed.emit(height)

    # Layout

    def _metrics(self) -> LayoutMetrics:
        width, row = self.viewport().width() - 2 * px(self, PAD), px(self, self._row_height)
        return LayoutMetrics(max(width, em(self)), max(row, 1), px(self, SMALL), em(self))

    def _lay_out(self, *, fresh: bool = False, pointer: QPoint | None = None) -> None:
        """Lay the wall out. A long one keeps its old rows, or shows the first ones, until the whole layout is ready."""
        shapes, metrics = self._wall_model.wall.shapes, self._metrics()
        if self._rows.shapes is shapes and self._rows.metrics == metrics and self._rows.complete:
            return
        anchor = None if fresh else self._anchor(pointer)
        if shapes.count <= LAID_AT_ONCE:
            self._jobs.forget(self._lane)
            self._take_rows(justify(shapes, metrics), anchor)
            return
        if fresh or self._rows.laid == 0:
            self._take_rows(justify(shapes, metrics, LAID_AT_ONCE), None)
        self._jobs.read(
            lambda: justify(shapes, metrics),
            lambda rows: self._take_whole(rows, pointer),
            replaces=self._lane,
        )

    def _take_whole(self, rows: RowLayout, pointer: QPoint | None) -> None:
        if rows.shapes is self._wall_model.wall.shapes:
            anchor, self._awaited = self._awaited or self._anchor(pointer), None
            self._take_rows(rows, anchor)

    def _take_rows(self, rows: RowLayout, anchor: tuple[int, int] | None) -> None:
        self._rows = rows
        self.updateGeometries()
        if anchor:
            self._scroll_so(*anchor)
        self.viewport().update()
        self._moved.start()
        self.laid_out.emit()

    def _anchor(self, pointer: QPoint | None = None) -> tuple[int, int] | None:
        """The photo that must not move, and its y in the viewport: under the pointer, current, or the first visible."""
        candidates = [self.indexAt(pointer).row() if pointer else -1, self.currentIndex().row()]
        area = self.viewport().rect()
        for row in candidates:
            rect = self._rect(row)
            if rect and rect.intersects(area):
                return row, rect.top()
        seen = self._photos_in(area)
        first = self._rect(seen.start) if seen else None
        return (seen.start, first.top()) if first and self.verticalScrollBar().value() > 0 else None

    def _scroll_so(self, row: int, top: int) -> None:
        """Scroll so that a photo's upper edge is at y = `top` in the viewport."""
        cell = self._rows.cell(row)
        if cell:
            self.verticalScrollBar().setValue(cell.y() + px(self, PAD) - top)

    def _rect(self, row: int) -> QRect | None:
        """The place of a photo in the viewport, None while it has none."""
        cell = self._rows.cell(row)
        if cell is None:
            return None
        if self.isRightToLeft():
            cell.moveRight(self._rows.metrics.width - 1 - cell.left())
        margin = px(self, PAD)
        return cell.translated(margin, margin - self.verticalOffset())

    def _photos_in(self, area: QRect) -> range:
        """The photos whose rows touch a part of the viewport."""
        shift = self.verticalOffset() - px(self, PAD)
        return self._rows.photos_between(area.top() + shift, area.bottom() + shift)

    # Qt's geometry interface

    def doItemsLayout(self) -> None:
        """Use our layout; the base class measures every photo. Qt calls this instead of a repaint when data change."""
        self._lay_out()
        self.viewport().update()

    def updateGeometries(self) -> None:
        """Set the scroll bar's range."""
        bar, page = self.verticalScrollBar(), self.viewport().height()
        bar.setPageStep(page)
        bar.setSingleStep(px(self, self._row_height) // 3 + 1)
        bar.setRange(0, max(self.content_height() - page, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the new width."""
        QAbstractItemView.resizeEvent(self, event)
        self._lay_out()
        self._moved.start()

    def changeEvent(self, event: QEvent) -> None:
        """Lay out and paint again after a change of font or palette."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange):
            self._lay_out()
            self.viewport().update()

    def horizontalOffset(self) -> int:
        """Nothing scrolls sideways."""
        return 0

    def verticalOffset(self) -> int:
        """The scroll offset in whole pixels."""
        return self.verticalScrollBar().value()

    def visualRect(self, index: QModelIndex | QPersistentModelIndex) -> QRect:
        """The place of a photo in the viewport."""
        return self._rect(index.row()) or QRect()

    def indexAt(self, point: QPoint) -> QModelIndex:
        """The photo under a point of the viewport."""
        margin = px(self, PAD)
        x, y = point.x() - margin, point.y() - margin + self.verticalOffset()
        if self.isRightToLeft():
            x = self._rows.metrics.width - 1 - x
        row = self._rows.photo_at(x, y)
        return self._wall_model.index(row) if row is not None else QModelIndex()

    def scrollTo(
        self,
        index: QModelIndex | QPersistentModelIndex,
        _hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible,
    ) -> None:
        """Bring a photo into sight, no further than needed."""
        rect = self._rect(index.row())
        if rect is None:
            return
        bar, margin, top = self.verticalScrollBar(), px(self, PAD), self._top_margin()
        if index.row() == 0:  # including the heading above it
            bar.setValue(bar.minimum())
        elif rect.top() < top:
            bar.setValue(bar.value() + rect.top() - top)
        elif rect.bottom() > self.viewport().height() - margin:
            bar.setValue(bar.value() + rect.bottom() - self.viewport().height() + margin)

    def _top_margin(self) -> int:
        """The height at the upper edge in which photos are covered."""
        return px(self, PAD)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move the pixels, so that only the newly visible strip is painted."""
        self.viewport().scroll(dx, dy)
        self._moved.start()

    def visualRegionForSelection(self, _selection: QItemSelection) -> QRegion:
        """The whole viewport, which costs less than the rectangle of each selected photo."""
        return QRegion(self.viewport().rect())

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select the photos that a rubber band touches, or those from the rectangle's first corner to its last in order."""
        selection = QItemSelection()
        if self.state() == QAbstractItemView.State.DragSelectingState:
            self._band = rect.normalized()
            for row in self._photos_in(self._band):
                cell = self._rect(row)
                if cell and cell.intersects(self._band):
                    selection.select(self._wall_model.index(row), self._wall_model.index(row))
        else:
            first, last = self.indexAt(rect.topLeft()), self.indexAt(rect.bottomRight())
            if first.isValid() and last.isValid():
                selection.select(*sorted((first, last), key=QModelIndex.row))
        self.selectionModel().select(selection, command)

    def selectAll(self) -> None:
        """Select everything as one range; the base class visits each photo, 70 ms for 100,000."""
        count = self._wall_model.rowCount()
        if count:
            every = QItemSelection(self._wall_model.index(0), self._wall_model.index(count - 1))
            self.selectionModel().select(every, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, _modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """The target of a key: the next or previous photo, the nearest one a row or a page away, the first or the last."""
        count = self._rows.laid
        if not count:
            return QModelIndex()
        current = self.currentIndex().row()
        if current < 0 and action not in (_Move.MoveHome, _Move.MoveEnd):
            seen = self._photos_in(self.viewport().rect())  # navigation starts in the visible part
            return self._wall_model.index(seen.start if seen else 0)
        back = _Move.MoveRight if self.isRightToLeft() else _Move.MoveLeft
        if action in (_Move.MoveLeft, _Move.MoveRight, _Move.MoveNext, _Move.MovePrevious):
            self._column = None
            step = -1 if action in (back, _Move.MovePrevious) else 1
            return self._wall_model.index(min(max(current + step, 0), count - 1))
        if action in (_Move.MoveHome, _Move.MoveEnd):
            self._column = None
            return self._wall_model.index(0 if action == _Move.MoveHome else count - 1)
        return self._wall_model.index(self._vertical_target(current, action))

    def _vertical_target(self, current: int, action: QAbstractItemView.CursorAction) -> int:
        cell = self._rows.cell(current)
        if cell is None:
            return current
        if self._column is None:
            self._column = cell.x() + cell.width() // 2
        page = max(self.viewport().height() // max(cell.height() + self._rows.metrics.gap, 1) - 1, 1)
        steps = {_Move.MoveUp: -1, _Move.MoveDown: 1, _Move.MovePageUp: -page, _Move.MovePageDown: page}
        return self._rows.neighbour(current, steps[action], self._column)

"""The sections of the wall: the fold, headings, and the scrubber."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QWidget

from picsight.window.grid.sections.geometry import JustifiedView
from picsight.window.grid.sections.headings import (
    STRIP,
    FoldButton,
    HeadingStrip,
    day_words,
    paint_heading,
    title_of,
)
from picsight.window.grid.sections.scrubber import Scrubber
from picsight.window.grid.wall import HEADING, Kind
from picsight.window.tokens import PAD, em, px

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex
    from PySide6.QtGui import QPainter

    from picsight.jobs import Jobs
    from picsight.window.grid.layout import RowLayout
    from picsight.window.grid.model import WallModel

REST_MS = 80  # the pause of a dragged scrubber before thumbnails are read


class SectionedView(JustifiedView):
    """A wall with its sections."""

    fold_toggled = Signal()

    def __init__(
        self, model: WallModel, jobs: Jobs, row_height: float, parent: QWidget | None = None
    ) -> None:
        super().__init__(model, jobs, row_height, parent)
        self._strip = HeadingStrip(self)
        self.fold = FoldButton(self.viewport())
        self.scrubber = Scrubber(self._words_at, self)
        self.setVerticalScrollBar(self.scrubber)
        self.fold.clicked.connect(self.fold_toggled)
        self.fold.left.connect(self._leave_fold)
        self.scrubber.sliderPressed.connect(lambda: self._moved.setInterval(REST_MS))
        self.scrubber.sliderReleased.connect(lambda: self._moved.setInterval(0))

    # Places

    def _take_rows(self, rows: RowLayout, anchor: tuple[int, int] | None) -> None:
        super()._take_rows(rows, anchor)
        self._place_fold()
        self._place_strip()
        self.scrubber.set_marks(self._marks())

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move fold and headings with the photos, except for the sticky heading."""
        super().scrollContentsBy(dx, dy)
        self._place_fold()
        self._place_strip()

    def _top_margin(self) -> int:
        """The height that the sticky heading covers."""
        named = any(title_of(section) for section in self._wall_model.wall.sections[:1])
        return px(self, STRIP) if named else super()._top_margin()

    def _place_fold(self) -> None:
        """Place the fold at the start of its section."""
        fold = self._wall_model.wall.fold
        self.fold.setVisible(fold is not None)
        if fold is None:
            return
        self.fold.say(fold)
        margin = px(self, PAD)
        top = self._rows.block_tops[-1] + 2 * margin - self.verticalOffset()
        self.fold.setGeometry(margin, top, self._rows.metrics.width, self.fold.sizeHint().height())

    def _place_strip(self) -> None:
        """Place the sticky heading at the top once its section's heading has scrolled out; the next heading pushes it."""
        block = self._block_at(self.verticalOffset())
        title = self._title(block)
        high = px(self, STRIP)
        if not title or self._title_rect(block).top() >= 0:
            self._strip.hide()
            return
        after = self._title_rect(block + 1).top() if block + 1 < len(self._rows.block_tops) else high
        corner = self.viewport().geometry().topLeft()
        self._strip.setGeometry(corner.x(), corner.y() + min(after - high, 0), self.viewport().width(), high)
        self._strip.setText(title)
        self._strip.show()

    def _block_at(self, offset: int) -> int:
        """The section whose heading has reached the upper edge, or the one above; -1 before the first."""
        lead = px(self, HEADING - STRIP)  # a heading fills only the lower part of the space above its photos
        return self._rows.block_at(offset - px(self, PAD) + lead)

    def _title_rect(self, block: int) -> QRect:
        """The place of a section's heading in the viewport."""
        section = self._rows.shapes.blocks[block]
        top = self._rows.block_tops[block] + px(self, PAD) - self.verticalOffset()
        room = round(section.above * em(self))
        high = px(self, STRIP)
        return QRect(px(self, PAD), top + room - high, self._rows.metrics.width, high)

    def _title(self, block: int) -> str:
        """The title of a section with a place."""
        sections = self._wall_model.wall.sections
        return (
            title_of(sections[block]) if 0 <= block < min(len(sections), len(self._rows.block_tops)) else ""
        )

    def _words_at(self, value: int) -> str:
        """The date at a value of the scrubber."""
        return self._title(max(self._block_at(value), 0))

    def _marks(self) -> dict[int, str]:
        """The years of a wall in an order by date, by the scrubber's values at which they begin."""
        marks: dict[int, str] = {}
        year = ""
        for section, top in zip(self._wall_model.wall.sections, self._rows.block_tops, strict=False):
            if section.kind in (Kind.MONTH, Kind.YEAR) and section.key[:4] != year:
                year = section.key[:4]
                marks.setdefault(min(top, self.scrubber.maximum()), year[2:])
        return marks if len(marks) > 1 else {}

    # Painting

    def _paint_headings(self, painter: QPainter, area: QRect) -> None:
        """Paint the headings and days that touch a part of the viewport."""
        first = max(self._rows.block_at(area.top() + self.verticalOffset() - px(self, PAD)), 0)
        for block in range(first, len(self._rows.block_tops)):
            place = self._title_rect(block)
            if place.top() > area.bottom():
                break
            if words := self._title(block):
                paint_heading(painter, self, place, words)
        if self._rows.shapes.days:
            self._paint_days(painter, area.adjusted(0, 0, 0, self._rows.metrics.day_above))

    def _paint_days(self, painter: QPainter, area: QRect) -> None:
        """Paint each day over its first photo, cut at the next one."""
        seen, days = self._photos_in(area), self._rows.shapes.days
        named = days[bisect_left(days, seen.start) : bisect_left(days, seen.stop)]
        wall, high = self._wall_model.wall, self._rows.metrics.day_above
        for photo, after in pairwise([*named, -1]):
            cell, beside = self._rect(photo), self._rect(after)
            taken = wall.results[photo].taken
            if cell is None or taken is None:
                continue
            room = self._room_beside(cell, beside if beside and beside.top() == cell.top() else None)
            place = QRect(cell.left(), cell.top() - high, room, high)
            if self.isRightToLeft():
                place.moveRight(cell.right())
            section = wall.sections[bisect_right(wall.sections, photo, key=lambda each: each.start) - 1]
            day = day_words(taken, section)
            paint_heading(painter, self, place, day, is_day=True)

    def _room_beside(self, cell: QRect, beside: QRect | None) -> int:
        """The available width of the words over a photo."""
        margin, width = px(self, PAD), self._rows.metrics.width
        if self.isRightToLeft():
            return cell.right() - (beside.right() if beside else margin)
        return (beside.left() if beside else margin + width) - cell.left()

    # Keys

    def moveCursor(
        self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Move from the last row down to the closed fold."""
        target = super().moveCursor(action, modifiers)
        down = action == QAbstractItemView.CursorAction.MoveDown
        fold, last = self._wall_model.wall.fold, len(self._rows.tops) - 1
        if down and fold and not fold.is_open and self._rows.row_of(self.currentIndex().row()) == last:
            self.fold.setFocus(Qt.FocusReason.TabFocusReason)
            self.scrubber.setValue(self.scrubber.maximum())
        return target

    def step_section(self, step: int) -> None:
        """Move to the next or the previous section."""
        starts = [section.start for section in self._wall_model.wall.sections]
        current = max(self.currentIndex().row(), 0)
        place = bisect_left(starts, current + (step > 0)) - (step < 0)
        index = self._wall_model.index(starts[place] if 0 <= place < len(starts) else -1)
        if index.isValid():
            self.setCurrentIndex(index)

    def _leave_fold(self, step: int) -> None:
        """Move from the fold to the photos above or below it."""
        row = self._wall_model.wall.sections[-1].start - (step < 0)
        index = self._wall_model.index(row)
        if index.isValid():
            self.setFocus(Qt.FocusReason.TabFocusReason)
            self.setCurrentIndex(index)
            self.scrollTo(index)

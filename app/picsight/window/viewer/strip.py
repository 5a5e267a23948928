"""The strips below the photo: thumbnails of the photos around it, and frames of a film, with the shown one in the middle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QStyle, QWidget

from picsight.exposure import film_time
from picsight.window.grid.photo_painter import paint_selection
from picsight.window.grid.thumbnails import ThumbnailRequest, Thumbnails
from picsight.window.parts.labels import Drawn, paint_caption, paint_plate
from picsight.window.parts.words import counted
from picsight.window.tokens import HAIR, SMALL, em, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QMouseEvent, QPainter, QPixmap, QResizeEvent, QWheelEvent

    from picsight.window.tokens import Tones
    from picsight_engine.search.answer import Result

HIGH = 4.0  # em
NARROWEST, WIDEST = 0.5, 2.0  # aspect ratios; wider photos are cut
WHEEL_STEP = 120  # eighths of a degree: one notch


@dataclass(frozen=True, slots=True)
class StripPlace:
    """The place of a row's photo in the strip."""

    row: int
    x: int
    width: int


def places(photos: Sequence[Result], row: int, width: int, height: int, gap: int) -> list[StripPlace]:
    """The visible photos, the one of `row` in the middle, unless near an end, where the strip is still filled."""
    reach = width // (round(height * NARROWEST) + gap) + 1  # enough to fill the strip, whatever their shapes
    rows = range(max(row - reach, 0), min(row + reach + 1, len(photos)))
    wide = [_width(photos[index], height) for index in rows]
    starts = list(accumulate((across + gap for across in wide), initial=0))
    total = starts[-1] - gap
    here = row - rows.start
    shift = width // 2 - starts[here] - wide[here] // 2
    if total <= width:
        shift = (width - total) // 2
    elif rows.start == 0:
        shift = min(shift, 0)
    if rows.stop == len(photos) and total > width:
        shift = max(shift, width - total)
    spread = (StripPlace(*each) for each in zip(rows, (x + shift for x in starts), wide, strict=False))
    return [place for place in spread if place.x < width and place.x + place.width > 0]


def _width(photo: Result, height: int) -> int:
    return round(height * min(max(photo.width / max(photo.height, 1), NARROWEST), WIDEST))


class Strip(Drawn, QWidget):
    """Shows the position among the photos; a click or a notch of the wheel moves to another one."""

    chosen = Signal(int)  # the row

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._photos: Sequence[Result] = ()
        self.row, self._turned = -1, 0  # the row of the shown photo
        self.places: list[StripPlace] = []  # of the visible photos
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        thumbnails.arrived.connect(lambda _ids: self.update())

    def show_photos(self, photos: Sequence[Result], row: int) -> None:
        """Show the photos around a row."""
        self._photos, self.row = photos, row
        self.setAccessibleName(
            counted(len(photos), "The only photo", "The %n photos that this one stands among")
        )
        self._arrange()

    def pixmap(self, photo: Result) -> QPixmap | None:
        """The thumbnail of a photo, if loaded."""
        return self._thumbnails.pixmap(photo.id, photo.moment)

    def row_at(self, x: int) -> int | None:
        """The row of the photo at `x`."""
        x = self.width() - 1 - x if self.isRightToLeft() else x
        return next((each.row for each in self.places if each.x <= x < each.x + each.width), None)

    def sizeHint(self) -> QSize:
        """As wide as fits."""
        return QSize(px(self, 20), px(self, HIGH + 2 * SMALL))

    def minimumSizeHint(self) -> QSize:
        """Room for three photos."""
        return QSize(px(self, 3 * HIGH), px(self, HIGH + 2 * SMALL))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many photos as fit."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        self.update()
        if not 0 <= self.row < len(self._photos):
            self.places = []
            return
        self.places = places(self._photos, self.row, self.width(), px(self, HIGH), px(self, HAIR))
        nearest = sorted(self.places, key=lambda place: abs(place.row - self.row))
        sizes = [(self._photos[place.row], place.width) for place in nearest]
        wanted = [ThumbnailRequest.from_photo(photo, self, width, px(self, HIGH)) for photo, width in sizes]
        self._thumbnails.request(wanted)

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint the photos, with a ring around the shown one."""
        radius, top, high = HAIR * em(self), px(self, SMALL), px(self, HIGH)
        for place in self.places:
            rect = QStyle.visualRect(
                self.layoutDirection(), self.rect(), QRect(place.x, top, place.width, high)
            )
            pixmap = self.pixmap(self._photos[place.row])
            if pixmap is not None:
                painter.drawPixmap(rect, pixmap)
            else:
                paint_plate(painter, rect, radius, colours.line)
            self._paint_words(painter, rect, place.row)
            if place.row == self.row:
                paint_selection(painter, self, rect)

    def _paint_words(self, painter: QPainter, rect: QRect, row: int) -> None:
        """Paint nothing: photos have no words."""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show a hand cursor over photos."""
        over = self.row_at(event.position().toPoint().x()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move to that photo."""
        row = self.row_at(event.position().toPoint().x())
        if event.button() == Qt.MouseButton.LeftButton and row is not None:
            self.chosen.emit(row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move by one photo per notch."""
        self._turned -= event.angleDelta().y() + event.angleDelta().x()
        steps = int(self._turned / WHEEL_STEP)
        self._turned -= steps * WHEEL_STEP
        row = min(max(self.row + steps, 0), len(self._photos) - 1)
        if steps and row != self.row:
            self.chosen.emit(row)
        event.accept()


class MomentStrip(Strip):
    """Shows the moments of a film by which it is found; a click or a notch of the wheel shows another one's frame."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(thumbnails, parent)
        self.moments: Sequence[float] = ()  # the seconds of the shown film
        self.hide()

    def show_moments(self, photo: Result, moments: Sequence[float], row: int) -> None:
        """Show a film's moments; hide for a photo, and where there is nothing to choose."""
        self.moments = moments
        self.setVisible(len(moments) > 1)
        self.show_photos([replace(photo, moment=moment) for moment in moments], row)
        self.setAccessibleName(counted(len(moments), "%n moment of the film", "%n moments of the film"))

    def _paint_words(self, painter: QPainter, rect: QRect, row: int) -> None:
        words = film_time(self.moments[row])
        wide, high = painter.fontMetrics().horizontalAdvance(words) + px(self, 0.5), px(self, 1.25)
        plate = QRect(rect.center().x() - wide // 2, rect.bottom() + 1 - high, wide, high)
        paint_caption(painter, self, plate, words)

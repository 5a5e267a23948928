"""Paints one photo of the wall: its picture or a grey shape, and the marks of hover, selection and focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from picsight.window.grid.model import Role
from picsight.window.parts.badges import badge
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import CENTRE, paint_caption, paint_plate, paint_words
from picsight.window.parts.words import number, say
from picsight.window.tokens import HAIR, em, px, tones

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtWidgets import QWidget

    from picsight.window.grid.thumbnails import Thumbnails
    from picsight.window.parts.rows import Index
    from picsight_engine.store.decisions import State
    from picsight_engine.tags.tree import Marks

RING, RING_GAP = 0.25, 0.12  # em: selection
FOCUS, FOCUS_OUTSIDE = 0.15, 0.19  # em: keyboard
CIRCLE, CIRCLE_ZONE = 1.4, 2.25  # em: the drawn circle and its click target
MARK, MARK_HALO = 0.7, 0.16  # em: the mark of a match
STATE = 1.25  # em: the mark of a photo's state in the shown tag
# Em: the height of a plate such as a stack's count, and its distance to the photo's edges
PLATE, EDGE = 1.5, 0.375
PALE = 0.45  # opacity of a photo that is not in the tag, or whose folder is not connected


class PhotoDelegate(QStyledItemDelegate):
    """Only paints; the view decides on sizes and places."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Picture, then signs."""
        view: QWidget = option.widget
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        photo, stands = index.data(Role.PHOTO), index.data(Role.STATE)
        away = index.data(Role.AWAY)
        painter.setOpacity(PALE if stands == "rejected" or away else 1)
        self._paint_picture(painter, view, rect, photo.id)
        painter.setOpacity(1)
        if away:
            paint_away(painter, view, rect)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if stands:
            self._paint_state(painter, view, rect, stands, hovered=hovered)
        elif mark := index.data(Role.MARK):
            # Distinct without colour, on every picture.
            _paint_disc(painter, view, rect, MARK, filled=mark == "strong")
        self._paint_plates(painter, view, rect, index)
        if photo.found_by == "name":
            self._paint_words(painter, view, rect, say("Name"))
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            self._paint_selection(painter, view, rect)
        if selected or hovered:
            self._paint_circle(painter, view, rect, filled=selected)
        if state & QStyle.StateFlag.State_HasFocus:
            self._paint_focus(painter, view, rect)

    def _paint_picture(self, painter: QPainter, view: QWidget, rect: QRect, photo: int) -> None:
        colours, radius = tones(view), HAIR * em(view)
        pixmap = self._thumbnails.pixmap(photo)
        if pixmap is not None:
            painter.drawPixmap(rect, pixmap)
            # Makes a white photo visible on a white wall.
            paint_plate(painter, rect, radius, line=colours.edge, inset=0.5)
            return
        paint_plate(painter, rect, radius, colours.placeholder)
        if self._thumbnails.is_missing(photo):
            paint_icon(painter, rect, "no-picture", colours.outline, px(view, 1.5))

    def _paint_selection(self, painter: QPainter, view: QWidget, rect: QRect) -> None:
        colours, unit = tones(view), em(view)
        ring, gap = RING * unit, RING_GAP * unit
        paint_plate(painter, rect, HAIR * unit, line=QPen(colours.accent, ring), inset=ring / 2)
        paint_plate(painter, rect, HAIR * unit, line=QPen(colours.base, gap), inset=ring + gap / 2)

    def _paint_circle(self, painter: QPainter, view: QWidget, rect: QRect, *, filled: bool) -> None:
        colours, unit = tones(view), em(view)
        zone = circle_zone(rect, view)
        circle = QRectF(0, 0, CIRCLE * unit, CIRCLE * unit)
        circle.moveCenter(QRectF(zone).center())
        if filled:
            painter.setPen(QPen(colours.base, 0.12 * unit))
            painter.setBrush(colours.accent)
            painter.drawEllipse(circle)
            inner = circle.toRect().adjusted(*(round(d * unit) for d in (0.25, 0.25, -0.25, -0.25)))
            paint_icon(painter, inner, "tick", colours.on_accent)
            return
        shade = QColor(colours.stage)
        shade.setAlphaF(0.35)
        painter.setPen(QPen(colours.on_stage, 0.12 * unit))
        painter.setBrush(shade)
        painter.drawEllipse(circle)

    def _paint_state(
        self, painter: QPainter, view: QWidget, rect: QRect, state: State, *, hovered: bool
    ) -> None:
        """Paint a ring for a suggested photo, a tick for an accepted one, a cross for a rejected one; bottom trailing. Under
        the mouse, paint a tick and a cross to press.
        """
        if hovered:
            for verdict, zone in verdict_zones(rect, view).items():
                self._paint_verdict(painter, view, zone, verdict)
            return
        colours, unit, is_in = tones(view), em(view), state == "accepted"
        place = _paint_disc(painter, view, rect, STATE, filled=is_in)
        if state != "suggested":
            inner = place.adjusted(*(0.2 * unit * sign for sign in (1, 1, -1, -1))).toRect()
            paint_icon(painter, inner, "tick" if is_in else "clear", colours.base if is_in else colours.text)

    def _paint_verdict(self, painter: QPainter, view: QWidget, zone: QRect, verdict: State) -> None:
        """Paint a tick or a cross to press, on a dark plate."""
        inset, edge = px(view, 0.5), px(view, 0.2)
        paint_caption(painter, view, zone.adjusted(edge, edge, -edge, -edge))
        inner = zone.adjusted(inset, inset, -inset, -inset)
        paint_icon(painter, inner, "tick" if verdict == "accepted" else "clear", tones(view).on_stage)

    def _paint_plates(self, painter: QPainter, view: QWidget, rect: QRect, index: Index) -> None:
        """Paint what stands at the bottom, one after the other: copies, what else the photo is, marks."""
        copies, before = index.data(Role.COPIES), 0
        if copies > 1:
            self._paint_plate(painter, view, rect, copies)
            before = plate_of(rect, view, copies).width() + px(view, EDGE)
        if words := badge(index.data(Role.PHOTO)):
            before += self._paint_words(painter, view, rect, words, before)
        if marks := index.data(Role.LIKING):
            self._paint_liking(painter, view, rect, before, marks)

    def _paint_liking(self, painter: QPainter, view: QWidget, rect: QRect, before: int, marks: Marks) -> None:
        """Paint a heart, a star with its number, or a cross for rejected, on a dark plate, bottom leading, `before` pixels
        behind other plates, or above them where the photo is narrow.
        """
        colours, side, edge = tones(view), px(view, PLATE), px(view, EDGE)
        rating = marks.rating or 0
        stars = number(rating) if rating > 0 else ""
        signs = ["favourite-on"] * marks.favourite + ["star-on"] * bool(stars) + ["clear"] * (rating < 0)
        after = view.fontMetrics().horizontalAdvance(stars) + edge if stars else 0
        wide, above = side * len(signs) + after, 0
        if before and before + wide + 2 * edge > rect.width():
            before, above = 0, side + edge
        plate = QRect(rect.left() + edge + before, rect.bottom() + 1 - edge - side - above, wide, side)
        direction, inset = view.layoutDirection(), px(view, 0.25)
        paint_caption(painter, view, QStyle.visualRect(direction, rect, plate))
        for place, sign in enumerate(signs):
            square = QRect(plate.left() + place * side, plate.top(), side, side)
            square = square.adjusted(inset, inset, -inset, -inset)
            paint_icon(painter, QStyle.visualRect(direction, rect, square), sign, colours.on_stage)
        words = plate.adjusted(side * len(signs), 0, -edge, 0)
        painter.setFont(view.font())
        painter.setPen(colours.on_stage)
        paint_words(painter, QStyle.visualRect(direction, rect, words), CENTRE, stars)

    def _paint_plate(self, painter: QPainter, view: QWidget, rect: QRect, copies: int) -> None:
        """Paint a stack and its number on a dark plate, bottom leading."""
        colours, unit = tones(view), em(view)
        plate = plate_of(rect, view, copies)
        paint_caption(painter, view, plate)
        inner = plate.adjusted(px(view, 0.375), 0, -px(view, 0.375), 0)
        icon = QRect(inner.left(), inner.top(), unit, inner.height())
        words = inner.adjusted(px(view, 1.25), 0, 0, 0)
        if view.isRightToLeft():
            icon.moveRight(inner.right())
            words.moveLeft(inner.left())
        paint_icon(painter, icon, "stack", colours.on_stage)
        painter.setFont(view.font())
        painter.setPen(colours.on_stage)
        paint_words(painter, words, CENTRE, number(copies))

    def _paint_words(
        self, painter: QPainter, view: QWidget, rect: QRect, words: str, before: int | None = None
    ) -> int:
        """Paint words on a dark plate, top leading, or bottom leading `before` pixels behind other plates; return the room
        that it takes.
        """
        edge, high = px(view, EDGE), px(view, PLATE)
        width = view.fontMetrics().horizontalAdvance(words) + px(view, 0.75)
        top = rect.top() + edge if before is None else rect.bottom() + 1 - edge - high
        plate = QRect(rect.left() + edge + (before or 0), top, width, high)
        paint_caption(painter, view, QStyle.visualRect(view.layoutDirection(), rect, plate), words)
        return width + edge

    def _paint_focus(self, painter: QPainter, view: QWidget, rect: QRect) -> None:
        unit, width = em(view), FOCUS * em(view)
        ring, outside = QPen(tones(view).text, width), FOCUS_OUTSIDE * unit
        paint_plate(painter, rect, 0.35 * unit, line=ring, inset=width / 2 - outside)


def paint_away(painter: QPainter, view: QWidget, rect: QRect) -> None:
    """Paint a crossed-out disk on a dark plate, in the middle."""
    plate = QRect(0, 0, px(view, 2.25), px(view, 2.25))
    plate.moveCenter(rect.center())
    paint_caption(painter, view, plate)
    inset = px(view, 0.375)
    inner = plate.adjusted(inset, inset, -inset, -inset)
    paint_icon(painter, inner, "disconnected", tones(view).on_stage)


def circle_zone(rect: QRect, view: QWidget) -> QRect:
    """The click target for selecting a photo: its top trailing corner."""
    side = min(round(CIRCLE_ZONE * em(view)), rect.width(), rect.height())
    zone = QRect(rect.right() + 1 - side, rect.top(), side, side)
    return QStyle.visualRect(view.layoutDirection(), rect, zone)


def verdict_zones(rect: QRect, view: QWidget) -> dict[State, QRect]:
    """The click targets for accepting and rejecting a photo in the shown tag: its bottom trailing corner."""
    side = min(round(CIRCLE_ZONE * em(view)), rect.width() // 2, rect.height())
    zone = QRect(rect.right() + 1 - side, rect.bottom() + 1 - side, side, side)
    zones: dict[State, QRect] = {"accepted": zone.translated(-side, 0), "rejected": zone}
    direction = view.layoutDirection()
    return {verdict: QStyle.visualRect(direction, rect, each) for verdict, each in zones.items()}


def plate_of(rect: QRect, view: QWidget, copies: int) -> QRect:
    """The rectangle of a stack's count: the bottom leading corner."""
    wide = view.fontMetrics().horizontalAdvance(number(copies)) + px(view, 2)
    edge, high = px(view, EDGE), px(view, PLATE)
    left = rect.right() + 1 - edge - wide if view.isRightToLeft() else rect.left() + edge
    return QRect(left, rect.bottom() + 1 - edge - high, wide, high)


def _paint_disc(painter: QPainter, view: QWidget, rect: QRect, size: float, *, filled: bool) -> QRectF:
    """Paint a disc or ring of `size` em on a halo, in the bottom trailing corner; return its place."""
    colours, unit = tones(view), em(view)
    side, halo, edge, line = size * unit, MARK_HALO * unit, 0.5 * unit, 0.13 * unit
    x = rect.left() + edge if view.isRightToLeft() else rect.right() + 1 - edge - side
    place = QRectF(x, rect.bottom() + 1 - edge - side, side, side)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.base)
    painter.drawEllipse(place.adjusted(-halo, -halo, halo, halo))
    painter.setPen(QPen(colours.text, line))
    painter.setBrush(colours.text if filled else colours.base)
    painter.drawEllipse(place.adjusted(line / 2, line / 2, -line / 2, -line / 2))
    return place

"""Paints one photo of the wall: its picture or a grey shape, and the marks of hover, selection and focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyle

from picsight.texts import tr
from picsight.window.parts.badges import badge
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import CENTRE, paint_caption, paint_plate, paint_words
from picsight.window.parts.words import number
from picsight.window.tokens import HAIR, ONE, WIDE, em, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtWidgets import QWidget

    from picsight.window.grid.model import WallModel
    from picsight.window.grid.thumbnails import Thumbnails
    from picsight_engine.search.answer import Result
    from picsight_engine.store.tagging.decisions import State

RING, RING_GAP = 0.25, 0.12  # em: selection
FOCUS, FOCUS_OUTSIDE = 0.15, 0.19  # em: keyboard
CIRCLE, CIRCLE_ZONE = 1.4, 2.25  # em: the drawn circle and its click target
MARK, MARK_HALO = 0.7, 0.16  # em: the mark of a match
STATE = 1.25  # em: the mark of a photo's state in the shown tag
# Em: the height of a plate such as a stack's count, and its distance to the photo's edges
PLATE, EDGE = 1.5, 0.375
AWAY = 2.25  # em: the plate over a photo whose folder is not connected
PALE = 0.45  # opacity of a photo that is not in the tag, or whose folder is not connected

_SIGNS: dict[State, str] = {"accepted": "tick", "rejected": "clear"}


class PhotoPainter:
    """Paints the photos of a wall; the view decides on sizes and places."""

    def __init__(self, model: WallModel, thumbnails: Thumbnails) -> None:
        self._model, self._thumbnails = model, thumbnails

    def paint(
        self, painter: QPainter, view: QWidget, rect: QRect, photo: Result, state: QStyle.StateFlag
    ) -> None:
        """Paint the picture, then the icons on it."""
        stands, offline = self._model.state(photo.id), self._model.is_offline(photo)
        painter.setOpacity(PALE if stands == "rejected" or offline else 1)
        self._paint_picture(painter, view, rect, photo)
        painter.setOpacity(1)
        if offline:
            plate = QRect(0, 0, px(view, AWAY), px(view, AWAY))
            plate.moveCenter(rect.center())
            _paint_sign(painter, view, plate, "disconnected", px(view, WIDE))
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if stands:
            self._paint_state(painter, view, rect, stands, hovered=hovered)
        elif match := self._model.match_of(photo):
            # Distinct without colour, on every picture.
            _paint_disc(painter, view, rect, MARK, filled=match == "strong")
        self._paint_plates(painter, view, rect, photo)
        if photo.found_by in {"name", "words"}:
            top = rect.height() - px(view, PLATE) - 2 * px(view, EDGE)
            words = tr("Name") if photo.found_by == "name" else tr("Words")
            _paint_plate(painter, view, rect, (), words, place=(0, top))
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            paint_selection(painter, view, rect)
        if selected or hovered:
            self._paint_circle(painter, view, rect, filled=selected)
        if state & QStyle.StateFlag.State_HasFocus:
            self._paint_focus(painter, view, rect)

    def _paint_picture(self, painter: QPainter, view: QWidget, rect: QRect, photo: Result) -> None:
        colours, radius = tones(view), HAIR * em(view)
        pixmap = self._thumbnails.pixmap(photo.id, photo.moment)
        if pixmap is not None:
            painter.drawPixmap(rect, pixmap)
            # Makes a white photo visible on a white wall.
            paint_plate(painter, rect, radius, line=colours.edge, inset=0.5)
            return
        paint_plate(painter, rect, radius, colours.placeholder)
        if photo.id in self._thumbnails.missing:
            paint_icon(painter, rect, "no-picture", colours.outline, px(view, 1.5))

    def _paint_circle(self, painter: QPainter, view: QWidget, rect: QRect, *, filled: bool) -> None:
        colours, unit = tones(view), em(view)
        zone = circle_zone(rect, view)
        circle = QRectF(0, 0, CIRCLE * unit, CIRCLE * unit)
        circle.moveCenter(QRectF(zone).center())
        shade = QColor(colours.stage)
        shade.setAlphaF(0.35)
        painter.setPen(QPen(colours.base if filled else colours.on_stage, 0.12 * unit))
        painter.setBrush(colours.accent if filled else shade)
        painter.drawEllipse(circle)
        if filled:
            inner = circle.toRect().adjusted(*(round(d * unit) for d in (0.25, 0.25, -0.25, -0.25)))
            paint_icon(painter, inner, "tick", colours.on_accent)

    def _paint_state(
        self, painter: QPainter, view: QWidget, rect: QRect, state: State, *, hovered: bool
    ) -> None:
        """Paint a ring for a suggested photo, a tick for an accepted one, a cross for a rejected one; bottom trailing. Under
        the mouse, paint a tick and a cross to press.
        """
        if hovered:
            for verdict, zone in verdict_zones(rect, view).items():
                edge = px(view, 0.2)
                plate, sign = zone.adjusted(edge, edge, -edge, -edge), _SIGNS[verdict]
                _paint_sign(painter, view, plate, sign, zone.width() - px(view, ONE))
            return
        colours, unit, is_in = tones(view), em(view), state == "accepted"
        place = _paint_disc(painter, view, rect, STATE, filled=is_in)
        if state != "suggested":
            inner = place.adjusted(*(0.2 * unit * sign for sign in (1, 1, -1, -1))).toRect()
            paint_icon(painter, inner, _SIGNS[state], colours.base if is_in else colours.text)

    def _paint_plates(self, painter: QPainter, view: QWidget, rect: QRect, photo: Result) -> None:
        """Paint what stands at the bottom, one after the other: copies, what else the photo is, marks."""
        copies, marks, place = self._model.wall.copies(photo.id), self._model.rated_marks(photo.id), (0, 0)
        if copies > 1:
            place = _paint_plate(painter, view, rect, ("stack",), number(copies), place=place)
        if words := badge(photo):
            place = _paint_plate(painter, view, rect, (), words, place=place)
        if marks:
            rating = marks.rating or 0
            signs = ["favourite-on"] * marks.favourite + ["star-on"] * (rating > 0) + ["clear"] * (rating < 0)
            _paint_plate(painter, view, rect, signs, number(rating) if rating > 0 else "", place=place)

    def _paint_focus(self, painter: QPainter, view: QWidget, rect: QRect) -> None:
        unit, width = em(view), FOCUS * em(view)
        ring, outside = QPen(tones(view).text, width), FOCUS_OUTSIDE * unit
        paint_plate(painter, rect, 0.35 * unit, line=ring, inset=width / 2 - outside)


def _paint_sign(painter: QPainter, view: QWidget, plate: QRect, sign: str, side: int) -> None:
    """Paint an icon of `side` pixels on a dark plate."""
    paint_caption(painter, view, plate)
    paint_icon(painter, plate, sign, tones(view).on_stage, side)


def paint_selection(painter: QPainter, view: QWidget, rect: QRect) -> None:
    """Paint a ring with a gap inside it."""
    colours, unit = tones(view), em(view)
    ring, gap = RING * unit, RING_GAP * unit
    paint_plate(painter, rect, HAIR * unit, line=QPen(colours.accent, ring), inset=ring / 2)
    paint_plate(painter, rect, HAIR * unit, line=QPen(colours.base, gap), inset=ring + gap / 2)


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
    return QStyle.visualRect(view.layoutDirection(), rect, _plate(rect, view, ("stack",), number(copies)))


def _plate(
    rect: QRect, view: QWidget, signs: Sequence[str], words: str, place: tuple[int, int] = (0, 0)
) -> QRect:
    """The rectangle of a plate before mirroring; `place` is its distance from the bottom leading corner in pixels."""
    edge, side = px(view, EDGE), px(view, PLATE)
    ends = edge if signs else 2 * edge
    wide = side * len(signs) + (view.fontMetrics().horizontalAdvance(words) + ends if words else 0)
    return QRect(rect.left() + edge + place[0], rect.bottom() + 1 - edge - side - place[1], wide, side)


def _paint_plate(
    painter: QPainter, view: QWidget, rect: QRect, signs: Sequence[str], words: str, *, place: tuple[int, int]
) -> tuple[int, int]:
    """Paint icons and words on a dark plate, at a distance from the bottom leading corner, or above it if the photo is too
    narrow; return the place behind it.
    """
    edge, side, direction = px(view, EDGE), px(view, PLATE), view.layoutDirection()
    plate = _plate(rect, view, signs, words, place)
    if place[0] and plate.right() + edge > rect.right():
        place = 0, place[1] + side + edge
        plate = _plate(rect, view, signs, words, place)
    paint_caption(painter, view, QStyle.visualRect(direction, rect, plate))
    for column, sign in enumerate(signs):
        square = QRect(plate.left() + column * side, plate.top(), side, side)
        paint_icon(
            painter, QStyle.visualRect(direction, rect, square), sign, tones(view).on_stage, px(view, ONE)
        )
    room = plate.adjusted(side * len(signs), 0, -edge if signs else 0, 0)
    paint_words(painter, QStyle.visualRect(direction, rect, room), CENTRE, words)
    return place[0] + plate.width() + edge, place[1]


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

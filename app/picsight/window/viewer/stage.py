"""The stage: one picture on neutral grey, fitted or at a zoom, moved by scrolling or dragging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QInputDevice, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from picsight.texts import tr
from picsight.window.grid.photo_painter import PALE
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import CENTRE, paint_plate, paint_words
from picsight.window.parts.words import plain
from picsight.window.tokens import HAIR, ONE, em, px, tones
from picsight.window.viewer.faces import MarkedFaces
from picsight.window.viewer.written import WrittenLines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from picsight.window.parts.picture import ScreenPicture
    from picsight_engine.foundation.written_line import WrittenLine
    from picsight_engine.store.derived.faces import Face

STEP, LARGEST = 1.25, 8.0
FITTED_LARGEST = 3.0  # the largest magnification of a small photo


class Stage(QAbstractScrollArea):
    """Shows a picture; `zoom` is device pixels of the screen for one pixel of the photo, None means fitted."""

    zoom_changed = Signal(int)  # per cent, as shown
    full_needed = Signal()  # the photo is needed in full size
    fit_needed = Signal()  # the photo is needed fitted to a new size, or again after a zoom
    play_requested = Signal()
    face_clicked = Signal(object, QPoint)  # Face; position on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(tr("Photo"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._image = QImage()
        self._size = QSize()  # of the photo in full size
        self._stand_in = QPixmap()
        self.sentence, self._is_offline = "", False  # why there is no picture
        self._zoom: float | None = None
        self._grabbed: QPoint | None = None
        self.written, self._selects = WrittenLines(), False
        self.faces = MarkedFaces()
        self.viewport().setMouseTracking(True)
        self.is_film = False  # a double click plays it

    def show_stand_in(self, pixmap: QPixmap | None, size: QSize) -> None:
        """Show a stretched thumbnail until the picture is decoded."""
        self._image, self.sentence, self._zoom = QImage(), "", None
        self._stand_in, self._size = pixmap or QPixmap(), size
        self.written.show((), ())
        self.faces.show(())
        self._arrange()

    def show_picture(self, picture: ScreenPicture) -> None:
        """Replace the thumbnail by the decoded picture."""
        self._image, self._size, self.sentence = picture.image, picture.size, ""
        self._stand_in = QPixmap()
        self._arrange()

    def show_sentence(self, sentence: str, small: QImage | None = None, *, offline: bool = False) -> None:
        """Show why there is no picture, over its thumbnail, which is pale if the disk is disconnected."""
        self._is_offline = offline
        self._image, self._stand_in, self.sentence = small or QImage(), QPixmap(), sentence
        self._size, self._zoom = self._image.size(), None
        self._arrange()

    def show_written(self, lines: Sequence[WrittenLine], marked: Sequence[WrittenLine]) -> None:
        """Let the lines in the photo be selected, and mark those that the search means."""
        self.written.show(lines, marked)
        self.viewport().update()

    def show_faces(self, faces: Sequence[tuple[Face, str | None]]) -> None:
        """Mark faces, each with the name of its person."""
        self.faces.show(faces)
        self.viewport().update()

    def image_size(self) -> QSize:
        """The size of the decoded picture in pixels."""
        return self._image.size()

    @property
    def is_fitted(self) -> bool:
        """True if the whole picture is visible."""
        return self._zoom is None

    def fit_size(self) -> QSize:
        """The largest size of a fitted picture in device pixels."""
        ratio = self.devicePixelRatioF()
        return QSize(round(self.viewport().width() * ratio), round(self.viewport().height() * ratio))

    def fit(self) -> None:
        """Show the whole picture."""
        self._zoom = None
        self._arrange()
        self.fit_needed.emit()

    def toggle_fit(self) -> None:
        """Switch between fitted and one to one."""
        self.zoom_to(1.0) if self._zoom is None else self.fit()

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom around a point, by default the middle; never smaller than both fitted and full size."""
        self.zoom_to(self._scale() * factor, around)

    def zoom_to(self, zoom: float, around: QPointF | None = None) -> None:
        """Set the zoom; requests the full size if the decoded picture is too small."""
        if self._size.isEmpty() or self.sentence:
            return
        point = around or QPointF(self.viewport().rect().center())
        before = self.target()
        at = QPointF((point.x() - before.x()) / before.width(), (point.y() - before.y()) / before.height())
        fitted = self._fit_scale()
        zoom = min(max(zoom, min(fitted, 1.0)), LARGEST)
        self._zoom = None if zoom == fitted else zoom
        self._arrange()
        after = self.target()
        self._scroll_by(
            round(after.x() + at.x() * after.width() - point.x()),
            round(after.y() + at.y() * after.height() - point.y()),
        )
        wanted = self._scale() * self._size.width(), self._scale() * self._size.height()
        if wanted[0] > self._image.width() + 1 or wanted[1] > self._image.height() + 1:
            self.full_needed.emit()

    def _scroll_by(self, right: int, down: int) -> None:
        for bar, step in ((self.horizontalScrollBar(), right), (self.verticalScrollBar(), down)):
            bar.setValue(bar.value() + step)

    def _fit_scale(self) -> float:
        """The fitted zoom; a small photo is enlarged, but not to a blur."""
        room = self.fit_size()
        if self._size.isEmpty():
            return 1.0
        return min(room.width() / self._size.width(), room.height() / self._size.height(), FITTED_LARGEST)

    def _scale(self) -> float:
        return self._fit_scale() if self._zoom is None else self._zoom

    def target(self) -> QRectF:
        """The rectangle of the whole photo in the viewport, in logical pixels."""
        scale, view = self._scale() / self.devicePixelRatioF(), self.viewport()
        width, height = max(self._size.width() * scale, 1.0), max(self._size.height() * scale, 1.0)
        left, top = (view.width() - width) / 2, (view.height() - height) / 2
        if left < 0:
            left = -self.horizontalScrollBar().value()
        if top < 0:
            top = -self.verticalScrollBar().value()
        return QRectF(round(left), round(top), width, height)

    def _arrange(self) -> None:
        scale, view = self._scale() / self.devicePixelRatioF(), self.viewport()
        for bar, whole, room in (
            (self.horizontalScrollBar(), self._size.width(), view.width()),
            (self.verticalScrollBar(), self._size.height(), view.height()),
        ):
            bar.setPageStep(room)
            bar.setSingleStep(px(self, 3))
            bar.setRange(0, 0 if self._zoom is None else max(round(whole * scale) - room, 0))
        self._show_hand()
        known = not self._size.isEmpty() and not self.sentence  # otherwise the pixels are not the photo's
        self.zoom_changed.emit(round(self._scale() * 100) if known else 0)
        view.update()

    def _show_hand(self) -> None:
        shape = Qt.CursorShape
        self.setCursor(shape.ArrowCursor if self._zoom is None else shape.OpenHandCursor)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again."""
        super().resizeEvent(event)
        self._arrange()
        if self._zoom is None:
            self.fit_needed.emit()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Repaint the visible part."""
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the background, then the picture, the thumbnail or the sentence."""
        colours, painter = tones(self), QPainter(self.viewport())
        painter.fillRect(event.rect(), colours.stage)
        if not self._image.isNull():
            self._paint_image(painter)
        if self.sentence:
            self._paint_sentence(painter)
        elif self._image.isNull() and not self._stand_in.isNull() and not self._size.isEmpty():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(self.target(), self._stand_in, QRectF(self._stand_in.rect()))
        if not self.sentence:
            width = HAIR * em(self) / 2
            self.written.paint(painter, self.target(), colours, width)
            self.faces.paint(painter, self.target(), colours, width)
        painter.end()

    def _paint_image(self, painter: QPainter) -> None:
        """Paint the visible part, smoothed unless it is shown one to one."""
        target, image = self.target(), self._image
        seen = target.intersected(QRectF(self.viewport().rect()))
        across, down = image.width() / target.width(), image.height() / target.height()
        source = QRectF(
            (seen.x() - target.x()) * across,
            (seen.y() - target.y()) * down,
            seen.width() * across,
            seen.height() * down,
        )
        exact = abs(across - self.devicePixelRatioF()) < 0.002
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, not exact and (self.is_fitted or self._scale() < 3)
        )
        painter.setOpacity(PALE if self.sentence and self._is_offline else 1)
        painter.drawImage(seen, image, source)
        painter.setOpacity(1)

    def _paint_sentence(self, painter: QPainter) -> None:
        """Paint the sentence in the middle, or on a plate over the lower end of a thumbnail."""
        colours, area, side = tones(self), self.viewport().rect(), px(self, 2)
        has_picture, metrics, words = not self._image.isNull(), painter.fontMetrics(), plain(self.sentence)
        room = QRect(0, 0, min(area.width() - px(self, 4), px(self, 36)), area.height())
        longest = max(map(metrics.horizontalAdvance, words.split()), default=0)
        how = Qt.TextFlag.TextWrapAnywhere if longest > room.width() else Qt.TextFlag.TextWordWrap
        text = metrics.boundingRect(room, Qt.AlignmentFlag.AlignCenter | how, words)
        text.moveCenter(area.center() + QPoint(0, px(self, ONE)))
        if has_picture:
            text.moveBottom(area.bottom() - px(self, 3))
            plate = QColor(colours.stage)
            plate.setAlphaF(0.85)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            around = px(self, ONE)
            paint_plate(painter, text.adjusted(-around, -around - side, around, around), around, plate)
        icon = QRect(0, 0, side, side)
        icon.moveCenter(QPoint(text.center().x(), text.top() - px(self, ONE)))
        paint_icon(painter, icon, "disconnected" if self._is_offline else "no-picture", colours.dim_on_stage)
        painter.setPen(colours.on_stage)
        room.setHeight(text.height())
        room.moveCenter(text.center())
        paint_words(painter, room, CENTRE, words, how)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer; two fingers on a touchpad move a zoomed picture, and zoom it with Ctrl."""
        touchpad = event.deviceType() == QInputDevice.DeviceType.TouchPad
        if touchpad and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        self.zoom_by(STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Ask about a marked face, start selecting lines, or dragging a zoomed picture."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if (face := self.faces.at(self.target(), event.position())) is not None:
            self.face_clicked.emit(face, event.globalPosition().toPoint())
            return
        self._selects = self.written.begin(self.target(), event.position())
        self.viewport().update()
        if not self._selects and self._zoom is not None:
            self._grabbed = event.position().toPoint()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Select lines, or move the picture; the pointer shows which of them a press would do."""
        if self._selects:
            self.written.extend(self.target(), event.position())
            self.viewport().update()
        elif self._grabbed is not None:
            moved = event.position().toPoint() - self._grabbed
            self._grabbed = event.position().toPoint()
            self._scroll_by(-moved.x(), -moved.y())
        elif self.faces.at(self.target(), event.position()) is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        elif self.written.holds(self.target(), event.position()):
            self.setCursor(Qt.CursorShape.IBeamCursor)
        else:
            self._show_hand()

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """End the drag."""
        self._grabbed, self._selects = None, False
        self._show_hand()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Play a film; show a photo fitted or one to one."""
        self.play_requested.emit() if self.is_film else self.toggle_fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave all keys to the viewer, so that arrows do not scroll."""
        event.ignore()

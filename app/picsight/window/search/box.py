"""The box: words that describe a photo, or the photo that others should be like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPalette, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QStyle, QWidget

from picsight.window.parts.controls import IconButton
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.words import cut_middle, isolated
from picsight.window.tokens import HAIR, HALF, SMALL, em, mix, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

EXAMPLES = (
    "red bicycle near the sea",
    "dog on the beach",
    "castle by the water",
    "birthday cake with candles",
)
ROTATE_MS = 8000


class SearchBox(QFrame):
    """A line to type in, with a sign in front, a way to empty it, and a chip while photos like another are shown."""

    edited = Signal(str)  # every change that a person makes
    submitted = Signal()  # Enter
    down_requested = Signal()  # to the photos
    like_removed = Signal()
    emptied = Signal()  # Escape in an empty box

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit(self)
        self._chip = LikeChip(self)
        self._chip.setObjectName("like")
        self.clear_button = IconButton("clear", self.tr("Clear"), self)
        self._example = 0
        self._rotation = QTimer(self, interval=ROTATE_MS)
        self._build()
        self.line.textEdited.connect(self.edited)
        self.line.textChanged.connect(lambda _text: self._show_clear())
        self.line.returnPressed.connect(self.submitted)
        self.clear_button.clicked.connect(self._empty)
        self._chip.removed.connect(self.like_removed)
        self._rotation.timeout.connect(self._rotate)
        self._rotation.start()

    def _build(self) -> None:
        self.line.setFrame(False)
        self.line.setAccessibleName(self.tr("Search photos"))
        self.line.setAttribute(Qt.WidgetAttribute.WA_MacShowFocusRect, False)
        self.line.installEventFilter(self)
        self.setFocusProxy(self.line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.line.setPlaceholderText(self._placeholder())
        row = QHBoxLayout(self)
        row.setContentsMargins(px(self, HAIR), 2, px(self, HAIR), 2)
        row.setSpacing(px(self, HALF))
        row.addSpacing(px(self, 2.5 - HAIR))  # the sign is painted there
        row.addWidget(self._chip)
        row.addWidget(self.line, 1)
        row.addWidget(self.clear_button)
        self._chip.hide()
        self.clear_button.hide()
        clear_ground = QPalette()
        clear_ground.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.line.setPalette(clear_ground)

    def text(self) -> str:
        """What is typed."""
        return self.line.text()

    def set_text(self, text: str) -> None:
        """Show other words, without telling anyone."""
        self.line.setText(text)

    def set_like(self, name: str | None) -> None:
        """Show the chip of a photo that others should be like, or take it away."""
        self._chip.setVisible(name is not None)
        if name is not None:
            self._chip.set_name(name)
        self.line.setPlaceholderText("" if name is not None else self._placeholder())
        self._show_clear()

    def sizeHint(self) -> QSize:
        """2.75 em high."""
        return QSize(px(self, 30), px(self, 2.75))

    def minimumSizeHint(self) -> QSize:
        """May become narrow."""
        return QSize(px(self, 12), px(self, 2.75))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down leads to the photos, Escape empties; the frame shows the line's focus."""
        if watched is self.line and event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        if watched is self.line and event.type() == QEvent.Type.KeyPress:
            return self._take_key(event)  # type: ignore[arg-type]
        return super().eventFilter(watched, event)

    def _take_key(self, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Down:
            self.down_requested.emit()
            return True
        if event.key() == Qt.Key.Key_Escape:
            if self.line.text():
                self._empty()
            else:
                self.emptied.emit()
            return True
        if event.key() == Qt.Key.Key_Backspace and not self._chip.isHidden() and not self.line.text():
            self.like_removed.emit()
            return True
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on the frame is meant for the line."""
        self.line.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground, outline or focus ring, the sign of searching."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused, radius = self.line.hasFocus(), HALF * em(self)
        width = 2.0 if focused else 1.0
        painter.setPen(QPen(colours.accent if focused else colours.outline, width))
        painter.setBrush(colours.base)
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius)
        place = self.rect()
        place.setWidth(px(self, 2.5))
        place = QStyle.visualRect(self.layoutDirection(), self.rect(), place)
        middle = place.center()
        place.setSize(QSize(px(self, 1.25), px(self, 1.25)))
        place.moveCenter(middle)
        paint_icon(painter, place, "search", colours.dim)
        painter.end()

    def _empty(self) -> None:
        """Empty the line so that undo brings the words back."""
        self.line.selectAll()
        self.line.del_()
        self.line.setFocus()
        self.edited.emit("")

    def _show_clear(self) -> None:
        self.clear_button.setVisible(bool(self.line.text()))

    def _placeholder(self) -> str:
        return self.tr("Describe a photo, for example: {words}").format(words=EXAMPLES[self._example])

    def _rotate(self) -> None:
        """Another example, while nobody types."""
        if self.line.hasFocus() or not self._chip.isHidden():
            return
        self._example = (self._example + 1) % len(EXAMPLES)
        self.line.setPlaceholderText(self._placeholder())


class LikeChip(QWidget):
    """Says which photo the shown ones are like, with a way back to the words."""

    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_name(self, name: str) -> None:
        """The photo's file name."""
        self._name = name
        self.setAccessibleName(self.tr("Filter: photos like {name}, removable").format(name=name))
        self.setToolTip(self.tr("Back to the words (Esc)"))
        self.updateGeometry()
        self.update()

    def _words(self) -> str:
        cut = cut_middle(self._name, self.fontMetrics(), px(self, 18))
        return self.tr("Photos like {name}").format(name=isolated(cut))

    def sizeHint(self) -> QSize:
        """The words and a cross."""
        return QSize(self.fontMetrics().horizontalAdvance(self._words()) + px(self, 2.5), px(self, 1.875))

    def minimumSizeHint(self) -> QSize:
        """Never cut further."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A pill with words and a cross."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        radius = self.height() / 2 - 1
        ring = colours.text if self.hasFocus() else mix(colours.base, colours.accent, 0.6)
        painter.setPen(QPen(ring, 2 if self.hasFocus() else 1))
        painter.setBrush(mix(colours.base, colours.accent, 0.18))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), radius, radius)
        painter.setPen(colours.text)
        words = self.rect().adjusted(px(self, SMALL) + 4, 0, -px(self, 1.75), 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, self._words())
        cross = self.rect()
        cross.setLeft(cross.right() - px(self, 1.75))
        side = px(self, 0.875)
        middle = cross.center()
        cross.setSize(QSize(side, side))
        cross.moveCenter(middle)
        paint_icon(painter, cross, "clear", colours.text)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Back to the words."""
        if self.rect().contains(event.position().toPoint()):
            self.removed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter, Delete and Backspace remove it."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        else:
            super().keyPressEvent(event)

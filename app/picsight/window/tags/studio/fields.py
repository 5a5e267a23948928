"""The example photos of a tag: small pictures, each with a cross, and a drop area for more."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, ButtonBase, Emphasis
from picsight.window.controls.line_edit import LineEdit
from picsight.window.controls.pills import Pills
from picsight.window.grid.thumbnails import ThumbnailRequest
from picsight.window.parts.drops import dropped_photos
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import Drawn, paint_plate
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import tooltip
from picsight.window.search.chips import Chip, ChipButton
from picsight.window.tokens import HAIR, HALF, SMALL, em, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeyEvent, QPainter

    from picsight.window.grid.thumbnails import Thumbnails
    from picsight.window.tokens import Tones
    from picsight_engine.search.answer import Result

SIDE, CROSS = 3.25, 1.25  # em


class ExamplesField(Drawn, QWidget):
    """Shows examples and signals which to remove and which photos to add."""

    removed = Signal(int)  # a photo's id
    photos_dropped = Signal(object)  # list[int | Path]
    selection_wanted = Signal()  # add the selected photos

    def __init__(self, name: str, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails, self._is_target = thumbnails, False
        self.photos: tuple[Result, ...] = ()
        self._pictures = Pills(self, between=HALF)
        self.add = Button(tr("Add the selected photos"), Emphasis.QUIET, self)
        self.add.clicked.connect(self.selection_wanted)
        self.add.setAccessibleDescription(name)
        self.setAccessibleName(name)
        self.setAcceptDrops(True)
        column = filled(QVBoxLayout(self), self, gap=HAIR, around=(SMALL, SMALL, SMALL, SMALL))
        column.addWidget(self._pictures, 0, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeading)
        thumbnails.arrived.connect(lambda _ids: self._pictures.update())
        self.show_photos(())

    def show_photos(self, photos: Sequence[Result]) -> None:
        """Show these examples."""
        self.photos = tuple(photos)
        buttons = [ExampleButton(photo, self._thumbnails, self._pictures) for photo in self.photos]
        for button in buttons:
            button.clicked.connect(partial(self.removed.emit, button.photo.id))
        self._pictures.show_buttons(buttons)
        self._pictures.setVisible(bool(buttons))
        requests = [
            ThumbnailRequest.from_photo(photo, self, px(self, SIDE), px(self, SIDE)) for photo in self.photos
        ]
        self._thumbnails.request(requests, len(requests))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept photos, also from the wall."""
        if dropped_photos(event):
            self._mark(target=True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Remove the mark."""
        super().dragLeaveEvent(event)
        self._mark(target=False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Signal the dropped photos."""
        self._mark(target=False)
        self.photos_dropped.emit(dropped_photos(event))
        event.acceptProposedAction()

    def _mark(self, *, target: bool) -> None:
        self._is_target = target
        self.update()

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint an outline, stronger during a drag over it."""
        colour, wide = (colours.accent, 2) if self._is_target else (colours.outline, 1)
        pen = QPen(colour, wide, Qt.PenStyle.DashLine)
        paint_plate(painter, self.rect(), px(self, SMALL), line=pen, inset=1.5)


class ExampleButton(ButtonBase, QAbstractButton):
    """A small picture; a click removes it."""

    edge, radius = 1.0, HAIR

    def __init__(self, photo: Result, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self.photo, self._thumbnails = photo, thumbnails
        self.setAccessibleName(tr("{name}, removable", name=photo.path.name))
        self.setToolTip(tooltip(photo.path.name, tr("Click to remove it from the examples.")))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(px(self, SIDE), px(self, SIDE))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove it with Delete."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.click()
        else:
            super().keyPressEvent(event)

    def _plate(self, _colours: Tones) -> None:
        return None

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        """Paint the picture, with a cross over it if a click would remove it."""
        if pixmap := self._thumbnails.pixmap(self.photo.id, self.photo.moment):
            painter.drawPixmap(self.rect(), pixmap)
        else:
            paint_plate(painter, self.rect(), HAIR * em(self), colours.placeholder)
        if self.underMouse() or self.hasFocus():
            side = px(self, CROSS)
            plate = QRect(self.rect().center() - QPoint(side // 2, side // 2), QSize(side, side))
            paint_plate(painter, plate, side / 2, colours.base)
            paint_icon(painter, plate.adjusted(3, 3, -3, -3), "clear", colours.text)


class WordsField(QWidget):
    """The words of a tag; signals all of them whenever one is added or removed."""

    changed = Signal(object)  # tuple[str, ...]
    typed = Signal(object)  # tuple[str, ...] with the line's text, for a preview

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words: tuple[str, ...] = ()  # without the line's text
        self._chips = Pills(self, between=HAIR)
        self.line = WordsLine(self)
        self.line.returnPressed.connect(self._add)
        self.line.textEdited.connect(lambda _text: self.typed.emit(self.with_line()))
        self.line.emptied.connect(lambda: self._show(self.words[:-1], tell=True))
        column = filled(QVBoxLayout(self), self, gap=SMALL, around=(0, 0, 0, 0))
        column.addWidget(self._chips, 0, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self.line)
        self.show_words(())

    def with_line(self) -> tuple[str, ...]:
        """The words with the line's text."""
        text = " ".join(self.line.text().split())
        return tuple(dict.fromkeys((*self.words, *([text] if text else []))))

    def show_words(self, words: Sequence[str]) -> None:
        """Show these words without a signal."""
        self._show(words, tell=False)

    def _show(self, words: Sequence[str], *, tell: bool) -> None:
        changed, self.words = tuple(words) != self.words, tuple(words)
        buttons = [self._button(each) for each in self.words]
        self._chips.show_buttons(buttons)
        self._chips.setVisible(bool(buttons))
        if tell and changed:
            self.changed.emit(self.words)

    def _button(self, words: str) -> ChipButton:
        button = ChipButton(Chip(words, words), self._chips)
        button.setAccessibleName(tr("{words}, removable", words=words))
        button.removed.connect(lambda: self._show([each for each in self.words if each != words], tell=True))
        button.opened.connect(lambda: self._edit(words))
        return button

    def _edit(self, words: str) -> None:
        """Turn a chip back into text to edit; the line's text becomes a chip."""
        self._show([each for each in self.with_line() if each != words], tell=True)
        self.line.setText(words)
        self.typed.emit(self.with_line())
        self.line.setFocus()

    def _add(self) -> None:
        words = self.with_line()
        self.line.clear()
        self._show(words, tell=True)


class WordsLine(LineEdit):
    """The line for one more word; Backspace in the empty line removes the last one."""

    emptied = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("Words of the tag"), tr("Such as: wading bird"), parent)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Backspace in the empty line remove a chip."""
        if event.key() == Qt.Key.Key_Backspace and not self.text():
            self.emptied.emit()
        else:
            super().keyPressEvent(event)

"""The marks of the chosen photos: heart, stars, tags, and suggested tags, each with a yes and a no button."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QStyle, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.action import below
from picsight.window.controls.buttons import Button, Emphasis, IconButton, draw_focus
from picsight.window.controls.pills import Pills
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import Drawn, ElidedLabel, Label, sized
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import plain, star_words, tooltip
from picsight.window.search.chips import Chip, ChipButton
from picsight.window.tokens import HAIR, HALF, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QMouseEvent, QPainter, QWheelEvent

    from picsight.window.tokens import Tones
    from picsight_engine.tags.tree import Marks

MOST_STARS = 5
MOST_SUGGESTED = 6  # lines


class MarksView(QWidget):
    """Shows marks; every button only signals a request."""

    favour_requested = Signal()
    rated = Signal(int)
    add_requested = Signal(QPoint)  # position on the screen
    opened = Signal(str)  # a tag's path, to see its photos
    removed = Signal(str)
    accepted = Signal(str)
    rejected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._accepted: list[str] = []
        self._suggested: list[str] = []
        self.heart = IconButton("favourite", tr("Favourite"), self)
        self.stars = Stars(self)
        self.chips = Pills(self, between=HAIR)
        self._none = Label(tr("In no tag yet."), self)
        self._add = Button(tr("Add a tag or album…"), Emphasis.QUIET, self)
        self._heading = sized(Label(tr("Suggested"), self), 1.0, semibold=True)
        self._lines = QVBoxLayout()
        self._hint = ElidedLabel(self)
        self._hint.setText(tr("A accepts the first, R rejects"))
        self.heart.clicked.connect(self.favour_requested)
        self.stars.rated.connect(self.rated)
        self._add.clicked.connect(lambda: self.add_requested.emit(below(self._add)))
        self._lay_out()

    def suggested(self) -> Sequence[str]:
        """The paths of tags that suggest the photo, in the shown order."""
        return self._suggested

    def show_marks(self, marks: Marks, *, several: bool = False, keys: bool = True) -> None:
        """Show the marks of one photo, or those shared by several; with `keys`, letters decide on suggestions."""
        self.heart.show_icon("favourite-on" if marks.favourite else "favourite")
        self.heart.setAccessibleDescription(tr("yes") if marks.favourite else tr("no"))
        self.stars.show_stars(marks.rating or 0)
        accepted = [path for path, how in marks.tags if how == "accepted"]
        suggested = [path for path, how in marks.tags if how == "suggested"]
        if accepted != self._accepted:
            self._accepted = accepted
            self.chips.show_buttons([self._chip(path) for path in accepted])
        self.chips.setVisible(bool(accepted))
        self._none.setText(tr("No tag in common.") if several else tr("In no tag yet."))
        self._none.setVisible(not accepted)
        if suggested != self._suggested:  # an unchanged line keeps the focus
            self._suggest(suggested)
        self._heading.setVisible(bool(self._suggested))
        self._hint.setVisible(keys and bool(self._suggested))

    def _suggest(self, paths: list[str]) -> None:
        self._suggested = paths
        while (item := self._lines.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for path in paths[:MOST_SUGGESTED]:
            self._lines.addWidget(self._line(path))

    def _chip(self, path: str) -> ChipButton:
        chip = ChipButton(Chip(path, plain(path)), self.chips)
        chip.setAccessibleName(tr("{tag}, removable", tag=plain(path)))
        chip.setToolTip(tooltip(path, tr("Click to see its photos.")))
        chip.opened.connect(partial(self.opened.emit, path))
        chip.removed.connect(partial(self.removed.emit, path))
        return chip

    def _line(self, path: str) -> QWidget:
        line = QWidget(self)
        name = ElidedLabel(line)
        name.setText(path)
        name.setToolTip(tooltip(path))
        row = filled(QHBoxLayout(line), self, (name, 1), gap=0, around=(0, 0, 0, 0))
        for icon, words, signal in (
            ("tick", tr("It belongs to {tag}"), self.accepted),
            ("clear", tr("It does not belong to {tag}"), self.rejected),
        ):
            button = IconButton(icon, words.format(tag=plain(path)), line)
            button.clicked.connect(partial(signal.emit, path))
            row.addWidget(button)
        return line

    def _lay_out(self) -> None:
        self._title = sized(Label(tr("Tags and albums"), self), 1.0, semibold=True)
        tags = filled(QVBoxLayout(), self, self._title, self.chips, self._none, gap=SMALL)
        suggested = filled(QVBoxLayout(), self, self._heading, self._lines, self._hint, gap=SMALL)
        top = filled(QHBoxLayout(), self, self.heart, self.stars, 1, gap=HALF)
        add = filled(QHBoxLayout(), self, self._add, 1)
        column = filled(QVBoxLayout(self), self, gap=SMALL, around=(0, 0, 0, 0))
        # Aligns words and icons: a button has padding around its content.
        for lines, air in ((top, HALF), (tags, 0.0), (add, SMALL), (suggested, 0.0)):
            row = QHBoxLayout()
            row.addSpacing(px(self, HALF) - px(self, air))
            column.addLayout(filled(row, self, (lines, 1)))
        column.addStretch(1)


class Stars(Drawn, QSlider):
    """Five stars in a row, after a cross if the photo is rejected; pressing the current star again removes all.

    For keys and screen readers it is a slider.
    """

    rated = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.valueChanged.connect(lambda stars: self.rated.emit(max(stars, 0)))
        self.setAccessibleName(tr("Stars"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(tr("Stars"))
        self.show_stars(0)

    def show_stars(self, stars: int) -> None:
        """Fill this number of stars; -1 is rejected."""
        with QSignalBlocker(self):  # the user did not rate
            self.setRange(min(stars, 0), MOST_STARS)
            self.setValue(stars)
        self.setAccessibleDescription(star_words(self.value()))

    def sizeHint(self) -> QSize:
        """Room for five stars, each large enough to click."""
        return QSize(MOST_STARS * px(self, 1.75), px(self, 2.25))

    def minimumSizeHint(self) -> QSize:
        """Never cut."""
        return self.sizeHint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the star under the pointer."""
        x = event.position().x()
        place = int((self.width() - x if self.isRightToLeft() else x) // px(self, 1.75)) + 1
        stars = min(max(place, 1), MOST_STARS)
        self.rated.emit(0 if stars == self.value() else stars)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll the panel."""
        event.ignore()

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint filled stars first."""
        step, side = px(self, 1.75), px(self, 1.25)
        for place in range(MOST_STARS):
            cell = QRect(place * step, 0, step, self.height())
            star = QRect(0, 0, side, side)
            star.moveCenter(QStyle.visualRect(self.layoutDirection(), self.rect(), cell).center())
            sign = "star-on" if place < self.value() else "star"
            paint_icon(painter, star, "clear" if place == 0 > self.value() else sign, colours.text)
        draw_focus(painter, self, self.rect().toRectF().adjusted(1, 1, -1, -1), px(self, SMALL))

"""The page with the wall: a header, a line for faults of the query, the wall or a notice, and the pill with news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPen
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from picsight.window.controls.buttons import Button
from picsight.window.controls.notice import ButtonRow, Notice
from picsight.window.grid.header import WallHeader
from picsight.window.parts.icons import Icon
from picsight.window.parts.labels import ElidedLabel
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import tooltip
from picsight.window.tokens import HALF, ONE, PAD, mix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QColor

    from picsight.window.controls.notice import Option
    from picsight.window.grid.sections.view import PhotoView
    from picsight.window.tokens import Tones

WIDGET_MAX = 16_777_215  # Qt's value for an unlimited height of a widget


class WallPage(QWidget):
    """Header, wall or notice, pill."""

    def __init__(self, view: PhotoView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.notice = view, Notice(self)
        self.pill = Pill(self)
        self.header = WallHeader(view, self.pill, self)
        self.fault, self.closest = FaultLine(self), Closest(view, self)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.closest)
        self._pages.addWidget(self.notice)
        parts = self.header, self.fault, (self._pages, 1)
        filled(QVBoxLayout(self), self, *parts, gap=0, around=(0, 0, 0, 0))
        self.setAutoFillBackground(True)
        self.setBackgroundRole(view.viewport().backgroundRole())

    def say(self, title: str, short: str = "", fault: str = "") -> None:
        """Set the title, its short form for a narrow header, and the faults of the query below them."""
        self.header.title.say(title, short)
        self.fault.say(fault)

    def rows_on_screen(self) -> float:
        """The length of the rows of a wall alone on the page, in row heights; the closest photos are one row only."""
        return self.view.rows_within(self._pages.height())

    def show_wall(self) -> None:
        """Show the photos."""
        self.closest.show_wall_alone()
        self._pages.setCurrentWidget(self.closest)

    def show_closest(self, title: str, sentence: str, options: Sequence[Option]) -> None:
        """Show that nothing matches, and one row of the closest photos."""
        self.header.hide_choices()
        self.closest.say(title, sentence, options)
        self._pages.setCurrentWidget(self.closest)
        self.pill.hide()

    def show_notice(self) -> None:
        """Show the notice instead of photos."""
        self._pages.setCurrentWidget(self.notice)
        self.header.hide_choices()
        self.pill.hide()


class FaultLine(QWidget):
    """An icon and a sentence below the header, visible only if the query has a fault."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.words = ElidedLabel(self)
        sign = Icon("problems", ONE, self, lambda colours: colours.fault)
        filled(QHBoxLayout(self), self, sign, (self.words, 1), gap=HALF, around=(PAD, 0, PAD, HALF))
        self.hide()

    def say(self, words: str) -> None:
        """Show these words, hide for none; the tooltip has them in full."""
        self.words.setText(words)
        self.words.setToolTip(tooltip(words))
        self.setVisible(bool(words))


class Closest(QWidget):
    """The wall; if nothing matches, one row high between a sentence that says so and buttons for other searches."""

    def __init__(self, view: PhotoView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self.notice, self._buttons = Notice(self), ButtonRow(self)
        parts = 2, self.notice, (view, 1000), self._buttons, 3
        filled(QVBoxLayout(self), self, *parts, gap=PAD, around=(0, 0, 0, 0))
        view.laid_out.connect(self._fit)
        self.show_wall_alone()

    def say(self, title: str, sentence: str, options: Sequence[Option]) -> None:
        """Show that nothing matches, with other searches to try."""
        self.notice.say(title, sentence)
        self._buttons.offer(options)
        self.notice.show()
        self._fit()

    def show_wall_alone(self) -> None:
        """Show the wall alone."""
        self.notice.hide()
        self._buttons.offer(())
        self._fit()

    def _fit(self) -> None:
        alone = self.notice.isHidden()
        self._view.setMaximumHeight(WIDGET_MAX if alone else self._view.content_height())


class Pill(Button):
    """News in the header that waits for a click: 14 new photos · Show. A click does not move the focus."""

    shown_requested = Signal()
    edge, above, radius = 1.0, 0.2, 0.0

    def __init__(self, parent: QWidget) -> None:
        super().__init__("", parent=parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(self.shown_requested)
        self.hide()

    def say(self, words: str) -> None:
        """Show the pill with these words."""
        self.setText(words)
        self.updateGeometry()
        self.show()

    def _plate(self, colours: Tones) -> tuple[QColor, QPen]:
        """The colours of the pill: the accent's tone with an outline."""
        fill = mix(colours.pill, colours.accent, 0.12) if self.underMouse() else colours.pill
        return fill, QPen(colours.outline, 1)

"""The viewer: the stage with a bar above and a bar below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from picsight.window.parts.controls import IconButton
from picsight.window.parts.labels import ElidedLabel, Words
from picsight.window.parts.words import isolated, number, taken_words, tooltip
from picsight.window.tokens import HALF, PAD, SMALL, px, tones
from picsight.window.viewer.stage import STEP, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QKeyEvent

    from picsight_engine.search.answer import Result


class ViewerPage(QWidget):
    """Shows one photo and says what a person wants next."""

    closed = Signal()
    step_requested = Signal(int)  # +1 next, -1 previous
    end_requested = Signal(bool)  # true the last, false the first
    reveal_requested = Signal()
    similar_requested = Signal()
    copy_requested = Signal()
    full_screen_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = Stage(self)
        self.setFocusProxy(self.stage)
        self._title, self._place = ElidedLabel(self), Words(parent=self)
        self._zoom = Words(parent=self)
        self._bars = (QWidget(self), QWidget(self))
        self._previous = self._button(
            "previous", self.tr("Previous photo (←)"), lambda: self.step_requested.emit(-1)
        )
        self._next = self._button("next", self.tr("Next photo (→)"), lambda: self.step_requested.emit(1))
        self._fill_top()
        self._fill_bottom()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bars[0])
        column.addWidget(self.stage, 1)
        column.addWidget(self._bars[1])
        self.stage.zoom_changed.connect(lambda zoom: self._zoom.setText(f"{number(zoom)} %" if zoom else ""))

    def _button(self, icon: str, name: str, action: Callable[[], None]) -> IconButton:
        button = IconButton(icon, name, self)
        button.clicked.connect(action)
        return button

    def _fill_top(self) -> None:
        row = QHBoxLayout(self._bars[0])
        row.setContentsMargins(px(self, SMALL), 0, px(self, SMALL), 0)
        row.setSpacing(px(self, SMALL))
        row.addWidget(self._button("back", self.tr("Back to the photos (Esc)"), self.closed.emit))
        row.addWidget(self._title, 1)
        row.addWidget(self._place)
        row.addSpacing(px(self, PAD))
        row.addWidget(self._button("similar", self.tr("More like this (L)"), self.similar_requested.emit))
        row.addWidget(self._button("reveal", self.tr("Show in folder (Ctrl+R)"), self.reveal_requested.emit))
        row.addWidget(
            self._button("full-screen", self.tr("Full screen (F11)"), self.full_screen_requested.emit)
        )

    def _fill_bottom(self) -> None:
        row = QHBoxLayout(self._bars[1])
        row.setContentsMargins(px(self, SMALL), 0, px(self, SMALL), 0)
        row.setSpacing(px(self, HALF))
        row.addWidget(self._previous)
        row.addWidget(self._next)
        row.addStretch(1)
        row.addWidget(self._zoom)
        row.addWidget(self._button("smaller", self.tr("Smaller (-)"), lambda: self.stage.zoom_by(1 / STEP)))
        row.addWidget(self._button("add", self.tr("Larger (+)"), lambda: self.stage.zoom_by(STEP)))
        row.addWidget(self._button("fit", self.tr("Fitted or actual size (Z)"), self.stage.toggle_fit))

    def show_photo(self, photo: Result, row: int, count: int) -> None:
        """Name the photo and where it stands."""
        words = [isolated(photo.path.name), taken_words(photo.taken)]
        self._title.setText("   ".join(filter(None, words)))
        self._title.setToolTip(tooltip(str(photo.path)))
        self._place.setText(self.tr("{row} of {count}").format(row=number(row + 1), count=number(count)))
        self._previous.setEnabled(row > 0)
        self._next.setEnabled(row < count - 1)
        self.stage.setAccessibleName(self.tr("Photo {name}").format(name=photo.path.name))

    def show_bars(self, *, shown: bool) -> None:
        """In full screen only the photo is left."""
        for bar in self._bars:
            bar.setVisible(shown)

    def changeEvent(self, event: QEvent) -> None:
        """The bars follow the palette."""
        super().changeEvent(event)
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.WindowText, tones(self).dim_on_window)
        for label in (self._place, self._zoom):
            label.setPalette(palette)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The viewer's keys."""
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier & ~Qt.KeyboardModifier.ShiftModifier:
            super().keyPressEvent(event)
            return
        forward = Qt.Key.Key_Left if self.isRightToLeft() else Qt.Key.Key_Right
        backward = Qt.Key.Key_Right if self.isRightToLeft() else Qt.Key.Key_Left
        actions: dict[int, Callable[[], None]] = {
            forward: lambda: self.step_requested.emit(1),
            backward: lambda: self.step_requested.emit(-1),
            Qt.Key.Key_Home: lambda: self.end_requested.emit(False),
            Qt.Key.Key_End: lambda: self.end_requested.emit(True),
            Qt.Key.Key_Escape: self.closed.emit,
            Qt.Key.Key_Z: self.stage.toggle_fit,
            Qt.Key.Key_Plus: lambda: self.stage.zoom_by(STEP),
            Qt.Key.Key_Minus: lambda: self.stage.zoom_by(1 / STEP),
            Qt.Key.Key_L: self.similar_requested.emit,
        }
        action = actions.get(event.key())
        if action is None:
            super().keyPressEvent(event)
        else:
            action()

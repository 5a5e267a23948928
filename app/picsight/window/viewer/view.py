"""The viewer: the stage with a bar above and a bar below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import IconButton
from picsight.window.controls.keys import Key, press
from picsight.window.parts.badges import badge, can_play, spoken_badge
from picsight.window.parts.labels import ElidedLabel, Label
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import isolated, number, taken_words, tooltip
from picsight.window.tokens import DARK, HAIR, HALF, PAD, SMALL, high_contrast, palette_of, px
from picsight.window.viewer.edges import Edges
from picsight.window.viewer.stage import STEP, Stage
from picsight.window.viewer.strip import MomentStrip, Strip

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QResizeEvent

    from picsight.window.grid.thumbnails import Thumbnails
    from picsight_engine.search.answer import Result

NARROW = 64  # em: in a narrower viewer the buttons are icons only
ACTUAL = 1.0  # one pixel of the screen per pixel of the photo


class ViewerPage(QWidget):
    """Shows one photo and signals the requested actions."""

    KEYS = (
        Key(
            "Next photo, previous photo", {"Right": 1, "Left": -1}, lambda it, by: it.step_requested.emit(by)
        ),
        Key(
            "First photo, last photo", {"Home": False, "End": True}, lambda it, by: it.end_requested.emit(by)
        ),
        Key("Fitted or one to one", {"Z": None}, lambda it, _: it.stage.toggle_fit()),
        Key("Zoom in, zoom out", {"+": STEP, "-": 1 / STEP}, lambda it, by: it.stage.zoom_by(by)),
        Key(
            "Next moment of a film, previous moment", {"Down": 1, "Up": -1}, lambda it, by: it.step_moment(by)
        ),
        Key("Play a film or Live Photo", {"Return": None}, lambda it, _: it.play()),
        Key("More like this", {"L": None}, lambda it, _: it.similar_requested.emit()),
        Key("Copy the file, or the words selected in it", {"Ctrl+C": None}),
        Key("Mark faces, with their names", {"N": None}, lambda it, _: it.faces_requested.emit()),
        Key("Details", {"I": None}, lambda it, _: it.details_requested.emit()),
        Key("Why it matched", {"W": None}, lambda it, _: it.why_requested.emit()),
        Key("Back to the photos", {"Esc": None}, lambda it, _: it.closed.emit()),
    )

    closed = Signal()
    step_requested = Signal(int)  # +1 next, -1 previous
    end_requested = Signal(bool)  # true the last, false the first
    reveal_requested = Signal()
    similar_requested = Signal()
    copy_requested = Signal()
    why_requested = Signal()
    details_requested = Signal()
    faces_requested = Signal()
    menu_requested = Signal(QPoint)  # on the screen
    full_screen_requested = Signal()
    play_requested = Signal()

    def __init__(self, thumbnails: Thumbnails, frames: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage, self.strip = Stage(self), Strip(thumbnails, self)
        self.moments = MomentStrip(frames, self)
        self.edges = Edges(self.stage.viewport())
        self.setFocusProxy(self.stage)
        self._title, self._place = ElidedLabel(self), Label(parent=self, dim=True)
        self._zoom = ZoomBar(self.stage, self)
        self._bars = (QWidget(self), QWidget(self))
        self._buttons = self._make_buttons()
        self.play_button, self.why_button = self._buttons[:2]
        self.play_button.hide()
        self.why_button.hide()
        self._fill_bars()
        parts = self._bars[0], (self.stage, 1), self._bars[1]
        filled(QVBoxLayout(self), self, *parts, gap=0, around=(0, 0, 0, 0))
        self.edges.step_requested.connect(self.step_requested)
        self.stage.play_requested.connect(self.play_requested)
        self.setAutoFillBackground(True)
        if not high_contrast():  # dark to the edges in every theme
            self.setPalette(palette_of(DARK))

    def _make_buttons(self) -> list[IconButton]:
        actions = (
            ("play", tr("Play in the system's player (Enter)"), self.play_requested, tr("Play")),
            ("why", tr("Why it matched (W)"), self.why_requested, tr("Why")),
            ("similar", tr("More like this (L)"), self.similar_requested, tr("More like this")),
            ("reveal", tr("Show in folder (Ctrl+R)"), self.reveal_requested, tr("Show in folder")),
            ("full-screen", tr("Full screen (F11)"), self.full_screen_requested, tr("Full screen")),
            ("details", tr("Details (I)"), self.details_requested, tr("Details")),
        )
        return [self._button(icon, name, signal.emit, words) for icon, name, signal, words in actions]

    def _button(self, icon: str, name: str, action: Callable[[], None], words: str = "") -> IconButton:
        button = IconButton(icon, name, self, words=words)
        button.clicked.connect(action)
        return button

    def _fill_bars(self) -> None:
        above, below = (QHBoxLayout(bar) for bar in self._bars)
        back = self._button("back", tr("Back to the photos (Esc)"), self.closed.emit)
        title, around = (self._title, 1), (SMALL, 0, SMALL, 0)
        filled(above, self, back, title, self._place, PAD, *self._buttons, gap=SMALL, around=around)
        strips = filled(QVBoxLayout(), self, self.moments, self.strip, gap=0, around=(0, 0, 0, 0))
        filled(below, self, (strips, 1), self._zoom, gap=HALF, around=(PAD, 0, SMALL, 0))

    def show_photo(self, photo: Result, row: int, count: int) -> None:
        """Show the photo's name and its position among the others; that of a film with its `moment`."""
        is_film = photo.duration is not None
        self.stage.is_film = is_film
        self.play_button.setVisible(can_play(photo))
        words = [isolated(photo.path.name), taken_words(photo.taken), badge(photo)]
        self._title.setText("   ".join(filter(None, words)))
        self._title.setToolTip(tooltip(str(photo.path), spoken_badge(photo)))
        self._place.setText(tr("{row} of {count}", row=number(row + 1), count=number(count)))
        self.edges.show_ends(has_previous=row > 0, has_next=row < count - 1)
        name = tr("Film {name}") if is_film else tr("Photo {name}")
        parts = [name.format(name=photo.path.name), spoken_badge(photo)]
        self.stage.setAccessibleName(", ".join(filter(None, parts)))

    def show_bars(self, *, shown: bool) -> None:
        """Show or hide the bars; full screen hides them."""
        for bar in self._bars:
            bar.setVisible(shown)
        self.edges.set_full_screen(full=not shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow viewer, hide the words of the icons."""
        super().resizeEvent(event)
        shown = self.width() >= px(self, NARROW)
        self._zoom.show_words(shown=shown)
        for button in self._buttons:
            button.show_words(shown=shown)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the photo's menu."""
        self.menu_requested.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the viewer's keys."""
        if event.matches(QKeySequence.StandardKey.Copy):
            if text := self.stage.written.selected_text:
                QGuiApplication.clipboard().setText(text)
            else:
                self.copy_requested.emit()
        elif not press(self, self.KEYS, event):
            super().keyPressEvent(event)

    def step_moment(self, step: int) -> None:
        """Show the next or previous moment of a film, if there is one."""
        place = self.moments.row + step
        if 0 <= place < len(self.moments.moments):
            self.moments.chosen.emit(place)

    def play(self) -> None:
        """Play the film, if there is one."""
        if not self.play_button.isHidden():
            self.play_requested.emit()


class ZoomBar(QWidget):
    """Zoom out, the zoom, zoom in; fitted, one to one."""

    def __init__(self, stage: Stage, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = Label(parent=self, dim=True)
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.label.setMinimumWidth(self.fontMetrics().horizontalAdvance(f"{number(800)} %"))
        actions: tuple[tuple[str, str, Callable[[], None], str], ...] = (
            ("smaller", tr("Smaller (-)"), lambda: stage.zoom_by(1 / STEP), ""),
            ("add", tr("Larger (+)"), lambda: stage.zoom_by(STEP), ""),
            ("fit", tr("Fitted (Z)"), stage.fit, tr("Fit")),
            ("actual", tr("Actual size (Z)"), lambda: stage.zoom_to(ACTUAL), f"{number(100)} %"),
        )
        self._buttons = [IconButton(icon, name, self, words=words) for icon, name, _, words in actions]
        for button, (_, _, action, _) in zip(self._buttons, actions, strict=True):
            button.clicked.connect(action)
        smaller, *others = self._buttons
        parts = smaller, self.label, *others
        filled(QHBoxLayout(self), self, *parts, gap=HAIR, around=(0, 0, 0, 0))
        stage.zoom_changed.connect(self._follow)

    def show_words(self, *, shown: bool) -> None:
        """Show the icons with or without words."""
        for button in self._buttons:
            button.show_words(shown=shown)

    def _follow(self, zoom: int) -> None:
        self.label.setText(f"{number(zoom)} %" if zoom else "")
        for button in self._buttons:
            button.setEnabled(bool(zoom))

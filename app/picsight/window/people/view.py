"""The page of people: first everyone and all groups, then one of them with its faces, which A accepts and R rejects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCompleter,
    QHBoxLayout,
    QListView,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, draw_focus, flatten
from picsight.window.controls.keys import Key, photo_menu, press
from picsight.window.controls.line_edit import LineEdit
from picsight.window.controls.notice import Notice
from picsight.window.controls.rows import VALUE, Row, RowsModel
from picsight.window.parts.labels import CENTRE, Label, paint_plate, paint_words, sized
from picsight.window.parts.layouts import filled
from picsight.window.tokens import HALF, PAD, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QImage, QKeyEvent

    from picsight.window.controls.rows import Index
    from picsight_engine.store.derived.faces import Face
    from picsight_engine.store.tagging.decisions import Verdict

SIDE, CAPTION = 8, 1.75  # em: a face, and the line below it


@dataclass(frozen=True, slots=True)
class Tile:
    """A face with its caption; `whose` is what it opens, a person by name or a group by number, None if it stands for itself."""

    face: Face | None
    words: str
    whose: str | int | None = None
    is_question: bool = False


class PeopleView(QWidget):
    """Shows tiles of faces and signals what the user decides about them."""

    KEYS = (
        Key("This person", {"A": None}, lambda it, _: it.decide("accepted")),
        Key("Not this person", {"R": None}, lambda it, _: it.decide("rejected")),
        Key("Back", {"Esc": None}, lambda it, _: it.left.emit()),
    )

    opened = Signal(object)  # str: a person, int: a group
    named = Signal(str)
    decided = Signal(object, object)  # list[int]: faces; Verdict
    put_away = Signal(object, object)  # list[int]: faces; PutAway
    split_off = Signal(object)  # list[int]: faces
    photos_requested = Signal()
    crop_needed = Signal(object)  # Face
    switched = Signal(bool)
    forgotten = Signal()
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.whose: str | int | None = None  # that is shown; None for the overview
        self.crops: dict[int, QPixmap] = {}
        self.model = RowsModel(lambda tile: Row("", tile.words, "", tile.words), self)
        self.title = sized(Label(parent=self), 1.15, semibold=True)
        self.line = LineEdit(tr("Who is this?"), tr("Who is this?"), self)
        self.photos = Button(tr("Show the photos"), Emphasis.PLAIN, self)
        self.away = Button(tr("Nobody I name"), Emphasis.PLAIN, self)
        self.forget = Button(tr("Forget all faces…"), Emphasis.QUIET, self)
        self.switch = Button("", Emphasis.QUIET, self)
        self.tiles, self.notice = self._make_tiles(), Notice(self)
        self._is_on = False
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.tiles)
        self._pages.addWidget(self.notice)
        self.line.setMaximumWidth(px(self, 20))
        parts = self.title, self.line, 1, self.photos, self.away, self.forget, self.switch
        top = filled(QHBoxLayout(), self, *parts, gap=PAD)
        filled(QVBoxLayout(self), self, top, (self._pages, 1), gap=HALF, around=(PAD, HALF, PAD, PAD))
        self.setFocusProxy(self.tiles)
        self.line.returnPressed.connect(self._name)
        self.photos.clicked.connect(self.photos_requested)
        self.away.clicked.connect(lambda: self.put_away.emit(self._face_ids(chosen=False), "nobody"))
        self.forget.clicked.connect(self.forgotten)
        self.switch.clicked.connect(lambda: self.switched.emit(not self._is_on))

    def _make_tiles(self) -> QListView:
        tiles = TileList(self)
        tiles.setModel(self.model)
        tiles.setItemDelegate(TileDelegate(self, tiles))
        flatten(tiles)
        tiles.setViewMode(QListView.ViewMode.IconMode)
        tiles.setResizeMode(QListView.ResizeMode.Adjust)
        tiles.setMovement(QListView.Movement.Static)
        tiles.setUniformItemSizes(True)
        tiles.setSpacing(px(self, HALF))
        tiles.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tiles.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        tiles.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        tiles.setAccessibleName(tr("Faces"))
        tiles.activated.connect(self._open)
        tiles.clicked.connect(self._click)
        tiles.customContextMenuRequested.connect(self._menu)
        return tiles

    def show_everyone(self, tiles: Sequence[Tile], names: Sequence[str], *, is_on: bool) -> None:
        """Show everyone who has a name, and all groups; or how to begin."""
        self._is_on = is_on
        self.switch.setText(tr("Find no more faces") if is_on else tr("Find faces"))
        self._show(None, tr("People"), tiles, names)
        if not is_on and not tiles:
            sentence = tr(
                "Picsight finds faces that look alike, and you name them. Everything stays on this computer, and all faces can be forgotten. It is poor at children and at faces from the side."
            )
            options = [(tr("Find faces in my photos"), lambda: self.switched.emit(True))]
            self.notice.say(tr("Find everyone you name"), sentence, options)
        elif not tiles:
            self.notice.say(
                tr("No faces look alike yet."), tr("Faces are found while the computer is plugged in.")
            )
        self.switch.setVisible(is_on or bool(tiles))
        self.forget.setVisible(self.switch.isVisibleTo(self))

    def show_one(self, whose: str | int, title: str, tiles: Sequence[Tile], names: Sequence[str]) -> None:
        """Show the faces of a person or a group."""
        self._show(whose, title, tiles, names)
        is_person = isinstance(whose, str)
        self.photos.setVisible(is_person)
        for part in (self.line, self.away):
            part.setVisible(not is_person)
        (self.tiles if is_person else self.line).setFocus()

    def _show(self, whose: str | int | None, title: str, tiles: Sequence[Tile], names: Sequence[str]) -> None:
        same = whose is not None and type(whose) is type(self.whose)
        row = self.tiles.currentIndex().row() if same else 0
        self.whose = whose
        self.title.setText(title)
        self.model.put(tiles)
        self._pages.setCurrentWidget(self.tiles if tiles else self.notice)
        for part in (self.line, self.photos, self.away, self.forget, self.switch):
            part.setVisible(False)
        completer = QCompleter([*names], self.line)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.line.setCompleter(completer)
        self.line.clear()
        if tiles:
            current = self.model.index(min(max(row, 0), len(tiles) - 1))
            self.tiles.selectionModel().setCurrentIndex(
                current, QItemSelectionModel.SelectionFlag.ClearAndSelect
            )

    def put_crop(self, face_id: int, crop: QImage) -> None:
        """Show a face that was cut out of its photo."""
        self.crops[face_id] = QPixmap.fromImage(crop)
        self.tiles.viewport().update()

    def decide(self, verdict: Verdict) -> None:
        """Decide about the chosen faces of a person; in the overview and in a group there is no question."""
        if isinstance(self.whose, str) and (faces := self._face_ids()):
            self.decided.emit(faces, verdict)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the keys of the page."""
        if not press(self, self.KEYS, event):
            super().keyPressEvent(event)

    def _name(self) -> None:
        if name := self.line.text().strip():
            self.named.emit(name)

    def _click(self, index: Index) -> None:
        if self.whose is None:
            self._open(index)

    def _open(self, index: Index) -> None:
        if (whose := index.data(VALUE).whose) is not None:
            self.opened.emit(whose)

    def _face_ids(self, *, chosen: bool = True) -> list[int]:
        rows = (
            self.tiles.selectionModel().selectedIndexes()
            if chosen
            else map(self.model.index, range(self.model.rowCount()))
        )
        faces = (index.data(VALUE).face for index in rows)
        return [face.id for face in faces if face is not None]

    def _menu(self, point: QPoint) -> None:
        faces = self._face_ids()
        if self.whose is None or not faces:
            return
        entries = [
            (tr("Not a face"), "", lambda: self.put_away.emit(faces, "no face")),
            (tr("Somebody else"), "", lambda: self.split_off.emit(faces)),
        ]
        if isinstance(self.whose, str):
            entries = [
                (tr("This person"), "A", lambda: self.decide("accepted")),
                (tr("Not this person"), "R", lambda: self.decide("rejected")),
                *entries,
            ]
        photo_menu(self, entries).popup(self.tiles.viewport().mapToGlobal(point))


class TileList(QListView):
    """The tiles, whose letters are keys of the page and search for nothing."""

    def __init__(self, page: PeopleView) -> None:
        super().__init__(page)
        self._page = page

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the keys of the page first."""
        if not press(self._page, PeopleView.KEYS, event):
            super().keyPressEvent(event)


class TileDelegate(QStyledItemDelegate):
    """Paints a face, its caption, and a question's dashed edge."""

    def __init__(self, page: PeopleView, tiles: QListView) -> None:
        super().__init__(tiles)
        self._page = page

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """A square and a line."""
        return QSize(px(self._page, SIDE), px(self._page, SIDE + CAPTION))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the face as it is there, else a grey square; ask for the face."""
        page, rect = self._page, option.rect
        tile: Tile = index.data(VALUE)
        colours, side, radius = tones(page), rect.width(), px(page, HALF)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected) and page.whose is not None
        if chosen:
            paint_plate(painter, rect, radius, colours.chosen)
        square = QRect(rect.left(), rect.top(), side, side).adjusted(
            *(px(page, 0.25) * sign for sign in (1, 1, -1, -1))
        )
        crop = None if tile.face is None else page.crops.get(tile.face.id)
        if crop is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(square, crop)
        else:
            painter.fillRect(square, colours.placeholder)
            if tile.face is not None:
                page.crop_needed.emit(tile.face)
        below = QRect(rect.left(), rect.top() + side, side, rect.height() - side)
        painter.setPen(colours.text if tile.whose is not None or tile.is_question else colours.dim)
        words = painter.fontMetrics().elidedText(tile.words, Qt.TextElideMode.ElideRight, side)
        paint_words(painter, below, CENTRE, words)
        if option.state & QStyle.StateFlag.State_HasFocus:
            draw_focus(painter, page, QRectF(rect), radius)

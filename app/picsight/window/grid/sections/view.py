"""The wall's view: painting, mouse, keys, and requests as signals."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QContextMenuEvent, QDrag, QKeySequence, QPainter
from PySide6.QtWidgets import QAbstractItemView, QFrame, QStyle, QWidget

from picsight.texts import tr
from picsight.window.controls.keys import Key, press
from picsight.window.grid.model import WallModel, files_of
from picsight.window.grid.photo_painter import PhotoPainter, circle_zone, plate_of, verdict_zones
from picsight.window.grid.sections.sectioned import SectionedView
from picsight.window.grid.thumbnails import ThumbnailRequest, Thumbnails
from picsight.window.parts.focus import shows_focus
from picsight.window.tokens import SMALL, px, tones

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QWheelEvent

    from picsight.jobs import Jobs
    from picsight.window.grid.wall import Wall
    from picsight_engine.search.answer import Result

MOVES = ("Left", "Right", "Up", "Down", "Home", "End", "PgUp", "PgDown")
# Types characters; some systems report it as Ctrl+Alt.
_ALT_GR = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class PhotoView(SectionedView):
    """Shows a wall of photos and signals the requested actions on them."""

    KEYS = (
        Key("Move; with Shift, select", dict.fromkeys(MOVES)),
        Key("From heading to heading", {"Alt+PgUp": -1, "Alt+PgDown": 1}, lambda it, by: it.step_section(by)),
        Key("Open", {"Return": None}, lambda it, _: it.open_current()),
        Key("Select all", {"Ctrl+A": None}),
        Key("Select or deselect", {"Ctrl+Space": None}),
        Key("More like this", {"Ctrl+L": None}),
        Key("Less like this", {"Ctrl+Shift+L": None}),
        Key("Copy the files", {"Ctrl+C": None}),
        Key("Search by the copied picture", {"Ctrl+V": None}),
        Key("Select none, then back", {"Esc": None}, lambda it, _: it.select_none_or_leave()),
    )

    open_requested = Signal(int)  # the row
    similar_requested = Signal(int)
    unlike_requested = Signal(int)
    stack_toggled = Signal(int)  # the row
    verdict_given = Signal(int, str)  # the row, and its new state in the shown tag
    copy_requested = Signal()
    paste_requested = Signal()
    menu_requested = Signal(QPoint)  # on the screen
    typed = Signal(str)  # letters for the box
    left = Signal()  # Escape with nothing selected
    selection_counted = Signal(int)
    visible_changed = Signal(object)  # list[int]: the photos in sight and nearby

    def __init__(
        self,
        model: WallModel,
        thumbnails: Thumbnails,
        jobs: Jobs,
        row_height: float,
        parent: QWidget | None = None,
    ) -> None:
        self._hovered, self._pressed_sign = -1, False
        self._letter_modes: frozenset[str] = frozenset()
        super().__init__(model, jobs, row_height, parent)
        self._thumbnails = thumbnails
        self._photo_painter = PhotoPainter(model, thumbnails)
        self._prepare()
        self._moved.timeout.connect(self._ask_for_thumbnails)
        self.selectionModel().selectionChanged.connect(self._count_selected)
        thumbnails.arrived.connect(self._repaint_photos)

    def _prepare(self) -> None:
        self.setAccessibleName(tr("Photos"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setMouseTracking(True)

    # Contents

    def show_wall(self, wall: Wall, *, stay: bool = False) -> None:
        """Show a wall from its top, or, with `stay`, at the current photo; the selection is kept."""
        chosen = wall.ids_now(self.selected_photos(), self._wall_model.wall.rows) if stay else []
        current = self._next_of(wall) if stay else None
        anchor = self._anchor() if stay else None
        kept = (self._wall_model.photo(anchor[0]).id, anchor[1]) if anchor else None
        self._hovered = -1
        self._wall_model.set_wall(wall)
        self._lay_out(fresh=True)
        self._restore(wall, chosen, current)
        self._awaited = (wall.rows[kept[0]], kept[1]) if kept and kept[0] in wall.rows else None
        self.verticalScrollBar().setValue(0)
        if self._awaited and self._rows.cell(self._awaited[0]):
            self._scroll_so(*self._awaited)
            self._awaited = None

    def _next_of(self, wall: Wall) -> int | None:
        """The current photo; if it is gone, the one that takes its place."""
        row, before = self.currentIndex().row(), self._wall_model.wall.results
        if row >= 0 and (here := wall.ids_now(before[row : row + 1], self._wall_model.wall.rows)):
            return here[0]
        beside = (*before[row:], *reversed(before[:row])) if row >= 0 else ()
        return next((photo.id for photo in beside if photo.id in wall.rows), None)

    def _restore(self, wall: Wall, chosen: list[int], current: int | None) -> None:
        """Restore the selection and the current photo; neighbours form one range, since Qt is slow with many."""
        flag = QItemSelectionModel.SelectionFlag
        selection, index_of = QItemSelection(), self._wall_model.index
        rows = sorted({wall.rows[photo] for photo in chosen if photo in wall.rows})
        for _, run in groupby(enumerate(rows), key=lambda placed: placed[1] - placed[0]):
            side_by_side = [row for _, row in run]
            selection.select(index_of(side_by_side[0]), index_of(side_by_side[-1]))
        if not selection.isEmpty():
            self.selectionModel().select(selection, flag.Select)
        if current is not None and current in wall.rows:
            self.selectionModel().setCurrentIndex(index_of(wall.rows[current]), flag.NoUpdate)

    def grow(self, wall: Wall) -> None:
        """Append photos to the wall, or remove those at its end, such as those below the fold; the others do not move."""
        self._wall_model.grow(wall)
        self._lay_out()

    def current_photo(self) -> Result | None:
        """The current photo, if any."""
        index = self.currentIndex()
        return self._wall_model.photo(index.row()) if index.isValid() else None

    def selected_photos(self) -> list[Result]:
        """The selected photos in the wall's order."""
        parts, photos = self._selected_parts(), self._wall_model.wall.results
        parts.sort(key=QItemSelectionRange.top)
        return [photo for part in parts for photo in photos[part.top() : part.bottom() + 1]]

    def chosen_photos(self) -> list[Result]:
        """The photos that keys act on: the selected ones, else the current one."""
        current = self.current_photo()
        return self.selected_photos() or ([current] if current is not None else [])

    def let_letters_act(self, mode: str, *, act: bool) -> None:
        """Let letters act in a mode instead of starting a search, or end that."""
        self._letter_modes = self._letter_modes | {mode} if act else self._letter_modes - {mode}

    def selected_count(self) -> int:
        """The number of selected photos; the cost depends on the ranges only."""
        return sum(part.height() for part in self._selected_parts())

    def _selected_parts(self) -> list[QItemSelectionRange]:
        selection = self.selectionModel().selection()
        return [selection.at(place) for place in range(selection.size())]

    def reset(self) -> None:
        """Reset the view with the model."""
        super().reset()
        self._count_selected()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Scroll and clear the hover until the mouse moves."""
        super().scrollContentsBy(dx, dy)
        self._hovered = -1

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible photos, the current one last so that its ring is on top, then the rubber band."""
        painter = QPainter(self.viewport())
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(event.rect(), tones(self).base)
        self._paint_headings(painter, event.rect())
        margin = px(self, SMALL)
        current = self.currentIndex().row() if shows_focus(self) else -1
        photos = self._photos_in(event.rect().adjusted(0, -margin, 0, margin))
        for row in photos:
            if row != current:
                self._paint_photo(painter, row, focused=False)
        if current in photos:
            self._paint_photo(painter, current, focused=True)
        if self.state() == QAbstractItemView.State.DragSelectingState and not self._band.isEmpty():
            painter.setPen(tones(self).accent)
            fill = QColor(tones(self).accent)  # the tones are shared
            fill.setAlphaF(0.15)
            painter.setBrush(fill)
            painter.drawRect(self._band)
        painter.end()

    def _paint_photo(self, painter: QPainter, row: int, *, focused: bool) -> None:
        rect = self._rect(row)
        if rect is None or row >= self._wall_model.rowCount():
            return
        state = QStyle.StateFlag.State_Enabled
        if self.selectionModel().isSelected(self._wall_model.index(row)):
            state |= QStyle.StateFlag.State_Selected
        if row == self._hovered:
            state |= QStyle.StateFlag.State_MouseOver
        if focused:
            state |= QStyle.StateFlag.State_HasFocus
        self._photo_painter.paint(painter, self, rect, self._wall_model.photo(row), state)

    def _repaint_photos(self, ids: set[int]) -> None:
        rows = self._wall_model.wall.rows
        seen = self._photos_in(self.viewport().rect())
        for photo in ids:
            row = rows.get(photo, -1)
            if row in seen and (rect := self._rect(row)):
                self.viewport().update(rect)

    def _ask_for_thumbnails(self) -> None:
        """Request the visible thumbnails first, then those of the next screen, then of the previous one."""
        area, page = self.viewport().rect(), self.viewport().height()
        parts = (area, area.translated(0, page), area.translated(0, -page))
        photos = self._wall_model.wall.results
        wanted: dict[int, ThumbnailRequest] = {}
        seen = 0
        for part in parts:
            for row in self._photos_in(part):
                cell = self._rows.cell(row)
                if cell and row < len(photos):
                    request = ThumbnailRequest.from_photo(photos[row], self, cell.width(), cell.height())
                    wanted.setdefault(request.photo, request)
            seen = seen or len(wanted)
        self._thumbnails.request(tuple(wanted.values()), seen)
        self.visible_changed.emit(list(wanted))

    # Mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Press a sign on a photo; everything else is Qt's extended selection."""
        self._column, self._band = None, QRect()
        point = event.position().toPoint()
        self._pressed_sign = event.button() == Qt.MouseButton.LeftButton and self._press_sign(point)
        if not self._pressed_sign:
            super().mousePressEvent(event)

    def _press_sign(self, point: QPoint) -> bool:
        """Toggle with the circle, decide with tick and cross, spread or collapse a stack; False for no sign."""
        index, flag = self.indexAt(point), QItemSelectionModel.SelectionFlag
        if not index.isValid():
            return False
        photo, rect = self._wall_model.photo(index.row()).id, self.visualRect(index)
        copies = self._wall_model.wall.copies(photo)
        zones = verdict_zones(rect, self) if self._wall_model.state(photo) else {}
        if circle_zone(rect, self).contains(point):
            self.selectionModel().setCurrentIndex(index, flag.Toggle)
        elif verdict := next((each for each, zone in zones.items() if zone.contains(point)), None):
            self.verdict_given.emit(index.row(), verdict)
        elif copies > 1 and plate_of(rect, self, copies).contains(point):
            self.selectionModel().setCurrentIndex(index, flag.NoUpdate)  # so it stays at its height
            self.stack_toggled.emit(index.row())
        else:
            return False
        return True

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Update hover and rubber band. Qt did not see a press on a sign, and would drag from an older one."""
        if not self._pressed_sign:
            super().mouseMoveEvent(event)
        self._hover(self.indexAt(event.position().toPoint()).row())
        if self.state() == QAbstractItemView.State.DragSelectingState:
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Remove the rubber band."""
        super().mouseReleaseEvent(event)
        self._band, self._pressed_sign = QRect(), False
        self.viewport().update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the photo."""
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            self.open_requested.emit(index.row())

    def leaveEvent(self, event: QEvent) -> None:
        """Clear the hover."""
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row == self._hovered:
            return
        for changed in (self._hovered, row):
            if rect := self._rect(changed):
                self.viewport().update(rect)
        self._hovered = row

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll, or with Ctrl change the row height around the pointer."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            steps = event.angleDelta().y() / 120
            self.set_row_height(self._row_height * 1.1**steps, event.position().toPoint())
            event.accept()
            return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the keys that act on photos; Qt handles the arrows. Letters go to the box."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Paste):
            self.paste_requested.emit()
        elif press(self, self.KEYS, event) or self._asks_for_similar(event):
            pass
        elif is_typed(event):
            if not self._letter_modes:
                self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)

    def open_current(self) -> None:
        """Open the current photo."""
        if self.currentIndex().isValid():
            self.open_requested.emit(self.currentIndex().row())

    def select_none_or_leave(self) -> None:
        """Select none; with nothing selected, leave the photos."""
        self.clearSelection() if self.selectionModel().hasSelection() else self.left.emit()

    def _asks_for_similar(self, event: QKeyEvent) -> bool:
        """Handle Ctrl+L for more and Ctrl+Shift+L for less like the current photo, or the first selected one."""
        shift = Qt.KeyboardModifier.ShiftModifier
        plain = event.modifiers() & ~shift == Qt.KeyboardModifier.ControlModifier
        if event.key() != Qt.Key.Key_L or not plain or not (chosen := self.chosen_photos()):
            return False
        current = self.current_photo()
        photo = current if current is not None and current in chosen else chosen[0]
        requested = self.unlike_requested if event.modifiers() & shift else self.similar_requested
        requested.emit(self._wall_model.wall.rows[photo.id])
        return True

    def keyboardSearch(self, _search: str) -> None:
        """Do nothing: letters are keys here, not the start of a name."""

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open a menu for the photo under the mouse, none in a gap; by key for the current photo, at its position. Selects
        that photo, so that the menu acts on it.
        """
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if index.isValid():
            if not self.selectionModel().isSelected(index):
                self.selectionModel().select(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.scrollTo(index)
            place = event.pos() if by_mouse else self.visualRect(index).center()
            self.menu_requested.emit(self.viewport().mapToGlobal(place))

    def startDrag(self, _actions: Qt.DropAction) -> None:
        """Drag the selected files out, as copies."""
        photos = self.selected_photos()
        if not photos:
            return
        drag = QDrag(self)
        drag.setMimeData(files_of(photos))
        pixmap = self._thumbnails.pixmap(photos[0].id, photos[0].moment)
        if pixmap is not None:
            drag.setPixmap(pixmap.scaledToHeight(px(self, 5), Qt.TransformationMode.SmoothTransformation))
        drag.exec(Qt.DropAction.CopyAction)

    def _count_selected(self) -> None:
        if self.selectionModel() is not None:
            self.selection_counted.emit(self.selected_count())


def is_typed(event: QKeyEvent) -> bool:
    """Whether a key types a character that may begin a search."""
    altered = event.modifiers() & (_ALT_GR | Qt.KeyboardModifier.MetaModifier)
    types = altered in (Qt.KeyboardModifier.NoModifier, _ALT_GR)
    return types and event.text().isprintable() and event.text().strip() != ""

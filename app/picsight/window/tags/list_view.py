"""The list of all tags: their photos and decisions, and access to the studio of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QListView, QStackedWidget, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.action import below
from picsight.window.controls.buttons import Button, Emphasis, flatten
from picsight.window.controls.line_edit import LineEdit
from picsight.window.controls.notice import Notice
from picsight.window.controls.rows import VALUE, Row, RowDelegate, RowsModel, Spacing, row_ground
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import isolated, plain
from picsight.window.tags.paths import path_key
from picsight.window.tags.wording import tag_words
from picsight.window.tokens import HALF, ONE, PAD, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent

    from picsight.window.controls.rows import Index
    from picsight_engine.tags.tree import Tag

SPACING = Spacing(high=2.5, icon=1.25, before=HALF, after=ONE, between=ONE)


class TagList(QWidget):
    """Filters tags by typed letters; Enter or a click opens the studio."""

    opened = Signal(object)  # Tag
    new_requested = Signal()
    menu_requested = Signal(object, QPoint)  # Tag, position on the screen
    exchange_requested = Signal(QPoint)  # position on the screen
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tags: Sequence[Tag] = ()
        self.model = TagsModel(row_of, self)
        self.line = LineEdit(tr("Find a tag"), tr("Find a tag"), self)
        self.new = Button(tr("New tag"), Emphasis.PRIMARY, self)
        self.exchange = Button(tr("Export or import…"), Emphasis.QUIET, self)
        self.rows, self.notice = self._make_rows(), Notice(self)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self.rows)
        self._pages.addWidget(self.notice)
        self._lay_out()
        self.line.textChanged.connect(lambda _text: self._filter())
        self.line.returnPressed.connect(self.rows.setFocus)
        self.new.clicked.connect(self.new_requested)
        self.exchange.clicked.connect(lambda: self.exchange_requested.emit(below(self.exchange)))
        self.rows.clicked.connect(self._open)
        self.rows.activated.connect(self._open)
        self.rows.customContextMenuRequested.connect(self._menu)

    def _make_rows(self) -> QListView:
        rows = QListView(self)
        rows.setModel(self.model)
        rows.setItemDelegate(RowDelegate(rows, SPACING, row_ground))
        flatten(rows)
        rows.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)  # a click opens the studio
        rows.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        rows.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        rows.setAccessibleName(tr("Tags"))
        rows.setUniformItemSizes(True)
        rows.setMouseTracking(True)
        return rows

    def show_tags(self, tags: Sequence[Tag]) -> None:
        """Show these tags."""
        self._tags = [tag for tag in tags if tag.kind != "favourite"]
        for part in (self.line, self.new):
            part.setVisible(bool(self._tags))
        self._filter()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _filter(self) -> None:
        wanted = path_key(self.line.text().strip())
        found = [tag for tag in self._tags if wanted in path_key(tag.path)] if wanted else self._tags
        self.model.put(found)
        if not self._tags:
            title = tr("Make a tag from a few words or photos.")
            sentence = tr("It finds what you mean in the whole library, and learns from every yes and no.")
            self.notice.say(title, sentence, [(tr("New tag"), self.new_requested.emit)])
        elif not found:
            name = isolated(f"“{self.line.text().strip()}”")
            self.notice.say(tr("No tag or album is called {name}.", name=name))
        self._pages.setCurrentWidget(self.rows if found else self.notice)
        self.setFocusProxy(self.line if self._tags else self.notice)

    def _open(self, index: Index) -> None:
        self.opened.emit(index.data(VALUE))

    def _menu(self, point: QPoint) -> None:
        index = self.rows.indexAt(point)
        if index.isValid():
            self.menu_requested.emit(index.data(VALUE), self.rows.viewport().mapToGlobal(point))

    def _lay_out(self) -> None:
        self.line.setMaximumWidth(px(self, 24))
        row = filled(QHBoxLayout(), self, (self.line, 2), 1, self.exchange, self.new, gap=PAD)
        filled(QVBoxLayout(self), self, row, (self._pages, 1), gap=HALF, around=(PAD, HALF, PAD, PAD))


class TagsModel(RowsModel):
    """The listed tags."""

    def put(self, tags: Sequence[Tag]) -> None:
        """List these tags; if they are the same, only their numbers change."""
        if [tag.id for tag in tags] != [tag.id for tag in self.values]:
            super().put(tags)
        elif tags:
            self.values = tuple(tags)
            self.dataChanged.emit(self.index(0), self.index(len(tags) - 1))


def row_of(tag: Tag) -> Row:
    """The row of a tag."""
    path, numbers = plain(tag.path), tag_words(tag)
    return Row(tag.kind, path, numbers, f"{path}, {numbers}")

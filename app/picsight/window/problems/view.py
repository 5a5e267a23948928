"""The list of problems: kinds above, reasons with their files below, and actions on them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, flatten
from picsight.window.controls.keys import Key, photo_menu, press
from picsight.window.controls.notice import Notice
from picsight.window.controls.pills import PillButton, Pills
from picsight.window.parts.labels import ElidedLabel
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import counted, number, short_path
from picsight.window.problems.cells import ACTS, ProblemTree
from picsight.window.problems.model import REASONS, UNREAD, Column, ProblemsModel
from picsight.window.tokens import HALF, PAD, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtGui import QKeyEvent, QResizeEvent

    from picsight_engine.foundation.errors import ProblemCode
    from picsight_engine.store.overview.problems import Problem

NARROW = 50  # em: in a narrower view, names take the room of date and tries
WIDTHS = {Column.WHEN: 9, Column.TRIES: 5, Column.RETRY: 8, Column.IGNORE: 6}  # em


class ProblemsView(QWidget):
    """Shows the problems and signals the requested actions."""

    KEYS = (
        Key("Open or close a reason", {"Return": None}, lambda it, _: it.toggle(it.table.currentIndex())),
        Key("Ignore", {"Del": None}, lambda it, _: it.ignore(it.table.currentIndex())),
        Key("Back to the photos", {"Esc": None}, lambda it, _: it.left.emit()),
    )

    retry_requested = Signal(object)  # tuple[Problem, ...]
    ignore_requested = Signal(object)  # tuple[Problem, ...]
    reveal_requested = Signal(object)  # Path
    left = Signal()

    def __init__(self, model: ProblemsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._kinds = Pills(self)
        self._group = QButtonGroup(self)
        self._kinds_shown: list[tuple[ProblemCode | None, int]] = []
        self._closed = set(UNREAD)  # collapsed reasons: at first those that may have thousands of files
        self._last: Path | None = None  # the focused file, to be found again
        self._on_reason = False  # the focus is on the reason of that file, its first
        # The listed kind and its problems.
        self._listed: tuple[ProblemCode | None, tuple[Problem, ...]] = (None, ())
        self._retry = Button(tr("Try all again"), Emphasis.PLAIN, self)
        self._reveal = Button(tr("Show in folder"), Emphasis.PLAIN, self)
        self._path = ElidedLabel(self)
        self.table = ProblemTree(model, self)
        self._pages = QStackedWidget(self)
        self._notice = Notice(self)
        self._notice.say(tr("Every photo could be read."))
        self._prepare_table()
        self._build()
        self._connect()
        self._follow()

    def _prepare_table(self) -> None:
        table = self.table
        table.setAccessibleName(tr("Problems"))
        table.setUniformRowHeights(True)
        table.setRootIsDecorated(False)
        table.setIndentation(0)
        table.setExpandsOnDoubleClick(False)
        flatten(table)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.setMouseTracking(True)
        table.setHeaderHidden(True)
        header = table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in WIDTHS.items():
            table.setColumnWidth(column, px(self, width))

    def _connect(self) -> None:
        table = self.table
        table.clicked.connect(self._press)
        table.activated.connect(self._activate)
        table.entered.connect(self._hover)
        table.customContextMenuRequested.connect(self._menu)
        table.collapsed.connect(lambda index: self._closed.add(self._model.group_of(index).reason))
        table.expanded.connect(lambda index: self._closed.discard(self._model.group_of(index).reason))
        table.selectionModel().currentChanged.connect(self._show_path)
        self._retry.clicked.connect(lambda: self.retry_requested.emit(self._model.shown()))
        self._reveal.clicked.connect(self._reveal_current)
        self._model.modelReset.connect(self._follow)

    def _build(self) -> None:
        sides, listing = (PAD, 0, PAD, 0), QWidget(self)
        top = filled(QHBoxLayout(), self, (self._kinds, 1), self._retry, gap=HALF, around=sides)
        for part in (self._kinds, self._retry):
            top.setAlignment(part, Qt.AlignmentFlag.AlignTop)
        bottom = filled(QHBoxLayout(), self, (self._path, 1), self._reveal, around=sides)
        around = (0, SMALL, 0, SMALL)
        filled(QVBoxLayout(listing), self, top, (self.table, 1), bottom, gap=SMALL, around=around)
        self._pages.addWidget(listing)
        self._pages.addWidget(self._notice)
        filled(QVBoxLayout(self), self, self._pages, around=(0, 0, 0, 0))
        self.setAutoFillBackground(True)
        self.setBackgroundRole(self.table.viewport().backgroundRole())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow view, hide columns in favour of the names."""
        super().resizeEvent(event)
        narrow = self.width() < px(self, NARROW)
        for column in (Column.WHEN, Column.TRIES):
            self.table.setColumnHidden(column, narrow)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the keys of the list."""
        if not press(self, self.KEYS, event):
            super().keyPressEvent(event)

    def _follow(self) -> None:
        """Show the kinds; their buttons stay while the kinds are the same, so that the focus stays too."""
        kinds = [(None, self._model.total()), *self._model.kinds()]
        if kinds != self._kinds_shown:
            self._kinds_shown = kinds
            self._make_buttons(kinds)
        for button, (kind, _) in zip(self._group.buttons(), kinds, strict=True):
            button.setChecked(kind == self._model.kind)
        self._pages.setCurrentIndex(0 if self._model.total() else 1)
        for index in self._model.reasons():
            self.table.setExpanded(index, self._model.group_of(index).reason not in self._closed)
        if self._last is not None:
            self.table.setCurrentIndex(self._find_again(self._last))
        self._listed = self._model.kind, self._model.shown()
        self._show_path()

    def _find_again(self, last: Path) -> QModelIndex:
        """The focused row; if it is gone, the one below it, or above it at the end."""
        index, (kind, listed) = self._model.find(last), self._listed
        before = [problem.path for problem in listed]
        if not index.isValid() and kind == self._model.kind and last in before:
            reasons = (
                each for each in self._model.reasons() if self._on_reason or self.table.isExpanded(each)
            )
            seen = {problem.path for each in reasons for problem in self._model.group_of(each).problems}
            at = before.index(last)
            near = next((path for path in (*before[at:], *reversed(before[:at])) if path in seen), last)
            index = self._model.find(near)
        return index.parent() if self._on_reason else index

    def _make_buttons(self, kinds: Sequence[tuple[ProblemCode | None, int]]) -> None:
        for button in self._group.buttons():
            self._group.removeButton(button)
        for kind, count in kinds:
            words = tr(REASONS[kind]) if kind else tr("All")
            button = PillButton(f"{words} {number(count)}", self)
            button.clicked.connect(partial(self._model.show_kind, kind))
            self._group.addButton(button)
        self._kinds.show_buttons(self._group.buttons())

    def _show_path(self, _current: QModelIndex | None = None) -> None:
        current = self.table.currentIndex()
        path, problems = self._model.path(current), self._model.problems_at(current)
        if problems:
            self._last, self._on_reason = problems[0].path, path is None
        self._reveal.setEnabled(path is not None)
        self._path.setText(short_path(path) if path is not None else "")

    def _reveal_current(self) -> None:
        path = self._model.path(self.table.currentIndex())
        if path is not None:
            self.reveal_requested.emit(path)

    # Actions

    def ignore(self, index: QModelIndex) -> None:
        """Ignore a file, or all of a reason."""
        if problems := self._model.problems_at(index):
            self.ignore_requested.emit(problems)

    def _press(self, index: QModelIndex) -> None:
        """Run a text button, or open or close a reason."""
        if index.column() == Column.RETRY:
            self.retry_requested.emit(self._model.problems_at(index))
        elif index.column() == Column.IGNORE:
            self.ignore(index)
        else:
            self.toggle(index)

    def _activate(self, index: QModelIndex) -> None:
        """Handle Enter or a double click on a file."""
        if index.column() not in ACTS:
            self._reveal_current()

    def toggle(self, index: QModelIndex) -> None:
        """Open or close a reason."""
        if self._model.path(index) is None:
            first = index.siblingAtColumn(0)
            self.table.setExpanded(first, not self.table.isExpanded(first))

    def _hover(self, index: QModelIndex) -> None:
        hand = index.column() in ACTS or self._model.path(index) is None
        shape = Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor
        self.table.viewport().setCursor(shape)

    def _menu(self, point: QPoint) -> None:
        index = self.table.indexAt(point)
        problems, path = self._model.problems_at(index), self._model.path(index)
        if not problems:
            return
        many = len(problems)
        entries = [
            (
                counted(many, "Try again", "Try %n files again"),
                "",
                lambda: self.retry_requested.emit(problems),
            ),
            (counted(many, "Ignore", "Ignore %n files"), "Del", lambda: self.ignore_requested.emit(problems)),
        ]
        if path is not None:
            reveal = (tr("Show in folder"), "", lambda: self.reveal_requested.emit(path))
            entries = [*entries, reveal]
        photo_menu(self, entries).popup(self.table.viewport().mapToGlobal(point))

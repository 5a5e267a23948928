"""The list of problems: kinds above, files below, and what can be done about them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from picsight.window.library.problems_model import REASONS, Column, ProblemsModel
from picsight.window.parts.controls import Button, SlimScrollBar, Weight, press_by_enter
from picsight.window.parts.focus import shows_focus
from picsight.window.parts.labels import ElidedLabel
from picsight.window.parts.notice import Notice
from picsight.window.parts.pills import Pills
from picsight.window.parts.words import cut_middle, number, say, short_path
from picsight.window.tokens import HALF, PAD, SMALL, em, mix, px, tones

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QModelIndex, QRect
    from PySide6.QtGui import QKeyEvent, QPaintEvent

    from picsight.window.grid.model import Index
    from picsight_engine.errors import ProblemCode


class ProblemsView(QWidget):
    """Shows the problems and says what a person wants done."""

    retry_requested = Signal()
    reveal_requested = Signal(object)  # Path
    left = Signal()

    def __init__(self, model: ProblemsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._kinds = Pills(self)
        self._group = QButtonGroup(self)
        self._kinds_shown: list[tuple[ProblemCode | None, int]] = []
        self._retry = Button(self.tr("Try all again"), Weight.PLAIN, self)
        self._reveal = Button(self.tr("Show in folder"), Weight.PLAIN, self)
        self._path = ElidedLabel(self)
        self.table = QTreeView(self)
        self._pages = QStackedWidget(self)
        self._notice = Notice(self)
        self._notice.say(self.tr("Every photo could be read."))
        self._prepare_table()
        self._build()
        self._retry.clicked.connect(self.retry_requested)
        self._reveal.clicked.connect(self._reveal_current)
        model.modelReset.connect(self._follow)
        self._follow()

    def _prepare_table(self) -> None:
        table = self.table
        table.setModel(self._model)
        table.setAccessibleName(self.tr("Problems"))
        table.setUniformRowHeights(True)
        table.setRootIsDecorated(False)
        table.setFrameShape(QFrame.Shape.NoFrame)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setVerticalScrollBar(SlimScrollBar(Qt.Orientation.Vertical, table))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setIndentation(0)
        table.setItemDelegate(_CellDelegate(table))
        header = table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(Column.REASON, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        table.setHeaderHidden(True)
        table.doubleClicked.connect(lambda _index: self._reveal_current())
        table.selectionModel().currentChanged.connect(self._show_path)

    def _build(self) -> None:
        pad = px(self, PAD)
        top = QHBoxLayout()
        top.setContentsMargins(pad, 0, pad, 0)
        top.setSpacing(px(self, HALF))
        top.addWidget(self._kinds, 1, Qt.AlignmentFlag.AlignTop)
        top.addWidget(self._retry, 0, Qt.AlignmentFlag.AlignTop)
        bottom = QHBoxLayout()
        bottom.setContentsMargins(pad, 0, pad, 0)
        bottom.addWidget(self._path, 1)
        bottom.addWidget(self._reveal)
        listing = QWidget(self)
        column = QVBoxLayout(listing)
        column.setContentsMargins(0, px(self, SMALL), 0, px(self, SMALL))
        column.setSpacing(px(self, SMALL))
        column.addLayout(top)
        column.addWidget(self.table, 1)
        column.addLayout(bottom)
        self._pages.addWidget(listing)
        self._pages.addWidget(self._notice)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(self.table.viewport().backgroundRole())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leads back to the photos."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def notice_words(self) -> str:
        """What is said instead of a list, empty while there is one."""
        return self._notice.words().strip() if self._pages.currentWidget() is self._notice else ""

    def current_row(self) -> int:
        """The row with the keyboard, -1 if none."""
        return self.table.currentIndex().row()

    def _follow(self) -> None:
        """Show the kinds that there are; their buttons stay while the kinds do, so that the keyboard stays too."""
        kinds = [(None, self._model.total()), *self._model.kinds()]
        if kinds != self._kinds_shown:
            self._kinds_shown = kinds
            self._make_buttons(kinds)
        for button, (kind, _) in zip(self._group.buttons(), kinds, strict=True):
            button.setChecked(kind == self._model.kind)
        self._pages.setCurrentIndex(0 if self._model.total() else 1)
        self.table.setColumnWidth(Column.NAME, px(self, 16))
        self.table.setColumnWidth(Column.WHEN, px(self, 9))
        self.table.setColumnWidth(Column.TRIES, px(self, 5))
        self._show_path()

    def _make_buttons(self, kinds: Sequence[tuple[ProblemCode | None, int]]) -> None:
        for button in self._group.buttons():
            self._group.removeButton(button)
        for kind, count in kinds:
            words = say(REASONS[kind]) if kind else self.tr("All")
            button = KindButton(f"{words} {number(count)}", self)
            button.clicked.connect(partial(self._model.show_kind, kind))
            self._group.addButton(button)
        self._kinds.show_buttons(self._group.buttons())

    def _show_path(self, _current: QModelIndex | None = None) -> None:
        row = self.current_row()
        self._reveal.setEnabled(row >= 0)
        self._path.setText(short_path(self._model.path(row)) if row >= 0 else "")

    def _reveal_current(self) -> None:
        if self.current_row() >= 0:
            self.reveal_requested.emit(self._model.path(self.current_row()))


class _CellDelegate(QStyledItemDelegate):
    """A cell with air around its words; what is less important is dim."""

    def __init__(self, table: QTreeView) -> None:
        super().__init__(table)
        self._table = table

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """2.25 em high."""
        return QSize(px(self._table, 5), px(self._table, 2.25))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Ground, then the words cut in the middle."""
        view, rect = self._table, option.rect
        colours = tones(view)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.fillRect(rect, colours.base)
        if selected:
            painter.fillRect(rect, mix(colours.base, colours.accent, 0.25))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, colours.placeholder)
        first = index.column() == Column.NAME
        dim = index.column() in (Column.WHEN, Column.TRIES)
        painter.setPen(colours.dim if dim and not selected else colours.text)
        words = rect.adjusted(px(view, PAD if first else HALF), 0, -px(view, HALF), 0)
        metrics, text = painter.fontMetrics(), str(index.data())
        if index.column() == Column.NAME:
            text = cut_middle(text, metrics, words.width())
        else:
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading, text)
        if index.row() == view.currentIndex().row() and shows_focus(view):
            self._paint_focus(painter, rect, index.column())

    def _paint_focus(self, painter: QPainter, rect: QRect, column: int) -> None:
        """A ring around the whole row, drawn cell by cell."""
        view = self._table
        width = max(2, round(0.12 * em(view)))
        ink = tones(view).text
        painter.fillRect(rect.left(), rect.top(), rect.width(), width, ink)
        painter.fillRect(rect.left(), rect.bottom() - width + 1, rect.width(), width, ink)
        if column == Column.NAME:
            painter.fillRect(rect.left(), rect.top(), width, rect.height(), ink)
        if column == Column.TRIES:
            painter.fillRect(rect.right() - width + 1, rect.top(), width, rect.height(), ink)


class KindButton(QPushButton):
    """One kind of problem and how many there are; a pill that stays pressed."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setCheckable(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        """The words with 0.75 em on both sides."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + px(self, 2 * PAD), px(self, 2.25))

    def minimumSizeHint(self) -> QSize:
        """Words are never cut."""
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses, as Space does."""
        if not press_by_enter(self, event):
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Filled while chosen."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QRectF(self.rect()).adjusted(1, px(self, 0.2), -1, -px(self, 0.2))
        button: QAbstractButton = self
        focused = shows_focus(self)
        painter.setPen(QPen(colours.text, max(1.5, 0.12 * em(self))) if focused else QPen(colours.line, 1))
        painter.setBrush(
            colours.chosen if button.isChecked() else colours.hover if self.underMouse() else colours.base
        )
        painter.drawRoundedRect(shape, shape.height() / 2, shape.height() / 2)
        painter.setPen(colours.text)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        painter.end()

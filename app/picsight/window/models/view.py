"""The models dialog: a few models side by side, all others as lines, the licence before an installation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QBoxLayout,
    QDialog,
    QHBoxLayout,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, flatten, scrolled
from picsight.window.models.row_view import IconSentence, RowView
from picsight.window.parts.drops import dropped_files
from picsight.window.parts.focus import focus_next, tab_stops
from picsight.window.parts.labels import Label, LinkLabel, sized
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import WEB, isolated, linked, number
from picsight.window.tokens import HALF, PAD, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent

    from picsight.window.models.rows import ModelRow

WIDE, HIGH, LEAST_WIDE, LEAST_HIGH = 54, 36, 28, 20  # em
SIDE_BY_SIDE = 40  # em: the width of three models side by side


class ModelsDialog(QDialog):
    """Shows models and signals the requested actions."""

    action_requested = Signal(str, object)  # name of a model, ModelAction
    cancel_requested = Signal()
    file_requested = Signal()
    file_dropped = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Models"))
        self.setAcceptDrops(True)
        self.rows: dict[str, RowView] = {}
        self._install: Callable[[], None] = lambda: None
        self._pages, self._list = QStackedWidget(self), QWidget()
        self._cards, self._others = QBoxLayout(QBoxLayout.Direction.LeftToRight), QWidget(self._list)
        self._lines = QVBoxLayout(self._others)
        self._sentence = IconSentence(self)
        self.all = Button("", Emphasis.QUIET, self._list)
        self.details = Button(tr("Technical details"), Emphasis.QUIET, self)
        self.file = Button(tr("Install from a file…"), Emphasis.QUIET, self)
        self.done_button = Button(tr("Close"), Emphasis.PLAIN, self)
        self.licence = LicencePage()
        self._connect()
        self._pages.addWidget(self._list_page())
        self._pages.addWidget(self.licence)
        filled(QVBoxLayout(self), self, self._pages, around=(0, 0, 0, 0))
        self._size_first()

    def _connect(self) -> None:
        self.all.setCheckable(True)
        self.all.toggled.connect(self._show_others)
        self.details.setCheckable(True)
        self.details.toggled.connect(self._show_details)
        self.file.clicked.connect(self.file_requested)
        self.done_button.clicked.connect(self.reject)
        self.licence.accepted.connect(self._accept_licence)
        self.licence.declined.connect(self.show_list)

    def _list_page(self) -> QWidget:
        page = QWidget()
        title = sized(Label(tr("Models"), page), 1.15, semibold=True)
        intro = Label(
            tr(
                "A model is what understands your photos. Larger ones find more and take longer to read them."
            ),
            page,
            wraps=True,
        )
        around = (PAD, PAD, PAD, PAD)
        top = filled(QVBoxLayout(), self, title, intro, self._sentence, gap=SMALL, around=around)
        self._fill_list()
        below = self.details, self.file, 1, self.done_button
        foot = filled(QHBoxLayout(), self, *below, gap=HALF, around=(SMALL, PAD, PAD, PAD))
        middle = scrolled(self._list, tr("Models")), 1
        filled(QVBoxLayout(page), self, top, middle, foot, gap=0, around=(0, 0, 0, 0))
        return page

    def _fill_list(self) -> None:
        self._cards.setSpacing(px(self, HALF))
        filled(self._lines, self, gap=0, around=(0, 0, 0, 0))
        self._others.hide()
        more = filled(QHBoxLayout(), self, self.all, 1, around=(SMALL, 0, PAD, 0))
        cards = filled(QVBoxLayout(), self, self._cards, around=(PAD, PAD, PAD, 0))
        parts = cards, more, self._others, 1
        filled(QVBoxLayout(self._list), self, *parts, gap=PAD, around=(0, 0, 0, PAD))
        self._list.setBackgroundRole(QPalette.ColorRole.Base)
        self._list.setAutoFillBackground(True)

    def show_rows(self, rows: Sequence[ModelRow]) -> None:
        """Show these models in this order, those in front side by side; rows that stay keep focus and progress. The first
        call focuses the first action.
        """
        first_time, keyboard = not self.rows, self.focusWidget()
        for name in self.rows.keys() - {row.name for row in rows}:
            gone = self.rows.pop(name)
            gone.hide()
            gone.deleteLater()
        others = [row for row in rows if not row.in_front]
        for layout, shown in ((self._cards, [row for row in rows if row.in_front]), (self._lines, others)):
            for place, row in enumerate(shown):
                self._show_row(row, layout, place)
        self.all.setVisible(bool(others))
        self._show_others(self.all.isChecked())
        if any(row.state or row.fault for row in others):  # one of them is installed already
            self.all.setChecked(True)
        self._follow_focus(rows, keyboard, first_time=first_time)

    def _show_row(self, row: ModelRow, layout: QBoxLayout, place: int) -> None:
        line = self.rows.get(row.name)
        if line is None:
            line = self.rows[row.name] = RowView(self._list)
            line.action_requested.connect(partial(self.action_requested.emit, row.name))
            line.cancel_requested.connect(self.cancel_requested)
            line.show_details(shown=self.details.isChecked())
        line.show_as_card(card=row.in_front)
        line.show_row(row)
        if layout.indexOf(line) != place:
            layout.removeWidget(line)
            layout.insertWidget(place, line, 1 if row.in_front else 0)
            line.show()  # now, not with the layout: only visible widgets take the focus

    def _follow_focus(self, rows: Sequence[ModelRow], keyboard: QWidget | None, *, first_time: bool) -> None:
        """Let the focused model keep the focus."""
        if first_time:
            front = (stop for row in rows if row.in_front for stop in self.rows[row.name].stops())
            first = next((stop for stop in front if not stop.isHidden()), self.done_button)
            first.setFocus(Qt.FocusReason.OtherFocusReason)
        elif keyboard is not None and keyboard.isHidden():
            # The pressed button is gone. Qt would focus the next model, and a second press would install that one.
            pressed = keyboard.parentWidget()
            stops = pressed.stops() if isinstance(pressed, RowView) else []
            shown = [stop for stop in stops if not stop.isHidden()]
            (shown[-1] if shown else self.done_button).setFocus(Qt.FocusReason.OtherFocusReason)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Move the focus in reading order, wherever a model stands now."""
        return focus_next([*tab_stops(self._pages)], forward=forward)

    def _show_others(self, shown: bool) -> None:
        """Show or hide the models that most people do not need."""
        self._others.setVisible(shown)
        count = number(self._lines.count())
        self.all.setText(tr("Fewer models") if shown else tr("All models ({count} more)", count=count))
        self.all.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow dialog, stack the models."""
        super().resizeEvent(event)
        wide = self.width() >= px(self, SIDE_BY_SIDE)
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._cards.setDirection(across if wide else down)

    def let_install(self, *, may: bool) -> None:
        """Allow or forbid installing, since only one installation runs at a time."""
        self.file.setEnabled(may)
        for line in self.rows.values():
            line.let_install(may=may)

    def show_sentence(self, sentence: str) -> None:
        """Show a sentence that belongs to no row; empty for none."""
        self._sentence.say(sentence, "problems")

    def ask_for_licence(
        self, model: str, licence: str, url: str, text: str, install: Callable[[], None]
    ) -> None:
        """Show a licence, and call `install` once the user accepts it."""
        self.licence.say(model, licence, url, text)
        self._install = install
        self._pages.setCurrentWidget(self.licence)
        self.licence.text.setFocus()

    def show_list(self) -> None:
        """Show the list of models."""
        self._pages.setCurrentIndex(0)

    def _accept_licence(self) -> None:
        self.show_list()
        self._install()

    @property
    def asks_for_licence(self) -> bool:
        """Whether a licence is shown."""
        return self._pages.currentWidget() is self.licence

    def reject(self) -> None:
        """Go a step back with Escape: from the licence to the list, then close. An installation continues."""
        if self.asks_for_licence:
            self.licence.declined.emit()
        else:
            super().reject()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept any file or folder as a model."""
        if dropped_files(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Pass on the first one only: each has its own licence."""
        self.file_dropped.emit(dropped_files(event)[0])
        event.acceptProposedAction()

    def _show_details(self, shown: bool) -> None:
        for line in self.rows.values():
            line.show_details(shown=shown)

    def _size_first(self) -> None:
        room = self.screen().availableSize() * 0.9
        wanted = QSize(px(self, WIDE), px(self, HIGH))
        self.setMinimumSize(QSize(px(self, LEAST_WIDE), px(self, LEAST_HIGH)).boundedTo(room))
        self.resize(wanted.boundedTo(room))


class LicencePage(QWidget):
    """Shows a licence and its owner; signals whether the user accepts it."""

    accepted = Signal()
    declined = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.link = sized(Label(parent=self, wraps=True), 1.15, semibold=True), LinkLabel(self)
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        flatten(self.text)
        self.text.setAccessibleName(tr("Licence"))
        self.accept = Button(tr("Accept and install"), Emphasis.PRIMARY, self)
        self.decline = Button(tr("Back"), Emphasis.PLAIN, self)
        self.accept.clicked.connect(self.accepted)
        self.decline.clicked.connect(self.declined)
        self._lay_out()

    def _lay_out(self) -> None:
        self.text.document().setDocumentMargin(px(self, PAD))
        buttons = filled(QHBoxLayout(), self, 1, self.decline, self.accept, gap=HALF)
        parts = self.title, self.link, (self.text, 1), buttons
        filled(QVBoxLayout(self), self, *parts, gap=PAD, around=(PAD, PAD, PAD, PAD))

    def say(self, model: str, licence: str, url: str, text: str) -> None:
        """Show the licence of a model; without its text, show its address."""
        self.title.setText(tr("{model} has a licence", model=isolated(model)))
        page = f" · {linked(tr('Read the licence on the web'), url)}" if url.startswith(WEB) else ""
        self.link.setText(linked(licence, "") + page)
        self.text.setPlainText(text or tr("Its text is at {url}", url=url))

    def showEvent(self, event: QShowEvent) -> None:
        """Scroll to the first line."""
        super().showEvent(event)
        self.text.verticalScrollBar().setValue(0)

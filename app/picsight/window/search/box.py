"""The search box: a line for the words that describe a photo, with the search's filters as chips beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QStyle, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import IconButton
from picsight.window.controls.keys import Key, press
from picsight.window.grid.sections.view import is_typed
from picsight.window.parts.drops import picture_in
from picsight.window.parts.focus import MODIFIERS
from picsight.window.parts.icons import paint_icon
from picsight.window.parts.labels import paint_plate
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import plain
from picsight.window.search.box_text import BoxText, EntryHistory, extent, first_place
from picsight.window.search.chips import Chip, ChipBar
from picsight.window.search.line import SearchLine
from picsight.window.search.place import ready
from picsight.window.search.understood import Understood
from picsight.window.search.wording import describe
from picsight.window.tokens import HAIR, HALF, em, px, tones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QMouseEvent, QPaintEvent, QPixmap, QResizeEvent

    from picsight.window.search.box_text import Piece
    from picsight_engine.language.query import Aside, Query
    from picsight_engine.search.answer import Answer

LINE_LEAST = 9  # em: the least width of the line beside chips
_PASSING = (
    Qt.FocusReason.PopupFocusReason,
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.MenuBarFocusReason,
)


class SearchBox(QFrame):
    """A text line with a search icon, chips and a clear button."""

    KEYS = (
        Key("To the suggestions, else to the photos", {"Down": None}, lambda it, _: it.down_requested.emit()),
        Key("To the photos", {"Return": None}),
        Key("Close, empty, remove, then leave", {"Esc": None}, lambda it, _: it.shrink()),
        Key("Search by the copied picture", {"Ctrl+V": None}),
    )

    edited = Signal(str)  # every change by the user; the words of the line
    submitted = Signal()  # Enter
    left = Signal()  # the line lost the focus, and filters in it became chips
    down_requested = Signal()  # to the photos
    widened = Signal()  # the folder's chip was removed
    save_requested = Signal()
    picture_given = Signal(object)  # Path or QImage, pasted or dropped
    emptied = Signal()  # Escape in an empty box
    keys = Signal(object)  # QKeyEvent, before the line handles it; a receiver that accepts it stops that

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = SearchLine(self)
        self.bar = ChipBar(self)
        self.save_button = IconButton("saved", tr("Save this search (Ctrl+S)"), self)
        self.clear_button = IconButton("clear", tr("Clear"), self)
        self.picture_of: Callable[[str], tuple[str, QPixmap | None]] = lambda target: (target, None)
        self.is_album: Callable[[str], bool] = lambda _token: False
        self._entry = BoxText()
        self._history = EntryHistory(self._entry)
        self._is_all = False  # selected, words and chips
        self._scope = ""
        self._understood = Understood()
        self.line.installEventFilter(self)
        self.setAcceptDrops(True)
        self.setFocusProxy(self.line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        sign = 2.25 - HAIR  # em: the painted search icon
        parts = sign, (self.line, 1), self.bar, self.save_button, self.clear_button
        row = filled(QHBoxLayout(self), self, *parts, gap=HAIR)
        row.setContentsMargins(px(self, HAIR), 2, px(self, HAIR), 2)
        self.save_button.hide()
        self.clear_button.hide()
        self.line.textEdited.connect(self._take_edit)
        self.line.returnPressed.connect(self._submit)
        self.clear_button.clicked.connect(self._empty)
        self.save_button.clicked.connect(self.save_requested)
        self.bar.opened.connect(self._open)
        self.bar.removed.connect(self.remove)
        self.bar.left.connect(self.line.setFocus)
        self.bar.typed.connect(self._take_chip_key)

    # The query

    @property
    def query(self) -> Query:
        """The whole query."""
        return self._entry.query

    def text(self) -> str:
        """The whole query in the query language."""
        return self._entry.query.text

    def asked(self) -> tuple[str, int | None]:
        """The query to search for while the user types, without a line of too few letters, and the cursor if it is behind
        a possibly unfinished word.
        """
        line = self._entry.line
        if not ready(line):
            return " ".join(self._entry.tokens), None
        at_end = self.line.cursorPosition() == len(line) and not line[-1:].isspace()
        return self.text(), self.place() if at_end else None

    def place(self) -> int:
        """The cursor's position in the query."""
        return self._entry.place(self.line.cursorPosition())

    def set_text(self, text: str) -> None:
        """Show another query without a signal."""
        entry = BoxText.from_text(text)
        self._history = EntryHistory(entry)
        self._put(entry, len(entry.line))

    def put(self, text: str) -> None:
        """Replace the query as if it were typed, with the cursor behind its words."""
        self.line.setFocus()
        self._change(BoxText.from_text(text))

    def set_scope(self, name: str) -> None:
        """Show the name of the searched folder; "" for all photos."""
        if name != self._scope:  # called with each letter
            self._scope = name
            self.update_chips()

    def add(self, token: str) -> None:
        """Add a chip as if it were typed."""
        if token not in self._entry.tokens:
            self._change(self._entry.with_chip(token), self.line.cursorPosition())

    def show_answer(self, answer: Answer | None) -> None:
        """Show the recognised words and the faults of the query."""
        self._understood = Understood.of(answer)
        self.update_chips()

    # Edits: each makes a new entry

    def _take_edit(self, line: str) -> None:
        entry, cursor = self._entry.edited(line), self.line.cursorPosition()
        self._history.note(entry, cursor, typed=True)
        self._put(entry, cursor)
        self._fold(entry.finished(cursor))
        self.edited.emit(self.line.text())

    def _fold(self, pieces: Sequence[Piece]) -> None:
        """Turn parts of the line into chips; the cursor stays between the same words."""
        if pieces:
            entry, cursor = self._entry.folded(pieces, self.line.cursorPosition())
            self._history.note(entry, cursor, typed=False)
            self._put(entry, cursor)

    def _change(self, entry: BoxText, cursor: int | None = None) -> None:
        """Apply an edit that was not typed; without `cursor`, the cursor moves to the end."""
        at = len(entry.line) if cursor is None else cursor
        self._history.note(entry, at, typed=False)
        self._put(entry, at)
        self.edited.emit(entry.line)

    def _put(self, entry: BoxText, cursor: int) -> None:
        self._entry, self._is_all = entry, False
        if self.line.text() != entry.line:
            self.line.setText(entry.line)
            self.line.setCursorPosition(cursor)
        self.update_chips()

    def _step(self, by: int) -> None:
        """Undo, or redo."""
        if (step := self._history.step(by)) is not None:
            self._put(*step)
            self.edited.emit(self.line.text())

    def _submit(self) -> None:
        self._fold(self._entry.pieces())
        self.submitted.emit()

    # Chips

    def chips(self) -> list[Chip]:
        """The shown chips: the folder, the recognised words, the typed filters."""
        scope = [Chip("", tr("In {folder}", folder=self._scope))] if self._scope else []
        typed = (self._chip(*chip) for chip in self._entry.chips().items())
        return [*scope, *self._understood.chips(self._entry.line), *typed]

    def _chip(self, token: str, part: Aside | None) -> Chip:
        if part is None:
            return Chip(token, plain(token))
        words, target = describe(part, album=self.is_album(token))
        picture = None
        if target:
            name, picture = self.picture_of(target)
            words = words.format(name=name)
        return Chip(token, words, fault=self._understood.fault(token), picture=picture)

    def _open(self, chip: Chip) -> None:
        """Make a typed chip editable text, or a recognised one plain words."""
        place = first_place(chip.token, self._entry.line) if chip.recognised else None
        if place is not None:
            self._change(self._entry.as_words(*place), self.line.cursorPosition())
        elif chip.token and not chip.recognised:
            self.line.setFocus()
            self._change(self._entry.opened(chip.token))

    def remove(self, chip: Chip) -> None:
        """Search without it."""
        if not chip.token:
            self.widened.emit()
            return
        entry, place = self._entry, first_place(chip.token, self._entry.line) if chip.recognised else None
        if place is not None:
            start, end = extent(entry.line, *place)
            self._change(entry.edited((entry.line[:start] + entry.line[end:]).strip()))
        else:
            self._change(entry.without(chip.token), self.line.cursorPosition())
        if not self.bar.isVisible():
            self.line.setFocus()

    # Keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle the line's keys; the frame shows the line's focus, and leaving the line finishes typing."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
            is_left = isinstance(event, QFocusEvent) and event.lostFocus() and event.reason() not in _PASSING
            if is_left and (pieces := self._entry.pieces()):
                self._fold(pieces)
                self.left.emit()
        if event.type() in (QEvent.Type.FocusOut, QEvent.Type.MouseButtonPress):
            self._select_all(selected=False)
        composes = isinstance(event, QInputMethodEvent) and (event.preeditString() or event.commitString())
        if composes and self._is_all:
            self._put(BoxText(), 0)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            event.ignore()
            self.keys.emit(event)
            taken = event.isAccepted() or self._take_key_of_all(event) or self._take_key(event)
            event.accept()  # an ignored Tab would move the focus twice: from the line and from its parent
            return taken
        return super().eventFilter(watched, event)

    def _select_all(self, *, selected: bool) -> None:
        """Select words and chips; the next letter or Delete replaces them."""
        if selected:
            self.line.selectAll()
        if self._is_all != selected:
            self._is_all = selected
            self.update_chips()

    def _take_key_of_all(self, event: QKeyEvent) -> bool:
        """Handle a key while words and chips are selected."""
        copies, cuts = (event.matches(QKeySequence.StandardKey[name]) for name in ("Copy", "Cut"))
        if not self._is_all or event.key() in MODIFIERS:
            return False
        if copies or cuts:
            QGuiApplication.clipboard().setText(self.text())
        if cuts or event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self._change(BoxText())
            return True
        if is_typed(event) or event.matches(QKeySequence.StandardKey.Paste):
            self._put(BoxText(), 0)  # then the line inserts the letter
        elif not copies:
            self._select_all(selected=False)
        return copies

    def _take_chip_key(self, event: QKeyEvent) -> None:
        """Insert a letter that is typed while a chip has the focus into the words."""
        edits = (QKeySequence.StandardKey[name] for name in ("SelectAll", "Undo", "Redo", "Paste"))
        if is_typed(event) or any(map(event.matches, edits)):
            self.line.setFocus()
            QGuiApplication.sendEvent(self.line, event)

    def _take_key(self, event: QKeyEvent) -> bool:
        key, at = event.key(), self.line.cursorPosition()
        modified = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        alone = not self.line.hasSelectedText() and not modified
        forward = Qt.Key.Key_Left if self.isRightToLeft() else Qt.Key.Key_Right
        if press(self, self.KEYS, event):
            return True
        if key == Qt.Key.Key_Backspace and alone and at == 0 and self.bar.isVisible():
            self.bar.focus_last()
        elif key == forward and alone and at == len(self.line.text()) and self.bar.isVisible():
            self.bar.focus(0)
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self._select_all(selected=True)
        elif (
            event.matches(QKeySequence.StandardKey.Copy)
            and self.line.text()
            and self.line.selectedText() == self.line.text()
        ):
            QGuiApplication.clipboard().setText(self.text())
        elif event.matches(QKeySequence.StandardKey.Undo):
            self._step(-1)
        elif event.matches(QKeySequence.StandardKey.Redo):
            self._step(1)
        elif event.matches(QKeySequence.StandardKey.Paste):
            return self.paste_picture()
        else:
            return False
        return True

    def paste_picture(self) -> bool:
        """Search by the copied picture; False if there is none."""
        if (picture := picture_in(QGuiApplication.clipboard().mimeData())) is not None:
            self.picture_given.emit(picture)
        return picture is not None

    def shrink(self) -> None:
        """Remove the words first, then one chip after the other; in an empty box, leave it."""
        typed = [chip for chip in self.chips() if not chip.recognised]
        if self._entry.line:
            self._change(self._entry.edited(""))
        elif typed:
            self.remove(typed[-1])
        else:
            self.emptied.emit()

    def _empty(self) -> None:
        """Remove words and chips; keep the folder."""
        self._change(BoxText())
        self.line.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept pictures, photos of the wall, and words, but not URLs: the window handles folders and models."""
        mime = event.mimeData()
        if picture_in(mime) is not None or (mime.hasText() and not mime.hasUrls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Search by the picture, or for the words."""
        if (picture := picture_in(event.mimeData())) is not None:
            self.picture_given.emit(picture)
        else:
            self.line.insert(event.mimeData().text())
        event.acceptProposedAction()

    # Appearance

    def sizeHint(self) -> QSize:
        """2.75 em high."""
        return QSize(px(self, 30), px(self, 2.75))

    def minimumSizeHint(self) -> QSize:
        """May become narrow."""
        return QSize(px(self, 12), px(self, 2.75))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Collapse the chips that do not fit into a number."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.bar.fit(self.width() - px(self, 3 * 2.25 + LINE_LEAST))

    def update_chips(self) -> None:
        """Show the entry, its chips with the pictures and albums that are known now."""
        self.bar.show_chips(self.chips(), selected=self._is_all)
        self._fit()
        for button in (self.save_button, self.clear_button):
            button.setVisible(bool(self._entry.line or self._entry.tokens))
        self.line.offer_examples(offered=not self._entry.tokens)
        self.line.show_marks(self._understood.marks(self._entry.line))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pass a click on the frame to the line."""
        self.line.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the background, the outline or focus ring, and the search icon."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused, radius = self.line.hasFocus(), HALF * em(self)
        edge = QPen(colours.accent if focused else colours.outline, 2.0 if focused else 1.0)
        paint_plate(painter, self.rect(), radius, colours.base, edge, inset=edge.widthF() / 2)
        place = self.rect()
        place.setWidth(px(self, 2.5))
        place = QStyle.visualRect(self.layoutDirection(), self.rect(), place)
        paint_icon(painter, place, "search", colours.dim, px(self, 1.25))
        painter.end()

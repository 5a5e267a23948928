"""The box: words that describe a photo in a line, and what narrows the search as chips beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QSizePolicy, QStyle, QWidget

from picsight.window.actions.keys import Key
from picsight.window.parts.controls import IconButton
from picsight.window.parts.drops import picture_in
from picsight.window.parts.icons import paint_icon
from picsight.window.search.chips import Chip, ChipBar
from picsight.window.search.marks import Mark, show_marks
from picsight.window.search.pieces import Pieces, extent, finished, first_place, pieces_of, separated
from picsight.window.search.place import ready
from picsight.window.search.wording import describe
from picsight.window.tokens import HAIR, HALF, em, px, tones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import (
        QDragEnterEvent,
        QDropEvent,
        QMouseEvent,
        QPaintEvent,
        QPixmap,
        QResizeEvent,
    )

    from picsight.window.search.pieces import Piece
    from picsight_engine.search.answer import Answer, Filter, QueryFault

EXAMPLES = (
    "red bicycle near the sea",
    "dog on the beach",
    "castle by the water",
    "birthday cake with candles",
)
ROTATE_MS = 8000
LINE_LEAST = 9  # em that the words keep beside chips
_PASSING = (
    Qt.FocusReason.PopupFocusReason,
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.MenuBarFocusReason,
)


class SearchBox(QFrame):
    """A line to type in, with a sign in front, chips behind it, and a way to empty it."""

    KEYS = (
        Key("To the suggestions, else to the photos", ("Down",)),
        Key("To the photos", ("Return",)),
        Key("Close, empty, remove, then leave", ("Esc",)),
        Key("Search by the copied picture", ("Ctrl+V",)),
    )

    edited = Signal(str)  # every change that a person makes; the words of the line
    submitted = Signal()  # Enter
    down_requested = Signal()  # to the photos
    widened = Signal()  # the folder's chip was removed
    keep_requested = Signal()
    picture_given = Signal(object)  # Path or QImage, pasted or dropped
    emptied = Signal()  # Escape in an empty box
    keys = Signal(object)  # QKeyEvent, before the line takes it; who accepts it keeps it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = QLineEdit(self)
        self.bar = ChipBar(self)
        self.keep_button = IconButton("saved", self.tr("Keep this search (Ctrl+S)"), self)
        self.clear_button = IconButton("clear", self.tr("Clear"), self)
        self.picture_of: Callable[[str], tuple[str, QPixmap | None]] = lambda target: (target, None)
        self.is_album: Callable[[str], bool] = lambda _token: False
        self._tokens: list[str] = []
        self._plain: set[str] = set()
        self._put_back: set[str] = set()  # chips that Undo made text again; Redo makes chips of them
        self._scope = ""
        self._filters: tuple[Filter, ...] = ()
        self._faults: tuple[QueryFault, ...] = ()
        self._answered, self._composing = "", False
        self._example = 0
        self._rotation = QTimer(self, interval=ROTATE_MS)
        self._build()
        self._join()

    def _build(self) -> None:
        self.line.setFrame(False)
        self.line.setAccessibleName(self.tr("Search photos"))
        self.line.setAttribute(Qt.WidgetAttribute.WA_MacShowFocusRect, False)
        self.line.installEventFilter(self)
        self.line.setAcceptDrops(False)  # the whole box takes pictures
        self.setAcceptDrops(True)
        self.line.setMinimumWidth(px(self, 4))
        self.setFocusProxy(self.line)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.line.setPlaceholderText(self._placeholder())
        row = QHBoxLayout(self)
        row.setContentsMargins(px(self, HAIR), 2, px(self, HAIR), 2)
        row.setSpacing(px(self, HAIR))
        row.addSpacing(px(self, 2.25 - HAIR))  # the sign is painted there
        row.addWidget(self.line, 1)
        row.addWidget(self.bar)
        row.addWidget(self.keep_button)
        row.addWidget(self.clear_button)
        self.keep_button.hide()
        self.clear_button.hide()
        clear_ground = QPalette()
        clear_ground.setColor(QPalette.ColorRole.Base, Qt.GlobalColor.transparent)
        self.line.setPalette(clear_ground)

    def _join(self) -> None:
        self.line.textEdited.connect(self._take_edit)
        self.line.textChanged.connect(lambda _text: self._show())
        self.line.returnPressed.connect(self._submit)
        self.clear_button.clicked.connect(self._empty)
        self.keep_button.clicked.connect(self.keep_requested)
        self.bar.opened.connect(self._open)
        self.bar.removed.connect(self.remove)
        self.bar.left.connect(self.line.setFocus)
        self.bar.copied.connect(lambda chip: QGuiApplication.clipboard().setText(chip.token))
        self._rotation.timeout.connect(self._rotate)
        self._rotation.start()

    # What is asked

    def text(self) -> str:
        """The whole query as the language spells it."""
        return self._joined(self.line.text())

    def asked(self) -> tuple[str, int | None]:
        """What to search for while it is typed, and the cursor where it stands behind what may be half a word.

        Too few letters in the line say nothing yet.
        """
        line = ready(self.line.text())
        if not line:
            return self._joined(""), None
        at_end = self.line.cursorPosition() == len(self.line.text()) and not self.line.text()[-1:].isspace()
        return self._joined(line), self.typed()[1] if at_end else None

    def typed(self) -> tuple[str, int]:
        """The whole query, and where the cursor stands in it."""
        line = self.line.text()
        query = self._joined(line)
        before = str(Pieces(line[: self.line.cursorPosition()], (), frozenset(self._plain)))
        start = query.find(str(Pieces(line, (), frozenset(self._plain))))
        behind_blank = bool(before) and line[self.line.cursorPosition() - 1].isspace()
        return query, max(start, 0) + len(before) + behind_blank

    def _joined(self, line: str) -> str:
        return str(Pieces(line, tuple(self._tokens), frozenset(self._plain)))

    def set_text(self, text: str) -> None:
        """Show another query, without telling anyone."""
        parts = separated(text)
        self._tokens, self._plain = list(parts.tokens), set(parts.plain)
        self.line.setText(parts.line)
        self._show()

    def put(self, text: str) -> None:
        """Another query as if it was typed, the cursor behind its words."""
        self.set_text(text)
        self.line.setFocus()
        self.line.setCursorPosition(len(self.line.text()))
        self.edited.emit(self.line.text())

    def set_scope(self, name: str) -> None:
        """Name the folder that is searched; "" for all photos."""
        if name != self._scope:  # asked with each letter
            self._scope = name
            self._show()

    def add(self, token: str) -> None:
        """One more chip, as if it was typed."""
        if token not in self._tokens:
            self._tokens.append(token)
            self._show()
            self.edited.emit(self.line.text())

    def show_answer(self, answer: Answer | None) -> None:
        """Show what was recognised of the words, and what was wrong with them."""
        self._answered = answer.query if answer else ""
        self._filters, self._faults = (answer.filters, answer.faults) if answer else ((), ())
        self._show()

    # Typing

    def _take_edit(self, line: str) -> None:
        self._plain = {phrase for phrase in self._plain if first_place(phrase, line)}
        self._put_back.clear()
        self._take_out(finished(line, self.line.cursorPosition(), self._plain))
        self.edited.emit(self.line.text())

    def _take_out(self, pieces: Sequence[Piece]) -> None:
        """Turn parts of the line into chips; the cursor stays between the same words, and undo brings them back."""
        cursor = self.line.cursorPosition()
        blocked = self.line.blockSignals(True)
        for piece in sorted(pieces, key=lambda piece: piece.start, reverse=True):
            start, end = extent(self.line.text(), piece)
            self.line.setSelection(start, end - start)
            self.line.del_()
            cursor -= max(0, min(end, cursor) - start)
        if pieces:
            self.line.setCursorPosition(cursor)
        self.line.blockSignals(blocked)
        self._tokens += [piece.token for piece in pieces if piece.token not in self._tokens]
        self._show()

    def _turn(self, *, again: bool) -> None:
        """Undo in the line, or redo: a chip that stands in it again is text, until that is done again or one types on."""
        line, blocked = self.line.text(), self.line.blockSignals(True)
        self.line.redo() if again else self.line.undo()
        self.line.deselect()  # else what came back would go with the next letter
        self.line.blockSignals(blocked)
        if self.line.text() == line:
            return
        before, now = (
            [piece.token for piece in pieces_of(text, self._plain)] for text in (line, self.line.text())
        )
        self._put_back.update(token for token in self._tokens if token in now)
        gone = [token for token in before if again and token in self._put_back]
        self._tokens = [token for token in dict.fromkeys((*self._tokens, *gone)) if token not in now]
        self._show()
        self.edited.emit(self.line.text())

    def _settle(self) -> None:
        """Every filter in the line becomes a chip: it was left."""
        self._take_out(pieces_of(self.line.text(), self._plain))

    def _submit(self) -> None:
        self._settle()
        self.submitted.emit()

    # Chips

    def chips(self) -> list[Chip]:
        """The chips that are shown: the folder, what was recognised in the words, what was typed."""
        scope = [Chip("", self.tr("In {folder}").format(folder=self._scope))] if self._scope else []
        line = self.line.text()
        recognised = [
            Chip(self._answered[found.start : found.end], found.words, recognised=True)
            for found in self._filters
            if found.recognised and first_place(self._answered[found.start : found.end], line)
        ]
        return [*scope, *recognised, *map(self._chip, self._tokens)]

    def _chip(self, token: str) -> Chip:
        words, target = describe(token, self._known_words(token), album=self.is_album(token))
        picture = None
        if target:
            name, picture = self.picture_of(target)
            words = words.format(name=name)
        return Chip(token, words, fault=self._fault(token), picture=picture)

    def _known_words(self, token: str) -> str:
        """What the answer calls a fact, "" where it says nothing of it."""
        return next(
            (found.words for found in self._filters if self._answered[found.start : found.end] == token), ""
        )

    def _fault(self, token: str) -> str:
        return next(
            (fault.message for fault in self._faults if self._answered[fault.start : fault.end] == token), ""
        )

    def _open(self, chip: Chip) -> None:
        """Typed ones can be edited again, recognised ones are words from now on."""
        if chip.recognised:
            self._plain.add(chip.token)
        elif chip.token:
            self._tokens.remove(chip.token)
            line = f"{self.line.text().rstrip()} ".lstrip() + chip.token
            self.line.setText(line)
            self.line.setFocus()
            self.line.setCursorPosition(len(line))
        else:
            return
        self._show()
        self.edited.emit(self.line.text())

    def remove(self, chip: Chip) -> None:
        """Search without it."""
        if chip.recognised:
            place = first_place(chip.token, self.line.text())
            if place is not None:
                line = self.line.text()
                self.line.setText(" ".join(f"{line[: place[0]]} {line[place[1] :]}".split()))
        elif chip.token:
            self._tokens.remove(chip.token)
        else:
            self.widened.emit()
            return
        if not self.bar.isVisible():
            self.line.setFocus()
        self._show()
        self.edited.emit(self.line.text())

    # Keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The keys of the line; the frame shows the line's focus, and leaving it finishes what was typed."""
        if watched is not self.line:
            return super().eventFilter(watched, event)
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
            if isinstance(event, QFocusEvent) and event.lostFocus() and event.reason() not in _PASSING:
                self._settle()
        if isinstance(event, QInputMethodEvent):
            self._composing = bool(event.preeditString())
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            event.ignore()
            self.keys.emit(event)
            return event.isAccepted() or self._take_key(event)
        return super().eventFilter(watched, event)

    def _take_key(self, event: QKeyEvent) -> bool:
        key, at = event.key(), self.line.cursorPosition()
        alone = (
            not self.line.hasSelectedText() and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        )
        forward = Qt.Key.Key_Left if self.isRightToLeft() else Qt.Key.Key_Right
        if key == Qt.Key.Key_Down:
            self.down_requested.emit()
        elif key == Qt.Key.Key_Escape:
            self._escape()
        elif key == Qt.Key.Key_Backspace and alone and at == 0 and self.bar.isVisible():
            self.bar.focus_last()
        elif key == forward and alone and at == len(self.line.text()) and self.bar.isVisible():
            self.bar.focus(0)
        elif event.matches(QKeySequence.StandardKey.Copy) and self._all_is_selected():
            QGuiApplication.clipboard().setText(self.text())
        elif event.matches(QKeySequence.StandardKey.Undo):
            self._turn(again=False)
        elif event.matches(QKeySequence.StandardKey.Redo):
            self._turn(again=True)
        elif event.matches(QKeySequence.StandardKey.Paste):
            return self.paste_picture()
        else:
            return False
        return True

    def paste_picture(self) -> bool:
        """Search by the picture that was copied; False if none was."""
        picture = picture_in(QGuiApplication.clipboard().mimeData())
        if picture is not None:
            self.picture_given.emit(picture)
        return picture is not None

    def _all_is_selected(self) -> bool:
        return bool(self.line.text()) and self.line.selectedText() == self.line.text()

    def _escape(self) -> None:
        """First the words go, then what narrows, one after the other; then the box is left."""
        typed = [chip for chip in self.chips() if not chip.recognised]
        if self.line.text():
            self._clear_line()
        elif typed:
            self.remove(typed[-1])
        else:
            self.emptied.emit()

    def _clear_line(self) -> None:
        """Empty the line so that undo brings the words back."""
        self.line.selectAll()
        self.line.del_()

    def _empty(self) -> None:
        """Words and chips go; the folder stays."""
        self._tokens.clear()
        if self.line.text():
            self._clear_line()
        else:
            self._show()
            self.edited.emit("")
        self.line.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A picture may be dropped here, also a photo of the wall, and words.

        Addresses are text, too, but those of folders and models are for the window around.
        """
        mime = event.mimeData()
        if picture_in(mime) is not None or (mime.hasText() and not mime.hasUrls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Search by the picture, or for the words."""
        picture = picture_in(event.mimeData())
        if picture is not None:
            self.picture_given.emit(picture)
        else:
            self.line.insert(event.mimeData().text())
        event.acceptProposedAction()

    # Looks

    def sizeHint(self) -> QSize:
        """2.75 em high."""
        return QSize(px(self, 30), px(self, 2.75))

    def minimumSizeHint(self) -> QSize:
        """May become narrow."""
        return QSize(px(self, 12), px(self, 2.75))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Chips that have no room stand behind a number."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.bar.fit(self.width() - px(self, 3 * 2.25 + LINE_LEAST))

    def _show(self) -> None:
        self.bar.show_chips(self.chips())
        self._fit()
        for button in (self.keep_button, self.clear_button):
            button.setVisible(bool(self.line.text() or self._tokens))
        self.line.setPlaceholderText("" if self._tokens else self._placeholder())
        if not self._composing:
            show_marks(self.line, self._marks())

    def update_chips(self) -> None:
        """Show them with what is known now of their pictures and albums."""
        self._show()

    def _marks(self) -> list[Mark]:
        """What of the line is wrong, and what of it was recognised."""
        line, marks = self.line.text(), []
        for fault in self._faults:
            place = line.find(self._answered[fault.start : fault.end])
            if fault.end > fault.start and place >= 0:
                marks.append(Mark(place, fault.end - fault.start, is_fault=True))
        for found in self._filters:
            at = first_place(self._answered[found.start : found.end], line) if found.recognised else None
            if at is not None:
                marks.append(Mark(at[0], at[1] - at[0]))
        return marks

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click on the frame is meant for the line."""
        self.line.setFocus(Qt.FocusReason.MouseFocusReason)
        super().mousePressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Ground, outline or focus ring, the sign of searching."""
        colours, painter = tones(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focused, radius = self.line.hasFocus(), HALF * em(self)
        width = 2.0 if focused else 1.0
        painter.setPen(QPen(colours.accent if focused else colours.outline, width))
        painter.setBrush(colours.base)
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius)
        place = self.rect()
        place.setWidth(px(self, 2.5))
        place = QStyle.visualRect(self.layoutDirection(), self.rect(), place)
        middle = place.center()
        place.setSize(QSize(px(self, 1.25), px(self, 1.25)))
        place.moveCenter(middle)
        paint_icon(painter, place, "search", colours.dim)
        painter.end()

    def _placeholder(self) -> str:
        return self.tr("Describe a photo, for example: {words}").format(words=EXAMPLES[self._example])

    def _rotate(self) -> None:
        """Another example, while nobody types."""
        if self.line.hasFocus() or self._tokens:
            return
        self._example = (self._example + 1) % len(EXAMPLES)
        self.line.setPlaceholderText(self._placeholder())

"""Connects the box to the library's suggestions and records the search history."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QListView, QStyle, QStyleOptionViewItem, QWidget

from picsight.texts import marked, tr, worded
from picsight.window.controls.rows import (
    VALUE,
    PopupRows,
    Row,
    RowDelegate,
    Spacing,
    popup_ground,
    raise_frame,
)
from picsight.window.parts.words import counted, number, plain
from picsight.window.search.contents import finds_more
from picsight.window.search.query_pictures import PASTED
from picsight.window.search.wording import readable
from picsight.window.tokens import HALF, ONE, px
from picsight_engine.language.lexicon import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QKeyEvent

    from picsight.jobs import Jobs
    from picsight.window.controls.rows import Index
    from picsight.window.grid.page import WallPage
    from picsight.window.parts.labels import ElidedLabel
    from picsight.window.search.box import SearchBox
    from picsight.window.search.contents import PlaceContents
    from picsight.window.search.controller import SearchController
    from picsight.window.search.place import Place
    from picsight_engine.language.query import Query
    from picsight_engine.library import Library
    from picsight_engine.suggesting.suggestions import Suggestion, SuggestionKind, Suggestions

LANE, LANE_OFFER = "suggestions", "offer"
LEAST_LETTERS = 2
HISTORY_MS = 3000  # a search that is looked at for so long is recorded
PAUSE_MS = 500  # without a key until the completion of an unfinished word is offered


class SearchSuggestions(QObject):
    """Offers suggestions while the user types; a search that is looked at for a while, or entered, becomes history."""

    correction_changed = Signal(object)  # Query with its spelling corrected, None for none
    language_wanted = Signal(str)  # for this and later searches

    def __init__(
        self, box: SearchBox, jobs: Jobs, beside: ElidedLabel, parent: QObject | None = None
    ) -> None:
        """The list appears behind the words of `beside`, a line between the box and the photos."""
        super().__init__(parent)
        self._box, self.jobs, self._beside = box, jobs, beside
        self.library: Library | None = None  # set when it is opened
        self.list = SuggestionList(beside.window())
        self._found: Suggestions | None = None
        self._has_answers = True  # whether the typed query has photos
        self._history_due = QTimer(self, singleShot=True, interval=HISTORY_MS)
        self._paused = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._completed: Query | None = None
        self._query, self._is_open = "", False
        self._history_due.timeout.connect(self._remember)
        self._paused.timeout.connect(lambda: self.correction_changed.emit(self._completed))
        box.edited.connect(lambda _line: self._ask())
        box.keys.connect(self._take_key)
        box.submitted.connect(self._submitted)
        box.line.installEventFilter(self)
        beside.installEventFilter(self)
        self.list.taken.connect(self._put)

    def show_query(self, query: str, *, has_answers: bool = True) -> None:
        """Note the shown query and whether it has photos; a complete word with photos needs no suggestions."""
        self._query, self._has_answers = query, has_answers
        self._history_due.start() if query else self._history_due.stop()
        if self.list.chosen is None:  # a chosen row stays until the next letter
            self._show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hide the list when the box loses the focus, and keep it behind the words of the line."""
        if watched is self._box.line and event.type() == QEvent.Type.FocusOut:
            self.close()
        elif watched is self._beside and event.type() == QEvent.Type.Resize:
            self._show()
        return super().eventFilter(watched, event)

    def close(self) -> None:
        """Stop offering."""
        self._is_open, self._found = False, None
        self.list.hide()

    def _ask(self) -> None:
        library = self.library
        self._paused.stop()
        self.list.setCurrentIndex(QModelIndex())
        if library is None or len(self._box.line.text().strip()) < LEAST_LETTERS:
            self.jobs.forget(LANE)
            self.close()
            self.correction_changed.emit(None)
            return
        self._is_open, self._has_answers = True, True
        query, cursor = self._box.query, self._box.place()
        self.jobs.read(lambda: library.suggestions(query, cursor), self._take, self._fail, replaces=LANE)

    def _take(self, found: Suggestions) -> None:
        self.correction_changed.emit(found.meant)
        if found.meant is None and found.completed != self._box.query and self._box.asked()[1] is not None:
            self._completed = found.completed
            self._paused.start()
        if self.list.chosen is None:
            self._found = found
            self._show()

    def _show(self) -> None:
        found, beside = self._found, self._beside
        if found is None or not (self._is_open and self._box.line.hasFocus()):
            return
        needed = not (found.is_whole and self._has_answers)
        items = [item for item in found.items if needed and item.kind != "spelling"]
        words = min(
            beside.fontMetrics().horizontalAdvance(beside.text()) + px(beside, ONE), beside.width() // 2
        )
        behind = beside.rect().adjusted(words, 0, 0, 0)
        place = QStyle.visualRect(beside.layoutDirection(), beside.rect(), behind)
        place.moveTopLeft(beside.mapTo(beside.window(), place.topLeft()))
        self.list.offer(items, place)

    def _fail(self, _sentence: str) -> None:
        """Ignore the error; the search reports it."""
        self.close()

    def _take_key(self, event: QKeyEvent) -> None:
        if not self.list.isVisible():
            return
        key, chosen = event.key(), self.list.chosen
        ahead = Qt.Key.Key_Left if self.list.isRightToLeft() else Qt.Key.Key_Right
        if key == Qt.Key.Key_Down or (key == ahead and chosen is not None):
            self.list.step(1)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Left, Qt.Key.Key_Right) and chosen is not None:
            self.list.step(-1)
        elif key == Qt.Key.Key_Escape:
            self.close()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab) and chosen is not None:
            self._put(chosen)
        else:
            return
        event.accept()

    def _put(self, chosen: Suggestion) -> None:
        self._box.put(chosen.query)
        self.close()

    def _submitted(self) -> None:
        self.close()
        self._query = self._box.text()
        self._remember()

    def _remember(self) -> None:
        library, query = self.library, self._query
        self._history_due.stop()
        if library is not None and query and PASTED not in query:
            self.jobs.read(lambda: library.searches.remember(query), lambda _done: None)


def connect_suggestions(
    suggestions: SearchSuggestions, box: SearchBox, page: WallPage, search: SearchController
) -> None:
    """Update the suggestions with the shown search, and let the header offer the language of its words, or a correction that
    finds more.
    """
    header = page.header
    corrections: dict[str, Query | None] = {}  # by the typed query
    offered: dict[str, str | Query] = {}  # by the typed query

    def take_correction(query: Query | None) -> None:
        corrections.clear()
        corrections[box.text()] = query
        look()

    def look() -> None:
        header.offer("")
        library, shown, place, text = suggestions.library, search.shown, search.place, box.text()
        if library is None or shown is None or not place.is_search or place.words != text:
            suggestions.jobs.forget(LANE_OFFER)
            return
        work = partial(better_search, library, place, shown, corrections.get(text))
        suggestions.jobs.read(work, partial(offer, text), lambda _sentence: None, replaces=LANE_OFFER)

    def offer(text: str, found: str | Query | None) -> None:
        offered.clear()
        if found is not None:
            offered[text] = found
            header.offer(_question(found, lambda query: readable(query, search.pictures.name, box.is_album)))

    def take() -> None:
        found = offered.get(box.text())
        if isinstance(found, str):
            suggestions.language_wanted.emit(found)
        elif found is not None:
            box.put(found.text)

    def follow() -> None:
        shown = search.shown
        suggestions.show_query(search.query, has_answers=shown is None or not shown.finds_nothing)
        look()

    suggestions.correction_changed.connect(take_correction)
    header.offered.clicked.connect(take)
    search.place_changed.connect(lambda _place: follow())


def better_search(
    library: Library, place: Place, shown: PlaceContents, correction: Query | None
) -> str | Query | None:
    """The language of the typed words, else a correction that finds more, else None; runs in a thread."""
    language = None if shown.answer.translation else library.other_language(place.scoped)
    return language or (correction if correction and finds_more(library, place, correction) else None)


def _question(found: str | Query, words_of: Callable[[Query], str]) -> str:
    if isinstance(found, str):
        return tr("Search in {language}", language=worded(LANGUAGES[found]))
    return tr("Did you mean {words}?", words=words_of(found))


SPACING = Spacing(high=1.75, icon=1.125, before=HALF, after=HALF, between=HALF)  # em
WIDEST = 16  # em: longer words are cut
_LOOKS: dict[SuggestionKind, tuple[str, str]] = {
    "spelling": ("search", marked("Did you mean")),
    "word": ("search", ""),
    "saved": ("saved", marked("Saved search")),
    "year": ("date", marked("Year")),
    "season": ("date", marked("Season")),
    "month": ("date", marked("Month")),
    "folder": ("folder", marked("Folder")),
    "tag": ("tag", marked("Tag")),
    "person": ("tag", marked("Person")),
    "keyword": ("tag", marked("Keyword")),
    "place": ("place", marked("Place")),
    "camera": ("camera", marked("Camera")),
    "lens": ("camera", marked("Lens")),
    "format": ("photos", marked("Format")),
    "colour": ("photos", marked("Colour")),
    "history": ("history", marked("Searched before")),
}


class SuggestionList(PopupRows):
    """As many suggestions as fit in one line, so that no photo is covered; none is chosen at first."""

    taken = Signal(object)  # Suggestion

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Suggestions"), row_of, SPACING, parent)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setItemDelegate(_Delegate(self, SPACING, popup_ground))
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setForegroundRole(QPalette.ColorRole.WindowText)
        raise_frame(self)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda index: self.taken.emit(index.data(VALUE)))
        self.hide()

    def items(self) -> list[Suggestion]:
        """The offered suggestions."""
        return list(self._rows.values)

    def offer(self, items: Sequence[Suggestion], place: QRect) -> None:
        """Show the first of these at the leading edge of a place; hide the list if there are none."""
        frame, widths = 2 * self.frameWidth(), [width_of(item, self) for item in items]
        fitting = [end for end in range(len(items) + 1) if sum(widths[:end]) + frame <= place.width()]
        items, widths = items[: fitting[-1]], widths[: fitting[-1]]
        self._rows.put(items)
        raise_frame(self)
        self.setCurrentIndex(QModelIndex())
        shown = QRect(place.topLeft(), QSize(sum(widths) + frame, px(self, SPACING.high) + frame))
        shown.moveTop(place.center().y() - shown.height() // 2)
        self.setGeometry(QStyle.visualRect(self.layoutDirection(), place, shown))
        self.setVisible(bool(items))
        self.raise_()

    @property
    def chosen(self) -> Suggestion | None:
        """The chosen row."""
        return self.value() if self.isVisible() else None

    def step(self, by: int) -> None:
        """Choose another row; before the first one, none."""
        row = self.currentIndex().row() + by
        if row < self._rows.rowCount():
            self.go(max(row, -1))


class _Delegate(RowDelegate):
    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """As wide as its words."""
        return QSize(width_of(index.data(VALUE), self._view), px(self._view, SPACING.high))


def width_of(item: Suggestion, view: QWidget) -> int:
    """The width of an item in pixels."""
    row, metrics = row_of(item), view.fontMetrics()
    words = min(metrics.horizontalAdvance(row.words), px(view, WIDEST)) + metrics.horizontalAdvance(row.note)
    around = (SPACING.before, SPACING.icon, HALF, SPACING.between, SPACING.after)
    return words + 2 + sum(px(view, distance) for distance in around)


def row_of(item: Suggestion) -> Row:
    """The row of a suggestion; one from the library has its kind and its number of photos."""
    icon, kind = _LOOKS[item.kind]
    count = "" if item.photos is None else counted(item.photos, "%n photo", "%n photos")
    spoken = (plain(item.words), tr(kind) if kind else "", count)
    note = "" if item.photos is None else f"{tr(kind)} {number(item.photos)}"
    return Row(icon, plain(item.words), note, ", ".join(filter(None, spoken)))

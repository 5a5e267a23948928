"""The panel of facts about the chosen photos, from top to bottom, as links to similar ones; unknown facts take no room."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QStyle, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, IconButton, flatten
from picsight.window.controls.pills import Pills
from picsight.window.details.marks_view import MarksView
from picsight.window.details.photo_facts import Detail
from picsight.window.parts.labels import CENTRE, LEADING, Drawn, ElidedLabel, Label, paint_words, sized
from picsight.window.parts.layouts import filled
from picsight.window.parts.map import PlacesMap
from picsight.window.parts.words import breakable, plain, tooltip
from picsight.window.tokens import HALF, PAD, high_contrast, px

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent, QPainter, QShowEvent

    from picsight.window.details.photo_facts import Details
    from picsight.window.parts.map import Land
    from picsight.window.tokens import Tones

MOST = 50  # links of one kind
HEIGHT = 2.0  # em of one line of a link
_WRAP = Qt.TextFlag.TextWordWrap
TEXTS = ("title", "description", "source", "exposure", "size", "beside", "also", "written")
DIM = ("source", "size", "beside", "also")
LINKS = ("taken", "place", "gear", "folder", "copies", "keywords")


class DetailsPanel(QScrollArea):
    """Shows facts, and signals a request for photos that share one."""

    query_requested = Signal(str)  # a query
    copy_requested = Signal()
    reveal_requested = Signal()
    opened = Signal()
    left = Signal()  # Escape

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Details"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        flatten(self)
        self.setWidgetResizable(True)
        content = QWidget()
        self.nothing = _text(Label(parent=content, dim=True))
        self.facts = QWidget(content)
        self.name = sized(ElidedLabel(self.facts, dim=False), 1.15, semibold=True)
        self.name.setContentsMargins(px(self, HALF), 0, px(self, HALF), 0)
        self._keywords, self._words = self._heading(tr("Keywords")), self._heading(tr("Words"))
        self.texts = {name: _text(Label(parent=self.facts, dim=name in DIM)) for name in TEXTS}
        self.texts["written"].setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.forget = Button(tr("Forget what was read…"), Emphasis.QUIET, self.facts)
        self._groups: list[tuple[QWidget, tuple[QWidget, ...]]] = []
        self.links = {name: FactLinks(self.facts) for name in LINKS}
        self.copy = IconButton("copy-path", tr("Copy path"), self.facts)
        self.reveal = IconButton("reveal", tr("Show in folder (Ctrl+R)"), self.facts)
        self.map = PlacesMap(self.facts)
        self.marks = MarksView(self.facts)
        self._why, self.why = self._heading(tr("Why it matched")), FactLinks(self.facts)
        self.say_why(())
        self.copy.clicked.connect(self.copy_requested)
        self.reveal.clicked.connect(self.reveal_requested)
        for links in self.links.values():
            links.chosen.connect(self.query_requested)
        self._lay_out(content)
        self.setWidget(content)
        self.show_details(None)

    def show_details(self, details: Details | None, land: Land = (), *, chosen: bool = False) -> None:
        """Show these facts; without any, that no photo is chosen, or that the `chosen` one is gone."""
        self.facts.setVisible(details is not None)
        self.nothing.setVisible(details is None)
        if details is None:
            gone, none = tr("No longer in the library."), tr("Select a photo to see its details.")
            self.nothing.setText(gone if chosen else none)
            return
        self.name.setText(details.name)
        self.name.setToolTip(tooltip(details.name))
        for name, label in self.texts.items():
            _say(label, getattr(details, name))
        for name, links in self.links.items():
            links.show_details(getattr(details, name)[:MOST])
        self.map.show_positions(details.positions, land, details.map_words)
        self._on_map.setVisible(bool(details.positions))
        for button in (self.copy, self.reveal):
            button.setVisible(bool(details.folder))
        self._keywords.setVisible(bool(details.keywords))
        for part in (self._words, self.forget):
            part.setVisible(bool(details.written))
        for group, parts in self._groups:
            group.setVisible(any(not part.isHidden() for part in parts))

    def say_why(self, reasons: Sequence[str]) -> None:
        """Show why the photo is in an answer; hide for none."""
        self._why.setVisible(bool(reasons))
        self.why.show_details([Detail(reason) for reason in reasons])

    def showEvent(self, event: QShowEvent) -> None:
        """Update the facts, which may be out of date."""
        super().showEvent(event)
        self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return to the photos with Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _heading(self, words: str) -> Label:
        return sized(_text(Label(words, self.facts)), 1.0, semibold=True)

    def _lay_out(self, content: QWidget) -> None:
        around = (PAD - HALF, PAD, PAD - HALF, PAD)
        filled(QVBoxLayout(content), self, self.nothing, self.facts, 1, around=around)
        column = filled(QVBoxLayout(self.facts), self, gap=0, around=(0, 0, 0, 0))
        self._on_map, self._path = QWidget(self.facts), QWidget(self.facts)
        filled(QHBoxLayout(self._on_map), self, self.map, around=(HALF, HALF, HALF, 0))
        path = filled(QHBoxLayout(self._path), self, (self.links["folder"], 1), gap=0, around=(0, 0, 0, 0))
        for button in (self.copy, self.reveal):
            path.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        texts, links = self.texts, self.links
        groups: tuple[tuple[QWidget, ...], ...] = (
            (self.name, texts["title"], texts["description"]),
            (links["taken"], texts["source"]),
            (links["place"], self._on_map),
            (links["gear"], texts["exposure"]),
            (texts["size"],),
            (self._path, texts["beside"], texts["also"], links["copies"]),
            (self._keywords, links["keywords"]),
        )
        for parts in groups:
            group = QWidget(self.facts)
            filled(QVBoxLayout(group), self, *parts, gap=0, around=(0, 0, 0, PAD))
            column.addWidget(group)
            self._groups.append((group, parts))
        filled(column, self, self.marks, PAD, self._why, self.why, PAD, self._words, texts["written"])
        column.addWidget(self.forget, 0, Qt.AlignmentFlag.AlignLeading)


def _text(words: Label) -> Label:
    words.setWordWrap(True)
    words.setContentsMargins(px(words, HALF), 0, px(words, HALF), 0)
    return words


def _say(label: QLabel, words: str) -> None:
    """Show words, which may wrap anywhere if they have no spaces; hide for none."""
    lines = words.split("\n")
    QLabel.setText(label, "\n".join(map(breakable, lines)))  # a `Label` would replace the ends of lines
    label.setAccessibleName(", ".join(map(plain, lines)))
    label.setVisible(bool(words))


class FactLink(Button):
    """Words in the colour of links; without a query they are plain words."""

    radius = HALF

    def __init__(self, detail: Detail, parent: QWidget) -> None:
        super().__init__("", Emphasis.QUIET, parent)
        self.detail = detail
        self._words = breakable(detail.words)  # `text` would make an ampersand a shortcut
        self.setAccessibleName(plain(detail.words))
        if detail.query:
            self.setAccessibleDescription(tr("Show others like this"))
            self.setToolTip(tooltip(tr("Show others like this"), detail.query))
        else:
            self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self.unsetCursor()

    def sizeHint(self) -> QSize:
        """All words in one line."""
        return QSize(
            self.fontMetrics().horizontalAdvance(self._words) + 2 * px(self, HALF) + 1, px(self, HEIGHT)
        )

    def minimumSizeHint(self) -> QSize:
        """The least size, with the words in several lines."""
        return QSize(px(self, 4), px(self, HEIGHT))

    def hasHeightForWidth(self) -> bool:
        """True, since long words take several lines."""
        return True

    def heightForWidth(self, width: int) -> int:
        """The height of the lines at that width."""
        return max(
            px(self, HEIGHT), self._room(width).height() + px(self, HEIGHT) - self.fontMetrics().height()
        )

    def _room(self, width: int) -> QRect:
        room = QRect(0, 0, width - 2 * px(self, HALF), 100 * px(self, HEIGHT))
        return self.fontMetrics().boundingRect(room, _WRAP, self._words)

    def _plate(self, _colours: Tones) -> None:
        return None

    def _paint(self, painter: QPainter, colours: Tones) -> None:
        """Paint the words, underlined below the mouse."""
        if self.detail.query and (self.underMouse() or high_contrast()):
            font = self.font()
            font.setUnderline(True)
            painter.setFont(font)
        painter.setPen(colours.link if self.detail.query else colours.text)
        inset = px(self, HALF)
        paint_words(painter, self.rect().adjusted(inset, 0, -inset, 0), LEADING, self._words, _WRAP)


class FactLinks(Drawn, Pills):
    """Several links, separated by dots; unchanged links are kept."""

    chosen = Signal(str)  # a query

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._details: tuple[Detail, ...] = ()

    def show_details(self, details: Sequence[Detail]) -> None:
        """Replace the links; hide for none."""
        self.setVisible(bool(details))
        if tuple(details) == self._details:
            return
        self._details = tuple(details)
        links = [FactLink(detail, self) for detail in details]
        for link in links:
            if link.detail.query:
                link.clicked.connect(lambda _checked=False, query=link.detail.query: self.chosen.emit(query))
        self.show_buttons(links)

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint the dots between links on the same line."""
        painter.setPen(colours.dim_on_window)
        places, gap = self._places(self.width()), px(self, HALF)
        for before, after in pairwise(places):
            if before.top() == after.top():
                point = QRect(before.right() + 1, before.top(), gap, before.height())
                paint_words(
                    painter, QStyle.visualRect(self.layoutDirection(), self.rect(), point), CENTRE, "·"
                )

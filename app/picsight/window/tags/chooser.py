"""A small field over the photos: type a few letters of a tag and press Enter to add the chosen photos to it."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.line_edit import LineEdit
from picsight.window.controls.rows import PopupRows, Row, Spacing, raise_frame
from picsight.window.parts.labels import ElidedLabel
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import counted, number, plain
from picsight.window.tags.paths import cleaned, path_key
from picsight.window.tokens import HAIR, HALF, PAD, px

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtGui import QKeyEvent

    from picsight_engine.store.tagging.tags import TagKind
    from picsight_engine.tags.tree import Tag

WIDE = 28.0  # em
SPACING = Spacing(high=2.0, icon=1.125, before=HALF, after=HALF, between=PAD)


@dataclass(frozen=True, slots=True)
class Question:
    """The tags to choose from and the action that follows; `recent` paths are offered first, new ones of the kinds in `makes`."""

    title: str
    tags: Sequence[Tag]
    then: Callable[[TagChoice], object]
    recent: Sequence[str] = ()
    makes: Sequence[TagKind] = ()


class TagChooser(QFrame):
    """Opens at a point, and closes with a choice or Escape."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._question = Question("", (), lambda _choice: None)
        self.title = ElidedLabel(self)
        self.line = ChooserLine(self)
        self.rows = ChoiceList(self)
        parts = self.title, self.line, self.rows
        filled(QVBoxLayout(self), self, *parts, gap=HAIR, around=(HALF, HALF, HALF, HALF))
        self.setFixedWidth(px(self, WIDE))
        self.line.textEdited.connect(lambda _text: self._offer())
        self.line.returnPressed.connect(self._take)
        self.line.stepped.connect(self.rows.step)
        self.line.picked.connect(self._pick)
        self.rows.clicked.connect(lambda _index: self._take())

    def open(self, question: Question, point: QPoint) -> None:
        """Open with a corner at this point of the screen, if there is room."""
        self._question = question
        raise_frame(self)
        self.title.setText(question.title)
        self.line.clear()
        self._offer()
        screen = self.screen().availableGeometry()
        place = QRect(point, self.size())
        place.moveRight(min(place.right(), screen.right()))
        place.moveBottom(min(place.bottom(), screen.bottom()))
        self.move(place.topLeft())
        self.show()
        self.line.setFocus()

    def _offer(self) -> None:
        asked = self._question
        self.rows.put(choices(self.line.text(), asked.tags, asked.recent, makes=asked.makes))
        self.adjustSize()

    def _pick(self, row: int) -> None:
        if row < self.rows.model().rowCount():
            self.rows.go(row)
            self._take()

    def _take(self) -> None:
        choice = self.rows.value()
        if choice is not None:
            self.hide()
            self._question.then(choice)


class ChooserLine(LineEdit):
    """A line whose arrow keys move through the list below it."""

    stepped = Signal(int)
    picked = Signal(int)  # a row number

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Tag or album"), tr("Name of a tag or album, or Alt+1 to 9"), parent)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the keys of the list; ignore Tab, since this is the only field."""
        row = event.key() - Qt.Key.Key_1
        # With Alt, since names may begin with digits.
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and 0 <= row < MOST:
            self.picked.emit(row)
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.stepped.emit(1 if event.key() == Qt.Key.Key_Down else -1)
        elif event.key() != Qt.Key.Key_Tab:
            super().keyPressEvent(event)


class ChoiceList(PopupRows):
    """The offered tags. One row is always chosen, so that the effect of Enter is visible."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Tags and albums"), row_of, SPACING, parent)
        self.setUniformItemSizes(True)
        self.viewport().setAutoFillBackground(False)
        # The row under the mouse is chosen instead.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover, False)
        self.entered.connect(self.setCurrentIndex)

    def put(self, offered: Sequence[TagChoice]) -> None:
        """Offer these tags, with the first one chosen."""
        self._rows.put(offered)
        self.setFixedHeight(len(offered) * px(self, SPACING.high))
        self.setCurrentIndex(self._rows.index(0, 0))

    def step(self, by: int) -> None:
        """Choose another row; after the last one comes the first."""
        rows = self._rows.rowCount()
        if rows:
            self.go((self.currentIndex().row() + by) % rows)


def row_of(choice: TagChoice) -> Row:
    """The row of a choice."""
    name = plain(choice.path)
    if choice.photos is not None:
        photos = counted(choice.photos, "%n photo", "%n photos")
        icon = "people" if choice.kind == "person" else choice.kind
        return Row(icon, name, number(choice.photos), f"{name}, {photos}")
    words, how = tr("New tag “{name}”"), tr("can learn")
    if choice.kind == "album":
        words, how = tr("New album “{name}”"), tr("filled by hand")
    elif choice.kind == "person":
        words, how = tr("New person “{name}”"), tr("found by the face")
    words = words.format(name=name)
    return Row("add", words, how, f"{words}, {how}")


MOST = 9  # one per number key


@dataclass(frozen=True, slots=True)
class TagChoice:
    """A tag or album at this path; `photos` is None if it is new."""

    path: str
    kind: TagKind
    photos: int | None = None


def choices(
    text: str, tags: Sequence[Tag], recent: Sequence[str] = (), *, makes: Sequence[TagKind] = ()
) -> list[TagChoice]:
    """The tags that match a text, best first: equal names, names that begin with it, names that contain it; new ones
    of the kinds in `makes` come last.

    Without a text: the tags at the `recent` paths, then all others.
    """
    path = cleaned(text)
    wanted, usual = path_key(path), [tag for tag in tags if tag.kind != "favourite"]
    ranks = ((_rank(wanted, tag.path, recent), tag) for tag in usual)
    ranked = sorted(((rank, tag) for rank, tag in ranks if rank is not None), key=itemgetter(0))
    found = [TagChoice(tag.path, tag.kind, tag.accepted + tag.suggested) for _, tag in ranked[:MOST]]
    if not path or any(path_key(tag.path) == wanted for tag in usual):
        return found
    return [*found, *(TagChoice(path, kind) for kind in makes)]


def _rank(wanted: str, path: str, recent: Sequence[str]) -> tuple[int, int] | None:
    """The rank of a tag, lower is better; None if it does not match."""
    if not wanted:
        return (0, recent.index(path)) if path in recent else (1, 0)
    key = path_key(path)
    name = key.rpartition("/")[2]
    if wanted in (key, name):
        return 0, len(key)
    if name.startswith(wanted):
        return 1, 0
    if key.startswith(wanted) or f" {wanted}" in name:
        return 2, 0
    return (3, 0) if wanted in key else None

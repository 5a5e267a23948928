"""Borderline cases: photos near a tag's threshold, shown one at a time, with a key for each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, draw_focus
from picsight.window.controls.choice import Toggle
from picsight.window.controls.keys import Key, press
from picsight.window.controls.pills import Pills
from picsight.window.grid.thumbnails import ThumbnailRequest
from picsight.window.parts.labels import CENTRE, Drawn, ElidedLabel, Label, paint_plate, paint_words, sized
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import counted, cut_middle, number, plain, tooltip
from picsight.window.tokens import HAIR, HALF, SMALL, px

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent

    from picsight.window.grid.thumbnails import Thumbnails
    from picsight.window.tokens import Tones
    from picsight_engine.search.answer import Result
    from picsight_engine.store.tagging.decisions import Verdict

WIDE = 18.0  # em
MOST_KEYS, WIDEST = 9, 11  # tags with a number; em of a name


class BorderlineCases(QWidget):
    """Asks whether each photo belongs to the tag; A accepts, R rejects, the down arrow skips it."""

    KEYS = (
        Key("Accept", {"A": "accepted"}, lambda it, verdict: it.decide(verdict)),
        Key("Reject", {"R": "rejected"}, lambda it, verdict: it.decide(verdict)),
        Key("Skip", {"Down": None}, lambda it, _: it.pass_over()),
        Key(
            "Add to the tag with that number, or remove from it",
            {str(key): key for key in range(1, MOST_KEYS + 1)},
            lambda it, key: it.tags.press(key),
        ),
    )
    decided = Signal(int, str)  # a photo's id, and the Verdict on it
    case_changed = Signal(object)  # the Result in question, None for none

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cases: list[Result] = []  # the remaining photos, in order
        self._asked: Result | None = None
        self._skipped: set[int] = set()  # not asked again until the studio is reopened
        self._answered: set[int] = set()  # asked again only if an answer was undone
        self.title = sized(Label(parent=self), 1.0, semibold=True)
        self.picture = CasePicture(thumbnails, self)
        self._name = ElidedLabel(self)
        self.tags = NumberedTags(self)
        self.accept = Button(tr("Accept (A)"), Emphasis.PLAIN, self)
        self.reject = Button(tr("Reject (R)"), Emphasis.PLAIN, self)
        self.skip = Button(tr("Skip"), Emphasis.QUIET, self)
        self.accept.clicked.connect(lambda: self.decide("accepted"))
        self.reject.clicked.connect(lambda: self.decide("rejected"))
        self.skip.clicked.connect(self.pass_over)
        self._lay_out()
        self._show()

    def begin(self) -> None:
        """Start again for another tag."""
        self._skipped.clear()
        self._answered.clear()
        self.cases = []
        self._show()

    def show_cases(self, photos: Sequence[Result]) -> None:
        """Ask about these photos, the nearest to the threshold first; the current one stays if it is among them."""
        now = self.case()
        self._answered &= {photo.id for photo in photos}
        left = [photo for photo in photos if photo.id not in self._skipped | self._answered]
        kept = [photo for photo in left if now is not None and photo.id == now.id]
        self.cases = kept + [photo for photo in left if photo not in kept]
        self._show()

    def case(self) -> Result | None:
        """The photo in question."""
        return self.cases[0] if self.cases else None

    def _lay_out(self) -> None:
        buttons = filled(QHBoxLayout(), self, (self.accept, 1), (self.reject, 1), self.skip, gap=HALF)
        parts = self.title, (self.picture, 1), self._name, buttons, self.tags
        filled(QVBoxLayout(self), self, *parts, gap=HALF, around=(0, 0, 0, 0))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle the answer keys and pass on all others."""
        taken = self.case() is not None and press(self, self.KEYS, event)
        if not taken:
            super().keyPressEvent(event)

    def decide(self, verdict: Verdict) -> None:
        """Accept or reject the photo in question."""
        if photo := self.case():
            left = counted(len(self.cases) - 1, "%n left", "%n left")
            words = tr("Accepted, {left}") if verdict == "accepted" else tr("Rejected, {left}")
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words.format(left=left)))
            self._answered.add(photo.id)
            self._go_on()
            self.decided.emit(photo.id, verdict)

    def pass_over(self) -> None:
        """Do not ask about this photo."""
        if photo := self.case():
            self._skipped.add(photo.id)
            self._go_on()

    def _go_on(self) -> None:
        self.cases.pop(0)
        self._show()

    def _show(self) -> None:
        photo, many = self.case(), len(self.cases)
        counting = tr("Borderline cases ({number})", number=number(many))
        self.title.setText(counting if many else tr("Borderline cases"))
        self.picture.show_photo(photo, self.cases[1] if many > 1 else None)
        self._name.setText(plain(photo.path.name) if photo else "")
        self.tags.setEnabled(photo is not None)
        if photo != self._asked:
            self._asked = photo
            self.case_changed.emit(photo)
        for button in (self.accept, self.reject, self.skip):
            button.setEnabled(photo is not None)


class CasePicture(Drawn, QWidget):
    """A photo, as large as fits, or a sentence that none is left."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self._photo: Result | None = None
        self._next: Result | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        thumbnails.arrived.connect(lambda _ids: self.update())

    def show_photo(self, photo: Result | None, following: Result | None) -> None:
        """Show a photo and preload the following one."""
        self._photo, self._next = photo, following
        self.setAccessibleName(photo.path.name if photo else self._nothing())
        self._ask()

    def sizeHint(self) -> QSize:
        """Nearly square."""
        return QSize(px(self, WIDE), px(self, 0.75 * WIDE))

    def minimumSizeHint(self) -> QSize:
        """Large enough to recognise a photo."""
        return QSize(px(self, 10), px(self, 7))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Load the picture in the new size."""
        super().resizeEvent(event)
        self._ask()

    def _ask(self) -> None:
        places = [(photo, self._place(photo)) for photo in (self._photo, self._next) if photo is not None]
        wanted = [
            ThumbnailRequest.from_photo(photo, self, place.width(), place.height()) for photo, place in places
        ]
        self._thumbnails.request(wanted, 1)
        self.update()

    def _place(self, photo: Result) -> QRect:
        """The rectangle of the whole photo, centred."""
        room = self.rect().adjusted(2, 2, -2, -2)
        size = QSize(max(photo.width, 1), max(photo.height, 1)).scaled(
            room.size(), Qt.AspectRatioMode.KeepAspectRatio
        )
        place = QRect(QPoint(), size.expandedTo(QSize(1, 1)))
        place.moveCenter(room.center())
        return place

    def _nothing(self) -> str:
        return tr("No photos near the threshold are left to decide.")

    def _draw(self, painter: QPainter, colours: Tones) -> None:
        """Paint the photo, a grey shape while it loads, or the sentence."""
        if self._photo is None:
            painter.setPen(colours.dim)
            room = self.rect().adjusted(px(self, HALF), 0, -px(self, HALF), 0)
            paint_words(painter, room, CENTRE, self._nothing(), Qt.TextFlag.TextWordWrap)
        else:
            place = self._place(self._photo)
            pixmap = self._thumbnails.pixmap(self._photo.id, self._photo.moment)
            if pixmap is not None:
                painter.drawPixmap(place, pixmap)
            else:
                paint_plate(painter, place, px(self, HAIR), colours.placeholder)
        draw_focus(painter, self, QRectF(self.rect()).adjusted(1, 1, -1, -1), px(self, SMALL))


class NumberedTags(Pills):
    """Numbered tags; those that hold the photo have a tick. The numbers stay the same from photo to photo."""

    chosen = Signal(str)  # the path of a tag

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.toggles: dict[str, Toggle] = {}  # by the tags' paths

    def offer(self, paths: Sequence[str]) -> None:
        """Show these tags, numbered from 1."""
        self.toggles = {path: self._toggle(place, path) for place, path in enumerate(paths[:MOST_KEYS], 1)}
        self.show_buttons(list(self.toggles.values()))
        self.setVisible(bool(paths))

    def show_held(self, paths: Collection[str]) -> None:
        """Tick the tags that hold the photo."""
        for path, toggle in self.toggles.items():
            toggle.setChecked(path in paths)

    def press(self, key: int) -> None:
        """Choose the tag with this number, if there is one."""
        for path in list(self.toggles)[key - 1 : key]:
            self.chosen.emit(path)

    def _toggle(self, place: int, path: str) -> Toggle:
        toggle, name = Toggle(self), plain(path)
        toggle.say(f"{number(place)}  {cut_middle(name, self.fontMetrics(), px(self, WIDEST))}", on=False)
        toggle.setAccessibleName(tr("{name}, key {number}", name=name, number=number(place)))
        toggle.setToolTip(tooltip(name))
        toggle.clicked.connect(lambda: self.chosen.emit(path))
        return toggle

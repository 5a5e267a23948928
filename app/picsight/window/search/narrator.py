"""Says what the wall shows: the line over it, why it is empty, and the same to a screen reader."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from picsight.texts import tr
from picsight.window.search.headline import announcement, empty_message, faults_of, headline, scoped
from picsight.window.search.wording import readable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight.window.grid.arrangement import Arrangement
    from picsight.window.grid.page import WallPage
    from picsight.window.search.box import SearchBox
    from picsight.window.search.contents import PlaceContents
    from picsight.window.search.headline import Reading, WallMessage
    from picsight.window.search.place import Place
    from picsight.window.search.query_pictures import QueryPictures


class Narrator(QObject):
    """Knows what the wall's contents do not tell: how large the library is, and whether more photos will come."""

    option_chosen = Signal(object)  # Place or NextStep, of a message

    def __init__(self, box: SearchBox, page: WallPage, pictures: QueryPictures, parent: QObject) -> None:
        super().__init__(parent)
        self._box, self._page, self._pictures = box, page, pictures
        self.photos = 0  # in the library
        self.unread: Sequence[Path] = ()
        self.reading: Reading = "unknown"

    def say(self, place: Place, shown: PlaceContents, arrangement: Arrangement, *, paused: bool) -> None:
        """Show the wall with its headline; `paused` means in typing."""
        words = headline(place, shown, self._asked(place, shown), self.photos, paused=paused)
        self._page.say(*words, fault=faults_of(shown))
        # Without calibration only the best are known.
        sorts = not shown.tally.ordered or place.like is not None
        self._page.header.offer_choices(arrangement, shown.tally, is_ranked=shown.is_ranked, sorts=sorts)
        self._page.show_wall()

    def say_loading(self) -> None:
        """Say why the first search is slow."""
        self._page.say(tr("Getting ready to search by meaning. Meanwhile you can look at your photos."))

    def announce(self, place: Place, shown: PlaceContents) -> None:
        """Tell a screen reader."""
        words = announcement(place, shown, self._asked(place, shown), self.reading)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._page.view, words))

    def explain(self, place: Place, shown: PlaceContents | None) -> None:
        """Say why there is no photo: nothing matches, or the photos are still to come."""
        folder, asked = place.folder, self._asked(place, shown, begins=False)
        unread = sum(folder is None or path.is_relative_to(folder) for path in self.unread)
        self.show_message(empty_message(place, shown, asked, self.reading, unread=unread))

    def _asked(self, place: Place, shown: PlaceContents | None, *, begins: bool = True) -> str:
        """The query in readable form, with the folder."""
        answer = shown.answer if shown else None
        asked = readable(place.asked, self._pictures.name, self._box.is_album, answer, begins=begins)
        return scoped(asked, place)

    def show_message(self, message: WallMessage) -> None:
        """Show this message instead of the wall, or over its closest photos."""
        options = [(words, partial(self.option_chosen.emit, leads)) for words, leads in message.options]
        self._page.say("")
        if message.is_closest:
            self._page.show_closest(message.title, message.sentence, options)
        else:
            self._page.notice.say(message.title, message.sentence, options)
            self._page.show_notice()

"""What is said where photos would be: that nothing matches, that there are none yet, that a search failed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from picsight.window.parts.words import counted, isolated
from picsight.window.search.headline import faults_of, found

if TYPE_CHECKING:
    from picsight.window.grid.page import WallPage
    from picsight.window.parts.notice import Way
    from picsight.window.search.look import Detour, Shown
    from picsight.window.search.place import Place

# Letters of a query that are said once more: with more, a small window has no room for the photos.
LONGEST = 90


class Absence(QObject):
    """Says why there are no photos, and offers the ways out."""

    back_requested = Signal()
    all_requested = Signal()
    place_requested = Signal(object)  # Place
    folders_requested = Signal()  # none of those that are there has photos
    install_again_requested = Signal()  # the model that should have answered

    def __init__(self, page: WallPage, parent: QObject) -> None:
        super().__init__(parent)
        self._page = page

    def say(self, place: Place, shown: Shown | None, asked: str, *, settled: bool) -> None:
        """Where a place has no photo to show for what is `asked`; once `settled` none will come."""
        self._page.say("")
        alone = shown is not None and not (shown.answer.photos or shown.answer.faults or shown.answer.filters)
        if place.has_pictures and alone:
            self._notice(
                self.tr("No other photos to compare with."), "", [(self.tr("Back"), self.back_requested.emit)]
            )
        elif place.words and shown is not None and (shown.answer.photos or shown.answer.filters):
            self._say_unmatched(place, shown, asked)
        else:
            self._say_empty(place, settled=settled)

    def fail(self, sentence: str, *, misread: bool) -> None:
        """A search did not work, because its model could not be read or for another reason."""
        title, ways = self.tr("This search did not work."), [self._to_all()]
        if misread:
            title = self.tr("The search model is incomplete.")
            ways.insert(0, (self.tr("Install again"), self.install_again_requested.emit))
        self._page.say("")
        self._notice(title, sentence, ways)

    def _say_unmatched(self, place: Place, shown: Shown, asked: str) -> None:
        title = self.tr("Nothing here matches {words}.").format(words=asked)
        if not asked or len(asked) > LONGEST or place.has_pictures:  # they stand in the box
            title = self.tr("Nothing here matches.")
        why = faults_of(shown)
        ways = [*(self._around(place, detour) for detour in shown.detours), self._to_all()]
        if shown.closest:
            near = why or self.tr("These come closest, but they are not close.")
            self._page.show_closest(title, near, ways)
        else:
            self._notice(title, why or _undated(shown) or self.tr("Try fewer words, or other ones."), ways)

    def _say_empty(self, place: Place, *, settled: bool) -> None:
        if place.folder:
            title = self.tr("No photos in {folder}.").format(folder=isolated(f"“{place.folder.name}”"))
        elif settled:
            title = self.tr("No photos were found in your folders.")
        else:
            title = self.tr("No photos yet.")
        if settled:
            self._notice(title, "", [(self.tr("Choose another folder…"), self.folders_requested.emit)])
        else:
            self._notice(title, self.tr("They appear here as they are looked through."))

    def _around(self, place: Place, detour: Detour) -> Way:
        """The same search without one of its filters."""
        if detour.place.folder != place.folder:
            words = self.tr("Search all photos: {found}").format(found=found(detour.tally))
        else:
            words = self.tr("Without {filter}: {found}").format(
                filter=isolated(detour.without), found=found(detour.tally)
            )
        return words, partial(self.place_requested.emit, detour.place)

    def _to_all(self) -> Way:
        return self.tr("All photos"), self.all_requested.emit

    def _notice(self, title: str, sentence: str, ways: list[Way] | None = None) -> None:
        self._page.notice.say(title, sentence, ways or [])
        self._page.show_notice()


def _undated(shown: Shown) -> str:
    """That photos could not be found by a time because they have none; "" where that is not so."""
    without = shown.answer.undated
    one, many = "%n photo without a date was left out.", "%n photos without a date were left out."
    return counted(without, one, many) if without else ""

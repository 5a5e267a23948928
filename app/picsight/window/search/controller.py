"""Connects box and wall to the library: search as you type, similar photos, going back, arriving photos."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from picsight.window.grid.arrangement import Arrangement, Group, Order
from picsight.window.search.asker import Arrivals, Asker
from picsight.window.search.contents import compare, is_unfinished
from picsight.window.search.headline import failure, news_words, searched_as
from picsight.window.search.narrator import Narrator
from picsight.window.search.place import Place
from picsight.window.search.query_pictures import QueryPictures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PySide6.QtGui import QImage

    from picsight.jobs import Jobs
    from picsight.window.grid.page import WallPage
    from picsight.window.parts.picture import Pictures
    from picsight.window.search.box import SearchBox
    from picsight.window.search.contents import PlaceContents, WallChange
    from picsight.window.search.headline import NextStep
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

QUIET_MS = 500  # without a key until "nothing" is shown and the result is announced


class SearchController(QObject):
    """Decides what the wall shows; holds no photos itself."""

    place_changed = Signal(object)  # Place, as soon as its photos are shown
    photos_requested = Signal()  # the wall will get the focus, and may be hidden
    busy_changed = Signal(bool)
    answered = Signal()  # the answer or the reason for its absence is shown
    install_again_requested = Signal()  # the search's model
    folders_wanted = Signal()  # none of the library's folders has photos
    problems_requested = Signal()  # none of their files could be read
    reading_requested = Signal()  # of photos that the model has not read

    def __init__(
        self, box: SearchBox, page: WallPage, jobs: Jobs, pictures: Pictures, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._box, self._page = box, page
        self.place = Place()  # what is shown
        self.wanted = Place()  # the place of the last request, shown or pending
        self.shown: PlaceContents | None = None  # the contents of the shown place
        self._held: PlaceContents | None = None  # an answer without a match, to be shown after a pause
        self._arrangement = Arrangement()
        self._back: dict[Place, tuple[int, int]] = {}  # the way back: places, and where they were scrolled to
        # Once the wanted place is shown: the scroll position to restore, and whether the current photo stays in sight.
        self._seen: tuple[int, int] | None = None
        self._stay = False
        self._asker = Asker(jobs, self)
        self._arrivals = Arrivals(jobs, self._comparison, self)
        self._quiet = QTimer(self, singleShot=True, interval=QUIET_MS)
        self.pictures = QueryPictures(jobs, pictures, self)
        self._narrator = Narrator(box, page, self.pictures, self)
        self._narrator.option_chosen.connect(self._take_option)
        self._asker.answered.connect(self._take)
        self._asker.failed.connect(self._fail)
        self._asker.busy_changed.connect(self.busy_changed)
        self._asker.loading.connect(self._narrator.say_loading)
        self._asker.due.connect(self._ask)
        self._quiet.timeout.connect(self._speak)
        self._arrivals.found.connect(self._take_news)
        box.edited.connect(lambda _line: self._typed())
        box.submitted.connect(self._submitted)
        box.left.connect(self._speak)
        box.down_requested.connect(self._to_photos)
        box.picture_given.connect(self.like_picture)
        box.widened.connect(lambda: self.go(replace(self.wanted, folder=None)))
        box.picture_of = self.pictures.picture_of
        self.pictures.arrived.connect(self._name_pictures)
        page.pill.shown_requested.connect(self._show_news)
        page.view.fold_toggled.connect(self._toggle_weaker)
        page.view.stack_toggled.connect(self._toggle_stack)
        page.header.weaker_toggled.connect(
            lambda: self._request(replace(self.wanted, weaker=not self.wanted.weaker), stay=True)
        )
        page.header.translated.clicked.connect(self._toggle_translation)
        page.header.order_chosen.connect(self._order)
        page.header.group_chosen.connect(self._group)

    def use(self, library: Library) -> None:
        """Use this library."""
        self._asker.use(library)
        self.pictures.use(library)
        self._ask()

    def ask_again(self) -> None:
        """Search again, since the model changed or photos are gone; a pending answer is dropped."""
        self._request(self.wanted, self._seen, stay=self._stay or self.place == self.wanted)

    @property
    def query(self) -> str:
        """The current query, its last word completed; without the folder."""
        shown, place = self.shown, self.place
        return place.words if shown is None or place.cursor is None else shown.answer.query

    def go(self, place: Place) -> None:
        """Go to another place and keep this one for going back."""
        self._remember()
        self._request(place)
        self.fill_box()

    def more_like(self, photo: Result) -> None:
        """Show photos like this one; words can be added."""
        self.pictures.note_name(photo)
        self.go(Place(f"like:#{photo.id}", self.wanted.folder))

    def less_like(self, photo: Result) -> None:
        """Search here for less of what this photo shows."""
        self.pictures.note_name(photo)
        self._quiet.start()
        self._box.add(f"-like:#{photo.id}")

    def like_picture(self, picture: Path | QImage) -> None:
        """Add a picture to the current search; it need not be in the library."""
        self._quiet.start()
        self.pictures.keep(picture, self._box.add)

    def fill_box(self) -> None:
        """Show the current place in the box."""
        self._box.set_text(self.wanted.words)
        self._name_folder()

    def _name_folder(self) -> None:
        self._box.set_scope(self.wanted.folder.name if self.wanted.folder else "")

    def clear_box(self) -> None:
        """Empty the box, which has no relation to the shown page."""
        self._box.set_text("")
        self._box.set_scope("")

    def go_back(self) -> None:
        """Return to the previous place, its scroll position and its photo; finally to all photos."""
        if self._back:
            self._request(*self._back.popitem())
        elif self.wanted != Place():
            self._request(Place())
        self.fill_box()

    def count_photos(self, photos: int, unread: Sequence[Path]) -> None:
        """Set the number of photos in the library, so that the header agrees with the sidebar, and its unread files."""
        self._narrator.unread = unread
        if photos != self._narrator.photos:
            self._narrator.photos = photos
            if self.place == Place():
                self._say_what_is_shown()

    def reading_began(self) -> None:
        """From now on photos may come, so nothing is said to be missing."""
        self._narrator.reading = "running"
        self._explain_again()

    def photos_arrived(self) -> None:
        """Show new photos of the library at the end of the wall, or announce them in the pill."""
        self._arrivals.look()

    def settle(self, *, complete: bool) -> None:
        """Put the photos into their order after indexing, unless the user is looking at them. `complete`: no more will come."""
        self._narrator.reading = "complete" if complete else "stopped"
        self._explain_again()
        if self.shown is not None and not self.shown.wall.results and not self.wanted.is_search:
            self._request(self.wanted)
        elif self._is_looked_at() or self.wanted.is_search:
            self.photos_arrived()
        else:  # keeps the selection until they come
            self._request(self.wanted, stay=True)

    def _is_looked_at(self) -> bool:
        """Whether moving the photos would disturb the user."""
        view = self._page.view
        return not view.at_top() or view.hasFocus() or view.underMouse() or view.selected_count() > 0

    # Typing

    def _typed(self) -> None:
        self._quiet.start()
        self._name_folder()  # words typed on another page search the wall's folder, whose name was hidden there
        words, cursor = self._box.asked()
        completed = self.wanted.cursor is not None and self.query != words
        if words == self.wanted.words and not (completed and cursor is None):
            return
        if not self.wanted.words:
            self._remember()
        place = Place(words, self.wanted.folder, cursor, self._box.query)
        self._request(place, wait=self._asker.is_slow)

    def _submitted(self) -> None:
        """Search for the typed query, its last word not completed."""
        words = self._box.text()
        is_answered = self._held is not None or (self.place == self.wanted and self.query == words)
        may_be_completed = self.wanted.cursor is not None and not is_answered
        if words and (may_be_completed or words != self.wanted.words):
            self._request(Place(words, self.wanted.folder, asked=self._box.query))
        elif self._held is not None:
            self._show(self._held)
        self._to_photos()

    def _to_photos(self) -> None:
        self.photos_requested.emit()
        view = self._page.view
        view.setFocus()
        if not view.currentIndex().isValid() and view.model().rowCount():
            view.setCurrentIndex(view.model().index(0, 0))

    def _remember(self) -> None:
        if self.shown is not None and self.place == self.wanted:
            self._back.pop(self.place, None)
            self._back[self.place] = self._page.view.place()

    # Asking and showing

    def _request(
        self, place: Place, seen: tuple[int, int] | None = None, *, stay: bool = False, wait: bool = False
    ) -> None:
        self.wanted, self._seen, self._stay, self._held = place, seen, stay, None
        self._arrivals.stop()
        if wait:
            self._asker.wait()
        else:
            self._ask()

    def _ask(self) -> None:
        self._arrangement = replace(self._arrangement, screen=self._page.rows_on_screen())
        self._asker.ask(self.wanted, self.wanted.arranged(self._arrangement))

    def _take(self, shown: PlaceContents) -> None:
        """Show an answer. One without a match waits for a pause in typing; the old photos stay meanwhile."""
        if (shown.finds_nothing and self._quiet.isActive()) or self._is_unfinished(shown):
            self._held = shown
        else:
            self._show(shown)

    def _is_unfinished(self, answered: PlaceContents) -> bool:
        """Whether the user is still typing a filter; the first wall is shown in any case."""
        typing = self.shown is not None and self._box.line.hasFocus()
        return typing and is_unfinished(self.wanted, answered)

    def _show(self, shown: PlaceContents) -> None:
        """Show the answer for the wanted place."""
        view, place, is_same = self._page.view, self.wanted, shown is self.shown
        seen, stay = self._seen, self._stay
        self._seen, self._stay, self._held = None, False, None
        self.place, self.shown = place, shown
        self._page.pill.hide()
        self._box.show_answer(shown.answer if place.is_search else None)
        self._page.header.say_translation(*searched_as(place, shown))
        best_in_sight = (
            (place.is_search and view.at_top()) or (is_same and not stay) or not self._is_looked_at()
        )
        if not is_same:
            view.show_wall(shown.wall, stay=stay)
        if best_in_sight:  # then show the best of the new answer, not the current photo's new position
            view.scrollToTop()
        if seen is not None:
            view.return_to(seen)
        self._say_what_is_shown()
        self.place_changed.emit(place)
        if shown.is_begun:
            self._request(place, stay=True)
            return
        self.answered.emit()
        self._arrivals.look_if_due()

    def _say_what_is_shown(self) -> None:
        if (shown := self.shown) is None:
            return
        if shown.finds_nothing or not shown.wall.results:
            self.explain_empty_wall()
        else:
            arrangement = self.place.arranged(self._arrangement)
            self._narrator.say(self.place, shown, arrangement, paused=not self._quiet.isActive())

    def _name_pictures(self) -> None:
        self._box.update_chips()
        if self.place.has_pictures:
            self._say_what_is_shown()

    def _fail(self, sentence: str) -> None:
        self._narrator.show_message(failure(sentence, misread=self._asker.misread))
        self.answered.emit()

    # Order, headings, and what may match

    def _order(self, order: Order) -> None:
        """Change the order; the current photo keeps its position on screen."""
        wanted = self.wanted
        if wanted.is_search:
            wanted = replace(wanted, order=order)
        else:
            self._arrangement = replace(self._arrangement, listed=order)
        self._request(wanted, stay=True)

    def _group(self, group: Group) -> None:
        self._arrangement = replace(self._arrangement, group=group)
        self._request(self.wanted, stay=True)

    def _toggle_translation(self) -> None:
        """Search for the words as typed instead of in English, or the other way round."""
        self._remember()
        self._request(replace(self.wanted, as_typed=not self.wanted.as_typed))

    def _toggle_weaker(self) -> None:
        """Show or hide the weaker matches below the others; later searches keep the choice."""
        if (shown := self.shown) is None or shown.wall.fold is None:
            return
        self._arrangement = replace(self._arrangement, weaker=not shown.wall.fold.is_open)
        self.shown = shown.arranged(self.place.arranged(self._arrangement))
        self._page.view.grow(self.shown.wall)
        self._say_what_is_shown()

    def _toggle_stack(self, row: int) -> None:
        """Expand or collapse the copies of a picture."""
        if (shown := self.shown) is not None:
            stack = shown.stacks[shown.wall.results[row].id]
            self._arrangement = self._arrangement.with_stack_toggled(stack)
            self._request(self.wanted, stay=True)

    # After a pause in typing

    def _speak(self) -> None:
        """After a pause in typing, show the waiting answer and announce the result."""
        if self._held is not None and not self._is_unfinished(self._held):
            self._show(self._held)
        if self.shown is None or self.place != self.wanted or not self.place.is_search:
            return
        self._say_what_is_shown()
        self._narrator.announce(self.place, self.shown)

    def _explain_again(self) -> None:
        if self.shown is not None and self.shown.finds_nothing and self.place == self.wanted:
            self.explain_empty_wall()

    def explain_empty_wall(self) -> None:
        """Show why there is no photo: nothing matches, or the photos are still to come."""
        self._narrator.explain(self.place, self.shown)

    def _take_option(self, option: Place | NextStep) -> None:
        """Follow an option of a message."""
        match option:
            case Place():
                self.go(option)
            case "back":
                self.go_back()
            case "all photos":
                self.go(Place())
                self._box.line.setFocus()
            case "folders":
                self.folders_wanted.emit()
            case "problems":
                self.problems_requested.emit()
            case "read":
                self.reading_requested.emit()
            case "install again":
                self.install_again_requested.emit()

    # Arriving photos

    def _comparison(self) -> Callable[[], WallChange] | None:
        """The comparison of the shown place with the library; None while another answer is pending."""
        library, place, shown, listing = self._asker.library, self.place, self.shown, self._asker.listing
        if library is None or shown is None or self._asker.is_asking or place != self.wanted:
            return None
        arrangement = place.arranged(self._arrangement)
        return lambda: compare(library, place, shown, arrangement, listing)

    def _take_news(self, news: WallChange) -> None:
        """Remove missing photos and show moved files at once; append new ones if the wall is at its top, else announce them in the pill."""
        view, grown = self._page.view, news.grown
        if news.is_outdated:
            self._request(self.place, stay=True)
            return
        if not news.count:
            return
        if grown is not None and (view.at_top() or not view.model().rowCount()):
            self.shown = grown
            view.grow(grown.wall)
            self._say_what_is_shown()
            return
        if self.shown is not None and self.shown.wall.results and not self.shown.finds_nothing:
            self._page.pill.say(news_words(self.place, news.count))
            return
        self._show(news.newer)

    def _show_news(self) -> None:
        if self._page.pill.hasFocus():  # pressed by key: the pill is hidden, so the photos get the focus
            self._page.view.setFocus()
        self._page.pill.hide()
        self._request(self.wanted)

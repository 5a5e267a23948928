"""Search as you type: which words are searched, which answer is shown, and the way back."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path, PureWindowsPath

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QPushButton
from tests.app.conftest import PATIENCE

from picsight.window.grid.arrangement import Arrangement, Order, arrange_answer
from picsight.window.grid.page import WallPage
from picsight.window.grid.photo_painter import plate_of
from picsight.window.search.box import SearchBox
from picsight.window.search.chips import ChipButton
from picsight.window.search.contents import FIRST, AllPhotos, PlaceContents, compare, contents_of, finds_more
from picsight.window.search.controller import SearchController
from picsight.window.search.headline import announcement, empty_message, headline
from picsight.window.search.place import Place, ready
from picsight.window.search.suggestions import better_search
from picsight_engine.filters.filtered_query import Filter
from picsight_engine.foundation.errors import LibraryError, Message
from picsight_engine.language.query import QueryFault, parse
from picsight_engine.language.translation import Translation
from picsight_engine.search.answer import Answer
from picsight_engine.suggesting.suggestions import Suggestions


class ShelfLibrary:
    """A library of plain records, without model and disk, whose answers can be held back with `gates`."""

    def __init__(self, photos):
        self.shelf = list(photos)
        self.photos = self  # what it holds
        self.asked = []
        self.gates = {}
        self.faults = ()
        self.backwards = False
        self.is_ready = True
        self.fails = False
        self.matches = self.filters = None
        self.undated, self.translation = 0, None
        self.searched, self.unread, self.language = None, 0, None
        self.is_meant, self.named = True, ()
        self.copies = {}
        self.words, self.meant = {}, None
        self.offers = lambda _text: ()

    def search(self, query, *, limit, order="match", least="all"):
        translation = None if query.as_typed else self.translation
        words, query, backwards = query.text, str(query), self.backwards
        self.asked.append(words)
        if words in self.gates:
            self.gates[words].wait(60)
        if self.fails:
            raise LibraryError("The library is damaged.")
        if self.matches is None:
            found = [photo for photo in self.shelf if (photo.id + len(words)) % 2][:: -1 if backwards else 1]
        else:
            matched = zip(self.shelf, self.matches(query), strict=False)
            found = [replace(photo, match=match, found_by="meaning") for photo, match in matched]
        if self.is_meant:
            ways = ["name" if photo.id in self.named else "meaning" for photo in found]
            found = [replace(photo, found_by=way) for photo, way in zip(found, ways, strict=True)]
        if least != "all":
            found = [photo for photo in found if photo.match != "none" or photo.found_by == "name"]
        filters = self.filters(query) if self.filters is not None else ()
        count, shown = len(self.shelf) if self.searched is None else 0, tuple(found[:limit])
        return Answer(words, "space", count, 1.0, shown, self.faults, filters, self.undated, translation)

    def suggestions(self, text, cursor=None):
        text = text.text
        before = text[:cursor]
        longer = self.words.get(before.split()[-1], "") if before.strip() else ""
        completed = before.removesuffix(before.split()[-1]) + longer + text[cursor:] if longer else text
        return Suggestions(self.offers(text), parse(completed), self.meant)

    def other_language(self, _query):
        return self.language

    def photos_to_read(self):
        return self.unread

    def with_id(self, photo_id):
        return next((photo for photo in self.shelf if photo.id == photo_id), None)

    def thumbnail(self, _photo_id):
        return None

    def all_photos(self):
        self.asked.append("")
        if "" in self.gates:
            self.gates[""].wait(60)
        return Answer("", "space", len(self.shelf), 1.0, tuple(self.shelf))

    @property
    def revision(self):
        return hash(tuple(self.shelf))

    def stacks(self):
        return self.copies

    def files_in(self, _folder, _photo_ids=None):
        return {}

    def results(self, ids):
        return tuple(photo for photo in self.shelf if photo.id in ids)

    def newest_photos(self, *, limit):
        return Answer("", "space", len(self.shelf), 1.0, tuple(self.shelf[:limit]))


def certain(**counts):
    """So many photos of each match, best first, whatever is asked."""
    return lambda _query: [match for match, count in counts.items() for _ in range(count)]


class Desk:
    """Box, wall and controller, joined as in the window."""

    def __init__(self, qtbot, view, jobs, pictures, library):
        self.qtbot, self.view, self.library = qtbot, view, library
        self.page, self.box = WallPage(view), SearchBox()
        for widget in (self.page, self.box):
            qtbot.addWidget(widget)
            widget.show()
        self.page.resize(800, 600)
        self.controller = SearchController(self.box, self.page, jobs, pictures, self.page)
        self.controller._arrangement = Arrangement(weaker=False)  # as a person closed the fold
        with qtbot.waitSignal(self.controller.place_changed):
            self.controller.use(library)

    def type(self, text):
        self.qtbot.keyClicks(self.box.line, text)

    def shows(self, words):
        self.qtbot.waitUntil(lambda: self.controller.place.words == words)

    def ask(self, text, words=None):
        self.type(text)
        self.shows(words or text)

    def go(self, place):
        with self.qtbot.waitSignal(self.controller.place_changed):
            self.controller.go(place)

    def ids(self):
        return [photo.id for photo in self.view.model().wall.results]

    def title(self):
        return self.page.header.title.text()

    def choose(self, row):
        self.view.setCurrentIndex(self.view.model().index(row, 0))

    def press(self, key):
        self.qtbot.keyClick(self.box.line, key)

    def place_of(self, row):
        """The rectangle of a photo in the view."""
        return self.view.visualRect(self.view.model().index(row, 0))


@pytest.fixture
def desk(qtbot, wall_view, jobs, pictures, photos):
    return Desk(qtbot, wall_view(0), jobs, pictures, ShelfLibrary(photos(200)))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", ""), ("   ", ""), ("d", None), ("do", None), ("dog", "dog"), ("tv ", "tv"), ("a ", None),
        ("  red   bicycle ", "red bicycle"), ("-people", "-people"),
    ],
)  # fmt: skip
def test_meaning_is_asked_from_the_third_letter_or_a_finished_word(typed, words):
    assert ready(typed) == words


def test_typing_searches_from_the_third_letter_on(desk):
    desk.type("do")
    assert desk.library.asked == [""]
    desk.ask("g", "dog")
    assert desk.library.asked == ["", "dog"]
    assert len(desk.ids()) == 100


def test_one_or_two_letters_show_all_photos(desk):
    desk.ask("dog")
    desk.press(Qt.Key.Key_Backspace)
    desk.shows("")
    assert desk.box.text() == "do"
    assert len(desk.ids()) == 200


def test_of_a_large_library_the_newest_photos_are_shown_before_all_are_read(desk, photos):
    large = ShelfLibrary(photos(3 * FIRST))
    shown = []
    desk.controller.place_changed.connect(lambda _place: shown.append((len(desk.ids()), desk.title())))
    desk.controller.use(large)
    desk.qtbot.waitUntil(lambda: len(shown) == 2)
    assert shown == [(FIRST, "1200 photos"), (3 * FIRST, "1200 photos")]
    desk.ask("dog")
    desk.press(Qt.Key.Key_Escape)
    desk.shows("")
    assert large.asked == ["", "dog"]  # what was read is kept


@pytest.mark.parametrize("took", [0, 10], ids=["quick", "slow"])
def test_no_answer_of_an_older_query_is_shown_after_a_newer_one_was_typed(desk, took):
    desk.controller._asker.took = took  # seconds: after a slow answer, words wait for a pause in typing
    desk.library.gates["dog"] = threading.Event()
    desk.type("dog")
    desk.qtbot.waitUntil(lambda: "dog" in desk.library.asked)
    shown = []
    desk.controller.place_changed.connect(lambda place: shown.append(place.words))
    desk.type("gy")
    assert len(desk.ids()) == 200
    desk.library.gates["dog"].set()
    desk.shows("doggy")
    assert shown == ["doggy"]
    assert desk.library.asked == ["", "dog", "doggy"]


def test_another_model_is_asked_the_same_and_no_answer_of_the_one_before_comes_after_it(desk):
    desk.ask("dog")
    chosen = desk.ids()[3]
    desk.choose(3)
    gate = desk.library.gates["dog"] = threading.Event()
    desk.controller.ask_again()
    desk.qtbot.waitUntil(lambda: desk.library.asked.count("dog") == 2)
    shown = []
    desk.controller.place_changed.connect(lambda _place: shown.append(desk.ids()[:2]))
    desk.library.backwards = True
    desk.controller.ask_again()
    gate.set()
    desk.qtbot.waitUntil(lambda: bool(shown))
    assert shown == [[198, 196]]
    assert [photo.id for photo in desk.view.selected_photos()] == [chosen]
    assert desk.view.at_top()


def test_escape_in_the_box_takes_the_words_away_and_undo_brings_them_back(desk):
    desk.ask("dog")
    desk.press(Qt.Key.Key_Escape)
    desk.shows("")
    assert len(desk.ids()) == 200
    desk.qtbot.keySequence(desk.box.line, "Ctrl+Z")
    assert desk.box.text() == "dog"


def test_enter_goes_to_the_photos(desk):
    desk.ask("dog")
    desk.press(Qt.Key.Key_Return)
    assert desk.view.currentIndex().row() == 0


def test_more_like_this_names_the_photo_and_back_returns_to_the_query_at_its_place(desk):
    desk.ask("dog")
    desk.choose(60)
    place, liked = desk.view.place(), desk.ids()[60]
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        desk.controller.more_like(desk.view.current_photo())
    assert desk.box.text() == desk.library.asked[-1] == f"like:#{liked}"
    chip = desk.box.findChild(ChipButton)
    assert "IMG_" in chip.accessibleName()
    assert desk.title().startswith(f"Like \u2068IMG_{liked:04}.jpg\u2069 · ")
    assert desk.view.at_top()
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        desk.controller.go_back()
    assert desk.controller.place == Place(words="dog")
    assert desk.box.text() == "dog"
    assert desk.view.place() == place


def test_that_nothing_matches_is_shown_only_after_a_pause_in_typing(desk):
    desk.ask("dog")
    before = desk.ids()
    desk.library.matches = certain(none=200)
    desk.controller._quiet.setInterval(PATIENCE)  # ms: long enough to look
    desk.type(" unicycle")
    desk.qtbot.waitUntil(
        lambda: desk.controller._held is not None and desk.library.asked[-1] == "dog unicycle"
    )
    assert desk.ids() == before
    assert desk.page.closest.notice.isHidden()
    desk.controller._quiet.start(1)
    desk.shows("dog unicycle")
    assert desk.page.closest.notice.words() == (
        "Nothing here matches \u2068“dog unicycle”\u2069.\nThese come closest, but they are not close."
    )
    assert len({desk.place_of(row).top() for row in range(len(desk.ids()))} - {0}) == 1
    assert desk.view.height() < 200


def test_while_files_are_read_a_search_without_matches_says_that_more_may_come(desk):
    desk.library.matches = certain(none=200)
    notice = desk.page.closest.notice
    desk.controller.reading_began()  # and no photo has come yet
    desk.ask("dog unicycle")
    assert notice.words() == (
        "Nothing matches \u2068“dog unicycle”\u2069 so far.\nNot all files are read yet."
    )
    desk.controller.settle(complete=True)
    assert notice.words().startswith("Nothing here matches \u2068“dog unicycle”\u2069.")


def test_a_filter_that_finds_nothing_brings_no_advice_about_words():
    answer = Answer("is:square", "", 0, 0.0, (), ())
    shown = PlaceContents(replace(answer, photos=9), arrange_answer((), Arrangement()), {}, is_ranked=True)
    assert empty_message(Place("is:square"), shown, "square", "complete").sentence == ""
    assert "fewer words" in empty_message(Place("dog is:square"), shown, "dog", "complete").sentence
    narrow = replace(shown, answer=replace(answer, filters=(Filter(4, 13, "shape", "square", 0),)))
    assert empty_message(Place("dog is:square"), narrow, "dog", "complete").sentence == ""


@pytest.mark.parametrize(
    ("typed", "other", "is_more"),
    [
        ({"strong": 2, "weaker": 9}, {"strong": 3}, True),
        ({"strong": 2, "weaker": 9}, {"strong": 2, "weaker": 10}, True),
        ({"strong": 2, "weaker": 1}, {"strong": 1, "weaker": 10}, False),
        ({"strong": 2}, {"strong": 2}, False),
        ({}, {"none": 5}, False),
        ({None: 2}, {None: 2}, True),  # without calibration nobody knows
    ],
)
def test_a_correction_finds_more_if_more_is_sure_or_as_much_and_more_at_all(photos, typed, other, is_more):
    library = ShelfLibrary(photos(20))
    library.matches = lambda query: [
        match for match, count in (typed if query == "dgo" else other).items() for _ in range(count)
    ]
    assert finds_more(library, Place("dgo"), parse("dog")) == is_more
    shown = PlaceContents(Answer("dgo", "", 9, 0.0, ()), arrange_answer((), Arrangement()), {})
    offered = better_search(library, Place("dgo"), shown, parse("dog"))
    assert offered == (parse("dog") if is_more else None)
    library.language = "de"
    assert better_search(library, Place("dgo"), shown, parse("dog")) == "de"
    translated = replace(
        shown, answer=replace(shown.answer, translation=Translation(parse("x"), "fr", (), ()))
    )
    assert better_search(library, Place("dgo"), translated, None) is None


def test_a_query_whose_parts_were_all_left_out_is_not_quoted(desk, tmp_path):
    desk.library.faults = (QueryFault(0, 9, Message("“rated:” needs a number from 0 to 5.")),)
    desk.library.matches = certain(none=200)
    desk.type("rated:abc")
    desk.press(Qt.Key.Key_Return)
    desk.qtbot.waitUntil(lambda: "Nothing" in desk.page.closest.notice.words())
    assert desk.page.closest.notice.words() == "Nothing here matches.\n“rated:” needs a number from 0 to 5."
    desk.library.matches = certain(strong=200)
    desk.controller.go(Place("rated:abc", tmp_path))
    desk.qtbot.waitUntil(lambda: desk.title() != "")
    assert desk.title().startswith(f"\u2068{tmp_path.name}\u2069 · 200 strong")


@pytest.mark.parametrize("end", [Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Tab])
def test_a_filter_that_is_still_typed_keeps_the_former_answer_until_it_is_finished(desk, end):
    desk.page.activateWindow()
    desk.ask("dog")
    before = desk.ids()
    desk.library.faults = (QueryFault(4, 9, Message("“in:” needs a time.")),)
    desk.library.matches = certain(none=200)
    desk.box.activateWindow()
    desk.box.line.setFocus()
    desk.qtbot.waitUntil(desk.box.line.hasFocus)
    desk.type(" in:su")
    desk.qtbot.waitUntil(lambda: desk.controller._held is not None and desk.library.asked[-1] == "dog in:su")
    desk.controller._quiet.setInterval(1)
    with desk.qtbot.waitSignal(desk.controller._quiet.timeout):
        desk.controller._quiet.start()
    assert (desk.ids(), desk.controller.place.words) == (before, "dog")
    desk.press(end)
    desk.qtbot.waitUntil(lambda: "needs a time" in desk.page.closest.notice.words())


@pytest.mark.parametrize("typed", ["in:", "zyx -folder:", 'folder:"Zan'])
def test_a_filter_without_its_value_is_not_said_to_match_nothing_until_enter(desk, typed):
    desk.page.activateWindow()
    desk.ask("dog")
    before = desk.ids()
    desk.library.matches = certain(none=200)
    desk.controller._quiet.setInterval(1)
    desk.box.set_text("")
    desk.box.activateWindow()
    desk.box.line.setFocus()
    desk.qtbot.waitUntil(desk.box.line.hasFocus)
    desk.type(typed)
    desk.qtbot.waitUntil(lambda: desk.controller._held is not None and desk.library.asked[-1] == typed)
    desk.controller._speak()
    assert (desk.ids(), desk.controller.place.words) == (before, "dog")
    desk.press(Qt.Key.Key_Return)
    desk.qtbot.waitUntil(lambda: "Nothing" in desk.page.closest.notice.words())


def test_photos_that_a_new_model_has_not_read_are_not_called_missing(desk):
    desk.library.matches, desk.library.searched, desk.library.unread = certain(none=200), 0, 12
    desk.controller._quiet.setInterval(1)
    desk.ask("dog")
    notice = desk.page.notice
    assert notice.words().strip() == "12 photos must be read again by the new model."
    (button,) = [each for each in notice.findChildren(QPushButton) if each.isVisibleTo(notice)]
    with desk.qtbot.waitSignal(desk.controller.reading_requested):
        button.click()
    desk.controller.reading_began()
    assert notice.words().endswith("by the new model.\nThey appear here as they are read.")
    desk.qtbot.waitUntil(lambda: not notice.findChildren(QPushButton))
    desk.library.filters = lambda query: (Filter(4, 11, "time", "2031", 0),)
    desk.ask(" in:2031 ", "dog in:2031")
    assert desk.page.closest.notice.words().startswith("Nothing matches")


def test_enter_shows_at_once_that_nothing_matches(desk):
    desk.controller._quiet.setInterval(PATIENCE)  # ms: the pause in typing never comes
    desk.library.matches = certain(none=200)
    desk.type("unicycle")
    desk.qtbot.waitUntil(lambda: desk.controller._held is not None)
    desk.press(Qt.Key.Key_Return)
    assert not desk.page.closest.notice.isHidden()


def test_strong_matches_lie_above_the_fold_and_weaker_ones_below_it(desk):
    desk.library.matches = certain(strong=12, weaker=88, none=100)
    desk.ask("dog")
    assert desk.title() == "\u2068“dog”\u2069 · 12 strong · 88 weaker"
    assert len(desk.ids()) == 12
    fold = desk.view.fold
    assert fold.isVisible()
    assert fold.accessibleName() == "88 weaker matches"
    spoken = QAccessible.queryAccessibleInterface(fold).state()
    assert (spoken.expandable, spoken.expanded, spoken.collapsed) == (1, 0, 1)
    before = [desk.place_of(row) for row in range(12)]
    fold.click()
    assert len(desk.ids()) == 100
    assert [desk.place_of(row) for row in range(12)] == before
    strong, weaker = (desk.place_of(row) for row in (0, 20))
    assert weaker.height() < strong.height()
    assert QAccessible.queryAccessibleInterface(fold).state().expanded
    desk.ask("gy", "doggy")
    assert len(desk.ids()) == 100  # as the person left it
    desk.view.fold.click()
    assert len(desk.ids()) == 12


@pytest.mark.parametrize(("strong", "is_open"), [(3, True), (90, False)])
def test_weaker_matches_are_open_where_strong_ones_fill_less_than_a_screen(desk, strong, is_open):
    desk.controller._arrangement = Arrangement()
    desk.library.matches = certain(strong=strong, weaker=10, none=100)
    desk.ask("dog")
    assert (len(desk.ids()) == strong + 10) == is_open
    assert desk.view.fold.isVisible()
    desk.view.fold.click()
    assert (len(desk.ids()) == strong + 10) != is_open
    desk.ask("gy", "doggy")
    assert (len(desk.ids()) == strong + 10) != is_open  # as the person left it


def test_weaker_matches_are_open_after_a_search_without_a_match_too(desk):
    desk.controller._arrangement = Arrangement()
    desk.controller._quiet.setInterval(1)
    desk.library.matches = certain(none=200)
    desk.ask("unicycle")
    desk.qtbot.waitUntil(lambda: desk.view.height() < desk.page.height() / 2)  # one row of the closest photos
    desk.library.matches = certain(strong=9, weaker=9)
    desk.go(Place("dog"))
    assert len(desk.ids()) == 18


def test_photos_found_by_name_lie_between_strong_matches_and_the_fold(desk):
    desk.library.matches, desk.library.named = certain(strong=3, weaker=10, none=187), (1, 5, 20)
    desk.ask("dog")
    assert desk.title() == "\u2068“dog”\u2069 · 3 strong · 2 by name or words · 9 weaker"
    assert desk.ids() == [0, 1, 2, 5, 20]
    assert desk.view.fold.accessibleName() == "9 weaker matches"
    desk.library.matches = certain(none=200)
    desk.ask("gy", "doggy")
    assert (desk.title(), desk.ids()) == ("\u2068“doggy”\u2069 · 3 by name or words", [1, 5, 20])
    assert desk.page.closest.notice.isHidden()


def test_the_keyboard_reaches_the_fold_and_goes_on_behind_it(desk):
    desk.library.matches = certain(strong=3, weaker=30, none=100)
    desk.ask("dog")
    desk.view.setFocus()
    desk.choose(1)
    desk.qtbot.keyClick(desk.view, Qt.Key.Key_Down)
    assert desk.page.focusWidget() is desk.view.fold
    desk.qtbot.keyClick(desk.view.fold, Qt.Key.Key_Return)
    desk.qtbot.keyClick(desk.view.fold, Qt.Key.Key_Down)
    assert desk.view.currentIndex().row() == 3
    desk.view.fold.setFocus()
    desk.qtbot.keyClick(desk.view.fold, Qt.Key.Key_Up)
    assert desk.view.currentIndex().row() == 2


def test_without_strong_matches_the_weaker_ones_are_shown_and_announced_after_a_pause(desk):
    desk.library.matches = certain(weaker=88, none=100)
    desk.ask("dog")
    assert len(desk.ids()) == 88
    assert desk.view.fold.isHidden()
    desk.qtbot.waitUntil(lambda: desk.title().endswith("· nothing certain, 88 weaker matches"))


def test_parts_of_a_query_that_were_left_out_are_reported(desk):
    desk.library.faults = (
        QueryFault(0, 3, Message("“rated:” needs a number from 0 to 5. The rest was searched.")),
    )
    desk.ask("rated: dog")
    asked, _between, found = desk.title().rpartition(" · ")
    assert "rated: dog" in asked
    assert found.startswith("the best ")
    assert desk.page.fault.words.text() == str(desk.library.faults[0].message)
    spoken = announcement(desk.controller.place, desk.controller.shown, asked, "complete")
    assert spoken.endswith(str(desk.library.faults[0].message))
    desk.page.resize(300, 600)
    assert desk.page.fault.rect().contains(desk.page.fault.words.geometry())
    assert str(desk.library.faults[0].message) in desk.page.fault.words.toolTip()
    desk.library.faults = ()
    desk.ask(" beach", "rated: dog beach")
    assert desk.page.fault.isHidden()


def test_a_search_that_waits_for_the_model_is_announced(desk):
    desk.library.is_ready = False
    gate = desk.library.gates["dog"] = threading.Event()
    desk.type("dog")
    desk.qtbot.waitUntil(lambda: desk.title().startswith("Getting ready to search by meaning."))
    gate.set()
    desk.shows("dog")
    assert not desk.controller._asker._slow.isActive()
    assert "Getting ready" not in desk.title()


def test_a_search_that_fails_gives_its_reason_in_one_sentence(desk):
    desk.library.fails = True
    desk.type("dog")
    desk.qtbot.waitUntil(desk.page.notice.isVisible)
    assert "The library is damaged." in desk.page.notice.words()


def test_photos_that_arrive_are_appended_while_one_is_at_the_top(desk, photos):
    desk.library.shelf = [*photos(5, first=900), *desk.library.shelf]
    desk.controller.photos_arrived()
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 205)
    assert desk.ids()[:3] == [0, 1, 2]
    assert desk.page.pill.isHidden()


def test_photos_that_arrive_while_earlier_ones_are_looked_up_do_not_put_these_off(desk, photos):
    desk.library.asked.clear()
    desk.library.gates[""] = gate = threading.Event()
    desk.library.shelf = [*photos(5, first=900), *desk.library.shelf]
    desk.controller.photos_arrived()
    desk.qtbot.waitUntil(lambda: desk.library.asked == [""])
    for batch in range(3):
        desk.library.shelf = [*photos(1, first=950 + batch), *desk.library.shelf]
        desk.controller.photos_arrived()
        QApplication.processEvents()
    gate.set()
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 208)
    assert desk.library.asked == [""]


def test_photos_that_arrive_while_one_is_further_down_wait_in_the_pill(desk, photos):
    desk.view.verticalScrollBar().setValue(800)
    desk.library.shelf = [*photos(14, first=900), *desk.library.shelf]
    desk.controller.photos_arrived()
    desk.qtbot.waitUntil(desk.page.pill.isVisible)
    assert desk.page.pill.text() == "14 new photos · Show"
    assert len(desk.ids()) == 200
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        desk.page.pill.click()
    assert desk.ids()[0] == 900
    assert desk.view.at_top()
    assert desk.page.pill.isHidden()


def test_while_an_answer_is_shown_new_photos_that_match_wait_in_the_pill(desk, photos):
    desk.library.shelf = desk.library.shelf[:20]
    desk.ask("dog")
    before = desk.ids()
    desk.library.shelf += photos(10, first=900)
    desk.controller.photos_arrived()
    desk.qtbot.waitUntil(desk.page.pill.isVisible)
    assert desk.page.pill.text() == "5 new photos match · Show"
    assert desk.ids() == before


def test_photos_that_are_gone_leave_the_wall_and_the_rest_stays_where_it_is(desk):
    desk.choose(120)
    top = desk.view.visualRect(desk.view.currentIndex()).top()
    desk.library.shelf = [photo for photo in desk.library.shelf if photo.id != 30]
    desk.controller.photos_arrived()
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 199)
    assert desk.view.current_photo().id == 120
    assert desk.view.visualRect(desk.view.currentIndex()).top() == top


def test_an_edited_photo_stays_the_current_and_a_selected_one(desk):
    model = desk.view.model()
    desk.view.setCurrentIndex(model.index(30, 0))
    for row in (29, 30):
        desk.view.selectionModel().select(model.index(row, 0), QItemSelectionModel.SelectionFlag.Select)
    edited = [replace(photo, id=930 if photo.id == 30 else photo.id) for photo in desk.library.shelf]
    desk.library.shelf = edited[30:] + edited[:30]
    desk.controller.photos_arrived()
    desk.qtbot.waitUntil(lambda: 930 in desk.ids())
    assert desk.view.current_photo().id == 930
    assert {photo.id for photo in desk.view.selected_photos()} == {29, 930}


def test_in_a_search_only_photos_that_left_the_library_are_gone(photos):
    library, place, listing = ShelfLibrary(photos(20)), Place("dog"), AllPhotos()
    library.matches = certain(strong=9)
    shown = contents_of(library, place, Arrangement(), listing)
    library.matches = certain(strong=8)
    assert not compare(library, place, shown, Arrangement(), listing).is_outdated
    library.shelf = library.shelf[1:]
    assert compare(library, place, shown, Arrangement(), listing).is_outdated


@pytest.mark.parametrize(("words", "strong"), [("", 0), ("dog", 5), ("dog", 0)])
def test_a_photo_whose_file_moved_or_lost_its_companion_is_shown_as_it_is_now(desk, words, strong):
    desk.library.matches = certain(strong=strong, none=9)  # without a match the closest photos are shown
    if words:
        desk.ask(words)
    desk.choose(desk.ids().index(2))
    for change in ({"companions": ("raw",)}, {"companions": (), "path": Path("/photos/sea.jpg")}):
        shelf = desk.library.shelf
        desk.library.shelf = [replace(each, **change) if each.id == 2 else each for each in shelf]
        desk.controller.photos_arrived()
        desk.qtbot.waitUntil(lambda now=desk.library.shelf[2]: desk.view.current_photo().path == now.path)
        desk.qtbot.waitUntil(lambda: desk.view.current_photo().companions == desk.library.shelf[2].companions)


def test_after_a_run_photos_take_their_order_unless_one_is_current(desk, photos):
    desk.library.shelf = [*photos(3, first=900), *desk.library.shelf]
    desk.controller.settle(complete=True)
    desk.qtbot.waitUntil(lambda: desk.ids()[:3] == [900, 901, 902])
    desk.choose(5)
    desk.library.shelf = [*photos(2, first=800), *desk.library.shelf]
    desk.controller.settle(complete=True)
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 205)
    assert desk.ids()[:3] == [900, 901, 902]


def test_at_the_top_the_newest_photos_are_in_sight_after_a_run(desk, photos):
    desk.choose(5)
    desk.view.clearSelection()
    desk.box.line.setFocus()
    desk.view.verticalScrollBar().setValue(4)
    assert desk.view.at_top()
    desk.library.shelf = [*photos(60, first=900), *desk.library.shelf]
    desk.controller.settle(complete=True)
    desk.qtbot.waitUntil(lambda: desk.ids()[0] == 900)
    assert desk.view.at_top()
    assert desk.view.current_photo().id == 5


def test_an_empty_library_is_called_empty(desk):
    desk.library.shelf = []
    desk.type("dog")
    desk.qtbot.waitUntil(desk.page.notice.isVisible)
    assert "No photos yet." in desk.page.notice.words()


def test_a_folder_with_a_windows_path_shows_its_photos(desk):
    trips = PureWindowsPath("C:\\Pictures\\Trips")
    paths = [folder / "a.jpg" for folder in (trips, trips / "Lisbon", trips.with_name("Trips 2"))]
    photos = zip(desk.library.shelf, paths, strict=False)
    desk.library.shelf = [replace(photo, path=path) for photo, path in photos]
    desk.controller.go(Place(folder=trips))
    desk.qtbot.waitUntil(lambda: desk.controller.place.folder == trips)
    assert desk.ids() == [0, 1]


def test_a_search_in_a_folder_stays_there_and_names_it(desk):
    folder = desk.library.shelf[0].path.parent
    desk.go(Place(folder=folder))
    short = headline(desk.controller.place, desk.controller.shown, "", 0, paused=True)[1]
    assert (
        desk.title() == f"\u2068photos\u2069 · {short}"
    )  # the count stays where a selection leaves little room
    assert short.endswith(" photos")
    desk.library.matches = certain(strong=4, none=9)
    desk.ask("dog")
    assert desk.controller.place == Place("dog", folder=folder)
    assert desk.title() == "\u2068“dog”\u2069 in \u2068photos\u2069 · 4 strong"
    desk.press(Qt.Key.Key_Escape)
    desk.shows("")
    assert desk.controller.place == Place(folder=folder)


def test_a_search_from_a_page_without_photos_shows_its_folder_as_a_chip(desk):
    folder = desk.library.shelf[0].path.parent
    desk.go(Place(folder=folder))
    desk.controller.clear_box()
    assert desk.box.chips() == []
    desk.ask("dog")
    (chip,) = desk.box.chips()
    assert (desk.controller.place.folder, chip.words) == (folder, "In photos")
    desk.box.remove(chip)
    desk.qtbot.waitUntil(lambda: desk.controller.place == Place("dog"))
    assert desk.box.chips() == []


def test_where_nothing_matches_only_ways_out_that_have_results_are_offered(desk, tmp_path):
    def filters(query):
        time, folder = Filter(4, 11, "time", "2019", 7), Filter(11, 11, "folder", "Trips", 3)
        return (time,) * ("in:2019" in query) + (folder,) * ("folder:" in query)

    def matches(query):
        return ["none"] * 9 if "folder:" in query else ["strong"] * 14

    desk.library.filters, desk.library.matches = filters, matches
    desk.go(Place(folder=tmp_path))
    desk.type("dog in:2019")
    desk.qtbot.waitUntil(lambda: not desk.page.closest.notice.isHidden())
    buttons = {button.text(): button for button in desk.page.closest.findChildren(QPushButton)}
    assert list(buttons)[-2:] == ["Search all photos: 14 strong", "All photos"]
    assert not any("2019" in words for words in buttons)
    buttons["Search all photos: 14 strong"].click()
    desk.qtbot.waitUntil(lambda: desk.controller.place == Place("dog in:2019"))
    assert desk.title().endswith("· 14 strong")


def test_a_query_of_facts_alone_is_ordered_as_all_photos_are(desk):
    desk.library.filters = lambda query: (Filter(0, len(query), "time", "2020", 9),)
    desk.library.undated, desk.library.is_meant = 7, False
    desk.ask("in:2020")
    assert len(desk.ids()) == 100
    assert desk.title() == "\u20682020\u2069 · 100 photos · 7 without a date"
    assert desk.page.header.order.text() == "Sort: Date"
    assert desk.view.scrubber.marks() == []


def test_another_order_shows_strong_photos_and_the_next_search_lies_by_match_again(desk):
    desk.library.matches = certain(strong=12, weaker=88, none=100)
    desk.ask("dog")
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        desk.page.header.order_chosen.emit(Order.DATE)
    assert desk.page.header.weaker.text() == "Include weaker (88)"
    assert len(desk.ids()) == 12
    desk.page.header.weaker.click()
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 100)
    assert desk.view.model().wall.marked
    desk.ask("gy", "doggy")
    assert desk.page.header.order.text() == "Sort: Match"
    assert desk.view.model().wall.fold.is_open is False
    desk.view.fold.click()
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        desk.page.header.order_chosen.emit(Order.FOLDER)
    assert len(desk.ids()) == 12  # an open fold includes nothing here


def test_of_an_answer_that_is_only_ordered_the_best_lie_by_match_alone(desk):
    desk.ask("dog")
    best = desk.ids()
    assert desk.title().endswith(
        "the best 100 of 200 photos, only ordered: this model cannot tell which of them match"
    )
    assert not desk.page.header.order.isVisible()
    desk.controller.go(Place("dog", order=Order.DATE))
    desk.qtbot.waitUntil(lambda: desk.controller.place.order is Order.DATE)
    assert desk.ids() == best


def test_copies_of_a_picture_have_one_place_until_its_plate_is_pressed(desk):
    desk.library.copies = {3: 3, 7: 3, 8: 3}
    desk.controller.settle(complete=True)
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 198)
    assert desk.title() == "198 shown, 200 with copies"
    row = desk.view.model().wall.rows[7]
    assert desk.ids()[row] == 3

    def press_plate():
        plate = plate_of(desk.place_of(row), desk.view, 3)
        desk.qtbot.mouseClick(desk.view.viewport(), Qt.MouseButton.LeftButton, pos=plate.center())

    press_plate()
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 200)
    assert desk.ids()[row : row + 3] == [3, 7, 8]
    assert desk.view.current_photo().id == 3
    press_plate()
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 198)


def test_a_half_typed_word_is_searched_completed_until_enter_and_shown_as_typed(desk):
    desk.library.words = {"eleph": "elephant", "elepha": "elephant"}
    desk.type("eleph")
    desk.qtbot.waitUntil(lambda: desk.library.asked[-1] == "elephant")
    desk.shows("eleph")
    assert desk.title().startswith("\u2068“eleph”\u2069 · ")
    assert desk.box.text() == "eleph"
    desk.type(" ")
    desk.qtbot.waitUntil(lambda: desk.library.asked[-1] == "eleph")
    desk.press(Qt.Key.Key_Backspace)
    desk.type("a")
    desk.qtbot.waitUntil(lambda: desk.library.asked[-1] == "elephant")
    desk.shows("elepha")
    desk.press(Qt.Key.Key_Return)
    desk.qtbot.waitUntil(lambda: desk.library.asked[-1] == "elepha")


def test_the_header_leaves_out_faulty_parts_and_names_a_time_as_its_chip_does(desk):
    fault = QueryFault(4, 13, Message("“rated:” needs a number from 0 to 5. The rest was searched."))
    desk.library.faults = (fault,)
    desk.library.filters = lambda _query: (
        Filter(14, 24, "time", "July 2020", 9),
        Filter(25, 36, "time", "Summer 2019", 9, recognised=True),
    )
    desk.controller.go(Place("dog rated:abc in:2020-07 summer 2019"))
    desk.shows("dog rated:abc in:2020-07 summer 2019")
    asked = desk.title().partition(" · ")[0]
    assert asked == "\u2068“dog”\u2069, \u2068Summer 2019\u2069, \u2068July 2020\u2069"
    assert [chip.words for chip in desk.box.chips()] == ["Summer 2019", "Rated abc", "July 2020"]
    assert desk.page.fault.words.text() == str(fault.message)


def test_less_like_this_is_one_more_chip_of_the_search(desk):
    desk.ask("dog")
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        disliked = desk.view.model().photo(3)
        desk.controller.less_like(disliked)
    assert desk.library.asked[-1] == f"dog -like:#{disliked.id}"


def test_a_stack_opens_to_all_its_photos_also_those_that_match_less_or_not(desk):
    desk.library.copies = stacks = {3: 3, 20: 3, 150: 3}
    desk.library.shelf = [replace(photo, stack=stacks.get(photo.id)) for photo in desk.library.shelf]
    desk.library.shelf[3] = replace(desk.library.shelf[3], companions=("raw",))
    desk.library.matches = certain(strong=12, weaker=88, none=100)
    desk.ask("dog")
    assert desk.title().endswith("12 strong · 87 weaker · 101 with copies")
    assert desk.view.model().wall.copies(3) == 3
    desk.view.stack_toggled.emit(3)
    desk.qtbot.waitUntil(lambda: len(desk.ids()) == 14)
    assert sorted(desk.ids()[3:6]) == [3, 20, 150]
    paired = [photo.id for photo in desk.view.model().wall.results if photo.companions]
    assert paired == [3]
    assert "14 strong" in desk.title()


def test_the_header_shows_a_translation_and_a_click_toggles_it(desk):
    translated = desk.page.header.translated
    desk.ask("dog in snow")
    assert not translated.isVisible()
    desk.library.translation = Translation(parse("dog in the snow"), "de", ("dog in the snow",), ("Rex",))
    desk.go(Place("Rex im Schnee"))
    assert translated.text() == "Searched as: \u2068dog in the snow\u2069 (unknown: Rex)"
    before = desk.ids()
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        desk.qtbot.mouseClick(translated, Qt.MouseButton.LeftButton)
    assert (desk.controller.place.as_typed, desk.box.text()) == (True, "Rex im Schnee")
    assert translated.text() == "Searched as typed. Translate"
    with desk.qtbot.waitSignal(desk.controller.place_changed):
        desk.qtbot.mouseClick(translated, Qt.MouseButton.LeftButton)
    assert translated.text().startswith("Searched as: ")
    assert desk.ids() == before
    desk.library.translation = replace(desk.library.translation, readings=("dog -leash", "cat -leash"))
    desk.go(Place("Hund | Katze -Leine"))  # no alternative that was searched is missing from the line
    assert translated.text().startswith("Searched as: \u2068dog -leash | cat -leash\u2069")

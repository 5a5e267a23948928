"""What is offered while one types."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QWidget
from tests.app.window.conftest import wait_until_indexed

from picsight.settings import Settings
from picsight.window.parts.labels import ElidedLabel
from picsight.window.search.box import SearchBox
from picsight.window.search.suggestions import SearchSuggestions
from picsight_engine.language.query import parse
from picsight_engine.suggesting.suggestions import Suggestion, Suggestions


class Searches:
    def __init__(self):
        self.remembered = []

    def remember(self, query):
        self.remembered.append(query)


class Catalogue:
    """Suggests two things for every text, and notes what was asked."""

    def __init__(self):
        self.asked, self.searches, self.gate = [], Searches(), threading.Event()
        self.completed, self.is_whole = None, False
        self.gate.set()

    def suggestions(self, text, cursor=None):
        self.asked.append((text.text, cursor))
        self.gate.wait(60)
        items = (
            Suggestion("season", "Summer 2020", "in:summer-2020 ", 11),
            Suggestion("word", "summer", "summer"),
        )
        return Suggestions(
            items, self.completed or text, parse("summer") if text.text == "sumer" else None, self.is_whole
        )


@pytest.fixture
def desk(qtbot, jobs):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(800, 500)
    box = SearchBox(window)
    box.resize(700, 40)
    title = ElidedLabel(window)
    title.setGeometry(0, 44, 700, 24)
    suggestions, library = SearchSuggestions(box, jobs, title, window), Catalogue()
    suggestions.library = library
    window.show()
    box.line.setFocus()
    qtbot.waitUntil(box.line.hasFocus)
    return qtbot, box, suggestions, library


def test_offers_appear_from_the_second_letter_on_with_no_row_chosen(desk):
    qtbot, box, suggestions, library = desk
    qtbot.keyClicks(box.line, "s")
    assert library.asked == []
    qtbot.keyClicks(box.line, "u")
    qtbot.waitUntil(suggestions.list.isVisible)
    assert library.asked == [("su", 2)]
    assert suggestions.list.chosen is None
    index = suggestions.list.model().index(0, 0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "Summer 2020, Season, 11 photos"


@pytest.mark.parametrize("take", [Qt.Key.Key_Tab, Qt.Key.Key_Return])
def test_down_enters_the_list_and_tab_or_enter_takes_a_row(desk, take):
    qtbot, box, suggestions, _ = desk
    qtbot.keyClicks(box.line, "su")
    qtbot.waitUntil(suggestions.list.isVisible)
    qtbot.keyClick(box.line, Qt.Key.Key_Down)
    assert suggestions.list.chosen.words == "Summer 2020"
    qtbot.keyClick(box.line, take)
    assert not suggestions.list.isVisible()
    assert box.text() == "in:summer-2020"
    assert box.line.hasFocus()


def test_a_later_answer_keeps_the_chosen_row(desk):
    qtbot, box, suggestions, library = desk
    library.is_whole = True
    qtbot.keyClicks(box.line, "su")
    suggestions.show_query("su", has_answers=False)
    qtbot.waitUntil(suggestions.list.isVisible)
    qtbot.keyClick(box.line, Qt.Key.Key_Down)
    suggestions.show_query("su", has_answers=False)
    suggestions.show_query("su", has_answers=True)
    assert suggestions.list.chosen.words == "Summer 2020"
    qtbot.keyClicks(box.line, "m")
    assert suggestions.list.chosen is None


def test_escape_closes_the_list_before_it_empties_the_words(desk):
    qtbot, box, suggestions, _ = desk
    qtbot.keyClicks(box.line, "su")
    qtbot.waitUntil(suggestions.list.isVisible)
    qtbot.keyClick(box.line, Qt.Key.Key_Escape)
    assert (suggestions.list.isVisible(), box.text()) == (False, "su")
    qtbot.keyClick(box.line, Qt.Key.Key_Escape)
    assert box.text() == ""


def test_enter_without_a_row_searches_and_stores_the_search(desk):
    qtbot, box, suggestions, library = desk
    qtbot.keyClicks(box.line, "su")
    qtbot.waitUntil(suggestions.list.isVisible)
    with qtbot.waitSignal(box.submitted):
        qtbot.keyClick(box.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: library.searches.remembered == ["su"])


def test_after_enter_a_correction_is_offered_and_no_list(desk):
    qtbot, box, suggestions, library = desk
    library.gate.clear()
    qtbot.keyClicks(box.line, "sumer")
    qtbot.keyClick(box.line, Qt.Key.Key_Return)
    with qtbot.waitSignal(
        suggestions.correction_changed, check_params_cb=lambda meant: meant == parse("summer")
    ):
        library.gate.set()
    assert not suggestions.list.isVisible()


def test_looking_at_an_answer_for_a_while_stores_the_search(desk):
    qtbot, _, suggestions, library = desk
    suggestions.show_query("dog")
    suggestions._history_due.setInterval(1)
    qtbot.waitUntil(lambda: library.searches.remembered == ["dog"])
    suggestions.show_query("")
    assert not suggestions._history_due.isActive()


def test_a_list_that_comes_after_the_box_was_left_is_not_shown(desk):
    qtbot, box, suggestions, library = desk
    library.gate.clear()
    qtbot.keyClicks(box.line, "su")
    box.line.clearFocus()
    library.gate.set()
    qtbot.waitUntil(lambda: len(library.asked) == 1)
    qtbot.wait(1)
    assert not suggestions.list.isVisible()


def test_a_whole_word_is_offered_something_only_where_it_has_no_answers(desk):
    qtbot, box, suggestions, library = desk
    library.is_whole = True
    with qtbot.waitSignal(suggestions.correction_changed):
        qtbot.keyClicks(box.line, "summer")
    qtbot.waitUntil(lambda: library.asked[-1:] == [("summer", 6)])
    qtbot.waitUntil(lambda: suggestions._found is not None)
    assert not suggestions.list.isVisible()
    suggestions.show_query("summer", has_answers=False)
    assert suggestions.list.isVisible()
    suggestions.show_query("summer", has_answers=True)
    assert not suggestions.list.isVisible()


def test_a_completion_is_offered_as_a_correction_after_a_pause(desk):
    qtbot, box, suggestions, library = desk
    library.completed = parse("hundred")
    with qtbot.waitSignal(
        suggestions.correction_changed, check_params_cb=lambda meant: meant == parse("hundred")
    ):
        qtbot.keyClicks(box.line, "hund")


def test_the_list_covers_no_photo_and_a_click_on_the_correction_searches_it(
    qtbot, model_window, small_library
):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    box, correction = window.frame.box, window.frame.wall_page.header.offered
    offered, wall = window.suggestions.list, window.frame.grid
    box.line.setFocus()
    qtbot.keyClicks(box.line, "bea")
    qtbot.waitUntil(lambda: offered.isVisible() and window.search.place.words == "bea")
    places = [QRect(part.mapToGlobal(QPoint()), part.size()) for part in (offered, wall, box)]
    assert not any(places[0].intersects(place) for place in places[1:])
    assert 0 < len(offered.items()) <= 5
    qtbot.keyClicks(box.line, "ch")
    qtbot.waitUntil(lambda: window.search.place.words == "beach" and not offered.isVisible())
    box.put("")
    qtbot.keyClicks(box.line, "airplne")
    qtbot.waitUntil(lambda: not correction.isHidden())
    assert correction.text() == "Did you mean \u2068“airplane”\u2069?"
    correction.click()
    assert box.text() == "airplane"
    qtbot.waitUntil(lambda: window.search.place.words == "airplane")
    qtbot.waitUntil(correction.isHidden)


def test_a_language_of_the_words_that_is_not_set_is_offered_and_a_click_sets_it(
    qtbot, model_window, small_library
):
    window = model_window(copy=small_library, settings=Settings(languages="en"))
    wait_until_indexed(qtbot, window)
    header = window.frame.wall_page.header
    window.frame.box.put("Hund im Schnee")
    qtbot.waitUntil(lambda: header.offered.text() == "Search in German" and not header.offered.isHidden())
    header.offered.click()
    qtbot.waitUntil(lambda: header.translated.text() == "Searched as: \u2068dog in the snow\u2069")
    assert window._store.settings.languages == "de"
    qtbot.waitUntil(header.offered.isHidden)

"""Why a photo matched, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint

from picsight.window.details.links import FactLink
from picsight.window.details.photo_facts import reasons_of
from picsight.window.search.place import Place
from picsight_engine.bundles.commonness import commonness
from picsight_engine.search.answer import TermScore


@pytest.fixture
def manifest(bundle):
    return bundle.manifest


def strengths(terms, manifest):
    return [reason.rpartition(": ")[2] for reason in reasons_of(terms, manifest, 1000, str)]


def test_words_grow_with_the_score_and_are_as_strong_as_the_search_says(manifest):
    terms = [TermScore("zebra", score / 100) for score in range(100)]
    said = strengths(terms, manifest)
    assert list(dict.fromkeys(said)) == ["hardly", "weaker", "strong"]
    first = next(term.score for term, word in zip(terms, said, strict=True) if word == "strong")
    assert manifest.calibration.matches([first] * 5, 1000, commonness("zebra"))[0] == "strong"


def test_less_of_something_is_said_the_other_way_round(manifest):
    assert strengths([TermScore("-people", 0.9), TermScore("-people", -0.5)], manifest) == [
        "still there",
        "not seen",
    ]


def test_a_colour_that_the_words_name_is_a_reason_of_its_own(manifest):
    terms = [TermScore("colour:red", score) for score in (0.2, 0.7, 1.0)]
    assert strengths(terms, manifest) == ["hardly", "weaker", "strong"]
    assert reasons_of(terms, manifest, 1000, str)[0].startswith("Colour red: ")


def test_without_a_calibration_only_pictures_are_told_of(manifest):
    assert strengths(
        [TermScore("dog", 0.3), TermScore("like:#3", 0.9)], replace(manifest, calibration=None)
    ) == ["strong"]


def test_the_viewer_tells_why_and_hides_it_where_there_is_nothing_to_say(qtbot, model_window, few_photos):
    window = model_window([few_photos])
    qtbot.waitUntil(lambda: window.library.has_looked)
    page = window.frame.viewer_page
    window.pages.open_photo(0)
    assert page.why_act.isHidden()
    window.pages.close_viewer()
    window.pages.go(Place("face -people"))
    qtbot.waitUntil(lambda: window.search.place.is_search)
    window.pages.open_photo(0)
    qtbot.waitUntil(lambda: not page.why_act.isHidden())
    panel, why = window.frame.details, window.frame.details.why
    assert not why.isVisible()
    window.setMinimumHeight(0)  # as on a small screen with large letters
    window.resize(1000, 280)
    page.why_act.click()
    assert [link.detail.words.partition(":")[0] for link in why.findChildren(FactLink)] == [
        "face",
        "Less people",
    ]
    qtbot.waitUntil(why.isVisible)
    shown = panel.viewport().rect()
    qtbot.waitUntil(lambda: shown.contains(why.rect().translated(why.mapTo(panel, QPoint(0, 0)))))
    window.pages.close_viewer()
    window.pages.go(Place(min(few_photos.iterdir()).name))
    qtbot.waitUntil(lambda: [photo.found_by for photo in window.frame.model.wall.results] == ["name"])
    window.pages.open_photo(0)
    words = "Its names or keywords have the words."
    qtbot.waitUntil(lambda: words in [link.detail.words for link in why.findChildren(FactLink)])

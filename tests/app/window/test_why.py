"""Why a photo matched, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image, ImageDraw, ImageFont
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMessageBox
from tests.app.window.conftest import wait_until_indexed

from picsight.settings import SettingsStore
from picsight.window.details.photo_facts import reasons_of
from picsight.window.details.view import FactLink
from picsight.window.search.place import Place
from picsight_engine.bundles.commonness import commonness
from picsight_engine.search.answer import TermScore


@pytest.fixture
def manifest(bundle):
    return bundle.manifest


def strengths(terms, manifest):
    return [reason.rpartition(": ")[2] for reason in reasons_of(terms, manifest, 1000, str)]


def test_words_grow_with_the_score_and_agree_with_the_search(manifest):
    terms = [TermScore("zebra", score / 100) for score in range(100)]
    words = strengths(terms, manifest)
    assert list(dict.fromkeys(words)) == ["does not look like it", "looks a little like it", "looks like it"]
    first = next(term.score for term, word in zip(terms, words, strict=True) if word == "looks like it")
    assert manifest.calibration.matches([first] * 5, 1000, commonness("zebra"))[0] == "strong"


def test_an_excluded_term_is_described_by_its_absence(manifest):
    terms = [TermScore("-people", 0.9), TermScore("-people", -0.5)]
    assert strengths(terms, manifest) == ["seen in it", "not seen in it"]


def test_a_colour_that_the_words_name_is_a_reason_of_its_own(manifest):
    terms = [TermScore("colour:red", score) for score in (0.2, 0.7, 1.0)]
    hardly, some, much = strengths(terms, manifest)
    assert (hardly, some.split()[0], much.split()[0]) == ("hardly any in it", "some", "much")
    assert reasons_of(terms, manifest, 1000, str)[0].startswith("Colour red: ")


def test_a_photo_found_by_its_name_has_no_line_for_what_it_does_not_look_like(manifest):
    terms = [TermScore("dog", -0.5), TermScore("colour:red", 0.1), TermScore("-people", -0.5)]
    assert len(reasons_of(terms, manifest, 1000, str)) == 3
    assert reasons_of(terms, manifest, 1000, str, by_name=True) == ["Less people: not seen in it"]


def test_without_a_calibration_only_pictures_are_reasons(manifest):
    terms = [TermScore("dog", 0.3), TermScore("like:#3", 0.9)]
    assert strengths(terms, replace(manifest, calibration=None)) == ["looks like it"]


def test_the_viewer_explains_a_match_and_hides_the_button_without_one(
    qtbot, model_window, small_library, few_photos
):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    page = window.frame.viewer_page
    window.pages.open_photo(0)
    assert page.why_button.isHidden()
    window.pages.close_viewer()
    window.pages.go(Place("face -people"))
    qtbot.waitUntil(lambda: window.search.place.is_search)
    window.pages.open_photo(0)
    qtbot.waitUntil(lambda: not page.why_button.isHidden())
    panel, why = window.frame.details, window.frame.details.why
    assert not why.isVisible()
    window.setMinimumHeight(0)  # as on a small screen with large letters
    window.resize(1000, 280)
    page.why_button.click()
    reasons = [link.detail.words.partition(":")[0] for link in why.findChildren(FactLink)]
    assert reasons == ["face", "Less people"]
    qtbot.waitUntil(why.isVisible)
    shown = panel.viewport().rect()
    qtbot.waitUntil(lambda: shown.contains(why.rect().translated(why.mapTo(panel, QPoint(0, 0)))))
    window.pages.close_viewer()
    window.pages.go(Place(min(few_photos.iterdir()).name))
    qtbot.waitUntil(lambda: [photo.found_by for photo in window.frame.model.wall.results] == ["name"])
    window.pages.open_photo(0)
    words = "Its names or keywords have the words."
    qtbot.waitUntil(lambda: words in [link.detail.words for link in why.findChildren(FactLink)])


def test_words_in_a_picture_are_read_once_the_setting_says_so_and_named_as_the_reason(
    qtbot, model_window, tmp_path
):
    photos = tmp_path / "photos"
    photos.mkdir()
    picture = Image.new("RGB", (900, 600), "white")
    ImageDraw.Draw(picture).text((90, 90), "INV-2041", font=ImageFont.load_default(60), fill="black")
    picture.save(photos / "bill.png")
    window = model_window(add=[photos])
    wait_until_indexed(qtbot, window)
    SettingsStore(tmp_path / "library.toml").change(read_words=True)
    window.read_settings()
    window.library.index()
    wait_until_indexed(qtbot, window)
    window.pages.go(Place("inv-2041"))
    qtbot.waitUntil(lambda: [photo.found_by for photo in window.frame.model.wall.results] == ["words"])
    assert not window.hint._is_weak()  # no better model would find it
    row = window.frame.model.index(0, 0)
    assert "found by words in the picture, INV-2041" in row.data(Qt.ItemDataRole.AccessibleTextRole)
    window.pages.open_photo(0)
    panel, words = window.frame.details, "Written in the picture: INV-2041"
    qtbot.waitUntil(lambda: words in [link.detail.words for link in panel.why.findChildren(FactLink)])
    window.frame.show_details(shown=True)
    qtbot.waitUntil(lambda: panel.texts["written"].text() == "INV-2041")
    qtbot.mouseClick(panel.forget, Qt.MouseButton.LeftButton)
    question = window.frame.findChild(QMessageBox)
    question.buttons()[0].click()
    qtbot.waitUntil(lambda: "Forgot what was read in 1 photo." in window.frame.status.words())
    qtbot.waitUntil(lambda: not panel.forget.isVisible())
    assert b"inv-2041" not in b"".join(
        path.read_bytes() for path in (tmp_path / "library").glob("library.db*")
    )

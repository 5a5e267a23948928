"""Numbers, durations, dates and names as people say them."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from PySide6.QtCore import QDate, QDateTime, QLocale
from PySide6.QtGui import QFontMetrics

from picsight.window.details.photo_facts import LESS, LOOKS, SHARE
from picsight.window.models.rows import SPOKEN, ModelAction
from picsight.window.parts.badges import BESIDE
from picsight.window.parts.words import (
    counted,
    cut_middle,
    duration,
    english_of,
    first_of,
    short_path,
    since,
    size,
    taken_words,
)
from picsight.window.problems.model import REASONS
from picsight.window.search.suggestions import _LOOKS
from picsight.window.search.wording import _FACTS
from picsight.window.tags.wording import _SURE
from picsight_engine.language.query import TOO_MANY


@pytest.fixture(autouse=True)
def english():
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (812, "812 bytes"),
        (9_400, "9.4 kB"),
        (512_000, "512 kB"),
        (2_100_000, "2.1 MB"),
        (215_000_000, "215 MB"),
        (1_500_000_000, "1.5 GB"),
        (12_300_000_000, "12 GB"),
    ],
)
def test_a_size_below_ten_of_its_unit_has_one_digit_more(count, words):
    assert size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "under a minute"),
        (29, "under a minute"),
        (60, "about a minute"),
        (8 * 60, "about 8 minutes"),
        (24 * 60, "about 25 minutes"),
        (60 * 100, "about 2 hours"),
        (3600 * 3, "about 3 hours"),
    ],
)
def test_a_duration_is_rounded_as_coarsely_as_it_is_known(seconds, words):
    assert duration(seconds) == words


def test_the_first_of_many_reasons_is_given_and_the_rest_counted():
    sentences = [first_of(["It is full."] * count, "One more.", "%n more.") for count in (0, 1, 2, 1201)]
    assert sentences == ["", "It is full.", "It is full. One more.", "It is full. 1,200 more."]
    assert counted(48210, "%n photo", "%n photos") == "48,210 photos"


def test_a_date_is_written_in_the_time_zone_of_the_photo():
    assert taken_words("2020-07-18T17:42:00+09:00") == "18 Jul 2020, 17:42"
    assert taken_words("2020-07-18T17:42:00") == "18 Jul 2020, 17:42"
    assert taken_words(None) == taken_words("yesterday") == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "just now"),
        (90, "a minute ago"),
        (7200, "2 hours ago"),
        (86_400, "yesterday"),
        (86_400 * 3, "3 days ago"),
    ],
)
def test_a_time_less_than_a_week_ago_is_relative(seconds, words):
    now = QDateTime.currentDateTime()
    assert since(now.addSecs(-seconds), now) == words


def test_an_older_time_is_a_date():
    now = QDateTime.fromString("2026-05-20T12:00:00", "yyyy-MM-ddTHH:mm:ss")
    assert since(now.addDays(-17), now) == "3 May 2026"


def test_a_long_name_is_cut_in_the_middle_so_that_its_ending_stays(qapp):
    metrics = QFontMetrics(qapp.font())
    cut = cut_middle("a" * 200 + ".jpg", metrics, 120)
    assert cut.endswith(".jpg")
    assert metrics.horizontalAdvance(cut) <= 120


def test_a_deep_path_keeps_its_first_and_its_last_two_parts():
    words = short_path(Path("/home/me/Pictures/2019/Lisbon/IMG_2041.jpg"))
    plain = words.replace("\u2068", "").replace("\u2069", "")
    assert plain == "home \u203a … \u203a Lisbon \u203a IMG_2041.jpg"


@pytest.mark.parametrize(
    ("system", "number"), [("ar_EG", "12,345"), ("fa_IR", "12,345"), ("de_DE", "12.345"), ("C", "12,345")]
)
def test_numbers_and_months_are_those_of_the_english_words_around_them(system, number):
    locale = english_of(QLocale(system))
    assert locale.toString(12_345) == number
    assert locale.toString(QDate(2026, 12, 24), "ddd d MMM yyyy") == "Thu 24 Dec 2026"


def test_texts_of_tables_are_translated(pseudo_catalogue):
    tables = REASONS, _FACTS, SPOKEN, BESIDE, _SURE
    wanted = {*chain(*(table.values() for table in tables)), *LOOKS, *LESS, *SHARE, TOO_MANY.template}
    wanted |= {each.value for each in ModelAction} | {kind for _, kind in _LOOKS.values()}
    assert [text for text in wanted - {""} if pseudo_catalogue.gettext(text) == text] == []

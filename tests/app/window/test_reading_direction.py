"""A mirrored page puts words on its other side, but keeps the order of a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from picsight.window.controls.buttons import Button, Emphasis
from picsight.window.controls.notice import FirstRun
from picsight.window.parts.labels import ElidedLabel, Label
from picsight.window.parts.words import isolated, reads_backwards


def ink(widget):
    """The empty columns before and after the words on a widget, and the darkness of those between."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = [bytes(image.constScanLine(y))[: image.width()] for y in range(image.height())]
    dark = np.array([list(row) for row in rows]).astype(float)
    dark = np.abs(dark - dark[0, 0]).sum(axis=0)
    written = np.flatnonzero(dark)
    return written[0], len(dark) - 1 - written[-1], dark[written[0] : written[-1] + 1]


def alike(here, there):
    """Whether two inks are the same, give or take a fraction of a pixel."""
    wide = np.convolve(here, np.ones(5)), np.convolve(there, np.ones(5))
    length = min(map(len, wide))
    return np.abs(wide[0][:length] - wide[1][:length]).sum() / wide[0].sum() < 0.25


@pytest.fixture
def seen(qtbot, qapp):
    """Paints a widget in a window that reads from left to right, and in a mirrored one."""

    def look(make):
        found = []
        for direction in (Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft):
            qapp.setLayoutDirection(direction)
            widget = make()
            qtbot.addWidget(widget)
            widget.resize(400, 30)
            found.append(ink(widget))
        return found

    yield look
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)


def label(kind, words):
    made = kind()
    made.setText(words)
    return made


@pytest.mark.parametrize("kind", [ElidedLabel, Label])
@pytest.mark.parametrize(
    "words",
    ["1,264 photos", "1,264 תמונות", f"{isolated('“dog”')} · 4 strong.", f"{isolated('“dog”')} · 4 תמונות."],
)
def test_a_mirrored_page_shows_the_same_sentence_on_its_other_side(seen, kind, words):
    (left, _, here), (_, right, there) = seen(lambda: label(kind, words))
    assert alike(here, there)
    assert abs(left - right) <= 2


def test_a_button_keeps_its_dots_behind_its_words(seen):
    (_, _, here), (_, _, there) = seen(lambda: Button("Add folders…", Emphasis.QUIET))
    assert alike(here, there)


@pytest.mark.parametrize("page", [False, True])
def test_names_alone_follow_each_other_as_the_page_reads_and_figures_as_everywhere(page):
    assert reads_backwards(f"{isolated('Trips')} / {isolated('תמונות')}", otherwise=page) is page
    assert not reads_backwards("100 %", otherwise=page)


def test_names_do_not_turn_the_sentence_in_which_they_stand():
    assert not reads_backwards(f"{isolated('תמונות')} is not connected.", otherwise=True)
    assert reads_backwards(f"{isolated('Trips')} לא מחובר", otherwise=False)


def test_the_signs_of_the_first_page_stand_before_their_sentences_in_both_directions(qtbot):
    page = FirstRun()
    qtbot.addWidget(page)
    page.resize(500, 400)
    here = page.grab().toImage()
    page.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    there = page.grab().toImage()
    accent = page.palette().accent().color().name()

    def most(image):
        """The middle of what is painted in the accent, above the button."""
        xs = [x for x in range(image.width()) for y in range(190) if image.pixelColor(x, y).name() == accent]
        return sum(xs) / len(xs)

    assert most(here) < page.width() / 4
    assert most(there) > page.width() * 3 / 4

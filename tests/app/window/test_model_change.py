"""Changing the model of an open window: searches go on, the new model's answers take their place, one can go back."""

from __future__ import annotations

import pytest

from picsight_engine.library import Library
from picsight_engine.models.bundle import open_bundle
from picsight_engine.models.parcel import open_parcel

PATIENCE = 30_000  # ms; worker processes start on a busy machine
STARTER = "picsight-starter"
WORDS = "a face of a person"


@pytest.fixture
def mine(models, parcel):
    """The name of an installed model that sees photos otherwise than the shipped one."""
    with open_parcel(parcel) as opened:
        return list(opened.unpack(models))[-1].manifest.name


@pytest.fixture
def best(real_photos, tmp_path, bundle):
    """The names that a model finds for the words, best first, in a library of its own."""

    def ask(model):
        with Library.open(tmp_path / model.manifest.name, model) as library:
            list(library.index([real_photos]))
            return [photo.path.name for photo in library.search(WORDS, limit=100).results]

    return ask


def names(window):
    return [photo.path.name for photo in window.frame.model.wall.results]


def wait_until_read(qtbot, window):
    qtbot.waitUntil(lambda: window.library.has_looked and not window.library.is_indexing, timeout=PATIENCE)


def search(qtbot, window):
    qtbot.keyClicks(window.frame.box.line, WORDS)
    qtbot.waitUntil(lambda: window.search.place.words == WORDS, timeout=PATIENCE)


def test_a_standing_search_is_asked_again_when_the_change_is_complete_and_when_one_goes_back(
    qtbot, model_window, models, mine, best, bundle, real_photos
):
    old, new = best(bundle), best(open_bundle(models.folder / mine))
    assert sorted(old) == sorted(new)
    assert old != new
    window = model_window([real_photos])
    wait_until_read(qtbot, window)
    search(qtbot, window)
    assert names(window) == old
    grid = window.frame.grid
    grid.setCurrentIndex(grid.model().index(5, 0))
    window.library.use_model(mine)
    qtbot.waitUntil(lambda: names(window) == new, timeout=PATIENCE)
    assert [photo.path.name for photo in grid.selected_photos()] == [old[5]]
    assert window.search.place.words == window.frame.box.text() == WORDS
    window.library.use_model(STARTER)
    qtbot.waitUntil(lambda: names(window) == old, timeout=PATIENCE)
    assert [photo.path.name for photo in grid.selected_photos()] == [old[5]]


def test_a_photo_that_is_looked_at_stays_when_its_place_among_the_answers_changes(
    qtbot, model_window, mine, real_photos
):
    window = model_window([real_photos])
    wait_until_read(qtbot, window)
    search(qtbot, window)
    old = names(window)
    window.frame.grid.open_requested.emit(5)
    window.library.use_model(mine)
    qtbot.waitUntil(lambda: names(window) != old, timeout=PATIENCE)
    assert window.viewer.photo.path.name == old[5]
    window.frame.viewer_page.step_requested.emit(1)
    new = names(window)
    assert window.viewer.photo.path.name == new[new.index(old[5]) + 1]

"""The model of an open window is changed: searches go on, then the new model answers, and one can go back."""

from __future__ import annotations

import shutil
import threading
from contextlib import closing
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from tests.app.conftest import PATIENCE
from tests.app.window.conftest import SPACE, index_photos, names, wait_for_status, wait_until_indexed

from picsight.window.models.rows import ModelAction
from picsight_engine.bundles.bundle import open_bundle, write_bundle
from picsight_engine.indexing.events import Committed
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.model_choice import choice_of, keep_text_tower, use_model
from picsight_engine.library import Library
from picsight_engine.store.derived.vectors import photos_with_vector
from picsight_engine.store.opening import open_database

STARTER = "picsight-starter"
WORDS = "a face of a person"


@pytest.fixture(scope="module")
def uncalibrated(bundle, tmp_path_factory):
    """The shipped model without its calibration: an answer is every photo in order, however few of them match."""
    manifest = replace(bundle.manifest, calibration=None)
    files = {name: bundle.folder / name for name in manifest.files}
    return write_bundle(tmp_path_factory.mktemp("model") / "starter", manifest, files)


@pytest.fixture
def models(tmp_path, uncalibrated):
    """The models of this computer: at first that one."""
    return InstalledModels(tmp_path / "models", uncalibrated.folder)


@pytest.fixture
def installed(models, uncalibrated):
    """Installs the shipped model once more under a name, with other fields; returns the name."""

    def install(name, **fields):
        files = {each: uncalibrated.folder / each for each in uncalibrated.manifest.files}
        write_bundle(models.folder / name, replace(uncalibrated.manifest, name=name, **fields), files)
        return name

    return install


@pytest.fixture
def mine(installed, uncalibrated):
    """The name of a model that sees only the middle of photos."""
    seen = replace(uncalibrated.manifest.image, resize="shortest", crop="centre")
    return installed("mine", space_id=SPACE, image=seen)


def search(qtbot, window):
    qtbot.keyClicks(window.frame.box.line, WORDS)
    qtbot.waitUntil(lambda: window.search.place.words == WORDS)


def test_a_standing_search_is_asked_again_when_the_change_is_complete_and_when_one_goes_back(
    qtbot, model_window, models, mine, large_library, tmp_path
):
    window = model_window(copy=large_library)
    wait_until_indexed(qtbot, window)
    search(qtbot, window)
    old = names(window)
    grid = window.frame.grid
    grid.setCurrentIndex(grid.model().index(5, 0))
    with Library.open(tmp_path / "library", open_bundle(models.shipped)) as library:
        library.tags.rate([library.all_photos().results[0].id], 4)
    (tmp_path / "library" / "decisions.jsonl").write_bytes(b"mine")
    window.library.use_model(mine)
    status = window.frame.status
    qtbot.waitUntil(lambda: "was not written by this library" in status.words())  # the other note stays
    assert "The new model has read your photos." in status.words()
    assert "Every photo was read by" not in status.words()
    qtbot.waitUntil(lambda: names(window) != old)
    with Library.open(tmp_path / "library", open_bundle(models.folder / mine)) as library:
        assert names(window) == [photo.path.name for photo in library.search(WORDS, limit=100).results]
    assert sorted(names(window)) == sorted(old)
    assert [photo.path.name for photo in grid.selected_photos()] == [old[5]]
    assert window.search.place.words == window.frame.box.text() == WORDS
    window.library.use_model(STARTER)
    qtbot.waitUntil(lambda: names(window) == old)
    assert [photo.path.name for photo in grid.selected_photos()] == [old[5]]


def share(window):
    """The progress of the change in the status line in per cent, None if it shows none."""
    words = window.frame.status.words()
    if not words.startswith("Search keeps working while the new model reads your photos: "):
        return None
    return int(words.removesuffix(" %.").rpartition(" ")[2])


def test_the_status_line_shows_the_progress_of_a_model_change_and_cancels_it(
    qtbot, model_window, models, mine, small_library, tmp_path, gated_jobs
):
    window = model_window(copy=small_library, jobs=gated_jobs)
    wait_until_indexed(qtbot, window)
    gated_jobs.gate.clear()
    status = window.frame.status
    window.library.use_model(mine)
    qtbot.waitUntil(lambda: share(window) is not None)
    assert 0 <= share(window) < 100
    assert window.library.model_names == (STARTER, mine)
    assert status._button.accessibleName() == "Cancel the change of model"
    qtbot.mouseClick(status._button, Qt.MouseButton.LeftButton)
    gated_jobs.gate.set()
    qtbot.waitUntil(lambda: window.library.model_names == (STARTER, STARTER))
    wait_until_indexed(qtbot, window)
    assert choice_of(tmp_path / "library", models).wanted.manifest.name == STARTER
    assert share(window) is None
    assert status._button.accessibleName() != "Cancel the change of model"


def test_a_change_that_was_broken_off_goes_on_from_where_it_was(
    qtbot, model_window, models, mine, uncalibrated, large_library, tmp_path, gated_jobs
):
    folder = shutil.copytree(large_library, tmp_path / "library")
    with Library.open(folder, uncalibrated) as library:
        choice = use_model(folder, mine, models)
        library.use(choice.answers, choice.wanted)
        cancel, read = threading.Event(), 0
        for event in library.index(settings=IndexSettings(workers=1, batch_photos=1), cancel=cancel):
            read += len(event.photo_ids) if isinstance(event, Committed) else 0
            if read == 12:
                cancel.set()
    gated_jobs.gate.clear()
    window = model_window(jobs=gated_jobs)
    qtbot.waitUntil(lambda: share(window) is not None)
    assert share(window) >= 50
    gated_jobs.gate.set()
    qtbot.waitUntil(lambda: window.library.model_names == (mine, mine))


def test_a_window_closed_in_the_middle_of_a_change_ends_and_the_next_one_completes_it(
    qtbot, model_window, models, mine, small_library, tmp_path, gated_jobs
):
    window = model_window(copy=small_library, jobs=gated_jobs)
    wait_until_indexed(qtbot, window)
    gated_jobs.gate.clear()
    window.library.use_model(mine)
    qtbot.waitUntil(lambda: window.library.is_changing)
    gated_jobs.gate.set()
    model_window.close()
    choice = choice_of(tmp_path / "library", models)
    assert (choice.answers.manifest.name, choice.wanted.manifest.name) == (STARTER, mine)
    window = model_window()
    qtbot.waitUntil(lambda: window.library.model_names == (mine, mine))


def test_a_change_that_lacks_photos_of_an_unplugged_disk_is_reported_and_can_be_cancelled(
    qtbot, model_window, mine, few_photos, small_library, tmp_path
):
    disk = tmp_path / "Archive"
    disk.mkdir()
    for number, path in enumerate(sorted(few_photos.iterdir())):
        (disk / f"{number}.jpg").write_bytes(path.read_bytes() + b"another photo")
    window = model_window([disk], copy=small_library)
    wait_until_indexed(qtbot, window)
    disk.rename(tmp_path / "unplugged")
    window.library.use_model(mine)
    status = window.frame.status
    qtbot.waitUntil(lambda: "cannot read all photos now" in status.words())
    assert "Archive" in status.words()
    assert window.library.model_names == (STARTER, mine)
    qtbot.mouseClick(status._button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.library.model_names == (STARTER, STARTER))


def test_after_an_update_searches_go_on_with_the_starter_before_until_the_next_has_read_every_photo(
    qtbot, model_window, models, uncalibrated, real_photos, tmp_path, gated_jobs
):
    files = {each: uncalibrated.folder / each for each in uncalibrated.manifest.files}
    seen = replace(uncalibrated.manifest.image, resize="shortest", crop="centre")
    manifest = replace(uncalibrated.manifest, space_id=SPACE, image=seen)
    earlier = write_bundle(tmp_path / "earlier", manifest, files)
    folder = index_photos(tmp_path / "library", earlier, real_photos)
    keep_text_tower([folder], InstalledModels(models.folder, earlier.folder))
    with Library.open(folder, earlier) as library:
        old = [photo.path.name for photo in library.search(WORDS, limit=100).results]
    gated_jobs.gate.clear()
    window = model_window(jobs=gated_jobs)
    qtbot.waitUntil(lambda: share(window) is not None)
    search(qtbot, window)
    assert names(window) == old
    status = window.frame.status
    qtbot.mouseClick(status._button, Qt.MouseButton.LeftButton)  # there is no other model to go back to
    gated_jobs.gate.set()
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    assert status.words().startswith("Paused")
    qtbot.press(window, "Resume")
    wait_for_status(qtbot, window, "The new model has read your photos.")
    qtbot.waitUntil(lambda: names(window) != old)
    assert sorted(names(window)) == sorted(old)
    qtbot.waitUntil(
        lambda: (
            [path.name[1:17] for path in models.folder.iterdir()]
            == [models.all()[0].bundle.manifest.space_id]
        )
    )


class DelayedModels:
    """The installed models; the first who asks gets them only when the gate opens."""

    def __init__(self, models, *, is_first_slow):
        self.models, self.gate, self.first = models, threading.Event(), is_first_slow

    def __call__(self):
        if self.first:
            self.first = False
            self.gate.wait(PATIENCE / 1000)
        return self.models


@pytest.mark.parametrize("slow", [False, True], ids=["answers come in order", "the first answer comes late"])
def test_of_two_requests_in_quick_succession_the_last_holds_and_the_first_reads_nothing(
    qtbot, model_window, models, mine, installed, small_library, tmp_path, slow
):
    installed("second", space_id="aa00112233445566")
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    window.models.show()
    qtbot.waitUntil(lambda: {mine, "second"} <= set(window.models.dialog.rows))
    delayed = DelayedModels(models, is_first_slow=slow)
    window.library._setup = replace(window.library._setup, installed=delayed)
    for name in (mine, "second"):
        window.models.dialog.action_requested.emit(name, ModelAction.USE)
    delayed.gate.set()
    qtbot.waitUntil(lambda: window.library.model_names == ("second", "second"))
    wait_until_indexed(qtbot, window)
    choice = choice_of(tmp_path / "library", models)
    assert (choice.answers.manifest.name, choice.wanted.manifest.name) == ("second", "second")
    with closing(open_database(tmp_path / "library", create=False)) as db:
        assert len(photos_with_vector(db, "aa00112233445566")) == 3
        assert not photos_with_vector(db, SPACE)

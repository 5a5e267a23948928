"""The window follows its folders and its library without being asked."""

from __future__ import annotations

import shutil
import threading

import pytest
from tests.app.window.conftest import names, wait_for_photos, wait_until_indexed

from picsight.settings import Settings
from picsight.window.session import watcher
from picsight_engine.library import Library


@pytest.fixture
def album(few_photos, tmp_path):
    return shutil.copytree(few_photos, tmp_path / "album")


def watchers():
    return [thread for thread in threading.enumerate() if thread.name == "picsight-watch"]


def test_what_changes_in_a_folder_appears_by_itself(qtbot, model_window, album, real_photos):
    window = model_window([album])
    wait_for_photos(qtbot, window, 3)
    wait_until_indexed(qtbot, window)
    (trip := album / "trip").mkdir()
    new = sorted(real_photos.iterdir())[10]
    shutil.copyfile(new, trip / "new.jpg")
    wait_for_photos(qtbot, window, 4)
    first = min(album.glob("*.jpg"))
    first.rename(trip / "first.jpg")
    qtbot.waitUntil(lambda: "first.jpg" in names(window))
    assert len(names(window)) == 4
    (trip / "new.jpg").unlink()
    wait_for_photos(qtbot, window, 3)
    shutil.rmtree(album)
    qtbot.waitUntil(lambda: bool(window.library.overview.offline))
    assert len(names(window)) == 3  # its disk may be disconnected


def test_what_another_program_changes_appears_by_itself(
    qtbot, model_window, bundle, album, real_photos, tmp_path
):
    window = model_window([album])
    wait_for_photos(qtbot, window, 3)
    wait_until_indexed(qtbot, window)
    (other := tmp_path / "other").mkdir()
    shutil.copyfile(sorted(real_photos.iterdir())[10], other / "new.jpg")
    with Library.open(tmp_path / "library", bundle) as library:
        list(library.index([other], waits=True))
        wait_for_photos(qtbot, window, 4)
        library.tags.new("Seen", prompts=("sea",))
        qtbot.waitUntil(lambda: "Seen" in [tag.name for tag in window.tags.all])


def test_the_setting_ends_the_watch_and_begins_it_again(qtbot, model_window, album, real_photos):
    window = model_window([album], settings=Settings(watch="never"))
    wait_for_photos(qtbot, window, 3)
    wait_until_indexed(qtbot, window)
    assert not watchers()
    store = window.watcher._store
    store.change(watch="always")
    qtbot.waitUntil(lambda: len(watchers()) == 1 and watchers()[0].ready.is_set())
    shutil.copyfile(sorted(real_photos.iterdir())[10], album / "new.jpg")
    wait_for_photos(qtbot, window, 4)
    store.change(watch="never")
    qtbot.waitUntil(lambda: not watchers())


def test_the_full_screen_and_a_pause_are_not_disturbed(qtbot, model_window, album, real_photos):
    window = model_window([album])
    wait_for_photos(qtbot, window, 3)
    wait_until_indexed(qtbot, window)
    window.showFullScreen()
    shutil.copyfile(sorted(real_photos.iterdir())[10], album / "new.jpg")
    qtbot.waitUntil(lambda: bool(window.watcher._due))
    assert not window.library.is_indexing
    window.showNormal()
    wait_for_photos(qtbot, window, 4)


def test_the_setting_makes_and_deletes_the_entry_at_login(qtbot, model_window, monkeypatch):
    asked = []
    monkeypatch.setattr(watcher, "start_at_login", lambda *, wanted: asked.append(wanted))
    window = model_window()
    store = window.watcher._store
    for value in (True, False):
        store.change(watch_at_login=value)
        qtbot.waitUntil(lambda value=value: asked[-1:] == [value])
    assert asked == [True, False]

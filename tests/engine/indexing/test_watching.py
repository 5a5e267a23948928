"""Changes in folders are reported by directory once they are over, whichever way the folder is looked at."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import chain, repeat
from types import SimpleNamespace

import pytest
from watchdog.observers.api import BaseObserver

from picsight_engine.indexing import watching
from picsight_engine.indexing.watching import Watch

FOREVER = threading.Event()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "photos"
    for name in ("a", "b/c", ".trash", "library"):
        (path / name).mkdir(parents=True)
    (path / "a" / "old.jpg").write_bytes(b"old")
    return path


@pytest.fixture(params=["events", "times"])
def way(request, monkeypatch):
    if request.param == "times":
        by_times(monkeypatch)
    return request.param


def by_times(monkeypatch):
    disk = SimpleNamespace(mountpoint="/", fstype="nfs4", opts="rw")
    monkeypatch.setattr(watching.psutil, "disk_partitions", lambda **_: [disk])
    monkeypatch.setattr(watching, "COMPARE_SECONDS", {"times": 0.05, "events": 0.05})


@pytest.fixture(autouse=True)
def _is_quick(monkeypatch):
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(watching, "_CALM_SECONDS", 0.1)


@contextmanager
def watching_over(*folders):
    with Watch(lambda: folders, folders[0] / "library") as watch:
        yield watch, watch.ways()


CHANGES = {
    "a file comes": (lambda at: (at / "b/c/new.jpg").write_bytes(b"new"), {b"b/c"}),
    "a file goes": (lambda at: (at / "a/old.jpg").unlink(), {b"a"}),
    "a file is renamed": (lambda at: (at / "a/old.jpg").rename(at / "a/new.jpg"), {b"a"}),
    "a file moves": (lambda at: (at / "a/old.jpg").rename(at / "b/old.jpg"), {b"a", b"b"}),
    "a file comes into the folder itself": (lambda at: (at / "new.heic").write_bytes(b"new"), {b""}),
    "a directory is renamed": (lambda at: (at / "b").rename(at / "z"), {b"", b"b", b"z", b"z/c"}),
    "a directory comes": (lambda at: (at / "n/m").mkdir(parents=True), {b"", b"n", b"n/m"}),
    "a directory goes": (lambda at: (at / "b/c").rmdir(), {b"b", b"b/c"}),
    "a side-car comes": (lambda at: (at / "a/old.xmp").write_bytes(b"<x/>"), {b"a"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_reported_by_its_directories(folder, way, change):
    act, places = CHANGES[change]
    with watching_over(folder) as (watch, ways):
        assert ways == {folder: way}
        act(folder)
        found = watch.next(FOREVER)[folder]
        while not found >= places:  # a look may fall between two steps
            found |= watch.next(FOREVER)[folder]
    assert found - {b"b/c"} == places - {
        b"b/c"
    }  # a renamed directory may be named with those that were in it


def test_a_file_that_was_written_over_is_reported(folder):
    with watching_over(folder) as (watch, _):
        (folder / "a/old.jpg").write_bytes(b"new")
        assert watch.next(FOREVER) == {folder: {b"a"}}


def test_what_is_never_read_is_never_reported(folder, tmp_path):
    with watching_over(folder) as (watch, _):
        for name in (".trash/x.jpg", "library/library.db", "library/x.jpg", "a/notes.txt", "a/.new.jpg.tmp"):
            (folder / name).write_bytes(b"x")
        (folder / ".cache").mkdir()
        (tmp_path / "outside.jpg").write_bytes(b"x")
        (folder / "b/new.jpg").write_bytes(b"x")
        assert watch.next(FOREVER) == {folder: {b"b"}}


def test_a_burst_is_reported_once(folder, monkeypatch):
    monkeypatch.setattr(watching, "_CALM_SECONDS", 0.5)
    with watching_over(folder) as (watch, _):
        for number in range(300):
            partial = folder / "a" / f".{number}.partial"
            partial.write_bytes(b"x" * 1000)
            partial.rename(folder / "a" / f"{number}.jpg")
        (folder / "b/last.jpg").write_bytes(b"x")
        assert watch.next(FOREVER) == {folder: {b"a", b"b"}}


def test_a_file_that_grows_waits_and_holds_up_nothing_else(folder):
    with watching_over(folder) as (watch, _), (folder / "a/film.mp4").open("wb", buffering=0) as film:
        closing = threading.Event()

        def grow():
            while not closing.wait(0.02):
                film.write(b"x" * 1000)

        writer = threading.Thread(target=grow)
        film.write(b"x")
        writer.start()
        (folder / "b/new.jpg").write_bytes(b"x")
        first = watch.next(FOREVER)
        closing.set()
        writer.join()
        assert first == {folder: {b"b"}}
        assert watch.next(FOREVER) == {folder: {b"a"}}


def test_changes_that_do_not_end_are_reported_at_last(folder, monkeypatch):
    monkeypatch.setattr(watching, "_LONGEST_SECONDS", 0.0)
    with watching_over(folder) as (watch, _), (folder / "a/film.mp4").open("wb", buffering=0) as film:
        film.write(b"x")
        assert watch.next(FOREVER) == {folder: {b"a"}}
        film.write(b"x")
        assert watch.next(FOREVER) == {folder: {b"a"}}


def test_a_folder_that_goes_and_comes_back_is_reported_as_a_whole(folder, way):
    with watching_over(folder) as (watch, _):
        folder.rename(folder.parent / "elsewhere")
        assert watch.next(FOREVER) == {folder: None}
        assert watch.ways() == {folder: None}
        folder.mkdir()
        assert watch.next(FOREVER) == {folder: None}
        (folder / "new.jpg").write_bytes(b"x")
        assert watch.next(FOREVER) == {folder: {b""}}
        assert watch.ways() == {folder: way}


def test_without_watches_left_the_times_are_compared(folder, monkeypatch):
    def start(_observer):
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(BaseObserver, "start", start)
    monkeypatch.setattr(watching, "COMPARE_SECONDS", {"times": 0.05, "events": 0.05})
    with watching_over(folder) as (watch, ways):
        assert ways == {folder: "times"}
        (folder / "a/new.jpg").write_bytes(b"x")
        assert watch.next(FOREVER) == {folder: {b"a"}}


def test_folders_that_are_added_later_are_watched_and_removed_ones_are_not(folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    listed = [folder]
    with Watch(lambda: listed, folder / "library") as watch:
        watch.ways()
        listed[:] = [other]
        assert watch.next(FOREVER) == {other: None}  # perhaps it was read before it was watched
        assert watch.ways() == {other: "events"}
        (folder / "a/new.jpg").write_bytes(b"x")
        (other / "new.jpg").write_bytes(b"x")
        assert watch.next(FOREVER) == {other: {b""}}


def test_nothing_is_reported_while_it_is_not_allowed(folder):
    answers = chain([False, False], repeat(True))
    with watching_over(folder) as (watch, _):
        (folder / "a/new.jpg").write_bytes(b"x")
        assert watch.next(FOREVER, lambda: next(answers)) == {folder: {b"a"}}
        stopped = threading.Event()
        stopped.set()
        assert watch.next(stopped) == {}


def test_a_link_that_is_pointed_elsewhere_is_followed(folder, tmp_path):
    (other := tmp_path / "other").mkdir()
    (link := tmp_path / "link").symlink_to(folder)
    with watching_over(link) as (watch, _):
        link.unlink()
        link.symlink_to(other)
        found = watch.next(FOREVER)
        assert found == {link: None}
        (other / "new.jpg").write_bytes(b"x")
        assert watch.next(FOREVER) == {link: {b""}}


def test_what_the_system_does_not_report_is_found_by_the_times(folder, monkeypatch):
    """Such as in directories for which no watch was left."""
    monkeypatch.setattr(watching._WatchedFolder, "dispatch", lambda _self, _event: None)
    monkeypatch.setattr(watching, "COMPARE_SECONDS", {"times": 0.05, "events": 0.05})
    with watching_over(folder) as (watch, ways):
        assert ways == {folder: "events"}
        (folder / "a/new.jpg").write_bytes(b"x")
        assert watch.next(FOREVER) == {folder: {b"a"}}


def test_a_file_that_may_be_read_again_is_reported(folder):
    with watching_over(folder) as (watch, _):
        (folder / "a/old.jpg").chmod(0o600)
        assert watch.next(FOREVER) == {folder: {b"a"}}


def test_a_tree_that_waits_for_a_file_is_reported_with_all_below_it(folder, monkeypatch):
    changes = watching._Changes()
    (folder / "tree/below").mkdir(parents=True)
    growing = folder / "tree/film.mp4"
    growing.write_bytes(b"x")
    changes.add(folder, (b"",), tree=b"tree")
    changes.open(bytes(growing), folder, b"tree")
    monkeypatch.setattr(watching, "_CALM_SECONDS", 0.0)
    assert changes.take() == {folder: {b""}}
    changes.close(bytes(growing))
    assert changes.take() == {folder: {b"tree", b"tree/below"}}

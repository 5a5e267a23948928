"""Photos are moved to the trash and back: real files, a real trash, the real window."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QWidget
from tests.app.window.conftest import (
    calls_of,
    index_photos,
    names,
    wait_for_photos,
    wait_for_status,
    wait_until_indexed,
)

from picsight.window.actions.trash import Kept, Moved, marks_of, move_to_trash, related_files, restore
from picsight.window.actions.trashing import Trashing
from picsight.window.search.place import Place
from picsight.window.status.history import History
from picsight.window.status.line import StatusLine
from picsight_engine.library import Library
from picsight_engine.store.database import index_lock

NEVER = threading.Event()

of_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="looks into the trash as freedesktop.org describes it"
)


@pytest.fixture
def trash(tmp_path, monkeypatch):
    """The system's trash is an empty folder of this test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "Trash"


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def make(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(path.name))
    return paths


@of_linux
def test_files_come_back_from_the_trash_as_they_were_and_leave_nothing_in_it(trash, tmp_path):
    paths = make(tmp_path / "a" / "one.jpg", tmp_path / "b" / "one.jpg")
    moved = list(move_to_trash(paths, marks_of(paths), NEVER))
    assert [each.path for each in moved] == list(paths)
    assert not any(path.exists() for path in paths)
    assert len(files(trash / "files")) == len(files(trash / "info")) == 2
    shutil.rmtree(tmp_path / "a")
    assert restore(moved) == []
    assert [path.read_bytes() for path in paths] == [b"one.jpg"] * 2
    assert files(trash) == []


def test_nothing_is_put_back_over_another_file_or_from_an_emptied_trash(trash, tmp_path):
    paths = make(tmp_path / "one.jpg", tmp_path / "two.jpg")
    moved = list(move_to_trash(paths, marks_of(paths), NEVER))
    paths[0].write_bytes(b"newer")
    Path(moved[1].back).unlink()
    kept = restore(moved)
    assert [each.path for each in kept] == list(paths)
    assert paths[0].read_bytes() == b"newer"
    assert Path(moved[0].back).read_bytes() == b"one.jpg"
    assert "another" in kept[0].why
    assert "not in the trash any more" in kept[1].why


@of_linux
def test_a_name_that_is_no_text_goes_to_the_trash_and_comes_back_and_a_missing_file_is_reported(
    trash, tmp_path
):
    paths = make(tmp_path / os.fsdecode(b"\xff.jpg"), tmp_path / "?.jpg", tmp_path / ("long" * 62 + ".jpg"))
    chosen = [tmp_path / "gone.jpg", paths[0], paths[2]]
    gone, *moved = move_to_trash(chosen, marks_of(chosen), NEVER)
    assert isinstance(gone, Kept)
    assert "not there" in gone.why
    assert files(tmp_path / "data").count(os.fsdecode(b"\xff.jpg")) == 1
    note = trash / "info" / os.fsdecode(b"\xff.jpg.trashinfo")
    assert "Path=" + quote(bytes(paths[0])) in note.read_text()
    assert restore(moved) == []
    assert all(path.exists() for path in paths)


def test_a_file_that_took_the_place_of_the_shown_one_stays(trash, tmp_path):
    paths = make(tmp_path / "one.jpg", tmp_path / "two.jpg")
    marks = marks_of(paths)
    (newer,) = make(tmp_path / "three.jpg")
    newer.replace(paths[0])
    kept, moved = move_to_trash(paths, marks, NEVER)
    assert isinstance(kept, Kept)
    assert "replaced" in kept.why
    assert isinstance(moved, Moved)
    assert paths[0].read_bytes() == b"three.jpg"


@of_linux
def test_a_file_that_an_editor_saves_in_the_last_moment_is_put_back(trash, tmp_path):
    path, newer = make(tmp_path / "one.jpg", tmp_path / "newer.jpg")
    marks = marks_of([path])

    def save(event, arguments):
        """Python tells of every file that is opened; the note is written just before the rename."""
        if event == "open" and str(arguments[0]).startswith(str(trash)) and newer.exists():
            newer.replace(path)

    sys.addaudithook(save)
    (kept,) = move_to_trash([path], marks, NEVER)
    assert "replaced" in kept.why
    assert path.read_bytes() == b"newer.jpg"
    assert files(trash) == []


def test_a_photo_in_a_package_of_another_program_stays(trash, tmp_path):
    (inside,) = make(tmp_path / "Photos.photoslibrary" / "originals" / "a.jpg")
    (kept,) = move_to_trash([inside], marks_of([inside]), NEVER)
    assert "belongs to another program" in kept.why
    assert inside.exists()
    assert not trash.exists()


@of_linux
def test_a_file_never_leaves_its_disk(trash, tmp_path):
    top = Path(f"/dev/shm/.Trash-{os.getuid()}")
    was_there = top.exists()
    with TemporaryDirectory(dir="/dev/shm") as other:
        (path,) = make(Path(other) / "one.jpg")
        if path.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is one file system")
        (moved,) = move_to_trash([path], marks_of([path]), NEVER)
        assert Path(moved.back).stat().st_dev == path.parent.stat().st_dev
        assert Path(moved.back).parent.parent == top
        assert not trash.exists()
        assert restore([moved]) == []
        assert path.read_bytes() == b"one.jpg"
    if not was_there:
        shutil.rmtree(top)


@of_linux
def test_where_the_note_cannot_be_written_the_file_stays_and_nothing_is_left_in_the_trash(trash, tmp_path):
    import resource  # which Windows lacks

    (path,) = make(tmp_path / "one.jpg")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        (kept,) = move_to_trash([path], marks_of([path]), NEVER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "nothing can be written into the trash (File too large)" in kept.why
    assert path.exists()
    assert files(trash) == []


AS_NOBODY = """
import os, sys, threading
from pathlib import Path
from picsight.window.actions.trash import Kept, marks_of, move_to_trash
os.setuid(65534)
path = Path(sys.argv[1])
(kept,) = move_to_trash([path], marks_of([path]), threading.Event())
assert isinstance(kept, Kept)
assert path.exists()
print(kept.why)
"""


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="takes the rights of another user")
def test_a_folder_that_may_not_be_changed_keeps_its_photos():
    (path,) = make(Path("/tmp") / f"picsight-{os.getpid()}" / "Private" / "one.jpg")
    path.chmod(0o666)
    path.parent.chmod(0o1777)  # others may write into it, but not take away
    home = {**os.environ, "XDG_DATA_HOME": str(path.parent.parent / "data")}
    (path.parent.parent / "data").mkdir()
    (path.parent.parent / "data").chmod(0o777)
    try:
        command = [sys.executable, "-c", AS_NOBODY, str(path)]
        end = subprocess.run(command, capture_output=True, text=True, check=False, env=home)
        assert "may not change the folder" in end.stdout, end.stderr
    finally:
        shutil.rmtree(path.parent.parent)


def test_companions_of_a_photo_lie_beside_it_under_its_name(tmp_path):
    files_of_photo = ("A.jpg", "A.CR2", "a.xmp", "A.jpg.xmp", "A.CR2.xmp")
    photo, *companions = make(*(tmp_path / name for name in files_of_photo))
    make(tmp_path / "B.xmp", tmp_path / "A.txt", tmp_path / "AB.jpg")
    found = related_files([photo])
    assert (found.chosen, found.twins) == ((photo,), ())
    assert set(found.companions) == set(companions)


def test_a_folder_that_is_called_like_a_photo_belongs_to_none(tmp_path):
    names = ("A.jpg", "A.xmp", "A.raw/one.raw", "A.png/A.png")
    photo, side_car, _, _ = make(*(tmp_path / name for name in names))
    assert related_files([photo]).companions == (side_car,)


def test_a_side_car_that_two_pictures_share_belongs_to_both_only(tmp_path):
    photo, edited, shared, single = make(
        *(tmp_path / name for name in ("A.jpg", "A.png", "A.xmp", "A.jpg.xmp"))
    )
    assert related_files([photo]).companions == (single,)
    assert set(related_files([photo, edited]).companions) == {shared, single}
    assert related_files([photo], [edited]).twins == (edited,)


def test_finding_companions_takes_time_in_proportion_to_the_photos(tmp_path):
    def work(count):
        photos = make(*(tmp_path / f"{count}/IMG_{number}.jpg" for number in range(count)))
        return calls_of(lambda: related_files(photos, photos))

    assert work(200) < 2.5 * work(100)


# Undo and redo


@pytest.fixture
def trashing(qtbot, jobs, bundle, trash, tmp_path):
    """Three files that were moved to the trash, as `paths`; `undo` and `redo` wait for words in the status line."""
    window, status = QWidget(), StatusLine()
    qtbot.addWidget(window)
    status.setParent(window)
    history = History(status, lambda: None, window)
    made = Trashing(window, status, history, jobs)
    made.paths = make(*(tmp_path / "album" / name for name in ("a.jpg", "b.jpg", "c.jpg")))

    def turn(step, words):
        step()
        qtbot.waitUntil(lambda: words in status.words() and not history._is_busy)
        return status.words()

    made.undo, made.redo = partial(turn, history.undo), partial(turn, history.redo)
    with Library.open(tmp_path / "library", bundle) as library:
        made.library = library
        turn(lambda: made.trash(made.paths), "Moved 3 files")
        yield made
        jobs.close()


def test_redo_counts_the_files_that_it_could_move(trashing):
    _, changed, _ = trashing.paths
    trashing.undo("Undone: Moved 3 files")
    changed.rename(changed.with_name("other.jpg"))
    assert "“b.jpg”" in trashing.redo("Moved 2 files to the trash. ")
    assert files(changed.parent) == ["other.jpg"]
    trashing.undo("Undone: Moved 2 files")
    assert files(changed.parent) == ["a.jpg", "c.jpg", "other.jpg"]


def test_reading_jobs_do_not_delay_the_trash(trashing, qtbot):
    trashing.undo("Undone: Moved 3 files")
    read = threading.Event()
    for _ in range(8):
        trashing._jobs.read(read.wait, lambda _done: None)
    trashing.trash(trashing.paths)
    qtbot.waitUntil(lambda: not any(path.exists() for path in trashing.paths))
    read.set()
    qtbot.waitUntil(lambda: "Moved 3 files" in trashing._status.words())


@of_linux
def test_files_on_a_disk_that_is_away_come_back_once_it_is_connected(trashing, trash):
    away = trash.rename(trash.with_name("away"))
    for _ in range(2):
        trashing.undo("cannot be put back; its disk may not be connected. 2 more files stay where they are.")
    away.rename(trash)
    trashing.undo("Undone: Moved 3 files")
    assert files(trashing.paths[0].parent) == ["a.jpg", "b.jpg", "c.jpg"]
    assert files(trash) == []


@of_linux
def test_a_file_whose_name_is_taken_comes_back_once_it_is_free_and_a_lost_one_is_forgotten(trashing, trash):
    taken, lost, _ = make(trashing.paths[0], trash / "files" / "b.jpg", trashing.paths[0].with_name("d.jpg"))
    lost.unlink()
    trashing.undo("There is another")
    assert files(taken.parent) == ["a.jpg", "c.jpg", "d.jpg"]
    taken.unlink()
    trashing.undo("Undone: Moved 1 file to the trash.")
    assert files(taken.parent) == ["a.jpg", "c.jpg", "d.jpg"]
    trashing.undo("nothing to undo")
    trashing.redo("Moved 1 file")
    assert files(taken.parent) == ["c.jpg", "d.jpg"]


# In the window


@pytest.fixture(scope="module")
def album_library(bundle, few_photos, tmp_path_factory):
    """The folder of an album, and the folder of its library."""
    folder = tmp_path_factory.mktemp("Pictures") / "album"
    shutil.copytree(few_photos, folder)
    return folder, index_photos(tmp_path_factory.mktemp("library"), bundle, folder)


@pytest.fixture
def album(album_library, few_photos):
    """The album of three photos, as it was indexed."""
    folder, _library = album_library
    shutil.rmtree(folder)
    return shutil.copytree(few_photos, folder)


@pytest.fixture
def window(model_window, trash, album, album_library, qtbot):
    """The window on the album."""
    opened = model_window(copy=album_library[1])
    wait_for_photos(qtbot, opened, 3)
    wait_until_indexed(qtbot, opened)
    return opened


def select(qtbot, window, *rows):
    grid = window.frame.grid
    grid.setFocus()
    grid.clearSelection()
    model, selection, flag = grid.model(), grid.selectionModel(), QItemSelectionModel.SelectionFlag
    for row in rows:
        selection.select(model.index(row, 0), flag.Select)
    selection.setCurrentIndex(model.index(rows[0], 0), flag.NoUpdate)


def test_delete_moves_the_selected_photos_and_ctrl_z_brings_them_back(qtbot, window, album, trash):
    before, bytes_before = names(window), {path.name: path.read_bytes() for path in album.iterdir()}
    select(qtbot, window, 0, 2)
    qtbot.keyClick(window.frame.grid, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: names(window) == [before[1]])
    assert files(album) == [before[1]]
    assert window.frame.status.words() == "Moved 2 files to the trash."
    assert window.frame.grid.current_photo().path.name == before[1]
    with qtbot.waitSignal(window.library.indexing_ended):
        qtbot.keySequence(window, "Ctrl+Z")
    qtbot.waitUntil(lambda: sorted(names(window)) == sorted(before))
    assert {path.name: path.read_bytes() for path in album.iterdir()} == bytes_before
    qtbot.keySequence(window, "Ctrl+Shift+Z")
    qtbot.waitUntil(lambda: names(window) == [before[1]])


def test_ctrl_z_while_a_photo_is_being_moved_means_that_and_nothing_older(qtbot, window, album, trash):
    library, words = window.trashing.library, window.frame.status.words
    select(qtbot, window, 0)
    qtbot.keySequence(window.frame.grid, "Ctrl+B")
    qtbot.waitUntil(lambda: "favourites" in words())
    with closing(sqlite3.connect(window.library._setup.folder / "library.db")) as other:
        other.execute("BEGIN IMMEDIATE")  # nobody else can write that the photo is gone
        qtbot.keyClick(window.frame.grid, Qt.Key.Key_Delete)
        qtbot.waitUntil(lambda: len(files(album)) == 2)
        qtbot.keySequence(window, "Ctrl+Z")
    qtbot.waitUntil(lambda: words() == "Undone: Moved 1 file to the trash.")
    assert len(files(album)) == 3
    assert [tag.accepted for tag in library.tags.all()] == [1]


def test_undo_puts_photos_back_in_their_places_at_once_with_their_pictures(qtbot, window, album, trash):
    grid, before = window.frame.grid, names(window)
    pictures = {
        photo.id: window.trashing.library.photos.thumbnail(photo.id)
        for photo in grid._wall_model.wall.results
    }
    select(qtbot, window, 0)
    qtbot.keyClick(grid, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: names(window) == before[1:])
    with index_lock(window.library._setup.folder):  # no run can look for them
        qtbot.keySequence(window, "Ctrl+Z")
        qtbot.waitUntil(lambda: names(window) == before)
        assert all(window.trashing.library.photos.thumbnail(photo) == pictures[photo] for photo in pictures)


def test_deleted_in_the_viewer_a_photo_gives_way_to_the_next_and_the_last_one_to_the_wall(
    qtbot, window, album, trash
):
    first, _, third = names(window)
    window.pages.open_photo(1)
    window.pages.toggle_full_screen()
    stage = window.frame.viewer_page.stage
    stage.setFocus()
    for left in ([first, third], [first], []):
        qtbot.keyClick(stage, Qt.Key.Key_Delete)
        qtbot.waitUntil(lambda left=left: names(window) == left)
        shown = window.viewer.photo
        assert (shown.path.name if shown else None) == {2: third, 1: first, 0: None}[len(left)]
    assert window.frame.page is window.frame.wall_page
    assert not window.isFullScreen()
    assert not list(album.iterdir())


def test_moving_more_than_fifty_photos_asks_a_question(qtbot, window, trash, tmp_path):
    paths = make(*(tmp_path / "many" / f"{number}.jpg" for number in range(51)))
    window.trashing.trash(paths)
    box = qtbot.question(window)
    assert "Move 51 files" in [button.text() for button in box.buttons()]
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert all(path.exists() for path in paths)
    assert not trash.exists()


def test_a_photo_that_was_replaced_on_the_disk_since_it_was_shown_is_asked_about_by_name(
    qtbot, window, album, trash
):
    shown, other, _ = (album / name for name in names(window))
    other.replace(shown)
    select(qtbot, window, 0)
    qtbot.keyClick(window.frame.grid, Qt.Key.Key_Delete)
    box = qtbot.question(window)
    assert f"“{shown.name}”" in box.text()
    assert "was changed since it was shown" in box.informativeText()
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    assert shown.exists()


def test_other_files_of_a_photo_are_named_and_may_stay(qtbot, window, album, trash):
    name = names(window)[0]
    make(album / f"{Path(name).stem}.xmp")
    shutil.copy(album / name, album / "copy.jpg")
    with qtbot.waitSignal(window.library.indexing_ended):
        window.library.index()
    select(qtbot, window, 0)
    qtbot.keyClick(window.frame.grid, Qt.Key.Key_Delete)
    box = qtbot.question(window)
    assert "copy.jpg" in box.informativeText()
    assert ".xmp" in box.informativeText()
    assert {"Move all 3 files", "Only this file"} < {button.text() for button in box.buttons()}
    qtbot.press(box, "Only this file")
    wait_for_status(qtbot, window, "Moved 1 file")
    assert not (album / name).exists()
    assert (album / "copy.jpg").exists()
    qtbot.waitUntil(lambda: "copy.jpg" in names(window))


def test_in_a_folder_only_its_files_go_and_the_last_one_not_without_a_question(qtbot, window, album, trash):
    original = album / names(window)[0]
    copy = album / "Old backup" / "copy.jpg"
    copy.parent.mkdir()
    for path in (copy, copy.with_name("again.jpg")):
        shutil.copy(original, path)
    with qtbot.waitSignal(window.library.indexing_ended):
        window.library.index()
    window.pages.go(Place(folder=copy.parent))
    qtbot.waitUntil(lambda: names(window) == ["again.jpg"])
    photo, grid = window.frame.model.photo(0), window.frame.grid
    grid.selectAll()
    qtbot.keyClick(grid, Qt.Key.Key_Delete)
    box = qtbot.question(window)
    assert box.text() == "Move 2 files to the trash?"  # of one photo
    assert "2 files are selected:" in box.informativeText()
    qtbot.press(box, "Only the 2 selected")
    wait_for_status(qtbot, window, "Moved 2 files")
    assert original.exists()
    assert not list(copy.parent.iterdir())
    window.trashing.trash([original], [photo.id])
    assert "gone already" in qtbot.question(window).informativeText()
    qtbot.keyClick(qtbot.question(window), Qt.Key.Key_Escape)
    assert original.exists()

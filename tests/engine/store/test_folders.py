"""Adding, joining and removing folders."""

from __future__ import annotations

import os

import pytest
from tests.engine.miniature import all_vectors

from picsight_engine.store.files import age_missing, files_of, forget_missing
from picsight_engine.store.folders import (
    add_folder,
    all_directories,
    all_folders,
    file_path,
    remove_folder,
    set_state,
    stored_names,
)
from picsight_engine.store.overview.health import counts
from picsight_engine.store.overview.problems import NewProblem, all_problems, put_problem
from picsight_engine.store.photos import all_photos, hidden_photos

SPACE = "0123456789abcdef"


def test_the_same_folder_and_one_inside_it_are_not_added_again(db, pictures):
    folder = add_folder(db, pictures)
    assert add_folder(db, pictures) == folder
    assert add_folder(db, pictures / "2020" / "may") == folder
    assert add_folder(db, pictures / ".." / pictures.name) == folder
    assert all_folders(db) == [folder]


def test_a_symbolic_link_to_a_known_folder_is_not_added_again(db, pictures, tmp_path):
    folder = add_folder(db, pictures)
    (pictures / "inner").mkdir()
    (tmp_path / "link").symlink_to(pictures)
    assert add_folder(db, tmp_path / "link") == folder
    assert add_folder(db, tmp_path / "link" / "inner") == folder


def test_a_folder_beside_one_with_a_longer_name_is_another_folder(db, pictures):
    add_folder(db, pictures)
    longer = pictures.with_name(pictures.name + "-old")
    assert add_folder(db, longer).path == longer
    assert len(all_folders(db)) == 2


def test_an_outer_folder_takes_over_files_problems_and_vectors(db, pictures, shelf):
    inner = add_folder(db, pictures.parent / "other" / "deep")
    caf = shelf.put(b"caf\xe9.jpg", 1)
    other = shelf.put(b"a/b.jpg", 2, folder_id=inner.id)
    with db.writer() as connection:
        put_problem(connection, NewProblem(inner.id, b"bad\xff.jpg", "damaged", "Broken.", 1.0))
    outer = add_folder(db, pictures.parent)
    assert all_folders(db) == [outer]
    names = {file.name: file.photo_id for file in files_of(db, outer.id)}
    assert names == {b"pictures/caf\xe9.jpg": caf, b"other/deep/a/b.jpg": other}
    assert [problem.name for problem in all_problems(db)] == [b"other/deep/bad\xff.jpg"]
    assert {photo.path for photo in all_photos(db)} == {
        pictures / os.fsdecode(b"caf\xe9.jpg"),
        inner.path / "a" / "b.jpg",
    }
    assert sorted(all_vectors(db, SPACE)[0].tolist()) == [caf, other]


@pytest.mark.parametrize("hidden_first", [True, False])
@pytest.mark.parametrize("name", [".private", "#recycle", "a.photoslibrary/resources"])
def test_a_hidden_folder_is_a_separate_folder_inside_a_known_one_and_before_it(
    db, pictures, name, hidden_first
):
    hidden = pictures / name
    hidden.mkdir(parents=True)
    order = [hidden, pictures] if hidden_first else [pictures, hidden]
    for path in order:
        add_folder(db, path)
    assert [folder.path for folder in all_folders(db)] == order
    (hidden / "old").mkdir()
    assert add_folder(db, hidden / "old").path == hidden


def test_a_removed_folder_is_kept_and_forgotten_later_with_its_photos(db, pictures, shelf):
    second = add_folder(db, pictures.parent / "second")
    only = shelf.put(b"only.jpg", 1)
    both = shelf.put(b"both.jpg", 2)
    assert shelf.put(b"copy.jpg", 2, folder_id=second.id) == both
    with db.writer() as connection:
        put_problem(connection, NewProblem(shelf.folder.id, b"bad.jpg", "empty", "Empty.", 1.0))
    assert remove_folder(db, shelf.folder.id) == [only]
    assert all_folders(db) == [second]
    assert [photo.path for photo in all_photos(db)] == [second.path / "copy.jpg"]
    assert all_problems(db) == []
    assert counts(db).problems == 0
    set_state(db, shelf.folder.id, "watching")  # by a run that began before
    shelf.find_again()
    grow_older(db, second, days=29)
    assert hidden_photos(db) == [only]
    grow_older(db, second, days=2)
    assert all_folders(db) == [second]
    assert all_vectors(db, SPACE)[0].tolist() == [both]
    assert hidden_photos(db) == []
    assert files_of(db, shelf.folder.id) == []


def grow_older(db, folder, days):
    """Looks through a folder once a day, and forgets what has been missing for 30 days."""
    with db.writer() as connection:
        for _ in range(days):
            now = connection.execute("SELECT max(looked_at) FROM folders").fetchone()[0] + 86_400
            age_missing(connection, [folder.id], now, most=86_400)
            forget_missing(connection, 30 * 86_400)


def test_a_removed_folder_comes_back_as_it_was_though_its_disk_is_away(db, pictures, shelf):
    photos = [shelf.put(b"%d.jpg" % number, number) for number in range(3)]
    shelf.lose(b"0.jpg")
    with db.writer() as connection:
        put_problem(connection, NewProblem(shelf.folder.id, b"bad.jpg", "empty", "Empty.", 1.0))

    def state():
        return all_photos(db), all_problems(db), hidden_photos(db), shelf.files()

    before = state()
    remove_folder(db, shelf.folder.id)
    assert hidden_photos(db) == photos
    remove_folder(db, shelf.folder.id)  # as another process may
    assert add_folder(db, pictures) == shelf.folder
    assert state() == before


def test_a_folder_around_a_removed_one_takes_over_its_photos(db, pictures, shelf):
    photo = shelf.put(b"a.jpg", 1)
    remove_folder(db, shelf.folder.id)
    outer = add_folder(db, pictures.parent)
    assert [(file.name, file.photo_id) for file in files_of(db, outer.id)] == [(b"pictures/a.jpg", photo)]
    assert add_folder(db, pictures) == outer


def test_stored_names_end_with_the_file_that_a_link_leads_to(pictures, tmp_path):
    (pictures / "a.jpg").touch()
    (pictures / "alias.jpg").symlink_to("a.jpg")
    (tmp_path / "link.jpg").symlink_to(pictures / "a.jpg")
    assert stored_names(tmp_path / "link.jpg", pictures) == [b"a.jpg"]
    assert stored_names(pictures / "alias.jpg", pictures) == [b"alias.jpg", b"alias.jpg", b"a.jpg"]


def test_a_name_that_is_no_text_makes_a_path_and_comes_back(pictures):
    path = file_path(pictures, b"caf\xe9/\xff.jpg")
    assert os.fsencode(path) == os.fsencode(pictures) + b"/caf\xe9/\xff.jpg"
    assert stored_names(path, pictures)[0] == b"caf\xe9/\xff.jpg"


# A photo may lie in several places; a name may be no text at all.
FILES = (
    (b"a.jpg", 1),
    (b"2020/b.jpg", 2),
    (b"2020/may/c.jpg", 3),
    (b"2020/may/copy of b.jpg", 2),
    (b"2020-old/d.jpg", 4),
    (b"caf\xe9/e.jpg", 5),
)


def test_each_directory_counts_the_photos_in_it_and_below_it_once(shelf, pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    add_folder(shelf.db, tmp_path / "empty")
    for name, number in FILES:
        shelf.put(name, number)
    counted = {each.path: (each.photos, each.parent) for each in all_directories(shelf.db)}
    assert counted == {
        pictures: (5, None),
        pictures / "2020": (2, pictures),
        pictures / "2020" / "may": (2, pictures / "2020"),
        pictures / "2020-old": (1, pictures),
        pictures / "caf\udce9": (1, pictures),
        tmp_path / "empty": (0, None),
    }
    seen = set()
    for directory in all_directories(shelf.db):
        assert directory.parent is None or directory.parent in seen
        seen.add(directory.path)


def test_missing_files_are_in_no_directory(shelf, pictures):
    shelf.put(b"2020/b.jpg", 2)
    shelf.lose()
    assert [(each.path, each.photos) for each in all_directories(shelf.db)] == [(pictures, 0)]

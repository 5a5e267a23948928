"""Where photos lie, and how many of them."""

from __future__ import annotations

from picsight_engine.store.directories import all_directories
from picsight_engine.store.files import find_file, mark_missing
from picsight_engine.store.folders import add_folder

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


def test_what_is_missing_lies_nowhere(shelf, pictures):
    shelf.put(b"2020/b.jpg", 2)
    file = find_file(shelf.db, pictures / "2020" / "b.jpg")
    with shelf.db.writer() as connection:
        mark_missing(connection, [file.id], 1.0)
    assert [(each.path, each.photos) for each in all_directories(shelf.db)] == [(pictures, 0)]

"""The wall as an item model: what a view, a clipboard and a screen reader get from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt

from picsight.window.grid.model import WallModel
from picsight.window.grid.wall import EMPTY, Wall
from picsight.window.parts.words import short_path


def test_the_model_keeps_qts_rules_while_it_is_reset_and_grown(qtmodeltester, photos):
    model = WallModel()
    qtmodeltester.check(model)
    model.set_wall(Wall.from_results(photos(5)))
    qtmodeltester.check(model)
    model.grow(Wall.from_results(photos(9)))
    qtmodeltester.check(model)
    model.set_wall(EMPTY)
    qtmodeltester.check(model)


def test_a_photo_speaks_its_name_and_day(photos):
    model = WallModel()
    model.set_wall(Wall.from_results(photos(1)))
    index = model.index(0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole) == "IMG_0000.jpg, 18 July 2020"
    assert model.photo(0).id == 0
    tip = "IMG_0000.jpg\n\u2068photos\u2069\n18 Jul 2020, 17:42"
    assert index.data(Qt.ItemDataRole.ToolTipRole) == tip

    copy = Path("/photos/copy.jpg")
    model.set_wall(Wall.from_results([replace(model.photo(0), also=(copy,))]))
    tip = tip.replace("18", f"{short_path(copy)}\n18")
    assert model.index(0).data(Qt.ItemDataRole.ToolTipRole) == tip


def test_a_photo_found_by_name_is_spoken_so_instead_of_its_match(photos):
    model = WallModel()
    (photo,) = photos(1)
    model.set_wall(Wall.from_results([replace(photo, match="strong", found_by="name")]))
    spoken = model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "IMG_0000.jpg, 18 July 2020, found by name"


def test_newer_photos_are_appended_and_the_others_keep_their_places(photos):
    shown = Wall.from_results(photos(4, first=10))
    newer = Wall.from_results((*photos(3), *photos(6, first=10)))
    grown = shown.followed_by(newer)
    assert [photo.id for photo in grown.results] == [10, 11, 12, 13, 0, 1, 2, 14, 15]
    assert shown.followed_by(Wall.from_results(photos(2, first=11))) is shown
    assert shown.new_in(newer) == 5


def test_a_newer_copy_of_a_shown_picture_goes_behind_it_even_where_it_is_larger(photos):
    shown = Wall.from_results(photos(4))
    newer = Wall.from_results(photos(2, first=6), behind={6: [2], 7: [8]})  # 6 shows what 2 does
    model = WallModel()
    model.set_wall(shown)
    model.grow(shown.followed_by(newer))
    assert [photo.id for photo in model.wall.results] == [0, 1, 2, 3, 7]
    assert model.wall.behind == {2: [6], 7: [8]}
    assert model.wall.new_in(newer) == 0
    model.grow(model.wall.followed_by(Wall.from_results(photos(1), behind={0: [9]})))
    assert [model.wall.copies(model.photo(row).id) for row in range(5)] == [2, 1, 2, 1, 2]


def test_photos_of_a_disconnected_folder_are_spoken_so(photos):
    model = WallModel()
    model.set_wall(Wall.from_results(photos(1)))
    assert not model.is_offline(model.photo(0))
    model.show_offline([Path("/photos")])
    assert model.is_offline(model.photo(0))
    spoken = model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "IMG_0000.jpg, 18 July 2020, not connected"

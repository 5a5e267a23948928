"""The sidebar's lines: counts, what lies in folders, and what stays when they change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QStyleOptionViewItem, QTreeView
from tests.app.window.conftest import tag_of

from picsight.window.parts.words import number
from picsight.window.session.overview import Overview
from picsight.window.sidebar.model import ENTRY, MOST_TAGS, SidebarModel, entries_of
from picsight.window.sidebar.tree import zones
from picsight.window.sidebar.view import Sidebar
from picsight.window.tokens import SMALL, px, tones
from picsight_engine.store.folders import Directory, Folder

HOME = Path("/home/me")
TRIPS = HOME / "Trips"


def overview(years):
    """A folder of so many years, a month in each, and a disconnected folder."""
    directories = [Directory(TRIPS, None, 2 * years)]
    for year in range(years):
        directories.append(Directory(TRIPS / f"{year}", TRIPS, 2))
        directories.append(Directory(TRIPS / f"{year}" / "May", TRIPS / f"{year}", 1))
    directories.append(Directory(HOME / "Archive", None, 7))
    folders = (Folder(1, TRIPS, "watching"), Folder(2, HOME / "Archive", "offline"))
    return Overview(folders, 2 * years + 7, (), tuple(directories))


def lines(years=3, **changes):
    return entries_of(replace(overview(years), **changes), (), scanned=True)


@pytest.fixture
def tree(qtbot):
    side = Sidebar()
    qtbot.addWidget(side)
    side.resize(220, 600)
    side.show()
    shown = side.findChild(QTreeView)
    shown.side = side
    return shown


def index_of(tree, path):
    index = tree.model().find(path)
    assert index.data(ENTRY).key == path
    return index


def test_tags_are_nested_and_counted_and_empty_favourites_left_out():
    birds = [tag_of("Birds", suggested=3), tag_of("Birds/Waders", accepted=2, suggested=1)]
    tags = [tag_of("Favourites", "favourite"), *birds, tag_of("For Anna", "album", accepted=4)]
    shown = entries_of(overview(1), (), tags, scanned=True)
    assert [(entry.words, entry.count) for entry in shown[1:7]] == [
        ("People", 0), ("Tags", 0), ("Birds", 3), ("New tag…", 0), ("Albums", 0), ("For Anna", 4),
    ]  # fmt: skip
    assert [(entry.words, entry.count) for entry in shown[3].children] == [("Waders", 3)]
    liked = entries_of(overview(1), (), [tag_of("Favourites", "favourite", accepted=5)], scanned=True)[2]
    assert (liked.words, liked.count, liked.key) == ("Favourites", 5, "is:favourite")


def test_where_only_numbers_change_the_lines_stay_as_they_are(tree, qtbot):
    before = [tag_of("Birds", accepted=3), tag_of("Birds/Waders", accepted=2)]
    tree.side.set_entries(entries_of(overview(2), (), before, scanned=True))
    line = tree.model().find("tag:Birds/Waders")
    tree.setCurrentIndex(line)
    with qtbot.assertNotEmitted(tree.model().modelReset):
        after = [tag_of("Birds", accepted=4), tag_of("Birds/Waders", accepted=3)]
        tree.side.set_entries(entries_of(overview(2), (), after, scanned=True))
    assert (line.data(ENTRY).count, tree.currentIndex()) == (3, line)
    with qtbot.waitSignal(tree.model().modelReset):
        tree.side.set_entries(entries_of(overview(2), (), [*after, tag_of("Birds/Owls")], scanned=True))


def test_of_very_many_tags_the_first_are_listed_and_a_line_leads_to_all():
    many = [tag_of(f"Tag {place:05}") for place in range(10_000)]
    shown = entries_of(overview(1), (), many, scanned=True)
    words = [entry.words for entry in shown[MOST_TAGS + 2 : MOST_TAGS + 5]]
    assert words == [f"Tag {MOST_TAGS - 1:05}", f"All {number(10_000)} tags…", "New tag…"]


def test_a_folder_is_called_empty_only_after_a_run():
    empty = Overview((Folder(1, TRIPS, "watching"),), 0, (), (Directory(TRIPS, None, 0),))
    assert [entries_of(empty, (), scanned=scanned)[-1].note for scanned in (False, True)] == ["", "no photos"]


def test_the_model_keeps_qts_rules(qtmodeltester):
    model = SidebarModel()
    qtmodeltester.check(model)
    model.set_entries(lines())
    qtmodeltester.check(model)


def test_few_directories_are_expanded_at_once_and_many_collapsed(tree):
    tree.side.set_entries(lines(3))
    assert tree.isExpanded(index_of(tree, TRIPS))
    assert not tree.isExpanded(index_of(tree, TRIPS / "1"))
    tree.side.set_entries([])
    tree.side._touched.clear()
    tree.side.set_entries(lines(40))
    assert not tree.isExpanded(index_of(tree, TRIPS))


def test_expanded_lines_and_the_current_one_survive_a_change(tree):
    tree.side.set_entries(lines(3))
    tree.setExpanded(index_of(tree, TRIPS / "1"), True)
    tree.side.mark(TRIPS / "1" / "May")
    tree.side.set_entries(lines(4))
    assert tree.isExpanded(index_of(tree, TRIPS / "1"))
    assert tree.currentIndex().data(ENTRY).key == TRIPS / "1" / "May"
    tree.setExpanded(index_of(tree, TRIPS), False)
    tree.side.mark("nothing that has a line")
    tree.side.set_entries(lines(5))
    assert not tree.isExpanded(index_of(tree, TRIPS))
    assert not tree.currentIndex().isValid()


def test_a_right_click_asks_for_a_menu_and_leaves_the_mark_where_one_is(tree, qtbot):
    tree.side.set_entries(lines(3))
    tree.side.mark("")
    place = tree.visualRect(index_of(tree, TRIPS)).center()
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.RightButton, pos=place)
    assert tree.currentIndex().data(ENTRY).key == ""


def test_the_note_of_a_folder_uses_the_room_under_its_number(tree):
    tree.side.set_entries(lines(1, directories=(Directory(HOME / "Archive", None, 1_234_567),)))
    index = index_of(tree, HOME / "Archive")
    words = tree.fontMetrics().horizontalAdvance(index.data(ENTRY).note) + 2

    def room():
        return zones(tree.visualRect(index), index, tree)

    tree.side.resize(220 - room().note.width() + words, 600)
    tree.doItemsLayout()
    QApplication.processEvents()
    assert room().words.width() < words <= room().note.width()
    two_lines = px(tree, 2.25) + 2 * tree.fontMetrics().height() - px(tree, SMALL)
    assert tree.visualRect(index).height() < two_lines


@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_a_bar_that_scrolls_takes_little_from_the_names(tree, direction):
    tree.side.setLayoutDirection(direction)
    tree.side.set_entries(lines(3))

    def room():
        tree.doItemsLayout()
        QApplication.processEvents()
        index = index_of(tree, TRIPS / "1")
        line = tree.visualRect(index)
        parts = zones(line, index, tree)
        assert line.contains(parts.words)
        assert not parts.words.intersects(parts.sign)
        return parts.words.width()

    whole = room()
    tree.side.resize(220, 200)
    beside = room()
    bar = tree.verticalScrollBar()
    assert bar.isVisible()
    assert whole - bar.width() / 2 <= beside < whole


def test_a_line_covers_what_was_painted_there_before(tree):
    def paint(image, count):
        tree.side.set_entries(lines(count))
        option = QStyleOptionViewItem()
        option.rect = image.rect()
        painter = QPainter(image)
        tree.itemDelegate().paint(painter, option, index_of(tree, TRIPS))
        painter.end()
        return image

    def ground():
        image = QImage(200, 30, QImage.Format.Format_RGB32)
        image.fill(tones(tree).window)
        return image

    assert paint(ground(), 3) != paint(ground(), 4)
    assert paint(paint(ground(), 3), 4) == paint(ground(), 4)

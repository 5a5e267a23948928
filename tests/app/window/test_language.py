"""The window in a language that nobody speaks: all that it shows is translated, apart from names, numbers, dates and keys."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QMessageBox, QWidget
from tests.app.window.conftest import choose_in_menu, wait_for_photos, wait_until_indexed
from tests.conftest import in_pseudo_language

from picsight.window.search.place import Place
from picsight.window.tags.paths import make_tag

SHOWN = (
    "text", "placeholderText", "toolTip", "statusTip", "whatsThis", "windowTitle", "accessibleName", "accessibleDescription",
)  # fmt: skip
ROLES = Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole
# Translated words, names within a sentence, tags of a tooltip; then files and folders, keys, dates, sizes, what was asked, a model, a draft.
FOREIGN = re.compile("⟦[^⟦⟧]*⟧|\u2068[^\u2068\u2069]*\u2069|<[^<>]*>")
NAMES = re.compile(
    r"\b(Left|Right|Up|Down|Home|End|Pg\w+|Return|Esc|Del|Space|F\d+|[A-Z])\b|"
    r"/\S+|[\w-]+\.jpg|Pictures\d+|Broken\d+|Picsight|((Ctrl|Shift|Alt)\+)+(\w+|\S)|\(\w+\)|\w{3} \d+ \w{3} \d{4}|[kM]B\b|\b(iso\S*|people|rated|[Oo]ther|be-kind|Finds more|here)\b"
)


def texts_of(window):
    """Every text of a window and of what it holds, hidden or not, but for what somebody typed."""
    for kind in (QWidget, QAction, QShortcut):
        for each in (window, *window.findChildren(kind)):
            shown = SHOWN[isinstance(each, QLineEdit) :]
            yield from ((each, str(each.property(name) or "")) for name in shown)
            if isinstance(each, QAbstractItemView) and each.model() is not None:
                yield from ((each, words) for words in texts_of_items(each.model(), QModelIndex()))


def texts_of_items(model, below):
    for row in range(model.rowCount(below)):
        index = model.index(row, 0, below)
        yield from texts_of_items(model, index)
        while index.isValid():
            yield from (str(index.data(role) or "") for role in ROLES)
            index = index.siblingAtColumn(index.column() + 1)


def english(window):
    """The texts that are not translated; standard buttons bring Qt's own translation."""
    found = {
        f"{type(each).__name__}: {words}"
        for each, words in texts_of(window)
        if re.search(r"[^\W\d_]", NAMES.sub("", FOREIGN.sub("", words)))
    }
    return {each for each in found if not each.endswith(("Cancel", "OK"))}


@pytest.fixture
def window(qtbot, pseudo_language, model_window, large_library):
    window = model_window(copy=large_library)
    wait_until_indexed(qtbot, window)
    wait_for_photos(qtbot, window, 24)
    return window


def test_every_text_on_the_wall_and_of_answers_is_translated(qtbot, window):
    assert english(window) == set()
    for query in ("face", "2019 face -people", "rated:3", "iso:? face", "-people"):
        with qtbot.waitSignal(window.search.answered):
            window.pages.go(Place(query))
        assert english(window) == set()


def test_every_text_of_the_other_pages_is_translated(qtbot, window):
    frame, photo = window.frame, window.frame.model.photo(0)
    library = window.photos.library
    make_tag(library, "42", "tag")
    library.tags.decide("42", [photo.id], "accepted")
    with qtbot.waitSignal(window.tags.changed):
        window.tags.refresh()
    (tag,) = (each for each in window.tags.all if each.path == "42")
    frame.grid.setCurrentIndex(frame.model.index(0))
    frame.toggle_details()
    for show in (
        lambda: window.pages.open_photo(0),
        window.pages.close_viewer,
        window.pages.show_problems,
        window.tag_pages.show,
        lambda: window.tag_pages.edit(tag),
        lambda: qtbot.keyClick(window, Qt.Key.Key_F1),
        window.models.show,
    ):
        show()
        assert english(window) == set()
    qtbot.waitUntil(lambda: bool(window.models.dialog.rows))
    assert english(window) == set()


def test_every_text_of_menus_and_questions_is_translated(qtbot, window):
    window.frame.grid.setCurrentIndex(window.frame.model.index(0))
    window.photos.show_menu(QPoint())
    assert english(window) == set()
    choose_in_menu(window)
    window.exchange.show_menu(QPoint())
    assert english(window) == set()
    choose_in_menu(window, in_pseudo_language("Write side-cars beside the photos…"))
    qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)))
    assert english(window) == set()

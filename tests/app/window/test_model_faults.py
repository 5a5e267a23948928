"""A model that is incomplete or gone is reported in one sentence and repaired with one button."""

from __future__ import annotations

import shutil
import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from tests.app.window.conftest import accept_licence, wait_until_usable

from picsight.window.models.rows import ModelAction
from picsight_engine.installation.install import install
from picsight_engine.installation.local_model import open_local_model
from picsight_engine.store.library_folder import choose_model

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def library(tmp_path, small_library):
    """The folder of a library that the shipped model has indexed."""
    return shutil.copytree(small_library, tmp_path / "library")


@pytest.fixture
def fetched(models, entry, server):
    """The folder of the model of the catalogue, installed."""
    *_, last = install(entry, models)
    return last.bundle.folder


@pytest.fixture
def brought(models, parcel):
    """The folder of a model that a person brought along, installed."""
    with open_local_model(parcel) as opened:
        return list(opened.install(models))[-1].bundle.folder


def spoil(path):
    """Overwrites a file with zeros of the same size."""
    path.write_bytes(b"\0" * path.stat().st_size)


def wait_for_file_dialog(qtbot, dialog):
    qtbot.waitUntil(lambda: any(d.isVisible() for d in dialog.findChildren(QFileDialog)))
    return dialog.findChild(QFileDialog)


def test_a_library_whose_model_is_incomplete_opens_once_it_is_fetched_again(
    qtbot, model_window, library, fetched
):
    choose_model(library, "other")
    (fetched / "text.onnx").unlink()
    window = model_window(fails=True)
    failure = window.frame.failure
    assert failure.words().startswith("The search model is incomplete.\n")
    assert "text.onnx" in failure.words()
    qtbot.press(failure, "Install again")
    with qtbot.waitSignal(window.library.opened):
        accept_licence(qtbot, window)
    assert window.frame.page is window.frame.wall_page


def test_a_library_whose_model_is_gone_offers_to_install_it_again(qtbot, model_window, library):
    choose_model(library, "other")
    window = model_window(fails=True)
    assert window.frame.failure.words().startswith("The search model is missing.\n")
    assert "picsight models" not in window.frame.failure.words()
    qtbot.press(window.frame.failure, "Install again")
    with qtbot.waitSignal(window.library.opened):
        accept_licence(qtbot, window)


def test_a_model_that_a_person_brought_along_is_asked_for_as_a_file(
    qtbot, model_window, library, brought, parcel, tmp_path
):
    choose_model(library, "mine")
    (brought / "text.onnx").unlink()
    window = model_window(fails=True)
    qtbot.press(window.frame.failure, "Install again")
    archive = shutil.make_archive(str(tmp_path / "mine"), "zip", parcel)
    wait_for_file_dialog(qtbot, window.models.dialog).fileSelected.emit(archive)
    with qtbot.waitSignal(window.library.opened):
        accept_licence(qtbot, window)


def row_of(qtbot, window, name):
    """Opens the dialog of models; returns the row of a model."""
    window.models.show()
    qtbot.waitUntil(lambda: name in window.models.dialog.rows)
    return window.models.dialog.rows[name]


def resume(qtbot, window):
    """Resumes the download of the unfinished model; returns the dialog."""
    qtbot.mouseClick(row_of(qtbot, window, "other").button(ModelAction.CONTINUE), LEFT)
    return accept_licence(qtbot, window)


def test_a_search_whose_model_turns_out_to_be_damaged_is_answered_once_it_is_installed_again(
    qtbot, model_window, library, fetched
):
    choose_model(library, "other")
    window = model_window()
    qtbot.waitUntil(lambda: window.library.model_names == ("other", "other"))
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    model_window.close()
    spoil(fetched / "text.onnx")
    window = model_window()
    qtbot.waitUntil(lambda: not window.library.is_indexing)
    notice = window.frame.wall_page.notice
    qtbot.keyClicks(window.frame.box.line, "a face")
    qtbot.waitUntil(notice.isVisible)
    assert notice.words().startswith("The search model is incomplete.\n")
    qtbot.press(notice, "Install again")
    accept_licence(qtbot, window)
    qtbot.waitUntil(lambda: window.search.place.words == "a face")
    assert notice.isHidden()
    assert len(window.frame.model.wall.results) == 3


def test_an_indexing_whose_model_turns_out_to_be_damaged_goes_on_once_it_is_installed_again(
    qtbot, model_window, library, fetched
):
    choose_model(library, "other")
    spoil(fetched / "image.onnx")
    window = model_window()
    status = window.frame.status
    qtbot.waitUntil(lambda: status.words() == "The search model is incomplete.")
    qtbot.press(status, "Install again")
    accept_licence(qtbot, window)
    qtbot.waitUntil(lambda: window.library.model_names == ("other", "other"))


def test_a_window_closed_while_a_model_is_fetched_ends_and_the_next_one_goes_on(
    qtbot, model_window, models, entry, server
):
    shelf, _ = server
    small = min(file.about for file in entry.files)
    next(event for event in install(entry, models) if event.done > small)  # the small file is there
    shelf.held = threading.Event()
    window = model_window()
    dialog = resume(qtbot, window)
    qtbot.waitUntil(shelf.held.is_set)  # half of it is out, and all but its end has arrived
    window.close()
    assert not dialog.isVisible()
    cancelled = window.models._installation.cancel

    def go_on_once_cancelled():
        cancelled.wait(60)
        shelf.go_on.set()

    server_thread = threading.Thread(target=go_on_once_cancelled)
    server_thread.start()
    model_window.close()
    server_thread.join()
    shelf.held = None
    before = len(shelf.requests)
    window = model_window()
    dialog = resume(qtbot, window)
    wait_until_usable(qtbot, dialog, "other")
    models.verify("other")
    assert "Range" in shelf.requests[before][1]

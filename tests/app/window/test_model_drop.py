"""A model dropped on the window is installed: licence, progress, errors; a folder is added."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
from PySide6.QtWidgets import QApplication
from tests.app.window.conftest import (
    accept_licence,
    carrying,
    drop,
    wait_for_licence,
    wait_until_usable,
    words_in,
)

from picsight.settings import Settings
from picsight.window.shell.frame import Frame
from picsight_engine.installation import local_model

LEFT = Qt.MouseButton.LeftButton


def hover(frame, *paths):
    """The words on the veil while these hover over the window."""
    data, key = carrying(*paths), Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(frame, QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, LEFT, key))
    words = frame.drop_overlay.text()
    QApplication.sendEvent(frame, QDragLeaveEvent())
    assert frame.drop_overlay.isHidden()
    return words


def test_the_veil_says_whether_a_drop_adds_or_installs(model_window, parcel, few_photos, tmp_path):
    frame = model_window().frame
    archive = shutil.make_archive(str(tmp_path / "mine"), "tar", parcel)
    assert hover(frame, few_photos) == "Drop to add this folder."
    published = tmp_path / "ViT-B-32__openai"  # in Immich's layout
    (published / "visual").mkdir(parents=True)
    (published / "visual" / "model.onnx").touch()
    models = (parcel, archive, published)
    assert {hover(frame, model) for model in models} == {"Drop to install this model."}
    assert hover(frame, few_photos, parcel) == "Drop to add this folder. Drop to install this model."
    assert hover(frame, archive, parcel).startswith("Drop to install \u2068“mine.tar”\u2069; the others")
    assert not drop(frame, carrying(tmp_path / "notes.txt"))
    assert frame.drop_overlay.isHidden()


def test_a_dropped_model_is_installed_once_its_licence_is_accepted(
    qtbot, model_window, models, parcel, tmp_path
):
    window = model_window()
    assert drop(window.frame, carrying(shutil.make_archive(str(tmp_path / "mine"), "tar", parcel)))
    dialog = wait_for_licence(qtbot, window)
    assert "be-kind-1" in dialog.licence.link.text()
    assert not (models.folder / "mine").exists()
    accept_licence(qtbot, window)
    use = wait_until_usable(qtbot, dialog, "mine")
    assert dialog.focusWidget() is use
    models.verify("mine")
    assert window.library.overview.folders == ()


def test_folders_and_a_model_dropped_together_go_each_their_way(
    qtbot, model_window, models, parcel, few_photos
):
    window = model_window()
    assert drop(window.frame, carrying(few_photos, parcel))
    wait_until_usable(qtbot, accept_licence(qtbot, window), "mine")
    qtbot.waitUntil(lambda: [each.path for each in window.library.overview.folders] == [few_photos])


def test_on_the_box_folders_and_models_are_added_and_only_text_becomes_words(
    qtbot, jobs, pictures, parcel, tmp_path
):
    frame = Frame(Settings(), pictures, jobs)
    qtbot.addWidget(frame)
    added, installed = [], []
    frame.folders_dropped.connect(added.append)
    frame.model_dropped.connect(installed.append)
    assert drop(frame.box, carrying(tmp_path))
    assert drop(frame.box, carrying(parcel))
    assert (added, installed, frame.box.text()) == ([(tmp_path,)], [parcel], "")
    words = QMimeData()
    words.setText("dog")
    assert drop(frame.box, words)
    assert frame.box.text() == "dog"


def test_a_dropped_archive_that_is_no_model_is_refused_in_a_sentence(qtbot, model_window, tmp_path):
    (tmp_path / "holiday.zip").write_bytes(b"PK no archive")
    window = model_window()
    assert drop(window.frame, carrying(tmp_path / "holiday.zip"))
    qtbot.waitUntil(lambda: "holiday.zip" in words_in(window.models.dialog))
    assert not window.models.dialog.asks_for_licence


@pytest.fixture
def slow(parcel, monkeypatch):
    """A disk that delivers one file only as a test writes it; the bytes of the file, and the writer."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    folder = local_model._folder

    def slowed(path):
        source = folder(path)
        return replace(
            source, open=lambda name: os.fdopen(reader, "rb") if name == "image.onnx" else source.open(name)
        )

    monkeypatch.setattr(local_model, "_folder", slowed)
    with os.fdopen(writer, "wb", buffering=0) as pipe:
        yield (parcel / "image.onnx").read_bytes(), pipe


def feed(qtbot, pipe, data):
    """Write all of it, as fast as it is read."""
    left = memoryview(data)

    def write():
        nonlocal left
        left = left[pipe.write(left) or 0 :]
        return not left

    qtbot.waitUntil(write)


def test_copying_shows_how_far_it_is_does_not_hold_the_window_and_can_be_stopped(
    qtbot, model_window, models, parcel, slow
):
    window, (data, pipe) = model_window(), slow
    drop(window.frame, carrying(parcel))
    dialog = accept_licence(qtbot, window)
    feed(qtbot, pipe, data[:3_000_000])
    line = dialog.rows["mine"]
    qtbot.waitUntil(lambda: "Copying · " in words_in(line) and " of " in words_in(line))
    assert 0 < line._progress.value() < line._progress.maximum()
    assert not dialog.file.isEnabled()
    drop(dialog, carrying(parcel))
    assert "is being installed" in words_in(dialog)
    assert not dialog.asks_for_licence
    qtbot.mouseClick(line.cancel, LEFT)
    feed(qtbot, pipe, data[3_000_000 : 3 * 1024 * 1024])
    qtbot.waitUntil(lambda: "mine" not in dialog.rows)
    assert dialog.file.isEnabled()
    assert [path.name for path in models.folder.iterdir()] == [".install.lock"]


def test_a_damaged_copy_of_a_model_is_reported_above_the_rows(qtbot, model_window, models, parcel):
    graph = parcel / "image.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    window = model_window()
    drop(window.frame, carrying(parcel))
    dialog = accept_licence(qtbot, window)
    qtbot.waitUntil(lambda: "image.onnx" in words_in(dialog))
    qtbot.waitUntil(lambda: "mine" not in dialog.rows)
    assert "image.onnx" in words_in(dialog)
    assert [model.name for model in models.all()] == ["picsight-starter"]

"""Fixtures of the window's tests: jobs that end, walls of plain records, real small photos."""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu
from tests.app.conftest import PATIENCE
from tests.photos import write_parts

from picsight.jobs import Jobs
from picsight.settings import Settings, SettingsStore
from picsight.window.grid.model import WallModel
from picsight.window.grid.sections.view import PhotoView
from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.grid.wall import Wall
from picsight.window.models.rows import ModelAction
from picsight.window.parts.picture import Pictures
from picsight.window.session.overview import LibrarySetup
from picsight.window.shell.main_window import MainWindow
from picsight_engine.bundles.bundle import Licence, open_bundle, write_bundle
from picsight_engine.indexing.events import Progress
from picsight_engine.installation import catalogue
from picsight_engine.installation.catalogue import CatalogueEntry, RemoteFile
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.model_choice import ModelChoice, choice_of
from picsight_engine.library import Library
from picsight_engine.photos.reading import Limits
from picsight_engine.search.answer import Result
from picsight_engine.tags.tree import Tag

SPACE = "00112233445566aa"
TERMS = Licence("be-kind-1", "https://example.org/licence", accept=True)


@pytest.fixture(scope="session", autouse=True)
def _clipboard(qapp):
    """Leaves nothing on the clipboard.

    Without a display it is a static object of Qt: what Python put there it deletes after Python has ended, and the
    run crashes once all has passed. On a desktop it ends with the application.
    """
    yield
    QGuiApplication.clipboard().clear()


def calls_of(act) -> int:
    """How many calls of Python an act makes in this thread: its cost on any machine."""
    calls = 0

    def note(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return calls


@pytest.fixture
def jobs(qapp):
    """Background work that ends with the test."""
    running = Jobs()
    yield running
    running.close()


@pytest.fixture
def pictures():
    """The reader of photos, whose processes end with the test; only the first photo starts one."""
    reading = Pictures(Limits(seconds=600.0))
    yield reading
    reading.close()


@pytest.fixture
def photos():
    """Makes so many plain records, in landscape and portrait."""

    def make(count: int, first: int = 0) -> tuple[Result, ...]:
        shapes = ((3000, 4000), (4000, 3000), (4000, 3000))
        return tuple(
            Result(k, Path(f"/photos/IMG_{k:04}.jpg"), 0.0, None, "2020-07-18T17:42:00", None, *shapes[k % 3])
            for k in range(first, first + count)
        )

    return make


@pytest.fixture
def wall_view(qtbot, jobs, pictures, photos):
    """Shows a wall of so many photos, 800 by 600 pixels."""

    def make(count: int) -> PhotoView:
        model = WallModel()
        view = PhotoView(model, Thumbnails(jobs, pictures), jobs, 8.0)
        model.setParent(view)
        qtbot.addWidget(view)
        view.resize(800, 600)
        view.show()
        view.show_wall(Wall.from_results(photos(count)))
        return view

    return make


@pytest.fixture(scope="session")
def bundle(starter):
    """The model that ships with Picsight."""
    return open_bundle(starter)


@pytest.fixture(scope="session")
def real_photos(tmp_path_factory) -> Path:
    """A folder of 24 real photos, wider than high."""
    folder = tmp_path_factory.mktemp("Pictures")
    for path in write_parts(folder, 24):
        Image.open(path).resize((300, 224)).save(path, quality=90)
    return folder


@pytest.fixture(scope="session")
def few_photos(real_photos, tmp_path_factory):
    """Three of the real photos."""
    folder = tmp_path_factory.mktemp("few")
    for path in sorted(real_photos.iterdir())[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def large_library(bundle, real_photos, tmp_path_factory):
    """The folder of a library of the 24 real photos and a broken file."""
    broken = tmp_path_factory.mktemp("Broken")
    (broken / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    return index_photos(tmp_path_factory.mktemp("library"), bundle, real_photos, broken)


@pytest.fixture(scope="session")
def small_library(bundle, few_photos, tmp_path_factory):
    """The folder of a library of three photos."""
    return index_photos(tmp_path_factory.mktemp("library"), bundle, few_photos)


def index_photos(library, bundle, *folders):
    """Indexes folders of photos; returns the folder of the library."""
    with Library.open(library, bundle) as opened:
        list(opened.index(folders))
    return library


@pytest.fixture
def models(tmp_path, starter):
    """The models of this computer: at first the one that ships with Picsight."""
    return InstalledModels(tmp_path / "models", starter)


@pytest.fixture(scope="session")
def model_files(bundle):
    """The files of the shipped model, by name."""
    names = ("image.onnx", "text.onnx", bundle.manifest.text.tokenizer)
    return {name: (bundle.folder / name).read_bytes() for name in names}


@pytest.fixture
def entry(server, bundle, model_files):
    """The shipped model's files as another model on a server of this computer."""
    shelf, address = server
    files = []
    for name, data in model_files.items():
        shelf.files[f"/m/resolve/main/{name}"] = data
        sha256 = bundle.manifest.files[name].sha256
        files.append(RemoteFile(name, f"{address}/m", name, about=len(data), size=len(data), sha256=sha256))
    m = bundle.manifest
    return CatalogueEntry(
        "other", "Other", "Finds more.", TERMS, "Be kind to photos.", 20.0, tuple(files),
        dim=m.dim, space_id=SPACE, logit_scale=m.logit_scale, image=m.image, text=m.text,
    )  # fmt: skip


@pytest.fixture
def model_window(qtbot, tmp_path, models, entry, monkeypatch):
    """Opens the window on an empty library or the copy of another, with these models and one in the catalogue."""
    opened = []
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry,))

    def make(add=(), *, copy=None, fails=False, settings=None, jobs=None):
        jobs, folder = jobs or Jobs(), tmp_path / "library"
        if copy is not None:
            shutil.copytree(copy, folder)
        place = LibrarySetup(folder, lambda: choice_of(folder, models), lambda: models)
        window = MainWindow(place, stored_settings(folder, settings or Settings()), jobs)
        opened.append(window)
        qtbot.addWidget(window)
        window.resize(1100, 700)
        window.show()
        ready = window.library.failed_to_open if fails else window.library.opened
        with qtbot.waitSignal(ready):
            window.start(add)
        return window

    def close():
        while opened:
            window = opened.pop()
            window.close()
            window.end()

    make.close = close
    yield make
    close()


class GatedJobs(Jobs):
    """Jobs whose streams wait after each report of progress while the gate is closed, so that the window shows it."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def stream(self, work, *handlers):
        def gated(cancel):
            for event in work(cancel):
                yield event
                if isinstance(event, Progress):
                    self.gate.wait(PATIENCE / 1000)

        return super().stream(gated, *handlers)


@pytest.fixture
def gated_jobs():
    """Jobs with the gate open."""
    return GatedJobs()


def tag_of(path, kind="tag", *, accepted=0, suggested=0):
    """A tag with that path."""
    above, _, name = path.rpartition("/")
    return Tag(
        id=hash(path), name=name, path=path, parent=above or None, kind=kind, prompts=(), examples=(), against=(),
        threshold=0.5, suggests=True, accepted=accepted, rejected=1, suggested=suggested,
    )  # fmt: skip


def stored_settings(folder, settings):
    """The store of a file beside a library, with these settings; no words in pictures are read."""
    store = SettingsStore(folder.with_suffix(".toml"))
    store.change(**asdict(settings) | {"read_words": False})
    return store


@contextmanager
def open_window(folder, bundle, settings):
    """A shown window on a library, until the block ends."""
    store = stored_settings(folder, settings)
    window = MainWindow(LibrarySetup(folder, lambda: ModelChoice(bundle, bundle)), store, Jobs())
    window.resize(1100, 700)
    window.show()
    window.start(())
    yield window
    window.close_at_once()
    window.end()


def names(window):
    """The names of the photos on the wall, in their order."""
    return [photo.path.name for photo in window.frame.model.wall.results]


def wait_for_photos(qtbot, window, count):
    """Waits until so many photos are on the wall."""
    qtbot.waitUntil(lambda: len(names(window)) == count)


def wait_for_status(qtbot, window, words):
    """Waits until the status line shows these words."""
    qtbot.waitUntil(lambda: words in window.frame.status.words())


def open_menu(window):
    """The menu that is open in a window."""
    (menu,) = [menu for menu in window.findChildren(QMenu) if menu.isVisible()]
    return menu


def choose_in_menu(window, words=None):
    """Triggers the entry of these words, if any, in the open menu, and closes it; returns the words of all entries."""
    menu = open_menu(window)
    entries = {action.text(): action for action in menu.actions()}
    if words is not None:
        entries[words].trigger()
    menu.close()
    return [text for text in entries if text]


def carrying(*paths):
    """What is dragged with these files."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(widget, data):
    """Drags over a widget and lets go; returns whether the widget, or one around it, accepted."""
    how = Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(QPoint(9, 9), *how)
    entering.ignore()
    QApplication.sendEvent(widget, entering)
    if entering.isAccepted():
        QApplication.sendEvent(widget, QDropEvent(QPointF(9, 9), *how))
    return entering.isAccepted()


def turn_wheel(widget, point, steps, modifier=Qt.KeyboardModifier.NoModifier):
    """Turns the wheel by steps over a point of a widget."""
    QApplication.sendEvent(
        widget,
        QWheelEvent(
            QPointF(point), QPointF(widget.mapToGlobal(point)), QPoint(), QPoint(0, 120 * steps),
            Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def words_in(widget):
    """The words of all labels in a widget."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def tabbed(window, key=Qt.Key.Key_Tab):
    """Presses Tab; returns the widget that has the keyboard then."""
    QTest.keyClick(window.windowHandle(), key)
    return QApplication.focusWidget()


def wait_until_indexed(qtbot, window):
    """Waits until a run has ended."""
    qtbot.waitUntil(lambda: window.library.is_scanned and not window.library.is_indexing)


def wait_for_licence(qtbot, window):
    """Waits until the dialog of models asks for a licence; returns the dialog."""
    qtbot.waitUntil(lambda: window.models.dialog is not None and window.models.dialog.asks_for_licence)
    return window.models.dialog


def accept_licence(qtbot, window):
    """Accepts the licence that the dialog of models asks for; returns the dialog."""
    dialog = wait_for_licence(qtbot, window)
    qtbot.mouseClick(dialog.licence.accept, Qt.MouseButton.LeftButton)
    return dialog


def wait_until_usable(qtbot, dialog, name):
    """Waits until a model is installed; returns its button."""
    qtbot.waitUntil(lambda: name in dialog.rows and dialog.rows[name].button(ModelAction.USE) is not None)
    return dialog.rows[name].button(ModelAction.USE)


@pytest.fixture
def parcel(tmp_path, bundle):
    """The folder of a model from elsewhere: the shipped towers, which see only the middle of a photo."""
    m = bundle.manifest
    seen = replace(m.image, resize="shortest", crop="centre")
    manifest = replace(m, name="mine", title="<b>Mine</b>", space_id=SPACE, licence=TERMS, image=seen)
    files = {name: bundle.folder / name for name in m.files}
    return write_bundle(tmp_path / "parcel", manifest, files).folder

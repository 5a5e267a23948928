"""What the window's tests share: jobs that end, walls of plain records, real small photos."""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from tests.app.conftest import PATIENCE

from picsight.jobs import Jobs
from picsight.settings import Settings
from picsight.window.grid.model import WallModel
from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.grid.view import PhotoView
from picsight.window.grid.wall import Wall
from picsight.window.library.controller import LibraryPlace
from picsight.window.main_window import MainWindow
from picsight.window.parts.picture import Pictures
from picsight_engine.bundles.bundle import Licence, open_bundle, write_bundle
from picsight_engine.indexing.events import Progress
from picsight_engine.installation.catalogue import CatalogueEntry, RemoteFile
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.model_choice import choice_of
from picsight_engine.library import Library
from picsight_engine.photos.reading import Limits
from picsight_engine.search.answer import Result

SPACE = "00112233445566aa"
TERMS = Licence("be-kind-1", "https://example.org/licence", accept=True)


@pytest.fixture(scope="session", autouse=True)
def _clipboard(qapp):
    """Leaves nothing on the clipboard.

    Without a display it is a static object of Qt: what Python put there it deletes after Python's own end, and the
    run crashes once all has passed. On a desktop it ends with the application.
    """
    yield
    QGuiApplication.clipboard().clear()


def work_of(act) -> int:
    """How many calls of Python an act makes in this thread: what it costs, whatever else the machine does."""
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
    """Background work that has ended when the test has."""
    running = Jobs()
    yield running
    running.close()


@pytest.fixture
def pictures():
    """What reads photos, its processes ended when the test has; only the first photo starts one."""
    reading = Pictures(Limits(seconds=600.0))
    yield reading
    reading.close()


@pytest.fixture
def photos():
    """Make so many plain records, in landscape and portrait."""

    def make(count: int, first: int = 0) -> tuple[Result, ...]:
        return tuple(
            Result(
                id=k,
                path=Path(f"/photos/IMG_{k:04}.jpg"),
                score=0.0,
                match=None,
                taken="2020-07-18T17:42:00",
                place=None,
                width=4000 if k % 3 else 3000,
                height=3000 if k % 3 else 4000,
            )
            for k in range(first, first + count)
        )

    return make


@pytest.fixture
def wall_view(qtbot, jobs, pictures, photos):
    """A shown wall of so many photos, 800 by 600 pixels."""

    def make(count: int) -> PhotoView:
        model = WallModel()
        view = PhotoView(model, Thumbnails(jobs, pictures), jobs, 8.0)
        model.setParent(view)
        qtbot.addWidget(view)
        view.resize(800, 600)
        view.show()
        view.show_wall(Wall.of(photos(count)))
        return view

    return make


@pytest.fixture(scope="session")
def bundle(starter):
    """The model that ships with Picsight."""
    return open_bundle(starter)


@pytest.fixture(scope="session")
def real_photos(shared, tmp_path_factory) -> Path:
    """A folder of 24 real photos, unpacked."""
    folder = tmp_path_factory.mktemp("Pictures")
    with tarfile.open(shared / "data" / "caltech101-eval-000000.tar") as tar:
        pictures = [member for member in tar if member.name.endswith((".jpg", ".webp"))][::40][:24]
        for member in pictures:
            data = tar.extractfile(member)
            assert data is not None
            (folder / Path(member.name).name).write_bytes(io.BytesIO(data.read()).getvalue())
    return folder


@pytest.fixture(scope="session")
def few_photos(real_photos, tmp_path_factory):
    """Three of the real photos."""
    folder = tmp_path_factory.mktemp("few")
    for path in sorted(real_photos.glob("caltech*"))[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def read_all(bundle, real_photos, tmp_path_factory):
    """The folder of a library that has read all of the real photos, and met a broken file."""
    broken = tmp_path_factory.mktemp("Broken")
    (broken / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    return read(tmp_path_factory.mktemp("library"), bundle, real_photos, broken)


@pytest.fixture(scope="session")
def read_few(bundle, few_photos, tmp_path_factory):
    """The folder of a library that has read three photos."""
    return read(tmp_path_factory.mktemp("library"), bundle, few_photos)


def read(library, bundle, *folders):
    """Let a library read folders of photos; its folder."""
    with Library.open(library, bundle) as opened:
        list(opened.index(folders))
    return library


@pytest.fixture
def models(tmp_path, starter):
    """The models of this computer: at first the one that ships with Picsight."""
    return InstalledModels(tmp_path / "models", starter)


@pytest.fixture(scope="session")
def model_files(bundle):
    """What lies in the shipped model, by name."""
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
def model_window(qtbot, tmp_path, models, entry):
    """Open the window on a library of its own or the copy of another, with these models and one in the catalogue."""
    opened = []

    def make(add=(), *, copy=None, fails=False, settings=None, jobs=None):
        jobs, folder = jobs or Jobs(), tmp_path / "library"
        if copy is not None:
            shutil.copytree(copy, folder)
        place = LibraryPlace(folder, lambda: choice_of(folder, models), lambda: models)
        window = MainWindow(place, settings or Settings(), jobs)
        window.models._entries = (entry,)
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


class HeldJobs(Jobs):
    """Jobs whose runs wait after each figure of progress while the gate is closed: the window cannot miss it."""

    def __init__(self):
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def stream(self, work, *handlers):
        def held(cancel):
            for event in work(cancel):
                yield event
                if isinstance(event, Progress):
                    self.gate.wait(PATIENCE / 1000)

        return super().stream(held, *handlers)


@pytest.fixture
def held():
    """Such jobs, the gate open."""
    return HeldJobs()


def words_in(widget):
    """All that labels say in a widget now."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def tabbed(window, key=Qt.Key.Key_Tab):
    """Press Tab; the widget that has the keyboard then."""
    QTest.keyClick(window.windowHandle(), key)
    return QApplication.focusWidget()


def wait_until_read(qtbot, window):
    """Until a run has come to its end."""
    qtbot.waitUntil(lambda: window.library.has_looked and not window.library.is_indexing)


@pytest.fixture
def parcel(tmp_path, bundle):
    """The folder of a model in a person's hands: the shipped towers, which see only the middle of a photo."""
    m = bundle.manifest
    seen = replace(m.image, resize="shortest", crop="centre")
    manifest = replace(m, name="mine", title="<b>Mine</b>", space_id=SPACE, licence=TERMS, image=seen)
    files = {name: bundle.folder / name for name in m.files}
    return write_bundle(tmp_path / "parcel", manifest, files).folder

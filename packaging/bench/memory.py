"""Measures the memory of the window's process during long searching and scrolling: it must level off."""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from report import machine, table

from picsight.jobs import Jobs
from picsight.settings import SettingsStore
from picsight.window.search.place import Place
from picsight.window.session.overview import LibrarySetup
from picsight.window.shell.main_window import MainWindow
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.assets import find_asset
from picsight_engine.installation.model_choice import ModelChoice
from picsight_engine.photos.metadata.tag_precedence import METADATA_RULE
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import ensure_space, put_vector
from picsight_engine.store.files import Metadata, NewFile, put_file, put_metadata
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from picsight_engine.bundles.bundle import Bundle

PATIENCE = 60.0  # seconds
COLOURS = ("red", "blue", "green", "old", "small", "white", "black", "shiny", "wet", "broken")
THINGS = (
    "bicycle", "dog", "house", "boat", "tree", "cup", "street", "mountain", "cake", "horse", "chair", "river",
    "window", "flower", "car", "book", "hat", "bridge", "train", "bird",
)  # fmt: skip


def write_photos(folder: Path, count: int) -> None:
    """Writes `count` different pictures of 240 by 160 pixels, soft coloured noise."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = random.integers(0, 256, (12, 18, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((240, 160)).save(folder / f"{number:05}.jpg", quality=85)


def fill(library: Path, pictures: Path, bundle: Bundle) -> None:
    """Records these pictures as indexed: indexing them would take minutes and show nothing more."""
    db, random = open_database(library), np.random.default_rng(1)
    space, dim = bundle.manifest.space_id, bundle.manifest.dim
    with closing(db), closing(ThumbnailStore.open(library)) as thumbnails:
        root, pictured = add_folder(db, pictures), dict[int, bytes]()
        with db.writer() as connection:
            ensure_space(connection, space, dim, active=True)
            for number, path in enumerate(sorted(pictures.iterdir())):
                info, name = path.stat(), path.name.encode()
                identity = number.to_bytes(16, "big")
                photo = put_photo(connection, NewPhoto(identity, 240, 160))
                size, time_ns, device = info.st_size, info.st_mtime_ns, info.st_dev
                put_file(connection, NewFile(root.id, name, size, time_ns, identity, photo, device))
                put_metadata(connection, root.id, name, Metadata(), METADATA_RULE)
                vector = random.standard_normal(dim, dtype=np.float32)
                put_vector(connection, photo, space, vector / np.linalg.norm(vector))
                pictured[photo] = path.read_bytes()
        thumbnails.put(pictured)


def resident() -> float:
    """The current memory of this process, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1e3
    return 0.0


class SimulatedUser:
    """Types, scrolls and waits as a person does, but without a pause."""

    def __init__(self, window: MainWindow) -> None:
        self._window, self._frame = window, window.frame
        self.looked_at = 0

    def wait(self, until: Callable[[], object]) -> None:
        """Runs the event loop until a condition holds."""
        latest = time.monotonic() + PATIENCE
        while not until():
            QApplication.processEvents()
            time.sleep(0.001)
            if time.monotonic() > latest:
                raise SystemExit("The window did not answer within a minute.")

    def search(self, words: str) -> None:
        """Types a description and waits for its answer."""
        self._frame.box.line.clear()
        QTest.keyClicks(self._frame.box.line, f"{words} ")
        self.wait(lambda: self._window.search.place.words == words)
        self._see()

    def scroll(self, photos: int) -> None:
        """Scrolls through all photos by screens, and waits for the pictures of each."""
        self._window.pages.go(Place())
        self.wait(lambda: self._frame.model.rowCount() == photos)
        bar = self._frame.grid.verticalScrollBar()
        for height in range(0, bar.maximum() + bar.pageStep(), bar.pageStep()):
            bar.setValue(height)
            self.looked_at += self._see()

    def _see(self) -> int:
        grid, thumbnails = self._frame.grid, self._frame.thumbnails
        first = grid.indexAt(grid.viewport().rect().center()).row()
        row = max(first, 0)
        shown = self._frame.model.wall.results[row : row + 20]
        self.wait(lambda: all(thumbnails.pixmap(photo.id) for photo in shown))
        return len(shown)


def measure(window: MainWindow, photos: int, searches: int, rounds: int) -> Iterator[list[str]]:
    """The table's rows: memory after each round of searches and scrolling."""
    person = SimulatedUser(window)
    words = itertools.cycle(f"{colour} {thing}" for thing in THINGS for colour in COLOURS)
    person.wait(lambda: window.frame.model.rowCount() == photos and not window.library.is_indexing)
    yield ["open", "0", "0", f"{resident():,.0f}", ""]
    for number in range(1, rounds + 1):
        for _ in range(searches // rounds):
            person.search(next(words))
        searched = resident()
        person.scroll(photos)
        done = number * (searches // rounds)
        yield [f"round {number}", f"{done}", f"{number * photos:,}", f"{searched:,.0f}", f"{resident():,.0f}"]


def run(folder: Path, bundle: Bundle, photos: int, searches: int, rounds: int) -> list[list[str]]:
    """Opens the window on the library and uses it."""
    application = QApplication.instance() or QApplication([])
    jobs = Jobs()
    window = MainWindow(
        LibrarySetup(folder, lambda: ModelChoice(bundle, bundle)),
        SettingsStore(folder / "settings.toml"),
        jobs,
    )
    window.resize(1280, 900)
    window.show()
    window.start(())
    rows = list(measure(window, photos, searches, rounds))
    window.close()
    jobs.close()
    window.library.close()
    application.processEvents()
    return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=5000, metavar="N")
    parser.add_argument("--searches", type=int, default=200, metavar="N")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    bundle = open_bundle(find_asset("starter"))
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "pictures"
        write_photos(pictures, arguments.photos)
        fill(Path(folder) / "library", pictures, bundle)
        rows = run(Path(folder) / "library", bundle, arguments.photos, arguments.searches, arguments.rounds)
    print(f"{machine()}; the window's process, MB resident\n")
    print(table(["", "searches", "thumbnails", "after the searches", "after scrolling"], rows))


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()

"""Measures the window on a large library: from its start to the first photos, and from a key to its results."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from report import machine, milliseconds, table
from search import clustered

import picsight.window as program
from picsight.jobs import Jobs
from picsight.settings import SettingsStore
from picsight.window.search.place import Place
from picsight.window.session.overview import LibrarySetup
from picsight.window.shell.main_window import MainWindow
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.assets import find_asset
from picsight_engine.installation.model_choice import ModelChoice
from picsight_engine.runtime.text_embedder import TextEmbedder
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import ensure_space, put_vector
from picsight_engine.store.files import Metadata, NewFile, put_file, put_metadata
from picsight_engine.store.folders import add_folder
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle

WORDS = ("beach", "castle", "bicycle", "birthday", "mountain", "garden", "horse", "street", "snow", "boat")
COSINES = {
    0.5: 40,
    0.36: 300,
}  # how near photos are to each word, and how many: strong matches and weaker ones
FIRST_YEAR, DAYS = 2010, 5000
POLL_MS = 20  # beside the signals
REST_MS = 1500  # before a wish, until everything of before has ended


def fill(folder: Path, bundle: Bundle, count: int) -> None:
    """Makes a library of `count` photos over fourteen years: some are near the words, all have a thumbnail."""
    vectors = _near(clustered(count, seed=3), bundle)
    random = np.random.default_rng(4)
    jpegs, pictured = [_thumbnail(random) for _ in range(32)], dict[int, bytes]()
    db, thumbnails = open_database(folder / "library"), ThumbnailStore.open(folder / "library")
    (folder / "photos").mkdir()
    root = add_folder(db, folder / "photos")
    with db.writer() as connection:
        ensure_space(connection, bundle.manifest.space_id, bundle.manifest.dim, active=True)
        for number, vector in enumerate(vectors):
            identity = hashlib.md5(str(number).encode(), usedforsecurity=False).digest()
            width, height = (4000, 3000) if number % 3 else (3000, 4000)
            photo = put_photo(connection, NewPhoto(identity, width, height))
            name = f"trip {number % 400}/IMG_{number}.jpg".encode()
            put_file(connection, NewFile(root.id, name, 1, 1, identity, photo))
            day = np.datetime64(f"{FIRST_YEAR}-01-01") + np.timedelta64(int(random.integers(DAYS)), "D")
            put_metadata(connection, root.id, name, Metadata(taken=f"{day}T12:00:00"), 1)
            put_vector(connection, photo, bundle.manifest.space_id, vector)
            pictured[photo] = jpegs[number % len(jpegs)]
    thumbnails.put(pictured)
    thumbnails.close()
    db.close()


def _near(vectors: NDArray[np.float32], bundle: Bundle) -> NDArray[np.float32]:
    """Moves the first vectors near the words, each to its cosine."""
    embedder, row = TextEmbedder(bundle), 0
    for words in WORDS:
        direction = embedder.embed_term(words)
        for cosine, many in COSINES.items():
            part = vectors[row : row + many]
            part -= np.outer(part @ direction, direction)
            part /= np.linalg.norm(part, axis=1, keepdims=True)
            vectors[row : row + many] = cosine * direction + (1 - cosine**2) ** 0.5 * part
            row += many
    return vectors


def _thumbnail(random: np.random.Generator) -> bytes:
    """A picture with as much detail as a photo."""
    coarse = random.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((256, 192), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def is_settled(window: MainWindow) -> bool:
    """Whether every photo in sight has its picture."""
    grid, wall = window.frame.grid, window.frame.model.wall
    thumbnails, area = window.frame.thumbnails, grid.viewport().rect()
    for row, photo in enumerate(wall.results):
        if not grid.visualRect(window.frame.model.index(row)).intersects(area):
            return row > 0
        if thumbnails.pixmap(photo.id) is None:
            return False
    return bool(wall.results)


def await_all(window: MainWindow, until: Callable[[], bool], then: Callable[[], None]) -> None:
    """Calls `then` once, as soon as all results are there; checks whenever an answer or pictures arrive."""
    timer = QTimer(window, interval=POLL_MS)

    def look(_news: object = None) -> None:
        if timer.isActive() and until():
            timer.stop()
            then()

    window.search.place_changed.connect(look)
    window.frame.thumbnails.arrived.connect(look)
    timer.timeout.connect(look)
    timer.start()


def launch(library: Path, begun: float) -> None:
    """Runs the program until photos are visible, and prints the time since `begun`."""
    start = MainWindow.start

    def started(window: MainWindow, folders: tuple[Path, ...]) -> None:
        def end() -> None:
            print(json.dumps([time.time() - begun, time.process_time()]), flush=True)
            window.close()

        await_all(window, lambda: is_settled(window), end)
        start(window, folders)

    MainWindow.start = started  # type: ignore[method-assign, assignment]
    program.run_window(library)


def launches(library: Path, rounds: int) -> Iterator[tuple[float, float]]:
    """Starts the program in each round: seconds by the clock and of the processor until photos are visible."""
    for _ in range(rounds):
        command = [sys.executable, __file__, "--launch", str(library), str(time.time())]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        clock, processor = json.loads(done.stdout)
        yield clock, processor


def timed(window: MainWindow, act: Callable[[], None], until: Callable[[], bool]) -> tuple[float, float]:
    """Seconds by the clock and of the processor from an action until the window shows its result."""
    loop = QEventLoop()
    QTimer.singleShot(REST_MS, loop.quit)
    loop.exec()
    clock, processor = time.perf_counter(), time.process_time()
    act()
    await_all(window, until, loop.quit)
    loop.exec()
    return time.perf_counter() - clock, time.process_time() - processor


def keystrokes(window: MainWindow, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """The cost of a key: the last letter of a word, clearing the words, and the fold."""
    line, fold = window.frame.box.line, window.frame.grid.fold
    costs: dict[str, list[tuple[float, float]]] = {}

    def cost(name: str, act: Callable[[], None], place: Place) -> None:
        until = partial(_is_there, window, place)
        costs.setdefault(name, []).append(timed(window, act, until))

    for number in range(rounds):
        words = WORDS[number % len(WORDS)]
        line.setFocus()
        timed(
            window, partial(QTest.keyClicks, line, words[:-1]), partial(_is_there, window, Place(words[:-1]))
        )
        cost("the last letter of a word", partial(QTest.keyClicks, line, words[-1]), Place(words))
        if fold.isVisible():
            cost("the fold", fold.click, Place(words))
        line.selectAll()
        cost("the words away, to all photos", partial(QTest.keyClick, line, Qt.Key.Key_Delete), Place())
    return costs


def _is_there(window: MainWindow, place: Place) -> bool:
    return window.search.place == place and is_settled(window)


def opened(library: Path, bundle: Bundle, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Opens the window and measures in it."""
    app = QApplication([])
    jobs = Jobs()
    window = MainWindow(
        LibrarySetup(library, lambda: ModelChoice(bundle, bundle)),
        SettingsStore(library / "settings.toml"),
        jobs,
    )
    window.resize(1280, 800)
    window.show()
    loop = QEventLoop()
    window.library.indexing_ended.connect(lambda: QTimer.singleShot(REST_MS, loop.quit))
    window.start(())
    loop.exec()
    timed(window, lambda: None, lambda: _is_there(window, Place()))
    costs = keystrokes(window, rounds)
    window.close()
    jobs.close()
    window.library.close()
    app.quit()
    return costs


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--launch", nargs=2, metavar=("LIBRARY", "BEGUN"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.launch:
        launch(Path(arguments.launch[0]), float(arguments.launch[1]))
        return
    bundle = open_bundle(find_asset("starter"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HOME": folder, "XDG_CONFIG_HOME": folder}
        fill(Path(folder), bundle, arguments.photos)
        library = Path(folder) / "library"
        costs = {"the program's start": list(launches(library, arguments.rounds))}
        costs |= opened(library, bundle, arguments.rounds)
    rows = [
        [
            name,
            milliseconds([cost[0] for cost in each]),
            f"{1e3 * statistics.median(cost[1] for cost in each):.0f}",
        ]
        for name, each in costs.items()
    ]
    print(f"{machine()}; {arguments.photos:,} photos, {arguments.rounds} rounds, without a screen\n")
    print(table(["until every photo in sight is painted", "ms, median (range)", "of the processor"], rows))


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    main()

"""Killed and interrupted runs in separate processes: committed photos stay, and the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from picsight_engine.store.photos import all_photos

if TYPE_CHECKING:
    from pathlib import Path

PHOTOS = 200
BATCH = 4  # as the script has it

SCRIPT = """
import os, signal, sys
from pathlib import Path
from picsight_engine.indexing.events import Committed, Progress
from picsight_engine.indexing.indexer import IndexSettings, run_index
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.store.opening import open_database
from picsight_engine.store.folders import add_folder
from picsight_engine.store.derived.thumbnails import ThumbnailStore

def main():
    library, bundle, album, workers = sys.argv[1:]
    db, thumbnails = open_database(Path(library)), ThumbnailStore.open(Path(library))
    #
    settings = IndexSettings(workers=int(workers), batch_photos=4)
    for event in run_index(db, thumbnails, open_bundle(Path(bundle)), [add_folder(db, Path(album))], settings):
        if isinstance(event, Committed):
            print(len(event.photo_ids), flush=True)
    print("finished", flush=True)

if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""

KILLED_AT_A_PART = SCRIPT.replace(
    "    #\n",
    """
    with db.writer() as connection:
        connection.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
        connection.execute(
            "CREATE TEMP TRIGGER dying BEFORE INSERT ON vectors WHEN NEW.part = 2 BEGIN SELECT die(); END"
        )
""",
)


@pytest.fixture
def many(tmp_path, draw) -> Path:
    folder = tmp_path / "many"
    for number in range(PHOTOS):
        draw(folder / f"{number:03}.jpg", number)
    return folder


@pytest.fixture
def start(tmp_path, bundle):
    """Starts an indexing process in a new process group, as a terminal does."""
    script = tmp_path / "index.py"
    started: list[subprocess.Popen[str]] = []

    def start_run(library: Path, workers: int, album: Path, text: str = SCRIPT) -> subprocess.Popen[str]:
        script.write_text(text)
        command = [sys.executable, script, library, bundle.folder, album, str(workers)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield start_run
    for process in started:  # after a failed test, one may still run
        with process:
            process.kill()


def read_commits(process: subprocess.Popen[str], batches: int) -> int:
    """Waits for so many batches or the end; returns the number of committed photos."""
    photos = 0
    for _, line in zip(range(batches), process.stdout, strict=False):
        if not line.strip().isdigit():
            break
        photos += int(line)
    return photos


def test_ctrl_c_stores_finished_photos_without_a_word_from_the_workers(library, many, start, tmp_path):
    process = start(tmp_path / "library", 2, many)
    committed = read_commits(process, 1)
    os.killpg(process.pid, signal.SIGINT)  # a terminal signals the whole group
    out, err = process.communicate()
    assert out.splitlines()[-1] in {"interrupted", "finished"}
    assert err == ""
    assert len(all_photos(library.db)) >= committed > 0
    assert len(all_photos(library.db)) == len(library.thumbnails.ids())


def test_a_kill_between_two_parts_of_a_panorama_stores_none_of_them(library, start, tmp_path, draw):
    for number in range(5):
        draw(tmp_path / "album" / f"{number}.jpg", number, size=(96, 64) if number else (320, 64))
    os.utime(tmp_path / "album" / "0.jpg", (1, 1))  # the oldest is read last
    process = start(tmp_path / "library", 1, tmp_path / "album", KILLED_AT_A_PART)
    out, _ = process.communicate()
    assert (out, process.returncode) == (f"{BATCH}\n", -signal.SIGKILL)
    assert len(library.db.rows("SELECT id FROM vectors")) == len(all_photos(library.db)) == BATCH

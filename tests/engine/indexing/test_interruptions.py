"""Runs in processes of their own, killed and interrupted for real: what was committed stays, the next run goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.engine.miniature import all_vectors

from picsight_engine.indexing.events import Finished
from picsight_engine.indexing.indexer import IndexSettings, run_index
from picsight_engine.store.photos import all_photos

PHOTOS = 200
BATCH = 4  # as the script has it

SCRIPT = """
import sys
from pathlib import Path
from picsight_engine.indexing.events import Committed, Progress
from picsight_engine.indexing.indexer import IndexSettings, run_index
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.store.database import Database
from picsight_engine.store.folders import add_folder
from picsight_engine.store.thumbnails import ThumbnailStore

def main():
    library, bundle, album, workers = sys.argv[1:]
    db, thumbnails = Database.open(Path(library)), ThumbnailStore.open(Path(library))
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


@pytest.fixture
def many(tmp_path, draw) -> Path:
    folder = tmp_path / "many"
    for number in range(PHOTOS):
        draw(folder / f"{number:03}.jpg", number)
    return folder


@pytest.fixture
def start(tmp_path, bundle, many):
    """Starts an indexing process in a group of its own, as a terminal does."""
    script = tmp_path / "index.py"
    script.write_text(SCRIPT)
    started: list[subprocess.Popen[str]] = []

    def start_run(library: Path, workers: int) -> subprocess.Popen[str]:
        command = [sys.executable, script, library, bundle.folder, many, str(workers)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        return process

    yield start_run
    for process in started:  # only those of a failed test still run
        with process:
            process.kill()


def by_name(home, bundle) -> dict[bytes, bytes]:
    photo_ids, matrix = all_vectors(home.db, bundle.manifest.space_id)
    assert len(set(photo_ids)) == len(photo_ids)
    rows = dict(zip(photo_ids.tolist(), matrix, strict=True))
    return {photo.name: rows[photo.id].tobytes() for photo in all_photos(home.db)}


def read_commits(process: subprocess.Popen[str], batches: int) -> int:
    """Waits for so many batches, or the end; returns the photos told as committed."""
    photos = 0
    for _, line in zip(range(batches), process.stdout, strict=False):
        if not line.strip().isdigit():
            break
        photos += int(line)
    return photos


def kill_until_done(home_type, library: Path, start, seed: int, *, most: int) -> int:
    """Runs again and again, each killed after a seeded number of batches; returns how many were killed."""
    dice = random.Random(seed)
    kills = 0
    kept = 0
    while kills < most:
        process = start(library, dice.choice([1, 2, 3]))
        told = read_commits(process, dice.choice([1, 1, 2]))
        process.kill()
        process.communicate()
        kills += 1
        home = home_type(library)
        visible, pictured = {photo.id for photo in all_photos(home.db)}, set(home.thumbnails.ids())
        photos = len(visible)
        assert visible <= pictured
        assert len(pictured - visible) <= BATCH  # thumbnails are written first
        home.close()
        assert photos >= kept + told
        if photos == PHOTOS:
            break
        kept = photos
    return kills


@pytest.mark.soak  # the program itself is killed in tests/system
@pytest.mark.parametrize("seed", range(1, 18))
def test_killed_runs_lose_no_batch_and_give_the_same_vectors(home, bundle, many, start, tmp_path, seed):
    kills = kill_until_done(type(home), tmp_path / "library", start, seed, most=6)
    assert kills >= 4
    *_, finished = run_index(home.db, home.thumbnails, bundle, [home.add(many)], IndexSettings(workers=2))
    assert isinstance(finished, Finished)
    assert finished.summary.indexed + finished.summary.unchanged == PHOTOS
    assert finished.summary.problems == 0
    assert home.thumbnails.ids() == sorted(photo.id for photo in all_photos(home.db))
    undisturbed = type(home)(tmp_path / "undisturbed")
    folder = undisturbed.add(many)
    for _ in run_index(undisturbed.db, undisturbed.thumbnails, bundle, [folder], IndexSettings(workers=1)):
        pass
    expected = by_name(undisturbed, bundle)
    undisturbed.close()
    assert by_name(home, bundle) == expected


def test_ctrl_c_stores_what_is_done_and_says_nothing_from_the_workers(home, many, start, tmp_path):
    process = start(tmp_path / "library", 2)
    told = read_commits(process, 1)
    os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
    out, err = process.communicate()
    assert out.splitlines()[-1] in {"interrupted", "finished"}
    assert err == ""
    assert len(all_photos(home.db)) >= told > 0
    assert len(all_photos(home.db)) == len(home.thumbnails.ids())


def mappings(process: subprocess.Popen[str]) -> int:
    """How far its first worker is: Python and every module that is a library map files into memory."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    try:
        _tracker, worker = children[:2]
        return len(Path(f"/proc/{worker}/maps").read_text().splitlines())
    except (ValueError, FileNotFoundError, ProcessLookupError):  # not there yet, or no longer
        return 0


@pytest.mark.parametrize("tries", [1, pytest.param(100, marks=pytest.mark.soak)])
def test_ctrl_c_while_workers_start_says_nothing_either(start, tmp_path, tries):
    dice = random.Random(tries)
    for number in range(tries):
        process = start(tmp_path / f"library {number}", 3)
        wanted = dice.randint(40, 140)
        while process.poll() is None and mappings(process) < wanted:
            os.sched_yield()
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate()
        assert err == ""

"""Disks that go and come back keep their photos; real mounts in a separate mount namespace."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PHOTOS = 30

# Runs in `unshare --mount`. Each line of its output is the result of a run, as JSON.
SCRIPT = """
import json, os, shutil, subprocess, sys
from pathlib import Path
from picsight_engine.indexing.indexer import IndexSettings, run_index
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.store.opening import open_database
from picsight_engine.store.folders import add_folder, all_folders
from picsight_engine.store.photos import all_photos
from picsight_engine.store.derived.thumbnails import ThumbnailStore

def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)

def main():
    work, bundle, place = Path(sys.argv[1]), open_bundle(Path(sys.argv[2])), sys.argv[3]
    db, thumbnails = open_database(work / "library"), ThumbnailStore.open(work / "library")
    disk = work / "photos" / place if place else work / "photos"
    folder = add_folder(db, work / "photos")

    def run(step):
        *_, end = run_index(db, thumbnails, bundle, [folder], IndexSettings(workers=1))
        assert thumbnails.ids() == sorted(photo.id for photo in all_photos(db))
        folders = {each.id: each for each in all_folders(db)}
        print(json.dumps({
            "step": step, "missing": end.summary.missing, "indexed": end.summary.indexed, "notes": [*map(str, end.notes)],
            "state": folders[folder.id].state, "photos": len(all_photos(db)),
        }), flush=True)

    source = work / "source"
    mount("-t", "tmpfs", "first", disk)
    shutil.copytree(source, disk, dirs_exist_ok=True)
    run("plugged in")
    shutil.copytree(disk, work / "kept")
    subprocess.run(["umount", disk], check=True)
    run("mount point behind")
    shutil.copy2(work / "covered.jpg", disk)
    run("covered file")
    mount("-t", "tmpfs", "other", "/mnt")  # takes the number that the first one had
    mount("-t", "tmpfs", "second", disk)  # the same disk after a restart: another device number, one photo less
    shutil.copytree(work / "kept", disk, dirs_exist_ok=True)
    os.unlink(disk / "00.jpg")
    run("back")
    run("and again")

if __name__ == "__main__":
    main()
"""


def may_mount() -> bool:
    if sys.platform != "linux":
        return False
    probe = ["unshare", "--mount", "mount", "-t", "tmpfs", "probe", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("place", [pytest.param("", marks=pytest.mark.soak), "disk"])
def test_photos_of_a_disk_that_goes_and_comes_back_stay(tmp_path, bundle, draw, place):
    if not may_mount():
        pytest.skip("needs the right to mount")
    for number in range(PHOTOS):
        draw(tmp_path / "source" / f"{number:02}.jpg", number)
    draw(tmp_path / "covered.jpg", 900)
    (tmp_path / "photos" / place).mkdir(parents=True)
    beside = 3 if place else 0
    for number in range(100, 100 + beside):
        draw(tmp_path / "photos" / f"{number}.jpg", number)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = ["unshare", "--mount", sys.executable, script, tmp_path, bundle.folder, place]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    where, away = place or "photos", "watching" if place else "offline"
    kept = "{} missing from " + f'"{where}". Nothing was removed from Picsight.'
    whole = PHOTOS + beside
    runs = [
        (line["step"], line["photos"], line["missing"], line["indexed"], line["state"], line["notes"])
        for line in map(json.loads, done.stdout.splitlines())
    ]
    assert runs == [
        ("plugged in", whole, 0, whole, "watching", []),
        ("mount point behind", whole, 0, 0, away, [kept.format("30 photos are")]),
        ("covered file", whole + 1, 0, 1, away, [kept.format("30 photos are")]),
        ("back", whole + 1, 0, 0, "watching", [kept.format("2 photos are")]),
        ("and again", whole, 1, 0, "watching", [kept.format("1 photo is")]),  # the disk covers it
    ]

"""`picsight watch` as a process: it follows changes, is killed at any moment, and nothing is lost or there twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal

import pytest
from tests.shell import Shell
from tests.system.test_interruption import vectors


@pytest.fixture
def album(photos, tmp_path):
    (folder := tmp_path / "album").mkdir()
    for path in sorted(photos.glob("*.jpg"))[:5]:
        shutil.copyfile(path, folder / path.name)
    return folder


def next_run(process):
    """The document of the next run that changed something."""
    return json.loads(process.stdout.readline())


def test_changes_are_indexed_until_ctrl_c(fresh, album, photos):
    assert Shell(fresh.library)("watch").sentence(2)
    Shell(fresh.library).json("index", album)
    process = fresh.start("watch", "--json")
    assert next_run(process)["unchanged"] == 5
    shutil.copyfile(sorted(photos.glob("*.jpg"))[6], album / "new.jpg")
    assert next_run(process)["indexed"] == 1
    (album / "new.jpg").rename(album / "newer.jpg")
    assert next_run(process)["moved"] == 1
    Shell(fresh.library)("tags", "new", "Seen", "--prompt", "cat")  # other commands work meanwhile
    (album / "newer.jpg").unlink()
    assert next_run(process)["missing"] == 1
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, b"")
    assert b"Traceback" not in err


@pytest.mark.parametrize("kills", [2, pytest.param(100, marks=pytest.mark.soak)])
def test_kills_while_files_come_and_go_lose_nothing(fresh, album, photos, kills):
    """Beside a second one that is never killed; in the end a whole run has nothing to do."""
    shell, dice = Shell(fresh.library), random.Random(kills)
    shell.json("index", album)
    known = [path.read_bytes() for path in sorted(photos.glob("*.jpg"))]
    steady = fresh.start("watch", "--quiet")
    for number in range(kills):
        process = fresh.start("watch", "--json")
        next_run(process)
        for _ in range(dice.randrange(1, 8)):
            files = sorted(album.rglob("*.jpg"))
            place = album / dice.choice(["", "trip", "trip/day"])
            place.mkdir(parents=True, exist_ok=True)
            match dice.choice(["come", "come", "go", "move", "tree"]):
                case "come":
                    (place / f"{number}-{dice.random()}.jpg").write_bytes(dice.choice(known))
                case "go" if len(files) > 5:
                    dice.choice(files).unlink()
                case "move" if files:
                    dice.choice(files).rename(place / f"moved-{dice.random()}.jpg")
                case "tree" if (album / "trip").exists():
                    shutil.move(album / "trip", album / f"trip-{dice.random()}")
        process.kill()
        process.communicate(timeout=120)
    os.killpg(steady.pid, signal.SIGINT)
    _, err = steady.communicate(timeout=120)
    assert (steady.returncode, b"Traceback" in err) == (0, False)
    shell.json("index")
    again = shell.json("index")
    files = {str(path.relative_to(album)) for path in album.rglob("*.jpg")}
    assert (again["unchanged"], again["indexed"], again["missing"], again["problems"]) == (
        len(files),
        0,
        0,
        0,
    )
    assert vectors(fresh.library).keys() >= files
    assert shell.json("doctor")["ok"]

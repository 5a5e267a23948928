"""The whole program under siege: killed a hundred times over three thousand damaged files among sound ones."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
import xxhash
from tests.mutation import KINDS, write_mutated

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 64
LONGEST = 2.5  # seconds until a kill: the workers' start, and some batches


@pytest.fixture
def battlefield(photos, shared, tmp_path, request) -> Path:
    """Damaged files of every kind in folders of a hundred, and the forty photos."""
    folder = tmp_path / "photos"
    write_mutated(folder, shared, request.param, random.Random("siege"))
    (folder / "sound").mkdir()
    for path in photos.iterdir():
        (folder / "sound" / path.name).symlink_to(path)
    return folder


def add_photos(folder: Path, number: int) -> None:
    """Forty more pictures: bytes behind the end of a JPEG make it another one, and show nowhere."""
    later = folder / "later" / str(number)
    later.mkdir(parents=True)
    for path in (folder / "sound").iterdir():
        (later / path.name).write_bytes(path.read_bytes() + b"%d" % number)


def state(library: Path) -> tuple[set[int], set[int]]:
    """The visible photos, and those that have a thumbnail; after a kill SQLite reads its logs first."""
    ids = []
    for name, query in (
        ("library.db", "SELECT id FROM photos WHERE missing_since IS NULL"),
        ("thumbnails.db", "SELECT photo_id FROM thumbnails"),
    ):
        if not (library / name).exists():
            return set(), set()
        with closing(sqlite3.connect(library / name)) as connection:
            ids.append({row for (row,) in connection.execute(query)})
    return ids[0], ids[1]


@pytest.mark.parametrize(
    ("battlefield", "kills"), [pytest.param(3000, 100, marks=pytest.mark.soak)], indirect=["battlefield"]
)
def test_kills_and_damaged_files_cost_nothing(fresh, battlefield, kills) -> None:
    dice = random.Random("kills")
    kept: set[int] = set()
    killed = rounds = 0
    while killed < kills:
        rounds += 1
        assert rounds < 2 * kills
        add_photos(battlefield, rounds)
        process = fresh.start("index", battlefield)
        with suppress(subprocess.TimeoutExpired):
            process.wait(LONGEST * dice.random())
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        _, err = process.communicate(timeout=60)
        killed += process.returncode == -signal.SIGKILL
        assert b"Traceback" not in err
        visible, pictured = state(fresh.library)
        assert kept <= visible <= pictured
        assert len(pictured - visible) <= BATCH
        kept = visible
    last = fresh.json("index", battlefield)
    assert last["found"] == last["indexed"] + last["unchanged"] + last["moved"] + last["problems"]
    visible, pictured = state(fresh.library)
    assert kept <= visible == pictured
    assert fresh.json("doctor")["ok"]
    again = fresh.json("index", battlefield)
    assert (again["indexed"], again["missing"], again["problems"]) == (0, 0, last["problems"])
    for path in (battlefield / "sound").iterdir():
        assert fresh.json("show", path)["problem"] is None


@pytest.mark.parametrize(
    "battlefield", [200, pytest.param(10_000, marks=pytest.mark.soak)], indirect=["battlefield"]
)
def test_every_damaged_file_is_a_photo_or_a_problem_and_stays_as_it_is(fresh, battlefield) -> None:
    files = [path for path in battlefield.rglob("*") if path.is_file()]

    def contents():
        return {path: (xxhash.xxh3_128_digest(path.read_bytes()), path.stat().st_mtime_ns) for path in files}

    before = contents()
    fresh.json("index", battlefield)
    assert contents() == before
    with closing(sqlite3.connect(fresh.library / "library.db")) as connection:
        shown = {name for (name,) in connection.execute("SELECT name FROM files WHERE photo_id IS NOT NULL")}
        problems = dict(connection.execute("SELECT name, message_values FROM problems"))
    kinds = {os.fsencode(path.relative_to(battlefield)) for path in files if path.suffix.lower() in KINDS}
    assert shown | set(problems) == kinds
    for name, values in problems.items():
        assert json.loads(values)["path"] == str(battlefield / os.fsdecode(name))
        assert json.loads(values)["reason"][0].endswith(".")
    assert len(shown) > 0.2 * len(kinds)

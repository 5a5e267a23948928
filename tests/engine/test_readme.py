"""The example of the engine's README works on real photographs, and its tables name every room and table."""

from __future__ import annotations

import re
import runpy
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from picsight_engine.store.opening import open_database

ARCHITECTURE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
README = Path(__file__).resolve().parents[2] / "engine" / "README.md"


def test_the_example_finds_photographs(photographs, tmp_path):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    (tmp_path / "photos").mkdir()
    for path in sorted(photographs.iterdir())[:12]:
        (tmp_path / "photos" / path.name).symlink_to(path)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "12 new, 0 could not be read" in lines
    assert sum(re.fullmatch(r"\d\.\d{3} \w+\.jpg", line) is not None for line in lines) == 9
    assert lines[-1] == "True"


def test_every_room_is_in_the_table():
    rooms = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    there = {path.stem for path in (README.parent / "picsight_engine").iterdir() if path.stem[0] not in "_."}
    assert there - {"py"} == set(rooms)


def test_every_table_of_the_database_is_described(tmp_path):
    open_database(tmp_path / "library").close()
    with closing(sqlite3.connect(tmp_path / "library" / "library.db")) as connection:
        made = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    described = set(re.findall(r"^\| `(\w+)` \|", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE))
    assert described == {name for name in made if not name.startswith(("sqlite_", "text_", "written_text_"))}


def test_the_steps_of_a_worker_run_in_one_process(photographs, tmp_path, monkeypatch, capsys):
    (steps,) = re.findall(r"```python\n(.*?)```", ARCHITECTURE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "steps.py").write_text(steps, encoding="utf-8")
    shutil.copy(min(photographs.glob("*.jpg")), tmp_path / "IMG_2041.jpg")
    monkeypatch.chdir(tmp_path)
    runpy.run_path("steps.py")
    assert "width=224, height=224, moment=None" in capsys.readouterr().out

"""A damaged library or model: one sentence, exit code 3, and not a byte of it changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import picsight
import picsight_engine

COMMANDS = [["search", "dog"], ["status"], ["problems"], ["show", "/a.jpg"], ["similar", "/a.jpg"], ["index"]]


def digests(folder: Path) -> dict[str, str]:
    """What every file of a folder holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def ruin_header(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(b"\0" * 100)


def ruin_everything(database: Path) -> None:
    database.write_bytes(b"this was a library once\n" * 500)


def make_newer(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA user_version = 9999")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("ruin", [ruin_header, ruin_everything, make_newer])
def test_a_damaged_or_newer_library_is_refused_in_a_sentence_and_left_alone(own, ruin) -> None:
    ruin(own.library / "library.db")
    before = digests(own.library)
    for command in COMMANDS:
        done = own(*command, "--json")
        assert done.code == 3, (command, done)
        assert done.out == ""
        assert done.err.count("\n") == 1
        assert str(own.library) in done.err or "newer" in done.err
    assert digests(own.library) == before


def test_doctor_names_a_damaged_library(own) -> None:
    ruin_header(own.library / "library.db")
    before = digests(own.library)
    done = own("doctor", "--json")
    assert done.code == 3
    assert done.document["ok"] is False
    assert any("library.db" in check["message"] for check in done.document["checks"] if not check["ok"])
    assert digests(own.library) == before


def test_doctor_rebuilds_a_damaged_cache(own) -> None:
    expected = own.json("search", "dog")["results"]
    for path in (own.library / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\x7f" * (path.stat().st_size // 2))
    (own.library / "thumbnails.db").write_bytes(b"no thumbnails here" * 100)
    health = own.json("doctor")
    assert health["ok"]
    assert any(check["repaired"] for check in health["checks"])
    assert own.json("search", "dog")["results"] == expected


def test_a_removed_cache_is_made_again(own) -> None:
    expected = own.json("search", "dog")["results"]
    shutil.rmtree(own.library / "cache")
    assert own.json("search", "dog")["results"] == expected


@pytest.fixture
def copied(own, starter, tmp_path):
    """The program from a checkout of its own whose model a test may damage."""
    checkout = tmp_path / "checkout"
    for package, folder in ((picsight, "app"), (picsight_engine, "engine")):
        source = Path(package.__path__[0])
        shutil.copytree(source, checkout / folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(starter, checkout / "assets" / "starter")
    path = [checkout / "app", checkout / "engine", own.environment["PYTHONPATH"]]
    return replace(own, environment={**own.environment, "PYTHONPATH": os.pathsep.join(map(str, path))})


def model_of(program) -> Path:
    return Path(program.environment["PYTHONPATH"].split(os.pathsep)[0]).parent / "assets" / "starter"


@pytest.mark.parametrize("name", ["bundle.json", "text.onnx", "image.onnx", "tokenizer.json"])
def test_a_model_with_a_file_missing_is_refused_in_a_sentence(copied, name) -> None:
    (model_of(copied) / name).unlink()
    before = digests(copied.library)
    for command in (["search", "dog"], ["index"]):
        done = copied(*command, "--json")
        assert done.code == 3
        assert done.out == ""
        assert name in done.err
        assert done.err.count("\n") == 1
    assert digests(copied.library) == before


def test_a_model_with_changed_bytes_is_found_by_doctor_and_refused_by_search(copied) -> None:
    graph = model_of(copied) / "text.onnx"
    graph.write_bytes(b"\xff" * graph.stat().st_size)
    done = copied("search", "dog", "--json")
    assert done.code == 3
    assert "text.onnx" in done.err
    assert done.err.count("\n") == 1
    health = copied("doctor", "--json")
    assert health.code == 3
    assert any("text.onnx" in check["message"] for check in health.document["checks"] if not check["ok"])


def test_the_copied_program_runs_from_its_own_checkout(copied) -> None:
    copied = copied.given(PYTHONVERBOSE="")
    assert str(model_of(copied)) in copied("status", "--verbose").err
    assert copied.json("search", "dog")["photos"] == 40
    assert sys.executable == copied.command()[0]

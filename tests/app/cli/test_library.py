"""`status` and `doctor`; a library that is not there, damaged or too new; wrong words: each ends with a sentence."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from picsight_engine.store.database import index_lock

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "\x1b[31m\x07\x7f\n\u202e"  # a colour, a bell, a line feed, a turn of the reading direction


def contents(folder: Path) -> dict[Path, bytes]:
    """The bytes of every file of a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_status_counts_and_doctor_finds_a_sound_library_sound(indexed):
    status = indexed.json("status")
    assert [status[key] for key in ("folders", "photos", "files", "problems")] == [1, 4, 4, 0]
    assert (status["library"], status["model"]) == (str(indexed.library), "picsight-starter")
    assert status["bytes"] > 10_000
    health = indexed.json("doctor")
    assert health["ok"] is True
    assert not any(check["repaired"] for check in health["checks"])
    assert indexed("status").out.startswith(f"library: {indexed.library} (")


def test_shared_options_are_taken_before_and_after_the_command(indexed, fresh):
    after = fresh.json("status", "--library", indexed.library, "--quiet", "--verbose")
    assert after["photos"] == 4
    assert indexed("--json", "--quiet", "--verbose", "status").document == after


def test_a_library_that_does_not_exist_reads_like_an_empty_one(fresh):
    done = fresh("search", "dog", "--json")
    assert (done.code, done.document["photos"], done.document["results"]) == (0, 0, [])
    assert " index FOLDER" in done.err
    status = fresh.json("status")
    assert [status[key] for key in ("folders", "photos", "files", "problems", "bytes")] == [0] * 5
    assert status["space"] == done.document["space"]
    assert fresh.json("problems") == {"problems": []}
    assert fresh("show", "/a.jpg", "--json").document == {"path": "/a.jpg", "problem": None, "id": None}
    assert not fresh.library.exists()


def test_a_removed_folder_takes_its_photos_from_the_library_until_it_is_indexed_again(
    fresh, photos, tmp_path
):
    fresh.json("index", photos)
    photo, before = next(photos.iterdir()), contents(photos)
    fresh.json("tags", "rate", "4", photo)
    (tmp_path / "circle").symlink_to("circle")
    refused = fresh("remove", photos, tmp_path / "circle")
    reason = f"{tmp_path / 'circle'} is no folder of the library. Its folders: {photos}.\n"
    assert (refused.code, refused.err) == (2, reason)
    (tmp_path / "link").symlink_to(photos)
    assert fresh.json("remove", tmp_path / "link") == {"removed": [str(photos)], "photos": 4}
    assert [fresh.json("status")[key] for key in ("folders", "photos")] == [0, 0]
    assert contents(photos) == before
    assert fresh.json("index", photos)["unchanged"] == 4
    assert fresh.json("show", photo)["rating"] == 4
    assert fresh("remove", photos).out.startswith(f"Removed from the library: 4 photos in {photos}.\n")


def ruin_header(database: Path) -> None:
    with database.open("r+b") as file:
        file.write(b"\0" * 100)


def ruin_everything(database: Path) -> None:
    database.write_bytes(b"this was a library once\n" * 500)


def make_newer(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.commit()


@pytest.mark.parametrize("ruin", [ruin_header, ruin_everything, make_newer])
def test_a_damaged_or_newer_library_is_refused_in_one_sentence_and_left_alone(picsight, ruin):
    ruin(picsight.library / "library.db")
    before = contents(picsight.library)
    for words in (["search", "dog"], ["status"], ["show", "/a.jpg"], ["similar", "/a.jpg"], ["index"]):
        sentence = picsight(*words, "--json").sentence(3)
        assert str(picsight.library) in sentence or "newer" in sentence
    health = picsight("doctor", "--json")
    assert (health.code, health.document["ok"]) == (3, False)
    assert any("library.db" in check["message"] for check in health.document["checks"] if not check["ok"])
    assert contents(picsight.library) == before


def test_a_damaged_or_removed_cache_is_made_again(picsight):
    expected = picsight.json("search", "dog")["results"]
    shutil.rmtree(picsight.library / "cache")
    assert picsight.json("search", "dog")["results"] == expected
    for path in (picsight.library / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\x7f" * (path.stat().st_size // 2))
    (picsight.library / "thumbnails.db").write_bytes(b"no thumbnails here" * 100)
    health = picsight.json("doctor")
    assert health["ok"]
    assert any(check["repaired"] for check in health["checks"])
    assert picsight.json("search", "dog")["results"] == expected


def test_the_advised_command_makes_a_missing_thumbnail(picsight, tmp_path):
    photo = picsight.json("search", "cat")["results"][0]["path"]
    words = ["show", photo, "--thumbnail", tmp_path / "small.jpg"]
    (picsight.library / "thumbnails.db").unlink()
    _picsight, *advised = shlex.split(picsight(*words).err.rpartition("ype: ")[2])
    assert picsight(*advised).code == 0
    assert picsight(*words).code == 0


def test_doctor_reports_a_running_index_and_damage_outranks_it(picsight):
    with index_lock(picsight.library):
        done = picsight("doctor", "--forget")
        assert done.code == 1
        assert "not fine  forget: Another Picsight is indexing" in done.out
        assert done.out.count("\nfine ") == done.out.count("\n") - 2  # all but the first line and that one
        (picsight.library / "model.json").write_text('{"model": "gone"}')
        done = picsight("doctor", "--forget")
    assert done.code == 3
    assert "DAMAGED   model" in done.out
    assert "not fine  forget" in done.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sunset"], "To find photos, type: picsight search WORDS"),
        (["serach", "sunset"], "Did you mean search?"),
        (["/"], "/ is a folder. Type: picsight index FOLDER"),
        (["search"], "Type what the photo shows"),
        (["search", "dog", "--stdin"], "not both"),
        (["search", "dog", "--nonsense"], "No such option"),
        (["search", "dog", "-n", "0"], "not in the range"),
        (["search", "dog", "--min", "best"], "is not one of"),
        (["show"], "--stdin"),
        (["show", *["IMG_2041.jpg"] * 99], "(IMG_2041.jpg IMG_2041.jpg"),
        (["show", "--stdin", "--thumbnail", "t.jpg"], "--thumbnail"),
        (["similar"], "Missing argument"),
        (["similar", "/never/there.jpg"], "/never/there.jpg"),
        (["index", "/never/there"], "/never/there"),
        (["index"], " index FOLDER"),
        (["index", ""], "the path is empty"),
        (["doctor", "/never/there"], "goes with --forget only"),
        (["status", "-v"], "unexpected extra argument"),
        (["status", "--library", ""], "the path is empty"),
        ([], "needs a command"),
        (["--add", "/gone"], "needs a command"),
        (["--add", "/gone", "status"], "picsight index FOLDER"),
    ],
)
def test_wrong_usage_is_one_sentence_and_makes_no_library(fresh, words, sentence):
    said = fresh("--json", *words).sentence(2)
    assert sentence in said
    assert len(said) < 500
    assert not fresh.library.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--add", HOSTILE], [HOSTILE], [f"--{HOSTILE}"], ["search", f"--{HOSTILE}"], ["search", "dog", "-n", HOSTILE],
        ["index", HOSTILE], ["similar", HOSTILE], ["models", "use", HOSTILE],
        ["models", "install", "--from-file", HOSTILE],
    ],
)  # fmt: skip
def test_no_argument_controls_the_terminal(fresh, words):
    done = fresh(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.rstrip("\n").isprintable()
    assert "[31m" in done.err


@pytest.mark.parametrize("words", [["index", "."], ["show", "a.jpg"], ["--library", "here", "status"]])
def test_a_current_folder_that_is_gone_is_reported_in_one_sentence(fresh, tmp_path, monkeypatch, words):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "The current folder is gone" in fresh(*words).sentence(2)

"""`picsight export` and `picsight tags import`, beside another program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
from tests.engine.search.conftest import open_album
from tests.shell import Shell

from picsight_engine.bundles.bundle import open_bundle

PHOTOS = 20


def make_library(folder, starter):
    """Makes a library of twenty photo files in a folder; returns the folder."""
    with open_album(folder, open_bundle(starter)) as album:
        for number in range(PHOTOS):
            name = f"{number:02}.jpg"
            (folder / "Photos" / name).write_bytes(np.random.default_rng(number).bytes(100))
            album.put(name.encode(), number + 1, vector=False)
    return folder


@pytest.fixture(scope="module")
def unchanged_folder(tmp_path_factory, starter):
    """The folder of a library that no test changes."""
    return make_library(tmp_path_factory.mktemp("unchanged"), starter)


@pytest.fixture
def folder(tmp_path, starter):
    """The folder of a library."""
    return make_library(tmp_path, starter)


@pytest.fixture
def picsight(folder):
    """The command line on that library."""
    return Shell(folder / "library")


def exiftool(*arguments):
    done = subprocess.run(["exiftool", *map(str, arguments)], capture_output=True, text=True, check=True)
    return done.stdout


def contents(photos):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos}


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_tags_go_to_another_program_and_come_back_changed(picsight, folder):
    photos = sorted((folder / "Photos").iterdir())
    before = contents(photos)
    picsight("tags", "new", "Birds")
    picsight("tags", "new", "Waders", "--parent", "Birds")
    picsight("tags", "accept", "Birds/Waders", *photos[:15])
    picsight("tags", "accept", "Favourites", *photos[10:])
    picsight("tags", "rate", "4", photos[0])
    assert picsight.json("export", "sidecars", folder / "Photos") == {
        "written": PHOTOS, "unchanged": 0, "left_alone": [],
    }  # fmt: skip
    found = json.loads(
        exiftool("-j", "-HierarchicalSubject", "-TagsList", "-Rating", "-ext", "xmp", folder / "Photos")
    )
    assert len(found) == PHOTOS
    by_name = {each["SourceFile"].rpartition("/")[2]: each for each in found}
    assert by_name["00.jpg.xmp"].items() >= {
        "HierarchicalSubject": "Birds|Waders", "TagsList": "Birds/Waders", "Rating": 4,
    }.items()  # fmt: skip
    assert by_name["12.jpg.xmp"]["TagsList"] == ["Birds/Waders", "Favourites"]
    assert by_name["19.jpg.xmp"]["TagsList"] == "Favourites"

    lists = ["-HierarchicalSubject+=Birds|Gulls", "-TagsList+=Birds/Gulls", "-Subject+=Gulls", "-Rating=2"]
    exiftool("-overwrite_original", *lists, *(folder / "Photos" / f"0{n}.jpg.xmp" for n in range(3)))
    imported = picsight.json("tags", "import", folder / "Photos")
    assert imported["run"]["kind"] == "import"
    assert (imported["tags"], imported["accepted"], imported["rated"]) == (1, 3, 3)
    assert picsight.json("show", photos[1])["tags"] == ["Birds/Gulls", "Birds/Waders"]
    assert picsight.json("show", photos[0])["rating"] == 2
    assert picsight("tags", "undo").out == 'Undone: Import "Photos".\n'
    assert picsight.json("show", photos[1])["tags"] == ["Birds/Waders"]
    assert picsight.json("show", photos[0])["rating"] == 4
    assert contents(photos) == before


def test_counts_and_reasons_are_printed_for_people(picsight, folder):
    photo, file = folder / "Photos" / "00.jpg", folder / "decisions"
    nothing = f"There is neither a side-car nor a photo with keywords in {photo.parent}.\n"
    assert picsight("tags", "import", photo.parent).err == nothing
    damaged = photo.with_name("19.jpg.xmp")
    damaged.write_text("<x")
    done = picsight("export", "sidecars")
    assert (done.code, done.out, done.err) == (0, "0 side-cars written, 20 needed no change.\n", "")
    damaged.unlink()
    picsight("tags", "new", "Birds")
    picsight("tags", "accept", "Birds", photo)
    file.write_text("my notes")
    assert picsight("export", "decisions", file).code == 2
    assert (
        picsight("export", "decisions", file, "--replace").out == f"{file}: 2 tags, 1 decision, 0 ratings\n"
    )
    assert picsight("export", "sidecars", "--csv", folder / "table").out == f"{folder / 'table'}: 1 photo\n"
    assert picsight("export", "sidecars").out == "1 side-car written, 19 needed no change.\n"
    assert picsight("tags", "import", file).out == "1 photo: nothing had to be changed.\n"
    picsight("tags", "undo")
    picsight("tags", "undo")
    assert picsight("tags", "import", photo).out == "1 photo: 1 new tag, 1 accepted.\n"
    sidecar = photo.with_name("00.jpg.xmp").read_bytes()
    photo.with_name("x.jpg.xmp").write_bytes(sidecar.replace(b"Hash>", b"Other>"))
    photo.with_name("bad.jpg.xmp").write_bytes(b"<x")
    done = picsight("tags", "import", photo.parent)
    assert (done.code, done.out) == (0, "1 photo: nothing had to be changed.\n")
    assert "bad.jpg.xmp was left out" in done.err
    assert "1 photo is not in the library: index the folder first" in done.err


def test_files_may_have_names_that_are_not_utf_8_and_circular_links_are_refused(picsight, folder):
    named = folder / "Photos" / os.fsdecode(b"caf\xe9.jsonl")
    picsight("tags", "new", "Birds")
    assert picsight("export", "decisions", named).code == 0
    picsight("tags", "undo")
    assert picsight("tags", "import", named).code == 0
    assert picsight("tags", "undo").out == 'Undone: Import "caf\ufffd.jsonl".\n'
    (folder / "loop").symlink_to("loop")
    assert "may replace" in picsight("export", "decisions", folder / "loop").err


def test_an_export_that_could_write_nothing_fails(picsight, folder):
    photos = sorted((folder / "Photos").iterdir())
    picsight("tags", "new", "Birds")
    picsight("tags", "accept", "Birds", *photos[:2])
    photos[0].write_bytes(b"edited since")
    assert picsight("export", "sidecars").code == 0
    done = picsight("export", "sidecars")
    assert (done.code, done.out) == (1, "0 side-cars written, 19 needed no change.\n")
    assert f"{photos[0]} changed since it was indexed" in done.err
    assert picsight("export", "sidecars", "--quiet").err == done.err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            ["export", "decisions", "Photos/00.jpg", "--replace"],
            2,
            "is not a file that an export may replace",
        ),
        (["export", "decisions", "library/library.db", "--replace"], 2, "may replace; choose another name"),
        (["export", "sidecars", "--csv", "library/library.db", "--replace"], 2, "may replace; choose"),
        (["export", "decisions", "none/decisions"], 1, "could not be written"),
        (["export", "sidecars", "library"], 2, "not part of the library"),
        (["export", "sidecars", "Photos/none"], 2, "not part of the library"),
        (["export", "sidecars", "Photos/none", "--csv", "table"], 2, "not part of the library"),
        (["export", "sidecars", "--csv", "Photos"], 2, "is not a file that an export may replace"),
        (["export", "sidecars", "--replace"], 2, "--replace goes with --csv only"),
        (["tags", "import", "none"], 2, "There is no file of decisions"),
        (["tags", "import", "none.xmp"], 2, "There is no folder, photo or .xmp file"),
    ],
)
def test_an_impossible_exchange_is_refused_in_one_sentence(
    unchanged_folder, monkeypatch, words, code, sentence
):
    monkeypatch.chdir(unchanged_folder)
    assert sentence in Shell(unchanged_folder / "library")(*words).sentence(code)

"""`picsight show`: the facts of a photo, and its thumbnail in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.shell import Shell

from picsight.cli.commands.show import _put_facts
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.search.details import PhotoDetails

NO_ROOM = """
import resource, sys
from pathlib import Path
from picsight.cli.commands.show import write_new
from picsight_engine.foundation.errors import StorageError

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for size in (1001, 100_000):
    try:
        write_new(Path(sys.argv[1]), bytes(size))
    except StorageError as fault:
        print(fault)
"""


@pytest.fixture(scope="module")
def camera(shared, tmp_path_factory):
    """The command line on a library of two photos straight from cameras, and their folder."""
    folder = tmp_path_factory.mktemp("camera")
    for name in ("google_pixel8pro_offset.jpg", "canon_40d.jpg"):
        (folder / name).symlink_to(shared / "camera" / name)
    picsight = Shell(folder / "library")
    picsight.json("index", folder)
    return picsight, folder


def test_the_facts_of_a_photo_are_shown_also_through_a_link(camera, tmp_path):
    picsight, folder = camera
    photo = folder / "google_pixel8pro_offset.jpg"
    shown = picsight.json("show", photo)
    expected = {
        "paths": [str(photo)], "width": 8, "height": 8, "taken": "2023-10-06T22:53:51+02:00", "subsecond": "724",
        "camera": "Google Pixel 8 Pro", "lens": "Pixel 8 Pro back camera 6.9mm f/1.68", "bit_depth": 8,
        "edited": False, "rating": None, "label": None, "problem": None, "keywords": [], "tags": [],
    }  # fmt: skip
    assert {key: shown[key] for key in expected} == expected
    assert (shown["lat"], shown["lon"]) == pytest.approx((40.400069, -3.714647), abs=1e-5)
    (tmp_path / "folder").symlink_to(folder)
    assert picsight.json("show", tmp_path / "folder" / photo.name)["id"] == shown["id"]


def test_a_path_of_stdin_that_is_no_photo_makes_the_exit_code_1_and_the_others_are_shown(camera):
    picsight, folder = camera
    photos = [folder / "canon_40d.jpg", folder / "google_pixel8pro_offset.jpg"]
    lines = "\n".join([str(photos[0]), "/never/there.jpg", "", f"{photos[1]}\r"])
    done = picsight("show", "--stdin", "--json", stdin=lines.encode())
    assert done.code == 1
    assert [document["id"] is None for document in done.documents] == [False, True, True, False]
    assert done.documents[1] == {"path": "/never/there.jpg", "problem": None, "id": None}
    assert picsight("show", "--stdin", "--json", stdin=str(photos[0]).encode()).code == 0
    assert picsight("show", "/never/there.jpg").err == "/never/there.jpg is not in the library.\n"


def test_a_thumbnail_is_never_written_over_anything_and_one_that_cannot_be_leaves_no_document(
    camera, tmp_path
):
    picsight, folder = camera
    photo, other = folder / "canon_40d.jpg", tmp_path / "other.jpg"
    other.write_bytes(b"another picture")
    (tmp_path / "hard link.jpg").hardlink_to(other)
    (tmp_path / "link.jpg").symlink_to(other)
    (tmp_path / "nowhere.jpg").symlink_to(tmp_path / "not there.jpg")
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    for taken in (*tmp_path.iterdir(), Path(os.devnull)):
        done = picsight("show", photo, "--thumbnail", taken, "--json")
        assert (done.code, done.out) == (1, "")
        assert done.err == f"{taken} exists already and is not replaced; choose another name.\n"
    assert other.read_bytes() == b"another picture"
    assert not (tmp_path / "not there.jpg").exists()
    done = picsight("show", photo, "--thumbnail", tmp_path / "none" / "t.jpg", "--json")
    assert (done.code, done.out, "t.jpg" in done.err) == (1, "", True)


@pytest.mark.skipif(sys.platform == "win32", reason="the system sets no limit there")
def test_a_thumbnail_that_does_not_fit_on_the_disk_is_reported_and_leaves_no_file(tmp_path):
    file = tmp_path / "small.jpg"
    command = [sys.executable, "-c", NO_ROOM, str(file)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert output == 2 * f"The thumbnail cannot be written to {file}: File too large.\n"
    assert not file.exists()


def test_facts_are_printed_as_people_write_them_and_unknown_ones_are_left_out(capsys):
    metadata = Metadata(
        taken="2020-07-18T17:42:00", taken_offset="+02:00", taken_source="file name", lat=43.7, lon=7.27,
        place="Nice, France", camera="Canon EOS 600D", exposure=0.004, aperture=2.8, focal=55.0, iso=400, flash=True,
        altitude=-12.4, direction=359.6, title="At the\nharbour", keywords=("sea", "Anna"),
    )  # fmt: skip
    photo = PhotoDetails(
        id=7, paths=(Path("/p/a.jpg"), Path("/p/b.jpg")), width=4000, height=3000, metadata=metadata, rating=0,
        bytes=2_100_000, tags=("Birds/Waders",),
    )  # fmt: skip
    _put_facts(photo, ())
    assert capsys.readouterr().out.splitlines() == [
        "id: 7", "path: /p/a.jpg", "path: /p/b.jpg", "taken: 2020-07-18T17:42:00+02:00 (file name)",
        "place: Nice, France", "position: 43.70000, 7.27000, 12 m below the sea, facing 0 degrees", "camera: Canon EOS 600D",
        "exposure: 1/250 s, f/2.8, 55 mm, ISO 400, flash", "size: 4000 x 3000, 2.1 MB",
        "title: At the harbour", "rating: 0", "keyword: sea", "keyword: Anna", "tag: Birds/Waders",
    ]  # fmt: skip
    _put_facts(
        PhotoDetails(7, (), width=4, height=3, metadata=Metadata(), file_time="2024-05-03T10:11:12"), ()
    )
    assert capsys.readouterr().out == "id: 7\ntaken: 2024-05-03T10:11:12 (file time)\nsize: 4 x 3, 0 bytes\n"

"""`picsight index`: what it does and reports, and how it treats files that are no photos."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tests.shell import Shell

from picsight_engine.photos.decoding.film_frames import film_reader
from picsight_engine.photos.formats import can_read_films

BAD = {
    "zero.jpg": {"empty"},
    "html_404.jpg": {"not_an_image"},
    "zip.heic": {"not_an_image", "damaged", "unsupported"},
    "trunc_50.heic": {"truncated", "damaged"},
    "webp_cve.webp": {"damaged", "truncated", "not_an_image"},
    "bomb_png_40000x40000_1bit.png": {"too_large"},
    "canon_r6_pruned.cr3": {"truncated"},
}


def test_a_run_reports_what_it_did_and_the_next_one_what_changed(fresh, photos):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in photos.iterdir()}
    (photos / "@eaDir").mkdir()
    for name in (".DS_Store", "Thumbs.db"):
        (photos / name).touch()
    first = fresh("index", photos, "--json", "--verbose")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert f"Passed over in {photos}, hidden or of other programs: folders 1, files 2.\n" in first.err
    assert f"Library: {fresh.library}\n" in first.err
    assert first.document["seconds"] > 0
    assert first.document["photos_per_second"] > 0
    counts = {"found": 4, "indexed": 4, "unchanged": 0, "moved": 0, "missing": 0, "problems": 0}
    assert first.document.items() >= counts.items()
    (photos / "moved").mkdir()
    (photos / "cat.jpg").rename(photos / "moved" / "cat.jpg")
    (photos / "coffee.jpg").unlink()
    again = fresh("index")
    assert again.err == ""
    assert again.out.startswith("3 photos found: 0 new, 2 known already, 1 moved, 1 missing, 0 problems. ")
    found = {result["path"] for result in fresh.json("search", "dog", "--min", "all")["results"]}
    assert str(photos / "moved" / "cat.jpg") in found
    assert str(photos / "coffee.jpg") not in found
    assert fresh.json("doctor", "--forget")["ok"]
    assert [fresh.json("status")[key] for key in ("photos", "files")] == [3, 3]
    quiet = fresh("index", "--json", "--quiet")
    assert (quiet.document["unchanged"], quiet.err) == (3, "")


def test_a_disconnected_folder_loses_no_photos(picsight, fresh, photos, tmp_path):
    picsight.json("index", photos)
    unplugged = photos.rename(tmp_path / "unplugged")
    gone = picsight("index", "--json")
    assert (gone.code, gone.document["missing"]) == (0, 0)
    assert picsight.json("status")["photos"] == 4
    unplugged.rename(photos)
    assert picsight.json("index")["unchanged"] == 8


@pytest.fixture(scope="module")
def troubled(indexed, shared, tmp_path_factory):
    """The command line on a library with bad files, and their folder."""
    folder = tmp_path_factory.mktemp("troubled")
    for name in BAD:
        (source,) = shared.glob(f"*/{name}")
        shutil.copyfile(source, folder / name)
    picsight = Shell(Path(shutil.copytree(indexed.library, tmp_path_factory.mktemp("library") / "library")))
    assert picsight.json("index", folder).items() >= {"indexed": 0, "problems": len(BAD)}.items()
    return picsight, folder


def test_bad_files_are_listed_with_a_reason_and_not_tried_again(troubled):
    picsight, folder = troubled
    listed = {Path(problem["path"]): problem for problem in picsight.json("problems")["problems"]}
    assert set(listed) == {folder / name for name in BAD}
    for name, codes in BAD.items():
        problem = listed[folder / name]
        assert problem["code"] in codes
        assert name in problem["message"]
        assert problem["message"].endswith((".", "!")), problem["message"]
    again = picsight("index", "--json")
    assert again.document["problems"] == len(BAD)
    assert {problem["tries"] for problem in picsight.json("problems")["problems"]} == {1}


def test_each_scene_of_a_film_is_found_at_its_moment(picsight, photos, tmp_path):
    if not can_read_films():
        pytest.skip("needs the extra video")
    cv2 = film_reader(tmp_path)
    (tmp_path / "films").mkdir()
    film = tmp_path / "films" / "holiday.mp4"
    out = cv2.VideoWriter(str(film), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"mp4v"), 2.0, (256, 256))
    scenes = ("cat", "coffee", "rocket")
    for scene in scenes:
        picture = cv2.imread(str(photos / f"{scene}.jpg"))
        picture = cv2.resize(picture, (256, 256), interpolation=cv2.INTER_AREA)
        for _ in range(12):  # six seconds
            out.write(picture)
    out.release()
    Image.open(photos / "cat.jpg").resize((256, 256)).save(film.with_suffix(".png"))
    before = film.read_bytes()
    assert picsight.json("index", film.parent).items() >= {"indexed": 2, "problems": 0}.items()
    for number, query in enumerate(("a cat", "a cup of coffee", "a rocket")):
        results = picsight.json("search", f"{query} format:video", "--min", "all")["results"]
        assert [(result["path"], result["stack"]) for result in results] == [(str(film), None)]
        assert 6 * number <= results[0]["moment"] < 6 * (number + 1)
    assert picsight.json("show", film)["duration"] == pytest.approx(18, abs=0.1)
    assert "duration: 0:18" in picsight("show", film).out
    assert film.read_bytes() == before


def test_unread_videos_are_one_problem_that_says_what_to_install(picsight, tmp_path, no_video):
    for name in ("a.mov", "b.mp4"):
        (tmp_path / name).write_bytes(b"film")
    line = "2 videos are not read: install the package opencv-python-headless and index again."
    assert line in picsight("index", tmp_path).err
    assert picsight("problems").out == f"not_read\t{line}\n"
    assert picsight.json("index")["problems"] == 2
    assert {problem["tries"] for problem in picsight.json("problems")["problems"]} == {1}


def test_commands_for_photos_report_the_problem_of_a_bad_file(troubled):
    picsight, folder = troubled
    done = picsight("show", folder / "zero.jpg", "--json")
    assert (done.code, done.document["problem"]["code"]) == (1, "empty")
    for words in (["similar"], ["tags", "rate", "3"], ["tags", "accept", "Favourites"]):
        other = picsight(*words, folder / "zero.jpg", "--json")
        assert (other.code, other.out, other.err) == (2, "", done.document["problem"]["message"] + "\n")


def test_a_repaired_file_is_no_longer_a_problem(picsight, photos):
    mended = photos / "mended.jpg"
    mended.write_bytes(b"")
    (photos / "a.mov").write_bytes(b"film")
    assert picsight.json("index", photos)["problems"] == 2
    (photos / "a.mov").unlink()
    mended.write_bytes((photos / "cat.jpg").read_bytes() + b"\0")
    assert picsight.json("index")["problems"] == 0
    assert picsight.json("problems") == {"problems": []}


def test_odd_names_are_indexed_and_come_back_byte_by_byte(fresh, photos):
    names = [b"caf\xe9.jpg", b"new\nline.jpg", "日本 ✓.jpg".encode(), b"-night.jpg"]
    for name, path in zip(names, sorted(photos.iterdir()), strict=True):
        path.rename(photos / os.fsdecode(name))
    assert fresh.json("index", photos)["indexed"] == 4
    answer = fresh("search", "dog", "--min", "all", "--json", encoding="ascii").document
    assert {os.fsencode(Path(result["path"]).name) for result in answer["results"]} == set(names)
    odd = photos / os.fsdecode(names[0])
    shown = fresh("show", "--stdin", "--json", stdin=os.fsencode(odd) + b"\n")
    assert shown.document["paths"] == [str(odd)]
    assert str(odd) in fresh("search", "dog", "--min", "all", encoding="ascii").out


def test_a_folder_of_photos_is_no_library_and_stays_as_it_is(photos):
    picsight, before = Shell(photos), sorted(photos.iterdir())
    commands = (["index", photos], ["search", "dog"], ["similar", before[0]], ["status"], ["models", "list"])
    for words in commands:
        done = picsight(*words)
        assert (done.code, done.out) == (2, ""), words
        assert f"{photos} is not a library but a folder with photos or other files, such as " in done.err
    assert picsight("doctor").code == 1
    assert sorted(photos.iterdir()) == before


def test_a_file_instead_of_a_folder_is_refused_and_no_folder_is_added(fresh, photos):
    done = fresh("index", photos, photos / "cat.jpg")
    assert (done.code, done.err) == (2, f"{photos / 'cat.jpg'} is a file; type its folder.\n")
    assert fresh.json("status")["folders"] == 0


def test_the_thumbnail_of_a_turned_photo_is_upright_and_obeys_the_umask(fresh, shared, tmp_path):
    (tmp_path / "turned").mkdir()
    photo = Path(shutil.copyfile(shared / "formats" / "orient6.jpg", tmp_path / "turned" / "a.jpg"))
    fresh.json("index", photo.parent)
    before = os.umask(0o027)
    try:
        assert fresh("show", photo, "--thumbnail", tmp_path / "t.jpg").code == 0
    finally:
        os.umask(before)
    assert (tmp_path / "t.jpg").stat().st_mode & 0o777 == 0o640
    with Image.open(tmp_path / "t.jpg") as thumbnail:
        assert thumbnail.format == "JPEG"
        assert thumbnail.width > thumbnail.height  # 240 by 160 upright

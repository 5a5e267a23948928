"""Files that are no photos, damaged ones and forbidden ones: each one sentence under problems, and the rest goes on."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

BAD = {
    "zero.jpg": {"empty"},
    "text.jpg": {"not_an_image"},
    "html_404.jpg": {"not_an_image"},
    "zip.heic": {"not_an_image", "damaged", "unsupported"},
    "trunc_10.jpg": {"truncated", "damaged"},
    "trunc_50.heic": {"truncated", "damaged"},
    "png_broken.png": {"damaged", "truncated", "not_an_image"},
    "webp_cve.webp": {"damaged", "truncated", "not_an_image"},
    "bomb_png_40000x40000_1bit.png": {"too_large"},
    "canon_r6_pruned.cr3": {"truncated"},
    "IMG_2927.MOV": {"not_read"},
}
CODES = {
    "empty", "not_an_image", "unsupported", "damaged", "truncated",
    "too_large", "no_permission", "vanished", "timeout", "crashed", "not_read",
}  # fmt: skip


@pytest.fixture(scope="module")
def troubled(outside, photos, shared, tmp_path_factory):
    """The program with a library of five good photos, ten bad files and a film, and what indexing them said."""
    folder = tmp_path_factory.mktemp("troubled")
    for path in sorted(photos.glob("[0-9]*.jpg"))[:5]:
        shutil.copyfile(path, folder / path.name)
    for name in BAD:
        source = next(path for path in (shared / "formats" / name, shared / "camera" / name) if path.exists())
        shutil.copyfile(source, folder / name)
    program = outside.on(tmp_path_factory.mktemp("library") / "library")
    return program, folder, program("index", folder, "--json")


def test_bad_files_are_listed_and_the_good_ones_indexed(troubled) -> None:
    program, folder, done = troubled
    assert done.code == 0
    assert (done.document["indexed"], done.document["problems"]) == (5, len(BAD))
    document = program.json("problems")
    assert list(document) == ["problems"]
    listed = {Path(problem["path"]): problem for problem in document["problems"]}
    assert set(listed) == {folder / name for name in BAD}
    for name, codes in BAD.items():
        problem = listed[folder / name]
        assert list(problem) == ["path", "code", "message", "tries"]
        assert problem["code"] in codes & CODES
        assert name in problem["message"]
        assert problem["message"].endswith((".", "!")), problem["message"]
        assert problem["tries"] == 1


def test_what_is_not_read_yet_is_one_line_for_each_kind(troubled) -> None:
    program, _, _ = troubled
    line = "1 video is not read yet."
    listed = program("problems").out.splitlines()
    assert [each.split(maxsplit=1) for each in listed if "not_read" in each] == [["not_read", line]]
    assert line in program("index").err


def test_show_tells_the_problem_of_a_bad_file(troubled) -> None:
    program, folder, _ = troubled
    done = program("show", folder / "zero.jpg", "--json")
    assert done.code == 1
    document = done.document
    assert list(document) == ["path", "problem", "id"]
    assert document["path"] == str(folder / "zero.jpg")
    assert document["id"] is None
    assert list(document["problem"]) == ["code", "message", "tries"]
    assert document["problem"]["code"] == "empty"
    similar = program("similar", folder / "zero.jpg", "--json")
    assert (similar.code, similar.out, similar.err) == (2, "", document["problem"]["message"] + "\n")


def test_the_same_bad_files_are_not_tried_again(troubled) -> None:
    program, _, _ = troubled
    again = program.json("index")
    assert (again["indexed"], again["problems"]) == (0, len(BAD))
    assert {problem["tries"] for problem in program.json("problems")["problems"]} == {1}


def test_a_bad_file_that_was_mended_is_no_problem_any_more(fresh, few_photos) -> None:
    good = min(few_photos.glob("*.jpg"))
    mended = few_photos / "mended.jpg"
    mended.write_bytes(b"")
    (few_photos / "a.mov").write_bytes(b"film")
    assert fresh.json("index", few_photos)["problems"] == 2
    (few_photos / "a.mov").unlink()
    mended.write_bytes(good.read_bytes() + b"\0")
    assert fresh.json("index")["problems"] == 0
    assert fresh.json("problems") == {"problems": []}


def test_odd_names_are_indexed_and_come_back_byte_by_byte(fresh, few_photos, tmp_path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    names = [b"caf\xe9.jpg", b"new\nline.jpg", "日本 ✓.jpg".encode(), b"-night.jpg", b" .jpg"]
    for name, path in zip(names, sorted(few_photos.glob("*.jpg")), strict=True):
        shutil.copyfile(path, folder / os.fsdecode(name))
    fresh = fresh.given(LC_ALL="C", PYTHONIOENCODING="ascii")
    assert fresh.json("index", folder)["indexed"] == 5
    answer = fresh.json("search", "dog", "--min", "all")
    assert {os.fsencode(Path(result["path"]).name) for result in answer["results"]} == set(names)
    odd = os.fsencode(folder / os.fsdecode(names[0]))
    shown = fresh("show", "--stdin", "--json", stdin=odd + b"\n")
    assert shown.code == 0
    assert os.fsencode(shown.document["paths"][0]) == odd
    human = fresh("search", "dog", "--min", "all")
    assert human.code == 0
    assert odd in os.fsencode(human.out)


@pytest.mark.skipif(sys.platform != "linux", reason="gives up privileges in Linux' way")
def test_a_folder_and_a_file_without_permission_are_named_and_the_rest_is_indexed(fresh, few_photos) -> None:
    closed = few_photos / "closed"
    closed.mkdir()
    photos = sorted(few_photos.glob("*.jpg"))
    photos[0].rename(closed / photos[0].name)
    photos[1].chmod(0)
    closed.chmod(0)
    try:
        done = fresh.held_back("index", few_photos, "--json")
        shown = fresh.held_back("show", photos[1], "--json")
    finally:
        closed.chmod(0o700)
    assert shown.code == 1
    assert shown.document["problem"]["code"] == "no_permission"
    assert done.code == 0, done.err
    assert done.document["indexed"] == 3
    assert {problem["path"]: problem["code"] for problem in fresh.json("problems")["problems"]} == {
        str(closed): "no_permission",
        str(photos[1]): "no_permission",
    }

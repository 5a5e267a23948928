"""Files that are no photos, damaged ones and forbidden ones: each one sentence under problems, and the rest goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

NOBODY = 65534
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
}
CODES = {
    "empty", "not_an_image", "unsupported", "damaged", "truncated",
    "too_large", "no_permission", "vanished", "timeout", "crashed",
}  # fmt: skip


@pytest.fixture(scope="module")
def troubled(outside, photos, shared, tmp_path_factory):
    """The program with a library of five good photos and nine bad files, and what indexing them said."""
    folder = tmp_path_factory.mktemp("troubled")
    for path in sorted(photos.glob("[0-9]*.jpg"))[:5]:
        shutil.copyfile(path, folder / path.name)
    for name in BAD:
        shutil.copyfile(shared / "formats" / name, folder / name)
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


def test_the_same_bad_files_are_not_tried_again(troubled) -> None:
    program, _, _ = troubled
    again = program.json("index")
    assert (again["indexed"], again["problems"]) == (0, len(BAD))
    assert {problem["tries"] for problem in program.json("problems")["problems"]} == {1}


def test_a_bad_file_that_was_mended_is_no_problem_any_more(fresh, few_photos) -> None:
    good = min(few_photos.glob("*.jpg"))
    mended = few_photos / "mended.jpg"
    mended.write_bytes(b"")
    assert fresh.json("index", few_photos)["problems"] == 1
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
    answer = fresh.json("search", "dog")
    assert {os.fsencode(Path(result["path"]).name) for result in answer["results"]} == set(names)
    odd = os.fsencode(folder / os.fsdecode(names[0]))
    shown = fresh("show", "--stdin", "--json", stdin=odd + b"\n")
    assert shown.code == 0
    assert os.fsencode(shown.document["paths"][0]) == odd
    human = fresh("search", "dog")
    assert human.code == 0
    assert odd in os.fsencode(human.out)


AS_NOBODY = """
import os, sys
os.setgroups([])
os.setgid({nobody})
os.setuid({nobody})
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def public(photos):
    """A folder that everyone may enter and write to, with five of the photos."""
    folder = Path(tempfile.mkdtemp(prefix="picsight-public-"))
    folder.chmod(0o777)
    for path in sorted(photos.glob("[0-9]*.jpg"))[:5]:
        shutil.copyfile(path, folder / path.name)
    yield folder
    (folder / "closed").chmod(0o700)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="users are told apart by POSIX systems")
def test_a_folder_and_a_file_without_permission_are_named_and_the_rest_is_indexed(outside, public) -> None:
    closed = public / "closed"
    closed.mkdir()
    photos = sorted(public.glob("*.jpg"))
    photos[0].rename(closed / photos[0].name)
    photos[1].chmod(0)
    closed.chmod(0)
    program = replace(
        outside,
        library=public / "library",
        environment={key: value for key, value in outside.environment.items() if key != "PYTHONPATH"}
        | {"HOME": str(public), "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )
    done = without_root(program, "index", public, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["indexed"] == 3
    problems = json.loads(without_root(program, "problems", "--json").stdout)["problems"]
    assert {problem["path"]: problem["code"] for problem in problems} == {
        str(closed): "no_permission",
        str(photos[1]): "no_permission",
    }


def without_root(program, *args) -> subprocess.CompletedProcess[bytes]:
    """Runs the program as a user whom permissions hold back: they do not hold back root."""
    command = program.command(*args)
    if os.geteuid() == 0:
        command = [sys.executable, "-c", AS_NOBODY.format(nobody=NOBODY), *command]
    done = subprocess.run(command, capture_output=True, timeout=120, env=program.environment, check=False)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done

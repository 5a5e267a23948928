"""What is not damaged but in the way, a permission or a disk: a sentence and exit code 1."""

from __future__ import annotations

import json
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="gives up privileges in Linux' way")
# No file grows beyond what such a process may write: as on a full disk, SQLite finds no room for what it needs beside a
# database.
ON_A_FULL_DISK = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("closed", [".", "library.db", "model.json"])
def test_a_library_without_permission_is_a_sentence_for_every_command(own, photos, closed):
    photo = min(photos.iterdir())
    commands = (
        ["doctor"], ["search", "dog"], ["similar", photo], ["show", photo], ["status"], ["problems"], ["index"],
        ["index", photos], ["models", "list"],
    )  # fmt: skip
    (own.library / "model.json").write_text('{"model": "picsight-starter"}')
    (own.library / closed).chmod(0)
    try:
        ended = own.held_back(*commands)
    finally:
        (own.library / closed).chmod(0o700)
    for command, done in zip(commands, ended, strict=True):
        assert done.code == 1, (command, done)
        told = done.out if command == ["doctor"] else done.err
        assert str(own.library) in told
        assert "DAMAGED" not in done.out
        assert "choose" not in told


def test_a_library_that_cannot_be_written_is_sound_and_what_could_not_be_done_is_said(own):
    assert own.many(["search", "dog"])[0].code == 0
    places = [own.library, *own.library.rglob("*")]
    before = {place: place.read_bytes() for place in places if place.is_file()}
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        searched, done = own.held_back(["search", "dog"], ["doctor", "--forget", "--json"])
    finally:
        for place in places:
            place.chmod(0o700)
    assert searched.code == 0
    assert done.code == 1
    failed = {check["name"]: check["message"] for check in done.document["checks"] if not check["ok"]}
    assert sorted(failed) == ["folder", "forget"]
    assert all("cannot be written" in message for message in failed.values())
    assert not any(check["repaired"] for check in done.document["checks"])
    assert {place: place.read_bytes() for place in before} == before


def test_a_folder_and_a_file_without_permission_are_named_and_the_rest_is_indexed(fresh, few_photos):
    closed = few_photos / "closed"
    closed.mkdir()
    photos = sorted(few_photos.glob("*.jpg"))
    photos[0].rename(closed / photos[0].name)
    photos[1].chmod(0)
    closed.chmod(0)
    try:
        (done,) = fresh.held_back(["index", few_photos, "--json"])
    finally:
        closed.chmod(0o700)
    assert (done.code, done.document["indexed"]) == (0, 3)
    shown, listed = fresh.many(["show", photos[1], "--json"], ["problems", "--json"])
    assert (shown.code, shown.document["problem"]["code"]) == (1, "no_permission")
    found = {problem["path"]: problem["code"] for problem in listed.document["problems"]}
    assert found == {str(closed): "no_permission", str(photos[1]): "no_permission"}


def test_on_a_full_disk_a_library_is_read_and_doctor_says_why_nothing_can_be_changed(own):
    searching, listing = ["search", "dog", "--json"], ["tags", "list", "--json"]
    _, searched, listed = own.many(["tags", "new", "Dogs", "--prompt", "dog"], searching, listing)
    full = (sys.executable, "-c", ON_A_FULL_DISK)
    ended = own.many(searching, listing, ["doctor", "--json"], ["tags", "new", "Cats"], before=full)
    assert ended[0].document["results"] == searched.document["results"]
    assert json.loads(ended[1].out) == listed.document
    (failed,) = (check for check in ended[2].document["checks"] if not check["ok"])
    assert (ended[2].code, failed["name"]) == (1, "folder")
    assert "is full" in failed["message"]
    assert (ended[3].code, "is full" in ended[3].err) == (1, True)

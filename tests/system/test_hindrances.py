"""A missing permission or a full disk is one sentence and exit code 1."""

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
def test_every_command_names_a_library_that_it_may_not_read(picsight, photos, closed):
    photo = min(photos.iterdir())
    commands = (
        ["doctor"], ["search", "dog"], ["similar", photo], ["show", photo], ["status"], ["problems"], ["index"],
        ["index", photos], ["models", "list"],
    )  # fmt: skip
    (picsight.library / "model.json").write_text('{"model": "picsight-starter"}')
    (picsight.library / closed).chmod(0)
    try:
        ended = picsight.unprivileged(*commands)
    finally:
        (picsight.library / closed).chmod(0o700)
    for command, done in zip(commands, ended, strict=True):
        assert done.code == 1, (command, done)
        message = done.out if command == ["doctor"] else done.err
        assert str(picsight.library) in message
        assert "DAMAGED" not in done.out
        assert "choose" not in message


def test_a_read_only_library_is_searched_and_doctor_reports_what_it_could_not_write(picsight):
    assert picsight.many(["search", "dog"])[0].code == 0
    places = [picsight.library, *picsight.library.rglob("*")]
    before = {place: place.read_bytes() for place in places if place.is_file()}
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        searched, done = picsight.unprivileged(["search", "dog"], ["doctor", "--forget", "--json"])
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
        (done,) = fresh.unprivileged(["index", few_photos, "--json"])
    finally:
        closed.chmod(0o700)
    assert (done.code, done.document["indexed"]) == (0, 3)
    shown, listed = fresh.many(["show", photos[1], "--json"], ["problems", "--json"])
    assert (shown.code, shown.document["problem"]["code"]) == (1, "no_permission")
    found = {problem["path"]: problem["code"] for problem in listed.document["problems"]}
    assert found == {str(closed): "no_permission", str(photos[1]): "no_permission"}


def test_on_a_full_disk_a_library_is_read_and_doctor_reports_the_full_disk(picsight):
    searching, listing = ["search", "dog", "--json"], ["tags", "list", "--json"]
    _, searched, listed = picsight.many(["tags", "new", "Dogs", "--prompt", "dog"], searching, listing)
    full = (sys.executable, "-c", ON_A_FULL_DISK)
    ended = picsight.many(searching, listing, ["doctor", "--json"], ["tags", "new", "Cats"], before=full)
    assert ended[0].document["results"] == searched.document["results"]
    assert json.loads(ended[1].out) == listed.document
    (failed,) = (check for check in ended[2].document["checks"] if not check["ok"])
    assert (ended[2].code, failed["name"]) == (1, "folder")
    assert "is full" in failed["message"]
    assert (ended[3].code, "is full" in ended[3].err) == (1, True)

"""What is not damaged but in the way, a permission, a disk, another run: a sentence and exit code 1."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from picsight_engine.store.database import index_lock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="gives up privileges in Linux' way")
COMMANDS = (
    ["search", "dog"],
    ["similar", "PHOTO"],
    ["show", "PHOTO"],
    ["status"],
    ["problems"],
    ["index"],
    ["index", "FOLDER"],
    ["doctor"],
    ["models", "list"],
)
# No file grows beyond what such a process may write: as on a full disk, SQLite finds no room for what it needs beside a
# database.
ON_A_FULL_DISK = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


def typed(command, photo):
    return [{"PHOTO": photo, "FOLDER": photo.parent}.get(word, word) for word in command]


@pytest.mark.parametrize("closed", [".", "library.db", "model.json"])
def test_a_library_without_permission_is_a_sentence_for_every_command(own, photos, closed) -> None:
    (own.library / "model.json").write_text('{"model": "picsight-starter"}')
    (own.library / closed).chmod(0)
    try:
        for command in COMMANDS:
            done = own.held_back(*typed(command, photos / "canon_40d.jpg"))
            assert done.code == 1, (command, done)
            told = done.out if command == ["doctor"] else done.err
            assert str(own.library) in told
            assert "DAMAGED" not in done.out
            assert "choose" not in told
    finally:
        (own.library / closed).chmod(0o700)


def test_a_part_of_the_cache_without_permission_hinders_nobody(own) -> None:
    own.json("search", "dog")
    (own.library / "cache").chmod(0o444)
    try:
        for command in (["search", "dog"], ["status"], ["doctor"]):
            assert own.held_back(*command).code == 0
    finally:
        (own.library / "cache").chmod(0o700)


def test_on_a_full_disk_a_library_is_read_and_doctor_says_why_nothing_can_be_changed(own) -> None:
    own("tags", "new", "Dogs", "--prompt", "dog")
    searched, told = own.json("search", "dog")["results"], own.json("tags", "list")

    def run(*args):
        command = [sys.executable, "-c", ON_A_FULL_DISK, *own.command(*args, "--json")]
        done = subprocess.run(command, capture_output=True, timeout=60, env=own.environment, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    code, out, _ = run("search", "dog")
    assert (code, json.loads(out)["results"]) == (0, searched)
    assert json.loads(run("tags", "list")[1]) == told
    code, out, _ = run("doctor")
    (failed,) = (check for check in json.loads(out)["checks"] if not check["ok"])
    assert (code, failed["name"]) == (1, "folder")
    assert "is full" in failed["message"]
    code, _, why = run("tags", "new", "Cats")
    assert (code, "is full" in why, "Traceback" in why) == (1, True, False)


def test_doctor_finds_a_library_sound_that_cannot_be_written_and_says_what_it_could_not_do(own) -> None:
    own.json("search", "dog")
    places = [own.library, *own.library.rglob("*")]
    before = {place: place.read_bytes() for place in places if place.is_file()}
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    try:
        done = own.held_back("doctor", "--forget", "--json")
    finally:
        for place in places:
            place.chmod(0o700)
    assert done.code == 1
    failed = {check["name"]: check["message"] for check in done.document["checks"] if not check["ok"]}
    assert sorted(failed) == ["folder", "forget"]
    assert all("cannot be written" in message for message in failed.values())
    assert not any(check["repaired"] for check in done.document["checks"])
    assert {place: place.read_bytes() for place in before} == before


def test_doctor_beside_a_running_index_waits_with_what_that_does(own) -> None:
    with index_lock(own.library):
        done = own("doctor", "--forget")
    assert done.code == 1
    assert "not fine  forget: Another Picsight is indexing" in done.out
    assert "DAMAGED" not in done.out
    assert done.out.count("\nfine ") == done.out.count("\n") - 2  # all but the first line and that one


def test_damage_weighs_more_than_a_hindrance(own) -> None:
    (own.library / "model.json").write_text('{"model": "gone"}')
    with index_lock(own.library):
        done = own("doctor", "--forget")
    assert done.code == 3
    assert "DAMAGED   model" in done.out
    assert "not fine  forget" in done.out

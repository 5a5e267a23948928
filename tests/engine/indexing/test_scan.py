"""What a scan finds and what it skips, in real directories."""

from __future__ import annotations

import multiprocessing
import os
import socket
from pathlib import Path

import pytest

from picsight_engine.indexing.plan import folder_view
from picsight_engine.indexing.scan import DirectoryListing, SeenFile, SeenFolder, scan

UUID = "1745E022-9712-43C7-B024-F308EC6413CB"
NOBODY = 65534


def write(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")


def names(folder: Path, **options) -> list[bytes]:
    return [file.name for listing in scan(folder, **options) for file in listing.files]


def test_pictures_are_found_by_suffix_in_any_case_and_in_order(tmp_path):
    write(tmp_path, "b.JPG", "a.jpeg", "notes.txt", "jpg", "trip/c.png", "trip/deep/d.webp", "e.heic")
    assert names(tmp_path) == [b"a.jpeg", b"b.JPG", b"e.heic", b"trip/c.png", b"trip/deep/d.webp"]


def test_raw_files_and_videos_are_seen_and_a_video_with_the_stills_of_its_shot(tmp_path):
    files = (
        "a.jpg",
        "b.CR2",
        "c.mov",
        "d.ts",
        "IMG_1234.MOV",
        "IMG_1234.HEIC",
        "IMG_E1234.JPG",
        f"{UUID}.heic",
        f"{UUID}_3.mov",
        "b.avi",
        "b.jpg",
    )
    write(tmp_path, *files)
    (listing,) = scan(tmp_path)
    assert {file.name for file in listing.files} == {*map(os.fsencode, files)} - {b"d.ts"}
    stills = {file.name: file.companions for file in listing.files if file.companions}
    assert stills == {
        b"IMG_1234.MOV": (b"IMG_1234.HEIC", b"IMG_E1234.JPG"),
        f"{UUID}_3.mov".encode(): (f"{UUID}.heic".encode(),),
    }


@pytest.mark.parametrize(
    ("packet", "seen"),
    [
        (b"G" + bytes(187), True),
        (b"\0\0\0\1G" + bytes(187), True),  # as cameras and Blu-ray discs have them, with a time in front
        (b"import { of } from 'rxjs';\n", False),
        (b'<?xml version="1.0"?><!DOCTYPE TS><TS></TS>', False),
    ],
)
def test_a_ts_file_is_a_film_by_its_first_bytes_and_else_source_code(tmp_path, packet, seen):
    (tmp_path / "A.TS").write_bytes(packet * 5)
    (tmp_path / "short.ts").write_bytes(packet)
    assert names(tmp_path) == [b"A.TS"] * seen


def test_size_and_time_are_those_of_the_file(tmp_path):
    write(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(1, 1_234_567_891_000_000_000))
    device = tmp_path.stat().st_dev
    assert list(scan(tmp_path)) == [
        DirectoryListing(
            SeenFolder(b"", device, empty=False),
            [SeenFile(b"a.jpg", 7, 1_234_567_891_000_000_000, device)],
        )
    ]


def test_files_of_systems_and_other_programs_are_skipped_and_counted(tmp_path):
    folders = (
        "$RECYCLE.BIN", "System Volume Information", "#recycle", ".cache", ".dtrash", ".picasaoriginals", ".@__thumb",
        "@Recycle", "trip/@eaDir", "trip/.thumbnails", "trip/Catalog Smart Previews.lrdata", "M4ROOT/THMBNL",
    )  # fmt: skip
    files = (".a.jpg", "trip/._b.jpg", "trip/.trashed-1700000000-c.jpg", "Thumbs.db", "trip/desktop.ini")
    write(tmp_path, *(f"{folder}/deep/a.jpg" for folder in folders), *files, "trip/b.jpg", "trip/notes.txt")
    listings = list(scan(tmp_path))
    assert [file.name for listing in listings for file in listing.files] == [b"trip/b.jpg"]
    assert sum(listing.passed_folders for listing in listings) == len(folders)
    assert sum(listing.passed_files for listing in listings) == len(files)
    assert names(tmp_path / "#recycle") == [b"deep/a.jpg"]


@pytest.mark.parametrize(
    ("package", "originals"),
    [
        ("Photos Library.photoslibrary", "originals"),
        ("Fotos.PHOTOSLIBRARY", "Masters"),
        ("Old.aplibrary", "Masters"),
    ],
)
def test_only_the_originals_of_a_package_are_read(tmp_path, package, originals):
    inside = tmp_path / package
    write(
        inside,
        f"{originals}/3/3A1B.heic",
        "resources/derivatives/3/3A1B_1_105_c.jpeg",
        "scopes/cloudsharing/data/a.jpg",
        "Previews/a.jpg",
        "a.jpg",
    )
    (tmp_path / "link").symlink_to(inside)
    assert names(tmp_path) == [f"{package}/{originals}/3/3A1B.heic".encode()]
    assert names(tmp_path / "link") == names(inside) == [f"{originals}/3/3A1B.heic".encode()]


def test_the_library_inside_the_folder_is_left_out(tmp_path):
    write(tmp_path, "a.jpg", "library/cache/b.jpg")
    assert names(tmp_path, leave_out=tmp_path / "library") == [b"a.jpg"]


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path):
    write(tmp_path, b"caf\xe9.jpg")
    assert names(tmp_path) == [b"caf\xe9.jpg"]


def test_links_in_a_circle_are_walked_once_and_real_names_win(tmp_path):
    write(tmp_path, "zoo/a.jpg")
    (tmp_path / "alias").symlink_to(tmp_path / "zoo")
    (tmp_path / "zoo" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    assert names(tmp_path) == [b"zoo/a.jpg"]


def test_links_to_files_and_folders_outside_are_followed(tmp_path):
    write(tmp_path, "outside/a.jpg", "b.jpg")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "album").symlink_to(tmp_path / "outside")
    (inside / "copy.jpg").symlink_to(tmp_path / "b.jpg")
    assert names(inside) == [b"copy.jpg", b"album/a.jpg"]


def test_pipes_sockets_and_folders_named_like_pictures_are_passed_over(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fsencode(tmp_path / "socket.jpg"))
        found = [(listing.folder.name, listing.files, listing.problems) for listing in scan(tmp_path)]
    assert found == [(b"", [], []), (b"folder.jpg", [], [])]


def test_broken_links_to_files_and_folders_are_listed(tmp_path):
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "disk").symlink_to("/nowhere")
    (tmp_path / "self").symlink_to("self")
    (listing,) = scan(tmp_path)
    assert listing.broken == [b"broken.jpg", b"disk", b"self"]


def test_a_directory_is_empty_where_it_shows_nothing_but_hidden_things(tmp_path):
    write(tmp_path, "notes/a.txt", "hidden/.DS_Store", "up/down/a.jpg")
    (tmp_path / "bare").mkdir()
    empty = {listing.folder.name: listing.folder.empty for listing in scan(tmp_path)}
    assert empty == {
        b"": False,
        b"bare": True,
        b"hidden": True,
        b"notes": False,
        b"up": False,
        b"up/down": False,
    }


def test_a_directory_has_the_number_of_its_device(tmp_path):
    (tmp_path / "disk").symlink_to("/dev/shm")
    devices = {listing.folder.name: listing.folder.device for listing in scan(tmp_path)}
    assert devices[b"disk"] == Path("/dev/shm").stat().st_dev != devices[b""]


def test_a_folder_that_is_not_there_is_one_problem(tmp_path):
    (listing,) = scan(tmp_path / "gone")
    (problem,) = listing.problems
    assert (problem.name, problem.code) == (b"", "vanished")
    assert str(tmp_path / "gone") in str(problem.message)


def _scan_as_nobody(folder: Path, answer) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    answer.send(list(scan(folder)))


@pytest.mark.parametrize("mode", [0o444])
def test_a_directory_without_permission_is_a_problem_and_the_rest_is_found(tmp_path_factory, mode):
    folder = tmp_path_factory.mktemp("photos")
    write(folder, "a.jpg", "locked/b.jpg", "locked/deeper/c.jpg", "z/d.jpg", "z/may be a film.ts")
    (folder / "z/may be a film.ts").chmod(0)
    (folder / "locked").chmod(mode)
    seen = _as_unprivileged(folder)
    (folder / "locked").chmod(0o755)
    found = [file.name for listing in seen for file in listing.files]
    assert found == [b"a.jpg", b"z/d.jpg", b"z/may be a film.ts"]
    (problem,) = [problem for listing in seen for problem in listing.problems]
    assert (problem.name, problem.code) == (b"locked", "no_permission")
    assert str(folder / "locked") in str(problem.message)


def _as_unprivileged(folder: Path) -> list[DirectoryListing]:
    """Scans as a user to whom permissions apply: root becomes nobody in a child process."""
    if os.geteuid() != 0:
        return list(scan(folder))
    folder.chmod(0o755)
    for parent in folder.parents[:3]:  # pytest makes folders that others cannot open
        if not parent.stat().st_mode & 0o001:
            parent.chmod(0o711)
    here, there = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_scan_as_nobody, args=(folder, there))
    child.start()
    there.close()
    seen = here.recv()
    child.join()
    return seen


def test_a_view_of_a_folder_has_all_that_was_seen_in_its_directories(library, tmp_path):
    folder = tmp_path / "photos"
    write(folder, "a.jpg", "trip/b.jpg", "trip/c.mov")
    (folder / "trip" / "broken.jpg").symlink_to("nowhere.jpg")
    view = folder_view(library.db, library.add(folder), list(scan(folder)))
    assert [file.name for file in view.seen] == [b"a.jpg", b"trip/b.jpg", b"trip/c.mov"]
    assert [seen.name for seen in view.folders.values()] == [b"", b"trip"]
    assert (view.links, view.unreadable) == ({b"trip/broken.jpg"}, [])

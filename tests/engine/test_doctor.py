"""What the doctor finds and repairs; a damaged library it leaves alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import onnx
import pytest
from PIL import Image
from tests.engine.conftest import index

from picsight_engine.doctor import Check, doctor_folder
from picsight_engine.indexing import watching
from picsight_engine.library import Library
from picsight_engine.store.database import index_lock
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.full_text import photos_holding
from picsight_engine.store.opening import open_database

ALL = [
    "model",
    "folder",
    "library",
    "folders",
    "names",
    "vectors",
    "photos",
    "tags",
    "search cache",
    "thumbnails",
    "decisions",
]


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    """A home folder for the test: on a Mac the doctor saves its verdict about Core ML there."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def copy(indexed_small, tmp_path):
    """A copy of the indexed library that a test may damage."""
    return Path(shutil.copytree(indexed_small, tmp_path / "copy"))


def by_name(checks: list[Check]) -> dict[str, Check]:
    assert all(str(check.message).endswith(".") for check in checks)
    return {check.name: check for check in checks}


def names(checks: list[Check]) -> list[str]:
    """The names of the checks that every machine makes: "backend" is there only where Core ML could run."""
    return [check.name for check in checks if check.name != "backend"]


def reindex(folder: Path, small) -> None:
    with Library.open(folder, small) as library:
        index(library)


def test_tags_that_differ_from_their_decisions_are_repaired(copy, small):
    with closing(open_database(copy)) as db, db.writer() as connection:
        connection.execute("INSERT INTO tag_photos (tag_id, photo_id, verdict) VALUES (1, 1, 'accepted')")
    check = by_name(doctor_folder(copy, small.folder))["tags"]
    assert (check.ok, check.repaired) == (True, True)
    assert "1 decision " in str(check.message)


def test_a_sound_library_passes_every_check_unrepaired(copy, small):
    checks = doctor_folder(copy, small.folder)
    assert names(checks) == ALL
    assert all(check.ok and not check.repaired for check in checks), checks


def test_a_wrong_index_of_names_is_rebuilt(copy, small):
    with closing(sqlite3.connect(copy / "library.db")) as connection, connection:
        connection.execute("UPDATE text_data SET block = zeroblob(length(block)) WHERE id > 10")
    checks = by_name(doctor_folder(copy, small.folder))
    assert checks["names"].repaired
    assert all(check.ok for check in checks.values()), checks
    with closing(open_database(copy)) as db:
        assert len(photos_holding(db, ".jpg")) == 48


@pytest.mark.parametrize("damage", ["pages", "text", "renamed"])
def test_a_damaged_library_fails_and_is_not_written_to(copy, small, damage):
    path = copy / "library.db"
    data = bytearray(path.read_bytes())
    if damage == "pages":
        data[len(data) // 3 : len(data) // 3 + 9000] = os.urandom(9000)
    damaged = {
        "pages": bytes(data),
        "text": b"hello\n" * 2000,
        "renamed": bytes(data).replace(b"TABLE folders", b"TABLE foldexs"),
    }
    path.write_bytes(damaged[damage])
    before = {each: each.read_bytes() for each in copy.rglob("*") if each.is_file()}
    checks = doctor_folder(copy, small.folder, forget=True)
    assert names(checks) == ["model", "folder", "library"]
    assert checks[-1].damaged
    assert "library.db" in str(checks[-1].message)
    assert {each: each.read_bytes() for each in before} == before


def test_a_missing_model_fails_alone(copy, tmp_path):
    checks = doctor_folder(copy, tmp_path / "no model")
    assert [(check.name, check.damaged) for check in checks if not check.ok] == [("model", True)]


def test_a_model_file_with_one_changed_byte_is_found_by_its_hash(copy, small, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(small.folder, folder, copy_function=os.link)
    data = bytearray((folder / "image.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "image.onnx").unlink()
    (folder / "image.onnx").write_bytes(data)
    model = by_name(doctor_folder(copy, folder))["model"]
    assert not model.ok
    assert "image.onnx was changed or is damaged" in str(model.message)


def test_a_disconnected_folder_is_named_without_failing_the_check(copy, small, photographs):
    away = photographs.with_name("away")
    with Library.open(copy, small) as library, closing(sqlite3.connect(copy / "library.db")) as connection:
        connection.execute("UPDATE folders SET path = ?", (os.fsencode(away),))
        connection.commit()
        folders = by_name(library.doctor())["folders"]
    assert folders.ok
    assert str(away) in str(folders.message)


def test_a_search_cache_that_differs_from_the_library_is_rebuilt(copy, small):
    with Library.open(copy, small) as library:
        before = library.search("dog", limit=48).results
    (originals,) = (copy / "cache").glob("*.float16")
    data = bytearray(originals.read_bytes())
    data[:4096] = bytes(4096)
    originals.write_bytes(data)
    cache = by_name(doctor_folder(copy, small.folder))["search cache"]
    assert (cache.ok, cache.repaired) == (True, True)
    assert not by_name(doctor_folder(copy, small.folder))["search cache"].repaired
    with Library.open(copy, small) as library:
        assert library.search("dog", limit=48).results == before


@pytest.mark.parametrize("damage", ["gone", "pages"])
def test_damaged_thumbnails_are_dropped_and_the_next_indexing_makes_them(copy, small, damage):
    path = copy / "thumbnails.db"
    if damage == "gone":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[8192:-4096] = os.urandom(len(data) - 12288)
        path.write_bytes(data)
    thumbnails = by_name(doctor_folder(copy, small.folder))["thumbnails"]
    assert (thumbnails.ok, thumbnails.repaired) == (True, True)
    assert "48 photos without a thumbnail" in str(thumbnails.message)
    reindex(copy, small)
    thumbnails = by_name(doctor_folder(copy, small.folder))["thumbnails"]
    assert (thumbnails.ok, thumbnails.repaired) == (True, False)


def test_a_thumbnail_without_a_photo_stays_while_another_process_stores_photos(copy, small):
    with closing(ThumbnailStore.open(copy)) as thumbnails:
        thumbnails.put({1000: b"of a photo that is about to be stored"})
        with index_lock(copy):
            checked = by_name(doctor_folder(copy, small.folder))["thumbnails"]
        assert (checked.ok, checked.repaired, 1000 in thumbnails.ids()) == (True, False, True)
        checked = by_name(doctor_folder(copy, small.folder))["thumbnails"]
        assert (checked.ok, checked.repaired, 1000 in thumbnails.ids()) == (True, True, False)


def test_vectors_of_a_wrong_length_are_removed_and_made_again(copy, small):
    with Library.open(copy, small) as library:
        before = library.search("dog", limit=48).results
    with closing(sqlite3.connect(copy / "library.db")) as connection:
        connection.execute("UPDATE vectors SET vector = x'0102' WHERE id % 10 = 1")
        connection.commit()
    checks = by_name(doctor_folder(copy, small.folder))
    assert (checks["vectors"].ok, checks["vectors"].repaired) == (True, True)
    assert (checks["photos"].ok, checks["photos"].damaged) == (False, False)
    assert "5 photos cannot be found by a search" in str(checks["photos"].message)
    reindex(copy, small)
    assert all(check.ok and not check.repaired for check in doctor_folder(copy, small.folder))
    with Library.open(copy, small) as library:
        assert library.search("dog", limit=48).results == before


def test_a_tower_of_zeros_fails_the_check_of_the_model(tmp_path, make_bundle, tiny_files):
    model = onnx.load(tiny_files["text.onnx"])
    (table,) = [weight for weight in model.graph.initializer if weight.name == "table"]
    table.raw_data = bytes(len(table.raw_data))
    onnx.save(model, tmp_path / "zeros.onnx")
    bundle = make_bundle(files={"text.onnx": tmp_path / "zeros.onnx"})
    check = by_name(doctor_folder(tmp_path / "library", bundle.folder))["model"]
    assert not check.ok
    assert "text.onnx gives vectors of length zero, as where weights are missing; get the model" in str(
        check.message
    )


def test_missing_photos_are_forgotten_on_request_only(tmp_path, captions, small):
    photos = [Path(shutil.copy(path, tmp_path)) for path in sorted(captions)[:3]]
    with Library.open(tmp_path / "library", small) as library:
        index(library, tmp_path)
        photo_id = library.photos.details(photos[0]).id
        photos[0].unlink()
        index(library)
        library.doctor()
        assert count_vectors(library.folder, photo_id) == 1
        assert forget(library).startswith("1 photo of missing files forgotten")
        assert count_vectors(library.folder, photo_id) == 0
        assert len(library.search("dog").results) == 2
        assert all(check.ok and not check.repaired for check in library.doctor())


def test_photos_that_left_a_named_folder_are_forgotten_at_a_persons_request(tmp_path, small):
    album, trip = tmp_path / "album", tmp_path / "trip"
    for folder, numbers in ((album, range(50)), (trip / "disk", range(50, 53)), (trip, range(60, 62))):
        folder.mkdir(exist_ok=True, parents=True)
        for number in numbers:
            Image.new("RGB", (8, 8), (number, 2 * number, 3 * number)).save(folder / f"{number}.png")
    with Library.open(tmp_path / "library", small) as library:
        index(library, album, trip)
        for number in range(20):
            (album / f"{number}.png").unlink()
        for file in (trip / "disk").iterdir():
            file.unlink()
        (trip / "60.png").unlink()
        end = index(library)
        assert end.summary.missing == 1
        assert tuple(map(str, end.notes)) == (
            '20 photos are missing from "album", 3 from "disk". Nothing was removed from Picsight.',
        )
        assert [(place.path, place.photos) for place in end.emptied] == [(album, 20), (trip / "disk", 3)]
        assert forget(library).startswith("1 photo of missing files forgotten. 23 files kept")
        assert len(library.all_photos().results) == 54
        assert forget(library, trip / "disk").startswith("3 photos of missing files forgotten. 20 files")
        assert forget(library, album) == "20 photos of missing files forgotten."
        assert len(library.all_photos().results) == 31
        assert index(library).notes == ()
        assert [folder.state for folder in library.folders.listed()] == ["watching"] * 2


def test_a_deleted_file_is_forgotten_despite_others_of_its_size_and_a_returned_one_is_kept(tmp_path, small):
    for number in range(4):  # four files of one size
        Image.new("RGB", (8, 8), (50 * number, 20, 20)).save(tmp_path / f"{number}.bmp")
    with Library.open(tmp_path / "library", small) as library:
        index(library, tmp_path)
        kept = (tmp_path / "1.bmp").rename(tmp_path / "elsewhere")
        index(library)
        kept.rename(tmp_path / "1.bmp")
        (tmp_path / "0.bmp").unlink()
        assert forget(library) == "1 photo of missing files forgotten."
        assert {photo.path.name for photo in library.all_photos().results} == {"1.bmp", "2.bmp", "3.bmp"}
        (tmp_path / "2.bmp").rename(tmp_path / "moved.bmp")
        assert forget(library).endswith(
            "0 photos of missing files forgotten. 1 file may only have moved: index the folders first."
        )


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_stays_readable_and_the_doctor_reports_it(copy, small):
    copy.chmod(0o755)
    os.chown(copy, 65534, 65534)
    check = by_name(doctor_folder(copy, small.folder))["folder"]
    assert check.ok
    assert "Other users of this computer can read it" in str(check.message)
    assert copy.stat().st_mode & 0o777 == 0o755


def forget(library: Library, *lost: Path) -> str:
    """What the doctor says after it forgot missing photos, or those of the folders in `lost`."""
    return str(by_name(library.doctor(forget=True, lost=lost))["forget"].message)


def count_vectors(folder: Path, photo_id: int) -> int:
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        query = "SELECT count(*) FROM vectors WHERE photo_id = ?"
        return connection.execute(query, (photo_id,)).fetchone()[0]


def test_folders_whose_changes_the_system_does_not_report_are_named(copy, small, monkeypatch):
    share = SimpleNamespace(mountpoint="/", fstype="cifs", opts="rw")
    with Library.open(copy, small) as library:
        (folder,) = library.folders.listed()
        assert str(folder.path) not in str(by_name(library.doctor())["folders"].message)
        monkeypatch.setattr(watching.psutil, "disk_partitions", lambda **_: [share])
        assert str(folder.path) in str(by_name(library.doctor())["folders"].message)

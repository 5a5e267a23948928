"""Whole indexing runs on real folders with real worker processes and a tiny real model."""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from tests.engine.indexing.conftest import ONE_WORKER, make_bundle
from tests.engine.miniature import all_vectors

from picsight_engine.bundles.bundle import IMAGE_GRAPH
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.foundation.errors import BundleError, StorageError
from picsight_engine.indexing import scan
from picsight_engine.indexing.events import Committed, Finished, Found, Progress
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.indexing.removed_files import record_removed
from picsight_engine.photos.decoding.decode import Limits
from picsight_engine.photos.decoding.film_frames import film_reader
from picsight_engine.photos.formats import can_read_films
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.search.details import details_at
from picsight_engine.store.database import FILE_NAME
from picsight_engine.store.derived.vectors import moments_of, photos_with_vector
from picsight_engine.store.files import files_of
from picsight_engine.store.folders import all_folders, remove_folder
from picsight_engine.store.full_text import photos_holding
from picsight_engine.store.migrations import MIGRATIONS, migrate
from picsight_engine.store.opening import APPLICATION_ID
from picsight_engine.store.overview.counts import photos_revision
from picsight_engine.store.overview.problems import all_problems, retry_later
from picsight_engine.store.photos import all_photos, paths_of, photos_by_id
from picsight_engine.store.selection import photos_ending
from picsight_engine.store.tagging.runs import record_run
from picsight_engine.store.tagging.tagged import person_stars
from picsight_engine.store.tagging.tags import Definition, live_tags

if TYPE_CHECKING:
    from pathlib import Path


PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"><rdf:RDF><rdf:Description rdf:about="" xmp:Rating="{rating}"
 xmp:Label="Red"/></rdf:RDF></x:xmpmeta>"""


def run(library, bundle, *paths: Path, settings=ONE_WORKER) -> Finished:
    """A whole run over these folders, or over those that the library has."""
    *_, finished = library.events(bundle, *paths, settings=settings)
    assert isinstance(finished, Finished)
    assert multiprocessing.active_children() == []
    return finished


def figures(finished: Finished) -> dict[str, int]:
    """The counts of a summary that are not zero."""
    names = ("found", "indexed", "unchanged", "moved", "missing", "problems")
    counts = {name: getattr(finished.summary, name) for name in names}
    return {name: count for name, count in counts.items() if count}


def ids(library) -> dict[str, int]:
    """The visible photos by the name of their primary file."""
    return {os.fsdecode(photo.name): photo.id for photo in all_photos(library.db)}


def vectors(library, bundle) -> dict[int, bytes]:
    photo_ids, matrix = all_vectors(library.db, bundle.manifest.space_id)
    return {int(photo_id): row.tobytes() for photo_id, row in zip(photo_ids, matrix, strict=True)}


def rate(library, photo: int, stars: int) -> None:
    with record_run(library.db, "rate", "stars") as run:
        run.rate([photo], stars)


def codes(library) -> dict[str, str]:
    return {os.fsdecode(problem.name): problem.code for problem in all_problems(library.db)}


def test_a_first_run_reports_its_progress_and_a_second_has_nothing_to_do(library, bundle, album):
    events = list(library.events(bundle, album))
    assert Found(12, complete=True) in events
    committed = [photo_id for event in events if isinstance(event, Committed) for photo_id in event.photo_ids]
    assert sorted(committed) == sorted(ids(library).values()) == library.thumbnails.ids()
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert (progress[-1].done, progress[-1].total, progress[-1].seconds_left) == (12, 12, 0.0)
    finished = events[-1]
    assert figures(finished) == {"found": 12, "indexed": 12}
    assert finished.summary.photos_per_second == pytest.approx(12 / finished.summary.seconds)
    before = vectors(library, bundle)
    again = list(library.events(bundle))
    assert figures(again[-1]) == {"found": 12, "unchanged": 12}
    assert not any(isinstance(event, Committed) for event in again)
    assert vectors(library, bundle) == before


def test_vectors_are_unit_and_bit_equal_with_one_worker_or_four(library, bundle, album, tmp_path):
    run(library, bundle, album)
    other = type(library)(tmp_path / "other")
    run(other, bundle, album, settings=IndexSettings(workers=4, batch_photos=1))
    by_name = {name: vectors(other, bundle)[photo_id] for name, photo_id in ids(other).items()}
    other.close()
    assert {name: vectors(library, bundle)[photo_id] for name, photo_id in ids(library).items()} == by_name
    _, matrix = all_vectors(library.db, bundle.manifest.space_id)
    assert np.allclose(np.linalg.norm(matrix.astype(np.float32), axis=1), 1, atol=1e-3)


def test_a_changed_image_tower_reads_no_photo(library, bundle, album, tmp_path):
    folder = shutil.copytree(bundle.folder, tmp_path / "changed")
    graph = folder / IMAGE_GRAPH
    data = bytearray(graph.read_bytes())
    data[-40] ^= 1
    graph.write_bytes(data)
    with pytest.raises(BundleError, match="was changed or is damaged") as caught:
        run(library, replace(bundle, folder=folder), album)
    assert caught.value.exit_code == 3
    assert vectors(library, bundle) == {}


def test_a_tower_that_gives_no_vectors_ends_the_run(library, album, tmp_path):
    broken = make_bundle(tmp_path / "broken", seed=1, factor=0)
    with pytest.raises(
        BundleError,
        match=r"broken/image\.onnx gives vectors of length zero, as where weights are missing; get",
    ):
        run(library, broken, album)
    assert vectors(library, broken) == {}
    assert codes(library) == {}


def test_a_photo_without_a_vector_from_a_sound_tower_is_a_problem(library, bundle, album):
    Image.new("RGB", (64, 64)).save(album / "black.png")  # the tower has no bias: zeros give zeros
    assert figures(run(library, bundle, album)) == {"found": 13, "indexed": 12, "problems": 1}
    assert codes(library) == {"black.png": "unsupported"}
    assert "black.png gives the model nothing that a search could compare" in str(
        all_problems(library.db)[0].message
    )


def test_moved_renamed_and_touched_files_keep_their_photos_without_embedding(library, bundle, album):
    run(library, bundle, album)
    before = ids(library)
    (album / "trip").mkdir()
    (album / "00.jpg").rename(album / "trip" / "00.jpg")
    (album / "01.jpg").rename(album / "one.jpg")
    os.utime(album / "02.jpg")
    shutil.copy(album / "03.jpg", album / "three.jpg")  # a new time, and the old name goes
    (album / "03.jpg").unlink()
    assert figures(run(library, bundle)) == {"found": 12, "unchanged": 9, "moved": 3}
    after = ids(library)
    assert after["trip/00.jpg"] == before["00.jpg"]
    assert after["one.jpg"] == before["01.jpg"]
    assert after["three.jpg"] == before["03.jpg"]
    assert len(files_of(library.db, 1)) == 12


def test_copies_are_one_photo_and_embedded_once_even_in_one_run(library, bundle, album):
    for copy in range(5):
        shutil.copy(album / "00.jpg", album / f"copy{copy}.jpg")
    finished = run(library, bundle, album, settings=IndexSettings(workers=2))
    assert figures(finished) == {"found": 17, "indexed": 12, "unchanged": 5}
    shutil.copy(album / "01.jpg", album / "late.jpg")
    assert figures(run(library, bundle)) == {"found": 18, "unchanged": 18}
    assert len(all_photos(library.db)) == 12


def test_a_deleted_photo_is_hidden_with_its_thumbnail_and_returns_as_itself(library, bundle, album, tmp_path):
    run(library, bundle, album)
    photo_id = ids(library)["05.jpg"]
    shutil.move(album / "05.jpg", tmp_path / "05.jpg")
    assert figures(run(library, bundle)) == {"found": 11, "unchanged": 11, "missing": 1}
    assert photo_id not in ids(library).values()
    assert library.thumbnails.get(photo_id) is None
    assert figures(run(library, bundle)) == {"found": 11, "unchanged": 11}
    shutil.move(tmp_path / "05.jpg", album / "05.jpg")
    assert figures(run(library, bundle)) == {"found": 12, "unchanged": 12}
    assert ids(library)["05.jpg"] == photo_id
    assert library.thumbnails.get(photo_id) is not None


def test_an_original_behind_an_edit_is_complete_once_it_stands_alone(library, bundle, album, draw):
    for number, name in enumerate(("IMG_1234.JPG", "IMG_E1234.JPG", "IMG_1235.JPG", "IMG_E1235.JPG")):
        draw(album / name, 100 + number)
    run(library, bundle, album)
    rate(library, ids(library)["IMG_E1235.JPG"], 4)
    (album / "IMG_E1234.JPG").unlink()
    (album / "trip").mkdir()
    (album / "IMG_1235.JPG").rename(album / "trip" / "IMG_1235.JPG")
    run(library, bundle)
    after = ids(library)
    assert {"IMG_1234.JPG", "trip/IMG_1235.JPG", "IMG_E1235.JPG"} < after.keys()
    assert library.thumbnails.ids() == sorted(after.values())
    assert person_stars(library.db.reader(), [after["trip/IMG_1235.JPG"]]) == {after["trip/IMG_1235.JPG"]: 4}
    (album / "trip" / "IMG_1235.JPG").rename(album / "IMG_1235.JPG")
    run(library, bundle)
    (album / "IMG_1235.JPG").unlink()  # from behind its edit
    library.thumbnails.delete(record_removed(library.db, [album / "IMG_1235.JPG"]))
    assert library.thumbnails.ids() == sorted(ids(library).values())


def test_an_edited_date_keeps_the_photo_and_an_edited_picture_makes_a_new_one(library, bundle, album, draw):
    run(library, bundle, album)
    before = ids(library)
    plain = (album / "00.jpg").read_bytes()
    (album / "00.jpg").write_bytes(dated(plain, "2021:06:01 12:00:00"))
    draw(album / "01.jpg", 999)
    assert figures(run(library, bundle)) == {"found": 12, "indexed": 1, "unchanged": 11}
    after = ids(library)
    assert after["00.jpg"] == before["00.jpg"]
    assert after["01.jpg"] not in before.values()
    assert library.thumbnails.ids() == sorted(after.values())  # not the old picture's
    (edited,) = [photo for photo in all_photos(library.db) if photo.taken]
    assert (edited.id, edited.taken) == (before["00.jpg"], "2021-06-01T12:00:00")


@pytest.mark.parametrize("last", ["1003", "1001"])
def test_frames_of_a_burst_that_swap_names_keep_their_stars(library, bundle, album, draw, last):
    """1001 becomes 1002, and 1002 becomes `last`; each is an edit before its original, all taken in one second."""
    folder = album / "burst"
    for seed, name in enumerate(("E1001", "1001", "E1002", "1002")):
        draw(folder / f"IMG_{name}.JPG", 100 + seed, exif=taken("2021:06:01 12:00:00"))
    run(library, bundle, folder)
    first, second = ids(library)["IMG_E1001.JPG"], ids(library)["IMG_E1002.JPG"]
    rate(library, first, 5)
    rate(library, second, -1)
    run(library, bundle)  # counts for how long the photos behind others have been missing
    for letter in ("E", ""):
        aside = (folder / f"IMG_{letter}1002.JPG").rename(folder / "aside")
        (folder / f"IMG_{letter}1001.JPG").rename(folder / f"IMG_{letter}1002.JPG")
        aside.rename(folder / f"IMG_{letter}{last}.JPG")
    run(library, bundle)
    assert ids(library) == {"IMG_E1002.JPG": first, f"IMG_E{last}.JPG": second}
    assert person_stars(library.db.reader(), [first, second]) == {first: 5, second: -1}
    (folder / "IMG_E1002.JPG").unlink()
    run(library, bundle)
    original = ids(library)["IMG_1002.JPG"]
    assert person_stars(library.db.reader(), [original]) == {original: 5}


def test_an_edited_copy_that_replaces_its_original_takes_over_its_stars_and_is_an_example(
    library, bundle, album, draw
):
    photo, copy = album / "shot.jpg", album / "shot edited.jpg"
    for seed, path in enumerate((photo, copy)):
        draw(path, 100 + seed, exif=taken("2021:06:01 12:00:00"))
    run(library, bundle, album)
    original = ids(library)[photo.name]
    rate(library, original, 4)
    with record_run(library.db, "new", "a tag") as recording:
        recording.add(Definition(0, "Snow", None, "tag", None, False, 0.0, examples=(original,)))
    copy.replace(photo)
    run(library, bundle)
    edited = ids(library)[photo.name]
    assert person_stars(library.db.reader(), [edited]) == {edited: 4}
    assert edited in live_tags(library.db.reader())[1].examples


def dated(data: bytes, date: str) -> bytes:
    """The same JPEG with a date in its EXIF block."""
    block = b"Exif\0\0" + taken(date).tobytes().removeprefix(b"Exif\0\0")
    return data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:]


def taken(date: str) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = date
    return exif


def test_keywords_and_stars_in_a_photo_are_read_and_found(library, bundle, shared, tmp_path):
    folder = tmp_path / "camera"
    folder.mkdir()
    names = ("adobe_faces.jpg", "rating3_mongolels.jpg", "picasa_tags.jpg")
    for name in names:
        shutil.copy(shared / "camera" / name, folder)
    run(library, bundle, folder)
    with library.db.writer() as connection:  # as an older version left it
        connection.execute("UPDATE files SET metadata_rule = 2, rating = NULL, keywords = NULL")
    assert figures(run(library, bundle)) == {"found": 3, "unchanged": 3}
    details = [details_at(library.db, folder / name) for name in names]
    assert [details.metadata.keywords for details in details] == [
        ("People/Marie Curie", "People/Pierre Curie"),
        (),
        ("Frost", "Yard"),
    ]
    assert [details.rating for details in details] == [None, 3, None]
    assert (
        photos_holding(library.db, "mongol els") == photos_holding(library.db, "mongolels") == [details[1].id]
    )
    assert photos_holding(library.db, "pierre") == [details[0].id]


def test_the_next_run_reads_a_side_car_without_embedding(library, bundle, album):
    run(library, bundle, album)
    before = vectors(library, bundle)
    sidecar, takeout = album / "00.jpg.xmp", album / "01.jpg.supplemental-metadata.json"

    def read_again():
        assert figures(run(library, bundle)) == {"found": 12, "unchanged": 12}
        first, second = (details_at(library.db, album / name) for name in ("00.jpg", "01.jpg"))
        return first.rating, first.metadata.label, second.taken, second.metadata.description

    sidecar.write_text(PACKET.format(rating=4))
    takeout.write_text(
        '{"title": "01.jpg", "photoTakenTime": {"timestamp": "1563111000"}, "description": "Tea"}'
    )
    assert read_again() == (4, "Red", "2019-07-14T13:30:00+00:00", "Tea")
    sidecar.write_text(PACKET.format(rating=-1))
    assert read_again() == (-1, "Red", "2019-07-14T13:30:00+00:00", "Tea")
    sidecar.unlink()
    takeout.unlink()
    assert read_again() == (None, None, None, None)
    assert vectors(library, bundle) == before


def test_metadata_of_an_older_library_are_read_again_without_embedding(library, bundle, album, tmp_path):
    Image.new("RGB", (40, 30), "green").save(album / "alone.png")
    plain = (album / "00.jpg").read_bytes()
    (album / "00.jpg").write_bytes(dated(plain, "2019:06:01 12:00:00"))
    (album / "twin.jpg").write_bytes(dated(plain, "2021:06:01 12:00:00"))
    run(library, bundle, album)
    before, old = ids(library), vectors(library, bundle)
    library.close()
    make_first_schema_again(tmp_path / "library")
    library = type(library)(tmp_path / "library")  # migrates
    unread = [file.name for file in files_of(library.db, 1) if not file.metadata_rule]
    assert unread == [b"00.jpg", b"alone.png", b"twin.jpg"]  # a PNG may say more than was read before
    for name in ("01.jpg", "alone.png"):
        assert (
            details_at(library.db, album / name).taken == "1999-01-01T00:00:00"
        )  # the date that was stored with the photo
    assert figures(run(library, bundle)) == {"found": 14, "unchanged": 14}
    assert [details_at(library.db, album / name).taken[:4] for name in ("00.jpg", "twin.jpg")] == [
        "2019",
        "2021",
    ]
    assert (ids(library), vectors(library, bundle)) == (before, old)
    assert (tmp_path / "library" / "library.v1.backup.db").exists()
    library.close()


def test_a_long_picture_is_read_with_its_squares_and_one_of_an_older_library_gains_them(
    library, bundle, tmp_path, draw
):
    sizes = {"wide.png": (320, 64), "tall.png": (64, 160), "not-quite.png": (220, 100), "plain.png": (96, 64)}
    for seed, (name, size) in enumerate(sizes.items()):
        draw(tmp_path / "album" / name, seed, size=size)
    assert figures(run(library, bundle, tmp_path / "album")) == {"found": 4, "indexed": 4}
    first = pictures(library, bundle)
    wide, tall = (Image.open(tmp_path / "album" / name) for name in ("wide.png", "tall.png"))
    boxes = [(start, 0, start + 64, 64) for start in (0, 85, 171, 256)]
    assert first["wide.png"] == embedded(bundle, wide, *(wide.crop(box) for box in boxes))
    boxes = [(0, start, 64, start + 64) for start in (0, 48, 96)]
    assert first["tall.png"] == embedded(bundle, tall, *(tall.crop(box) for box in boxes))
    assert (len(first["not-quite.png"]), len(first["plain.png"])) == (1, 1)
    with library.db.writer() as connection:
        connection.execute("DELETE FROM vectors WHERE part > 0")
    library.close()
    make_first_schema_again(tmp_path / "library")
    library = type(library)(tmp_path / "library")  # migrates
    assert figures(run(library, bundle)) == {"found": 4, "indexed": 2, "unchanged": 2}
    assert pictures(library, bundle) == first
    assert figures(run(library, bundle)) == {"found": 4, "unchanged": 4}
    library.close()


def pictures(library, bundle) -> dict[str, list[bytes]]:
    """The vectors of each photo by name; the first is that of the whole picture."""
    photos, rows = all_vectors(library.db, bundle.manifest.space_id)
    return {name: [row.tobytes() for row in rows[photos == photo]] for name, photo in ids(library).items()}


def embedded(bundle, *images) -> list[bytes]:
    tower, spec = load_image_encoder(bundle), bundle.image_spec()
    return [tower.encode(preprocess(image, spec)[None])[0].astype("<f2").tobytes() for image in images]


def make_first_schema_again(folder: Path) -> None:
    """Puts a library's content into the schema of the first version, each photo dated 1999."""
    new = folder / FILE_NAME
    old = folder / "old.db"
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:1])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("ATTACH ? AS new", (str(new),))
        for table in ("folders", "photos", "files", "spaces", "vectors", "problems"):
            known = {row[1] for row in connection.execute(f"PRAGMA new.table_info({table})")}
            columns = [
                row[1] for row in connection.execute(f"PRAGMA main.table_info({table})") if row[1] in known
            ]
            names = ", ".join(columns)
            connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
        connection.execute(
            "UPDATE photos SET taken = '1999-01-01T00:00:00', taken_source = 'ExifIFD:CreateDate'"
        )
    old.replace(new)


def test_half_of_a_pair_that_is_read_again_as_the_other_is_renamed_is_no_edit(
    library, bundle, tmp_path, draw
):
    for number, name in enumerate(("IMG_1234.jpg", "IMG_E1234.jpg")):
        draw(tmp_path / name, number)
    [*library.events(bundle, tmp_path)]
    assert len(all_photos(library.db)) == 1
    (tmp_path / "IMG_E1234.jpg").rename(tmp_path / "edit.jpg")
    (tmp_path / "IMG_1234.jpg.xmp").write_text("a side-car")
    [*library.events(bundle)]
    assert {photo.name for photo in all_photos(library.db)} == {b"IMG_1234.jpg", b"edit.jpg"}


def test_a_thumbnail_that_a_kill_left_without_its_photo_goes_with_the_next_run(library, bundle, album):
    run(library, bundle, album)
    library.thumbnails.put({999: b"a deleted private picture"})
    run(library, bundle)
    assert 999 not in library.thumbnails.ids()
    library.thumbnails.put({999: b"a deleted private picture"})
    stop = threading.Event()
    for event in library.events(bundle, cancel=stop):
        if event == Found(12, complete=True):
            stop.set()
    assert 999 not in library.thumbnails.ids()


def test_a_run_whose_library_is_moved_away_stops(library, bundle, album, tmp_path):
    place, committed = tmp_path / "library", []
    stream = library.events(bundle, album, settings=IndexSettings(workers=1, batch_photos=2))
    for event in stream:
        if isinstance(event, Committed):
            committed.extend(event.photo_ids)
            break
    place.rename(tmp_path / "elsewhere")
    type(library)(place).close()  # another one takes its place
    with pytest.raises(StorageError, match="nothing more was stored") as caught:
        list(stream)
    assert str(tmp_path / "library") in str(caught.value)
    assert len(committed) == 2
    assert multiprocessing.active_children() == []
    kept = type(library)(tmp_path / "elsewhere")
    assert sorted(photo.id for photo in all_photos(kept.db)) == sorted(committed)
    kept.close()


def test_bad_files_are_listed_and_the_rest_is_indexed(library, bundle, album):
    (album / "empty.jpg").touch()
    (album / "text.png").write_text("no picture")
    (album / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"no picture either")
    for name in ("cut.jpg", "copy.jpg"):
        (album / name).write_bytes((album / "00.jpg").read_bytes()[:400])
    finished = run(library, bundle, album, settings=IndexSettings(workers=2))
    assert figures(finished) == {"found": 17, "indexed": 12, "problems": 5}
    assert codes(library) == {
        "empty.jpg": "empty",
        "text.png": "not_an_image",
        os.fsdecode(b"caf\xe9.jpg"): "not_an_image",
        "cut.jpg": "truncated",
        "copy.jpg": "truncated",
    }
    assert all(
        problem.path.name in str(problem.message)
        for problem in all_problems(library.db)
        if problem.name.isascii()
    )


def test_a_bad_file_is_not_tried_again_until_asked_for_and_heals_when_it_is_mended(
    library, bundle, album, draw
):
    (album / "bad.jpg").write_text("no picture")
    run(library, bundle, album)
    assert figures(run(library, bundle)) == {"found": 13, "unchanged": 12, "problems": 1}
    assert [problem.tries for problem in all_problems(library.db)] == [1]
    retry_later(library.db, all_problems(library.db))
    run(library, bundle)
    assert [problem.tries for problem in all_problems(library.db)] == [2]
    draw(album / "bad.jpg", 50)
    assert figures(run(library, bundle)) == {"found": 13, "indexed": 1, "unchanged": 12}
    assert all_problems(library.db) == []


def test_a_photo_that_becomes_unreadable_is_hidden_and_a_deleted_bad_file_is_forgotten(
    library, bundle, album
):
    run(library, bundle, album)
    (album / "00.jpg").write_text("overwritten")
    assert figures(run(library, bundle)) == {"found": 12, "unchanged": 11, "problems": 1}
    assert "00.jpg" not in ids(library)
    (album / "00.jpg").unlink()
    assert figures(run(library, bundle)) == {"found": 11, "unchanged": 11}
    assert all_problems(library.db) == []


def test_a_failing_disk_hides_no_unchanged_photo(library, bundle, other_bundle, album):
    """While another model indexes, one file reads as zeros, with its old size and time."""
    run(library, bundle, album)
    before, place = ids(library), album / "00.jpg"
    sound, times = place.read_bytes(), (place.stat().st_atime_ns, place.stat().st_mtime_ns)
    place.write_bytes(bytes(len(sound)))
    os.utime(place, ns=times)
    assert figures(run(library, other_bundle)) == {"found": 12, "indexed": 11, "problems": 1}
    assert ids(library) == before
    assert library.thumbnails.ids() == sorted(before.values())
    place.write_bytes(sound)
    os.utime(place, ns=times)
    assert figures(run(library, other_bundle)) == {"found": 12, "indexed": 1, "unchanged": 11}
    assert (ids(library), all_problems(library.db)) == (before, [])


def test_a_photo_is_shown_from_the_disk_that_is_connected(library, bundle, album, tmp_path):
    """A card is indexed before its copy on a disk, and then removed."""
    card = album.rename(tmp_path / "card")
    disk = tmp_path / "disk"
    run(library, bundle, card)
    shutil.copytree(card, disk)
    run(library, bundle, disk)
    assert {photo.folder for photo in all_photos(library.db)} == {card}
    seen = photos_revision(library.db)
    card.rename(tmp_path / "taken out")
    run(library, bundle)
    assert {photo.folder for photo in all_photos(library.db)} == {disk}
    assert {photo.folder for photo in photos_by_id(library.db, [1, 2]).values()} == {disk}
    assert photos_revision(library.db) > seen
    (tmp_path / "taken out").rename(card)
    run(library, bundle)
    assert {photo.folder for photo in all_photos(library.db)} == {card}


def test_a_photo_that_hangs_the_model_is_left_out_after_two_tries(library, bundle, tmp_path):
    (tmp_path / "one").mkdir()  # one photo only: a busy machine might need a second for others
    photo = tmp_path / "one" / "white.png"
    Image.new("RGB", (96, 64), "white").save(photo)  # the tiny model never ends on it
    settings = IndexSettings(workers=2, limits=Limits(seconds=1.0))
    *_, finished = library.events(bundle, photo.parent, settings=settings)
    assert figures(finished) == {"found": 1, "problems": 1}
    assert codes(library) == {"white.png": "timeout"}
    assert str(photo) in str(all_problems(library.db)[0].message)


def test_a_photo_that_kills_its_worker_twice_is_left_out_and_nothing_else(library, bundle, album, shared):
    """One wrong byte in a real HEIC file, in the type of its metadata: pi-heif dies of it."""
    data = (shared / "formats" / "orient1.heic").read_bytes()
    (album / "killer.heic").write_bytes(data.replace(b"Exif", b"\xffxif", 1))
    workers, events = set(), []
    for event in library.events(bundle, album):
        events.append(event)
        workers |= {worker.pid for worker in multiprocessing.active_children()}
    assert figures(events[-1]) == {"found": 13, "indexed": 12, "problems": 1}
    assert codes(library) == {"killer.heic": "crashed"}
    assert len(workers) > 1


def test_workers_that_are_killed_at_any_moment_cost_no_photo(library, bundle, album):
    events = []
    for event in library.events(bundle, album, settings=IndexSettings(workers=2, batch_photos=1)):
        events.append(event)
        if isinstance(event, Committed) and event.photo_ids[0] in {2, 5, 8}:
            multiprocessing.active_children()[0].kill()
    assert figures(events[-1]) == {"found": 12, "indexed": 12}


def test_a_disk_that_is_unplugged_during_the_run_makes_no_problems(library, bundle, album, tmp_path):
    events = []
    for event in library.events(bundle, album):
        events.append(event)
        if event == Found(12, complete=True):
            album.rename(tmp_path / "unplugged")
    assert figures(events[-1]) == {"found": 12}
    assert "disappeared" in str(events[-1].notes[0])
    assert [folder.state for folder in all_folders(library.db)] == ["offline"]
    (tmp_path / "unplugged").rename(album)
    assert figures(run(library, bundle)) == {"found": 12, "indexed": 12}
    assert [folder.state for folder in all_folders(library.db)] == ["watching"]


def test_nothing_is_removed_because_a_folder_cannot_be_seen(library, bundle, album, tmp_path):
    run(library, bundle, album)
    before = ids(library)
    album.rename(tmp_path / "unplugged")
    finished = run(library, bundle)
    assert figures(finished) == {"problems": 1}
    assert [*map(str, finished.notes)] == [
        '12 photos are missing from "album". Nothing was removed from Picsight.'
    ]
    assert finished.emptied == ()  # the folder is missing, so a person could not know more
    assert ids(library) == before
    assert [folder.state for folder in all_folders(library.db)] == ["offline"]
    (tmp_path / "unplugged").rename(album)
    finished = run(library, bundle)
    assert (figures(finished), finished.notes) == ({"found": 12, "unchanged": 12}, ())
    assert [folder.state for folder in all_folders(library.db)] == ["watching"]


def test_photos_that_a_person_removes_leave_at_once_and_return_unchanged(library, bundle, tmp_path, draw):
    folder, aside = tmp_path / "Trips", tmp_path / "aside"
    for number in range(60):
        draw(folder / f"{number:02}.png", number, size=(8, 8))
    shutil.copy(folder / "00.png", folder / "copy.png")
    run(library, bundle, folder)
    before, aside_names = ids(library), [f"{number:02}.png" for number in range(40)]
    aside.mkdir()
    for name in aside_names:
        (folder / name).rename(aside / name)
    hidden = record_removed(library.db, [folder / name for name in (*aside_names, "50.png")])
    assert sorted(hidden) == sorted(before[name] for name in aside_names[1:])
    assert ids(library).keys() == before.keys() - set(aside_names) | {"copy.png"}
    finished = run(library, bundle)
    assert library.thumbnails.ids() == sorted(ids(library).values())
    assert (figures(finished), finished.notes) == ({"found": 21, "unchanged": 21}, ())
    for name in aside_names:
        (aside / name).rename(folder / name)
    run(library, bundle)
    assert ids(library) == before


def test_a_model_of_another_space_embeds_everything_again_and_keeps_the_photos(
    library, bundle, other_bundle, album
):
    run(library, bundle, album)
    before, old = ids(library), vectors(library, bundle)
    assert figures(run(library, other_bundle)) == {"found": 12, "indexed": 12}
    assert ids(library) == before
    assert vectors(library, bundle) == old
    assert photos_with_vector(library.db, other_bundle.manifest.space_id) == set(before.values())


def test_lost_thumbnails_are_made_again_without_embedding(library, bundle, album):
    run(library, bundle, album)
    old = vectors(library, bundle)
    library.thumbnails.delete(library.thumbnails.ids())
    assert figures(run(library, bundle)) == {"found": 12, "unchanged": 12}
    assert len(library.thumbnails.ids()) == 12
    assert vectors(library, bundle) == old


def test_a_cancelled_run_keeps_what_it_did_and_the_next_goes_on(library, bundle, album):
    cancel, events = threading.Event(), []
    settings = IndexSettings(workers=1, batch_photos=2)
    for event in library.events(bundle, album, settings=settings, cancel=cancel):
        events.append(event)
        if isinstance(event, Committed):
            cancel.set()
    assert events[-1].cancelled
    done = events[-1].summary.indexed
    assert 2 <= done < 12
    assert len(all_photos(library.db)) == done
    assert figures(run(library, bundle)) == {"found": 12, "indexed": 12 - done, "unchanged": done}


def test_closing_the_stream_commits_finished_photos_and_ends_the_workers(library, bundle, album):
    stream = library.events(bundle, album)
    for event in stream:
        if isinstance(event, Progress) and event.done >= 1:
            break
    stream.close()
    assert multiprocessing.active_children() == []
    assert len(all_photos(library.db)) >= event.done
    run(library, bundle)
    assert len(all_photos(library.db)) == 12


@pytest.mark.parametrize("full", ["library", pytest.param("thumbnails", marks=pytest.mark.soak)])
def test_a_full_disk_stops_the_run_and_keeps_committed_photos(library, bundle, tmp_path, draw, full):
    folder = tmp_path / "many"
    for number in range(150):
        draw(folder / f"{number}.png", number, size=(16, 16))
    writer = library.db.writer if full == "library" else library.thumbnails._db.writer
    committed: list[int] = []
    with pytest.raises(StorageError, match=r"disk is full.*Nothing was lost"):
        index_until_full(library, bundle, folder, writer, committed)
    assert multiprocessing.active_children() == []
    assert sorted(ids(library).values()) == sorted(vectors(library, bundle)) == sorted(committed)
    assert set(committed) <= set(library.thumbnails.ids())
    allow_pages(writer, 1_000_000)
    run(library, bundle)
    assert len(all_photos(library.db)) == 150


def index_until_full(library, bundle, folder, writer, committed: list[int]) -> None:
    for event in library.events(bundle, folder, settings=IndexSettings(workers=1, batch_photos=4)):
        if isinstance(event, Committed):
            committed.extend(event.photo_ids)
            allow_pages(writer, 1)


def allow_pages(writer, number: int) -> None:
    with writer() as connection:  # SQLite takes the current number where that is larger
        connection.execute(f"PRAGMA max_page_count = {number}")


def test_a_folder_that_a_person_removes_during_the_run_stays_removed(library, bundle, album):
    for event in library.events(bundle, album):
        if event == Found(12, complete=True):
            remove_folder(library.db, library.add(album).id)
    assert all_photos(library.db) == []
    assert all_folders(library.db) == []


def live_photo(shared, folder: Path) -> tuple[Path, Path]:
    """A real Live Photo, copied into a new folder."""
    folder.mkdir()
    still, film = (folder / name for name in ("IMG_2927.HEIC", "IMG_2927.MOV"))
    for path in (still, film):
        shutil.copyfile(shared / "camera" / path.name, path)
    return still, film


def test_a_live_photo_is_one_photo_and_its_film_another_when_the_still_leaves(
    library, bundle, shared, tmp_path, no_video, monkeypatch
):
    """Without the extra "video", an unknown film without a still is a problem."""
    still, film = live_photo(shared, tmp_path / "phone")
    assert figures(run(library, bundle, still.parent)) == {"found": 2, "indexed": 1, "unchanged": 1}
    (photo,) = all_photos(library.db)
    assert photos_ending(library.db, [".mov"]).size == 0
    assert (photo.path, photo.is_live, paths_of(library.db, photo.id)) == (still, True, [still, film])
    assert figures(run(library, bundle)) == {"found": 2, "unchanged": 2}
    still.rename(tmp_path / still.name)
    record_removed(library.db, [still])  # before the film is read again
    (alone,) = all_photos(library.db)
    assert (alone.path, [alone.is_live, photos_by_id(library.db, [alone.id])[alone.id].is_live]) == (
        film,
        [False] * 2,
    )
    run(library, bundle)
    assert (ids(library), codes(library)) == ({}, {film.name: "not_read"})
    assert "opencv-python-headless" in str(all_problems(library.db)[0].message)
    monkeypatch.undo()  # the extra is installed
    if not can_read_films():
        return
    run(library, bundle)
    (alone,) = all_photos(library.db)
    assert (alone.path, alone.is_live, alone.duration) == (film, False, pytest.approx(4, abs=0.1))
    assert (alone.width, alone.height) == (320, 568)
    assert photos_ending(library.db, [".mov"]).tolist() == [alone.id]
    assert (library.thumbnails.get(alone.id) is not None, codes(library)) == (True, {})

    monkeypatch.syspath_prepend(no_video)  # and removed again: a renamed film is known by its bytes
    film = film.rename(film.with_name("beach.mov"))
    run(library, bundle)
    assert (ids(library), codes(library)) == ({"beach.mov": alone.id}, {})
    monkeypatch.undo()
    (tmp_path / still.name).rename(still.with_name("beach.heic"))
    with film.open("ab") as file:
        file.write(bytes(3) + b"\x08free")
    os.utime(shutil.copyfile(film, film.with_name("copy.mov")), (0, 0))  # read after the other
    run(library, bundle)
    assert (ids(library)["beach.heic"], set(ids(library))) == (photo.id, {"beach.heic", "copy.mov"})
    assert photos_with_vector(library.db, bundle.manifest.space_id) >= set(ids(library).values())
    assert codes(library) == {}


def test_a_film_has_a_thumbnail_for_each_moment_and_is_read_again_where_it_was_read_otherwise(
    library, bundle, tmp_path, request, monkeypatch
):
    if not can_read_films():
        pytest.skip("needs the extra video")
    cv2, folder = film_reader(tmp_path), tmp_path / "films"
    folder.mkdir()
    codec = cv2.VideoWriter_fourcc(*"MJPG")
    out = cv2.VideoWriter(str(folder / "film.avi"), cv2.CAP_FFMPEG, codec, 1.0, (64, 48))
    for channel in (2, 1, 0) * 2:  # red, green and blue scenes, then the same ones
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:, :, channel] = np.kron(np.eye(2), np.full((24, 32), 220))
        for _ in range(4):
            out.write(pixels)
    out.release()

    def shown() -> dict[float, int]:
        """The strongest channel of the thumbnail, by moment."""
        of_film = moments_of(library.db, [film], bundle.manifest.space_id)[film]
        jpegs = {moment: library.thumbnails.get(film, moment) for moment in of_film.values()}
        return {
            moment: int(np.asarray(Image.open(io.BytesIO(jpeg))).mean(axis=(0, 1)).argmax())
            for moment, jpeg in jpegs.items()
        }

    run(library, bundle, folder)
    (film,) = library.thumbnails.ids()
    assert shown() == {0.0: 0, 4.0: 1, 8.0: 2}
    poster = library.thumbnails.get(film)
    assert library.thumbnails.get(film, 5.0) == library.thumbnails.get(film, 0.0) == poster

    library.thumbnails.delete([film])
    assert library.thumbnails.get(film, 4.0) is None
    assert figures(run(library, bundle)) == {"found": 1, "unchanged": 1}
    assert shown() == {0.0: 0, 4.0: 1, 8.0: 2}

    with library.db.writer() as connection:  # as an older version read it
        connection.execute("UPDATE photos SET picture_rule = 1")
        connection.execute("UPDATE derived SET rule = 1")
        connection.execute("UPDATE vectors SET moment = moment + 1")
    library.thumbnails.put({film: poster})
    assert shown() == {1.0: 0, 5.0: 0, 9.0: 0}
    assert figures(run(library, bundle)) == {"found": 1, "indexed": 1}
    assert shown() == {0.0: 0, 4.0: 1, 8.0: 2}
    assert figures(run(library, bundle)) == {"found": 1, "unchanged": 1}

    with library.db.writer() as connection:  # due for both, and nothing can read films any more
        connection.execute("UPDATE photos SET picture_rule = 1")
        connection.execute("UPDATE derived SET rule = 1")
        connection.execute("UPDATE files SET metadata_rule = 1")
    request.getfixturevalue("no_video")
    run(library, bundle)
    assert (shown(), codes(library)) == ({0.0: 0, 4.0: 1, 8.0: 2}, {"film.avi": "not_read"})
    (photo,) = all_photos(library.db)
    assert (photo.path, photo.duration) == (folder / "film.avi", 24.0)
    monkeypatch.undo()
    run(library, bundle)
    assert (shown(), codes(library)) == ({0.0: 0, 4.0: 1, 8.0: 2}, {})


def test_files_in_the_cloud_are_kept_or_listed_but_never_read(library, bundle, tmp_path, draw, monkeypatch):
    folder = tmp_path / "photos"
    for number in range(4):
        draw(folder / f"{number}.jpg", number)
    (late := folder / "3.jpg").rename(tmp_path / "late.jpg")
    run(library, bundle, folder)
    before, vectors_before = ids(library), vectors(library, bundle)
    (folder / "0.jpg").rename(folder / ".0.jpg.icloud")
    (folder / ".new.heic.icloud").write_bytes(b"a placeholder")
    (folder / "1.jpg").write_bytes(b"not on this disk")
    late.write_bytes(b"not on this disk")
    monkeypatch.setattr(scan, "_is_placeholder", lambda info: info.st_size == len(b"not on this disk"))
    for _ in range(2):
        finished = run(library, bundle)
        assert figures(finished) == {"found": 5, "unchanged": 3, "problems": 2}
        assert (ids(library), vectors(library, bundle)) == (before, vectors_before)
        found = {problem.path.name: problem.code for problem in all_problems(library.db)}
        assert found == {"3.jpg": "in_cloud", "new.heic": "in_cloud"}
    (tmp_path / "late.jpg").rename(late)
    (folder / ".new.heic.icloud").unlink()
    assert figures(run(library, bundle))["indexed"] == 1
    assert not all_problems(library.db)

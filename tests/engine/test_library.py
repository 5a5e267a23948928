"""The façade: opening, folders, indexing, details of photos; a library sees what another process stores in it."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo
from tests.engine.conftest import ONE_WORKER, PHOTOS, index

from picsight_engine.bundles.bundle import write_bundle
from picsight_engine.foundation.errors import LibraryError, RequestError
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.indexing.events import Committed, Finished
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.library import Library


@pytest.fixture
def few(captions, tmp_path):
    """A folder of five photographs that a test may change, and their paths."""
    folder = tmp_path / "few photos"
    folder.mkdir()
    return [Path(shutil.copy(path, folder / path.name)) for path in sorted(captions)[:5]]


@pytest.fixture
def fresh(tmp_path, small):
    """An empty library that a test may change."""
    with Library.open(tmp_path / "library", small) as opened:
        yield opened


def test_opening_makes_a_library_unless_create_is_false(tmp_path, small):
    with pytest.raises(RequestError, match="There is no library in"):
        Library.open(tmp_path / "library", small, create=False)
    assert not (tmp_path / "library").exists()
    with Library.open(tmp_path / "library", small) as library:
        assert library.folders.listed() == []
        assert library.search("dog").results == ()
        assert library.all_photos().results == ()


def test_a_library_may_be_closed_twice(tmp_path, small):
    with Library.open(tmp_path / "library", small) as library:
        assert library.tags.revision == 0
        library.close()
    library.close()


def test_a_damaged_library_is_refused_and_left_as_it_is(tmp_path, small):
    path = tmp_path / "library.db"
    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(LibraryError, match="Nothing was changed"):
        Library.open(tmp_path, small)
    assert path.read_bytes() == b"not a database at all" * 1000
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_and_a_file_are_refused_as_folders(fresh, captions, tmp_path):
    with pytest.raises(RequestError, match="is not there"):
        index(fresh, tmp_path / "nowhere")
    with pytest.raises(RequestError, match="is not a folder"):
        fresh.folders.add(next(iter(captions)))
    assert fresh.folders.listed() == []


def test_indexing_names_every_photo_it_committed(fresh, few):
    events = list(fresh.index([few[0].parent], settings=ONE_WORKER))
    committed = [photo for event in events if isinstance(event, Committed) for photo in event.photo_ids]
    assert sorted(committed) == sorted(result.id for result in fresh.all_photos().results)
    assert isinstance(events[-1], Finished)
    assert (events[-1].summary.indexed, events[-1].cancelled) == (5, False)


def test_a_folder_named_after_one_inside_it_is_indexed_in_its_place(fresh, few, tmp_path):
    inner = tmp_path / "few photos" / "inner"
    inner.mkdir()
    few[0].rename(inner / few[0].name)
    finished = index(fresh, inner, inner.parent)
    assert [folder.path for folder in fresh.folders.listed()] == [inner.parent]
    assert (finished.summary.found, finished.summary.indexed, fresh.status().photos) == (5, 5, 5)


def test_photos_can_be_searched_while_others_are_being_indexed(fresh, photographs):
    events = []
    settings = IndexSettings(workers=1, batch_photos=8)
    indexing = threading.Thread(target=lambda: events.extend(fresh.index([photographs], settings=settings)))
    indexing.start()
    counts = [0]
    while indexing.is_alive():
        answer = fresh.search("dog", limit=100)
        assert len(answer.results) == answer.photos
        counts.append(answer.photos)
    indexing.join()
    assert events[-1].summary.indexed == PHOTOS
    assert counts == sorted(counts)
    assert max(counts) > 0
    assert fresh.search("dog").photos == PHOTOS


def test_a_search_sees_what_another_process_indexed_or_lost(tmp_path, few, small):
    with (
        Library.open(tmp_path / "library", small) as one,
        Library.open(tmp_path / "library", small) as other,
    ):
        assert one.search("dog").photos == 0
        index(other, few[0].parent)
        assert {result.path for result in one.search("dog").results} == set(few)
        few[0].unlink()
        index(other)
        assert {result.path for result in one.search("dog").results} == set(few[1:])
        assert one.search("dog").photos == 4
        assert one.photos.details(few[0]) is None
        with pytest.raises(RequestError, match="is not a photo of the library"):
            one.similar(few[0])


def test_photos_indexed_by_one_model_are_found_by_another_after_it_has_indexed_them(
    fresh, few, small, tmp_path
):
    files = {name: small.folder / name for name in small.manifest.files}
    foreign = write_bundle(tmp_path / "model", replace(small.manifest, space_id="f" * 16), files)
    index(fresh, few[0].parent)
    with Library.open(fresh.folder, foreign) as other:
        assert (other.search("dog").photos, other.search("dog").results) == (0, ())
        assert len(other.all_photos().results) == 5
        with pytest.raises(RequestError, match="was not read by this model yet"):
            other.similar(few[0])
        assert index(other).summary.indexed == 5
        assert len(other.search("dog").results) == 5
        assert all(check.ok for check in other.doctor())


def test_forgetting_a_folder_forgets_its_missing_photos_and_their_stars_only(fresh, few, tmp_path):
    named, other = (Path(shutil.copytree(few[0].parent, tmp_path / name)) for name in ("named", "other"))
    for number, path in enumerate(few):
        (named if number else other).joinpath(path.name).unlink()  # each photo is in one folder
    index(fresh, named, other)
    photos = [named / few[0].name, other / few[1].name, other / few[2].name]
    fresh.tags.rate(photos, 4)
    for photo in photos[:2]:
        photo.rename(tmp_path / photo.name)
    index(fresh)
    assert fresh.folders.forget([named]) == 1
    for photo in photos[:2]:
        (tmp_path / photo.name).rename(photo)
    index(fresh)
    assert [fresh.photos.details(photo).rating for photo in photos] == [None, 4, 4]


def test_a_removed_folder_hides_its_photos_and_a_restored_one_shows_them_with_their_stars(fresh, few):
    index(fresh, few[0].parent)
    photo_id, before = fresh.photos.details(few[0]).id, fresh.all_photos().results
    fresh.tags.rate([photo_id], 4)
    fresh.folders.remove(fresh.folders.listed()[0].id)
    assert (fresh.folders.listed(), fresh.all_photos().results, fresh.search("dog").results) == ([], (), ())
    index(fresh)
    fresh.folders.restore(few[0].parent)
    assert fresh.all_photos().results == before
    assert fresh.tags.rating(photo_id) == 4
    assert fresh.photos.thumbnail(photo_id) is not None
    assert all(path.exists() for path in few)


def test_details_of_a_photo(library, captions):
    path = next(iter(captions))
    details = library.photos.details(path)
    assert details.paths == (path,)
    assert (details.width, details.height) == (224, 224)
    assert details.metadata == Metadata(bits=8)
    assert (details.taken, details.rating, details.problem, details.tags) == (None, None, None, ())


def test_a_photo_is_known_by_any_spelling_of_its_path(library, captions, tmp_path, monkeypatch):
    path = next(iter(captions))
    known = library.photos.details(path)
    (tmp_path / "link").symlink_to(path.parent)
    monkeypatch.chdir(path.parent)
    for spelling in (
        path.name,
        f"./{path.name}",
        f"../{path.parent.name}/{path.name}",
        tmp_path / "link" / path.name,
    ):
        assert library.photos.details(Path(spelling)) == known
        assert library.similar(Path(spelling), limit=1).results


@pytest.mark.parametrize("path", ["/nowhere/at/all.jpg", "", ".", "/", "a\0b", "bad\udcff.jpg", "x" * 5000])
def test_a_path_that_is_not_a_photo_has_no_details(library, path):
    assert library.photos.details(Path(path)) is None
    assert library.problems.at(Path(path)) is None
    with pytest.raises(RequestError, match=r"is not a photo of the library|is a folder; name photos in it"):
        library.similar(Path(path))


def test_a_copy_is_the_same_photo_and_a_file_that_is_not_an_image_a_problem(fresh, few, shared):
    copy = Path(shutil.copy(few[0], few[0].with_name("a copy.jpg")))
    bad = Path(shutil.copy(shared / "formats" / "html_404.jpg", few[0].parent))
    summary = index(fresh, few[0].parent).summary
    assert (summary.indexed, summary.problems) == (5, 1)
    assert set(fresh.photos.details(copy).paths) == {few[0], copy}
    assert fresh.photos.details(copy).id == fresh.photos.details(few[0]).id
    assert fresh.photos.details(few[0]).id not in {result.id for result in fresh.similar(copy).results}
    problem = fresh.problems.at(bad)
    assert (problem.path, problem.code) == (bad, "not_an_image")
    assert fresh.problems.listed() == [problem]
    assert fresh.photos.details(bad) is None
    status = fresh.status()
    assert (status.photos, status.files, status.problems) == (5, 6, 1)


def test_dates_carry_their_offset_and_order_the_wall(fresh, shared, few, tmp_path):
    folder = tmp_path / "dated"
    folder.mkdir()
    shutil.copy(shared / "formats" / "date_offset_plus1345.jpg", folder)
    for age, path in enumerate(few):
        os.utime(path, (1_000_000_000 + age, 1_000_000_000 + age))
    index(fresh, folder, few[0].parent)
    details = fresh.photos.details(folder / "date_offset_plus1345.jpg")
    assert details.taken.endswith("+13:45")
    assert details.metadata.taken_source is not None
    wall = fresh.all_photos().results
    assert [result.path for result in wall[-5:]] == few[::-1]
    assert {(result.score, result.match) for result in wall} == {(0.0, None)}
    assert [result.id for result in fresh.newest_photos(limit=9).results] == [details.id]
    assert fresh.newest_photos(limit=9).photos == len(wall)


def test_tags_and_stars_stay_with_a_photo_whose_file_another_program_edited(fresh, few, tmp_path):
    """A caption in a PNG and an EXIF orientation change the fingerprint only; a reused name is another shot."""
    folder, (painted, turned, again, other, _) = few[0].parent, few
    picture, exif = Image.open(turned), Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 12:00:00"
    picture.save(turned, exif=exif)
    painting = folder / "painting.png"
    Image.open(painted).save(painting)
    index(fresh, folder)
    described = (painting, turned, again)
    fresh.tags.new("Grandma")
    fresh.tags.decide("Grandma", described, "accepted")
    fresh.tags.rate(described, 5)
    before = [fresh.photos.details(path).id for path in described]
    assert [*fresh.exchange.export_sidecars()][-1].written == 3

    caption = PngInfo()
    caption.add_text("Description", "Her birthday")
    Image.open(painted).save(painting, pnginfo=caption)
    exif[ExifTags.Base.Orientation] = 6
    picture.save(turned, exif=exif)
    shutil.copy(other, again)
    index(fresh, folder)
    after = [fresh.photos.details(path) for path in described]
    assert not {photo.id for photo in after} & set(before)
    assert [(photo.tags, photo.rating) for photo in after] == [(("Grandma",), 5)] * 2 + [((), None)]
    assert len(fresh.search("tag:grandma").results) == 2
    fresh.tags.undo()
    fresh.tags.undo()
    assert [(fresh.photos.details(path).tags, fresh.photos.details(path).rating) for path in described] == [
        ((), None)
    ] * 3
    fresh.tags.redo()
    assert fresh.photos.details(turned).tags == ("Grandma",)
    for path in (painting, again):
        sidecar = folder / f"{path.name}.xmp"  # its hash is that of the file before the edit
        sidecar.write_text(sidecar.read_text().replace("<rdf:li>", "<rdf:li>Cake</rdf:li><rdf:li>", 1))
    fresh.exchange.import_from(folder)
    assert "Cake" in fresh.photos.details(painting).tags
    assert "Cake" not in fresh.photos.details(again).tags


def test_the_revision_changes_only_with_the_photos(fresh, few):
    before = fresh.revision
    index(fresh, few[0].parent)
    after = fresh.revision
    assert after != before
    fresh.search("a dog")
    index(fresh, few[0].parent)
    assert fresh.revision == after
    few[0].unlink()
    index(fresh, few[0].parent)
    assert fresh.revision != after


def test_the_status_counts_photos_files_and_problems(library, indexed, bundle):
    status = library.status()
    assert (status.library, status.folders, status.photos, status.files) == (indexed, 1, PHOTOS, PHOTOS)
    assert status.problems == 0
    assert (status.space, status.model) == (bundle.manifest.space_id, bundle.manifest.name)
    assert status.bytes >= (indexed / "library.db").stat().st_size

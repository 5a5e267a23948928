"""The façade: opening, folders, indexing, what is known of photos, and that everybody sees what anybody stored."""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from picsight_engine.bundles.bundle import write_bundle
from picsight_engine.errors import LibraryError, RequestError
from picsight_engine.indexing.events import Committed, Finished
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.library import Library
from picsight_engine.metadata import Metadata

ONE_WORKER = IndexSettings(workers=1)


@pytest.fixture
def few(captions, tmp_path):
    """A folder of five photographs that a test may change, and their paths."""
    folder = tmp_path / "few photos"
    folder.mkdir()
    return [Path(shutil.copy(path, folder / path.name)) for path in sorted(captions)[:5]]


@pytest.fixture
def own(tmp_path, bundle):
    """An empty library of the test's own."""
    with Library.open(tmp_path / "library", bundle) as opened:
        yield opened


def run(library: Library, *folders: Path, **options) -> Finished:
    *_, last = library.index(list(folders) or None, settings=ONE_WORKER, **options)
    return last


def test_opening_makes_a_library_unless_told_not_to(tmp_path, bundle):
    with pytest.raises(RequestError, match="There is no library in"):
        Library.open(tmp_path / "library", bundle, create=False)
    assert not (tmp_path / "library").exists()
    with Library.open(tmp_path / "library", bundle) as library:
        assert library.folders() == []
        assert library.search("dog").results == ()
        assert library.all_photos().results == ()


def test_a_library_may_be_closed_again(tmp_path, bundle):
    with Library.open(tmp_path / "library", bundle) as library:
        assert library.tags.revision == 0
        library.close()
    library.close()


def test_a_damaged_library_is_refused_and_left_as_it_is(tmp_path, bundle):
    path = tmp_path / "library.db"
    path.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(LibraryError, match="Nothing was changed"):
        Library.open(tmp_path, bundle)
    assert path.read_bytes() == b"not a database at all" * 1000
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_or_is_a_file_is_refused(own, captions, tmp_path):
    with pytest.raises(RequestError, match="is not there"):
        run(own, tmp_path / "nowhere")
    with pytest.raises(RequestError, match="is not a folder"):
        own.add_folder(next(iter(captions)))
    assert own.folders() == []


def test_indexing_names_every_photo_it_committed(own, few):
    committed: set[int] = set()
    events = list(own.index([few[0].parent], settings=ONE_WORKER))
    for event in events:
        if isinstance(event, Committed):
            committed.update(event.photo_ids)
    assert committed == {result.id for result in own.all_photos().results}
    assert isinstance(events[-1], Finished)
    assert (events[-1].summary.indexed, events[-1].cancelled) == (5, False)


def test_photos_can_be_searched_while_others_are_being_indexed(own, photographs):
    last: list[Finished] = []
    settings = IndexSettings(workers=1, batch_photos=8)

    def index() -> None:
        *_, finished = own.index([photographs], settings=settings)
        last.append(finished)

    running = threading.Thread(target=index)
    running.start()
    counts = [0]
    while running.is_alive():
        answer = own.search("dog", limit=100)
        assert len(answer.results) == answer.photos
        counts.append(answer.photos)
    running.join()
    assert last[0].summary.indexed == 48
    assert counts == sorted(counts)
    assert max(counts) > 0
    assert own.search("dog").photos == 48


def test_a_search_sees_what_another_process_indexed_or_lost(tmp_path, few, bundle):
    with (
        Library.open(tmp_path / "library", bundle) as one,
        Library.open(tmp_path / "library", bundle) as other,
    ):
        assert one.search("dog").photos == 0
        run(other, few[0].parent)
        assert {result.path for result in one.search("dog").results} == set(few)
        few[0].unlink()
        run(other)
        assert {result.path for result in one.search("dog").results} == set(few[1:])
        assert one.search("dog").photos == 4
        assert one.show(few[0]) is None
        with pytest.raises(RequestError, match="is no photo of the library"):
            one.similar(few[0])


def test_what_one_model_read_is_not_found_by_another_until_that_has_read_it(own, few, bundle, tmp_path):
    files = {name: bundle.folder / name for name in bundle.manifest.files}
    foreign = write_bundle(tmp_path / "model", replace(bundle.manifest, space_id="f" * 16), files)
    run(own, few[0].parent)
    with Library.open(own.folder, foreign) as other:
        assert (other.search("dog").photos, other.search("dog").results) == (0, ())
        assert len(other.all_photos().results) == 5
        with pytest.raises(RequestError, match="was not read by this model yet"):
            other.similar(few[0])
        assert run(other).summary.indexed == 5
        assert len(other.search("dog").results) == 5
        assert all(check.ok for check in other.doctor())


def test_only_what_the_named_folder_lost_is_forgotten_with_what_was_said_of_it(own, few, tmp_path):
    named, other = (Path(shutil.copytree(few[0].parent, tmp_path / name)) for name in ("named", "other"))
    for number, path in enumerate(few):
        (named if number else other).joinpath(path.name).unlink()  # each photo is in one folder
    run(own, named, other)
    photos = [named / few[0].name, other / few[1].name, other / few[2].name]
    own.tags.rate(photos, 4)
    for photo in photos[:2]:
        photo.rename(tmp_path / photo.name)
    run(own)
    assert own.forget([named]) == 1
    for photo in photos[:2]:
        (tmp_path / photo.name).rename(photo)
    run(own)
    assert [own.show(photo).rating for photo in photos] == [None, 4, 4]


def test_a_removed_folder_takes_its_photos_along_and_brings_them_back_with_what_was_said_of_them(own, few):
    run(own, few[0].parent)
    photo_id, before = own.show(few[0]).id, own.all_photos().results
    own.tags.rate([photo_id], 4)
    own.remove_folder(own.folders()[0].id)
    assert (own.folders(), own.all_photos().results, own.search("dog").results) == ([], (), ())
    run(own)
    own.restore_folder(few[0].parent)
    assert own.all_photos().results == before
    assert own.tags.rating(photo_id) == 4
    assert own.thumbnail(photo_id) is not None
    assert all(path.exists() for path in few)


def test_what_is_known_of_a_photo(library, captions):
    path = next(iter(captions))
    details = library.show(path)
    assert details.paths == (path,)
    assert (details.width, details.height) == (224, 224)
    assert details.metadata == Metadata(bits=8)
    assert (details.taken, details.rating, details.problem, details.tags) == (None, None, None, ())


def test_a_photo_is_known_by_any_spelling_of_its_path(library, captions, tmp_path, monkeypatch):
    path = next(iter(captions))
    known = library.show(path)
    (tmp_path / "link").symlink_to(path.parent)
    monkeypatch.chdir(path.parent)
    for spelling in (
        path.name,
        f"./{path.name}",
        f"../{path.parent.name}/{path.name}",
        tmp_path / "link" / path.name,
    ):
        assert library.show(Path(spelling)) == known
        assert library.similar(Path(spelling), limit=1).results


@pytest.mark.parametrize("path", ["/nowhere/at/all.jpg", "", ".", "/", "a\0b", "bad\udcff.jpg", "x" * 5000])
def test_a_path_that_is_no_photo_gives_nothing(library, path):
    assert library.show(Path(path)) is None
    assert library.problem_of(Path(path)) is None
    with pytest.raises(RequestError, match=r"is no photo of the library|is a folder; name photos in it"):
        library.similar(Path(path))


def test_copies_are_one_photo_with_several_paths(own, few):
    copy = Path(shutil.copy(few[0], few[0].with_name("a copy.jpg")))
    run(own, few[0].parent)
    assert set(own.show(copy).paths) == {few[0], copy}
    assert own.show(copy).id == own.show(few[0]).id
    assert own.show(few[0]).id not in {result.id for result in own.similar(copy).results}
    status = own.status()
    assert (status.photos, status.files) == (5, 6)


def test_dates_carry_their_offset_and_order_the_wall(own, shared, few, tmp_path):
    folder = tmp_path / "dated"
    folder.mkdir()
    shutil.copy(shared / "formats" / "date_offset_plus1345.jpg", folder)
    for age, path in enumerate(few):
        os.utime(path, (1_000_000_000 + age, 1_000_000_000 + age))
    run(own, folder, few[0].parent)
    details = own.show(folder / "date_offset_plus1345.jpg")
    assert details.taken.endswith("+13:45")
    assert details.metadata.taken_source is not None
    wall = own.all_photos().results
    assert [result.path for result in wall[-5:]] == few[::-1]
    assert {(result.score, result.match) for result in wall} == {(0.0, None)}
    assert [result.id for result in own.newest_photos(limit=9).results] == [details.id]
    assert own.newest_photos(limit=9).photos == len(wall)


def test_what_was_said_of_a_photo_holds_when_another_program_has_edited_its_file(own, few, tmp_path):
    """A caption in a PNG and a turn by the EXIF flag make another picture of each; a name given again is another shot."""
    folder, (painted, turned, again, other, _) = few[0].parent, few
    picture, exif = Image.open(turned), Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:01 12:00:00"
    picture.save(turned, exif=exif)
    painting = folder / "painting.png"
    Image.open(painted).save(painting)
    run(own, folder)
    said = (painting, turned, again)
    own.tags.new("Grandma")
    own.tags.decide("Grandma", said, "accepted")
    own.tags.rate(said, 5)
    before = [own.show(path).id for path in said]
    assert [*own.exchange.export_sidecars()][-1].written == 3

    caption = PngInfo()
    caption.add_text("Description", "Her birthday")
    Image.open(painted).save(painting, pnginfo=caption)
    exif[ExifTags.Base.Orientation] = 6
    picture.save(turned, exif=exif)
    shutil.copy(other, again)
    run(own, folder)
    after = [own.show(path) for path in said]
    assert not {photo.id for photo in after} & set(before)
    assert [(photo.tags, photo.rating) for photo in after] == [
        (("Grandma",), 5),
        (("Grandma",), 5),
        ((), None),
    ]
    assert len(own.search("tag:grandma").results) == 2
    own.tags.undo()
    own.tags.undo()
    assert [(own.show(path).tags, own.show(path).rating) for path in said] == [((), None)] * 3
    own.tags.redo()
    assert own.show(turned).tags == ("Grandma",)
    for sidecar in (folder / f"{path.name}.xmp" for path in (painting, again)):  # whose hashes are of before
        words = sidecar.read_text().replace("<rdf:li>", "<rdf:li>Cake</rdf:li><rdf:li>", 1)
        sidecar.write_text(words)
    own.exchange.import_from(folder)
    assert "Cake" in own.show(painting).tags
    assert "Cake" not in own.show(again).tags


def test_the_revision_changes_with_the_photos_and_with_nothing_else(own, few):
    before = own.revision
    run(own, few[0].parent)
    after = own.revision
    assert after != before
    own.search("a dog")
    run(own, few[0].parent)
    assert own.revision == after
    few[0].unlink()
    run(own, few[0].parent)
    assert own.revision != after


def test_a_file_that_is_no_picture_is_a_problem_and_no_photo(own, shared, few):
    bad = Path(shutil.copy(shared / "formats" / "html_404.jpg", few[0].parent))
    summary = run(own, few[0].parent).summary
    assert (summary.indexed, summary.problems) == (5, 1)
    problem = own.problem_of(bad)
    assert (problem.path, problem.code) == (bad, "not_an_image")
    assert own.problems() == [problem]
    assert own.show(bad) is None
    assert own.status().problems == 1


def test_the_status_counts_what_is_there(library, indexed, bundle):
    status = library.status()
    assert (status.library, status.folders, status.photos, status.files) == (indexed, 1, 48, 48)
    assert (status.problems, status.space, status.model) == (
        0,
        bundle.manifest.space_id,
        bundle.manifest.name,
    )
    assert status.bytes >= (indexed / "library.db").stat().st_size

"""Stacks of copies among real photographs, in other encodings and sizes."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.engine.conftest import index

from picsight_engine.aftermath.duplicates import Firsts, same_shape
from picsight_engine.indexing.events import Committed
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.library import Library
from picsight_engine.store.derived.thumbnails import Sketch

EXIF_IFD, DATE_TAKEN, ORIENTATION = 0x8769, 0x9003, 0x0112
COPIED, CHANGED, PLAIN = range(4), range(4, 8), range(8, 14)


def taken(when):
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[DATE_TAKEN] = when
    return exif


def turned():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return exif


def copy(path, folder):
    """Saves a photograph and the copies that people and programs make of it."""
    image, name = Image.open(path), path.stem
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    shutil.copy(path, folder / f"{name}.jpg")
    image.save(folder / f"{name} small.jpg", quality=40)
    half.save(folder / f"{name} half.jpg", quality=85)
    image.save(folder / f"{name}.png")
    image.save(folder / f"{name}.webp", quality=75)
    image.transpose(Image.Transpose.ROTATE_90).save(folder / f"{name} turned.jpg", quality=90, exif=turned())


def change(path, folder):
    """Saves a photograph, and two others of the same place."""
    image, name = Image.open(path), path.stem
    shutil.copy(path, folder / f"{name}.jpg")
    image.crop((8, 8, image.width - 12, image.height - 12)).save(folder / f"{name} crop.jpg", quality=90)
    image.crop((0, 0, image.width - 7, image.height)).save(folder / f"{name} next.jpg", quality=90)


def index_stacks(folder, photos, bundle):
    with Library.open(folder, bundle) as library:
        index(library, photos)
        return stacks_by_name(library, photos)


def stacks_by_name(library, photos):
    """The names of the files of each stack by the id of the stack."""
    stacks = library.photos.stacks()
    found = {}
    for path in photos.iterdir():
        photo_id = library.photos.details(path).id
        if photo_id in stacks:
            found.setdefault(stacks[photo_id], {})[photo_id] = path.name
    return found


@pytest.fixture(scope="module")
def album(photographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("album")
    paths = sorted(photographs.glob("*.jpg"))
    for number in COPIED:
        copy(paths[number], folder)
    for number in CHANGED:
        change(paths[number], folder)
    for number in PLAIN:
        shutil.copy(paths[number], folder)
    return folder


@pytest.fixture(scope="module")
def stacked(album, bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stacked") / "library"
    return folder, index_stacks(folder, album, bundle)


def test_copies_are_one_stack_and_nothing_else_is(stacked, album):
    wanted = {frozenset(path.name for path in album.glob(f"{name}*")) for name in names_of(album, "png")}
    assert {frozenset(members.values()) for members in stacked[1].values()} == wanted


def names_of(album, kind):
    return [path.stem for path in album.glob(f"*.{kind}")]


@pytest.mark.parametrize("state", ["missing", "damaged", "of an older version"])
def test_a_search_needs_no_thumbnails(stacked, bundle, tmp_path, state):
    folder = tmp_path / "library"
    shutil.copytree(stacked[0], folder)
    thumbnails = folder / "thumbnails.db"
    if state == "of an older version":
        with closing(sqlite3.connect(thumbnails)) as connection:
            connection.execute("DROP TABLE stacks")
    else:
        for file in folder.glob("thumbnails.db*"):
            file.unlink()
        if state == "damaged":
            thumbnails.write_bytes(b"no database" * 500)
    with Library.open(folder, bundle) as library:
        answer = library.search("dog", limit=5)
        assert [result.stack for result in answer.results] == [None] * 5
        assert library.photos.stacks() == {}
    assert thumbnails.exists() == (state != "missing")


def test_a_stack_follows_its_files(photographs, bundle, tmp_path):
    folder, photos = tmp_path / "library", tmp_path / "album"
    photos.mkdir()
    image = Image.open(min(photographs.glob("*.jpg")))
    for quality in (95, 80, 65):
        image.save(photos / f"{quality}.jpg", quality=quality)
    (before,) = index_stacks(folder, photos, bundle).values()
    (photos / before[min(before)]).unlink()  # the first, with which the others were compared
    image.save(photos / "late.webp", quality=80)
    ((stack, members),) = index_stacks(folder, photos, bundle).items()
    assert stack == min(members)
    assert set(members.values()) == {path.name for path in photos.iterdir()}
    for path in list(photos.iterdir())[2:]:
        path.unlink()
    assert len(index_stacks(folder, photos, bundle)) == 1
    edit, original = photos / "IMG_E1234.jpg", photos / "IMG_1234.jpg"
    for path, name in zip(list(photos.iterdir()), (edit, original), strict=True):
        path.rename(name)
    assert index_stacks(folder, photos, bundle) == {}  # one photo now
    edit.unlink()
    assert index_stacks(folder, photos, bundle) == {}


def test_pictures_of_different_moments_stay_apart(photographs, bundle, tmp_path):
    photos = tmp_path / "album"
    photos.mkdir()
    image = Image.open(min(photographs.glob("*.jpg")))
    image.save(photos / "first.jpg", quality=92, exif=taken("2020:05:17 10:00:00"))
    image.save(photos / "second.jpg", quality=80, exif=taken("2020:05:17 10:00:02"))
    image.save(photos / "sent.jpg", quality=70, exif=taken("2020:05:17 10:00:00"))
    (members,) = index_stacks(tmp_path / "library", photos, bundle).values()
    assert set(members.values()) == {"first.jpg", "sent.jpg"}


def test_copies_are_known_with_each_batch_of_the_first_run(photographs, bundle, tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    for path in sorted(photographs.glob("*.jpg"))[:2]:
        shutil.copy(path, folder)
        Image.open(path).save(folder / f"{path.stem} again.png")
    settings = IndexSettings(workers=1, batch_photos=1)
    with Library.open(tmp_path / "library", bundle) as library:
        for event in library.index([folder], settings=settings):
            if isinstance(event, Committed):
                shown = {photo.id: photo.path.name[:8] for photo in library.all_photos().results}
                pictures = Counter(shown.values())
                assert library.photos.stacks().keys() == {each for each in shown if pictures[shown[each]] > 1}
        assert len(library.photos.stacks()) == 4


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40), st.integers(0, 40))
def test_photos_found_later_change_nothing_of_the_stacks_before(shapes, already):
    """`same` is a likeness that does not carry over: neighbours are alike, their neighbours are not."""

    def same(one, other):
        return abs(one.phash - other.phash) <= 1

    photos = [Sketch(number, shape, 4, 3) for number, shape in enumerate(shapes, start=1)]
    at_once = Firsts(len(photos))
    expected = {photo: at_once.stack_of(photo, same) for photo in photos}
    before = Firsts(len(photos))
    known = [(photo, before.stack_of(photo, same)) for photo in photos[:already]]
    later = Firsts(len(photos), known)
    assert dict(known) | {photo: later.stack_of(photo, same) for photo in photos[already:]} == expected


@given(st.integers(40, 6000), st.integers(40, 6000), st.floats(0.1, 1))
def test_a_resized_picture_keeps_its_shape(width, height, scale):
    large = Sketch(1, 0, width, height)
    assert same_shape(large, Sketch(2, 0, max(1, round(width * scale)), max(1, round(height * scale))))
    assert not same_shape(large, Sketch(2, 0, width, round(height * 1.2)))

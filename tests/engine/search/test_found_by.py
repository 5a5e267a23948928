"""A photo whose file is called what is typed leads the answer, whatever it shows; one that has a word in a name stands
behind the strong ones, and nothing else is moved by names.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.search.conftest import open_album

from picsight_engine.bundles.calibration import Calibration
from picsight_engine.library import Library
from picsight_engine.store.tagging.pairs import pair

PHOTOS = 60
CARS = 8  # the photo whose folder is called Cars
CUTS = Calibration(
    answered=0.04, strong=0.04, possible=0.0, gap=0.0, span=0.1, growth=0.0, growth_below=0.0, common=0.0
)


@pytest.fixture(scope="module")
def album(lasting_album):
    """Photos of chance, some of which have names that are words."""
    for number in range(1, PHOTOS):
        name = {7: b"Oscar.jpg", 8: b"Cars/x.jpg"}.get(number, b"%d_.jpg" % number)
        lasting_album.put(name, number, taken="2012-01-01T00:00:00")
    return lasting_album


@pytest.fixture(scope="module")
def called(album):
    """The photos that are called so; no model has read the boat."""
    names = ("car.jpg", "2012.jpg", "a | b.jpg", "IMG 2012-01-01 x.jpg", "boat.png")
    return {
        name: album.put(name.encode(), number, vector=name != "boat.png")
        for number, name in enumerate(names, PHOTOS)
    }


def led(album, query, **wishes):
    results = album.library.search(query, **{"limit": 100, **wishes}).results
    return [result.id for result in results if result.found_by == "name"]


def test_a_photo_of_that_name_leads_and_the_others_keep_their_order(album, called):
    results = album.library.search("car", limit=100).results
    assert [result.found_by for result in results] == ["name"] * 2 + ["meaning"] * (len(results) - 2)
    assert [result.id for result in results[:2]] == [called["car.jpg"], CARS]
    rest = [(result.match != "strong", -result.score) for result in results[2:]]
    assert rest == sorted(rest)
    assert len({result.id for result in results}) == len(results) == PHOTOS + 3  # one has no vector


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("car", ["car.jpg", "Cars/x.jpg"]),
        ("CAR.JPG", ["car.jpg", "Cars/x.jpg"]),
        ("dog | car", ["car.jpg", "Cars/x.jpg"]),
        ("car -tree", ["car.jpg", "Cars/x.jpg"]),
        ("a | b", ["a | b.jpg"]),
        ("boat", ["boat.png"]),
        ("IMG 2012-01-01 x", ["IMG 2012-01-01 x.jpg"]),
        ("2012", ["2012.jpg"]),
        ("cars", ["Cars/x.jpg"]),
        ("car in:2012", ["Cars/x.jpg"]),
        ("x car", ["Cars/x.jpg"]),
    ],
)
def test_a_query_or_one_of_its_alternatives_finds_a_name_or_all_of_its_words(album, called, query, names):
    assert led(album, query) == [called.get(name, CARS) for name in names]
    assert album.found(query, limit=1) == [called.get(names[0], CARS)]


@pytest.mark.parametrize("query", ["oscar car", "ca", "car like:#1", "-car tree", "car in:2013", "scar"])
def test_nothing_is_found_by_the_inside_of_a_word_nor_against_a_fact(album, called, query):
    assert led(album, query) == []


def test_photos_with_the_word_come_between_strong_and_weaker_ones_with_their_match(album, called, bundle):
    above = album.library.explain("car", CARS)[0].score + 0.005
    cuts = replace(CUTS, strong=above, answered=above, centre=bundle.manifest.calibration.centre)
    calibrated = replace(bundle, manifest=replace(bundle.manifest, calibration=cuts))
    with Library.open(album.library.folder, calibrated, create=False) as library:
        first, *results = library.search("car", limit=100).results
        assert first.id == called["car.jpg"]
        groups = [0 if photo.match == "strong" else 1 if photo.found_by == "name" else 2 for photo in results]
        assert groups == sorted(groups)
        assert groups.count(1) == 1
        by_score = sorted(results, key=lambda photo: -library.explain("car", photo.id)[0].score)
        matches = [["strong", "weaker", "none"].index(photo.match) for photo in by_score]
        assert matches == sorted(matches)
        least = library.search("car", limit=100, least="strong").results
        assert [photo.id for photo in least] == [
            first.id,
            *(photo.id for photo in results if photo.match == "strong"),
        ]
        order = [photo.id for photo in library.all_photos().results]
        by_date = [
            photo.id for photo in library.search("car", limit=100, order="date", least="weaker").results
        ]
        assert CARS in by_date
        assert by_date == sorted(by_date, key=order.index)


def test_words_of_keywords_descriptions_and_tags_find_as_those_of_names_do(tmp_path, bundle):
    with open_album(tmp_path, bundle) as album:
        photos = [
            album.put(b"1.jpg", 1, keywords=("Birds/Grey Heron",)),
            album.put(b"2.jpg", 2, description="a heron"),
            album.put(b"3.jpg", 3),
        ]
        assert set(led(album, "heron")) == set(led(album, "her")) == set(photos[:2])
        album.library.tags.new("Heron", kind="album")
        album.library.tags.decide("Heron", photos[2:], "accepted")
        assert set(led(album, "heron")) == set(photos)


def test_facts_alone_find_by_neither(album, called):
    assert {result.found_by for result in album.library.search('"car"').results} == {None}
    assert {result.found_by for result in album.library.all_photos().results} == {None}
    assert {result.found_by for result in album.library.similar(1).results} == {"meaning"}


def test_a_name_is_as_strong_as_any_match_and_takes_its_place_by_date(album, called, bundle):
    calibrated = replace(bundle, manifest=replace(bundle.manifest, calibration=CUTS))
    with Library.open(album.library.folder, calibrated, create=False) as library:
        strong = library.search("car", limit=100, least="strong").results
        assert 1 < len(strong) < PHOTOS
        assert strong[0].id == called["car.jpg"]
        assert {result.match for result in strong} == {"strong"}
        order = [photo.id for photo in library.all_photos().results]
        by_date = library.search("car", limit=100, least="strong", order="date").results
        assert [result.id for result in by_date] == sorted((result.id for result in strong), key=order.index)


def test_a_name_finds_the_file_of_that_name_also_as_a_copy_or_half_of_a_pair(tmp_path, bundle):
    with open_album(tmp_path, bundle) as album:
        names = {
            b"IMG_1.JPG": 1,
            b"IMG_1.DNG": 2,
            b"town.jpg": 3,
            b"old/sent.jpg": 3,
            b"old/town.jpg": 3,
            b"z.jpg": 4,
        }
        for name, picture in names.items():
            album.put(name, picture)
        with album.db.writer() as connection:
            pair(connection, album.folder_id, b"IMG_1.DNG")

        def first(query):
            result = album.library.search(query).results[0]
            assert result.found_by == "name"
            return [path.relative_to(album.photos).as_posix() for path in result.files]

        for query in ("IMG_1.DNG", "folder:photos img_1.dng", "tree | IMG_1.DNG"):
            assert first(query) == ["IMG_1.DNG"]
        assert album.library.search("IMG_1.DNG").results[0].companions == ("RAW",)
        assert first("IMG_1") == first("IMG_1.JPG") == ["IMG_1.JPG"]
        assert first("sent") == first("folder:old sent") == ["old/sent.jpg"]
        assert first("town.jpg") == ["town.jpg"]
        assert first("folder:old town.jpg") == ["old/town.jpg"]
        by_folder = album.library.search("sent", order="folder").results
        assert [each.path.name for each in by_folder] == ["IMG_1.JPG", "z.jpg", "sent.jpg"]

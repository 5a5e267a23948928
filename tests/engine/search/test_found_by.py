"""A photo whose file is called what is typed leads the answer, whatever it shows, and nothing else is moved by names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from picsight_engine.library import Library
from picsight_engine.models.calibration import Calibration

PHOTOS = 60
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


def test_the_photo_that_is_called_so_leads_and_the_others_keep_their_order(album, called):
    results = album.library.search("car", limit=100).results
    assert [result.found_by for result in results] == ["name"] + ["meaning"] * (len(results) - 1)
    assert results[0].id == called["car.jpg"]
    rest = [result.score for result in results[1:]]
    assert rest == sorted(rest, reverse=True)
    assert results[0].score == pytest.approx(album.library.explain("car", results[0].id)[0].score, abs=1e-6)
    assert len({result.id for result in results}) == len(results) == PHOTOS + 3  # one has no vector


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("car", "car.jpg"),
        ("CAR.JPG", "car.jpg"),
        ("dog | car", "car.jpg"),
        ("car -tree", "car.jpg"),
        ("a | b", "a | b.jpg"),
        ("boat", "boat.png"),
        ("IMG 2012-01-01 x", "IMG 2012-01-01 x.jpg"),
        ("2012", "2012.jpg"),
    ],
)
def test_a_name_is_what_the_query_says_or_one_of_its_alternatives(album, called, query, name):
    assert led(album, query) == [called[name]]
    assert album.found(query, limit=1) == [called[name]]


@pytest.mark.parametrize("query", ["oscar car", "ca", "cars", "car like:#1", "-car tree", "car in:2012"])
def test_nothing_leads_by_a_part_of_its_name_nor_against_a_fact(album, called, query):
    assert led(album, query) == []


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

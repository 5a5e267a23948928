"""Filtered by meaning and sorted by date or folder, an answer holds exactly the photos that match."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engine.search.conftest import open_album

from picsight_engine.bundles.calibration import Calibration
from picsight_engine.bundles.commonness import commonness
from picsight_engine.library import Library

PHOTOS = 700  # more than are looked at first
CUTS = Calibration(
    answered=0.04, strong=0.04, possible=0.0, gap=0.0, span=0.2, growth=0.0, growth_below=0.0, common=0.0
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory, bundle):
    """Seven hundred photos of which half match, seen through a model of these cuts."""
    folder = tmp_path_factory.mktemp("orders")
    calibrated = replace(bundle, manifest=replace(bundle.manifest, calibration=CUTS))
    with open_album(folder, bundle) as album:
        for number in range(1, PHOTOS + 1):
            taken = None if number % 7 == 0 else f"{2000 + number * 37 % 20}-01-{number % 28 + 1:02}T00:00:00"
            album.put(b"%d/%d.jpg" % (number * 31 % 10, number), number, taken=taken)
        with Library.open(folder / "library", calibrated, create=False) as library:
            yield library


def newest_first(library, results):
    order = [photo.id for photo in library.all_photos().results]
    return sorted(results, key=lambda result: order.index(result.id))


@pytest.mark.parametrize("least", ["strong", "weaker"])
def test_the_order_by_date_holds_exactly_the_photos_that_match(judged, least):
    everything = judged.search("dog", limit=PHOTOS).results
    matching = [result for result in everything if result.match in {"strong", least}]
    assert 20 < len(matching) < PHOTOS
    answer = judged.search("dog", limit=PHOTOS, order="date", least=least)
    assert list(answer.results) == newest_first(judged, matching)
    assert judged.search("dog", limit=20, order="date", least=least).results == answer.results[:20]


def test_by_folder_photos_come_by_their_paths(judged):
    everything = judged.search("dog", limit=PHOTOS, least="weaker").results
    assert len(everything) > 512  # more than are looked at first
    by_path = sorted(everything, key=lambda result: (result.path.parent, result.path.name))
    assert list(judged.search("dog", limit=PHOTOS, order="folder", least="weaker").results) == by_path


def test_photos_that_facts_alone_choose_are_read_once(judged):
    statements = []
    with judged._db.reading() as connection:
        connection.set_trace_callback(statements.append)
        answer = judged.search("2000..2030", limit=PHOTOS, order="date")
        connection.set_trace_callback(None)
    assert len(answer.results) == 600
    assert list(answer.results) == newest_first(judged, answer.results)
    assert sum("folders.path" in statement for statement in statements) == 1


def test_where_all_are_wanted_the_best_are_put_in_order(judged):
    best = judged.search("dog", limit=20).results
    assert list(judged.search("dog", limit=20, order="date").results) == newest_first(judged, best)


@pytest.mark.parametrize("order", ["date", "folder"])
def test_photos_found_by_name_are_sorted_before_the_limit_applies(judged, order):
    everything = judged.search("7", limit=PHOTOS, order=order, least="weaker").results
    assert sum(result.found_by == "name" and result.match == "none" for result in everything) > 10
    for limit in (5, 20, 40):
        assert judged.search("7", limit=limit, order=order, least="weaker").results == everything[:limit]
    best = judged.search("7", limit=5).results
    assert {result.id for result in judged.search("7", limit=5, order=order).results} == {
        result.id for result in best
    }


def test_least_leaves_out_what_matches_less(judged):
    best = judged.search("dog", limit=PHOTOS).results
    for least, kept in (
        ("strong", {"strong"}),
        ("weaker", {"strong", "weaker"}),
        ("all", {"strong", "weaker", "none"}),
    ):
        found = judged.search("dog", limit=PHOTOS, least=least).results
        assert found == tuple(result for result in best if result.match in kept)
        assert judged.search("dog", limit=9, least=least).results == found[:9]


def test_facts_alone_come_newest_first_or_by_folder(judged):
    found = judged.search("in:2005..2010", limit=PHOTOS).results
    assert list(found) == newest_first(judged, found)
    assert judged.search("in:2005..2010", limit=5).results == found[:5]
    by_folder = judged.search("in:2005..2010", limit=PHOTOS, order="folder").results
    assert [result.path for result in by_folder] == sorted(result.path for result in found)


def test_photos_that_pass_a_filter_are_judged_as_a_library_of_their_number(judged, bundle):
    grown = replace(bundle, manifest=replace(bundle.manifest, calibration=replace(CUTS, growth_below=0.02)))
    with Library.open(judged.folder, grown, create=False) as library:
        answer = library.search("dog in:2005", limit=PHOTOS, explain=True)
        scores = [result.terms[0].score for result in answer.results]
        assert 0 < answer.photos < 100
        cuts = grown.manifest.calibration.matches(scores, answer.photos, commonness("dog"))
        assert [result.match for result in answer.results] == cuts

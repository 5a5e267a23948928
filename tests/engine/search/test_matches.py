"""A match is judged by the whole library, whatever part of the answer a caller wants."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from picsight_engine.bundles.calibration import Calibration, Likeness
from picsight_engine.bundles.commonness import commonness
from picsight_engine.language.query import Picture
from picsight_engine.library import Library

CUTS = Calibration(
    answered=0.38, strong=0.34, possible=0.3, gap=0.05, span=0.15, growth=0.01, growth_below=0.01, common=0.02
)
PHOTOS = 48
WORDS = ("dog", "snow", "a child in a jacket on a swing", "typewriter")


@pytest.fixture(scope="module")
def opened(indexed, bundle):
    """Opens the library with a model of these cuts."""
    libraries = []

    def open_with(calibration):
        manifest = replace(bundle.manifest, likeness=None, calibration=calibration)
        libraries.append(Library.open(indexed, replace(bundle, manifest=manifest), create=False))
        return libraries[-1]

    yield open_with
    for library in libraries:
        library.close()


@pytest.fixture(scope="module")
def judging(opened):
    return opened(CUTS)


def matches(answer):
    return [result.match for result in answer.results]


def judged(answer):
    return [max(term.score for term in result.terms) for result in answer.results]


@pytest.mark.parametrize("words", WORDS)
def test_a_part_of_an_answer_is_judged_as_the_whole_library(judging, words):
    whole = judging.search(words, limit=PHOTOS, explain=True)
    assert matches(whole) == CUTS.matches(judged(whole), PHOTOS, commonness(words))
    whole = judging.search(words, limit=PHOTOS)
    for limit in (1, 3, 20):
        assert judging.search(words, limit=limit).results == whole.results[:limit]


def test_alternatives_are_judged_as_the_commonest_is_in_a_larger_library(judging):
    alternatives = judging.search("snow | dog | beach", limit=PHOTOS, explain=True)
    assert matches(alternatives) == CUTS.matches(judged(alternatives), 3 * PHOTOS, commonness("dog"))


def test_a_photo_that_strongly_shows_what_is_unwanted_is_no_strong_match_and_no_other_changes(judging):
    plain, less = (
        judging.search(query, limit=PHOTOS, explain=True).results for query in ("coffee", "coffee -cup")
    )
    cut = CUTS.strong + CUTS.rise(PHOTOS, commonness("cup"))
    cups = {result.id for result in less if result.terms[1].score >= cut}
    before = {result.id: result.match for result in plain}
    assert {before[photo] for photo in cups} >= {"strong"}
    assert {result.id: result.match for result in less} == before | {
        photo: "weaker" for photo in cups if before[photo] == "strong"
    }
    assert [result.score for result in less] != [result.score for result in plain]


def test_without_is_less_of_something_and_the_answer_says_so(judging):
    typed, meant = (judging.search(query, limit=PHOTOS) for query in ("dog without snow", "dog -snow"))
    assert typed.results == meant.results
    (less,) = typed.filters
    assert (typed.part(less), str(less.words), less.recognised) == ("without snow", "Less snow", True)
    judging.languages = ("de",)
    german = judging.search("Hund ohne Schnee", limit=PHOTOS)
    judging.languages = ()
    assert (german.results, german.part(german.filters[0])) == (meant.results, "ohne Schnee")
    assert judging.explain("dog without snow", 1) == judging.explain("dog -snow", 1)


def test_nothing_matches_strongly_if_a_search_says_only_what_is_absent(judging):
    found = judging.search("photos without snow", limit=PHOTOS, explain=True).results
    assert {result.match for result in found} == {"weaker"}
    assert found[0].terms[1].score < found[-1].terms[1].score


def test_names_do_not_find_photos_for_a_search_that_says_only_what_is_absent(indexed, bundle, tmp_path):
    folder = Path(shutil.copytree(indexed, tmp_path / "library"))
    with Library.open(folder, bundle, create=False) as library:
        last = library.search("photos without snow", limit=PHOTOS, least="all").results[-1]
        library.tags.new("photos")
        library.tags.decide("photos", [last.id], "accepted")
        typed, meant = (
            library.search(query, limit=PHOTOS, least="all").results
            for query in ("photos -snow", "photos without snow")
        )
    assert typed == meant
    assert typed[-1].id == last.id


def test_a_photo_strongly_like_an_unwanted_picture_is_no_strong_match(indexed, bundle):
    only_itself = replace(bundle.manifest, likeness=Likeness(strong=0.99, weaker=0.98))
    with Library.open(indexed, replace(bundle, manifest=only_itself), create=False) as library:
        (first, *others) = library.search("cat", limit=PHOTOS).results
        copy = Picture(f"#{first.id}", 0, 0)
        matches = {each.id: each.match for each in library.search(f"cat -{copy}", limit=PHOTOS).results}
    assert first.match == "strong"
    assert matches.get(first.id, "none") != "strong"
    assert "strong" in {matches.get(each.id) for each in others if each.match == "strong"}


def test_photos_like_a_photo_have_no_match(judging, captions):
    assert set(matches(judging.similar(next(iter(captions)), limit=5))) == {None}


def test_nothing_matches_where_nothing_scores_high_enough(opened):
    high = replace(CUTS, answered=1, strong=1, possible=1, common=0)
    assert set(matches(opened(high).search("dog", limit=PHOTOS))) == {"none"}
    assert opened(high).search("dog", limit=0).results == ()

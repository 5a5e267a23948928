"""Why a photo matched: each part of a query has its own score, which is a cosine with that photo."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from picsight_engine.runtime.text_embedder import TextEmbedder
from picsight_engine.store.derived.vectors import vector_of
from picsight_engine.store.opening import open_database


@pytest.fixture(scope="module")
def cosine(indexed, bundle):
    """The product of a photo with the vector by which a text judges it, in float64."""
    embedder = TextEmbedder(bundle)
    db = open_database(indexed, create=False)
    term = cache(lambda text: bundle.manifest.calibration.centred(embedder.embed_term(text)))
    ranking = cache(embedder.embed_ranking)
    yield lambda photo, text, vector="judging": float(
        vector_of(db, photo, bundle.manifest.space_id).astype(np.float64)
        @ (ranking if vector == "ranking" else term)(text)
    )
    db.close()


def test_every_part_of_a_query_has_a_score(library, cosine):
    answer = library.search("a dog in snow | beach -people like:#3 is:square", limit=4, explain=True)
    for result in answer.results:
        scores = {term.text: term.score for term in result.terms}
        assert list(scores) == ["a dog in snow", "beach", "like:#3", "-people"]
        for name in ("a dog in snow", "beach", "-people"):
            assert scores[name] == pytest.approx(cosine(result.id, name.removeprefix("-")), abs=1e-5)


def test_a_single_term_is_explained_by_the_score_that_judges_it(library, cosine):
    for result in library.search("dog in the snow", limit=5, explain=True).results:
        (term,) = result.terms
        expected = cosine(result.id, "dog in the snow")
        assert (term.text, term.score) == ("dog in the snow", pytest.approx(expected, abs=1e-6))


def test_a_weighted_word_is_listed_beside_its_term(library, cosine):
    (result,) = library.search("dog^3 beach", limit=1, explain=True).results
    whole, word = result.terms
    assert (whole.text, word.text) == ("dog^3 beach", "dog")
    assert word.score == pytest.approx(cosine(result.id, "dog"), abs=1e-5)


def test_facts_and_unknown_photos_have_no_explanation(library):
    assert library.explain("is:square", 1) == ()
    assert library.explain("dog", 10**6) == ()
    assert [result.terms for result in library.search("is:square", limit=1, explain=True).results] == [()]
    assert library.search("dog", limit=1).results[0].terms is None


@pytest.mark.parametrize("word", ["astronaut", "dog"])
def test_a_larger_weight_brings_more_of_its_word_and_a_smaller_one_less(library, cosine, word):
    shares = []
    for weight in ("0.2", "1", "2", "5"):
        found = library.search(f"outdoors {word}^{weight}", limit=48).results
        results = sorted(found, key=lambda result: -result.score)[:10]
        shares.append(np.mean([cosine(result.id, word, "ranking") for result in results]))
    assert shares == sorted(shares)
    assert shares[0] < shares[1] < shares[-1]


def test_a_weight_of_one_and_a_weight_on_everything_change_nothing(library):
    plain = [result.id for result in library.search("dog", limit=48).results]
    assert [result.id for result in library.search("dog^4", limit=48).results] == plain
    assert library.search("big dog^1", limit=9).results == library.search("big dog", limit=9).results

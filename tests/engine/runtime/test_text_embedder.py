"""Search terms and captions become vectors; short terms gain by templates."""

from __future__ import annotations

import numpy as np
import pytest

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.errors import BundleError
from picsight_engine.runtime.text_embedder import TextEmbedder


@pytest.fixture
def embedder(make_bundle):
    return TextEmbedder(make_bundle())


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("term", ["the red dog", "  dog "])
def test_up_to_three_words_are_the_mean_over_the_templates(embedder, term):
    phrases = [f"a photo of {term.strip()}", f"the {term.strip()}"]
    expected = unit(embedder.embed_texts(phrases).mean(axis=0))
    vector = embedder.embed_term(term)
    np.testing.assert_allclose(vector, expected, atol=1e-6)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_longer_text_is_taken_as_typed(embedder):
    np.testing.assert_allclose(
        embedder.embed_term("a dog of the sea"), embedder.embed_texts(["a dog of the sea"])[0], atol=1e-6
    )


def test_a_bundle_without_templates_takes_every_term_as_typed(make_bundle):
    embedder = TextEmbedder(make_bundle(text={"templates": ()}))
    np.testing.assert_allclose(embedder.embed_term("dog"), embedder.embed_texts(["dog"])[0], atol=1e-6)


@pytest.mark.parametrize("ranked_by", ["words", "templates"])
def test_the_manifest_says_whether_templates_rank_and_they_always_judge(make_bundle, ranked_by):
    templates = ("a photo of {}", "{}")
    embedder = TextEmbedder(make_bundle(text={"templates": templates, "ranked_by": ranked_by}))
    typed, phrase = embedder.embed_texts(["red dog", "a photo of red dog"])
    ranking = embedder.embed_ranking("red dog")
    judging = embedder.embed_judging("red dog", ranking)
    np.testing.assert_allclose(judging, unit(typed + phrase), atol=1e-6)
    np.testing.assert_allclose(ranking, typed if ranked_by == "words" else judging, atol=1e-6)


def test_many_texts_come_back_in_their_order(embedder):
    texts = ["dog", "a photo of the red sea", "sea", "red", "a dog"] * 20
    vectors = embedder.embed_texts(texts)
    assert vectors.shape == (100, 4)
    alone = np.stack([embedder.embed_texts([text])[0] for text in texts[:5]])
    np.testing.assert_allclose(vectors, np.tile(alone, (20, 1)), atol=1e-6)


def test_a_text_of_an_int8_tower_does_not_depend_on_its_neighbours(starter):
    embedder = TextEmbedder(open_bundle(starter))
    texts = ["a photo of a dog.", "a photo of the sea.", "a good photo of a car.", "two men on a boat"]
    alone = np.concatenate([embedder.embed_texts([text]) for text in texts])
    np.testing.assert_array_equal(embedder.embed_texts(texts), alone)


def test_a_bundle_without_words_is_refused(make_bundle):
    with pytest.raises(BundleError, match="has no text tower"):
        TextEmbedder(make_bundle(without=["text"]))

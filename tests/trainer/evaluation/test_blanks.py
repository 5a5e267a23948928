"""Blanks among the first results are counted; fewer are better."""

from __future__ import annotations

import numpy as np
import pytest

from mctrain.evaluation.evaluated_model import EvaluatedModel, Gallery
from mctrain.evaluation.measure import ranking_vectors
from mctrain.evaluation.retrieval import blank_outcomes
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.photos.colours import NAMES
from picsight_engine.runtime.text_embedder import TextEmbedder

KINDS = ["black", "grey", "black", "grey", "smear"]


def unit(draw, count, dim=8):
    rows = draw.normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def shares(outcomes):
    return {outcome.figure: outcome.percent() for outcome in outcomes}


def test_figures_are_those_of_counting_down_each_list():
    draw = np.random.default_rng(5)
    photos, blanks, texts = unit(draw, 90), unit(draw, 5), unit(draw, 61)
    with_one, of_all, behind = 0, 0, []
    of_kind = dict.fromkeys(KINDS, 0)
    for text in texts:
        ranked = sorted(
            [(-photo @ text, "") for photo in photos]
            + [(-blank @ text, kind) for blank, kind in zip(blanks, KINDS, strict=True)]
        )
        first = [kind for _, kind in ranked[:20] if kind]
        with_one += bool(first)
        of_all += len(first)
        for kind in set(first):
            of_kind[kind] += 1
        behind.append(90 - next(place for place, (_, kind) in enumerate(ranked) if kind))
    percents = shares(blank_outcomes(photos, blanks, texts, np.arange(61), KINDS))
    assert percents == pytest.approx(
        {
            "a blank in the first 20": 100 * with_one / 61,
            "blanks of the first 20": 100 * of_all / 61 / 20,
            "photos after the first blank, median": 100 * np.median(behind) / 90,
            **{f"of kind {kind}": 100 * count / 61 for kind, count in of_kind.items()},
        }
    )
    assert 0 < with_one < 61


class Seen:
    """A model of two dimensions: the second one is how blank a photo is, and "grey" asks for it; colours cost 0.02."""

    def searches(self, texts):
        return np.array([[1.0, 0.2]] * len(texts), np.float32)

    def losses(self, photos):
        return np.maximum(photos[:, 1] - np.float32(0.5), 0)

    def asking(self, texts):
        return np.array([text == "grey" for text in texts])

    def colour_weights(self, texts):
        return np.array([[0.02 * (text == name) for name in NAMES] for text in texts], np.float32)


def shown(vectors, codes=None):
    return Gallery((), (), (), np.array(vectors, np.float32), codes)


def test_a_blank_loses_points_in_searches_that_do_not_ask_for_blanks():
    texts, photos, blanks = ranking_vectors(
        Seen(), ["dog", "grey"], shown([[0.9, 0.1], [0.2, 0.6]]), shown([[0.8, 1.0]])
    )
    assert texts @ photos.T == pytest.approx(np.array([[0.92, 0.32 - 0.1], [0.92, 0.32]]))
    assert texts @ blanks.T == pytest.approx(np.array([[1.0 - 0.5], [1.0]]))


def test_a_photo_loses_points_for_an_unlikely_colour():
    codes = np.full((2, len(NAMES)), 97, np.uint8)  # three nats
    codes[0, NAMES.index("red")] = 33  # one
    words, photos = ranking_vectors(Seen(), ["red", "dog"], shown([[0.9, 0.1]] * 2, codes))
    red, dog = words @ photos.T
    assert red[0] - red[1] == pytest.approx(2 * 0.02)
    assert dog[0] == pytest.approx(dog[1])


def test_the_starter_loses_points_as_in_the_application(starter):
    """One or two words are judged in their templates, as in a search."""
    model = EvaluatedModel(BundleTeacher(starter), lambda *_: None)
    known, embedder = open_bundle(starter).manifest.blankness, TextEmbedder(open_bundle(starter), threads=1)
    words = ["black picture", "dog", "dark", "plain red", "too dark", "dog"]
    wanted = [bool(known.asking(embedder.embed_term(word)[None])[0]) for word in words]
    assert model.asking(words).tolist() == wanted
    assert {True, False} == set(wanted)
    photos = unit(np.random.default_rng(8), 3, known.axis().size)
    photos[0] = known.axis() / np.linalg.norm(known.axis())
    expected = [max(0, known.weight * (float(photo @ known.axis()) - known.cut)) for photo in photos]
    assert model.losses(photos) == pytest.approx(expected, rel=1e-4)
    assert expected[0] > 0

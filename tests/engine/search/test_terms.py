"""Terms become directions: embedded once each, turned away from what is unwanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from picsight_engine.bundles.bundle import IMAGE_GRAPH, write_bundle
from picsight_engine.errors import BundleError
from picsight_engine.language.query import parse
from picsight_engine.search.directions import Terms, aim_of, less_of


@pytest.fixture(scope="module")
def terms(bundle):
    return Terms(bundle)


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def test_less_of_something_subtracts_half_of_it_and_renormalises():
    random = np.random.default_rng(3)
    wanted, less = unit(random.normal(size=(3, 64))), unit(random.normal(size=(2, 64)))
    expected = unit(wanted - 0.5 * less[0] - 0.5 * less[1])
    assert np.abs(less_of(wanted.astype(np.float32), less.astype(np.float32)) - expected).max() < 1e-6


def test_taking_a_thing_away_from_itself_leaves_it_as_it_was():
    row = unit(np.ones((1, 8))).astype(np.float32)
    assert np.array_equal(less_of(row, np.repeat(row, 2, axis=0)), row)


def test_every_alternative_is_one_unit_direction(terms):
    aim = aim_of(parse("a dog in the snow | cat^3 tree -indoor^2"), terms, {})
    directions = aim.directions(lambda rows: np.ones(len(rows), np.float32))
    assert directions.shape == (2, terms.bundle.manifest.dim)
    assert directions.dtype == np.float32
    assert np.abs(np.linalg.norm(directions, axis=1) - 1).max() < 1e-5


def test_a_term_is_embedded_once(terms):
    assert terms.vector("red kite") is terms.vector("red kite")


def test_only_the_latest_terms_are_remembered_and_forgotten_ones_come_back_the_same(bundle):
    terms = Terms(bundle, remembered=2)
    first, second = terms.vector("first"), terms.vector("second")
    assert terms.vector("first") is first
    terms.vector("third")  # "second" was used longest ago
    assert terms.vector("first") is first
    again = terms.vector("second")
    assert again is not second
    assert np.array_equal(again, second)


@pytest.mark.parametrize("text", ["x" * 100_000, "word " * 20_000, "\u200d\ufffe", "[SEP] [CLS]", "🦄" * 500])
def test_any_text_gives_a_finite_unit_vector(terms, text):
    assert np.linalg.norm(terms.vector(text)) == pytest.approx(1, abs=1e-5)


def test_a_bundle_without_a_text_tower_says_so(bundle, tmp_path):
    image = bundle.folder / IMAGE_GRAPH
    one_tower = write_bundle(tmp_path / "one", replace(bundle.manifest, text=None), {IMAGE_GRAPH: image})
    with pytest.raises(BundleError, match="has no text tower"):
        Terms(one_tower).load()

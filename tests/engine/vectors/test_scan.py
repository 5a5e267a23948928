"""The scan against a brute-force search in float64."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from picsight_engine.vectors.int8 import quantize
from picsight_engine.vectors.matrix import Rows
from picsight_engine.vectors.scan import best_rows, scan, term_scores


def rows_of(vectors, ids=None, hidden=None, parts=None):
    originals = vectors.astype(np.float16)
    codes, scales = quantize(originals)
    ids = np.arange(1, len(vectors) + 1) if ids is None else np.asarray(ids)
    return Rows(ids.astype(np.int64), scales, codes, originals, hidden, parts=parts)


def brute(rows, queries, k, shown=None, losses=None):
    """The best k ids, each once, and scores in float64, ties by id; `shown` restricts the rows, `losses` are taken off."""
    scores = (rows.originals.astype(np.float64) @ queries.astype(np.float64).T).max(axis=1).astype(np.float32)
    if losses is not None:
        scores -= losses
    positions = np.arange(len(scores)) if shown is None else np.flatnonzero(shown)
    order = positions[np.lexsort((rows.ids[positions], -scores[positions]))]
    order = order[np.sort(np.unique(rows.ids[order], return_index=True)[1])][:k]
    return rows.ids[order].tolist(), scores[order].tolist()


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def check_equal(found, expected):
    assert found[0].tolist() == expected[0]
    assert found[1].tolist() == expected[1]


def queries_for(vectors, seed, count):
    rng = np.random.default_rng(seed)
    return unit(
        vectors[rng.integers(0, len(vectors), count)] + 0.5 * rng.normal(size=(count, vectors.shape[1]))
    )


def recall(matrix, queries):
    hits = [
        len(set(scan(matrix, query[None], 20)[0].tolist()) & set(brute(matrix, query[None], 20)[0]))
        for query in queries
    ]
    return sum(hits) / (20 * len(queries))


def test_recall_on_clustered_vectors_is_that_of_float64(make_vectors):
    vectors = make_vectors(3, 8_000, 512)
    assert recall(rows_of(vectors), queries_for(vectors, 4, 30)) >= 0.999


def test_recall_on_vectors_like_a_text_towers_is_that_of_float64(make_vectors):
    """Photos share a large common part, a few numbers are huge, and all scores lie close together."""
    rng = np.random.default_rng(5)
    vectors = make_vectors(5, 8_000, 512) * 0.5
    common = rng.normal(size=512) / np.sqrt(512)
    common[[7, 133]] = [3.0, -2.0]
    vectors = unit(vectors + common)
    text = unit(rng.normal(size=(30, 512)) + 4 * vectors[rng.integers(0, len(vectors), 30)] - 3 * common)
    assert recall(rows_of(vectors), text) >= 0.999


def test_equal_scores_keep_the_order_of_ids_lowest_first():
    rng = np.random.default_rng(7)
    same = unit(rng.normal(size=64))
    vectors = unit(rng.normal(size=(2000, 64)))
    places = rng.choice(2000, 300, replace=False)
    vectors[places] = same
    ids = rng.permutation(2000) + 1
    found, scores, _ = scan(rows_of(vectors, ids), same[None], 50)
    assert found.tolist() == sorted(ids[places].tolist())[:50]
    assert len(set(scores.tolist())) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**20),
    count=st.integers(0, 1500),
    dim=st.sampled_from([1, 3, 8, 64, 100]),
    terms=st.integers(1, 4),
    k=st.integers(0, 1600),
    masks=st.sampled_from(["none", "hidden", "allowed", "both", "nothing"]),
    losing=st.sampled_from([0, 0.1, 0.8]),
    most=st.sampled_from([1, 2, 40]),
)
def test_any_search_equals_brute_force(seed, count, dim, terms, k, masks, losing, most):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(count, dim)) + rng.normal(size=dim))
    queries = unit(rng.normal(size=(terms, dim)))
    hidden = rng.random(count) < 0.3 if masks in ("hidden", "both") else None
    allowed = rng.random(count) < 0.4 if masks in ("allowed", "both") else None
    if masks == "nothing":
        allowed = np.zeros(count, dtype=bool)
    shown = np.ones(count, dtype=bool) if hidden is None else ~hidden
    if allowed is not None:
        shown &= allowed
    ids = rng.permutation(count) // most + 1  # up to so many rows a photo
    matrix = rows_of(vectors, ids, hidden, None if most == 1 else rng.integers(0, most, count))
    losses = (rng.random(count) * (rng.random(count) < losing)).astype(np.float32) if losing else None
    *found, rows = scan(matrix, queries, k, allowed, losses)
    check_equal(found, brute(matrix, queries, k, shown, losses))
    assert ids[rows].tolist() == found[0].tolist()
    if masks == "none":
        assert best_rows(matrix, queries, found[0], losses).tolist() == rows.tolist()


def test_alternatives_score_by_their_best_term(make_vectors):
    vectors = make_vectors(8, 3000)
    matrix = rows_of(vectors)
    queries = queries_for(vectors, 9, 3)
    ids, scores, rows = scan(matrix, queries, 30)
    check_equal((ids, scores), brute(matrix, queries, 30))
    each = term_scores(matrix, queries, rows)
    assert each.shape == (30, 3)
    assert each.max(axis=1).tolist() == scores.tolist()


def test_a_stranger_has_no_term_scores(make_vectors):
    vectors = make_vectors(8, 50)
    matrix = rows_of(vectors)
    rows = best_rows(matrix, vectors[:2], np.array([7, 9999]))
    scores = term_scores(matrix, vectors[:2], rows)
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()
    assert best_rows(rows_of(vectors[:0]), vectors[:2], np.array([1])).tolist() == [-1]


def test_a_damaged_vector_does_not_disturb_the_others(make_vectors):
    vectors = make_vectors(12, 3000)
    query = vectors[100]
    expected = scan(rows_of(vectors), query[None], 10)[0]
    vectors[7] = np.nan
    assert scan(rows_of(vectors), query[None], 10)[0].tolist() == expected.tolist()


def test_a_row_deleted_meanwhile_is_left_out(make_vectors):
    vectors = make_vectors(13, 1000)
    ids = np.arange(1, 1001)
    best = scan(rows_of(vectors), vectors[0][None], 3)[0]
    ids[best[0] - 1] = 0
    assert scan(rows_of(vectors, ids), vectors[0][None], 3)[0].tolist() == best[1:].tolist()

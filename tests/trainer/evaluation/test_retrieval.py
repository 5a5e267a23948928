"""Recall counts what a person would count."""

from __future__ import annotations

import numpy as np
import torch
from clip_benchmark.metrics.zeroshot_retrieval import recall_at_k

from mctrain.evaluation.retrieval import finding, retrieval, right_photos, searching


def unit(draw, count):
    rows = draw.normal(size=(count, 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def shares(outcomes):
    return {own.figure: own.percent() for own in outcomes}


def test_recall_of_uneven_captions_is_clip_benchmarks_on_the_same_embeddings():
    draw = np.random.default_rng(7)
    photos = unit(draw, 200)
    owner = draw.permutation(
        np.concatenate([np.arange(200), draw.integers(0, 200, 900)])
    )  # two blocks of questions
    texts = unit(draw, len(owner)) + photos[owner] * 0.7
    told = shares(retrieval(photos, texts, owner))
    scores = torch.from_numpy(texts) @ torch.from_numpy(photos).T
    positive = torch.from_numpy(owner[:, None] == np.arange(200))
    for k in (1, 5, 10):
        forth = (recall_at_k(scores, positive, k) > 0).float().mean()
        back = (recall_at_k(scores.T, positive.T, k) > 0).float().mean()
        assert abs(told[f"text to image at {k}"] - 100 * forth) < 1e-3
        assert abs(told[f"image to text at {k}"] - 100 * back) < 1e-3
    assert abs(told["mean at 1"] - (told["text to image at 1"] + told["image to text at 1"]) / 2) < 1e-9


def test_a_tower_that_says_the_same_of_everything_finds_nothing():
    same = np.ones((20, 4), np.float32) / 2
    assert set(shares(retrieval(same, same, np.arange(20))).values()) == {0}


def test_a_tower_that_gives_no_numbers_finds_nothing():
    vectors = unit(np.random.default_rng(3), 20)
    broken = np.full_like(vectors, np.nan)
    for photos, texts in ((broken, vectors), (vectors, broken), (broken, broken)):
        assert set(shares(retrieval(photos, texts, np.arange(20))).values()) == {0}
    broken = vectors.copy()
    broken[0] = np.nan  # one photo that overflows may be any text's
    told = shares(retrieval(broken, vectors, np.arange(20)))
    assert (told["text to image at 1"], told["text to image at 5"]) == (0, 95)


GALLERY = [
    ["dog", "brown dog", "dog on a beach"],
    ["beach dog on a leash", "Dog"],
    ["dogs", "a hot dog"],
    ["beach"],
]


def test_right_are_the_photo_itself_and_those_with_a_query_that_holds_all_words():
    right = right_photos(GALLERY)
    queries = [query for own in GALLERY for query in own]
    answers = {
        query: [int(photo) for photo in np.flatnonzero(row)]
        for query, row in zip(queries, right, strict=True)
    }
    assert answers == {
        "dog": [0, 1, 2],
        "brown dog": [0],
        "dog on a beach": [0, 1],
        "beach dog on a leash": [1],
        "Dog": [0, 1, 2],
        "dogs": [2],
        "a hot dog": [2],
        "beach": [0, 1, 3],
    }


def test_a_search_is_answered_by_the_first_right_photo_and_equal_scores_count_against_it():
    photos = np.eye(4, dtype=np.float32)
    texts = np.array([[0.9, 0.4, 0.1, 0.0], [0.5, 0.5, 0.0, 0.7], [0.5, 0.5, 0.5, 0.5]], np.float32)
    right = np.array([[False, True, True, False], [True, False, False, True], [False, False, False, True]])
    (first,) = searching(photos, texts, np.arange(3), right)
    assert list(first.right) == [False, True, False]


def test_a_depth_that_every_model_would_reach_is_left_out():
    vectors = unit(np.random.default_rng(9), 20)
    owner = np.repeat(np.arange(5), 4)
    told = shares(retrieval(vectors[:5], vectors, owner))
    assert list(told) == [
        "text to image at 1", "image to text at 1", "image to text at 5", "image to text at 10", "mean at 1",
    ]  # fmt: skip
    for photos, depths in ((5, [1]), (6, [1, 5]), (10, [1, 5]), (11, [1, 5, 10])):
        figures = [own.figure for own in finding(vectors[:photos], vectors[:photos], np.arange(photos))]
        assert figures == [f"text to image at {depth}" for depth in depths]
    right = np.eye(11, dtype=np.bool_)
    right[:, :3] = True  # so that eight at the most are wrong of each
    assert len(searching(vectors[:11], vectors[:11], np.arange(11), right)) == 2


def test_where_one_photo_is_right_searching_is_plain_recall():
    draw = np.random.default_rng(8)
    photos, owner = unit(draw, 40), np.repeat(np.arange(40), 2)
    texts = unit(draw, 80) + photos[owner] * 0.5
    found = shares(searching(photos, texts, owner, owner[:, None] == np.arange(40)))
    assert found.items() <= shares(retrieval(photos, texts, owner)).items()

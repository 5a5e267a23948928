"""Recall counts what a person would count."""

from __future__ import annotations

import numpy as np
import torch
from clip_benchmark.metrics.zeroshot_retrieval import recall_at_k

from mctrain.evaluation.retrieval import classification, retrieval, right_photos, searching


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


def test_of_two_classes_with_one_name_either_is_right():
    photos, classes = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[[2, 1, 0]]
    labels = np.array([0, 1, 2])
    (first,) = classification(photos, classes, ["missile", "sunglasses", "missile"], labels)
    assert first.right.all()
    (first,) = classification(photos, classes, ["a", "b", "c"], labels)
    assert list(first.right) == [False, True, False]


def test_a_model_that_says_the_same_of_every_class_knows_none():
    same = np.ones((10, 4), np.float32) / 2
    outcomes = classification(same, same, list("abcdefghij"), np.arange(10))
    assert [own.percent() for own in outcomes] == [0, 0]
    (first,) = classification(same[:5], same[:5], list("abcde"), np.arange(5))  # any is among five of five
    assert first.figure == "top-1"

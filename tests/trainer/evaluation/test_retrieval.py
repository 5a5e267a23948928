"""Recall, searches, classes and judgements are scored as by hand and by reference libraries."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from clip_benchmark.metrics.zeroshot_retrieval import recall_at_k
from sklearn.metrics import ndcg_score, precision_score

from mctrain.evaluation.measure import grades_of, read_judgements, relevance_outcomes
from mctrain.evaluation.retrieval import classification, retrieval, right_photos, search_recall


def unit(draw, count):
    rows = draw.normal(size=(count, 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def shares(outcomes):
    return {outcome.figure: outcome.percent() for outcome in outcomes}


def test_recall_of_uneven_captions_is_clip_benchmarks_on_the_same_embeddings():
    draw = np.random.default_rng(7)
    photos = unit(draw, 200)
    owner = draw.permutation(
        np.concatenate([np.arange(200), draw.integers(0, 200, 900)])
    )  # two blocks of questions
    texts = unit(draw, len(owner)) + photos[owner] * 0.7
    percents = shares(retrieval(photos, texts, owner))
    scores = torch.from_numpy(texts) @ torch.from_numpy(photos).T
    positive = torch.from_numpy(owner[:, None] == np.arange(200))
    for k in (1, 5, 10):
        forth = (recall_at_k(scores, positive, k) > 0).float().mean()
        back = (recall_at_k(scores.T, positive.T, k) > 0).float().mean()
        assert abs(percents[f"text to image at {k}"] - 100 * forth) < 1e-3
        assert abs(percents[f"image to text at {k}"] - 100 * back) < 1e-3
    assert (
        abs(percents["mean at 1"] - (percents["text to image at 1"] + percents["image to text at 1"]) / 2)
        < 1e-9
    )


def test_a_tower_with_one_vector_for_everything_finds_nothing():
    same = np.ones((20, 4), np.float32) / 2
    assert set(shares(retrieval(same, same, np.arange(20))).values()) == {0}


GALLERY = [
    ["dog", "brown dog", "dog on a beach"],
    ["beach dog on a leash", "Dog"],
    ["dogs", "a hot dog"],
    ["beach"],
]


def test_right_photos_have_a_query_with_all_words():
    right = right_photos(GALLERY)
    queries = [query for photo in GALLERY for query in photo]
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


def test_a_search_needs_a_right_photo_first_and_a_tie_is_wrong():
    photos = np.eye(4, dtype=np.float32)
    texts = np.array([[0.9, 0.4, 0.1, 0.0], [0.5, 0.5, 0.0, 0.7], [0.5, 0.5, 0.5, 0.5]], np.float32)
    right = np.array([[False, True, True, False], [True, False, False, True], [False, False, False, True]])
    (first,) = search_recall(photos, texts, np.arange(3), right)
    assert list(first.right) == [False, True, False]


def test_of_two_classes_with_one_name_either_is_right():
    photos, classes = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[[2, 1, 0]]
    labels = np.array([0, 1, 2])
    (first,) = classification(photos, classes, ["missile", "sunglasses", "missile"], labels)
    assert first.right.all()
    (first,) = classification(photos, classes, ["a", "b", "c"], labels)
    assert list(first.right) == [False, True, False]


def test_a_model_with_one_vector_for_every_class_knows_none():
    same = np.ones((10, 4), np.float32) / 2
    outcomes = classification(same, same, list("abcdefghij"), np.arange(10))
    assert [outcome.percent() for outcome in outcomes] == [0, 0]
    (first,) = classification(same[:5], same[:5], list("abcde"), np.arange(5))  # any is among five of five
    assert first.figure == "top-1"


def test_ndcg_and_precision_of_judged_photos_are_scikit_learns():
    draw = np.random.default_rng(5)
    scores = draw.permuted(np.tile(np.arange(60, dtype=np.float32), (40, 1)), axis=1)
    grades = draw.choice([-1, 0, 1, 2], (40, 60), p=[0.7, 0.15, 0.1, 0.05])
    grades[:, 0] = 1  # nDCG needs one
    ndcg, precision, judged = relevance_outcomes(scores, grades, np.arange(40))
    for row, (score, grade) in enumerate(zip(scores, grades, strict=True)):
        kept = grade >= 0
        rank = np.argsort(np.argsort(-score[kept]))
        assert np.isclose(ndcg.right[row], ndcg_score([grade[kept]], [score[kept]], k=10))
        assert np.isclose(precision.right[row], precision_score(grade[kept] == 2, rank < 10))
        assert np.isclose(judged.right[row], kept[score >= 50].mean())
    same, worst, _ = relevance_outcomes(np.ones((1, 12)), np.array([[2] * 2 + [0] * 10]), np.arange(1))
    assert same.percent() == worst.percent() == 0  # equal scores count against the model


def test_the_judgements_are_of_photos_of_everyday_dev_and_each_search_has_an_answer():
    judgements = read_judgements()
    assert len(judgements) == 200
    keys = sorted({key for grades in judgements.values() for key in grades})
    assert all(int(hashlib.sha256(key.encode()).hexdigest(), 16) % 20 == 0 for key in keys)
    texts = ["dog", *judgements, *judgements]
    rows, grades = grades_of(judgements, texts, [*keys, "another"])
    assert rows.tolist() == list(range(1, 201))
    assert {*grades.ravel()} == {-1, 0, 1, 2}
    assert not len(grades_of(judgements, texts, ["another"])[0])

"""Recall counts what a person would count."""

from __future__ import annotations

import numpy as np

from mctrain.evaluation.everyday import right_photos
from mctrain.evaluation.retrieval import recall_of_any, retrieval
from mctrain.evaluation.zero_shot import right_answers


def unit(draw, count):
    rows = draw.normal(size=(count, 8)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_recall_equals_a_count_by_sorting():
    draw = np.random.default_rng(7)
    photos, texts, owner = unit(draw, 30), unit(draw, 90), np.repeat(np.arange(30), 3)
    texts = texts + photos[owner] * 0.6
    forth, back = retrieval(photos, texts, owner)
    first = [list(np.argsort(-(photos @ text))) for text in texts]
    found = [list(np.argsort(-(texts @ photo))) for photo in photos]
    for depth, f, b in (
        (1, forth.at_1, back.at_1),
        (5, forth.at_5, back.at_5),
        (10, forth.at_10, back.at_10),
    ):
        expected = np.mean([owner[i] in first[i][:depth] for i in range(90)])
        assert abs(f - 100 * expected) < 0.01
        expected = np.mean([any(owner[j] == i for j in found[i][:depth]) for i in range(30)])
        assert abs(b - 100 * expected) < 0.01


def test_a_tower_that_says_the_same_of_everything_finds_nothing():
    same = np.ones((20, 4), np.float32) / 2
    forth, back = retrieval(same, same, np.arange(20))
    assert (forth.at_10, back.at_10) == (0, 0)


def test_of_two_classes_with_one_name_either_is_right():
    photos = np.eye(3, dtype=np.float32)
    names, classes = ["missile", "sunglasses", "missile"], np.eye(3, dtype=np.float32)[[2, 1, 0]]
    assert right_answers(photos, classes, names, np.array([0, 1, 2])).all()
    assert list(right_answers(photos, classes, ["a", "b", "c"], np.array([0, 1, 2]))) == [False, True, False]


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
    found = recall_of_any(photos, texts, right)
    assert (found.at_1, found.at_5, found.at_10) == (33.33, 100, 100)


def test_where_one_photo_is_right_recall_of_any_is_plain_recall():
    draw = np.random.default_rng(8)
    photos, owner = unit(draw, 40), np.repeat(np.arange(40), 2)
    texts = unit(draw, 80) + photos[owner] * 0.5
    right = owner[:, None] == np.arange(40)
    assert recall_of_any(photos, texts, right) == retrieval(photos, texts, owner)[0]

"""Recall counts what a person would count."""

from __future__ import annotations

import numpy as np

from mctrain.evaluation.retrieval import retrieval
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

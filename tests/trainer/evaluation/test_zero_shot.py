"""Zero-shot accuracy is CLIP_benchmark's, with ties against the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clip_benchmark.metrics.zeroshot_classification import run_classification, zero_shot_classifier
from sklearn.metrics import balanced_accuracy_score

from mctrain.evaluation.zero_shot import class_vectors, classification


def normal(rows):
    return rows / rows.norm(dim=-1, keepdim=True)


class Given:
    """A model as the package wants one, whose embeddings are there already."""

    def encode_image(self, vectors):
        return vectors

    encode_text = encode_image


def test_accuracy_and_the_mean_per_class_are_clip_benchmarks_on_the_same_embeddings():
    """The package's own `accuracy` stops at numpy 2.4, which makes no number of a list of one; its `topk` stands here."""
    draw = torch.Generator().manual_seed(5)
    names = list("abcdefghijkl")
    phrases = {
        template.format(c=name): torch.randn(6, generator=draw)
        for name in names
        for template in ("a {c}", "{c}!")
    }
    classifier = zero_shot_classifier(
        Given(),
        lambda texts: torch.stack([phrases[own] for own in texts]),
        names,
        ["a {c}", "{c}!"],
        "cpu",
        amp=False,
    )
    classes = class_vectors(
        lambda texts: normal(torch.stack([phrases[own] for own in texts])).numpy(), names, ["a {}", "{}!"]
    )
    assert np.allclose(classes, classifier.T, atol=1e-6)
    labels = torch.multinomial(
        torch.arange(1.0, 12.0), 500, replacement=True, generator=draw
    )  # none of the last
    photos = normal(normal(torch.randn(500, 6, generator=draw)) + 0.5 * classifier.T[labels])
    loader = [(photos[:300], labels[:300]), (photos[300:], labels[300:])]
    logits, target = run_classification(Given(), classifier, loader, "cpu", amp=False)
    outcomes = classification(photos.numpy(), classes, names, labels.numpy())
    told = {own.figure: own.percent() for own in outcomes}
    right = logits.topk(5, 1, True, True)[1] == target[:, None]
    assert abs(told["top-1"] - 100 * right[:, 0].float().mean()) < 1e-3
    assert abs(told["top-5"] - 100 * right.any(1).float().mean()) < 1e-3
    with pytest.warns(UserWarning, match="classes not in y_true"):
        balanced = balanced_accuracy_score(target, logits.argmax(1))
    assert abs(told["mean per class"] - 100 * balanced) < 1e-3


def test_a_name_is_embedded_in_every_template_and_averaged_before_and_after_a_unit_length():
    texts = {"an owl": [3, 0, 0], "owl!": [0, 4, 0], "an elk": [0, 0, 1], "elk!": [0, 0, 9]}
    vectors = class_vectors(
        lambda phrases: np.array([texts[own] for own in phrases], np.float32),
        ["owl", "elk"],
        ["an {}", "{}!"],
    )
    assert np.allclose(vectors, [[0.6, 0.8, 0], [0, 0, 1]])


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

"""Texts are embedded once per trunk and cached."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from mctrain.models.minilm import load_minilm
from mctrain.teachers.fit.text_vectors import TrunkVectors

TRUNK = "fc19484afdf65d94"  # the digest of the package's weights
TEXTS = ["a dog in the snow", "sunset", "a dog in the snow", "two people on a bench by the sea"]


@pytest.fixture
def empty(finished, cache, tmp_path):
    """A cache without texts, with the trunk's graph from the shared cache."""
    (graph,) = (path for path in cache.glob("minilm-*.onnx") if path.name == f"minilm-{TRUNK}.onnx")
    shutil.copy(graph, tmp_path)
    return tmp_path


def test_vectors_follow_the_order_of_texts_and_are_cached(empty):
    trunk, counts = load_minilm(), []
    vectors = TrunkVectors(trunk, empty).of(TEXTS, lambda count, _: counts.append(count))
    assert vectors.shape == (4, 384)
    assert np.array_equal(vectors[0], vectors[2])
    assert (counts[0], sum(counts)) == (0, 3)
    kept = sorted(empty.iterdir())
    assert len(kept) == 2
    again = TrunkVectors(trunk, empty).of(TEXTS[::-1], lambda count, _: counts.append(count))
    assert np.array_equal(again, vectors[::-1])
    assert counts[-1] == 3
    assert sorted(empty.iterdir()) == kept

"""Texts are read once a trunk, whoever asks, and by no teacher twice."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from mctrain.models.minilm import load_minilm
from mctrain.teachers.fit.text_vectors import Sentences

TRUNK = "fc19484afdf65d94"  # the digest of the package's weights
TEXTS = ["a dog in the snow", "sunset", "a dog in the snow", "two people on a bench by the sea"]


@pytest.fixture
def empty(finished, cache, tmp_path):
    """A cache that knows no text; its graph of the trunk is from that of other tests."""
    (graph,) = (own for own in cache.glob("minilm-*.onnx") if own.name == f"minilm-{TRUNK}.onnx")
    shutil.copy(graph, tmp_path)
    return tmp_path


def test_texts_come_in_their_order_and_the_next_reader_finds_them(empty):
    trunk, told = load_minilm(), []
    vectors = Sentences(trunk, empty).of(TEXTS, lambda count, _: told.append(count))
    assert vectors.shape == (4, 384)
    assert np.array_equal(vectors[0], vectors[2])
    assert (told[0], sum(told)) == (0, 3)
    kept = sorted(empty.iterdir())
    assert len(kept) == 2
    again = Sentences(trunk, empty).of(TEXTS[::-1], lambda count, _: told.append(count))
    assert np.array_equal(again, vectors[::-1])
    assert told[-1] == 3
    assert sorted(empty.iterdir()) == kept

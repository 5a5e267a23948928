"""Batches depend on seed and epoch alone, and cover all photos and texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mctrain.teachers.fit.corpus import Corpus, Ragged, batches


@pytest.fixture
def corpus():
    """Six photos in three views; photo 0 has no query, photo 5 no caption; texts 2 and 10 have a contrast."""
    return Corpus(
        shards=(),
        keys=tuple("abcdef"),
        rows=np.arange(6),
        factors=(1.0,),
        features=np.zeros((3, 6, 4), np.float16),
        logits=np.zeros((3, 6, 2), np.float16),
        texts=tuple(map(str, range(30))),
        vectors=np.zeros((30, 3), np.float16),
        captions=Ragged.from_lists([[0, 1], [2], [3], [4], [5], []]),
        queries=Ragged.from_lists([[], [10], [11], [12, 13], [14], [15]]),
        prompts=Ragged.from_lists([[20, 21], [22]]),
        contrasts=Ragged.from_lists({2: [25], 10: [3]}.get(text, []) for text in range(30)),
    )


@pytest.fixture
def table(tiny_recipe):
    return replace(tiny_recipe.training, batch=3, queries=0.5)


def test_a_pass_sees_every_photo_once_and_the_same_pass_is_the_same(corpus, table):
    first, again, other = (list(batches(corpus, np.arange(6), table, epoch)) for epoch in (0, 0, 1))
    assert sorted(np.concatenate([batch.photos for batch in first])) == list(range(6))
    assert all(np.array_equal(a.texts, b.texts) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a.photos, b.photos) for a, b in zip(first, other, strict=True))


def test_a_photo_gets_only_its_own_texts(corpus, table):
    texts_of = {0: {0, 1}, 1: {2, 10}, 2: {3, 11}, 3: {4, 12, 13}, 4: {5, 14}, 5: {15}}
    seen = {photo: set() for photo in texts_of}
    for epoch in range(40):
        for batch in batches(corpus, np.arange(6), table, epoch):
            for texts in batch.texts:
                for photo, text in zip(batch.photos, texts, strict=True):
                    seen[int(photo)].add(int(text))
            assert set(batch.prompts) <= {20, 21, 22}
    assert seen == texts_of


def test_contrasts_are_those_of_the_texts_that_were_drawn(corpus, table):
    of = {2: 25, 10: 3}
    met = set()
    for epoch in range(20):
        for batch in batches(corpus, np.arange(6), table, epoch):
            wanted = {of[text] for text in batch.texts.ravel().tolist() if text in of}
            assert batch.contrasts.tolist() == sorted(wanted)
            met |= wanted
    assert met == {25, 3}

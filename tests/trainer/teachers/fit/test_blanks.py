"""A fit that has seen blanks keeps them away from searches that ask for something, and finds them for those that do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mctrain.data.blanks import MEASURING, TRAINING
from mctrain.models.presets import preset_of
from mctrain.teachers.fit.corpus import Places, build_corpus
from mctrain.teachers.fit.features import Views
from mctrain.teachers.fit.run import teach
from mctrain.teachers.open import open_teacher

COUNT = 26


def silent(*_):
    return lambda *_: None


@pytest.fixture(scope="module")
def recipe(tiny_recipe):
    return replace(tiny_recipe, data=replace(tiny_recipe.data, blanks=COUNT))


@pytest.fixture(scope="module")
def corpus(recipe, tiny_data, cache):
    views = Views(recipe.augmentation, recipe.training.seed, ("lite0",), preset_of(recipe.model).image_spec())
    return build_corpus(recipe.data, views, Places(tiny_data, cache), silent, workers=1)


def test_blanks_join_the_photos_in_all_views_with_their_own_texts(corpus):
    assert corpus.keys[32:] == tuple(f"blank-training-{number}" for number in range(COUNT))
    assert corpus.features.shape[:2] == corpus.logits.shape[:2] == (2, 32 + COUNT)
    for place in range(COUNT):
        for ragged, texts in (
            (corpus.captions, TRAINING.blank(place).captions),
            (corpus.queries, TRAINING.blank(place).queries),
        ):
            rows = ragged.rows[ragged.starts[32 + place] : ragged.starts[33 + place]]
            assert tuple(corpus.texts[row] for row in rows) == texts


def test_others_are_pushed_behind_the_photos_that_a_fit_without_them_puts_them_before(
    recipe, corpus, finished, tiny_data, cache, tmp_path
):
    shown = [MEASURING.blank(number).picture for number in range(30)]
    texts = [corpus.texts[row] for row in corpus.captions.rows[: corpus.captions.starts[20]]]

    def nearness(path):
        teacher = open_teacher(str(path), cache)
        blanks = teacher.photos(shown, ["blank"] * len(shown))
        return blanks @ teacher.texts([*texts, "plain black picture"]).T  # [blanks, texts + 1]

    with_them = nearness(teach(recipe, Places(tiny_data, cache), tmp_path, silent, threads=1).path)
    without = nearness(finished.path)
    assert with_them[:, :-1].mean() < without[:, :-1].mean() - 0.1
    black = [number for number, _ in enumerate(shown) if MEASURING.blank(number).kind == "black"]
    assert with_them[black, -1].min() > np.percentile(with_them[:, :-1], 99)

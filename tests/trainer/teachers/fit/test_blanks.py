"""A fit that has seen blanks keeps them away from searches that ask for something, and finds them for those that do."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from mctrain.data.blanks import MEASURING, TRAINING
from mctrain.data.shards import samples
from mctrain.models.presets import preset_of
from mctrain.teachers.fit.corpus import FitFolders, build_corpus
from mctrain.teachers.fit.features import Views
from mctrain.teachers.teacher import open_teacher

COUNT = 26


@pytest.fixture(scope="module")
def recipe(tiny_recipe):
    return replace(tiny_recipe, data=replace(tiny_recipe.data, blanks=COUNT))


@pytest.fixture(scope="module")
def corpus(recipe, tiny_data, cache):
    views = Views(recipe.augmentation, recipe.training.seed, ("lite0",), preset_of(recipe.model).image_spec())
    return build_corpus(
        recipe.data, views, FitFolders(tiny_data, cache), lambda *_: lambda *_: None, workers=1
    )


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


def test_a_fit_puts_others_behind_photos_that_it_never_saw_but_for_texts_that_ask_for_them(
    recipe, finished, tiny_data, real_data, cache, tmp_path, fit
):
    """The texts are those of the photos that were learnt from, none of which is shown."""
    blanks = [MEASURING.blank(number) for number in range(30)]
    photos = [own.image() for own in islice(samples(real_data / "flickr8k-dev-000000.tar"), 20)]
    learnt = samples(tiny_data / "flickr8k-train-000000.tar")
    texts = ["plain black picture", *(own.words["captions"][0] for own in learnt)]

    def before(path):
        """Whether a blank comes before a photo [texts, blanks, photos]."""
        teacher = open_teacher(str(path), cache)
        shown = [own.picture for own in blanks] + photos
        scores = teacher.texts(texts) @ teacher.photos(shown, ["shown"] * len(shown)).T
        return scores[:, : len(blanks), None] > scores[:, None, len(blanks) :]

    with_them = before(fit(recipe, tmp_path).path)
    assert with_them[1:].mean() < before(finished.path)[1:].mean() / 2
    assert with_them[0, [own.kind == "black" for own in blanks]].all()

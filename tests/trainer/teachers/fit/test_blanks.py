"""A fit with blanks ranks them behind photos, except for searches that ask for blanks."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from tests.trainer.conftest import no_progress

from mctrain.data.blanks import EVALUATION, TRAINING
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
    return build_corpus(recipe.data, views, FitFolders(tiny_data, cache), no_progress, workers=1)


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


def test_a_fit_with_blanks_ranks_unseen_blanks_behind_photos_unless_asked_for(
    recipe, finished, tiny_data, photo_sets, cache, tmp_path, fit
):
    """The texts are those of the training photos; the photos are others."""
    blanks = [EVALUATION.blank(number) for number in range(30)]
    photos = [photo.image() for photo in islice(samples(photo_sets / "flickr8k-dev-000000.tar"), 20)]
    learnt = samples(tiny_data / "flickr8k-train-000000.tar")
    texts = ["plain black picture", *(photo.record["captions"][0] for photo in learnt)]

    def before(path):
        """Whether a blank comes before a photo [texts, blanks, photos]."""
        teacher = open_teacher(str(path), cache)
        shown = [blank.picture for blank in blanks] + photos
        scores = teacher.texts(texts) @ teacher.photos(shown, ["shown"] * len(shown)).T
        return scores[:, : len(blanks), None] > scores[:, None, len(blanks) :]

    with_them = before(fit(recipe, tmp_path).path)
    assert with_them[1:].mean() < before(finished.path)[1:].mean() / 2
    assert with_them[0, [blank.kind == "black" for blank in blanks]].all()

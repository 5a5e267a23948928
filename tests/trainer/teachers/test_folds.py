"""No head judges a photo that it was trained on."""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from mctrain.data.shards import samples
from mctrain.errors import WeightsError
from mctrain.teachers.folds import FOLDS, fold_of, load_folds
from mctrain.teachers.teacher import open_teacher
from mctrain.teachers.trained import FeatureExtractor, open_checkpoint

COUNT = 3


@pytest.fixture(scope="module")
def taught(tiny_recipe, tmp_path_factory, fit):
    recipe = replace(tiny_recipe, training=replace(tiny_recipe.training, folds=COUNT, fold_epochs=12))
    folder = tmp_path_factory.mktemp("taught")
    return fit(recipe, folder)


@pytest.fixture(scope="module")
def photos(tiny_data):
    return [photo for shard in sorted(tiny_data.glob("*.tar*")) for photo in samples(shard)]


def test_the_fold_follows_from_the_flickr_number_of_the_key():
    assert fold_of("2429729667_42effc165d", 5) == fold_of("2429729667_0000000000", 5)
    number = int(hashlib.sha256(b"2429729667").hexdigest(), 16)
    assert fold_of("2429729667_42effc165d", 5) == number % 5
    counts = Counter(fold_of(f"coco-{number:012}", 5) for number in range(5000))
    assert all(850 < counts[fold] < 1150 for fold in range(5))
    assert fold_of("anything", 0) == 0


def test_each_photo_is_judged_by_the_head_that_did_not_see_it(taught, photos, cache):
    teacher = open_checkpoint(taught.path, cache)
    keys = [photo.key for photo in photos]
    found = teacher.photos([photo.image() for photo in photos], keys)
    states = load_folds(taught.path.parent, taught.content)
    assert len(states) == COUNT
    spec = taught.content.preset.image_spec()
    features, logits = FeatureExtractor(("lite0",), spec, cache).of([photo.image() for photo in photos])
    head = copy.deepcopy(taught.content.clip.image.head)
    for fold, state in enumerate(states):
        rows = [row for row, key in enumerate(keys) if fold_of(key, COUNT) == fold]
        assert rows
        head.load_state_dict(state)
        with torch.no_grad():
            wanted = head(features[rows], logits[0][rows])
        assert np.allclose(found[rows], wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            None,
            r"There is no .*folds\.pt: without it photos would be judged by heads that were trained on them",
        ),
        ({"heads": [{}] * (COUNT - 1)}, r"folds\.pt is damaged or belongs to another fit"),
    ],
)
def test_a_checkpoint_without_its_fold_heads_is_refused(taught, cache, tmp_path, content, message):
    path = shutil.copy(taught.path, tmp_path)
    if content is not None:
        torch.save(content, tmp_path / FOLDS)
    with pytest.raises(WeightsError, match=message):
        open_teacher(path, cache)

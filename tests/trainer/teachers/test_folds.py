"""No teacher judges a photo that it was trained on, and its judgements mean the same in every fold."""

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
from mctrain.teachers.trained import Looks, open_checkpoint

COUNT = 3


@pytest.fixture(scope="module")
def taught(tiny_recipe, tmp_path_factory, fit):
    recipe = replace(tiny_recipe, training=replace(tiny_recipe.training, folds=COUNT, fold_epochs=12))
    folder = tmp_path_factory.mktemp("taught")
    return fit(recipe, folder)


@pytest.fixture(scope="module")
def photos(tiny_data):
    return [own for shard in sorted(tiny_data.glob("*.tar*")) for own in samples(shard)]


def test_a_fold_follows_from_the_key_and_one_flickr_number_stays_together():
    assert fold_of("2429729667_42effc165d", 5) == fold_of("2429729667_0000000000", 5)
    number = int(hashlib.sha256(b"2429729667").hexdigest(), 16)
    assert fold_of("2429729667_42effc165d", 5) == number % 5
    counts = Counter(fold_of(f"coco-{number:012}", 5) for number in range(5000))
    assert all(850 < counts[fold] < 1150 for fold in range(5))
    assert fold_of("anything", 0) == 0


def test_each_photo_is_judged_by_the_head_that_has_not_seen_it(taught, photos, cache):
    teacher = open_checkpoint(taught.path, cache)
    keys = [own.key for own in photos]
    found = teacher.photos([own.image() for own in photos], keys)
    states = load_folds(taught.path.parent, taught.content)
    assert len(states) == COUNT
    spec = taught.content.preset.image_spec()
    features, logits = Looks(("lite0",), spec, cache).of([own.image() for own in photos])
    head = copy.deepcopy(taught.content.clip.image.head)
    for fold, state in enumerate(states):
        rows = [row for row, key in enumerate(keys) if fold_of(key, COUNT) == fold]
        assert rows
        head.load_state_dict(state)
        with torch.no_grad():
            wanted = head(features[rows], logits[0][rows])
        assert np.allclose(found[rows], wanted.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, r"There is no .*folds\.pt: without it photos would be judged by what was trained on them"),
        ({"heads": [{}] * (COUNT - 1)}, r"folds\.pt is damaged or of another fit"),
    ],
)
def test_a_checkpoint_without_the_heads_of_its_folds_judges_nothing(taught, cache, tmp_path, content, told):
    path = shutil.copy(taught.path, tmp_path)
    if content is not None:
        torch.save(content, tmp_path / FOLDS)
    with pytest.raises(WeightsError, match=told):
        open_teacher(path, cache)

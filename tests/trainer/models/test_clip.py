"""A space's identity depends on the image tower and its preprocessing, and on nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mctrain.models.clip import build_clip, load_trunks, space_id
from mctrain.models.presets import preset_of


@pytest.fixture(scope="module")
def spec(tiny_recipe):
    return preset_of(tiny_recipe.model).image_spec()


def tower_of(model):
    torch.manual_seed(0)
    preset = preset_of(model)
    clip = build_clip(preset)
    load_trunks(clip, preset)
    return clip.image.eval().requires_grad_(requires_grad=False)


@pytest.fixture
def tower(tiny_recipe):
    return tower_of(replace(tiny_recipe.model, branch=0.0))


def test_it_is_the_digest_that_the_design_describes(tower, spec):
    digest = hashlib.sha256()
    for name, tensor in sorted(tower.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        digest.update(name.encode() + json.dumps(list(tensor.shape)).encode())
        digest.update(tensor.numpy().astype(np.float32).astype("<f4").tobytes())
    preprocessing = {
        "size": 224, "resize": "squash", "interpolation": "bicubic", "crop": None,
        "mean": [127 / 255] * 3, "std": [128 / 255] * 3,
    }  # fmt: skip
    digest.update(json.dumps(preprocessing, sort_keys=True).encode())
    assert space_id(tower, spec) == digest.hexdigest()[:16]


def test_a_changed_weight_or_preprocessing_makes_another_space(tower, spec):
    before = space_id(tower, spec)
    assert space_id(tower, replace(spec, resize="shortest")) != before
    with torch.no_grad():
        tower.head.straight.weight[0, 0] += 1
    assert space_id(tower, spec) != before

"""A space's identity depends on the image tower and its preprocessing, and on nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mctrain.models.clip import Heads, build_towers
from mctrain.models.space import space_id
from mctrain.models.towers import IMAGE_SPEC


@pytest.fixture
def tower(tiny_recipe):
    torch.manual_seed(0)
    return build_towers(Heads(replace(tiny_recipe.heads, branch=0.0)))[0]


def test_it_is_the_digest_that_the_design_describes(tower):
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
    assert space_id(tower, IMAGE_SPEC) == digest.hexdigest()[:16]


def test_a_changed_weight_or_preprocessing_makes_another_space(tower):
    before = space_id(tower, IMAGE_SPEC)
    assert space_id(tower, replace(IMAGE_SPEC, resize="shortest")) != before
    with torch.no_grad():
        tower.head.straight.weight[0, 0] += 1
    assert space_id(tower, IMAGE_SPEC) != before


def test_counters_and_names_of_inputs_do_not_matter(tower):
    before = space_id(tower, IMAGE_SPEC)
    for name, buffer in tower.named_buffers():
        if name.endswith("num_batches_tracked"):
            buffer.add_(7)
    assert space_id(tower, replace(IMAGE_SPEC, input="x", output="y")) == before


def test_a_missing_bias_of_the_head_counts_as_zeros(tiny_recipe):
    torch.manual_seed(0)
    tower = build_towers(Heads(tiny_recipe.heads))[0]
    without = space_id(tower, IMAGE_SPEC)
    tower.head.branch.bias = torch.nn.Parameter(torch.zeros(tiny_recipe.heads.dim))
    assert space_id(tower, IMAGE_SPEC) == without


def test_the_classifier_belongs_to_the_tower_only_where_the_head_reads_it(tiny_recipe, tower):
    assert not any("classifier" in name for name in tower.state_dict())
    with_branch = build_towers(Heads(tiny_recipe.heads))[0]
    assert any("classifier" in name for name in with_branch.state_dict())

"""The image trunk computes what the weights' own network computes."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from mctrain.data.shards import samples
from mctrain.models.lite import (
    MEAN,
    STD,
    JoinedNetworks,
    input_sizes,
    join_logits,
    load_lite,
    load_trunk,
    weights_path,
)
from picsight_engine.bundles.bundle import ImageSpec
from picsight_engine.bundles.preprocess import preprocess

IMAGE_SPEC = ImageSpec(
    224, "squash", "bicubic", None, (MEAN,) * 3, (STD,) * 3, input="x", output="y", dtype="float32"
)


@pytest.fixture(scope="module")
def trunk():
    return load_lite()


def test_the_classifier_recognises_photos_of_imagenet(trunk, real_data):
    every_twentieth = list(islice(samples(real_data / "imagenet-sample-000000.tar"), 0, None, 20))
    pixels = np.stack([preprocess(sample.image(), IMAGE_SPEC) for sample in every_twentieth])
    with torch.no_grad():
        _, logits = trunk(torch.from_numpy(pixels))
    labels = torch.tensor([sample.record["class_index"] for sample in every_twentieth])
    assert (logits.argmax(1) == labels).float().mean() > 0.8


def test_every_tensor_of_the_package_is_in_the_network(trunk):
    source = torch.load(weights_path(), weights_only=True)
    ours = trunk.network.state_dict()
    assert len(source) == len(ours) == 296
    assert all(torch.equal(theirs, mine) for theirs, mine in zip(source.values(), ours.values(), strict=True))


def test_joined_networks_are_the_networks_side_by_side():
    joined = JoinedNetworks(("lite0", "lite1", "lite2"), 96).eval()
    load_trunk(joined, ("lite0", "lite1", "lite2"))
    joined.factors.copy_(torch.tensor([1.0, 1.5, 0.5]))
    pixels = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        features, logits = joined(pixels)
        alone = [load_lite(name)(pixels) for name in ("lite0", "lite1", "lite2")]
        assert torch.equal(features, torch.cat([part for part, _ in alone], dim=1))
        wanted = (alone[0][1] + 1.5 * alone[1][1] + 0.5 * alone[2][1]) / 3
        assert torch.allclose(logits, wanted, atol=1e-5)
        assert torch.equal(logits, join_logits(torch.stack([scores for _, scores in alone]), joined.factors))
        weight, bias = joined.last_layer()
        assert torch.allclose(features @ weight.T + bias, logits, atol=1e-4)


def test_joined_networks_see_large_photos_at_their_own_sizes():
    names = ("lite0", "lite2")
    joined = JoinedNetworks(names, 260).eval()
    load_trunk(joined, names)
    pixels = torch.rand(1, 3, 260, 260)
    scaled = torch.nn.functional.interpolate(pixels, (224, 224), mode="bicubic")
    with torch.no_grad():
        alone = [load_lite("lite0").pooled(scaled), load_lite("lite2").pooled(pixels)]
        assert torch.allclose(joined.pooled(pixels), torch.cat(alone, dim=1), atol=1e-4)
    assert input_sizes(("lite0",), 260) == (260,)  # alone, a network takes any size

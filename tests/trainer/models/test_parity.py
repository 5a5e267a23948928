"""With the same random weights each model computes what open_clip's and timm's code computes.

Random networks map everything near one point, so embeddings are compared after centring.
"""

from __future__ import annotations

import dataclasses

import open_clip
import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.models.presets import PRESETS
from mctrain.models.text import Text, TextShape
from mctrain.models.vit import Vit
from mctrain.weights.convert import LAYOUTS, read_model

SAME = 1e-5
PAIRS = [
    # MobileCLIP2-S0 with more blocks
    pytest.param("MobileCLIP-S1", "mobileclip_s1", marks=pytest.mark.soak),
    pytest.param("MobileCLIP-S2", "mobileclip_s2", marks=pytest.mark.soak),
    ("MobileCLIP-B", "mobileclip_b"),
    ("MobileCLIP2-S0", "mobileclip2_s0"),
    pytest.param("MobileCLIP2-S3", "mobileclip2_s3", marks=pytest.mark.soak),
    pytest.param("MobileCLIP2-S4", "mobileclip2_s4", marks=pytest.mark.soak),
    pytest.param("MobileCLIP2-L-14", "mobileclip2_l14", marks=pytest.mark.soak),
]


def difference(found, wanted):
    """The largest difference of centred unit vectors, and the least length of the centred vectors."""
    found, wanted = F.normalize(found, dim=1), F.normalize(wanted, dim=1)
    found, wanted = found - found.mean(0), wanted - wanted.mean(0)
    return float((found - wanted).abs().max()), float(wanted.norm(dim=1).min())


def texts(count):
    """Texts of several lengths, padded with zeros."""
    ids = torch.randint(1, 49000, (count, 77), generator=torch.Generator().manual_seed(7))
    ids[:, 0] = 49406
    for row in range(count):
        end = min(76, 2 + 9 * row)
        ids[row, end] = 49407
        ids[row, end + 1 :] = 0
    return ids


def photos(count, size):
    """Patterns of several sizes with noise on top."""
    draw = torch.Generator().manual_seed(5)
    return torch.stack([
        F.interpolate(torch.rand(1, 3, 2 + row, 2 + row, generator=draw), (size, size), mode="bilinear")[0]
        + 0.2 * torch.rand(3, size, size, generator=draw)
        for row in range(count)
    ])  # fmt: skip


def open_clips(name, fill):
    """open_clip's model with random weights, without its slow initialisation."""
    with torch.device("meta"):
        model = open_clip.model.CustomTextCLIP(**_config(name))
    fill(model)
    if model.text.attn_mask is not None:
        model.text.register_buffer("attn_mask", model.text.build_causal_mask(), persistent=False)
    return model


def _config(name):
    config = open_clip.get_model_config(name)
    config.pop("custom_text")
    return config


@torch.no_grad()
def compare(reference, model, size, count=3):
    pixels, ids = photos(count, size), texts(count)
    worst, reach = difference(model.image(pixels), reference.encode_image(pixels))
    assert worst <= SAME
    assert reach > 100 * SAME
    worst, reach = difference(model.text(ids), reference.encode_text(ids))
    assert worst <= SAME
    assert reach > 100 * SAME


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_both_towers_compute_what_open_clips_compute(theirs, ours, randomised):
    reference = open_clips(theirs, randomised)
    read = read_model(reference.state_dict(), PRESETS[ours])
    assert read.layout.publisher == "open_clip"
    compare(reference, read.model, PRESETS[ours].size)


@torch.no_grad()
def test_vit_b_as_apple_runs_it_differs_in_padding_and_epsilon_alone(randomised):
    """Two layers are enough: the stem and all norms differ."""
    with torch.device("meta"):
        reference = timm.create_model("vit_base_mci_224", depth=2, num_classes=512, pretrained=False)
        shape = dataclasses.replace(PRESETS["mobileclip_b"].image, layers=2)
        ours = Vit(shape, 512, head_bias=True).eval()
    randomised(reference)
    theirs = reference.state_dict()
    timms = next(layout for layout in LAYOUTS if (layout.publisher, layout.tower) == ("timm", "vit"))
    ours.load_state_dict(
        {name: theirs[timms.name(f"image.{name}")] for name in ours.state_dict()}, assign=True
    )
    pixels = photos(3, 224)
    wanted = ours(pixels)
    assert difference(reference(pixels), wanted)[0] > 1e-3
    reference.patch_embed.backbone[0].conv.padding = (1, 1)
    assert difference(reference(pixels), wanted)[0] > SAME
    for module in reference.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-5
    assert difference(reference(pixels), wanted)[0] <= SAME


@torch.no_grad()
def test_padding_counts_only_in_a_tower_that_is_not_causal(randomised):
    ids = texts(4)
    other = torch.where(ids == 0, 49407, ids)
    plain = randomised(Text(TextShape(128, 2), 64))
    causal = randomised(Text(TextShape(128, 2, causal=True), 64))
    assert difference(plain(other), plain(ids))[0] > 1e-2
    assert torch.equal(causal(other), causal(ids))
    assert difference(causal(ids[:, :40]), causal(ids))[0] <= SAME

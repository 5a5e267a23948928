"""Folding changes nothing that a model computes, whatever its norms and layer scales are."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mctrain.models.blocks import ConvNorm, LayerScale
from mctrain.models.clip import build_clip
from mctrain.models.mci import Mci, MciShape
from mctrain.models.presets import PRESETS
from mctrain.models.reparameterize import FoldedConv, fold_everything, reparameterize
from mctrain.models.vit import Vit, VitShape

LARGE = MciShape((1, 1, 1, 1, 1), (16, 32, 64, 128, 256), 4, attention=(3, 4), excite=(), large=True)
STEM = VitShape(128, 2, patch=16, grid=4, stem=True, padding=1, epsilon=1e-5)


def relative(found, wanted):
    return float((found - wanted).norm() / wanted.norm())


@pytest.fixture(scope="module")
def small(randomised):
    return randomised(build_clip(PRESETS["laptop_xxs"]))


@pytest.fixture(scope="module")
def ids():
    texts = torch.randint(1, 49000, (4, 77), generator=torch.Generator().manual_seed(3))
    for row, end in enumerate((3, 9, 30, 76)):
        texts[row, end] = 49407
        texts[row, end + 1 :] = 0
    return texts


@pytest.mark.parametrize("fold", [reparameterize, fold_everything])
@torch.no_grad()
def test_folding_is_exact_but_for_rounding(small, ids, fold):
    """In float64 the difference is below a millionth of a millionth."""
    exact = build_clip(PRESETS["laptop_xxs"]).eval().double()
    exact.load_state_dict(small.state_dict())
    photos = torch.randn(2, 3, 128, 128, dtype=torch.float64)
    folded = fold(exact)
    assert relative(folded.image(photos), exact.image(photos)) < 1e-12
    assert relative(folded.text(ids), exact.text(ids)) < 1e-12


@pytest.mark.parametrize(
    ("tower", "size"),
    [(lambda: Mci(LARGE, 64, head_bias=True), 128), (lambda: Vit(STEM, 64, head_bias=False), 64)],
    ids=["mci with layer norm", "vit with a stem"],
)
@pytest.mark.parametrize("fold", [reparameterize, fold_everything])
@torch.no_grad()
def test_every_kind_of_image_tower_computes_the_same_folded(randomised, tower, size, fold):
    tower = randomised(tower())
    photos = torch.randn(2, 3, size, size)
    assert relative(fold(tower)(photos), tower(photos)) < 1e-5


@pytest.mark.parametrize("fold", [reparameterize, fold_everything])
def test_a_model_in_training_is_refused_even_where_only_one_norm_is(small, fold):
    model = reparameterize(small)
    norm = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    norm.train()
    with pytest.raises(ValueError, match="training mode"):
        fold(model)


def test_everything_that_folds_is_folded_for_export(small):
    folded = fold_everything(small)
    left = (nn.BatchNorm2d, ConvNorm, LayerScale)
    assert not [module for module in folded.modules() if isinstance(module, left)]
    assert any(isinstance(module, FoldedConv) for module in folded.modules())
    assert not any(module.training for module in folded.modules())

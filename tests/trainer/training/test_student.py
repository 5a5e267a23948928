"""A step clips long gradients, skips overflows, and never writes NaN into the weights; frozen parts have no dropout."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from mctrain.errors import TrainerError
from mctrain.models.clip import build_clip
from mctrain.models.minilm import MiniLmShape
from mctrain.models.presets import PRESETS
from mctrain.recipes.parser import load
from mctrain.recipes.training import TrainingRecipe
from mctrain.training.step.student import Precision, build_student
from mctrain.weights.checkpoint import Checkpoint, WeightsFile

RATE = 0.5


def run(kind, slope):
    """One step down a slope of two weights: the weights before and after, the precision, and the length of the gradient."""
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = torch.optim.SGD([weight], lr=RATE)
    precision = Precision(kind, torch.device("cpu"))
    before = weight.detach().clone()
    precision.backward((weight * torch.tensor(slope)).sum())
    return before, weight.detach(), precision, precision.step(optimizer, [weight])


@pytest.mark.parametrize("kind", ["fp32", "fp16"])
def test_a_long_gradient_is_cut_and_a_short_one_is_not(kind):
    before, after, _, length = run(kind, [3.0, 4.0])
    assert length == pytest.approx(5.0)
    torch.testing.assert_close(after, before - RATE * torch.tensor([0.6, 0.8]))
    before, after, _, length = run(kind, [0.03, 0.04])
    assert length == pytest.approx(0.05)
    torch.testing.assert_close(after, before - RATE * torch.tensor([0.03, 0.04]))


def test_in_float16_an_overflow_leaves_the_step_out_and_lowers_the_scale():
    before, after, precision, length = run("fp16", [1e36, 0.0])
    assert not math.isfinite(length)
    assert torch.equal(before, after)
    assert precision.scaler.get_scale() < Precision("fp16", torch.device("cpu")).scaler.get_scale()


def test_in_float16_an_overflow_at_every_scale_stops_the_run():
    precision, weight = Precision("fp16", torch.device("cpu")), torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=RATE)

    def step():
        optimizer.zero_grad()
        precision.backward((weight * math.inf).sum())
        precision.step(optimizer, [weight])

    for _ in range(16):  # from 2 ** 16
        step()
    with pytest.raises(TrainerError, match="is not finite"):
        step()
    assert torch.equal(weight, torch.ones(2))


def test_in_float32_a_gradient_that_is_no_number_stops_the_run():
    with pytest.raises(TrainerError, match="is not finite"):
        run("fp32", [math.inf, 0.0])


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_tower_gives_a_text_the_same_vector_in_training_and_a_learning_one_drops_out(frozen):
    preset = replace(PRESETS["laptop_xxs"], text=MiniLmShape(hidden=16, dropout=0.2, input_dropout=0.1))
    start = Checkpoint(preset, build_clip(preset), WeightsFile("w.pt", "0" * 64, "picsight"))
    rules = "[{ part = 'text', factor = 0.0 }]" if frozen else "[]"
    changes = ("augmentation.views=1", "optimizer.held=[]", f"optimizer.rules={rules}")
    clip = build_student(load(TrainingRecipe, "my-photos", changes), start, torch.device("cpu")).clip
    ids = torch.tensor([[101, 2000, 102]])
    assert clip.training
    assert torch.equal(clip.text(ids), clip.text(ids)) == frozen

"""Rates and weight decay follow from names and shapes."""

from __future__ import annotations

import open_clip
import pytest
import torch
from open_clip_train.scheduler import cosine_lr

from mctrain.errors import RecipeError, TrainerError
from mctrain.models.clip import build_clip
from mctrain.models.presets import PRESETS
from mctrain.optimisation.optimizer import (
    FitLoop,
    build_student_optimizer,
    group_parameters,
    rate_at,
    set_rate,
)
from mctrain.recipes.tables import OptimizerTable, RateRule


def on_paper(name):
    """A model on the meta device."""
    with torch.device("meta"):
        return build_clip(PRESETS[name])


def factors(model, groups):
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {names[parameter]: group["factor"] for group in groups for parameter in group["params"]}


def test_weight_decay_applies_to_the_parameters_of_the_published_training():
    reference = open_clip.create_model("MobileCLIP2-S0", device="meta")
    decaying = [
        parameter.shape.numel()
        for name, parameter in reference.named_parameters()
        if parameter.ndim >= 2 and not any(part in name for part in ("bn", "ln", "bias", "logit_scale"))
    ]
    model = on_paper("mobileclip2_s0")
    groups = group_parameters(model, (), 0.2)
    found = [parameter.numel() for group in groups if group["weight_decay"] for parameter in group["params"]]
    assert sum(found) == sum(decaying)
    assert sum(parameter.numel() for group in groups for parameter in group["params"]) == sum(
        parameter.numel() for parameter in model.parameters()
    )


def test_the_longest_rule_wins_and_matches_whole_names():
    model = on_paper("mobileclip2_s0")
    rules = [
        RateRule("text.layers.11", 1.0),
        RateRule("text", 0.1),
        RateRule("text.layers.1", 0.0),
        RateRule("image.stages.0", 0.5),
    ]
    found = factors(model, group_parameters(model, rules, 0.2))
    assert found["text.layers.11.norm1.weight"] == 1.0
    assert found["text.layers.10.norm1.weight"] == 0.1
    assert found["image.stages.0.blocks.0.ffn.fc1.weight"] == 0.5
    assert found["image.stages.1.blocks.0.ffn.fc1.weight"] == 1.0
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters()} - found.keys()
    assert frozen
    assert all(name.startswith("text.layers.1.") for name in frozen)


def test_a_step_moves_each_part_at_its_own_rate():
    torch.manual_seed(1)
    model = build_clip(PRESETS["laptop_xxs"])
    table = OptimizerTable(
        rate=1e-3, floor=0.0, warmup=0, decay=0.2, rules=(RateRule("text", 0.1), RateRule("image.stem", 0.0))
    )
    optimizer = build_student_optimizer(model, table)
    set_rate(optimizer, 1e-3)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    optimizer.step()
    for name, parameter in model.named_parameters():
        rate = 1e-4 if name.startswith("text.") else 1e-3
        rate *= 0 if name.startswith("image.stem.") else 1
        kept = 1 - rate * (0.2 if parameter.ndim >= 2 else 0.0)
        # the first step of Adam has the length of the rate, whatever the gradient
        torch.testing.assert_close(parameter, before[name] * kept - rate, rtol=1e-6, atol=1e-7, msg=name)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([RateRule("image.stage.0", 0.5)], r"no parameter in image\.stage\.0; .* image, logit_scale, text"),
        ([RateRule(part, 0.0) for part in ("image", "text", "logit_scale")], "Everything .* is frozen"),
    ],
)
def test_impossible_rules_are_refused(rules, message):
    with pytest.raises(RecipeError, match=message):
        group_parameters(on_paper("laptop_xxs"), rules, 0.2)


def test_without_a_floor_the_schedule_is_open_clips():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = cosine_lr(optimizer, 1e-3, 7, 40)
    assert [rate_at(step, 40, 7, 1e-3) for step in range(40)] == pytest.approx(
        [theirs(step) for step in range(40)]
    )


def test_a_warm_up_takes_at_most_half_of_a_short_run():
    """`my-photos` takes ten steps for a hundred photos, and its warm-up has ten."""
    rates = [rate_at(step, 10, 10, 1e-4, 1e-6) for step in range(10)]
    assert rates[:5] == pytest.approx([2e-5, 4e-5, 6e-5, 8e-5, 1e-4])
    assert rates[5] == pytest.approx(1e-4)
    assert sorted(rates[5:], reverse=True) == rates[5:]
    assert rates[9] == pytest.approx(1e-6 + (1e-4 - 1e-6) * 0.0955, rel=1e-3)
    assert rate_at(0, 1, 10, 1e-4) == 1e-4


def test_a_fit_clips_long_gradients_and_stops_at_nan():
    """With plain gradient descent a step is as long as the clipped gradient."""
    for slope, length in ((100.0, 1.0), (0.5, 0.5), (float("nan"), None)):
        weight = torch.nn.Parameter(torch.zeros(1))
        descent = FitLoop(
            torch.optim.SGD([weight], lr=1.0),
            lambda _, weight=weight, slope=slope: iter([slope * weight.sum()]),
            lambda _: None,
            clipped=(weight,),
        )
        history = []
        if length is None:
            with pytest.raises(TrainerError, match="is not finite"):
                descent.run(history, 1, lambda: None)
        else:
            descent.run(history, 1, lambda: None)
            assert weight.item() == pytest.approx(-length, rel=1e-4)
            assert history == [0.0]

"""What moves, how fast, and what decays follows from names and shapes."""

from __future__ import annotations

import open_clip
import pytest
import torch
from open_clip_train.scheduler import cosine_lr

from mctrain.errors import RecipeError, TrainerError
from mctrain.models.clip import build_clip
from mctrain.models.presets import PRESETS
from mctrain.optimisation.optimizer import (
    Descent,
    build_student_optimizer,
    group_parameters,
    rate_at,
    set_rate,
)
from mctrain.recipes.tables import OptimizerTable, RateRule


def on_paper(name):
    """A model with shapes and no numbers."""
    with torch.device("meta"):
        return build_clip(PRESETS[name])


def factors(model, groups):
    names = {own: name for name, own in model.named_parameters()}
    return {names[own]: group["factor"] for group in groups for own in group["params"]}


def test_what_decays_is_what_decays_in_the_published_training():
    reference = open_clip.create_model("MobileCLIP2-S0", device="meta")
    decaying = [
        own.shape.numel()
        for name, own in reference.named_parameters()
        if own.ndim >= 2 and not any(part in name for part in ("bn", "ln", "bias", "logit_scale"))
    ]
    model = on_paper("mobileclip2_s0")
    groups = group_parameters(model, (), 0.2)
    found = [own.numel() for group in groups if group["weight_decay"] for own in group["params"]]
    assert sum(found) == sum(decaying)
    assert sum(own.numel() for group in groups for own in group["params"]) == sum(
        own.numel() for own in model.parameters()
    )


def test_the_longest_rule_holds_and_names_end_where_parts_end():
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
    frozen = {name for name, own in model.named_parameters() if not own.requires_grad}
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
    before = {name: own.detach().clone() for name, own in model.named_parameters()}
    for own in model.parameters():
        own.grad = torch.ones_like(own) if own.requires_grad else None
    optimizer.step()
    for name, own in model.named_parameters():
        rate = 1e-4 if name.startswith("text.") else 1e-3
        rate *= 0 if name.startswith("image.stem.") else 1
        kept = 1 - rate * (0.2 if own.ndim >= 2 else 0.0)
        # the first step of Adam has the length of the rate, whatever the gradient
        torch.testing.assert_close(own, before[name] * kept - rate, rtol=1e-6, atol=1e-7, msg=name)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([RateRule("image.stage.0", 0.5)], r"no parameter in image\.stage\.0; .* image, logit_scale, text"),
        ([RateRule(part, 0.0) for part in ("image", "text", "logit_scale")], "Everything .* is frozen"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(rules, told):
    with pytest.raises(RecipeError, match=told):
        group_parameters(on_paper("laptop_xxs"), rules, 0.2)


def test_without_a_floor_it_is_open_clips():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = cosine_lr(optimizer, 1e-3, 7, 40)
    assert [rate_at(step, 40, 7, 1e-3) for step in range(40)] == pytest.approx(
        [theirs(step) for step in range(40)]
    )


def test_a_warm_up_leaves_half_of_a_short_run_to_come_down():
    """Ten steps are what `my-photos` makes of a hundred photos, and ten its warm-up."""
    rates = [rate_at(step, 10, 10, 1e-4, 1e-6) for step in range(10)]
    assert rates[:5] == pytest.approx([2e-5, 4e-5, 6e-5, 8e-5, 1e-4])
    assert rates[5] == pytest.approx(1e-4)
    assert sorted(rates[5:], reverse=True) == rates[5:]
    assert rates[9] == pytest.approx(1e-6 + (1e-4 - 1e-6) * 0.0955, rel=1e-3)
    assert rate_at(0, 1, 10, 1e-4) == 1e-4


def test_a_fit_cuts_long_gradients_and_stops_where_there_are_none():
    """By plain gradient descent a step is as long as the gradient that is left."""
    for slope, length in ((100.0, 1.0), (0.5, 0.5), (float("nan"), None)):
        own = torch.nn.Parameter(torch.zeros(1))
        descent = Descent(
            torch.optim.SGD([own], lr=1.0),
            lambda _, own=own, slope=slope: iter([slope * own.sum()]),
            lambda _: None,
            clipped=(own,),
        )
        history = []
        if length is None:
            with pytest.raises(TrainerError, match="is not finite"):
                descent.follow(history, 1, lambda: None)
        else:
            descent.follow(history, 1, lambda: None)
            assert own.item() == pytest.approx(-length, rel=1e-4)
            assert history == [0.0]

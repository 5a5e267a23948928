"""The upper layers of the text trunk are tuned, and a resumed run ends where an uninterrupted one does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.trainer.conftest import changed_tensors

from mctrain.errors import RecipeError
from mctrain.models.minilm import load_minilm
from mctrain.recipes.teaching import TuningTable
from mctrain.teachers.fit.tuning import TUNED
from mctrain.teachers.teacher import open_teacher

TABLE = TuningTable(
    layers=2, steps=4, batch=8, rate=5e-5, head_rate=1e-3, weight_decay=0.1, warmup=1, classes=4
)


@pytest.fixture(scope="module")
def recipe(tiny_recipe):
    return replace(tiny_recipe, tuning=TABLE, training=replace(tiny_recipe.training, epochs=1))


@pytest.fixture(scope="module")
def tuned(recipe, tmp_path_factory, fit):
    return fit(recipe, tmp_path_factory.mktemp("tuned"))


def test_only_the_upper_layers_have_moved(tuned):
    before, after = load_minilm().state_dict(), tuned.content.clip.text.trunk.state_dict()
    moved = changed_tensors(before, after)
    assert moved
    assert {name.split(".")[1] for name in moved} == {"4", "5"}
    assert all(name.startswith("layers.") for name in moved)


def test_the_factor_does_not_decay_and_the_trunk_has_its_own_rate(tuned):
    groups = torch.load(tuned.path.parent / TUNED, weights_only=True)["optimizer"]["param_groups"]
    assert [group["weight_decay"] for group in groups] == [TABLE.weight_decay, 0.0, 0.01]
    assert [group["peak"] for group in groups] == [TABLE.head_rate, TABLE.head_rate, TABLE.rate]


def test_the_teacher_embeds_texts_with_the_tuned_trunk(tuned, cache):
    teacher = open_teacher(str(tuned.path), cache)
    texts = ["a dog in the snow", "two people on a bench"]
    clip = tuned.content.clip
    ids = torch.tensor([[101, 1037, 3899, 1999, 1996, 4586, 102]])
    with torch.no_grad():
        wanted = clip.text(ids).numpy()
    assert (teacher.texts(texts)[0] * wanted[0]).sum() > 0.999


def test_a_resumed_run_ends_where_an_uninterrupted_one_ends(tuned, recipe, fit):
    """All steps are saved: none is taken again."""
    again = fit(recipe, tuned.path.parent)
    assert not changed_tensors(tuned.content.clip.state_dict(), again.content.clip.state_dict())
    assert len(torch.load(tuned.path.parent / TUNED, weights_only=True)["history"]) == TABLE.steps


@pytest.mark.parametrize(("kind", "count"), [("layers", 7), ("batch", 33), ("classes", 1001)])
def test_more_layers_texts_or_classes_than_exist_are_refused(recipe, tmp_path, kind, count, fit):
    asked = replace(recipe, tuning=replace(TABLE, **{kind: count}))
    with pytest.raises(RecipeError, match=f"The tuning asks for {count} .* where there are"):
        fit(asked, tmp_path)

"""A model that got worse than the one it began with is never exported."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest

from mctrain.errors import ExportError
from mctrain.export.bundle import demand_no_loss, export_bundle
from mctrain.export.precision import SampleInputs
from mctrain.models.clip import build_clip
from mctrain.models.presets import PRESETS
from mctrain.recipes.parser import load
from mctrain.recipes.training import TrainingRecipe
from mctrain.weights.checkpoint import Checkpoint, Compared, Trained, load_checkpoint, save_checkpoint

APART = Compared("photos kept apart", 40, 50.0, 61.25)
PRESET = PRESETS["laptop_xxs"]


def trained(*compared):
    recipe = asdict(load(TrainingRecipe, "my-photos"))
    origin = Trained(recipe, 9, "b" * 64, {}, None, photos=160, compared=compared)
    return Checkpoint(PRESET, build_clip(PRESET), origin)


def export(checkpoint, folder):
    export_bundle(checkpoint, folder / "bundle", SampleInputs((), (), "nothing"), int8_text=False)


def test_a_set_that_lost_more_than_its_recipe_allows_stops_the_export(tmp_path):
    lost = Compared("dev", 1000, 53.0, 50.9)
    saved = save_checkpoint(tmp_path, trained(APART, lost))
    with pytest.raises(ExportError, match=r"worse by more than 2 points, .*: dev \(53\.0 to 50\.9 %\)\. The"):
        export(load_checkpoint(saved), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [saved.name]


def test_a_run_that_finds_its_photos_less_often_is_not_exported():
    worse = replace(APART, after=49.0, group="asked for")
    with pytest.raises(
        ExportError, match=r"finds the photos kept apart less often than before \(50\.0 to 49"
    ):
        demand_no_loss(trained(worse).origin)
    demand_no_loss(trained(replace(worse, after=50.0)).origin)


def test_losses_add_up_from_the_first_ancestor_on_and_its_gains_excuse_none():
    once = Compared("dev", 1000, 53.0, 51.5)
    twice = replace(once, before=51.5, after=50.5, earlier=once.lost_in_all)
    demand_no_loss(trained(APART, once).origin)
    demand_no_loss(trained(APART, replace(twice, earlier=0.0)).origin)
    with pytest.raises(ExportError, match=r"worse by more than 2 points, .*: dev \(51\.5 to 50\.5 %\)"):
        demand_no_loss(trained(APART, twice).origin)
    with pytest.raises(ExportError, match="got worse"):
        demand_no_loss(trained(APART, replace(once, after=50.0, earlier=-5.0)).origin)
    words = Compared("everyday words", 40, 100.0, 94.0, group="ordinary searches", earlier=1.5)
    assert (words.lost, words.lost_in_all) == (2.5, 2.5)


def test_a_result_that_is_not_a_number_is_a_loss():
    for compared in (replace(APART, after=math.nan), replace(APART, before=math.nan)):
        with pytest.raises(ExportError, match="got worse"):
            demand_no_loss(trained(compared).origin)


def test_a_model_that_was_not_compared_is_not_exported(tmp_path):
    with pytest.raises(ExportError, match="not yet compared with the one that it began with"):
        export(trained(), tmp_path)

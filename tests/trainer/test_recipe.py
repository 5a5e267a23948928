"""A recipe is followed as written, or not at all."""

from __future__ import annotations

import re
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import pytest
import torch
from tests.trainer.conftest import RECIPE

from mctrain.errors import RecipeError
from mctrain.recipes.parser import load, parse, read_toml
from mctrain.recipes.tables import About
from mctrain.recipes.teaching import ReinforcementRecipe, TeachingRecipe
from mctrain.recipes.training import TrainingRecipe
from mctrain.training.step.student import build_student

GUIDE = Path(__file__).parents[2] / "docs" / "training.md"


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_recipe_is_found_by_name_and_by_path(tmp_path):
    assert load(TeachingRecipe, "starter").bundle.name == "picsight-starter"
    assert load(TeachingRecipe, write(tmp_path, RECIPE)).training.epochs == 12


@pytest.mark.parametrize(
    "path", sorted(files("mctrain").joinpath("recipes").glob("*.toml")), ids=lambda path: path.stem
)
def test_every_shipped_recipe_describes_itself_completely(path):
    about = parse(About, read_toml(str(path))[0]["about"], path.stem)
    assert all(asdict(about).values())


def test_the_recipe_in_the_guide_can_be_followed(tmp_path):
    shown = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (text,) = (block for block in shown if "[run]" in block)
    recipe = load(TrainingRecipe, write(tmp_path, text))
    student = build_student(recipe, None, torch.device("cpu"))
    assert {group["factor"] for group in student.optimizer.param_groups} == {0.1, 1.0, 10.0}  # of ranges too


def test_a_recipe_may_leave_out_its_description(tmp_path):
    silent = re.sub(r"\[about\].*?(?=\n\[)", "", RECIPE, flags=re.DOTALL)
    assert load(TeachingRecipe, write(tmp_path, silent)).about == About()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "epochs = 12",
            "epochs = 12\nepoch = 3",
            "training has an unknown key: epoch; known are seed, epochs",
        ),
        ("epochs = 12\n", "", "training lacks the key epochs"),
        ("epochs = 12", "epochs = 12.5", "epochs is 12.5; it should be a valid integer"),
        ("[about]", "[about", "cannot be read"),
        ('["lite0"]', '["lite0", "lite0"]', "should have something, and nothing twice"),
        ("dim = 32", "dim = 1000000000", "dim is 1000000000; it should be less than or equal to 8192"),
        ("branch = 1.0", "branch = nan", "branch is nan; it should be a finite number"),
        ("folds = 0", "folds = 1", "cannot have 1 folds of 0 epochs"),
        ("branch = 1.0", "branch = 0.0", "pseudo photos but no classifier branch"),
    ],
)
def test_an_unknown_missing_or_invalid_key_is_an_error(tmp_path, old, new, complaint):
    assert old in RECIPE
    with pytest.raises(RecipeError, match=complaint):
        load(TeachingRecipe, write(tmp_path, RECIPE.replace(old, new, 1)))


def test_a_recipe_of_another_kind_is_refused_with_its_command():
    with pytest.raises(RecipeError, match="of a reinforced set; `mctrain reinforce --recipe` follows it"):
        load(TeachingRecipe, "everyday")
    with pytest.raises(RecipeError, match="of a fit; `mctrain teach` follows it"):
        load(ReinforcementRecipe, "starter")


def test_an_unknown_name_is_reported_with_the_known_ones():
    with pytest.raises(RecipeError, match=r"there are: .*starter"):
        load(TeachingRecipe, "nonsense")

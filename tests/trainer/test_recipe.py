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
from mctrain.recipe import About, load_recipe, load_reinforcement, parse_recipe
from mctrain.tables import parse_table, read_toml
from mctrain.training.recipe import load_training
from mctrain.training.student import build_student

README = Path(__file__).parents[2] / "trainer" / "README.md"
STAGES = """[stages]
first = {}
epochs = 1
rate = 1e-3
head_rate = 1e-3
warmup = 1
distil = 1.0
pseudo = 1.0
moved = 1.0

[bundle]"""


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_recipe_is_found_by_name_and_by_path(tmp_path):
    assert load_recipe("starter").bundle.name == "picsight-starter"
    assert load_recipe(write(tmp_path, RECIPE)).training.epochs == 12


@pytest.mark.parametrize(
    "path", sorted(files("mctrain").joinpath("recipes").glob("*.toml")), ids=lambda path: path.stem
)
def test_a_recipe_that_ships_says_what_it_takes_and_what_comes_out(path):
    told = parse_table(About, read_toml(str(path))[0]["about"], path.stem)
    assert all(asdict(told).values())


def test_the_recipe_of_the_readme_is_one(tmp_path):
    shown = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (told,) = (own for own in shown if "[run]" in own)
    recipe = load_training(write(tmp_path, told))
    student = build_student(recipe, None, torch.device("cpu"))
    assert {own["factor"] for own in student.optimizer.param_groups} == {0.1, 1.0, 10.0}  # of ranges too


def test_a_recipe_of_ones_own_need_not_say_what_it_is(tmp_path):
    silent = re.sub(r"\[about\].*?(?=\n\[)", "", RECIPE, flags=re.DOTALL)
    assert load_recipe(write(tmp_path, silent)).about == About()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("epochs = 12", "epochs = 12\nepoch = 3", "training has an unknown key: epoch"),
        ("[model]", "[header]\nx = 1\n[model]", "has an unknown key: header"),
        ('"weak"', '"bold"', "kind has a value of the wrong type: 'bold'"),
        ("epochs = 12\n", "", "training lacks the key epochs"),
        ("epochs = 12", "epochs = 12.5", "epochs has a value of the wrong type: 12.5"),
        ("epochs = 12", "epochs = true", "epochs has a value of the wrong type: True"),
        ('title = "Tiny"\nsource', "title = 3\nsource", "title has a value of the wrong type: 3"),
        ('["flickr8k-dev-*.tar"]', '"flickr8k-dev-*.tar"', "evaluation_shards has a value of the wrong type"),
        ("[about]", "[about", "cannot be read"),
        ('kind = "weak"', 'kind = ["weak"]', "kind has a value of the wrong type"),
        ('["lite0"]', '["lite3"]', "networks has a value of the wrong type: 'lite3'"),
        ('["lite0"]', "[]", "give at least one network"),
        ('["lite0"]', '["lite0", "lite0"]', "at least one network, each once"),
        ("dim = 32", "dim = -5", r"of the widths \(-5, 48, 40\) .* give 32 to 4096 pixels, 1 to 8192 as dim"),
        ("dim = 32", "dim = 1000000000", "of the widths"),
        ("size = 224", "size = 31", "photos of 31 pixels"),
        ("branch = 1.0", "branch = inf", "a branch of inf"),
        ("branch = 1.0", "branch = nan", "model, branch is no number"),
        ("[bundle]", STAGES.format(2), "stages from 2 on cannot be tuned for 1 epochs; give 3 to 6, and an"),
        ("[bundle]", STAGES.format(7), "stages from 7 on"),
        ("text_dropout = 0.1", "text_dropout = 1.0", "shares from 0 to below 1"),
        ("epochs = 12", "epochs = 0", "at least one epoch"),
        ("temperature = 20.0", "temperature = 0.0", "a temperature above 0"),
        ("folds = 0", "folds = 1", "cannot have 1 folds of 0 epochs"),
        ('translations = "', 'blanks = -1\ntranslations = "', "cannot have -1 blanks"),
        ("branch = 1.0", "branch = 0.0", "pseudo photos but no classifier branch"),
    ],
)
def test_a_key_that_nobody_reads_or_that_is_missing_or_cannot_be_followed_is_an_error(
    tmp_path, old, new, complaint
):
    assert old in RECIPE
    with pytest.raises(RecipeError, match=complaint):
        load_recipe(write(tmp_path, RECIPE.replace(old, new, 1)))


def test_a_recipe_of_the_other_kind_is_told_with_the_command_that_follows_it():
    with pytest.raises(RecipeError, match="of a reinforced set; `mctrain reinforce --recipe` follows it"):
        load_recipe("everyday")
    with pytest.raises(RecipeError, match="of a fit; `mctrain teach` follows it"):
        load_reinforcement("starter")


def test_an_unknown_storage_is_told(tmp_path):
    path = files("mctrain") / "recipes" / "everyday.toml"
    text = path.read_text(encoding="utf-8").replace("pth-bf16", "pth-bf8")
    with pytest.raises(RecipeError, match="storage has a value of the wrong type: 'pth-bf8'"):
        load_reinforcement(write(tmp_path, text))


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(RecipeError, match=r"there are: .*starter"):
        load_recipe("nonsense")


def test_a_recipe_survives_its_checkpoint(tmp_path):
    recipe = load_recipe("starter")
    assert parse_recipe(asdict(recipe), "a checkpoint") == recipe


def test_runs_without_blanks_are_those_from_before_there_were_any(tmp_path):
    text = RECIPE.replace('translations = "', 'blanks = {}\ntranslations = "')
    plain, none, some = (
        load_recipe(write(tmp_path, own)) for own in (RECIPE, text.format(0), text.format(9))
    )
    assert plain.numbers() == none.numbers()
    assert "blanks" not in plain.numbers()["data"]
    assert some.numbers()["data"]["blanks"] == 9
    assert len({plain.digest(), none.digest(), some.digest()}) == 2

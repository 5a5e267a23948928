"""A recipe is followed as written, or not at all."""

from __future__ import annotations

import pytest
from tests.trainer.conftest import RECIPE

from mctrain.errors import RecipeError
from mctrain.recipe import load_recipe, parse_recipe


def write(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_recipe_is_found_by_name_and_by_path(tmp_path):
    assert load_recipe("starter").bundle.name == "picsight-starter"
    assert load_recipe(write(tmp_path, RECIPE)).training.epochs == 12


def test_a_recipe_says_what_it_takes_and_what_comes_out():
    about = load_recipe("starter").about
    assert all((about.source, about.machine, about.hours, about.expected, about.command))


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
    ],
)
def test_a_key_that_nobody_reads_or_that_is_missing_or_of_another_type_is_an_error(
    tmp_path, old, new, complaint
):
    assert old in RECIPE
    with pytest.raises(RecipeError, match=complaint):
        load_recipe(write(tmp_path, RECIPE.replace(old, new, 1)))


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(RecipeError, match=r"there are: .*starter"):
        load_recipe("nonsense")


def test_a_recipe_survives_its_checkpoint(tmp_path):
    recipe = load_recipe("starter")
    assert parse_recipe(recipe.as_dict(), "a checkpoint") == recipe

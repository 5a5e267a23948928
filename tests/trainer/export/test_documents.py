"""A bundle's licence and card match its content."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from mctrain.errors import RecipeError
from mctrain.export.documents import CARD, LICENCE, licence_of, title_of, write_documents
from mctrain.models.clip import build_clip
from mctrain.models.presets import PRESETS
from mctrain.recipes.parser import load
from mctrain.recipes.training import TrainingRecipe
from mctrain.weights.checkpoint import Checkpoint, Trained, WeightsFile
from mctrain.weights.from_bundle import read_bundle

SOURCE = WeightsFile("weights.pt", "0" * 64, "timm")


@pytest.fixture
def family():
    preset = PRESETS["laptop_xxs"]
    return Checkpoint(preset, build_clip(preset), SOURCE)


def licence(checkpoint, folder):
    write_documents(checkpoint, folder)
    return (folder / LICENCE).read_text(encoding="utf-8")


def test_the_licence_names_only_the_vocabulary_in_the_bundle(family, starter, tmp_path):
    assert "the vocabulary of CLIP" in licence(family, tmp_path)
    image_alone = replace(family, clip=build_clip(family.preset, with_text=False))
    assert "vocabulary" not in licence(image_alone, tmp_path)
    assert "vocabulary" not in licence(read_bundle(starter), tmp_path)


def trained_on(checkpoint, recipe):
    """The model after a training run."""
    return replace(checkpoint, origin=Trained(asdict(load(TrainingRecipe, recipe)), 9, "b" * 64, {}, None))


def test_a_model_of_published_weights_keeps_their_licence(tmp_path):
    preset = PRESETS["mobileclip_s0"]
    clip = build_clip(PRESETS["laptop_xxs"])  # no tower of it is read here
    trained = trained_on(Checkpoint(preset, clip, SOURCE), "my-photos")
    assert licence_of(trained) == licence_of(Checkpoint(preset, clip, SOURCE))
    assert licence_of(trained).accept
    text = licence(trained, tmp_path)
    assert "research purposes only" in text
    assert "the vocabulary of CLIP" in text
    assert "b" * 64 in text


def test_a_bundle_gets_a_name_that_can_be_installed(starter):
    trained = trained_on(read_bundle(starter), "my-photos")
    named = {**trained.origin.recipe, "name": "Meine Fotos 2026 …", "bundle": None}
    named["about"] = {**named["about"], "title": ""}
    name, title = title_of(replace(trained, origin=replace(trained.origin, recipe=named)))
    assert (name, title) == ("Meine-Fotos-2026", "Meine Fotos 2026 …")
    with pytest.raises(RecipeError, match=r"bundle, name is 'Rex & Mia'; it should have up to 64 letters"):
        load(TrainingRecipe, "my-photos", ['bundle.name="Rex & Mia"'])


def test_a_run_names_the_weights_that_it_began_with(starter, tmp_path):
    trained = trained_on(read_bundle(starter), "my-photos")
    assert licence_of(trained).id == "LicenseRef-Picsight-Starter"
    text = licence(trained, tmp_path)
    assert f"It began with the weights of {trained.preset.title}" in text
    assert text.startswith((starter / LICENCE).read_text(encoding="utf-8")[:200])
    assert (
        f"It learnt from 0 photos in 9 steps, on top of {trained.preset.title}."
        in (tmp_path / CARD).read_text()
    )
    assert "vocabulary" not in text

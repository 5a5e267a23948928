"""The shipped starter is read back into a checkpoint that embeds as the bundle does."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from itertools import islice

import numpy as np
import pytest
import torch
from tests.trainer.conftest import run_mctrain

from mctrain.data.shards import samples
from mctrain.errors import WeightsError
from mctrain.export.bundle import export_bundle
from mctrain.export.precision import packaged_inputs
from mctrain.models.clip import build_clip, load_trunks
from mctrain.models.presets import preset_of
from mctrain.recipes.parser import load
from mctrain.recipes.tables import ModelTable
from mctrain.recipes.training import TrainingRecipe
from mctrain.teachers.teacher import BundleTeacher, open_teacher
from mctrain.weights.checkpoint import Checkpoint, Trained, WeightsFile
from mctrain.weights.from_bundle import read_bundle

TEXTS = ["a dog in the snow", "two people on a bench by the sea", "sunset", "red car"]


def test_the_starter_read_back_embeds_as_the_bundle_does(starter, photo_sets, tmp_path):
    output = run_mctrain("import", starter, "-o", tmp_path / "model.pt").output
    assert "both towers, from a bundle" in output
    back, bundle = (open_teacher(str(path), tmp_path) for path in (tmp_path / "model.pt", starter))
    found = list(islice(samples(photo_sets / "flickr8k-dev-000000.tar"), 12))
    pictures, keys = [photo.image() for photo in found], [photo.key for photo in found]
    near = (back.photos(pictures, keys) * bundle.photos(pictures, keys)).sum(1)
    assert near.min() > 0.99  # as for texts below
    near = (back.texts(TEXTS) * bundle.texts(TEXTS)).sum(1)
    assert near.min() > 0.99  # activations are int8 there, and float32 here
    assert np.isclose(back.scale, bundle.scale, rtol=1e-3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "is not on a Lite network and MiniLM with heads of ours, so it cannot be read back"),
        ({"networks": ["lite0"]}, r"image\.onnx has trunk\.\S+ as \([\d, ]+\) instead of \([\d, ]+\), so"),
        (
            {"text_hidden": 64},
            r"text\.onnx has head\.widen\.weight as \(1024, 384\) instead of \(64, 384\), so",
        ),
    ],
)
def test_a_bundle_with_graphs_of_another_model_is_refused(starter, tmp_path, model, message):
    shutil.copytree(starter, tmp_path / "other")
    manifest = json.loads((starter / "bundle.json").read_text(encoding="utf-8"))
    first = manifest["provenance"].pop("recipe")
    if model is not None:
        manifest["provenance"]["recipe"] = {"model": {**first["model"], **model}}
    (tmp_path / "other" / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(WeightsError, match=message):
        read_bundle(tmp_path / "other")


def _near(one, other, photo_sets):
    """The least cosines of two bundles' embeddings of the same photos and texts."""
    found = list(islice(samples(photo_sets / "flickr8k-dev-000000.tar"), 12))
    pictures, keys = [photo.image() for photo in found], [photo.key for photo in found]
    texts = [*TEXTS, *(photo.record["captions"][0] for photo in found)]
    return (
        (one.photos(pictures, keys) * other.photos(pictures, keys)).sum(1).min(),
        (one.texts(texts) * other.texts(texts)).sum(1).min(),
    )


def _exported(checkpoint, folder):
    """A bundle as of a run without steps, with text as int8."""
    recipe = asdict(replace(load(TrainingRecipe, "my-photos"), apart=None))
    origin = Trained(recipe, 0, "ab" * 32, {}, None)
    export_bundle(replace(checkpoint, origin=origin), folder, packaged_inputs(), int8_text=True)
    return BundleTeacher(folder)


@pytest.mark.soak
def test_tuned_trunks_come_back_and_the_factors_of_joined_ones(photo_sets, tmp_path):
    """A network at a larger size, with weights, statistics and factors of no package."""
    preset = preset_of(ModelTable(("lite2",), 260, 64, 48, 40, 0.0, 0.0, 0.0, 0.0, 3.0))
    torch.manual_seed(5)
    clip = build_clip(preset).eval().requires_grad_(requires_grad=False)
    load_trunks(clip, preset)
    clip.image.trunk.factors.fill_(0.83)
    for name, parameter in clip.named_parameters():
        if "blocks.6" in name or "conv_head" in name or "trunk.layers.5" in name:
            parameter.mul_(1 + 0.1 * torch.randn_like(parameter))
    clip.image.trunk.networks[0].network.bn2.running_mean.add_(0.1)
    first = _exported(Checkpoint(preset, clip, WeightsFile("none", "", "picsight")), tmp_path / "first")
    back = read_bundle(tmp_path / "first")
    assert back.clip.image.trunk.factors.tolist() == pytest.approx([0.83])
    assert min(_near(first, _exported(back, tmp_path / "second"), photo_sets)) > 0.999


def test_a_preset_is_refused_for_a_bundle(starter, tmp_path):
    result = run_mctrain("import", starter, "--preset", "laptop_xs", "-o", tmp_path / "model.pt", code=2)
    assert "is a bundle and names its model itself" in result.output
    assert not list(tmp_path.iterdir())

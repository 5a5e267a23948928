"""The parts that a run did not train are, byte for byte, those of the bundle that it began with."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from mctrain.errors import ExportError, WeightsError
from mctrain.export.bundle import export_bundle
from mctrain.export.precision import packaged_inputs
from mctrain.export.reused_towers import ReusedTowers
from mctrain.models.graph import Graph
from mctrain.recipes.parser import load
from mctrain.recipes.training import TrainingRecipe
from mctrain.weights.checkpoint import Trained
from mctrain.weights.from_bundle import StoredWeights, read_bundle
from picsight_engine.bundles.bundle import IMAGE_GRAPH, TEXT_GRAPH, open_bundle
from picsight_engine.bundles.preprocess import preprocess


@pytest.fixture(scope="module")
def base(starter):
    return open_bundle(starter, hashes=True)


@pytest.fixture(scope="module")
def made(starter):
    """The starter with another image head, as a run leaves it."""
    checkpoint = read_bundle(starter)
    head = checkpoint.clip.image.head
    torch.manual_seed(0)
    for weight in (head.straight.weight, head.narrow.bias, head.branch.weight):
        weight.add_(torch.randn_like(weight) * weight.std())
    recipe = asdict(replace(load(TrainingRecipe, "my-photos"), apart=None))
    return replace(checkpoint, origin=Trained(recipe, 9, "b" * 64, {}, None, photos=160))


def values(path):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def test_the_text_tower_stays_to_the_byte_and_the_image_tower_gets_the_head(base, made, tmp_path):
    probe = replace(packaged_inputs(), pictures=packaged_inputs().pictures[:4])
    bundle = export_bundle(made, tmp_path / "made", probe, int8_text=False, begun=base)
    for name in (TEXT_GRAPH, base.text_spec().tokenizer):
        assert (bundle.folder / name).read_bytes() == (base.folder / name).read_bytes()
    assert bundle.manifest.text == base.manifest.text
    assert bundle.manifest.provenance["int8_text"]
    before, after = values(base.folder / IMAGE_GRAPH), values(bundle.folder / IMAGE_GRAPH)
    changed = [name for name in before if not np.array_equal(before[name], after[name])]
    assert sorted(changed) == ["head.branch.weight_half", "head.narrow.bias", "head.straight.weight_half"]
    pixels = np.stack([preprocess(picture, bundle.image_spec()) for picture in probe.pictures])
    with torch.no_grad():
        wanted = made.clip.image(torch.from_numpy(pixels)).numpy()
    (found,) = Graph(bundle.folder / IMAGE_GRAPH)(pixels)
    assert (found * wanted).sum(1).min() > 0.99  # activations are int8 here, and float32 in torch
    assert (found * Graph(base.folder / IMAGE_GRAPH)(pixels)[0]).sum(1).max() < 0.99
    assert bundle.manifest.space_id != base.manifest.space_id


def test_a_changed_image_tower_that_had_to_stay_is_refused(base, made, tmp_path):
    with pytest.raises(
        ExportError, match="is not that of the checkpoint, so nothing was written; name the bundle"
    ):
        export_bundle(
            made, tmp_path / "made", packaged_inputs(), int8_text=False, begun=base, same_image=True
        )
    assert list(tmp_path.iterdir()) == []


def test_a_trained_part_is_not_kept(base, made):
    image, text = made.clip.image.state_dict(), made.clip.text.state_dict()
    deepest = next(name for name in image if name.startswith("trunk.") and name.endswith("weight"))
    for tensor, expected in ((image[deepest], (True, False)), (next(iter(text.values())), (False, True))):
        before = tensor.flatten()[0].clone()
        tensor.flatten()[0] += 1
        kept = ReusedTowers(base, made)
        tensor.flatten()[0] = before
        assert (kept.text, kept.trunk) == expected


def test_a_graph_without_the_head_is_refused(base, tmp_path):
    with pytest.raises(WeightsError, match="has no head of mine that could be replaced"):
        StoredWeights(base.folder / IMAGE_GRAPH).write_with(
            {"head of mine": torch.zeros(1)}, tmp_path / "x.onnx"
        )

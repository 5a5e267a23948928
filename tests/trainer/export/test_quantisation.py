"""A quantised image tower nearly agrees with the float one, has its own space, and never saw an evaluation photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnx import numpy_helper
from tests.trainer.conftest import DEV_KEYS
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.cli.command import mctrain
from mctrain.errors import DataError, ExportError
from mctrain.export.quantisation import draw_photos, quantise_bundle
from mctrain.models.graph import Graph, Port, write_graph
from mctrain.weights.from_bundle import StoredWeights
from picsight_engine.bundles.bundle import IMAGE_GRAPH, IMAGE_PACKAGE, open_bundle
from picsight_engine.bundles.preprocess import preprocess


@pytest.fixture(scope="module")
def shards(photo_sets):
    return [photo_sets / f"flickr8k-train-00000{number}.tar" for number in (0, 1)]


@pytest.fixture(scope="module")
def quantised(bundle, shards, tmp_path_factory):
    return quantise_bundle(bundle, shards, tmp_path_factory.mktemp("bundles") / "int8")


def weights(folder):
    graph = onnx.load(folder / IMAGE_GRAPH).graph
    return {each.name: numpy_helper.to_array(each) for each in graph.initializer}


def test_it_agrees_with_the_float_graph_and_says_how_far(bundle, quantised, shards):
    drift = quantised.manifest.drift["image"]
    assert (drift["stored"], drift["of"], drift["count"]) == ("int8", "the float graph", 13)
    assert 0.98 <= drift["mean"] < 1
    assert drift["least"] <= drift["mean"]
    rows = [preprocess(photo.image(), bundle.image_spec())[None] for photo in draw_photos(shards)[:8]]
    one, other = (
        np.concatenate([Graph(each.folder / IMAGE_GRAPH)(row)[0] for row in rows])
        for each in (bundle, quantised)
    )
    assert (one * other).sum(1).min() > 0.95
    assert quantised.manifest.provenance["int8_image"]["photos"] == 49
    assert quantised.manifest.provenance["int8_image"]["of"] == bundle.manifest.files[IMAGE_GRAPH].sha256


def test_it_has_a_space_of_its_own_and_needs_a_calibration(bundle, quantised):
    assert quantised.manifest.space_id != bundle.manifest.space_id
    assert (
        quantised.manifest.calibration is quantised.manifest.likeness is quantised.manifest.blankness is None
    )
    for name in bundle.manifest.files.keys() - {IMAGE_GRAPH}:
        assert (quantised.folder / name).read_bytes() == (bundle.folder / name).read_bytes()


def test_weights_of_convolutions_have_seven_bits_and_the_head_stays(bundle, quantised):
    before, after = weights(bundle.folder), weights(quantised.folder)
    convolutions = [each for each in after.values() if each.dtype == np.int8 and each.ndim == 4]
    assert convolutions
    assert max(int(np.abs(each).max()) for each in convolutions) <= 64
    heads = [name for name in before if name.startswith("head.")]
    assert heads
    assert all(np.array_equal(before[name], after[name]) for name in heads)


def test_rounded_weights_do_not_move_the_mean_of_a_channel(quantised, bundle, shards):
    """What reads a bundle back gets the rounded weights, and the biases that make up for them; the first layer is not rounded."""
    stem, name = (f"trunk.network.{each}.weight" for each in ("conv_stem", "blocks.0.0.conv_dw"))
    shapes = {stem: torch.zeros(32, 3, 3, 3), f"{stem}_bias": torch.zeros(32)}
    shapes |= {name: torch.zeros(32, 1, 3, 3), f"{name}_bias": torch.zeros(32)}
    before, after = (StoredWeights(each.folder / IMAGE_GRAPH).like(shapes) for each in (bundle, quantised))
    assert all(torch.equal(before[each], after[each]) for each in (stem, f"{stem}_bias"))
    calibrating = [photo for number, photo in enumerate(draw_photos(shards)) if number % 5]
    pixels = torch.tensor(np.stack([preprocess(each.image(), bundle.image_spec()) for each in calibrating]))
    maps = F.conv2d(pixels, before[stem], before[f"{stem}_bias"], stride=2, padding=1).clamp(0, 6)
    rounding = (after[name] - before[name]).sum((1, 2, 3)) * maps.mean((0, 2, 3))
    correction = after[f"{name}_bias"] - before[f"{name}_bias"]
    assert rounding.abs().max() > 0.1
    assert torch.allclose(rounding, -correction, atol=0.01)  # the steps of biases


def test_evaluation_photos_calibrate_nothing(photo_sets):
    with pytest.raises(
        DataError, match="hold 0 photos that are not for evaluation, but a calibration needs 50"
    ):
        draw_photos([photo_sets / "flickr8k-dev-000000.tar"])
    every = draw_photos([photo_sets / "flickr8k-dev-000000.tar", photo_sets / "flickr8k-train-000004.tar"])
    assert not {each.key for each in every} & set(DEV_KEYS)


def test_a_tower_that_is_quantised_or_has_a_package_is_refused(bundle, quantised, shards, tmp_path):
    with pytest.raises(ExportError, match="is quantised already"):
        quantise_bundle(quantised, shards, tmp_path / "twice")
    files = {**bundle.manifest.files, f"{IMAGE_PACKAGE}/Manifest.json": bundle.manifest.files[IMAGE_GRAPH]}
    packaged = replace(bundle, manifest=replace(bundle.manifest, files=files))
    with pytest.raises(ExportError, match="Core ML package"):
        quantise_bundle(packaged, shards, tmp_path / "packaged")
    assert list(tmp_path.iterdir()) == []


def test_the_command_quantises_a_bundle_and_refuses_what_does_not_go_with_it(
    bundle, quantised, shards, tmp_path
):
    words = ["export", str(bundle.folder), "-o", str(tmp_path / "made")]
    for shard in shards:
        words += ["--int8-photos", str(shard)]
    run = CliRunner().invoke(mctrain, words)
    assert run.exit_code == 0, run.output
    assert "for photos (int8)" in run.output
    assert open_bundle(tmp_path / "made", hashes=True).manifest.space_id == quantised.manifest.space_id
    assert CliRunner().invoke(mctrain, [*words, "--coreml"]).exit_code == 2


def test_a_convolution_without_a_bias_is_quantised_as_well(bundle, shards, tmp_path):
    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = torch.nn.Sequential(
                torch.nn.Conv2d(3, 32, 8, stride=8), torch.nn.Conv2d(32, 32, 3, bias=False)
            )

        def forward(self, pixels):
            return F.normalize(self.convs(pixels).mean((2, 3)), dim=1)

    torch.manual_seed(0)
    spec, graph = bundle.image_spec(), tmp_path / "plain" / IMAGE_GRAPH
    graph.parent.mkdir()
    write_graph(
        Plain(), torch.zeros(2, 3, spec.size, spec.size), Port(spec.input, {0: "n"}), [spec.output], graph
    )
    files = {IMAGE_GRAPH: bundle.manifest.files[IMAGE_GRAPH]}
    manifest = replace(bundle.manifest, text=None, files=files)
    made = quantise_bundle(replace(bundle, folder=graph.parent, manifest=manifest), shards, tmp_path / "made")
    assert made.manifest.drift["image"]["mean"] > 0.98

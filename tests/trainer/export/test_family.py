"""A graph of every kind of tower computes what the tower computes, at any batch."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from mctrain.errors import ExportError
from mctrain.export.bundle import _store_small, write_text_graph
from mctrain.export.precision import demand_equal, demand_vectors
from mctrain.models.clip import UnitVectors
from mctrain.models.graph import Graph, Port, write_graph
from mctrain.models.mci import Mci, MciShape
from mctrain.models.presets import CLIP_MEAN, CLIP_STD, PRESETS
from mctrain.models.reparameterize import fold_everything
from mctrain.models.text import CONTEXT, END, Text, TextShape
from mctrain.models.tokenizer import CLIP_SPEC
from mctrain.models.vit import Vit, VitShape

# one small tower of each kind that laptop_xxs does not have, and the side of its photos
LARGE = MciShape((1, 1, 1, 1, 1), (16, 32, 64, 128, 256), 4, attention=(3, 4), excite=(), large=True)
TOWERS = {
    "mci with layer norm": (lambda: Mci(LARGE, 32, head_bias=True), 128),
    "vit with a stem": (
        lambda: Vit(
            VitShape(128, 2, patch=16, grid=3, stem=True, padding=1, epsilon=1e-5), 32, head_bias=False
        ),
        48,
    ),
    "vit with one convolution": (
        lambda: Vit(
            VitShape(128, 2, patch=14, grid=3, stem=False, padding=0, epsilon=1e-5), 32, head_bias=True
        ),
        42,
    ),
}


def left_to_fold(path):
    return [node for node in onnx.load(path).graph.node if node.op_type == "BatchNormalization"]


@pytest.mark.parametrize("kind", TOWERS)
def test_an_image_towers_graph_is_equal_at_any_batch(kind, randomised, tmp_path):
    make, side = TOWERS[kind]
    tower, path = randomised(make()), tmp_path / "image.onnx"
    write_graph(
        UnitVectors(fold_everything(tower)),
        torch.zeros(2, 3, side, side),
        Port("pixels", {0: "n"}),
        ["vector"],
        path,
    )
    demand_equal(UnitVectors(tower).eval(), path, [torch.rand(count, 3, side, side) for count in (1, 2, 5)])
    assert left_to_fold(path) == []


def texts(*ends):
    """A row of 77 ids for each place of an end, zeros behind it."""
    ids = torch.randint(1, END, (len(ends), CONTEXT), generator=torch.Generator().manual_seed(0))
    for row, end in enumerate(ends):
        ids[row, end] = END
        ids[row, end + 1 :] = 0
    return ids


@pytest.fixture(scope="module", params=[True, False])
def words(request, randomised, tmp_path_factory):
    """A text tower, whether it is causal, and its graph."""
    tower = randomised(Text(TextShape(128, 2, causal=request.param), 32))
    path = tmp_path_factory.mktemp("words") / "text.onnx"
    write_text_graph(tower, CLIP_SPEC, path, causal=request.param)
    return tower, request.param, path


def test_a_text_towers_graph_is_equal_at_any_batch_and_length(words):
    tower, causal, path = words
    trials = [texts(1), texts(76), texts(7), texts(3, 18), texts(63, 3, 33, 76, 1)]
    demand_equal(UnitVectors(tower).eval(), path, trials)
    entry = onnx.load(path).graph.input[0].type.tensor_type.shape.dim
    assert (entry[0].dim_param, entry[1].dim_value) == ("n", CONTEXT)
    other = Text(TextShape(128, 2, causal=not causal), 32)
    other.load_state_dict(tower.state_dict())
    with pytest.raises(ExportError, match="differs from the checkpoint"):
        demand_equal(UnitVectors(other).eval(), path, [texts(7)])


def test_only_a_causal_graph_skips_the_padding(words, tmp_path):
    _, causal, path = words
    model = onnx.load(path)
    product = next(node for node in model.graph.node if node.op_type in ("MatMul", "Gemm"))
    model.graph.output.append(onnx.ValueInfoProto(name=product.output[0]))
    onnx.save(model, tmp_path / "text.onnx")
    rows = Graph(tmp_path / "text.onnx")(texts(7, 4).numpy())[1].size // (
        2 * 3 * 128
    )  # queries, keys and values of the first layer
    assert rows == (8 if causal else CONTEXT)


def test_each_preset_has_the_preprocessing_of_its_training():
    for name, preset in PRESETS.items():
        spec = preset.image_spec()
        large = name.endswith(("s3", "s4", "l14"))
        assert (spec.mean, spec.std) == ((CLIP_MEAN, CLIP_STD) if large else (None, None))
        assert spec.interpolation == ("bicubic" if name.endswith("l14") else "bilinear")
        assert (spec.resize, spec.crop, spec.size) == ("shortest", "centre", preset.size)


@pytest.mark.parametrize(("factor", "stored"), [(1, "float16"), (1e-9, "float32")])
def test_weights_beyond_float16_are_stored_as_float32(factor, stored, tmp_path):
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Linear(64, 96, bias=False), nn.Linear(96, 64, bias=False))
    with torch.no_grad():
        tower[0].weight.mul_(factor)
        tower[1].weight.div_(factor)  # together as they were
    write_graph(tower, torch.zeros(2, 64), Port("pixels", {0: "n"}), ["vector"], tmp_path / "plain.onnx")
    rows = list(torch.randn(16, 1, 64).numpy())
    drift = _store_small(tower, tmp_path / "plain.onnx", tmp_path / "stored.onnx", rows)
    assert drift["stored"] == stored
    assert drift["least"] > 0.999
    kinds = {weight.data_type for weight in onnx.load(tmp_path / "stored.onnx").graph.initializer}
    assert kinds == {onnx.TensorProto.FLOAT16 if stored == "float16" else onnx.TensorProto.FLOAT}


@pytest.mark.parametrize(
    ("vectors", "flaw"),
    [
        (np.zeros((3, 4)), "vectors of length zero"),
        (np.full((3, 4), np.nan), r"no numbers \(NaN\)"),
        (np.full((3, 4), 0.5), "the same vector for everything"),
    ],
)
def test_a_tower_without_weights_is_named_and_not_exported(vectors, flaw):
    """A projection missing from a file keeps its initial memory: zeros or anything."""
    with pytest.raises(
        ExportError, match=f"The image tower of the checkpoint gives {flaw}, as if weights were"
    ):
        demand_vectors(vectors.astype(np.float32), "image")

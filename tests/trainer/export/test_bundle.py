"""An exported bundle computes what the checkpoint computes, through the engine."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch

from mctrain.errors import ExportError
from mctrain.export.precision import demand_equal, measure_drift, store_int8, trial_texts
from mctrain.models.clip import space_id
from mctrain.models.graph import Port, write_graph
from mctrain.models.tokenizer import MINILM_SPEC
from mctrain.source_commit import commit_of_sources
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.onnx import OnnxTextEncoder


@pytest.fixture(scope="module")
def towers(checkpoint):
    return checkpoint.clip.image, checkpoint.clip.text


def test_photos_are_embedded_as_by_torch_at_any_batch_size(bundle, towers):
    encoder = load_image_encoder(bundle)
    for count in (1, 3, 4):
        pixels = torch.randn(count, 3, 224, 224)
        with torch.no_grad():
            wanted = towers[0](pixels).numpy()
        found = encoder.encode(pixels.numpy())
        assert found.shape == (count, 32)
        assert ((found * wanted).sum(1) > 0.999).all()


def test_texts_are_embedded_as_by_torch_at_any_shape_and_padding(bundle, towers):
    encoder = OnnxTextEncoder(bundle, threads=1)
    for ids in trial_texts(MINILM_SPEC):
        with torch.no_grad():
            wanted = towers[1](ids).numpy()
        assert ((encoder.encode(ids.numpy()) * wanted).sum(1) > 0.999).all()


def test_the_manifest_records_provenance_without_local_paths(bundle, checkpoint, towers, tiny_data, cache):
    manifest = open_bundle(bundle.folder, hashes=True).manifest
    assert manifest.space_id == space_id(towers[0], checkpoint.preset.image_spec())
    assert manifest.provenance["recipe"]["name"] == "tiny"
    assert manifest.provenance["tool"]["commit"] == commit_of_sources()
    assert manifest.provenance["data"]["flickr8k-train-000000.tar"]
    assert manifest.drift["image"]["mean"] > 0.999
    assert manifest.drift["text"]["count"] >= 16
    assert 1 < manifest.logit_scale <= 100
    assert manifest.image.mean == pytest.approx([127 / 255] * 3)
    assert manifest.image.std == pytest.approx([128 / 255] * 3)
    text = (bundle.folder / "bundle.json").read_text(encoding="utf-8")
    assert str(tiny_data) not in text
    assert str(cache) not in text
    tokenizer = json.loads((bundle.folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert tokenizer["padding"] is tokenizer["truncation"] is None
    assert {"LICENCE.txt", "README.md"} <= set(manifest.files)


def test_int8_stores_matrices_and_the_word_table_as_bytes(bundle, tmp_path):
    """A small tower with the same kinds of layers: an embedding table and a linear layer."""

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.words = torch.nn.Embedding(500, 64)
            self.linear = torch.nn.Linear(64, 64)

        def forward(self, ids):
            return torch.nn.functional.normalize(self.linear(self.words(ids)).mean(1), dim=1)

    torch.manual_seed(0)
    module, ids = Small(), torch.randint(0, 500, (4, 9))
    write_graph(module, ids, Port("ids", {0: "n", 1: "tokens"}), ["vector"], tmp_path / "plain.onnx")
    demand_equal(module, tmp_path / "plain.onnx", [ids, ids[:1, :3]])
    store_int8(tmp_path / "plain.onnx", tmp_path / "small.onnx")
    model = onnx.load(tmp_path / "small.onnx")
    large = {weight.data_type for weight in model.graph.initializer if np.prod(weight.dims) >= 4096}
    assert large <= {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
    with torch.no_grad():
        wanted = module(ids).numpy()
    drift = measure_drift(wanted, tmp_path / "small.onnx", [row[None] for row in ids.numpy()])
    assert (drift.count, drift.centred) == (4, True)
    assert 0.9 < drift.least < drift.mean < 0.99999
    with pytest.raises(ExportError, match="differs from the checkpoint"):
        demand_equal(Small(), tmp_path / "small.onnx", [ids])

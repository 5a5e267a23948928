"""Published weights become a checkpoint and then a bundle, which computes the same in the engine."""

from __future__ import annotations

import json
import re
from collections import Counter

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tests.trainer.conftest import published, run_mctrain
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.models.clip import space_id
from mctrain.models.presets import PRESETS
from mctrain.weights.checkpoint import load_checkpoint
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.bundles.tokenizer import Tokenizer
from picsight_engine.foundation.errors import PicsightError
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.text_embedder import TextEmbedder

PRESET = PRESETS["laptop_xxs"]
TEXTS = ["a dog", "Two people beside a lake &amp; a boat", "x " * 200, "", "café"]


@pytest.fixture(scope="module")
def files(tmp_path_factory, randomised):
    """Files of weights in the layouts of Apple, open_clip and timm."""
    folder = tmp_path_factory.mktemp("weights")
    for publisher in ("apple", "open_clip", "timm"):
        _, tensors = published(PRESET, publisher, randomised)
        if publisher == "apple":
            wrapped = {f"module.{name}": tensor for name, tensor in tensors.items()}
            torch.save({"state_dict": wrapped}, folder / "apple.pt")
        else:
            tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
            save_file(tensors, folder / f"{publisher}.safetensors")
    return folder


def pictures():
    draw = np.random.default_rng(4)
    sizes = [(300, 200), (200, 300), (128, 128), (640, 131), (97, 400)]
    return [
        Image.fromarray(draw.integers(0, 256, (7, 9, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
        for size in sizes
    ]


def centred(vectors):
    return F.normalize(vectors - vectors.mean(0), dim=1)


def test_import_and_export_report_what_they_made(exported):
    assert "Laptop XXS, both towers, in training form, from apple's names" in exported.imported
    assert re.search(
        r"looks trained: (yes|no) \(the logit scale is 99\.5; \d of 4 known photographs", exported.imported
    )
    assert f"space {exported.bundle.manifest.space_id}, " in exported.output
    assert "for photos (float16)" in exported.output


@torch.no_grad()
def test_the_engine_embeds_photos_as_torch_does(exported):
    spec = exported.bundle.image_spec()
    pixels = np.stack([preprocess(picture, spec) for picture in pictures()])
    wanted = F.normalize(exported.model.image(torch.from_numpy(pixels)), dim=1)
    found = torch.from_numpy(load_image_encoder(exported.bundle).encode(pixels))
    assert (centred(found) * centred(wanted)).sum(1).min() > 0.999
    assert torch.allclose(found.norm(dim=1), torch.ones(len(found)), atol=1e-5)


@torch.no_grad()
def test_the_engine_embeds_texts_as_torch_does(exported):
    ids = Tokenizer(exported.bundle).encode(TEXTS)
    assert ids.shape == (len(TEXTS), 77)
    wanted = F.normalize(exported.model.text(torch.from_numpy(ids)), dim=1)
    found = torch.from_numpy(TextEmbedder(exported.bundle, threads=1).embed_texts(TEXTS))
    assert (centred(found) * centred(wanted)).sum(1).min() > 0.999


def test_the_manifest_records_preprocessing_provenance_and_drift(exported):
    manifest, spec, text = exported.bundle.manifest, exported.bundle.image_spec(), exported.bundle.text_spec()
    assert (spec.size, spec.resize, spec.crop, spec.interpolation) == (128, "shortest", "centre", "bilinear")
    assert spec.mean is None
    assert (text.context, text.dynamic, text.pad_id, text.eot, text.clean) == (77, False, 0, 49407, "clip")
    assert manifest.space_id == space_id(exported.model.image, spec)
    assert manifest.drift["image"]["least"] > 0.99
    assert manifest.drift["text"]["centred"] is True
    assert manifest.drift["subjects"] == "packaged photographs"
    assert manifest.provenance["weights"]["name"] == "apple.pt"
    assert manifest.logit_scale == pytest.approx(99.4843, abs=1e-3)
    assert "/" not in json.dumps(manifest.provenance)


def test_every_norm_is_folded_in_the_graphs(exported):
    image, text = (onnx.load(exported.bundle.folder / name) for name in ("image.onnx", "text.onnx"))
    for graph in (image, text):
        assert "BatchNormalization" not in {node.op_type for node in graph.graph.node}
        assert graph.opset_import[0].version == 20
    assert Counter(node.op_type for node in text.graph.node)["Conv"] == 2 * 2  # the depthwise ones
    assert {"ArgMax", "GatherElements"} <= {node.op_type for node in text.graph.node}
    kinds = Counter(weight.data_type for weight in image.graph.initializer if np.prod(weight.dims) >= 4096)
    assert set(kinds) == {onnx.TensorProto.FLOAT16}


@pytest.mark.soak
def test_text_in_int8_is_smaller_and_says_what_it_cost(exported, tmp_path, monkeypatch):
    monkeypatch.setattr("mctrain.export.bundle.FAIR_INT8", 1.0)
    output = run_mctrain("export", exported.checkpoint, "-o", tmp_path / "small", "--int8-text").output
    assert "int8 makes this text tower much less accurate (good is 1.0 or more)" in output
    assert "int8 makes" not in exported.output
    small = open_bundle(tmp_path / "small", hashes=True)
    sizes = [bundle.manifest.files["text.onnx"].bytes for bundle in (small, exported.bundle)]
    assert sizes[0] < 0.7 * sizes[1]
    assert small.manifest.drift["text"]["stored"] == "int8"
    assert small.manifest.space_id == exported.bundle.manifest.space_id
    found = TextEmbedder(small, threads=1).embed_texts(TEXTS)
    wanted = TextEmbedder(exported.bundle, threads=1).embed_texts(TEXTS)
    assert ((found * wanted).sum(1) > 0.95).all()


def test_a_file_of_both_towers_is_imported(files, tmp_path):
    output = run_mctrain(
        "import", files / "open_clip.safetensors", "--preset", PRESET.name, "-o", tmp_path
    ).output
    assert "both towers" in output
    family = load_checkpoint(tmp_path)
    assert family.origin.publisher == "open_clip"
    assert family.clip.text is not None


def test_an_image_tower_alone_becomes_a_bundle_measured_on_real_photos(files, photo_sets, tmp_path):
    output = run_mctrain(
        "import", files / "timm.safetensors", "--preset", PRESET.name, "-o", tmp_path / "model.pt"
    ).output
    assert "the image tower alone" in output
    assert re.search(r"looks trained: yes \((\d+) of \1 norms of the image tower have moved\)", output)
    shard = photo_sets / "flickr8k-train-000000.tar"
    run_mctrain("export", tmp_path / "model.pt", "-o", tmp_path / "bundle", "--shard", shard)
    manifest = open_bundle(tmp_path / "bundle", hashes=True).manifest
    assert manifest.text is None
    assert "text.onnx" not in manifest.files
    assert manifest.drift["subjects"] == shard.name
    assert manifest.drift["image"]["count"] == 32
    assert manifest.drift["image"]["least"] > 0.99
    with pytest.raises(PicsightError, match="without a text tower, so there is none to store as int8"):
        run_mctrain("export", tmp_path / "model.pt", "-o", tmp_path / "small", "--int8-text")
    assert not (tmp_path / "small").exists()


def test_an_unwritable_output_is_reported_before_anything_else(files, tmp_path):
    run_mctrain("import", files / "timm.safetensors", "--preset", PRESET.name, "-o", tmp_path / "model.pt")
    (tmp_path / "file").touch()
    for words in (
        ("export", tmp_path / "model.pt", "-o", tmp_path / "file" / "bundle", "--coreml-text"),
        ("import", files / "apple.pt", "--preset", "mobileclip_s0", "-o", tmp_path / "file" / "model.pt"),
    ):
        with pytest.raises(PicsightError, match=r"file.* cannot be written \(Not a directory"):
            run_mctrain(*words)


def spoiled(files, tmp_path, name, value):
    """Weights in Apple's layout, one tensor filled with one number."""
    tensors = torch.load(files / "apple.pt", weights_only=True)["state_dict"]
    tensors[f"module.{name}"] = torch.full_like(tensors[f"module.{name}"], value)
    torch.save({"state_dict": tensors}, tmp_path / "spoiled.pt")
    return tmp_path / "spoiled.pt"


@pytest.mark.parametrize(
    ("name", "value", "flaw"),
    [
        ("image_encoder.model.head.proj", 0.0, "The image tower in .* gives vectors of length zero"),
        ("text_encoder.projection_layer", 0.0, "The text tower in .* vectors of length zero"),
    ],
)
def test_weights_that_give_zero_vectors_are_refused(files, tmp_path, name, value, flaw):
    weights = spoiled(files, tmp_path, name, value)
    with pytest.raises(PicsightError, match=f"{flaw}, as if weights were missing; nothing was written"):
        run_mctrain("import", weights, "--preset", PRESET.name, "-o", tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "publisher"),
    [("mobileclip_s0", "apple"), ("mobileclip_b", "apple"), ("mobileclip2_s3", "open_clip")],
)
def test_models_of_each_kind_are_imported_and_exported(name, publisher, randomised, photo_sets, tmp_path):
    torch.save(published(PRESETS[name], publisher, randomised)[1], tmp_path / "published.pt")
    run_mctrain("import", tmp_path / "published.pt", "--preset", name, "-o", tmp_path / "checkpoint.pt")
    shard = photo_sets / "flickr8k-train-000000.tar"
    run_mctrain("export", tmp_path / "checkpoint.pt", "-o", tmp_path / "bundle", "--shard", shard)
    drift = open_bundle(tmp_path / "bundle", hashes=True).manifest.drift
    assert "the Apple Machine Learning Research Model License Agreement" in (
        tmp_path / "bundle" / "LICENCE.txt"
    ).read_text(encoding="utf-8")
    assert drift["image"]["least"] > 0.999
    assert drift["text"]["least"] > 0.999

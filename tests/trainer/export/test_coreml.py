"""Core ML packages have the right specification on any system, and compute the right vectors on macOS."""

from __future__ import annotations

import coremltools
import numpy as np
import pytest
import torch
from coremltools.models import MLModel
from PIL import Image
from torch import nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from mctrain.export.coreml import write_image_package, write_text_package
from mctrain.models.clip import build_clip, load_trunks
from mctrain.models.presets import PRESETS, preset_of
from mctrain.models.tokenizer import MINILM_SPEC
from mctrain.recipes.parser import load
from mctrain.recipes.teaching import TeachingRecipe
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.onnx import OnnxTextEncoder

PRESET = PRESETS["laptop_xxs"]
RGB = coremltools.proto.FeatureTypes_pb2.ImageFeatureType.RGB
INT32 = coremltools.proto.FeatureTypes_pb2.ArrayFeatureType.INT32
FLOAT32 = coremltools.proto.FeatureTypes_pb2.ArrayFeatureType.FLOAT32
MACOS_12 = 6  # the version of the specification that runs from there on


@pytest.fixture
def family(exported):
    """The bundle of a small preset with both packages."""
    return exported.bundle


class Patches(nn.Module):
    """A small tower, quick to convert."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 512, 32, 32)

    def forward(self, pixels):
        return F.normalize(self.conv(pixels).mean((2, 3)), dim=1)


@pytest.fixture(scope="module")
def starter(tmp_path_factory):
    """Packages with the starter's preprocessing and tokens, of a small image tower and one text layer."""
    folder = tmp_path_factory.mktemp("starter")
    torch.manual_seed(0)
    preset = preset_of(load(TeachingRecipe, "starter").model)
    starter = build_clip(preset).eval()
    load_trunks(starter, preset)
    starter.text.trunk.layers = starter.text.trunk.layers[:1]
    write_image_package(Patches(), preset.image_spec(), folder)
    write_text_package(starter.text, MINILM_SPEC, folder)
    return folder


def specification(folder, name):
    return MLModel(str(folder / name), skip_model_load=True).get_spec()


def operations(spec):
    (function,) = spec.mlProgram.functions.values()
    (block,) = function.block_specializations.values()
    return block.operations


def steps(spec):
    return [operation.type for operation in operations(spec) if operation.type != "const"]


@pytest.mark.parametrize(("size", "context"), [(128, 77), (260, 64)])
def test_packages_take_a_picture_or_token_ids_and_give_vectors(family, starter, size, context):
    folder, dim = (family.folder, PRESET.dim) if size == 128 else (starter, 512)
    image, text = (specification(folder, f"{name}.mlpackage") for name in ("image", "text"))
    (entry,) = image.description.input
    assert entry.name == "image"
    assert (entry.type.imageType.width, entry.type.imageType.height) == (size, size)
    assert entry.type.imageType.colorSpace == RGB
    (entry,) = text.description.input
    assert (entry.name, entry.type.multiArrayType.dataType) == ("text", INT32)
    assert list(entry.type.multiArrayType.shape) == [1, context]
    for spec in (image, text):
        (result,) = spec.description.output
        assert (result.name, result.type.multiArrayType.dataType) == ("vector", FLOAT32)
        assert spec.specificationVersion == MACOS_12
    assert list(image.description.output[0].type.multiArrayType.shape) == [1, dim]


def test_weights_are_float16_and_norms_are_folded(family):
    for name in ("image.mlpackage", "text.mlpackage"):
        kinds = set(steps(specification(family.folder, name)))
        assert "batch_norm" not in kinds
        assert "gelu" in kinds
        weights = family.manifest.files[f"{name}/Data/com.apple.CoreML/weights/weight.bin"].bytes
        graph = family.manifest.files[name.replace("mlpackage", "onnx")].bytes  # stored as halves too
        assert weights == pytest.approx(graph, rel=0.2)


def test_the_manifest_lists_every_file_of_the_packages(family):
    for package in ("image.mlpackage", "text.mlpackage"):
        found = {
            path.relative_to(family.folder).as_posix()
            for path in (family.folder / package).rglob("*")
            if path.is_file()
        }
        assert found == {name for name in family.manifest.files if name.startswith(package)}
        assert found == {
            f"{package}/Manifest.json",
            f"{package}/Data/com.apple.CoreML/model.mlmodel",
            f"{package}/Data/com.apple.CoreML/weights/weight.bin",
        }
    assert family.manifest.provenance["coremltools"] == coremltools.__version__


@pytest.mark.macos
def test_an_image_package_computes_what_the_graph_computes(family):
    draw = np.random.default_rng(0)
    picture = Image.fromarray(draw.integers(0, 256, (9, 9, 3), np.uint8)).resize((PRESET.size,) * 2)
    wanted = load_image_encoder(family).encode(preprocess(picture, family.image_spec())[None])[0]
    model = MLModel(str(family.folder / "image.mlpackage"))
    found = model.predict({"image": picture})["vector"][0]
    assert found @ wanted / np.linalg.norm(found) > 0.99


@pytest.mark.macos
def test_a_text_package_computes_what_the_graph_computes(family):
    ids = np.zeros((1, 77), np.int64)
    ids[0, :3] = 49406, 320, 49407
    wanted = OnnxTextEncoder(family, threads=1).encode(ids)[0]
    model = MLModel(str(family.folder / "text.mlpackage"))
    found = model.predict({"text": ids.astype(np.int32)})["vector"][0]
    assert found @ wanted / np.linalg.norm(found) > 0.99

"""A graph reads the files of its bundle and no others, whichever tensor names one."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from picsight_engine.bundles.bundle import check_image_tower
from picsight_engine.foundation.errors import BundleError
from picsight_engine.runtime.onnx import OnnxImageEncoder

PIXELS = np.random.default_rng(3).random((2, 3, 8, 8), dtype=np.float32)


def constant(name, tensor):
    node = helper.make_node("Constant", [], [name])
    node.attribute.append(AttributeProto(name="value", type=AttributeProto.TENSOR, t=tensor))
    return node


def in_initializer(model, tensor):
    model.graph.initializer.append(tensor)


def in_constant(model, tensor):
    model.graph.node.insert(0, constant("bias", tensor))


@pytest.fixture
def make_reader(make_bundle, tiny_files, tmp_path):
    """A bundle whose image tower reads its bias from `location`; the file exists in the bundle and beside it."""

    def make(hide, location):
        model = onnx.load(tiny_files["image.onnx"])
        (bias,) = [each for each in model.graph.initializer if each.name == "bias"]
        model.graph.initializer.remove(bias)
        values = numpy_helper.to_array(bias).tobytes()
        (tmp_path / "weights.bin").write_bytes(values)
        outside = helper.make_tensor("bias", TensorProto.FLOAT, [4], values, raw=True)
        set_external_data(outside, location.format(folder=tmp_path))
        outside.ClearField("raw_data")
        hide(model, outside)
        (tmp_path / "changed.onnx").write_bytes(model.SerializeToString())
        files = {"image.onnx": tmp_path / "changed.onnx", "weights.bin": tmp_path / "weights.bin"}
        bundle = make_bundle(files=files)
        (bundle.folder / "link.bin").symlink_to(tmp_path / "weights.bin")
        (bundle.folder / "folder").symlink_to(tmp_path)
        return bundle

    return make


@pytest.mark.parametrize("hide", [in_initializer, in_constant])
def test_weights_beside_the_graph_are_read_and_those_elsewhere_refused(make_bundle, make_reader, hide):
    wanted = OnnxImageEncoder(make_bundle("plain")).encode(PIXELS)
    np.testing.assert_array_equal(OnnxImageEncoder(make_reader(hide, "weights.bin")).encode(PIXELS), wanted)
    for location in (
        "{folder}/weights.bin",
        "../weights.bin",
        "link.bin",
        "folder/weights.bin",
        "*/_ORT_MEM_ADDR_/*",
    ):
        with pytest.raises(BundleError, match=r"image\.onnx cannot be loaded"):
            OnnxImageEncoder(make_reader(hide, location))


def test_a_listed_file_that_became_a_link_out_of_the_bundle_is_refused(make_reader, tmp_path):
    bundle = make_reader(in_initializer, "weights.bin")
    shutil.move(bundle.folder / "weights.bin", tmp_path / "elsewhere.bin")
    (bundle.folder / "weights.bin").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(BundleError, match=r"image\.onnx cannot be loaded"):
        OnnxImageEncoder(bundle)


def test_a_changed_byte_of_weights_beside_the_image_tower_is_found_before_indexing(make_reader):
    bundle = make_reader(in_initializer, "weights.bin")
    check_image_tower(bundle)
    weights = bundle.folder / "weights.bin"
    weights.write_bytes(b"?" + weights.read_bytes()[1:])
    with pytest.raises(BundleError, match=r"weights\.bin was changed"):
        check_image_tower(bundle)

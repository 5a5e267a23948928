"""Both towers run through ONNX Runtime, and a graph that does not fit its manifest is refused."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from picsight_engine.foundation.errors import BundleError
from picsight_engine.runtime.backend import Backend, load_image_encoder
from picsight_engine.runtime.onnx import (
    CORE_ML,
    CPU,
    OnnxImageEncoder,
    OnnxTextEncoder,
    has_core_ml,
)


def make_pixels(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 3, 8, 8)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 4])
def test_photos_become_vectors_of_unit_length(make_bundle, count):
    vectors = load_image_encoder(make_bundle()).encode(make_pixels(count))
    assert vectors.shape == (count, 4)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_photo_has_the_same_vector_alone_and_in_a_batch(make_bundle):
    encoder = load_image_encoder(make_bundle())
    pixels = make_pixels(4)
    alone = np.concatenate([encoder.encode(pixels[index : index + 1]) for index in range(4)])
    np.testing.assert_allclose(encoder.encode(pixels), alone, atol=1e-6)
    assert (load_image_encoder(make_bundle("again")).encode(pixels[:1]) == alone[:1]).all()


def test_padding_does_not_change_a_text(make_bundle):
    encoder = OnnxTextEncoder(make_bundle())
    short = encoder.encode(np.array([[2, 9, 3]]))
    padded = encoder.encode(np.array([[2, 9, 3, 0, 0, 0]]))
    np.testing.assert_allclose(short, padded, atol=1e-6)


def call_axis(model, name):
    """Gives the graph's first axis another name, or none."""
    for tensor in (*model.graph.input, *model.graph.output):
        axis = tensor.type.tensor_type.shape.dim[0]
        axis.Clear()
        if name is not None:
            axis.dim_param = name
    return model


@pytest.mark.parametrize(("axis", "length"), [("image_batch_size", 1), (None, None)])
def test_a_fixed_batch_gives_the_same_vectors_as_the_free_one(
    make_bundle, tiny_files, tmp_path, axis, length
):
    onnx.save(call_axis(onnx.load(tiny_files["image.onnx"]), axis), tmp_path / "named.onnx")
    bundle = make_bundle(files={"image.onnx": tmp_path / "named.onnx"})
    pixels = make_pixels(5)
    encoder = OnnxImageEncoder(bundle, providers=CPU)
    assert (
        encoder.encode(pixels)
        == np.concatenate([OnnxImageEncoder(bundle).encode(photo[None]) for photo in pixels])
    ).all()
    assert encoder._session.get_inputs()[0].shape == [length, 3, 8, 8]
    assert encoder._session.get_outputs()[0].shape == [length, 4]


def test_core_ml_comes_first_and_the_cpu_runs_the_rest():
    (first, options), *rest = CORE_ML
    assert first == "CoreMLExecutionProvider"
    assert options["RequireStaticInputShapes"] == "1"
    assert all(isinstance(value, str) for value in options.values())  # the runtime takes texts only
    assert rest == CPU


@pytest.mark.skipif("sys.platform == 'darwin'", reason="the provider is there")
def test_a_missing_provider_is_an_error_and_is_not_replaced(make_bundle, capsys):
    assert not has_core_ml()
    with pytest.raises(BundleError, match=r"image\.onnx cannot be run by CoreMLExecutionProvider") as caught:
        load_image_encoder(make_bundle(), backend=Backend.PROVIDER)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", "")  # the runtime alone would print a line and go on


@pytest.mark.macos
def test_the_provider_agrees_with_the_cpu(make_bundle):
    bundle, pixels = make_bundle(), make_pixels(11)
    encoder = load_image_encoder(bundle, backend=Backend.PROVIDER)
    found = encoder.encode(pixels)
    assert encoder._session.get_providers() == ["CoreMLExecutionProvider", "CPUExecutionProvider"]
    assert (found * load_image_encoder(bundle).encode(pixels)).sum(1).min() > 0.99
    assert (encoder.encode(pixels[3:4]) == found[3:4]).all()


@pytest.mark.parametrize("keep", [0, -1])
def test_a_truncated_graph_is_refused(make_bundle, keep):
    bundle = make_bundle()
    graph = bundle.folder / "image.onnx"
    graph.write_bytes(graph.read_bytes()[:keep])
    with pytest.raises(BundleError, match=r"image\.onnx (cannot be loaded|does not fit)") as caught:
        OnnxImageEncoder(bundle)
    assert "\n" not in str(caught.value)
    with pytest.raises(BundleError) as fixed:
        OnnxImageEncoder(bundle, providers=CPU)
    assert str(fixed.value) == str(caught.value)


@pytest.mark.parametrize("tower", ["image", "text"])
def test_a_missing_tower_is_named(make_bundle, tower):
    encoders = {"image": OnnxImageEncoder, "text": OnnxTextEncoder}
    with pytest.raises(BundleError, match=f"has no {tower} tower"):
        encoders[tower](make_bundle(without=[tower]))


def test_other_names_in_the_graph_are_refused(make_bundle):
    with pytest.raises(BundleError, match="takes pixels and gives embedding instead of"):
        OnnxImageEncoder(make_bundle(image={"output": "vector"}))


def test_another_size_of_picture_is_refused(make_bundle):
    with pytest.raises(BundleError, match=r"takes the shape \['n', 3, 8, 8\] instead of"):
        OnnxImageEncoder(make_bundle(image={"size": 16}))


def test_vectors_of_another_length_are_refused(make_bundle):
    with pytest.raises(BundleError, match=r"gives the shape \['n', 4\] instead of \[None, 5\]"):
        OnnxTextEncoder(make_bundle(dim=5))


def test_a_graph_that_hides_its_length_is_found_out_when_it_runs(make_bundle, tiny_files, tmp_path):
    model = onnx.load(tiny_files["image.onnx"])
    model.graph.node[-1].output[0] = "hidden"
    keep_all = numpy_helper.from_array(np.ones(4, dtype=bool), "keep")
    model.graph.initializer.append(keep_all)  # how many a Compress keeps is not known before it runs
    model.graph.node.append(helper.make_node("Compress", ["hidden", "keep"], ["embedding"], axis=1))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "any"
    onnx.save(model, tmp_path / "any.onnx")
    encoder = OnnxImageEncoder(make_bundle(files={"image.onnx": tmp_path / "any.onnx"}, dim=5))
    with pytest.raises(BundleError, match=r"vectors of shape \(1, 4\) instead of \(1, 5\)"):
        encoder.encode(make_pixels(1))


CTRL_C_IN_A_RUN = """
import os, sys, traceback
from pathlib import Path
import numpy as np
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.runtime.onnx import OnnxTextEncoder

inside = pressed = False

def press_ctrl_c(frame, event, what):
    global inside, pressed
    if event.startswith("c_"):
        inside = event == "c_call" and what.__name__ == "run"
    elif event == "call" and inside and not pressed:
        pressed = True
        os.kill(os.getpid(), 2)

encoder = OnnxTextEncoder(open_bundle(Path(sys.argv[1])))
sys.setprofile(press_ctrl_c)
try:
    encoder.encode(np.array([[2, 5, 3]]))
except KeyboardInterrupt as stop:
    sys.setprofile(None)
    files = [frame.filename for frame in traceback.extract_tb(stop.__traceback__)]
    print("stopped in numpy" if any("numpy" in Path(file).parts for file in files) else "stopped")
    encoder.encode(np.array([[2, 5, 3]]))
sys.setprofile(None)
print(pressed)
"""


def test_ctrl_c_waits_until_a_run_is_over(make_bundle):
    """The first run calls Python code of numpy from C++, through which no exception may pass."""
    command = [sys.executable, "-c", CTRL_C_IN_A_RUN, str(make_bundle().folder)]
    child = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (child.returncode, child.stdout, child.stderr) == (0, "stopped\nTrue\n", "")

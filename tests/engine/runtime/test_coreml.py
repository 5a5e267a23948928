"""Core ML beside ONNX Runtime: the package is read on any system, its vectors are checked on macOS."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from picsight_engine.bundles.bundle import IMAGE_PACKAGE
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.doctor import _examine_backend
from picsight_engine.foundation.errors import BundleError
from picsight_engine.runtime.backend import Backend, load_image_encoder
from picsight_engine.runtime.backend_comparison import Machine, compare_backends, read_verdict
from picsight_engine.runtime.coreml import BATCH, CoreMLImageEncoder, embed, pictures

SIZE, DIM = 8, 4


def save_package(folder, *, dim=DIM):
    """The tiny tower in the form of Apple's packages: `image` in, `final_emb_1` out, of any length."""
    import coremltools  # 3 s, for the processes that run other tests, too
    from coremltools.converters.mil import Builder

    weights = np.random.default_rng(1).normal(size=(3, dim)).astype(np.float32)
    bias = np.linspace(0.1, 1, dim, dtype=np.float32)

    @Builder.program(input_specs=[Builder.TensorSpec(shape=(1, 3, SIZE, SIZE))])
    def program(image):
        centred = Builder.mul(x=Builder.sub(x=image, y=np.float32(0.5)), y=np.float32(2))
        mean = Builder.reduce_mean(x=centred, axes=[2, 3])
        raw = Builder.matmul(x=mean, y=weights)
        return Builder.add(x=raw, y=bias, name="final_emb_1")

    entry = coremltools.ImageType(
        name="image", shape=(1, 3, SIZE, SIZE), scale=1 / 255, color_layout=coremltools.colorlayout.RGB
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the converter leaves a folder to the collector
        coremltools.convert(
            program, inputs=[entry], minimum_deployment_target=coremltools.target.iOS15, skip_model_load=True
        ).save(str(folder / IMAGE_PACKAGE))
    return {
        path.relative_to(folder).as_posix(): path
        for path in (folder / IMAGE_PACKAGE).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    return save_package(tmp_path_factory.mktemp("package"))


@pytest.fixture
def bundle(make_bundle, package):
    return make_bundle(files=package)


def some_pixels(spec, count=3):
    draw = np.random.default_rng(5)
    return np.stack(
        [
            preprocess(Image.fromarray(draw.integers(0, 256, (31, 47, 3), np.uint8)), spec)
            for _ in range(count)
        ]
    )


@pytest.mark.parametrize(("mean", "std"), [(None, None), ((0.48, 0.45, 0.4), (0.26, 0.27, 0.28))])
def test_pixels_become_the_very_picture_that_they_were_made_of(make_bundle, mean, std):
    spec = replace(make_bundle().image_spec(), size=16, mean=mean, std=std)
    colours = np.arange(16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)  # each of the 256 values
    (found,) = pictures(preprocess(Image.fromarray(colours), spec)[None], spec)
    assert found.mode == "RGB"
    assert (np.asarray(found) == colours).all()


def test_pictures_go_eight_a_call_and_results_are_copied_before_the_next():
    memory = np.zeros(
        (BATCH, 1, DIM), np.float16
    )  # a predictor that reuses its output buffer, as Core ML does
    calls = []

    def predict(batch):
        calls.append(len(batch))
        for place, entry in enumerate(batch):
            memory[place, 0] = np.asarray(entry["image"], np.float16)[0, 0, 0] + np.arange(DIM)
        return [{"vector": memory[place]} for place in range(len(batch))]

    squares = [Image.new("RGB", (2, 2), (shade, 0, 0)) for shade in range(1, 20)]
    vectors = embed(predict, squares, "image", "vector")
    assert calls == [8, 8, 3]
    wanted = np.stack([shade + np.arange(DIM, dtype=np.float32) for shade in range(1, 20)])
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, wanted)


def test_a_package_is_read_and_fits_its_manifest(bundle):
    assert isinstance(load_image_encoder(bundle, backend=Backend.COREML), CoreMLImageEncoder)


def test_a_package_that_does_not_fit_is_refused_with_a_reason(make_bundle, tmp_path):
    (tmp_path / "odd").mkdir()
    odd = save_package(tmp_path / "odd", dim=5)
    with pytest.raises(BundleError, match="does not turn one picture of 8 by 8 pixels into 4 numbers"):
        CoreMLImageEncoder(make_bundle(files=odd))
    with pytest.raises(BundleError, match=r"image\.mlpackage cannot be loaded"):
        CoreMLImageEncoder(make_bundle("plain"))


@pytest.mark.skipif("sys.platform == 'darwin'", reason="Core ML runs here")
def test_the_doctor_compares_backends_and_explains_why_each_cannot_be_used(bundle, tmp_path):
    machine = Machine(
        apple_silicon=True, coremltools=True, provider=True, system="Darwin 24 arm64", verdicts=tmp_path
    )
    check = _examine_backend(bundle, machine)
    assert check.ok
    assert str(check.message).startswith(
        "Photos are read by ONNX Runtime: Core ML cannot be used here (The model file "
    )
    assert "image.mlpackage cannot be run" in str(check.message)
    assert "; Core ML through ONNX Runtime cannot be used here (The model file " in str(check.message)
    assert ".." not in str(check.message)
    trials = read_verdict(bundle, machine).trials
    assert {backend: trial.least for backend, trial in trials.items()} == {"COREML": 0, "PROVIDER": 0}


@pytest.mark.macos
def test_both_backends_agree(bundle):
    pixels = some_pixels(bundle.image_spec(), 11)
    wanted = load_image_encoder(bundle).encode(pixels)
    encoder = CoreMLImageEncoder(bundle)
    found = encoder.encode(pixels)
    assert (found * wanted).sum(1).min() > 0.99
    assert (encoder.encode(pixels[3:4]) == found[3:4]).all()


@pytest.mark.macos
def test_the_check_on_a_mac_finds_the_package_right(bundle, tmp_path):
    machine = replace(Machine.this(), verdicts=tmp_path)
    assert compare_backends(bundle, machine).trials["COREML"].least > 0.99

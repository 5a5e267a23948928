"""Core ML beside ONNX Runtime: the package is read on any system; what it computes is looked at where macOS is."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import coremltools
import numpy as np
import pytest
from coremltools.converters.mil import Builder
from PIL import Image

from picsight_engine.doctor import doctor_folder
from picsight_engine.errors import BundleError
from picsight_engine.models.agreement import (
    Machine,
    Verdict,
    eight_photos,
    examine,
    examine_once,
    holds_package,
    least_cosine,
    read_verdict,
)
from picsight_engine.models.backend import Backend, choose_image_backend, load_image_encoder
from picsight_engine.models.bundle import IMAGE_PACKAGE, open_bundle
from picsight_engine.models.coreml import BATCH, CoreMLImageEncoder, embed, pictures
from picsight_engine.models.onnx import OnnxImageEncoder
from picsight_engine.models.preprocess import preprocess

MAC = Machine(apple_silicon=True, coremltools=True, system="Darwin 24 arm64")
SIZE, DIM = 8, 4


def save_package(folder, *, size=SIZE, dim=DIM):
    """The tiny tower of the ONNX graph, as Apple's own packages look: `image` in, `final_emb_1` out, of any length."""
    weights = np.random.default_rng(1).normal(size=(3, dim)).astype(np.float32)
    bias = np.linspace(0.1, 1, dim, dtype=np.float32)

    @Builder.program(input_specs=[Builder.TensorSpec(shape=(1, 3, size, size))])
    def program(image):
        centred = Builder.mul(x=Builder.sub(x=image, y=np.float32(0.5)), y=np.float32(2))
        mean = Builder.reduce_mean(x=centred, axes=[2, 3])
        raw = Builder.matmul(x=mean, y=weights)
        return Builder.add(x=raw, y=bias, name="final_emb_1")

    entry = coremltools.ImageType(
        name="image", shape=(1, 3, size, size), scale=1 / 255, color_layout=coremltools.colorlayout.RGB
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


@pytest.mark.parametrize(
    ("mean", "std"), [(None, None), ((127 / 255,) * 3, (128 / 255,) * 3), ((0.48, 0.45, 0.4), (0.26, 0.27, 0.28))]
)  # fmt: skip
def test_pixels_become_the_very_picture_that_they_were_made_of(make_bundle, mean, std):
    spec = replace(make_bundle().image_spec(), size=16, mean=mean, std=std)
    colours = np.arange(16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)  # each of the 256 values
    (found,) = pictures(preprocess(Image.fromarray(colours), spec)[None], spec)
    assert found.mode == "RGB"
    assert (np.asarray(found) == colours).all()


def test_pictures_go_eight_a_call_and_what_comes_is_copied_before_the_next():
    memory = np.zeros(
        (BATCH, 1, DIM), np.float16
    )  # a predictor that hands out its own memory, as Core ML does
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
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, wanted, atol=1e-6)


def test_a_package_is_read_and_fits_its_manifest(bundle):
    assert isinstance(load_image_encoder(bundle, backend=Backend.COREML), CoreMLImageEncoder)


@pytest.mark.parametrize(("size", "dim"), [(16, DIM), (SIZE, 5)])
def test_a_package_that_does_not_fit_is_told(make_bundle, tmp_path, size, dim):
    (tmp_path / "odd").mkdir()
    odd = save_package(tmp_path / "odd", size=size, dim=dim)
    with pytest.raises(BundleError, match="does not turn one picture of 8 by 8 pixels into 4 numbers"):
        CoreMLImageEncoder(make_bundle(files=odd))


def test_a_damaged_or_missing_package_is_told(make_bundle, bundle):
    (bundle.folder / IMAGE_PACKAGE / "Manifest.json").write_text("nothing", encoding="utf-8")
    with pytest.raises(BundleError, match=r"image\.mlpackage cannot be loaded"):
        CoreMLImageEncoder(bundle)
    with pytest.raises(BundleError, match=r"image\.mlpackage cannot be loaded"):
        CoreMLImageEncoder(make_bundle("plain"))


def test_a_bundle_knows_every_byte_of_its_package(bundle):
    assert open_bundle(bundle.folder, hashes=True).manifest.files.keys() == bundle.manifest.files.keys()
    weights = next((bundle.folder / IMAGE_PACKAGE).rglob("model.mlmodel"))
    weights.write_bytes(weights.read_bytes()[::-1])
    with pytest.raises(BundleError, match=r"model\.mlmodel was changed or is damaged"):
        open_bundle(bundle.folder, hashes=True)


def verdict_of(bundle, least, **fields):
    digests = {
        name: own.sha256 for name, own in bundle.manifest.files.items() if name.startswith(IMAGE_PACKAGE)
    }
    own = {"least": least, "fault": "", "system": MAC.system, "package": digests, **fields}
    (bundle.folder / "coreml-check.json").write_text(json.dumps(own), encoding="utf-8")


def test_core_ml_is_chosen_only_where_it_was_seen_to_agree(bundle):
    assert choose_image_backend(bundle, MAC).backend is Backend.ONNX
    assert "not compared with it on this system yet" in choose_image_backend(bundle, MAC).sentence
    verdict_of(bundle, 0.9912)
    assert choose_image_backend(bundle, MAC).backend is Backend.COREML
    assert choose_image_backend(bundle, MAC).sentence == "Photos are read by Core ML, which agrees to 0.991."
    verdict_of(bundle, 0.42)
    assert choose_image_backend(bundle, MAC).backend is Backend.ONNX
    assert "eight photos agree only to 0.420, 0.99 is needed" in choose_image_backend(bundle, MAC).sentence


def test_a_verdict_holds_for_its_system_and_its_files(bundle):
    verdict_of(bundle, 1.0)
    assert read_verdict(bundle, MAC).agreed
    assert read_verdict(bundle, replace(MAC, system="Darwin 25 arm64")) is None
    verdict_of(bundle, 1.0, package={})
    assert read_verdict(bundle, MAC) is None
    for content in ("", "[]", "{}", '{"least": 1}', "null"):
        (bundle.folder / "coreml-check.json").write_text(content, encoding="utf-8")
        assert read_verdict(bundle, MAC) is None
    verdict_of(bundle, "high")
    assert read_verdict(bundle, MAC) is None


@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        (replace(MAC, apple_silicon=False), "needs a Mac with Apple's own processor"),
        (replace(MAC, coremltools=False), "with the extra coreml"),
    ],
)
def test_elsewhere_onnx_runtime_stays(bundle, machine, sentence):
    verdict_of(bundle, 1.0)
    choice = choose_image_backend(bundle, machine)
    assert choice.backend is Backend.ONNX
    assert sentence in choice.sentence


def test_a_bundle_without_a_package_is_read_by_onnx_runtime(make_bundle):
    assert not holds_package(make_bundle())
    assert choose_image_backend(make_bundle(), MAC).backend is Backend.ONNX


def test_the_least_of_eight_cosines_decides(make_bundle, bundle):
    encoder = OnnxImageEncoder(bundle)
    pixels = some_pixels(bundle.image_spec())
    assert least_cosine(encoder, encoder, pixels) == pytest.approx(1, abs=1e-6)

    class Turned:
        def encode(self, pixels):
            return encoder.encode(pixels) * [[1], [1], [-1]]

    class Empty:
        def encode(self, pixels):
            return encoder.encode(pixels) * np.nan

    assert least_cosine(Turned(), encoder, pixels) == pytest.approx(-1, abs=1e-6)
    assert least_cosine(Empty(), encoder, pixels) == 0


def test_eight_different_photos_are_compared(bundle):
    photos = [preprocess(own, bundle.image_spec()).tobytes() for own in eight_photos()]
    assert len(set(photos)) == len(photos) == 8


def test_doctor_says_what_reads_photos_where_a_package_lies_in_the_bundle(bundle, make_bundle, tmp_path):
    def told(folder):
        return {check.name: check for check in doctor_folder(tmp_path / "library", folder)}

    assert told(bundle.folder)["backend"].ok
    assert told(bundle.folder)["backend"].message.startswith("Photos are read by ")
    assert "backend" not in told(make_bundle("plain").folder)


@pytest.mark.skipif("sys.platform == 'darwin'", reason="Core ML runs here")
def test_where_core_ml_cannot_run_the_verdict_says_so_and_onnx_runtime_stays(bundle):
    verdict = examine(bundle, MAC)
    assert verdict == read_verdict(bundle, MAC)
    assert not verdict.agreed
    assert "image.mlpackage cannot be run" in verdict.fault
    choice = choose_image_backend(bundle, MAC)
    assert choice.backend is Backend.ONNX
    assert "because Core ML is not right here" in choice.sentence
    assert ".." not in choice.sentence


def test_a_comparison_is_made_once_and_only_where_core_ml_could_run(bundle, make_bundle):
    for machine in (replace(MAC, apple_silicon=False), replace(MAC, coremltools=False)):
        examine_once(bundle, machine)
        assert read_verdict(bundle, machine) is None
    plain = make_bundle("plain")
    examine_once(plain, MAC)
    assert read_verdict(plain, MAC) is None
    verdict_of(bundle, 0.995)
    examine_once(bundle, MAC)
    assert read_verdict(bundle, MAC).least == 0.995
    renewed = replace(MAC, system="Darwin 25 arm64")
    examine_once(bundle, renewed)
    assert read_verdict(bundle, renewed) is not None


@pytest.mark.macos
def test_both_backends_agree(bundle):
    pixels = some_pixels(bundle.image_spec(), 11)
    wanted = load_image_encoder(bundle).encode(pixels)
    encoder = CoreMLImageEncoder(bundle)
    found = encoder.encode(pixels)
    assert (found * wanted).sum(1).min() > 0.99
    assert (encoder.encode(pixels[3:4]) == found[3:4]).all()


@pytest.mark.macos
def test_the_check_on_a_mac_chooses_core_ml(bundle):
    machine = Machine.this()
    assert isinstance(examine(bundle, machine), Verdict)
    assert choose_image_backend(bundle, machine).backend is Backend.COREML

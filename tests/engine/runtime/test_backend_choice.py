"""The choice of the backend: a table of machines, bundles and verdicts, each with its sentence."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from picsight_engine.runtime.backend import Backend
from picsight_engine.runtime.backend_comparison import (
    LEAST_SPEEDUP,
    Trial,
    candidates,
    choose_image_backend,
    compare_backends,
)

NOT_COMPARED = "Photos are read by ONNX Runtime: Core ML was not compared with it on this system yet."
GOOD = Trial(0.9991, 0.01)  # where one thread of the CPU takes 0.05


def seen(bundle, machine, *trials, cpu=0.05):
    """A verdict with these figures for its candidates, in turn."""
    compare_backends(bundle, machine, load=lambda bundle, _: Blank(bundle.manifest.dim))
    (path,) = machine.verdicts.iterdir()
    data = json.loads(path.read_text(encoding="utf-8"))
    names = [backend.name for backend in candidates(bundle, machine)]
    data |= {"cpu": cpu, "trials": dict(zip(names, map(asdict, trials), strict=True))}
    path.write_text(json.dumps(data), encoding="utf-8")


class Blank:
    def __init__(self, dim):
        self.dim = dim

    def encode(self, pixels):
        return pixels.reshape(len(pixels), -1)[:, : self.dim]


@pytest.mark.parametrize(
    ("package", "provider", "backend"),
    [
        (GOOD, Trial(0.9999, 0.012), Backend.COREML),  # time decides, not who agrees better
        (Trial(0.9999, 0.012), GOOD, Backend.PROVIDER),
        (Trial(0.989, 0.001), GOOD, Backend.PROVIDER),
        (Trial(0.99, 0.05 / LEAST_SPEEDUP - 1e-6), Trial(1.0, 0.05), Backend.COREML),
        (Trial(0.99, 0.05 / LEAST_SPEEDUP + 1e-6), Trial(1.0, 0.05), Backend.ONNX),
        (Trial(1.0, 0.0), Trial(1.0, -1.0), Backend.ONNX),  # no time is no measurement
    ],
)
def test_the_fastest_backend_that_agrees_is_taken_if_the_gain_is_worth_it(
    bundle, mac, package, provider, backend
):
    assert str(choose_image_backend(bundle, mac).sentence) == NOT_COMPARED
    seen(bundle, mac, package, provider)
    choice = choose_image_backend(bundle, mac)
    assert choice.backend is backend
    assert str(choice.sentence).startswith(f"Photos are read by {backend.value}")


def test_the_sentence_says_how_well_and_how_fast(bundle, mac):
    seen(bundle, mac, Trial(0.9912, 0.011), Trial(0.42, 0.001))
    assert str(choose_image_backend(bundle, mac).sentence) == (
        "Photos are read by Core ML, which agrees to 0.991 and is 4.5 times as fast as one thread of the CPU."
    )


def test_the_sentence_explains_why_each_candidate_was_not_taken(bundle, mac):
    seen(bundle, mac, Trial(0.42, 0.001), Trial(1.0, 0.04))
    assert str(choose_image_backend(bundle, mac).sentence) == (
        "Photos are read by ONNX Runtime: Core ML agrees only to 0.420, 0.99 is needed; "
        "Core ML through ONNX Runtime is 1.2 times as fast as one thread of the CPU, 3 are needed."
    )
    seen(bundle, mac, Trial(0.0, 0.0, "It is broken."), Trial(0.0, 0.0, "That too."))
    assert str(choose_image_backend(bundle, mac).sentence) == (
        "Photos are read by ONNX Runtime: Core ML cannot be used here (It is broken); "
        "Core ML through ONNX Runtime cannot be used here (That too)."
    )


def test_a_mac_without_coremltools_and_a_bundle_without_a_package_have_the_provider(bundle, make_bundle, mac):
    bare = replace(mac, coremltools=False)
    seen(bundle, bare, GOOD)
    assert choose_image_backend(bundle, bare).backend is Backend.PROVIDER
    seen(bundle, bare, Trial(1.0, 0.05))
    assert "one thread of the CPU, 3 are needed; Core ML needs Picsight installed with the extra coreml." in (
        str(choose_image_backend(bundle, bare).sentence)
    )
    for path in mac.verdicts.iterdir():
        path.unlink()
    plain = make_bundle("plain")
    seen(plain, mac, GOOD)
    assert choose_image_backend(plain, mac).backend is Backend.PROVIDER


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ("apple_silicon", "Photos are read by ONNX Runtime: Core ML needs a Mac with Apple's own processor."),
        (
            "coremltools",
            "Photos are read by ONNX Runtime: Core ML needs Picsight installed with the extra coreml.",
        ),
    ],
)
def test_elsewhere_onnx_runtime_stays(bundle, make_bundle, mac, without, sentence):
    seen(bundle, mac, GOOD, GOOD)
    machine = replace(mac, **{without: False}, provider=False)
    assert choose_image_backend(bundle, machine).backend is Backend.ONNX
    assert str(choose_image_backend(bundle, machine).sentence) == sentence
    assert (
        str(choose_image_backend(make_bundle("plain"), machine).sentence)
        == "Photos are read by ONNX Runtime."
    )

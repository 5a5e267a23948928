"""The comparison of Core ML with the CPU: its candidates, its figures, and how long a verdict holds."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from picsight_engine.bundles.bundle import IMAGE_PACKAGE, open_bundle
from picsight_engine.foundation.errors import BundleError, StorageError
from picsight_engine.runtime.backend import Backend, load_image_encoder
from picsight_engine.runtime.backend_comparison import (
    BackendVerdict,
    Machine,
    Trial,
    candidates,
    compare_backends,
    compare_once,
    least_cosine,
    needs_comparison,
    read_verdict,
)

PART = f"{IMAGE_PACKAGE}/Manifest.json"


def standing_in(bundle, turns):
    """A loader whose candidates give the CPU's vectors turned by an angle, or raise a fault."""
    tower = load_image_encoder(bundle)

    class Turned:
        def __init__(self, turn):
            self.turn = turn

        def encode(self, pixels):
            vectors = tower.encode(pixels)
            other = np.roll(vectors, 1, axis=1)
            other -= (other * vectors).sum(1, keepdims=True) * vectors
            other /= np.linalg.norm(other, axis=1, keepdims=True)
            return np.cos(self.turn) * vectors + np.sin(self.turn) * other

    def load(_, backend):
        turn = turns.get(backend, 0.0)
        if isinstance(turn, Exception):
            raise turn
        return Turned(turn)

    return load


def ticking(*spans):
    """A clock whose every second reading is a span later than the one before."""
    now, readings = 0.0, []
    for span in spans:
        readings += [now, now + span]
        now += span + 100
    return iter(readings).__next__


def test_candidates_are_the_backends_that_can_run_here(bundle, make_bundle, mac):
    plain, words = make_bundle("plain"), make_bundle("words", without=["image"])
    assert candidates(bundle, mac) == [Backend.COREML, Backend.PROVIDER]
    assert candidates(bundle, replace(mac, coremltools=False)) == [Backend.PROVIDER]
    assert candidates(bundle, replace(mac, provider=False)) == [Backend.COREML]
    assert candidates(plain, mac) == [Backend.PROVIDER]
    assert candidates(plain, replace(mac, provider=False)) == []
    assert candidates(words, mac) == []
    assert candidates(bundle, replace(mac, apple_silicon=False)) == []


def test_every_candidate_is_compared_and_timed_and_the_verdict_is_kept(bundle, mac):
    turns = {Backend.COREML: 0.1, Backend.PROVIDER: np.pi}
    verdict = compare_backends(bundle, mac, standing_in(bundle, turns), ticking(0.8, 0.16, 0.4))
    assert verdict == read_verdict(bundle, mac)
    assert verdict.cpu == pytest.approx(0.1)  # eight photos
    package, provider = verdict.trials["COREML"], verdict.trials["PROVIDER"]
    assert (package.least, package.seconds) == pytest.approx((np.cos(0.1), 0.02), abs=1e-6)
    assert (provider.least, provider.seconds) == pytest.approx((-1, 0.05), abs=1e-6)
    assert package.fault == provider.fault == ""


def test_a_candidate_that_fails_does_not_keep_the_other_from_its_trial(bundle, mac):
    load = standing_in(bundle, {Backend.COREML: BundleError("It is broken.")})
    trials = compare_backends(bundle, mac, load).trials
    assert trials["COREML"] == Trial(0.0, 0.0, "It is broken.")
    assert trials["PROVIDER"].least == pytest.approx(1)
    assert trials["PROVIDER"].seconds > 0


def test_a_verdict_holds_for_its_system_its_candidates_and_its_files(bundle, make_bundle, mac, tiny_files):
    load = standing_in(bundle, {})
    compare_backends(bundle, mac, load)
    assert read_verdict(bundle, mac) is not None
    assert read_verdict(open_bundle(bundle.folder), mac) is not None
    assert not needs_comparison(bundle, mac)
    for other in ({"system": "Darwin 25 arm64"}, {"coremltools": False}, {"provider": False}):
        assert read_verdict(bundle, replace(mac, **other)) is None
        assert needs_comparison(bundle, replace(mac, **other))
    package, other = bundle.folder / PART, tiny_files["text.onnx"]
    for name, files in {
        "the same": {PART: package},
        "another package": {PART: other},
        "another graph": {PART: package, "image.onnx": other},
    }.items():
        assert (read_verdict(make_bundle(name, files=files), mac) is not None) == (name == "the same")


@pytest.mark.parametrize(
    "spoil",
    [lambda _: "[]", lambda data: json.dumps({**data, "cpu": "fast"})],
)
def test_a_verdict_file_of_another_form_reads_as_not_compared_yet(make_bundle, mac, spoil):
    bundle = make_bundle()
    compare_backends(bundle, mac, standing_in(bundle, {}))
    (path,) = mac.verdicts.iterdir()
    path.write_text(spoil(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    assert read_verdict(bundle, mac) is None
    assert needs_comparison(bundle, mac)


def test_a_verdict_that_cannot_be_saved_is_reported_without_failing_the_installation(bundle, mac, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    nowhere = replace(mac, verdicts=tmp_path / "file" / "caches")
    with pytest.raises(StorageError, match=r"cannot be written .* so photos are read without Core ML"):
        compare_backends(bundle, nowhere, standing_in(bundle, {}))
    compare_once(bundle, nowhere)
    assert read_verdict(bundle, nowhere) is None


def test_a_comparison_is_made_once_and_only_where_core_ml_could_run(make_bundle, mac):
    bundle = make_bundle()
    for machine in (replace(mac, apple_silicon=False), replace(mac, provider=False)):
        compare_once(bundle, machine)
    assert not mac.verdicts.exists()
    compare_once(bundle, mac)
    (path,) = mac.verdicts.iterdir()
    written = path.stat().st_mtime_ns
    compare_once(bundle, mac)
    assert path.stat().st_mtime_ns == written
    compare_once(bundle, replace(mac, system="Darwin 25 arm64"))
    assert path.stat().st_mtime_ns > written


def test_the_lowest_cosine_counts_and_nan_is_no_agreement():
    vectors = np.eye(3, 4, dtype=np.float32)
    assert least_cosine(vectors, vectors) == 1
    assert least_cosine(vectors * [[1], [1], [-1]], vectors) == -1
    assert least_cosine(vectors * np.nan, vectors) == 0


@pytest.mark.macos
def test_both_ways_to_core_ml_are_tried_on_a_mac(make_bundle, tmp_path):
    machine = replace(Machine.this(), verdicts=tmp_path / "caches")
    bundle = make_bundle()
    verdict = compare_backends(bundle, machine)
    assert isinstance(verdict, BackendVerdict)
    assert verdict == read_verdict(bundle, machine)
    if machine.apple_silicon:
        assert verdict.trials["PROVIDER"].least >= 0.99

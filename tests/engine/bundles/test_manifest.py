"""A manifest from any source: every field is valid, or the error names the one that is not."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest

from picsight_engine.bundles.bundle import manifest_text, parse_manifest, read_manifest
from picsight_engine.bundles.calibration import Calibration
from picsight_engine.foundation.errors import BundleError

CUTS = {
    "answered": 0.4,
    "strong": 0.3,
    "possible": 0.2,
    "gap": 0.1,
    "span": 0.2,
    "growth": 0.0,
    "growth_below": 0.03,
    "common": 0.02,
}
WHERE = Path("/models/odd/bundle.json")
ODD = [None, True, -1, 0, 0.5, 10**400, math.nan, math.inf, "", "x", "\ud800", "a\x00", [], [1], {}, {"a": 1}]


def dumped(data):
    return json.dumps(data).encode()


@pytest.fixture(scope="module")
def sound(starter):
    return json.loads((starter / "bundle.json").read_text())


def leaves(data, way=()):
    """The paths to all values of a document."""
    yield from [way] if way else []
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield from leaves(data[key], (*way, key))


def changed(data, way, value):
    data = copy.deepcopy(data)
    *before, last = way
    inner = data
    for key in before:
        inner = inner[key]
    inner[last] = value
    return data


@pytest.mark.soak
def test_any_value_of_a_field_gives_a_manifest_or_a_bundle_error(sound) -> None:
    sentences, taken = [], 0
    for way in leaves(sound):
        for value in ODD:
            try:
                parse_manifest(dumped(changed(sound, way, value)), WHERE)
            except BundleError as fault:
                sentences.append(str(fault))
            else:
                taken += 1
    assert taken
    assert [each for each in sentences if not each.isprintable() or len(each) > 400] == []


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (("format",), 0),
        (("name",), 3),
        (("dim",), True),
        (("space_id",), "../../../etc/pas"),
        (("logit_scale",), math.nan),
        (("licence",), None),
        (("licence", "accept"), "false"),
        (("image", "size"), 10**6),
        (("image", "resize"), "stretch"),
        (("image", "std"), [0.5, 0.0, 0.5]),
        (("image", "mean"), [0.5]),
        (("text", "context"), 10**9),
        (("text", "tokenizer"), ["tokenizer.json"]),
        (("text", "templates"), ["a photo"]),
        (("text", "ranked_by"), "colours"),
        (("provenance",), "by hand"),
        (("calibration",), {**CUTS, "growth": -1}),
        (("calibration",), True),
        (("calibration",), {**CUTS, "centre": "AAAA"}),
        (("blankness", "cut"), 11),
        (("blankness", "asked"), "much"),
        (("files", "text.onnx", "bytes"), -1),
        (("files", "text.onnx", "sha256"), "A" * 64),
    ],
)
def test_a_field_out_of_its_range_is_refused(sound, way, value) -> None:
    with pytest.raises(BundleError, match=str(WHERE)):
        parse_manifest(dumped(changed(sound, way, value)), WHERE)


def test_a_vector_is_text_and_as_long_as_the_space_has_dimensions(sound) -> None:
    digits = "1" * 2048  # base64 of 768 numbers
    wide = {
        **sound,
        "dim": 768,
        "calibration": None,
        "blankness": {**sound["blankness"], "direction": digits, "words": digits},
    }
    assert parse_manifest(dumped(wide), WHERE).blankness.axis().shape == (768,)
    for way, value in ((("blankness", "words"), int(digits)), (("dim",), 767), (("dim",), 768.0)):
        with pytest.raises(BundleError, match=r"blankness|dim"):
            parse_manifest(dumped(changed(wide, way, value)), WHERE)


@pytest.mark.parametrize(
    "name",
    [
        "", "../x", "/x", "a\\..\\b", "con", "a.", "TEXT.onnx", "text.onnx/a", "bundle.json",
    ],
)  # fmt: skip
def test_a_file_name_outside_the_bundle_or_equal_on_some_disk_is_refused(sound, name) -> None:
    files = {**sound["files"], name: {"bytes": 1, "sha256": "0" * 64}}
    with pytest.raises(
        BundleError, match=r"leads out|there twice|a file and a folder|not the text|incomplete or wrong"
    ):
        parse_manifest(dumped({**sound, "files": files}), WHERE)


@pytest.mark.parametrize(
    "name", ["image.mlpackage/Data/com.apple.CoreML/weights/weight.bin", "notes (1).txt", "a-b_c.d"]
)
def test_an_ordinary_file_name_is_taken(sound, name) -> None:
    files = {**sound["files"], name: {"bytes": 1, "sha256": "0" * 64}}
    assert name in parse_manifest(dumped({**sound, "files": files}), WHERE).files


def test_a_calibration_comes_through_a_manifest(sound) -> None:
    assert parse_manifest(dumped({**sound, "calibration": None}), WHERE).calibration is None
    for values in (CUTS, {**CUTS, "colour": 0.02, "centre": sound["blankness"]["words"]}):
        read = parse_manifest(dumped({**sound, "calibration": values}), WHERE)
        assert read.calibration == Calibration(**values)
        assert json.loads(manifest_text(read))["calibration"] == {"colour": 0.0, "centre": "", **values}


def test_text_that_is_not_a_manifest_is_refused(tmp_path) -> None:
    for text in (b"", b"\xff\xfe", b"[" * 100_000, b'{"format": 1' + b"0" * 5000 + b"}", b"null", b'"x"'):
        (tmp_path / "bundle.json").write_bytes(text)
        with pytest.raises(BundleError, match=r"bundle\.json"):
            read_manifest(tmp_path / "bundle.json")

"""The starter that ships is read back into a checkpoint that says what the bundle says."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from click.testing import CliRunner

from mctrain.cli.command import mctrain
from mctrain.data.shards import samples
from mctrain.errors import WeightsError
from mctrain.teachers.open import open_teacher
from mctrain.weights.bundle import read_bundle

TEXTS = ["a dog in the snow", "two people on a bench by the sea", "sunset", "red car"]


def test_the_starter_read_back_embeds_as_the_bundle_does(starter, real_data, tmp_path):
    result = CliRunner().invoke(mctrain, ["import", str(starter), "-o", str(tmp_path / "own.pt")])
    assert "both towers, from a bundle" in result.output
    back, bundle = (open_teacher(str(own), tmp_path) for own in (tmp_path / "own.pt", starter))
    found = list(islice(samples(real_data / "flickr8k-dev-000000.tar"), 12))
    pictures, keys = [own.image() for own in found], [own.key for own in found]
    near = (back.photos(pictures, keys) * bundle.photos(pictures, keys)).sum(1)
    assert near.min() > 0.9999
    near = (back.texts(TEXTS) * bundle.texts(TEXTS)).sum(1)
    assert near.min() > 0.97  # int8 in trunk and head there, in the head here
    assert np.isclose(back.scale, bundle.scale, rtol=1e-3)


def test_a_bundle_without_pretrained_trunks_is_told(starter, tmp_path):
    import json
    import shutil

    shutil.copytree(starter, tmp_path / "other")
    manifest = json.loads((starter / "bundle.json").read_text(encoding="utf-8"))
    del manifest["provenance"]["recipe"]
    (tmp_path / "other" / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(WeightsError, match="so it cannot be read back"):
        read_bundle(tmp_path / "other")

"""The starter that ships is read back into a checkpoint that says what the bundle says."""

from __future__ import annotations

import json
import shutil
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


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (None, "does not say of which pretrained networks it was made, so it cannot be read back"),
        ({"tuning": {"layers": 4}}, "was made of trunks that were tuned or joined"),
        ({"networks": ["lite0", "lite1"], "size": 260}, "was made of trunks that were tuned or joined"),
        ({"size": 192}, "was made of trunks that were tuned or joined"),
    ],
)
def test_a_bundle_whose_graphs_do_not_give_its_trunks_back_is_told(starter, tmp_path, recipe, told):
    """Read back all the same, it would have other trunks than those that its heads were fitted to."""
    shutil.copytree(starter, tmp_path / "other")
    manifest = json.loads((starter / "bundle.json").read_text(encoding="utf-8"))
    first = manifest["provenance"].pop("recipe")
    if recipe is not None:
        plain = {"networks": ["lite0"], "size": 224, **first["heads"]}
        model = {name: recipe.get(name, own) for name, own in plain.items()}
        manifest["provenance"]["recipe"] = {"model": model, **recipe}
    (tmp_path / "other" / "bundle.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(WeightsError, match=told):
        read_bundle(tmp_path / "other")


def test_a_bundle_says_itself_what_it_is(starter, tmp_path):
    words = ["import", str(starter), "--preset", "laptop_xs", "-o", str(tmp_path / "own.pt")]
    told = CliRunner().invoke(mctrain, words)
    assert told.exit_code == 2
    assert "is a bundle and says itself of which model it is" in told.output
    assert not list(tmp_path.iterdir())

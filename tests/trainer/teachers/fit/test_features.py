"""What frozen networks see is cached, a file a shard."""

from __future__ import annotations

import pytest
from tests.trainer.conftest import write_shard

from mctrain.errors import DataError
from mctrain.models.presets import preset_of
from mctrain.teachers.fit.features import Views, cache_features


def test_a_shard_without_photos_is_named(tiny_recipe, cache, tmp_path):
    shard = write_shard(tmp_path / "empty.tar", [])
    views = Views(tiny_recipe.augmentation, 3, ("lite0",), preset_of(tiny_recipe.model).image_spec())
    with pytest.raises(DataError, match=r"empty\.tar has no photo to learn from; leave it out"):
        cache_features([shard], views, cache, lambda *_: None)

"""A set written in November 2026 is still read, in both containers of embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mctrain.data.reading.index import open_shard
from mctrain.data.reinforced.manifest import MANIFEST, load_manifest
from mctrain.data.reinforced.sample import parse_sample
from mctrain.data.shards import file_digest

GOLDEN = Path(__file__).with_name("golden")
EMBEDDING = [0.186517, -0.195973, 0.950047, 0.155616, -0.308495, 0.208245, 0.750981, 0.545429]


@pytest.mark.parametrize(("number", "exact"), [(0, 1e-6), (1, 1e-2)])
def test_an_older_set_is_read_completely(number, exact, tmp_path):
    manifest = load_manifest(GOLDEN / MANIFEST)
    assert [(teacher.name, teacher.width, teacher.scale) for teacher in manifest.teachers] == [
        ("one", 4, 100.0), ("two", 4, 70.0)
    ]  # fmt: skip
    record = manifest.shards[number]
    assert file_digest(GOLDEN / record.name) == record.sha256
    shard = open_shard(GOLDEN / record.name, tmp_path)
    first, second = (parse_sample(shard.key(n), shard.members(n), manifest.widths) for n in range(2))
    assert (first.key, second.key) == ("photo-0", "photo-1")
    assert (first.captions, second.captions) == (("a dog", "it sits"), ("a brown dog",))
    assert first.texts.synthetic == {"syn_text": ("a brown dog",)}
    assert first.texts.about["license"] == "CC0"
    assert first.image().size == (16, 12)
    assert first.views[0].crop == (0, 0, 12, 16)
    assert len(first.views[1].operations) == 2
    assert first.image_embeddings[0] == pytest.approx(EMBEDDING, abs=exact)
    assert first.caption_embeddings.shape == (2, 8)
    assert np.isfinite(second.synthetic_embeddings["syn_text"]).all()

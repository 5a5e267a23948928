"""A share of a person's photos is never seen in training, and is what the result is judged by."""

from __future__ import annotations

from itertools import islice

import pytest
from tests.trainer.conftest import write_shard

from mctrain.data.apart import is_apart, pack_library
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.visit import Pass, ReaderSettings, Texts
from mctrain.data.shards import grouped, samples
from mctrain.errors import DataError
from mctrain.recipes.tables import Augmentation

WHOLE = Augmentation("none", 1, 1.0, mirror=False)
SHARE = 0.4


@pytest.fixture(scope="module")
def shards(real_data, tmp_path_factory):
    """Two shards of plain photos with captions, and among them one without words and one that is none."""
    folder = tmp_path_factory.mktemp("plain")
    found = list(islice(samples(real_data / "flickr8k-train-000001.tar"), 30))
    for name, part in (("0.tar", found[:12]), ("1.tar", found[12:])):
        parts = [
            member
            for own in part
            for member in (
                (f"{own.key}.jpg", own.photo),
                (f"{own.key}.txt", own.words["captions"][0].encode()),
            )
        ]
        write_shard(folder / name, [*parts, ("silent.jpg", found[0].photo), ("broken.jpg", b"no picture"), ("broken.txt", b"x")])  # fmt: skip
    return [folder / "0.tar", folder / "1.tar"]


def test_training_sees_all_photos_but_those_kept_apart(shards, tmp_path):
    def seen(apart):
        settings = ReaderSettings("bicubic", Texts("first", ""), WHOLE, apart)
        data = TrainingData(shards, tmp_path, settings)
        (*batches,) = data.batches(Pass(epoch=1, seed=0, batch=1, size=16), workers=0)
        return len(data), {key for batch in batches for key in batch.keys}

    (every, all_keys), (fewer, keys) = seen(0.0), seen(SHARE)
    apart = {key for key in all_keys if is_apart(key, SHARE)}
    assert keys == all_keys - apart
    assert 5 < len(apart) < 20
    assert every - fewer == len(apart) + 2 * is_apart("broken", SHARE)


def test_who_is_kept_apart_follows_from_the_key_alone():
    keys = [f"photo {number}" for number in range(2000)]
    few, more = ({key for key in keys if is_apart(key, share)} for share in (0.1, 0.2))
    assert few < more
    assert 160 < len(few) < 240


def test_the_library_holds_those_kept_apart_and_what_is_in_their_way(shards, tmp_path):
    packed = list(samples(pack_library(shards, SHARE, tmp_path)))
    source = {
        own.key: own for shard in shards for own in grouped(shard) if own.key not in {"silent", "broken"}
    }
    assert {own.key for own in packed} == source.keys()
    kept = [is_apart(own.key, SHARE) for own in packed]
    assert kept == sorted(kept, reverse=True)
    assert all(own.photo == source[own.key].photo for own in packed)
    assert all(len(own.words["queries"]) == 1 for own in packed)


def test_too_few_photos_are_told(shards, tmp_path):
    with pytest.raises(
        DataError, match=r"^Of these photos \d with words would be kept apart, .* add photos or words"
    ):
        pack_library(shards, 0.01, tmp_path)
    assert not list(tmp_path.iterdir())

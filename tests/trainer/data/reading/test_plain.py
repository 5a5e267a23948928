"""Plain shards are read as reinforced ones, and views are drawn in each epoch."""

from __future__ import annotations

import io
import json

import numpy as np
import PIL.Image
import pytest
import torch
from tests.trainer.conftest import write_shard as pack
from tests.trainer.data.conftest import SLOTS, WIDTHS, write_samples
from torchvision.transforms.v2.functional import resize

from mctrain.data.reading.index import open_shard
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.sampling import EpochPart, ReaderSettings, StoredViews, TextChoice
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.reinforced.sample import PLAIN, members_of
from mctrain.data.shards import samples
from mctrain.errors import DataError, RecipeError
from mctrain.recipes.tables import Augmentation

WHOLE = Augmentation("none", 1, 1.0, mirror=False)
STRONG = Augmentation("strong", 1, 0.08, mirror=True)
FIRST = TextChoice("first", "")


def plain_settings(views=WHOLE, texts=FIRST) -> ReaderSettings:
    return ReaderSettings("bicubic", texts, views)


def png(photo: bytes, form: str) -> bytes:
    content = io.BytesIO()
    PIL.Image.open(io.BytesIO(photo)).save(content, form, lossless=True)
    return content.getvalue()


@pytest.fixture(scope="module")
def plain(photos, tmp_path_factory):
    """Photos with `txt` alone, in three forms; one has more captions in `json`, one texts by tag."""
    parts = []
    for number, photo in enumerate(photos[:8]):
        form = ("jpg", "png", "webp")[number % 3]
        content = photo.photo if form == "jpg" else png(photo.photo, form)
        parts += [(f"{photo.key}.{form}", content), (f"{photo.key}.txt", f"first of {number}".encode())]
        if number == 3:
            parts.append((f"{photo.key}.json", b'{"texts": ["second of 3", " "], "width": 3}'))
        if number == 4:
            parts.append((f"{photo.key}.syn.json", b'{"syn_text": ["made", ""], "spoken": ["words"]}'))
    return pack(tmp_path_factory.mktemp("plain") / "plain.tar", parts)


@pytest.fixture(scope="module")
def reinforced(reinforced_samples, tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("set") / "set.tar", reinforced_samples, Storage.NPZ)


def test_a_photo_with_a_text_beside_it_is_enough(plain, photos, tmp_path):
    data = TrainingData([plain], tmp_path, plain_settings())
    (batch,) = data.batches(EpochPart(0, 1, 8, 48), 0)
    numbers = {photo.key: number for number, photo in enumerate(photos)}
    assert batch.captions == tuple(f"first of {numbers[key]}" for key in batch.keys)
    assert batch.synthetic == ()
    assert batch.image_embeddings.shape == batch.caption_embeddings.shape == (8, 0)
    assert batch.synthetic_embeddings.shape == (0, 0)
    for key, pixels in zip(batch.keys, batch.pixels, strict=True):
        wanted = resize(photos[numbers[key]].image(), [48, 48], interpolation=3)
        assert np.array_equal(pixels.permute(1, 2, 0).numpy(), np.asarray(wanted))


def test_texts_are_chosen_as_in_reinforced_data_and_blank_ones_are_ignored(plain, photos, tmp_path):
    data = TrainingData([plain], tmp_path, plain_settings(texts=TextChoice("any", "^syn_text$")))
    seen = {key: set() for key in (photo.key for photo in photos[:8])}
    for epoch in range(12):
        for batch in data.batches(EpochPart(epoch, 1, 8, 8), 0):
            for pair in zip(batch.keys, batch.captions, batch.synthetic, strict=True):
                seen[pair[0]].add(pair[1:])
            assert batch.synthetic_embeddings.shape == (8, 0)
    keys = [photo.key for photo in photos]
    assert seen[keys[0]] == {("first of 0", "first of 0")}
    assert seen[keys[3]] == {("first of 3", "second of 3"), ("second of 3", "first of 3")}
    assert seen[keys[4]] == {("first of 4", "made")}


def test_each_visit_draws_a_new_view(plain, tmp_path):
    data = TrainingData([plain], tmp_path, plain_settings(STRONG))

    def looks(epoch, seed):
        """The pixels of each photo."""
        batches = data.batches(EpochPart(epoch, seed, 4, 32), 0)
        return {
            key: pixels for batch in batches for key, pixels in zip(batch.keys, batch.pixels, strict=True)
        }

    first = looks(0, 1)
    again = looks(0, 1)
    assert all(torch.equal(first[key], again[key]) for key in first)
    for others in (looks(1, 1), looks(0, 2)):
        assert first.keys() == others.keys()
        assert not any(torch.equal(first[key], others[key]) for key in first)


def test_a_reinforced_shard_is_plain_data_without_embeddings(reinforced, reinforced_samples, tmp_path):
    texts = TextChoice("any", "^syn_text$")
    stored = TrainingData([reinforced], tmp_path, ReaderSettings("bicubic", texts, StoredViews(WIDTHS)))
    drawn = TrainingData([reinforced], tmp_path, plain_settings(STRONG, texts))
    part = EpochPart(3, 5, 8, 16)
    for one, other in zip(stored.batches(part, 0), drawn.batches(part, 0), strict=True):
        assert (one.keys, one.captions, one.synthetic) == (other.keys, other.captions, other.synthetic)
        assert other.image_embeddings.shape == (8, 0)
    shard = open_shard(reinforced, tmp_path, PLAIN)
    assert {suffix for number in range(16) for suffix in shard.members(number)} == {
        "jpg", "txt", "json", "syn.json",
    }  # fmt: skip
    broken = [
        (f"{sample.key}.{suffix}", b"no array" if suffix in {"npz", "paug.json"} else content)
        for sample in reinforced_samples
        for suffix, content in members_of(sample, Storage.NPZ, SLOTS).items()
    ]
    data = TrainingData([pack(tmp_path / "broken.tar", broken)], tmp_path, plain_settings())
    assert len(list(data.batches(part, 0))) == 2


def test_unusable_plain_samples_are_counted_and_the_rest_is_read(photos, real_data, tmp_path):
    stranger = next(samples(real_data / "flickr8k-dev-000000.tar"))
    words = json.dumps({"texts": ["\t"]}).encode()
    parts = [(f"{photo.key}.{suffix}", content) for photo in photos[:4]
             for suffix, content in (("jpg", photo.photo), ("txt", b"a thing"))]  # fmt: skip
    for key, photo, text, record in (
        ("renamed", stranger.photo, b"a thing", None),
        ("blank", photos[5].photo, b" \n", words),
        ("cut", photos[5].photo[:900], b"a thing", None),
        ("odd", photos[5].photo, b"a thing", b"[1]"),
        ("untold", photos[5].photo, None, words),
    ):
        parts += [
            (f"{key}.{suffix}", content)
            for suffix, content in (("jpg", photo), ("txt", text), ("json", record))
            if content is not None
        ]
    shard = pack(tmp_path / "odd.tar", parts)
    data = TrainingData([shard], tmp_path, plain_settings())
    assert len(data) == 8
    keys = {
        key for epoch in (0, 1) for batch in data.batches(EpochPart(epoch, 0, 2, 8), 0) for key in batch.keys
    }
    assert keys == {photo.key for photo in photos[:4]}
    assert data.skipped == {
        "no txt": 1,
        "evaluation photo": 1,
        "blank texts": 1,
        "broken photo": 1,
        "broken json": 1,
    }


def test_shards_of_another_kind_say_what_they_lack(plain, photos, tmp_path):
    with pytest.raises(
        DataError, match=r"7 have no json, 1 have no syn\.json\. `mctrain reinforce` adds what teachers say"
    ):
        TrainingData([plain], tmp_path, ReaderSettings("bicubic", FIRST, StoredViews(WIDTHS)))
    bare = pack(tmp_path / "bare.tar", [(f"{photo.key}.jpg", photo.photo) for photo in photos[:2]])
    with pytest.raises(DataError, match=r"2 have no txt\. Each photo needs a caption beside it"):
        TrainingData([bare], tmp_path, plain_settings())
    with pytest.raises(RecipeError, match="no regular expression"):
        TextChoice("any", "(")

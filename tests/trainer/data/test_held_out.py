"""A share of a person's photos, and everyday-dev, are never seen in training, and measure the result."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from itertools import islice

import pytest
from tests.trainer.conftest import members_of, no_progress, run_mctrain, write_photos, write_shard

from mctrain.data.checks.check import check_shards
from mctrain.data.checks.leakage import refuse_evaluation, shipped_digests
from mctrain.data.held_out import is_everyday, is_held_out, pack_everyday, pack_library
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.sampling import EpochPart, ReaderSettings, TextChoice
from mctrain.data.shards import file_digest, grouped, samples
from mctrain.errors import DataError, LeakageError
from mctrain.models.presets import preset_of
from mctrain.recipes.tables import Augmentation
from mctrain.teachers.fit.corpus import FitFolders, build_corpus
from mctrain.teachers.fit.features import Views, cached

WHOLE = Augmentation("none", 1, 1.0, mirror=False)
SHARE = 0.4


@pytest.fixture(scope="module")
def shards(photo_sets, tmp_path_factory):
    """Two shards of plain photos with captions, each with a photo without words and a file that is no photo."""
    folder = tmp_path_factory.mktemp("plain")
    found = list(islice(samples(photo_sets / "flickr8k-train-000001.tar"), 30))
    for name, part in (("0.tar", found[:12]), ("1.tar", found[12:])):
        parts = [
            member
            for sample in part
            for member in (
                (f"{sample.key}.jpg", sample.photo),
                (f"{sample.key}.txt", sample.record["captions"][0].encode()),
            )
        ]
        write_shard(folder / name, [*parts, ("silent.jpg", found[0].photo), ("broken.jpg", b"no picture"), ("broken.txt", b"x")])  # fmt: skip
    return [folder / "0.tar", folder / "1.tar"]


def test_training_sees_all_photos_but_those_kept_apart(shards, tmp_path):
    def seen(apart):
        settings = ReaderSettings("bicubic", TextChoice("first", ""), WHOLE, apart)
        data = TrainingData(shards, tmp_path, settings)
        (*batches,) = data.batches(EpochPart(epoch=1, seed=0, batch=1, size=16), workers=0)
        return len(data), {key for batch in batches for key in batch.keys}

    (every, all_keys), (fewer, keys) = seen(0.0), seen(SHARE)
    apart = {key for key in all_keys if is_held_out(key, SHARE)}
    assert keys == all_keys - apart
    assert 5 < len(apart) < 20
    assert every - fewer == len(apart) + 2 * is_held_out("broken", SHARE)


def test_the_key_alone_decides_which_photos_are_kept_apart():
    keys = [f"photo {number}" for number in range(2000)]
    few, more = ({key for key in keys if is_held_out(key, share)} for share in (0.1, 0.2))
    assert few < more
    assert 160 < len(few) < 240


def test_the_library_begins_with_the_photos_kept_apart(shards, tmp_path):
    packed = list(samples(pack_library(shards, SHARE, tmp_path)))
    source = {
        group.key: group
        for shard in shards
        for group in grouped(shard)
        if group.key not in {"silent", "broken"}
    }
    assert {sample.key for sample in packed} == source.keys()
    kept = [is_held_out(sample.key, SHARE) for sample in packed]
    assert kept == sorted(kept, reverse=True)
    assert all(sample.photo == source[sample.key].photo for sample in packed)
    assert all(len(sample.record["queries"]) == 1 for sample in packed)


def test_too_few_photos_are_an_error(shards, tmp_path):
    with pytest.raises(
        DataError, match=r"^Of these photos \d with words would be kept apart, .* add photos or words"
    ):
        pack_library(shards, 0.01, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def everyday(real_data, tmp_path_factory):
    """All photos of everyday-dev, from the real parts."""
    return list(samples(pack_everyday(real_data, tmp_path_factory.mktemp("everyday"))))


@pytest.fixture(scope="module")
def stranger(everyday):
    return everyday[0]


def test_every_everyday_search_of_three_words_is_known(everyday):
    searches = [query for photo in everyday for query in photo.record["queries"]]
    longer = [query for query in searches if len(query.split()) > 2]
    assert len(longer) == 1682
    assert all(shipped_digests().holds_sentence(query.title()) for query in longer)


def test_everyday_dev_has_1435_photos_with_6688_queries(everyday):
    assert len(everyday) == len({sample.key for sample in everyday}) == 1435
    assert sum(len(sample.record["queries"]) for sample in everyday) == 6688


def test_the_shipped_list_knows_each_of_its_photos_by_key_and_by_bytes(everyday):
    known = shipped_digests()
    assert all(known.holds_key(sample.key) and known.holds_photo(sample.photo) for sample in everyday)
    assert (len(known.keys), len(known.photos)) == (3000 + 1435, 3000 + 1435)


def test_every_twentieth_key_with_queries_is_drawn():
    keys = [f"photo-{number}" for number in range(4000)]
    drawn = [key for key in keys if is_everyday(key, {"queries": ["dog"]})]
    assert 140 < len(drawn) < 260
    assert all(int.from_bytes(hashlib.sha256(key.encode()).digest(), "big") % 20 == 0 for key in drawn)
    assert not any(is_everyday(key, words) for key in drawn for words in ({}, {"queries": []}))
    assert not any(shipped_digests().skips(key, {"queries": ["dog"]}) for key in drawn)  # photos of others


def test_everyday_photos_are_allowed_only_in_their_part(stranger, tmp_path):
    bare = json.dumps({**stranger.record, "queries": []}).encode()
    refuse_evaluation([write_photos(tmp_path / "a.tar", [stranger])], shipped_digests())
    for name, parts in (
        ("renamed", members_of(stranger, key="another-key")),
        ("without-queries", members_of(stranger, bare)),
        ("in-a-folder", members_of(stranger, key=f"x/{stranger.key}")),
        ("twice", [*members_of(stranger), *members_of(stranger, bare)]),
    ):
        with pytest.raises(LeakageError, match=f"{name}.*holds 1 evaluation photos"):
            refuse_evaluation([write_shard(tmp_path / f"{name}.tar", parts)], shipped_digests())


def test_training_sees_nothing_of_everyday_dev(everyday, tiny_data, tiny_recipe, cache, tmp_path):
    words = json.dumps({**everyday[0].record, "queries": ["zebra on the moon"]}).encode()
    apart = replace(everyday[0], members={**everyday[0].members, "json": words})
    for path in tiny_data.iterdir():
        shutil.copy(path, tmp_path)
    labelled = list(samples(tmp_path / "labelled-train-000000.tar.gz"))
    shard = write_photos(tmp_path / "labelled-train-000000.tar.gz", [apart, *labelled[:3]])

    spec = preset_of(tiny_recipe.model).image_spec()
    views = Views(tiny_recipe.augmentation, tiny_recipe.training.seed, ("lite0",), spec)
    corpus = build_corpus(tiny_recipe.data, views, FitFolders(tmp_path, cache), no_progress, workers=1)
    captioned = 20
    assert corpus.features.shape[1] == corpus.logits.shape[1] == captioned + 3
    assert len(corpus.captions.starts) == len(corpus.queries.starts) == captioned + 3 + 1
    keys, features, logits = cached(shard, views, 0, cache)
    assert keys == [apart.key, *(sample.key for sample in labelled[:3])]
    assert (corpus.features[0, captioned:] == features[1:]).all()
    assert (corpus.logits[0, captioned:] == logits[0, 1:]).all()
    assert corpus.keys[captioned:] == tuple(sample.key for sample in labelled[:3])
    assert "zebra on the moon" not in corpus.texts
    assert set(labelled[0].record["captions"]) <= set(corpus.texts)


def test_the_check_counts_everyday_photos_without_fault(everyday, tmp_path):
    first = everyday[0]
    stray = members_of(first, key="stray")
    shard = write_photos(tmp_path / "a.tar", everyday[:2])
    report = check_shards([shard])[0]
    assert (report.held_out, report.evaluation, report.faults) == (2, 0, [])
    output = run_mctrain("data", "check", shard).output
    assert "passed over in training: 2 photos of everyday-dev" in output
    report = check_shards([write_shard(tmp_path / "b.tar", stray)])[0]
    assert (report.held_out, report.evaluation) == (0, 1)
    assert report.faults == ["stray is an evaluation photo under another key: never trained on"]


def test_equal_data_are_packed_to_equal_bytes_and_no_data_is_an_error(everyday, tmp_path):
    data, shards = tmp_path / "data", []
    data.mkdir()
    for name in ("coco-described", "labelled-train", "photos-described", "more-described"):
        write_photos(data / f"{name}-000000.tar.gz", everyday[:3] if name == "coco-described" else [])
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        shards.append(pack_everyday(data, tmp_path / place))
    assert file_digest(shards[0]) == file_digest(shards[1])
    assert [sample.key for sample in samples(shards[0])] == [sample.key for sample in everyday[:3]]
    write_shard(data / "coco-described-000000.tar.gz", [])
    with pytest.raises(DataError, match="hold no photo of everyday-dev"):
        pack_everyday(data, tmp_path)

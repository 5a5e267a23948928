"""A share of a person's photos, and everyday-dev, are never seen in training, and measure the result."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from itertools import islice

import pytest
from click.testing import CliRunner
from tests.trainer.conftest import members_of, write_shard

from mctrain.cli.command import mctrain
from mctrain.data.apart import is_apart, is_drawn, pack_everyday, pack_library
from mctrain.data.check import check_shards
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.visit import Pass, ReaderSettings, Texts
from mctrain.data.refusal import refuse_evaluation, shipped
from mctrain.data.shards import file_digest, grouped, samples
from mctrain.errors import DataError, RefusalError
from mctrain.models.presets import preset_of
from mctrain.recipes.tables import Augmentation
from mctrain.teachers.fit.corpus import FitFolders, build_corpus
from mctrain.teachers.fit.features import Views, cached

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


@pytest.fixture(scope="module")
def everyday(real_data, tmp_path_factory):
    """The set itself: each photo of it from the real parts."""
    return list(samples(pack_everyday(real_data, tmp_path_factory.mktemp("everyday"))))


@pytest.fixture(scope="module")
def stranger(everyday):
    return everyday[0]


def silent(*_):
    return lambda *_: None


def test_every_search_of_three_words_is_known_by_its_words(everyday):
    searches = [own for sample in everyday for own in sample.words["queries"]]
    longer = [own for own in searches if len(own.split()) > 2]
    assert len(longer) == 1682
    assert all(shipped().holds_sentence(own.title()) for own in longer)


def words_of(sample):
    return json.dumps(sample.words).encode()


def test_it_has_1435_photos_with_6688_queries(everyday):
    assert len(everyday) == len({sample.key for sample in everyday}) == 1435
    assert sum(len(sample.words["queries"]) for sample in everyday) == 6688


def test_the_shipped_list_knows_each_of_its_photos_by_key_and_by_bytes(everyday):
    known = shipped()
    assert all(known.holds_key(own.key) and known.holds_photo(own.photo) for own in everyday)
    assert (len(known.keys), len(known.photos)) == (3000 + 1435, 3000 + 1435)


def test_the_rule_wants_queries_and_every_twentieth_key():
    keys = [f"photo-{number}" for number in range(4000)]
    drawn = [key for key in keys if is_drawn(key, {"queries": ["dog"]})]
    assert 140 < len(drawn) < 260
    assert all(int.from_bytes(hashlib.sha256(key.encode()).digest(), "big") % 20 == 0 for key in drawn)
    assert not any(is_drawn(key, words) for key in drawn for words in ({}, {"queries": []}))
    assert not any(shipped().stands_apart(key, {"queries": ["dog"]}) for key in drawn)  # photos of others


def test_what_stands_in_its_part_stops_no_run_and_elsewhere_it_does(stranger, tmp_path):
    other = replace(stranger, key="another-key")
    bare = json.dumps({**stranger.words, "queries": []}).encode()
    fine = write_shard(tmp_path / "a.tar", members_of(stranger, words_of(stranger)))
    refuse_evaluation([fine], shipped())
    for name, parts in (
        ("renamed", members_of(other, words_of(other))),
        ("without-queries", members_of(stranger, bare)),
        ("in-a-folder", members_of(replace(stranger, key=f"x/{stranger.key}"), words_of(stranger))),
        ("twice", [*members_of(stranger, words_of(stranger)), *members_of(stranger, bare)]),
    ):
        with pytest.raises(RefusalError, match=f"{name}.*holds 1 evaluation photos"):
            refuse_evaluation([write_shard(tmp_path / f"{name}.tar", parts)], shipped())


def test_training_learns_neither_its_photos_nor_its_words(everyday, tiny_data, tiny_recipe, cache, tmp_path):
    words = json.dumps({**everyday[0].words, "queries": ["zebra on the moon"]}).encode()
    apart = replace(everyday[0], members={**everyday[0].members, "json": words})
    for path in tiny_data.iterdir():
        shutil.copy(path, tmp_path)
    own = list(samples(tmp_path / "labelled-train-000000.tar.gz"))
    mixed = [part for sample in (apart, *own[:3]) for part in members_of(sample, words_of(sample))]
    shard = write_shard(tmp_path / "labelled-train-000000.tar.gz", mixed)

    spec = preset_of(tiny_recipe.model).image_spec()
    views = Views(tiny_recipe.augmentation, tiny_recipe.training.seed, ("lite0",), spec)
    corpus = build_corpus(tiny_recipe.data, views, FitFolders(tmp_path, cache), silent, workers=1)
    captioned = 20
    assert corpus.features.shape[1] == corpus.logits.shape[1] == captioned + 3
    assert len(corpus.captions.starts) == len(corpus.queries.starts) == captioned + 3 + 1
    (seen,) = cached(shard, views, 0, cache)
    assert list(seen.keys) == [apart.key, *(sample.key for sample in own[:3])]
    assert (corpus.features[0, captioned:] == seen.features[1:]).all()
    assert (corpus.logits[0, captioned:] == seen.logits[1:]).all()
    assert corpus.keys[captioned:] == tuple(sample.key for sample in own[:3])
    assert "zebra on the moon" not in corpus.texts
    assert set(own[0].words["captions"]) <= set(corpus.texts)


def test_the_check_counts_it_and_finds_no_fault_in_it(everyday, tmp_path):
    first, second = everyday[:2]
    stray = members_of(first, words_of(first), key="stray")
    shard = write_shard(
        tmp_path / "a.tar", [*members_of(first, words_of(first)), *members_of(second, words_of(second))]
    )
    report = check_shards([shard])[0]
    assert (report.apart, report.evaluation, report.faults) == (2, 0, [])
    told = CliRunner().invoke(mctrain, ["data", "check", str(shard)])
    assert "passed over in training: 2 photos of everyday-dev" in told.output
    assert told.exit_code == 0
    report = check_shards([write_shard(tmp_path / "b.tar", stray)])[0]
    assert (report.apart, report.evaluation) == (0, 1)
    assert report.faults == ["stray is an evaluation photo under another key: never trained on"]


def test_equal_data_are_packed_to_equal_bytes_and_none_is_told(everyday, tmp_path):
    few = [part for own in everyday[:3] for part in members_of(own, words_of(own))]
    data, shards = tmp_path / "data", []
    data.mkdir()
    for name in ("coco-described", "labelled-train", "photos-described", "more-described"):
        write_shard(data / f"{name}-000000.tar.gz", few if name == "coco-described" else [])
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        shards.append(pack_everyday(data, tmp_path / place))
    assert file_digest(shards[0]) == file_digest(shards[1])
    assert [own.key for own in samples(shards[0])] == [own.key for own in everyday[:3]]
    write_shard(data / "coco-described-000000.tar.gz", [])
    with pytest.raises(DataError, match="hold no photo of everyday-dev"):
        pack_everyday(data, tmp_path)

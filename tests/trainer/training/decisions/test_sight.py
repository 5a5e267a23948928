"""A bundle under a head of its own sees and says what the whole bundle does; decisions are found in shards, or missed in a sentence."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest

from mctrain.data.shards import samples, write_archive
from mctrain.errors import DataError, RecipeError, WeightsError
from mctrain.recipes.training import load_decisions, load_training
from mctrain.teachers.teacher import BundleTeacher
from mctrain.training.decisions.head import judged_tags, too_few
from mctrain.training.decisions.sight import BundleTrunk, Headed, embed, look
from mctrain.weights.unbundle import read_bundle, write_trunk
from picsight_engine.bundles.bundle import TEXT_GRAPH, open_bundle


@pytest.fixture(scope="module")
def head(starter):
    return read_bundle(starter).clip.image.head


@pytest.fixture(scope="module")
def sight(starter, tmp_path_factory):
    return BundleTrunk(open_bundle(starter), tmp_path_factory.mktemp("sight"))


@pytest.fixture(scope="module")
def photos(real_data):
    return list(islice(samples(real_data / "flickr8k-train-000004.tar"), 4))


def shard(folder, *members):
    path = folder / "shard-000000.tar"
    write_archive(
        path,
        [(key, {suffix: photo, "json": json.dumps(words).encode()}) for key, suffix, photo, words in members],
    )
    return path


def said(tag, accepted, *prompts):
    return {"tag": tag, "prompts": list(prompts), "accepted": accepted}


def test_under_the_bundles_own_head_it_is_the_bundle(sight, head, starter, photos):
    own, whole = Headed(sight, head), BundleTeacher(starter)
    pictures, keys = [photo.image() for photo in photos], [photo.key for photo in photos]
    near = (own.photos(pictures, keys) * whole.photos(pictures, keys)).sum(1)
    assert near.min() > 0.99999
    texts = ["a dog in the snow", "Luna"]
    assert np.array_equal(own.texts(texts), whole.texts(texts))
    assert own.texts([]).shape == (0, own.width)


def test_decisions_are_a_table_of_the_photos_that_have_some(sight, head, real_data, photos, tmp_path):
    evaluation = next(samples(real_data / "flickr8k-dev-000000.tar"))
    made = [
        {"decisions": [said("b/Luna", True, "our dog", "Luna"), said("a", False)]},
        {"decisions": [said("b/Luna", False, "our dog", "Luna")]},
        {"captions": ["A dog."]},
        {"decisions": [said("a", True)]},
    ]
    members = [
        (f"k{place}", own.suffix, own.photo, words)
        for place, (own, words) in enumerate(zip(photos, made, strict=True))
    ]
    members[3] = ("k3", "jpg", b"no picture", made[3])
    members.append(("k4", evaluation.suffix, evaluation.photo, made[0]))
    decided = look([shard(tmp_path, *members)], sight, lambda *_: None)
    assert decided.keys == ("k0", "k1")
    assert (decided.tags, decided.words) == (("a", "b/Luna"), (("a",), ("our dog", "Luna")))
    assert decided.verdicts.tolist() == [[-1, 1], [0, -1]]
    assert decided.skipped == {"no decision": 1, "broken photo": 1, "evaluation photo": 1}
    vectors = Headed(sight, head).photos([photo.image() for photo in photos[:2]], ["", ""])
    assert np.allclose(embed(head, decided.given), vectors, atol=1e-3)
    with pytest.raises(DataError, match="No tag has 1 accepted and 1 rejected photos kept apart"):
        judged_tags(decided.where(np.array([True, False])), 1)
    assert judged_tags(decided, 1).tolist() == [1]
    assert too_few(decided, 1) == ["a (0 accepted, 1 rejected)"]


def test_shards_without_decisions_and_with_odd_ones_are_told(sight, photos, tmp_path):
    own = photos[0]
    for words, told in (
        ({"captions": ["A dog."]}, "has a decision about a tag; pack what `picsight export decisions` wrote"),
        ({"decisions": [{"tag": "a"}]}, "holds something else where decisions should be; pack it again"),
        ({"decisions": "all"}, "holds something else where decisions should be"),
    ):
        with pytest.raises(DataError, match=told):
            look([shard(tmp_path, (own.key, own.suffix, own.photo, words))], sight, lambda *_: None)


def test_a_graph_without_a_head_of_ours_is_told(starter, tmp_path):
    with pytest.raises(WeightsError, match="has no trunk and head of ours"):
        write_trunk(starter / TEXT_GRAPH, tmp_path / "trunk.onnx")


def test_a_recipe_of_decisions_is_no_other_and_refuses_odd_numbers():
    with pytest.raises(
        RecipeError,
        match="recipe of a head that learns from decisions about tags; `mctrain train` follows it",
    ):
        load_training("my-decisions")
    with pytest.raises(RecipeError, match="of a training run"):
        load_decisions("my-photos")
    with pytest.raises(RecipeError, match=r"--set decisions\.staying=-1: "):
        load_decisions("my-decisions", ["decisions.staying=-1"])

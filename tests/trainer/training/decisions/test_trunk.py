"""A bundle's trunk with its head embeds as the bundle does; decisions are read from shards, or one sentence says why not."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest

from mctrain.data.shards import samples, write_archive
from mctrain.errors import DataError, RecipeError, WeightsError
from mctrain.recipes.parser import load
from mctrain.recipes.training import DecisionsRecipe, TrainingRecipe
from mctrain.teachers.teacher import BundleTeacher
from mctrain.training.decisions.head import judged_tags, too_few
from mctrain.training.decisions.trunk import BundleTrunk, HeadTeacher, embed, embed_decided
from mctrain.weights.from_bundle import read_bundle, write_trunk
from picsight_engine.bundles.bundle import TEXT_GRAPH, open_bundle


@pytest.fixture(scope="module")
def head(starter):
    return read_bundle(starter).clip.image.head


@pytest.fixture(scope="module")
def trunk(starter, tmp_path_factory):
    return BundleTrunk(open_bundle(starter), tmp_path_factory.mktemp("trunk"))


@pytest.fixture(scope="module")
def photos(photo_sets):
    return list(islice(samples(photo_sets / "flickr8k-train-000004.tar"), 4))


def shard(folder, *members):
    path = folder / "shard-000000.tar"
    write_archive(
        path,
        [(key, {suffix: photo, "json": json.dumps(words).encode()}) for key, suffix, photo, words in members],
    )
    return path


def decision(tag, accepted, *prompts):
    return {"tag": tag, "prompts": list(prompts), "accepted": accepted}


def test_a_trunk_with_the_bundles_head_is_the_bundle(trunk, head, starter, photos):
    head_teacher, whole = HeadTeacher(trunk, head), BundleTeacher(starter)
    pictures, keys = [photo.image() for photo in photos], [photo.key for photo in photos]
    near = (head_teacher.photos(pictures, keys) * whole.photos(pictures, keys)).sum(1)
    assert near.min() > 0.99999
    texts = ["a dog in the snow", "Luna"]
    assert np.array_equal(head_teacher.texts(texts), whole.texts(texts))
    assert head_teacher.texts([]).shape == (0, head_teacher.width)


def test_decisions_become_a_table_of_photos_and_tags(trunk, head, real_data, photos, tmp_path):
    evaluation = next(samples(real_data / "flickr8k-dev-000000.tar"))
    made = [
        {"decisions": [decision("b/Luna", True, "our dog", "Luna"), decision("a", False)]},
        {"decisions": [decision("b/Luna", False, "our dog", "Luna")]},
        {"captions": ["A dog."]},
        {"decisions": [decision("a", True)]},
    ]
    members = [
        (f"k{place}", photo.suffix, photo.photo, words)
        for place, (photo, words) in enumerate(zip(photos, made, strict=True))
    ]
    members[3] = ("k3", "jpg", b"no picture", made[3])
    members.append(("k4", evaluation.suffix, evaluation.photo, made[0]))
    decided = embed_decided([shard(tmp_path, *members)], trunk, lambda *_: None)
    assert decided.keys == ("k0", "k1")
    assert (decided.tags, decided.words) == (("a", "b/Luna"), (("a",), ("our dog", "Luna")))
    assert decided.labels.tolist() == [[-1, 1], [0, -1]]
    assert decided.skipped == {"no decision": 1, "broken photo": 1, "evaluation photo": 1}
    vectors = HeadTeacher(trunk, head).photos([photo.image() for photo in photos[:2]], ["", ""])
    assert np.allclose(embed(head, decided.given), vectors, atol=1e-3)
    with pytest.raises(DataError, match="No tag has 1 accepted and 1 rejected photos kept apart"):
        judged_tags(decided.where(np.array([True, False])), 1)
    assert judged_tags(decided, 1).tolist() == [1]
    assert too_few(decided, 1) == ["a (0 accepted, 1 rejected)"]


def test_missing_or_invalid_decisions_are_one_sentence(trunk, photos, tmp_path):
    photo = photos[0]
    for words, message in (
        ({"captions": ["A dog."]}, "has a decision about a tag; pack what `picsight export decisions` wrote"),
        ({"decisions": [{"tag": "a"}]}, "holds something else where decisions should be; pack it again"),
        ({"decisions": "all"}, "holds something else where decisions should be"),
    ):
        with pytest.raises(DataError, match=message):
            embed_decided(
                [shard(tmp_path, (photo.key, photo.suffix, photo.photo, words))], trunk, lambda *_: None
            )


def test_a_graph_without_our_head_is_refused(starter, tmp_path):
    with pytest.raises(WeightsError, match="has no trunk and head of ours"):
        write_trunk(starter / TEXT_GRAPH, tmp_path / "trunk.onnx")


def test_a_recipe_of_decisions_is_checked_and_no_training_recipe():
    with pytest.raises(
        RecipeError,
        match="recipe of a head that learns from decisions about tags; `mctrain train` follows it",
    ):
        load(TrainingRecipe, "my-decisions")
    with pytest.raises(RecipeError, match="of a training run"):
        load(DecisionsRecipe, "my-photos")
    with pytest.raises(RecipeError, match=r"--set decisions\.staying=-1: "):
        load(DecisionsRecipe, "my-decisions", ["decisions.staying=-1"])

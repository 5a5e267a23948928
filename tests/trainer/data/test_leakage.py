"""Evaluation data is never trained on, under any name and in any file."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from itertools import islice

import pytest
from tests.trainer.conftest import DEV_KEYS, no_progress, write_photos

from mctrain.data.checks.check import difference_hash
from mctrain.data.checks.leakage import evaluation_digests, refuse_evaluation, shipped_digests
from mctrain.data.shards import grouped, samples
from mctrain.errors import LeakageError
from mctrain.recipes.parser import load
from mctrain.recipes.teaching import TeachingRecipe
from mctrain.teachers.fit.corpus import FitFolders
from mctrain.teachers.fit.teach import teach

EVALUATION = ("flickr8k-dev-000000.tar", "imagenet-sample-000000.tar", "caltech101-eval-000000.tar")
WORDS = json.dumps({"captions": ["A dog."], "label": None}).encode()


@pytest.mark.parametrize("key", ["2090545563_a4e66ec76b", "imagenet-n01770081", "caltech101-barrel-0043"])
def test_a_shard_with_one_evaluation_key_is_refused_under_any_file_name(key, photo_sets, tmp_path):
    *training, stranger = islice(samples(photo_sets / "flickr8k-train-000000.tar"), 4)
    photos = [*training, replace(stranger, key=key)]
    shard = write_photos(tmp_path / "holiday-000000.tar.gz", photos, WORDS)
    with pytest.raises(LeakageError, match=f"holiday.*1 evaluation photos .{key} is"):
        refuse_evaluation([shard], shipped_digests())


@pytest.mark.parametrize("name", EVALUATION)
def test_the_looks_of_evaluation_photos_are_known(name, real_data):
    assert {
        difference_hash(group.image()) for group in islice(grouped(real_data / name), 5, 25)
    } <= shipped_digests().hashes


def test_every_caption_of_flickr8k_dev_and_its_translations_are_known_by_their_words(real_data):
    texts = [text for sample in samples(real_data / EVALUATION[0]) for text in sample.record["captions"]]
    with (real_data / "flickr8k-dev-translations.jsonl").open(encoding="utf-8") as file:
        texts += [row[language] for row in map(json.loads, file) for language in ("en", "de", "fr", "cs")]
    unknown = [text for text in texts if not shipped_digests().holds_sentence(text)]
    assert (len(texts), unknown) == (8736, ["dogs racing", "Chrt sprintuje."])


@pytest.mark.parametrize("name", ["flickr8k-dev-translations.jsonl", "hard-negatives.jsonl"])
def test_texts_made_from_evaluation_photos_are_refused_under_any_name(name, real_data, tmp_path):
    copy = shutil.copy(real_data / name, tmp_path / "captions.jsonl")
    with pytest.raises(LeakageError, match=r"captions\.jsonl speaks of [0-9]+ evaluation photos"):
        refuse_evaluation([tmp_path / copy], shipped_digests())


def test_a_table_that_names_an_evaluation_photo_is_refused_however_it_is_written(photo_sets, tmp_path):
    keys = [sample.key for sample in islice(samples(photo_sets / EVALUATION[0]), 2)]
    with gzip.open(tmp_path / "captions.tsv.gz", "wt", encoding="utf-8") as file:
        file.write(f"number\tphoto\n1\t{keys[0]}\n2\t{keys[1]}.jpg\n")
    with pytest.raises(LeakageError, match="speaks of 2 evaluation photos"):
        refuse_evaluation([tmp_path / "captions.tsv.gz"], shipped_digests())


def test_a_file_that_the_recipe_names_for_evaluation_is_refused_by_its_name(tmp_path):
    known = evaluation_digests(tmp_path, ["mine-dev-*.tar"], [])
    with pytest.raises(LeakageError, match=r"mine-dev-000000\.tar is for evaluation only"):
        refuse_evaluation([tmp_path / "mine-dev-000000.tar"], known)


def test_keys_of_a_shard_that_the_recipe_names_are_refused_in_other_files(photo_sets, tmp_path):
    """A person's own evaluation set is kept apart as well as ours."""
    mine, other = islice(samples(photo_sets / "flickr8k-train-000000.tar"), 2)
    write_photos(tmp_path / "mine-dev-000000.tar", [mine], WORDS)
    shard = write_photos(tmp_path / "mine-000000.tar", [other, mine], WORDS)
    refuse_evaluation([shard], shipped_digests())
    with pytest.raises(LeakageError, match=mine.key):
        refuse_evaluation([shard], evaluation_digests(tmp_path, ["mine-dev-{000000..000000}.tar"], []))


@pytest.mark.soak
def test_no_training_part_holds_an_evaluation_photo(real_data):
    recipe = load(TeachingRecipe, "starter").data
    shards = [path for pattern in recipe.shards for path in real_data.glob(pattern)]
    assert len(shards) == 20
    refuse_evaluation(shards[::4], shipped_digests())


def test_a_run_stops_before_anything_is_computed(photo_sets, tiny_data, tiny_recipe, tmp_path):
    stranger = next(samples(photo_sets / EVALUATION[0]))
    for path in tiny_data.iterdir():
        shutil.copy(path, tmp_path)
    write_photos(tmp_path / "flickr8k-train-000009.tar", [stranger], WORDS)
    folder, cache = tmp_path / "run", tmp_path / "cache"
    with pytest.raises(LeakageError):
        teach(tiny_recipe, FitFolders(tmp_path, cache), folder, no_progress, threads=1)
    assert not folder.exists()
    assert not cache.exists()


def test_texts_of_a_recipe_are_checked_too(tiny_data, tiny_recipe, tmp_path):
    for path in tiny_data.iterdir():
        shutil.copy(path, tmp_path)
    with gzip.open(tmp_path / "translations.tsv.gz", "wb") as file:
        file.write(b"split\timage\ten\tde\tfr\tcs\n")
    with gzip.open(tmp_path / "translated.tsv.gz", "wt", encoding="utf-8") as file:
        file.write(f"split\timage\ten\tde\tfr\tcs\ntrain\t{DEV_KEYS[0]}\ta\tb\tc\td\n")
    recipe = replace(tiny_recipe, data=replace(tiny_recipe.data, translations="translated.tsv.gz"))
    with pytest.raises(LeakageError, match=r"translated\.tsv\.gz speaks of"):
        teach(recipe, FitFolders(tmp_path, tmp_path / "cache"), tmp_path / "run", no_progress, threads=1)

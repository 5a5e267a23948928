"""Every kind of task is measured on a real checkpoint, from photo files."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from PIL import Image
from tests.trainer.conftest import members_of, run_mctrain, write_photos, write_shard

from mctrain.data.held_out import is_everyday
from mctrain.data.shards import samples
from mctrain.errors import DataError, WeightsError
from mctrain.evaluation.evaluated_model import EvaluatedModel


@pytest.fixture
def folder(tiny_data, tmp_path):
    """A data folder of this test: twenty captioned photos, twelve labelled ones, and lists of class names."""
    return shutil.copytree(tiny_data, tmp_path / "data")


@pytest.fixture
def ask(finished, folder, cache, tmp_path):
    """Runs `mctrain eval` on the checkpoint with tasks given as TOML."""

    def run(tasks, *words):
        (tmp_path / "tasks.toml").write_text(tasks, encoding="utf-8")
        places = ("--data", folder, "--cache", cache, "--tasks", tmp_path / "tasks.toml")
        return run_mctrain("eval", finished.path, *places, *words)

    return run


@pytest.fixture
def figures(ask):
    """The figures of one task by their names, and how many photos and texts it has."""

    def run(task):
        (answer,) = json.loads(ask(task, "--json").stdout)["tasks"]
        percents = {figure["name"]: figure["percent"] for figure in answer["figures"]}
        return percents, (answer["photos"], answer["texts"])

    return run


SHARDS = 'shards = ["flickr8k-train-*.tar"]'


def test_a_checkpoint_finds_the_photos_that_it_learnt(figures):
    percents, counts = figures(f'[[retrieval]]\nname = "task"\n{SHARDS}')
    assert counts == (20, 100)
    assert percents["text to image at 5"] > 50


def test_a_photo_that_several_shards_hold_is_found_by_the_captions_of_each(figures, folder):
    first, other = islice(samples(folder / "flickr8k-train-000000.tar"), 2)
    for number, photo in enumerate((first, first, other)):
        words = json.dumps({"captions": photo.record["captions"][number : number + 1]}).encode()
        write_shard(folder / f"part-{number}.tar", members_of(replace(photo, key=f"{number % 2}"), words))
    percents, counts = figures('[[retrieval]]\nname = "task"\nshards = ["part-*.tar"]')
    assert counts == (2, 3)
    assert percents["text to image at 1"] == percents["image to text at 1"] == 100


def test_pairs_have_a_figure_for_each_kind(figures, folder):
    pairs = [
        {"image": photo.key, "caption": photo.record["captions"][0], "negative": negative, "kind": kind}
        for photo in islice(samples(folder / "flickr8k-train-000000.tar"), 4)
        for kind, negative in (("other", "A spacecraft."), ("same", photo.record["captions"][0]))
    ]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    percents, counts = figures(f'[[pairs]]\nname = "task"\n{SHARDS}\npairs = "pairs.jsonl"')
    assert counts == (20, 16)
    assert percents["other"] >= 75
    assert percents["same"] == 0


def test_the_order_of_words_is_tested_on_the_first_captions(figures):
    percents, counts = figures(f'[[order]]\nname = "task"\n{SHARDS}\ncaptions = 2')
    assert counts[0] == 20
    assert 40 * 4 < counts[1] <= 40 * 7
    assert list(percents) == ["order", "relation", "attribute"]
    assert percents["order"] < percents["relation"]  # one against four is harder than one against one


def test_translations_have_figures_for_each_language_among_their_photos(figures, folder):
    texts = [
        {"key": photo.key, "en": photo.record["captions"][0], "de": "Ein Bild."}
        for photo in islice(samples(folder / "flickr8k-train-000000.tar"), 3, 14)
    ]
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, texts)))
    percents, counts = figures(
        f'[[translations]]\nname = "task"\n{SHARDS}\ntexts = "texts.jsonl"\nlanguages = ["en", "de"]'
    )
    assert counts == (11, 22)
    assert percents["en at 5"] > 60
    assert percents["de at 1"] == pytest.approx(100 / 11, abs=0.01)


def test_folders_of_photos_are_classified_as_the_same_photos_in_a_shard(figures, folder, photo_sets):
    """Only classes with a folder take part."""
    photos = list(islice(samples(photo_sets / "labelled-train-000001.tar.gz"), 4))
    lists = json.loads((photo_sets / "classnames.json").read_text())
    for photo in photos:
        place = folder / "sketches" / lists["imagenet_wnid"][photo.record["class_index"]]
        place.mkdir(parents=True)
        (place / "photo.jpg").write_bytes(photo.photo)
        (place / "._photo.jpg").write_bytes(b"of macOS")
    names = [photo.record["label"] for photo in photos]
    parts = [
        part
        for row, photo in enumerate(photos)
        for part in members_of(photo, json.dumps({"class_index": row}).encode())
    ]
    write_shard(folder / "four.tar", parts)
    (folder / "classnames.json").write_text(json.dumps({**lists, "four": names}))
    task = '[[folders]]\nname = "task"\nfolder = "sketches"\nids = "imagenet_wnid"\nclasses = "imagenet"'
    answers = figures(task)
    assert answers == figures('[[zero_shot]]\nname = "task"\nshards = ["four.tar"]\nclasses = "four"')
    assert answers[1] == (4, 4)


def test_a_task_that_does_not_fit_the_data_is_one_sentence(ask, folder):
    sample = next(samples(folder / "flickr8k-train-000000.tar"))
    write_shard(folder / "bare.tar", members_of(sample, b'{"captions": []}'))
    (folder / "sketches" / "dogs").mkdir(parents=True)
    (folder / "sketches" / "dogs" / "photo.jpg").write_bytes(sample.photo)
    lists = json.loads((folder / "classnames.json").read_text())
    (folder / "classnames.json").write_text(json.dumps({**lists, "few": ["dog", "cat"]}))
    for task, sentence in (
        ('[[retrieval]]\nname = "task"\nshards = ["bare.tar"]', "has no caption, which task needs"),
        (
            f'[[zero_shot]]\nname = "task"\n{SHARDS}\nclasses = "imagenet"',
            "has the class_index None, but task has only the 1000 classes of imagenet",
        ),
        (
            '[[folders]]\nname = "task"\nfolder = "sketches"\nids = "imagenet_wnid"\nclasses = "imagenet"',
            "The folder dogs of task is not in the list imagenet_wnid",
        ),
        (
            '[[folders]]\nname = "task"\nfolder = "sketches"\nids = "imagenet_wnid"\nclasses = "few"',
            "imagenet_wnid has 1000 names, few 2; name lists that belong together",
        ),
    ):
        with pytest.raises(DataError, match=sentence):
            ask(task)


def test_everyday_photos_are_measured_by_their_short_searches(figures, ask, folder, photo_sets):
    """Four photos of everyday-dev, and one other photo in each part."""
    wanted = {"photos-described-000000.tar.gz": 3, "labelled-train-000001.tar.gz": 1}
    queries = 0
    for name, count in wanted.items():
        found = list(
            islice(
                (sample for sample in samples(photo_sets / name) if is_everyday(sample.key, sample.record)),
                count,
            )
        )
        found.append(next(samples(photo_sets / name)))
        queries += sum(len(sample.record["queries"]) for sample in found[:-1])
        write_photos(folder / name, found)
    for name in ("coco-described", "more-described"):
        write_shard(folder / f"{name}-000000.tar.gz", [])
    (folder / "labelled-train-000000.tar.gz").unlink()
    percents, counts = figures('[[everyday]]\nname = "everyday-dev"')
    assert counts == (4, queries)
    assert percents["text to image at 1"] >= 50
    assert not any("image to text" in name for name in percents)
    output = ask('[[everyday]]\nname = "everyday-dev"').stdout
    assert output.startswith(f"everyday-dev: 4 photos, {queries} texts; text to image at 1 ")
    assert output.count("\n") == 1
    percents, counts = figures('[[blanks]]\nname = "everyday-blanks"')
    assert counts == (4, queries)
    assert percents["a blank in the first 20"] == 100  # of 54 pictures
    assert 100 * 16 / 20 <= percents["blanks of the first 20"] <= 100
    assert {"of kind black", "of kind finger"} < set(percents)


def test_a_tower_without_numbers_is_named_with_its_subject():
    """NaN would find something among few photos."""

    class Broken:
        name, digest = "broken", ""

        def photos(self, pictures, keys):
            assert len(pictures) == len(keys)
            return np.array([[1, np.nan]], np.float32)

        def texts(self, texts):
            return np.array([[1, 0]] * (len(texts) - 1) + [[np.inf, 0]], np.float32)

    model = EvaluatedModel(Broken(), lambda *_: None)
    picture = Image.new("RGB", (8, 8))
    with pytest.raises(WeightsError, match="The image tower of broken gives no numbers for 'key'"):
        model.pictures([picture], ["key"])
    with pytest.raises(WeightsError, match="The text tower of broken gives no numbers for 'b'"):
        model.texts(["a", "b"])

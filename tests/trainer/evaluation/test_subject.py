"""Every kind of task is asked of a real checkpoint, from the photos' files."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.trainer.conftest import members_of, write_shard

from mctrain.cli.command import mctrain
from mctrain.data.apart import is_drawn
from mctrain.data.shards import samples
from mctrain.errors import WeightsError
from mctrain.evaluation.subject import Subject


@pytest.fixture
def folder(tiny_data, tmp_path):
    """A data folder to add to: twenty photos with captions, twelve with labels, and the lists of class names."""
    return shutil.copytree(tiny_data, tmp_path / "data")


@pytest.fixture
def ask(finished, folder, cache, tmp_path):
    """Asks tasks of the checkpoint, each given as TOML; the answer is an exit code, what was said, and what was complained of."""

    def run(tasks, *words):
        (tmp_path / "tasks.toml").write_text(tasks, encoding="utf-8")
        places = ["--data", str(folder), "--cache", str(cache), "--tasks", str(tmp_path / "tasks.toml")]
        return CliRunner().invoke(mctrain, ["eval", str(finished.path), *places, *words])

    return run


@pytest.fixture
def figures(ask):
    """The figures of one task by their names, and how many photos and texts it has."""

    def run(task):
        result = ask(task, "--json")
        assert result.exit_code == 0, result.output
        (told,) = json.loads(result.stdout)["tasks"]
        return {own["name"]: own["percent"] for own in told["figures"]}, (told["photos"], told["texts"])

    return run


SHARDS = 'shards = ["flickr8k-train-*.tar"]'


def test_a_checkpoint_recognises_the_photos_that_it_learnt_from(figures):
    told, counts = figures(f'[[retrieval]]\nname = "own"\n{SHARDS}')
    assert counts == (20, 100)
    assert told["text to image at 5"] > 50


def test_a_photo_that_several_shards_hold_is_found_by_the_captions_of_each(figures, folder):
    first, other = islice(samples(folder / "flickr8k-train-000000.tar"), 2)
    for number, own in enumerate((first, first, other)):
        words = json.dumps({"captions": own.words["captions"][number : number + 1]}).encode()
        write_shard(folder / f"own-{number}.tar", members_of(replace(own, key=f"{number % 2}"), words))
    told, counts = figures('[[retrieval]]\nname = "own"\nshards = ["own-*.tar"]')
    assert counts == (2, 3)
    assert told["text to image at 1"] == told["image to text at 1"] == 100


def test_pairs_are_told_by_their_kinds(figures, folder):
    pairs = [
        {"image": own.key, "caption": own.words["captions"][0], "negative": negative, "kind": kind}
        for own in islice(samples(folder / "flickr8k-train-000000.tar"), 4)
        for kind, negative in (("other", "A spacecraft."), ("same", own.words["captions"][0]))
    ]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    told, counts = figures(f'[[pairs]]\nname = "own"\n{SHARDS}\npairs = "pairs.jsonl"')
    assert counts == (20, 16)
    assert told["other"] >= 75
    assert told["same"] == 0


def test_orders_of_words_are_asked_of_the_first_captions(figures):
    told, counts = figures(f'[[order]]\nname = "own"\n{SHARDS}\ncaptions = 2')
    assert counts[0] == 20
    assert 40 * 4 < counts[1] <= 40 * 7
    assert list(told) == ["order", "relation", "attribute"]
    assert told["order"] < told["relation"]  # one against four is harder than one against one


def test_translations_are_asked_of_their_photos_alone_and_told_by_language(figures, folder):
    texts = [
        {"key": own.key, "en": own.words["captions"][0], "de": "Ein Bild."}
        for own in islice(samples(folder / "flickr8k-train-000000.tar"), 3, 14)
    ]
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, texts)))
    told, counts = figures(
        f'[[translations]]\nname = "own"\n{SHARDS}\ntexts = "texts.jsonl"\nlanguages = ["en", "de"]'
    )
    assert counts == (11, 22)
    assert told["en at 5"] > 60
    assert told["de at 1"] == pytest.approx(100 / 11, abs=0.01)


def test_folders_of_photos_are_classified_as_the_same_photos_in_a_shard(figures, folder, real_data):
    """Of the thousand classes only those that have a folder are asked for."""
    photos = list(islice(samples(real_data / "imagenet-sample-000000.tar"), 6))
    lists = json.loads((real_data / "classnames.json").read_text())
    for own in photos:
        place = folder / "sketches" / own.words["wnid"]
        place.mkdir(parents=True)
        (place / "photo.jpg").write_bytes(own.photo)
        (place / "._photo.jpg").write_bytes(b"of macOS")
    names = [own.words["label"] for own in photos]
    parts = [
        part
        for row, own in enumerate(photos)
        for part in members_of(own, json.dumps({"class_index": row}).encode())
    ]
    write_shard(folder / "six.tar", parts)
    (folder / "classnames.json").write_text(json.dumps({**lists, "six": names}))
    task = '[[folders]]\nname = "own"\nfolder = "sketches"\nids = "imagenet_wnid"\nclasses = "imagenet"'
    told = figures(task)
    assert told == figures('[[zero_shot]]\nname = "own"\nshards = ["six.tar"]\nclasses = "six"')
    assert told[1] == (6, 6)


def test_what_a_task_cannot_ask_is_told(ask, folder):
    sample = next(samples(folder / "flickr8k-train-000000.tar"))
    write_shard(folder / "bare.tar", members_of(sample, b'{"captions": []}'))
    (folder / "sketches" / "dogs").mkdir(parents=True)
    (folder / "sketches" / "dogs" / "photo.jpg").write_bytes(sample.photo)
    lists = json.loads((folder / "classnames.json").read_text())
    (folder / "classnames.json").write_text(json.dumps({**lists, "few": ["dog", "cat"]}))
    for task, sentence in (
        (
            '[[retrieval]]\nname = "own"\nshards = ["bare.tar"]',
            "has no caption, which own needs",
        ),
        (
            f'[[zero_shot]]\nname = "own"\n{SHARDS}\nclasses = "imagenet"',
            "has the class_index None, but own has only the 1000 classes of imagenet",
        ),
        (
            '[[folders]]\nname = "own"\nfolder = "sketches"\nids = "imagenet_wnid"\nclasses = "imagenet"',
            "The folder dogs of own is not in the list imagenet_wnid",
        ),
        (
            '[[folders]]\nname = "own"\nfolder = "sketches"\nids = "imagenet_wnid"\nclasses = "few"',
            "imagenet_wnid has 1000 names, few 2; name lists that belong together",
        ),
    ):
        assert sentence in str(ask(task).exception)


def test_everyday_photos_are_measured_by_their_short_searches(figures, ask, folder, real_data):
    """Four photos of the real set, in parts with one of each that is none of it."""
    wanted = {"photos-described-000000.tar.gz": 3, "labelled-train-000001.tar.gz": 1}
    queries = 0
    for name, count in wanted.items():
        found = list(
            islice((own for own in samples(real_data / name) if is_drawn(own.key, own.words)), count)
        )
        found.append(next(samples(real_data / name)))
        queries += sum(len(own.words["queries"]) for own in found[:-1])
        parts = [part for own in found for part in members_of(own, json.dumps(own.words).encode())]
        write_shard(folder / name, parts)
    for name in ("coco-described", "more-described"):
        write_shard(folder / f"{name}-000000.tar.gz", [])
    (folder / "labelled-train-000000.tar.gz").unlink()
    told, counts = figures('[[everyday]]\nname = "everyday-dev"')
    assert counts == (4, queries)
    assert told["text to image at 1"] >= 50
    assert not any("image to text" in name for name in told)
    said = ask('[[everyday]]\nname = "everyday-dev"').stdout
    assert said.startswith(f"everyday-dev: 4 photos, {queries} texts; text to image at 1 ")
    assert said.count("\n") == 1
    told, counts = figures('[[blanks]]\nname = "everyday-blanks"')
    assert counts == (4, queries)
    assert told["a blank in the first 20"] == 100  # of 54 pictures
    assert 100 * 16 / 20 <= told["blanks of the first 20"] <= 100
    assert {"of kind black", "of kind finger"} < set(told)


def test_a_tower_that_gives_no_numbers_is_told_with_its_subject():
    """For these would find something among few photos."""

    class Broken:
        name, digest = "broken", ""

        def photos(self, pictures, keys):
            assert len(pictures) == len(keys)
            return np.array([[1, np.nan]], np.float32)

        def texts(self, texts):
            return np.array([[1, 0]] * (len(texts) - 1) + [[np.inf, 0]], np.float32)

    subject = Subject(Broken(), lambda *_: None)
    picture = Image.new("RGB", (8, 8))
    with pytest.raises(WeightsError, match="The image tower of broken gives no numbers for 'key'"):
        subject.picture(picture, "key")
    with pytest.raises(WeightsError, match="The text tower of broken gives no numbers for 'b'"):
        subject.texts(["a", "b"])

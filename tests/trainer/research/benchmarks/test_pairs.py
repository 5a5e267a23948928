"""Pairs of a caption and a negative are scored by which of them fits the photo better."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from mctrain.data.shards import samples
from mctrain.errors import DataError
from mctrain.evaluation.evaluated_model import EvaluatedModel, Gallery
from mctrain.evaluation.measure import measure, read_lines, rows_of
from mctrain.evaluation.tasks import find_files
from mctrain.research.benchmarks.pairs import left_out, read_boxed_pairs, read_pairs
from mctrain.research.benchmarks.tasks import BoxedPairs
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.preprocess import preprocess
from picsight_engine.runtime.backend import load_image_encoder
from picsight_engine.runtime.text_embedder import TextEmbedder


def gallery(*files):
    """A gallery of photos with these keys and file digests."""
    keys, digests = zip(*files, strict=True)
    return Gallery(keys, digests, (), np.zeros((len(keys), 2), np.float32))


def test_an_invalid_line_and_a_missing_photo_are_named(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"image": "a", "caption": "b", "negative": "c", "kind": "d"}\n{"image": "a"}\n')
    with pytest.raises(DataError, match="line 2, needs texts under image, caption, negative, kind"):
        read_pairs(path)
    path.write_text("")
    with pytest.raises(DataError, match="is empty"):
        read_pairs(path)
    path.write_text("nonsense")
    with pytest.raises(DataError, match="line 1 is not JSON"):
        read_lines(path, ("key",))
    with pytest.raises(DataError, match="names b, which is not among the photos"):
        rows_of(["a", "b"], gallery(("a", b"1")), path)


def test_a_key_of_two_different_photos_is_an_error(tmp_path):
    same = gallery(("a", b"1"), ("b", b"2"), ("a", b"1"))
    assert list(rows_of(["b"], same, tmp_path)) == [1]
    assert rows_of(["a"], same, tmp_path)[0] in {0, 2}
    other = gallery(("a", b"1"), ("b", b"2"), ("a", b"3"))
    assert list(rows_of(["b"], other, tmp_path)) == [1]
    with pytest.raises(DataError, match="names a, and 2 different photos of its task have this key"):
        rows_of(["b", "a"], other, tmp_path)


@pytest.fixture(scope="module")
def photos(photo_sets, tmp_path_factory):
    """A data folder with six photos as files, and a caption of each."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "images").mkdir()
    captions = {}
    for photo in islice(samples(photo_sets / "flickr8k-train-000000.tar"), 6):
        name = f"{photo.key}.{photo.suffix}"
        (folder / "images" / name).write_bytes(photo.photo)
        captions[name] = photo.record["captions"][0]
    return folder, captions


def item(image, box, texts, **about):
    left, top, width, height = box
    boxed = {"bbox_x": left, "bbox_y": top, "bbox_w": width, "bbox_h": height}
    return {"image_path": image, **boxed, "true_caption": texts[0], "false_caption": texts[1], **about}


@pytest.fixture(scope="module")
def relations(photos):
    """Captions against their words backwards and other photos' captions, under three relations; `near` is excluded."""
    folder, captions = photos
    names = list(captions)
    items = []
    for number, (name, caption) in enumerate(captions.items()):
        with Image.open(folder / "images" / name) as picture:
            width, height = picture.size
        other = captions[names[number - 1]]
        backwards = " ".join(reversed(caption.split()))
        items += [
            item(name, (0, 0, width, height), (caption, other), relation_name="on"),
            item(name, (5, 9, width // 3, height // 4), (caption, other), relation_name="behind"),
            item(name, (0, height // 2, width, height), (other, caption), relation_name="near"),
            item(name, (width // 2, 0, 40, 50), (caption, backwards), relation_name="behind"),
        ]
    items.append(item(names[0], (0, 0, 9, 9), ("a dog", "a dog"), relation_name="on"))  # a tie
    (folder / "relations.json").write_text(json.dumps(items))
    return items


@pytest.fixture(scope="module")
def right_by_hand(photos, starter):
    """Whether the starter prefers the true caption by argmax, in the published order (false, true)."""
    bundle = open_bundle(starter)
    encoder, texts, spec = load_image_encoder(bundle), TextEmbedder(bundle, threads=1), bundle.image_spec()

    def right(pair):
        left, top = pair["bbox_x"], pair["bbox_y"]
        with Image.open(photos[0] / "images" / pair["image_path"]) as picture:
            part = picture.convert("RGB").crop((left, top, left + pair["bbox_w"], top + pair["bbox_h"]))
        vector = encoder.encode(preprocess(part, spec)[None])[0]
        options = texts.embed_texts([pair["false_caption"], pair["true_caption"]])
        return int(np.argmax(options @ vector)) == 1

    return right


@pytest.fixture(scope="module")
def answers(photos, starter, tmp_path_factory):
    model = EvaluatedModel(BundleTeacher(starter), lambda *_: None)

    def ask(pairs, by):
        task = BoxedPairs("task", pairs, "images", by)
        (found,) = find_files([task], photos[0], tmp_path_factory.mktemp("scratch"))
        return measure(model, found)

    return ask


def test_relations_are_averaged_without_excluded_ones(answers, relations, right_by_hand):
    answered = answers("relations.json", "relation")
    by_relation = defaultdict(list)
    for pair in relations:
        by_relation[pair["relation_name"]].append(right_by_hand(pair))
    assert by_relation["on"][-1] is False
    counted = [by_relation["on"], by_relation["behind"]]
    figures = {outcome.figure: outcome.percent() for outcome in answered.outcomes}
    assert figures["mean per relation"] == pytest.approx(
        100 * np.mean([np.mean(relation) for relation in counted])
    )
    assert figures["all"] == pytest.approx(100 * np.mean([*counted[0], *counted[1]]))
    assert figures["mean per relation"] != figures["all"]
    assert (len(answered.keys), answered.texts) == (6, 2 * 19)


def test_a_pair_of_attributes_counts_from_25_items_on(tmp_path):
    """49 items are of two pairs, which differ by their order."""
    items = [
        item("a.jpg", (0, 0, 9, 9), ("a", "b"), attributes=["white", "brown"][:: 1 if number < 25 else -1])
        for number in range(49)
    ]
    (tmp_path / "attributes.json").write_text(json.dumps(items))
    kept = read_boxed_pairs(tmp_path / "attributes.json", "attribute")
    assert [pair.group for pair in kept] == ["white_brown"] * 25


def test_the_excluded_relations_are_the_published_157(photos):
    folder, captions = photos
    assert len(left_out()) == 157
    assert {"near", "next to", "with", "by", "of", "between", "around", "going through"} <= left_out()
    name = next(iter(captions))
    (folder / "near.json").write_text(
        json.dumps([item(name, (0, 0, 9, 9), ("a", "b"), relation_name="near")])
    )
    with pytest.raises(DataError, match="no relation that counts among its 1 items"):
        read_boxed_pairs(folder / "near.json", "relation")

"""Words are read from every layout of a sample, and read back as written."""

from __future__ import annotations

import hashlib
import json

import pytest

from mctrain.data.reinforced.sample import parse_plain
from mctrain.data.shards import grouped
from mctrain.data.texts import SampleTexts, StoredPhoto, described, members_of, retagged, texts_of
from mctrain.errors import DataError

PHOTO = StoredPhoto("jpg", b"\xff\xd8 a photo", 640, 480)
FACTS = {"source": "my camera", "license": "CC0-1.0", "objects": ["dog"]}


def read(**members):
    return texts_of({name.replace("_", "."): content.encode() for name, content in members.items()})


@pytest.mark.parametrize(
    "words",
    [
        SampleTexts(
            ("A dog.", "A brown dog."), {"syn_text": ("A hound.",), "syn_text_query": ("dog",)}, FACTS
        ),
        SampleTexts((), {"syn_text": ("Ein Hund.", "A hound."), "syn_text_class": ("dog",)}, FACTS),
        SampleTexts((), {"syn_text_query": ("großer Hund 🐕",)}),
        SampleTexts(("A dog.",), {}, {"label": "dog", "set": "animal"}),
        SampleTexts(),
    ],
    ids=["human", "synthetic", "queries alone", "of a set", "nothing"],
)
def test_written_words_are_read_back(words):
    members = members_of(words, PHOTO)
    again = texts_of(members)
    numbers = {"sha256": hashlib.sha256(PHOTO.content).hexdigest(), "width": 640, "height": 480}
    assert (again.human, again.synthetic, again.about) == (
        words.human,
        words.synthetic,
        {**words.about, **numbers},
    )
    assert members_of(again, PHOTO) == members


def test_a_photo_without_a_human_caption_takes_its_first_synthetic_one_marked():
    members = members_of(SampleTexts((), {"syn_text": ("A hound.", "A dog.")}), PHOTO)
    assert list(members) == ["jpg", "txt", "json", "syn.json"]
    assert members["txt"] == b"A hound."
    assert json.loads(members["json"])["txt_source"] == "synthetic"
    assert "txt_source" not in json.loads(members_of(SampleTexts(("A dog.",)), PHOTO)["json"])
    assert list(members_of(SampleTexts(), PHOTO)) == ["jpg", "json"]


@pytest.mark.parametrize(
    ("before", "first"),
    [
        (SampleTexts((), {}, FACTS), "A hound."),
        (SampleTexts((), {"syn_text_query": ("dog",)}), "A hound."),
        (SampleTexts(("A dog.",), {"syn_text_query": ("dog",)}), "A dog."),
    ],
    ids=["nothing", "searches alone", "human"],
)
def test_added_captions_make_a_photo_usable_for_training(before, first):
    members = members_of(before, PHOTO)
    after = retagged(members, "key", {**before.synthetic, "syn_text": ["A hound."]})
    assert list(after)[:3] == ["jpg", "txt", "json"]
    sample = parse_plain("key", after)
    assert (sample.texts.captions[0], sample.texts.human) == (first, before.human)
    assert sample.texts.synthetic == {**before.synthetic, "syn_text": ("A hound.",)}


def test_a_caption_of_the_older_layout_stays_where_it_is():
    older = {"jpg": PHOTO.content, "json": b'{"captions": ["A hound."], "caption_source": "synthetic"}'}
    after = retagged(older, "key", {"syn_text_coca": ["A dog."]})
    assert after == {**older, "syn.json": b'{"syn_text_coca":["A dog."]}'}


def test_our_older_shards_are_read(real_data):
    def first(name):
        return texts_of(next(grouped(real_data / name)).members)

    flickr, coco = first("flickr8k-train-000001.tar"), first("coco-described-000000.tar.gz")
    assert (len(flickr.human), flickr.synthetic) == (5, {})
    assert flickr.about["license"] == "flickr8k-research-only"
    assert coco.human == ()
    assert [len(coco.synthetic[tag]) for tag in ("syn_text", "syn_text_query")] == [2, 4]
    assert coco.about["objects"][0] == "backpack"
    labelled = first("labelled-train-000000.tar.gz")
    assert (labelled.about["set"], labelled.about["label"]) == ("scene", "chicken coop")
    assert "syn_text_class" not in labelled.synthetic  # its names have templates of their own
    plain = next(
        words
        for group in grouped(real_data / "more-described-000003.tar.gz")
        if (words := texts_of(group.members)).about.get("label")
    )
    assert plain.synthetic["syn_text_class"] == (plain.about["label"],)


def test_shards_of_img2dataset_are_read():
    record = {"url": "http://x/1.jpg", "caption": "A dog\non a lawn", "key": "000000001", "status": "success"}
    words = read(txt="A dog\non a lawn", json=json.dumps(record))
    assert words.human == ("A dog on a lawn",)
    assert words.about["url"] == "http://x/1.jpg"
    assert read(json=json.dumps(record)).human == words.human
    assert read(txt="A dog.").human == ("A dog.",)


def test_tagged_texts_keep_their_places():
    tagged = {"syn_text": ["A dog.", "", "A dog.", " two "], "syn_text_dfn": ["x"]}
    words = read(syn_json=json.dumps(tagged))
    assert words.synthetic == {tag: tuple(texts) for tag, texts in tagged.items()}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"json": "{"}, "The sample.json is not JSON"),
        ({"syn_json": "[]"}, "The sample.syn.json is not a JSON object"),
        ({"json": '{"captions": [1]}'}, "The sample: `captions` must be a text or a list of texts"),
        ({"syn_json": '{"syn_text": {}}'}, "`syn_text` must be a text or a list"),
    ],
)
def test_broken_words_are_one_sentence(members, message):
    with pytest.raises(DataError, match=message):
        read(**members)


def test_a_caption_that_is_not_utf8_is_named():
    with pytest.raises(DataError, match=r"x\.txt is not UTF-8"):
        texts_of({"txt": "Straße".encode("latin-1")}, "x")


def test_copies_join_their_texts_and_what_they_say():
    first = described({"captions": ["A dog."], "license": "", "source": "a", "queries": "dog"})
    second = described(
        {"captions": ["A dog.", "A hound."], "license": "CC0", "source": "b", "queries": ["pet"]}
    )
    both = first.joined(second)
    assert both.human == ("A dog.", "A hound.")
    assert both.synthetic == {"syn_text_query": ("dog", "pet")}
    assert both.about == {"license": "CC0", "source": "a"}

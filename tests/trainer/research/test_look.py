"""`mctrain data look` shows a shard: its replayed views, and the teachers' cosines."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from tests.trainer.conftest import run_mctrain
from tests.trainer.conftest import write_shard as write_members
from tests.trainer.reinforce.conftest import read_shard, rewrite

from mctrain.data.replay import replay
from mctrain.data.shards import grouped
from mctrain.data.views import DrawnView
from mctrain.errors import DataError
from mctrain.research.look import VIEW_SIDE, gather

MARKUP = '<script>alert(1)</script> & "<img src=x>"'
ODD = [
    MARKUP,
    "一只狗在草地上跑" * 40,
    "👩\u200d👩\u200d👧 🐕",
    "x" * 3000,
    "",
    "\x00\x07\u202e\ud800",
    "e\u0301 " * 200,
]


def look(shard, out, *words):
    return run_mctrain("data", "look", shard, "-o", out, *words).output


class Page(HTMLParser):
    """What a browser makes of a sheet: tags in order, the images, and the texts."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.images, self.texts = [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"])

    def handle_data(self, data):
        self.texts.append(data)


def picture_of(address):
    with Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/jpeg;base64,")))) as image:
        return np.asarray(image, np.int16)


def test_each_view_is_on_the_sheet_and_a_changed_view_changes_only_itself(set_copy, cache, tmp_path):
    samples = read_shard(set_copy / "000000.tar", cache)
    output = look(set_copy / "000000.tar", tmp_path / "a.html", "--count", 2)
    sheet = Page(tmp_path / "a.html")
    assert output == f"{tmp_path}/a.html: 2 of 4 photos\n"
    shown = iter(sheet.images)
    for number in (1, 3):  # the middles of two halves
        assert max(picture_of(next(shown)).shape) in {224, 256}  # not enlarged
        for view in samples[number].views:
            replayed = np.asarray(replay(samples[number].image(), view, VIEW_SIDE), np.int16)
            assert np.abs(picture_of(next(shown)) - replayed).mean() < 6  # JPEG
    assert next(shown, None) is None

    def change(samples):
        views = list(samples[3].views)
        views[1] = replace(views[1], operations=((11, 100.0), (0, 0.0)))
        return [*samples[:3], replace(samples[3], views=tuple(views))]

    rewrite(set_copy / "000000.tar", change, cache)
    look(set_copy / "000000.tar", tmp_path / "b.html", "--count", 2)
    changed = Page(tmp_path / "b.html")
    differing = [one != other for one, other in zip(sheet.images, changed.images, strict=True)]
    last = len(samples[3].views)
    assert differing == [False] * (len(differing) - last + 1) + [True] + [False] * (last - 2)


def test_cosines_are_those_of_the_teacher(reinforced_set, shipped_teacher):
    gathered = gather(reinforced_set / "000000.tar", 9, reinforced_set / "manifest.json")
    photos = {group.key: group.image() for group in grouped(reinforced_set / "000000.tar")}
    assert [shown.title for shown in gathered.photos] == list(photos)
    for shown in gathered.photos:
        pictures = [replay(photos[shown.title], DrawnView(None), shipped_teacher.spec.size)]
        (vector,) = shipped_teacher.photos(pictures, [shown.title])
        lines = [line.rpartition("  ") for lines in shown.texts.values() for line in lines]
        expected = shipped_teacher.texts([text for text, _, _ in lines]) @ vector
        assert [float(cosine) for *_, cosine in lines] == pytest.approx(expected, abs=0.0051)
        made_by, cosine = shown.pictures[1].lines
        assert float(cosine) == pytest.approx(expected[0], abs=0.0051)
        assert made_by == "whole photo"
    assert list(gathered.photos[0].texts) == ["captions", "syn_text_query"]


def test_a_plain_shard_is_shown_whatever_its_texts_are(photo_sets, tmp_path):
    photos = [group for _, group in zip(ODD, grouped(photo_sets / "flickr8k-train-000000.tar"), strict=False)]
    parts = []
    for text, photo in zip(ODD, photos, strict=True):
        words = {"texts": [text], "license": text, "source": text, "txt_source": "synthetic"}
        tagged = {"syn_text_query": ["dog"] * 5, text[:20] or "syn_text_x": [text]}
        parts += [(f"{photo.key}.webp", photo.photo), (f"{photo.key}.json", json.dumps(words).encode())]
        parts += [(f"{photo.key}.txt", b"A caption."), (f"{photo.key}.syn.json", json.dumps(tagged).encode())]
    parts += [("broken.webp", b"no picture"), ("broken.json", b"{}")]
    output = look(write_members(tmp_path / "a.tar", parts), tmp_path / "a.html", "--count", 11)
    assert "Passed over: 1 samples, first: The photo broken.webp" in output
    assert "7 of 8 photos" in output
    sheet, plain = Page(tmp_path / "a.html"), ("html", "meta", "title", "style", "h1", "p", "section", "h2")
    assert set(sheet.tags) <= {*plain, "figure", "img", "small", "div", "br"}
    assert MARKUP in sheet.texts
    assert "一只狗在草地上跑" * 40 in sheet.texts


def test_an_empty_or_damaged_shard_is_one_sentence(tmp_path):
    (tmp_path / "empty.tar").write_bytes(bytes(1024))
    (tmp_path / "none.tar").write_bytes(b"no archive" * 99)
    for name, words in (("empty.tar", "It is empty."), ("none.tar", "it is damaged or no tar archive.")):
        with pytest.raises(DataError, match=f"(?s)^No photo of {tmp_path / name} can be shown.*{words}$"):
            look(tmp_path / name, tmp_path / "x.html")

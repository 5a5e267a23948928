"""`mctrain data look` draws a shard: its replayed views, and the teachers' cosines."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageChops
from tests.trainer.conftest import run_mctrain
from tests.trainer.conftest import write_shard as write_members
from tests.trainer.reinforce.conftest import read_shard, rewrite

from mctrain.data.replay import replay
from mctrain.data.shards import grouped
from mctrain.data.views import DrawnView
from mctrain.errors import DataError
from mctrain.evaluation.sheet import font_of, wrapped
from mctrain.research.look import VIEW_SIDE, gather

ODD = [
    "一只狗在草地上跑" * 40,
    "👩\u200d👩\u200d👧 🐕",
    "x" * 3000,
    "",
    "\x00\x07\u202e\ud800",
    "e\u0301 " * 200,
]


def opened(path):
    with Image.open(path) as image:
        image.load()
        return image


def look(shard, out, *words):
    return run_mctrain("data", "look", shard, "-o", out, *words).output


def parse_path(sheet: Image.Image, picture: Image.Image) -> tuple[int, int] | None:
    """Where a picture lies on a sheet, to the last pixel."""
    page, wanted = np.asarray(sheet).astype(np.uint32), np.asarray(picture).astype(np.uint32)
    page, wanted = (array @ np.array([1, 256, 65536], np.uint32) for array in (page, wanted))
    height, width = wanted.shape
    rows, columns = np.nonzero(page[: 1 - height, : 1 - width] == wanted[0, 0])
    for top, left in zip(rows.tolist(), columns.tolist(), strict=True):
        if np.array_equal(page[top : top + height, left : left + width], wanted):
            return left, top
    return None


def test_each_view_is_on_the_sheet_and_a_changed_view_changes_only_its_place(set_copy, cache, tmp_path):
    samples = read_shard(set_copy / "000000.tar", cache)
    output = look(set_copy / "000000.tar", tmp_path / "a.png", "--count", 2)
    sheet = opened(tmp_path / "a.png")
    assert output == f"{tmp_path}/a.png: 2 of 4 photos, 1464 by {sheet.height} pixels\n"
    places = {}
    for number in (1, 3):  # the middles of two halves
        for row, view in enumerate(samples[number].views):
            places[number, row] = parse_path(sheet, replay(samples[number].image(), view, VIEW_SIDE))
    assert len(set(places.values())) == 6
    assert None not in places.values()

    def change(samples):
        views = list(samples[3].views)
        views[1] = replace(views[1], operations=((11, 100.0), (0, 0.0)))
        return [*samples[:3], replace(samples[3], views=tuple(views))]

    rewrite(set_copy / "000000.tar", change, cache)
    look(set_copy / "000000.tar", tmp_path / "b.png", "--count", 2)
    changed = opened(tmp_path / "b.png")
    assert changed.size == sheet.size
    left, top, right, bottom = ImageChops.difference(sheet, changed).getbbox()
    x, y = places[3, 1]
    assert x - 2 <= left < right <= x + VIEW_SIDE + 18  # letters reach out of their column by a pixel
    assert y <= top < bottom <= y + VIEW_SIDE + 50


def test_cosines_are_those_of_the_teacher(reinforced_set, shipped_teacher):
    gathered = gather(reinforced_set / "000000.tar", 9, reinforced_set / "manifest.json")
    photos = {group.key: group.image() for group in grouped(reinforced_set / "000000.tar")}
    assert [shown.key for shown in gathered.photos] == list(photos)
    for shown in gathered.photos:
        pictures = [replay(photos[shown.key], DrawnView(None), shipped_teacher.spec.size)]
        (vector,) = shipped_teacher.photos(pictures, [shown.key])
        texts = [line for lines in shown.texts.values() for line in lines]
        expected = shipped_teacher.texts([text for text, _ in texts]) @ vector
        assert np.ravel([cosines for _, cosines in texts]) == pytest.approx(expected, abs=1e-5)
        assert shown.views[0].cosines == pytest.approx(expected[:1], abs=1e-5)
        assert shown.views[0].made_by == "whole photo"
    assert list(gathered.photos[0].texts) == ["captions", "syn_text_query"]


def test_a_plain_shard_is_shown_whatever_its_texts_are(real_data, tmp_path):
    photos = [
        group for _, group in zip(ODD, grouped(real_data / "coco-captioned-000000.tar.gz"), strict=False)
    ]
    parts = []
    for text, photo in zip(ODD, photos, strict=True):
        words = {"texts": [text], "license": text, "source": text, "txt_source": "synthetic"}
        tagged = {"syn_text_query": ["dog"] * 5, text[:20] or "syn_text_x": [text]}
        parts += [(f"{photo.key}.webp", photo.photo), (f"{photo.key}.json", json.dumps(words).encode())]
        parts += [(f"{photo.key}.txt", b"A caption."), (f"{photo.key}.syn.json", json.dumps(tagged).encode())]
    parts += [("broken.webp", b"no picture"), ("broken.json", b"{}")]
    output = look(write_members(tmp_path / "a.tar", parts), tmp_path / "a.png", "--count", 11)
    assert "Passed over: 1 samples, first: The photo broken.webp" in output
    assert "6 of 7 photos, 900 by" in output


@pytest.mark.parametrize("text", ODD)
def test_lines_fit_their_column_and_lose_no_letter(text):
    font = font_of(15)
    lines = wrapped(text, 15, 300, 1000)
    assert all(font.getlength(line) <= 300 for line in lines)
    kept = "".join(letter for letter in text if letter.isprintable() and letter != " ")
    assert len("".join(lines).replace(" ", "")) in {
        len(kept),
        len(kept) // 2,
    }  # letters with their accents are one
    short = wrapped(text, 15, 300, 2)
    assert len(short) <= 2
    assert all(font.getlength(line) <= 300 for line in short)
    assert (len(lines) > 2) == (short[-1:] != [] and short[-1].endswith("…"))


def test_an_empty_or_damaged_shard_is_one_sentence(tmp_path):
    (tmp_path / "empty.tar").write_bytes(bytes(1024))
    (tmp_path / "none.tar").write_bytes(b"no archive" * 99)
    for name, words in (("empty.tar", "It is empty."), ("none.tar", "it is damaged or no tar archive.")):
        with pytest.raises(DataError, match=f"(?s)^No photo of {tmp_path / name} can be shown.*{words}$"):
            look(tmp_path / name, tmp_path / "x.png")

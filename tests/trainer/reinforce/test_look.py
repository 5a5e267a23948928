"""`mctrain data look` draws what is in a shard: the views as they are replayed, and what the teachers say of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageChops
from tests.trainer.conftest import write_shard as write_members
from tests.trainer.reinforce.conftest import read_shard, rewrite

from mctrain.cli.command import mctrain
from mctrain.data.replay import replay
from mctrain.data.shards import grouped
from mctrain.data.views import DrawnView
from mctrain.evaluation.sheet import font_of, wrapped
from mctrain.reinforce.contact_sheet import VIEW_SIDE, gather

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


def look(shard, out, *words, code=0):
    result = CliRunner().invoke(mctrain, ["data", "look", str(shard), "-o", str(out), *map(str, words)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def place_of(sheet: Image.Image, picture: Image.Image) -> tuple[int, int] | None:
    """Where a picture lies on a sheet, to the last pixel."""
    page, wanted = np.asarray(sheet).astype(np.uint32), np.asarray(picture).astype(np.uint32)
    page, wanted = (own @ np.array([1, 256, 65536], np.uint32) for own in (page, wanted))
    height, width = wanted.shape
    rows, columns = np.nonzero(page[: 1 - height, : 1 - width] == wanted[0, 0])
    for top, left in zip(rows.tolist(), columns.tolist(), strict=True):
        if np.array_equal(page[top : top + height, left : left + width], wanted):
            return left, top
    return None


def test_each_view_is_on_the_sheet_to_the_pixel_and_a_changed_one_changes_its_own_place_alone(
    own, cache, tmp_path
):
    samples = read_shard(own / "000000.tar", cache)
    told = look(own / "000000.tar", tmp_path / "a.png", "--count", 2)
    sheet = opened(tmp_path / "a.png")
    assert told == f"{tmp_path}/a.png: 2 of 4 photos, 1464 by {sheet.height} pixels\n"
    places = {}
    for number in (1, 3):  # the middles of two halves
        for row, view in enumerate(samples[number].views):
            places[number, row] = place_of(sheet, replay(samples[number].image(), view, VIEW_SIDE))
    assert len(set(places.values())) == 6
    assert None not in places.values()

    def change(samples):
        views = list(samples[3].views)
        views[1] = replace(views[1], operations=((11, 100.0), (0, 0.0)))
        return [*samples[:3], replace(samples[3], views=tuple(views))]

    rewrite(own / "000000.tar", change, cache)
    look(own / "000000.tar", tmp_path / "b.png", "--count", 2)
    changed = opened(tmp_path / "b.png")
    assert changed.size == sheet.size
    left, top, right, bottom = ImageChops.difference(sheet, changed).getbbox()
    x, y = places[3, 1]
    assert x - 2 <= left < right <= x + VIEW_SIDE + 18  # letters reach out of their column by a pixel
    assert y <= top < bottom <= y + VIEW_SIDE + 50


def test_cosines_are_those_of_the_teacher(made, shipped_teacher):
    gathered = gather(made / "000000.tar", 9, made / "manifest.json")
    photos = {group.key: group.image() for group in grouped(made / "000000.tar")}
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


def test_a_plain_shard_has_photos_and_texts_whatever_is_written_in_them(real_data, tmp_path):
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
    told = look(write_members(tmp_path / "a.tar", parts), tmp_path / "a.png", "--count", 11)
    assert "Passed over: 1 samples, first: The photo broken.webp" in told
    assert "6 of 7 photos, 900 by" in told


@pytest.mark.parametrize("text", ODD)
def test_no_line_is_longer_than_its_column_and_nothing_is_lost_before_the_cut(text):
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


def test_a_shard_that_cannot_be_shown_is_told(tmp_path):
    (tmp_path / "empty.tar").write_bytes(bytes(1024))
    (tmp_path / "none.tar").write_bytes(b"no archive" * 99)
    for name, words in (("empty.tar", "It is empty."), ("none.tar", "it is damaged or no tar archive.")):
        result = CliRunner().invoke(
            mctrain, ["data", "look", str(tmp_path / name), "-o", str(tmp_path / "x.png")]
        )
        assert str(result.exception).startswith(f"No photo of {tmp_path / name} can be shown.")
        assert str(result.exception).endswith(words)

"""`mctrain data look` draws what is in a shard: the views as they are replayed, and what the teachers say of them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageChops
from tests.trainer.conftest import write_shard as write_members
from tests.trainer.reinforce.conftest import read_shard, rewrite, write_samples

from mctrain.cli.command import mctrain
from mctrain.data.augment.records import View
from mctrain.data.augment.replay import replay
from mctrain.data.reinforced.storage import Storage
from mctrain.data.shards import grouped
from mctrain.data.words import Words
from mctrain.evaluation.page import font_of, wrapped
from mctrain.reinforce.look.gather import VIEW_SIDE, gather

ODD = [
    "Ein Fuß, ÄÖÜ und čřž", "собака бежит", "一只狗在草地上跑" * 40, "مرحبا", "👩\u200d👩\u200d👧 🐕",
    "x" * 3000, "", "\x00\x07\u202e\ud800", "e\u0301 " * 200, " . " * 90,
]  # fmt: skip


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


def test_cosines_and_ranks_are_those_of_the_teacher(made, shipped_teacher):
    sheet = gather(made / "000000.tar", 9, made / "manifest.json")
    photos = {group.key: group.image() for group in grouped(made / "000000.tar")}
    assert [entry.key for entry in sheet.entries] == list(photos)
    said = shipped_teacher.texts([entry.paragraphs[0].lines[0].text for entry in sheet.entries])
    for number, entry in enumerate(sheet.entries):
        whole = replay(photos[entry.key], View(None), shipped_teacher.spec.size)
        (vector,) = shipped_teacher.photos([whole], [entry.key])
        order = sorted(range(4), key=lambda other: -float(vector @ said[other]))
        (verdict,) = entry.tiles[0].verdicts
        assert verdict.cosine == pytest.approx(float(vector @ said[number]), abs=1e-5)
        assert verdict.rank == 1 + order.index(number)
        for paragraph in entry.paragraphs:
            for line in paragraph.lines:
                (text,) = shipped_teacher.texts([line.text])
                assert line.cosines == pytest.approx([float(vector @ text)], abs=1e-5)
    assert [(own.title, own.synthetic) for own in sheet.entries[0].paragraphs] == [
        ("Captions by people", False),
        ("Searches (syn_text_query)", True),
    ]
    assert (sheet.entries[0].tiles[0].cut, sheet.entries[0].tiles[0].operations) == (
        "whole photo",
        "unchanged",
    )


def test_a_caption_that_other_photos_have_too_is_no_miss(own, cache):
    def change(samples):
        first = samples[0]
        return [
            replace(sample, words=first.words, caption_embeddings=first.caption_embeddings)
            for sample in samples
        ]

    rewrite(own / "000000.tar", change, cache)
    sheet = gather(own / "000000.tar", 4, own / "manifest.json")
    assert {verdict.rank for entry in sheet.entries for tile in entry.tiles for verdict in tile.verdicts} == {
        1
    }


def test_without_a_manifest_two_teachers_are_seen_by_the_length_of_their_embeddings(made, cache, tmp_path):
    def twice(rows):
        return np.concatenate([rows, rows[:, ::-1]], axis=1)

    doubled = [
        replace(
            sample,
            words=Words(sample.captions),
            caption_embeddings=twice(sample.caption_embeddings),
            synthetic_embeddings={},
            image_embeddings=twice(sample.image_embeddings),
        )
        for sample in read_shard(made / "000001.tar", cache)
    ]
    write_samples(tmp_path / "a.tar", doubled, Storage.PTH_BF16)
    told = look(tmp_path / "a.tar", tmp_path / "a.png")
    assert "There is no manifest.json beside" in told
    assert "they are of 2 teachers, all of one width" in told
    sheet = gather(tmp_path / "a.tar", 3, tmp_path / "manifest.json")
    for own, alone in zip(
        sheet.entries, gather(made / "000001.tar", 3, made / "manifest.json").entries, strict=True
    ):
        for tile, single in zip(own.tiles, alone.tiles, strict=True):
            (expected,) = single.verdicts
            assert [verdict.cosine for verdict in tile.verdicts] == pytest.approx(
                [expected.cosine] * 2, abs=0.01
            )


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
    assert told.startswith("Passed over: 1 samples, first: The photo broken.webp")
    assert "10 of 11 photos, 900 by" in told
    sheet = gather(tmp_path / "a.tar", 11, tmp_path / "manifest.json")
    assert not any(entry.tiles for entry in sheet.entries)
    (searches,) = [own for own in sheet.entries[0].paragraphs if own.title == "Searches (syn_text_query)"]
    assert ([line.text for line in searches.lines], searches.more) == (["dog"] * 3, 2)


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
    if len(lines) > 2:
        assert short[0] == lines[0]
        assert short[1].endswith("…")
        assert font.getlength(short[1]) <= 300


def test_a_shard_that_cannot_be_shown_and_a_sheet_that_cannot_be_written_are_told(made, tmp_path):
    (tmp_path / "empty.tar").write_bytes(bytes(1024))
    (tmp_path / "none.tar").write_bytes(b"no archive" * 99)
    for name, words in (("empty.tar", "It is empty."), ("none.tar", "it is damaged or no tar archive.")):
        result = CliRunner().invoke(
            mctrain, ["data", "look", str(tmp_path / name), "-o", str(tmp_path / "x.png")]
        )
        assert str(result.exception).startswith(f"No photo of {tmp_path / name} can be shown.")
        assert str(result.exception).endswith(words)
    out = tmp_path / "empty.tar" / "x.png"
    result = CliRunner().invoke(
        mctrain, ["data", "look", str(made / "000001.tar"), "-o", str(out), "--count", "1"]
    )
    assert isinstance(result.exception, FileExistsError)

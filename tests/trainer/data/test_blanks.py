"""Blanks show nothing, have texts that say so, and are reproducible."""

from __future__ import annotations

import colorsys
import io
import json
from itertools import islice

import numpy as np
import PIL.Image
import PIL.ImageColor

from mctrain.data.blanks import EVALUATION, TRAINING, pack_blanks
from mctrain.data.shards import file_digest, samples
from mctrain.data.texts import CAPTIONS, QUERIES, texts_of

COUNT = 60


def steepest(picture):
    """The 99th percentile of the difference of neighbours, at 32 by 32 pixels."""
    small = np.asarray(picture.convert("RGB").resize((32, 32), PIL.Image.Resampling.BOX), np.float64)
    return np.percentile(np.abs(np.diff(small, axis=0)).max(-1), 99)


def test_blanks_are_reproducible_and_all_different(tmp_path):
    shards = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        shards += [pack_blanks(family, COUNT, tmp_path / place) for family in (TRAINING, EVALUATION)]
    learnt, measured, *again = map(file_digest, shards)
    assert [learnt, measured] == again
    photos = [sample.photo for shard in shards[:2] for sample in samples(shard)]
    assert len(set(photos)) == 2 * COUNT


def test_two_kinds_are_for_measuring_only():
    kinds = [{family.blank(number).kind for number in range(COUNT)} for family in (TRAINING, EVALUATION)]
    assert kinds[0] < kinds[1]
    assert kinds[1] - kinds[0] == {"finger", "paper"}


def test_blanks_have_less_contrast_than_photos(photo_sets):
    blanks = [steepest(EVALUATION.blank(number).picture) for number in range(COUNT)]
    photos = [
        steepest(sample.image()) for sample in islice(samples(photo_sets / "flickr8k-dev-000000.tar"), 40)
    ]
    assert max(blanks) < np.median(photos)
    assert np.median(blanks) < min(photos)


def test_a_plain_colour_is_the_one_in_its_texts():
    plain = map(TRAINING.blank, range(TRAINING.kinds.index("colour"), 400, len(TRAINING.kinds)))
    named = {blank.queries[0].removeprefix("plain "): blank.picture for blank in plain}
    assert len(named) > 8
    for name, picture in named.items():
        wanted, found = (
            colorsys.rgb_to_hsv(*(np.array(colour) / 255))[0]
            for colour in (PIL.ImageColor.getrgb(name.replace(" ", "")), picture.getpixel((0, 0)))
        )
        assert min(abs(wanted - found), 1 - abs(wanted - found)) < 1 / 8, name


def test_blanks_are_packed_as_photos_with_synthetic_texts(tmp_path):
    for number, sample in enumerate(samples(pack_blanks(TRAINING, COUNT, tmp_path))):
        blank = TRAINING.blank(number)
        words = texts_of({"json": json.dumps(sample.record).encode()})
        assert not words.human
        assert words.synthetic == {CAPTIONS: blank.captions, QUERIES: blank.queries}
        assert PIL.Image.open(io.BytesIO(sample.photo)).size == blank.picture.size

"""A sheet of answers shows the photos that the application's own engine ranks first, in that order."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from tests.trainer.conftest import members_of, write_shard

from mctrain.cli.command import mctrain
from mctrain.data.shards import samples
from mctrain.evaluation.answers import FIRST, SIDE, answer, draw_answers
from mctrain.evaluation.subject import Subject
from mctrain.teachers.teacher import BundleTeacher

QUERIES = ["a dog in the snow", "children", "x" * 400]


@pytest.fixture(scope="module")
def photos(real_data):
    return list(islice(samples(real_data / "flickr8k-train-000000.tar"), 14))


@pytest.fixture(scope="module")
def shards(photos, tmp_path_factory):
    """Fourteen photos in two shards."""
    folder = tmp_path_factory.mktemp("shards")
    parts = [[part for own in half for part in members_of(own, b"{}")] for half in (photos[:5], photos[5:])]
    return [write_shard(folder / f"{number}.tar", own) for number, own in enumerate(parts)]


@pytest.fixture(scope="module")
def ranked(photos, starter):
    """The photos of each query by descending cosine, and these."""
    teacher = BundleTeacher(starter)
    vectors = teacher.photos([own.image() for own in photos], [""] * len(photos))
    scores = teacher.texts(QUERIES) @ vectors.T
    return [sorted(zip(own.tolist(), range(len(photos)), strict=True), reverse=True) for own in scores]


def test_the_first_ten_of_each_search_stand_in_their_order(photos, shards, ranked, starter):
    answers = answer(Subject(BundleTeacher(starter), lambda *_: None), shards, QUERIES)
    sheet = np.asarray(draw_answers(answers, "starter"))
    assert [own.query for own in answers] == QUERIES
    for own, wanted in zip(answers, ranked, strict=True):
        assert len(own.found) == FIRST
        assert [cosine for _, cosine in own.found] == pytest.approx(
            [score for score, _ in wanted[:FIRST]], abs=1e-4
        )
        for (picture, _), (_, row) in zip(own.found, wanted, strict=False):
            small = photos[row].image()
            small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            assert np.array_equal(np.asarray(picture), np.asarray(small))
    row = np.asarray(answers[0].found[1][0])  # the second photo of the first search, to the pixel
    left = 32 + SIDE + 14
    (top,) = [
        top
        for top in range(60, 160)
        if np.array_equal(sheet[top : top + row.shape[0], left : left + row.shape[1]], row)
    ]
    assert top > 60


def test_the_command_reads_searches_from_a_file_and_writes_a_picture(shards, starter, tmp_path):
    (tmp_path / "queries.txt").write_text("\n a dog \n\nthe sea\n", encoding="utf-8")
    words = ["answers", starter, *shards, "--queries", tmp_path / "queries.txt", "-o", tmp_path / "sheet.png"]
    told = (
        CliRunner()
        .invoke(mctrain, [*map(str, words), "--cache", str(tmp_path)], catch_exceptions=False)
        .output
    )
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert told == f"{tmp_path}/sheet.png: 2 searches, {sheet.width} by {sheet.height} pixels\n"

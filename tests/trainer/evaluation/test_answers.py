"""A sheet of answers shows the photos that the engine ranks first, in that order."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from PIL import Image
from tests.trainer.conftest import run_mctrain, write_photos

from mctrain.data.shards import samples
from mctrain.evaluation.sheet import FIRST, SIDE, answer
from mctrain.evaluation.subject import Subject
from mctrain.teachers.teacher import BundleTeacher


def test_a_sheet_shows_the_first_ten_photos_of_each_search_in_order(real_data, starter, tmp_path):
    """Ranks fourteen photos of two shards."""
    photos = list(islice(samples(real_data / "flickr8k-train-000000.tar"), 14))
    halves = enumerate((photos[:5], photos[5:]))
    shards = [write_photos(tmp_path / f"{number}.tar", half) for number, half in halves]
    queries = ["a dog in the snow", "children", "x" * 400]
    (tmp_path / "queries.txt").write_text("\n" + "\n\n ".join(queries), encoding="utf-8")
    words = ("--queries", tmp_path / "queries.txt", "-o", tmp_path / "sheet.png", "--cache", tmp_path)
    output = run_mctrain("answers", starter, *shards, *words).output
    with Image.open(tmp_path / "sheet.png") as opened:
        sheet = np.asarray(opened)
        assert output == f"{tmp_path}/sheet.png: 3 searches, {opened.width} by {opened.height} pixels\n"
    teacher = BundleTeacher(starter)
    answers = answer(Subject(teacher, lambda *_: None), shards, queries)
    scores = teacher.texts(queries) @ teacher.photos([photo.image() for photo in photos], [""] * 14).T
    for shown, row in zip(answers, scores, strict=True):
        order = np.argsort(-row)[:FIRST]
        assert [cosine for _, cosine in shown.found] == pytest.approx(row[order].tolist(), abs=1e-4)
        for (picture, _), number in zip(shown.found, order, strict=True):
            small = photos[number].image()
            small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            assert np.array_equal(np.asarray(picture), np.asarray(small))
    second = np.asarray(answers[0].found[1][0])  # of the first search, to the pixel
    left = 32 + SIDE + 14
    seen = (sheet[top : top + second.shape[0], left : left + second.shape[1]] for top in range(60, 160))
    assert any(np.array_equal(part, second) for part in seen)

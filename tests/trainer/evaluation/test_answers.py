"""A sheet of answers shows the photos that the engine ranks first, in that order."""

from __future__ import annotations

from itertools import islice

import numpy as np
from tests.trainer.conftest import run_mctrain, write_photos

from mctrain.data.photo import data_uri
from mctrain.data.shards import samples
from mctrain.evaluation.evaluated_model import EvaluatedModel
from mctrain.evaluation.sheet import FIRST, SIDE, answer
from mctrain.teachers.teacher import BundleTeacher


def test_a_sheet_shows_the_first_ten_photos_of_each_search_in_order(photo_sets, starter, tmp_path):
    """Ranks fourteen photos of two shards."""
    photos = list(islice(samples(photo_sets / "flickr8k-train-000000.tar"), 14))
    halves = enumerate((photos[:5], photos[5:]))
    shards = [write_photos(tmp_path / f"{number}.tar", half) for number, half in halves]
    queries = ["a dog in the snow", "children", "x" * 400]
    (tmp_path / "queries.txt").write_text("\n" + "\n\n ".join(queries), encoding="utf-8")
    words = ("--queries", tmp_path / "queries.txt", "-o", tmp_path / "sheet.html", "--cache", tmp_path)
    output = run_mctrain("answers", starter, *shards, *words).output
    assert output == f"{tmp_path}/sheet.html: 3 searches\n"
    sheet = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    places = [0]
    teacher = BundleTeacher(starter)
    answers = answer(EvaluatedModel(teacher, lambda *_: None), shards, queries)
    scores = teacher.texts(queries) @ teacher.photos([photo.image() for photo in photos], [""] * 14).T
    for shown, row in zip(answers, scores, strict=True):
        order = np.argsort(-row)[:FIRST]
        assert [picture.lines for picture in shown.pictures] == [(f"{row[number]:.2f}",) for number in order]
        for picture, number in zip(shown.pictures, order, strict=True):
            small = photos[number].image()
            small.thumbnail((SIDE, SIDE))
            assert np.array_equal(np.asarray(picture.picture), np.asarray(small))
            places.append(sheet.index(data_uri(small), places[-1] + 1))
    assert len(places) == 31
    assert places == sorted(places)

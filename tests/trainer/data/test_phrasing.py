"""A photo's JSON becomes captions and short queries."""

from __future__ import annotations

import json

import pytest

from mctrain.data.phrasing import Phrasing, article_of, fill, load_phrasing
from mctrain.data.texts import CAPTIONS, CLASSES, QUERIES
from mctrain.errors import DataError


@pytest.fixture(scope="module")
def phrasing(photo_sets):
    return load_phrasing(photo_sets / "labelled-templates.json", None)


def texts_of(phrasing, words, key="x"):
    return phrasing.texts_of(key, {"json": json.dumps(words).encode()})


@pytest.mark.parametrize(
    ("name", "article"),
    [
        ("dog", "a "), ("owl", "an "), ("ruins", ""), ("snowy mountains", ""), ("garlic", ""), ("cross", "a "),
        ("university campus", "a "), ("aerial view of a river or lake", "an "), ("hourglass", "an "), ("bus", "a "),
    ],
)  # fmt: skip
def test_names_take_the_right_article(name, article):
    assert article_of(name) == article


def test_templates_take_one_name_or_several():
    assert fill("a photo of a {}.", ["old oak"]) == "a photo of an old oak."
    assert fill("an {}.", ["park"]) == "a park."
    assert (
        fill("a {} lying on the floor or on a bed.", ["shorts"]) == "shorts lying on the floor or on a bed."
    )
    assert fill("a photo with a {} and a {}.", ["apple", "stairs"]) == "a photo with an apple and stairs."
    assert fill("{}, a famous sight.", ["Arc"]) == "Arc, a famous sight."


def test_a_labelled_photo_is_found_by_its_name_its_synonyms_and_their_templates(phrasing):
    words = {
        "captions": ["A dull field."], "queries": ["grassland"], "set": "landscape", "label": "glacier",
        "labels": ["glacier", "ice"],
    }  # fmt: skip
    found = texts_of(phrasing, words)
    assert (found.human, found.synthetic[QUERIES]) == (("A dull field.",), ("grassland",))
    wanted = {"glacier", "ice", "a landscape photo of a glacier.", "a photo of ice."}
    assert wanted <= set(found.synthetic[CLASSES])
    assert texts_of(Phrasing(), words).synthetic[CLASSES] == ("glacier", "ice")


def test_a_photo_of_several_things_is_found_by_each_and_by_groups(phrasing):
    words = {"captions": [], "set": "multilabel", "label": None, "labels": ["chair", "lamp", "wall"]}
    names = texts_of(phrasing, words).synthetic[CLASSES]
    assert {"chair", "lamp", "wall"} <= set(names)
    assert any(text.startswith("a photo with a ") for text in names)
    assert texts_of(phrasing, words) == texts_of(phrasing, words)


def test_objects_are_used_only_without_queries(phrasing):
    with_queries = {"captions": ["A cat."], "queries": ["cat"], "objects": ["sofa", "cat"]}
    assert texts_of(phrasing, with_queries).synthetic == {QUERIES: ("cat",)}
    without = {"captions": ["A cat."], "objects": ["sofa", "cat"], "phrases": ["it sleeps"]}
    assert {"sofa", "cat", "it sleeps"} <= set(texts_of(phrasing, without).synthetic[CLASSES])


def test_a_sentence_counts_once_however_it_is_spaced():
    phrasing = Phrasing({}, {"123": ["a dog runs.", "A cat."]})
    found = texts_of(phrasing, {"captions": ["A dog runs .", "A dog runs."]}, "123_9f")
    assert len(found.human) == 2
    synthetic = texts_of(phrasing, {"captions": ["A dog."], "caption_source": "synthetic"}, "124_9f")
    assert (synthetic.human, synthetic.synthetic[CAPTIONS]) == ((), ("A dog.",))


def test_an_unreadable_file_is_named(tmp_path):
    (tmp_path / "templates.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"templates\.json"):
        load_phrasing(tmp_path / "templates.json", None)

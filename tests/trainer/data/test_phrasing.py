"""A photo's JSON becomes captions and short queries."""

from __future__ import annotations

import json

import pytest

from mctrain.data.phrasing import article_of, fill, texts_of


@pytest.fixture(scope="module")
def templates(real_data):
    return json.loads((real_data / "labelled-templates.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "article"),
    [
        ("dog", "a "), ("owl", "an "), ("ruins", ""), ("snowy mountains", ""), ("garlic", ""), ("cross", "a "),
        ("university campus", "a "), ("aerial view of a river or lake", "an "), ("hourglass", "an "), ("bus", "a "),
    ],
)  # fmt: skip
def test_names_take_the_article_that_a_person_would_say(name, article):
    assert article_of(name) == article


def test_templates_take_one_name_or_several():
    assert fill("a photo of a {}.", ["old oak"]) == "a photo of an old oak."
    assert fill("an {}.", ["park"]) == "a park."
    assert (
        fill("a {} lying on the floor or on a bed.", ["shorts"]) == "shorts lying on the floor or on a bed."
    )
    assert fill("a photo with a {} and a {}.", ["apple", "stairs"]) == "a photo with an apple and stairs."
    assert fill("{}, a famous sight.", ["Arc"]) == "Arc, a famous sight."


def test_a_labelled_photo_is_found_by_its_name_its_synonyms_and_their_templates(templates):
    words = {
        "captions": ["A dull field."], "queries": ["grassland"], "set": "landscape", "label": "glacier",
        "labels": ["glacier", "ice"],
    }  # fmt: skip
    texts = texts_of("x", words, templates)
    assert texts.captions == ("A dull field.",)
    assert {"grassland", "glacier", "ice", "a landscape photo of a glacier.", "a photo of ice."} <= set(
        texts.queries
    )


def test_a_photo_of_several_things_is_found_by_each_and_by_groups(templates):
    words = {"captions": [], "set": "multilabel", "label": None, "labels": ["chair", "lamp", "wall"]}
    texts = texts_of("x", words, templates)
    assert {"chair", "lamp", "wall"} <= set(texts.queries)
    assert any(text.startswith("a photo with a ") for text in texts.queries)
    assert texts == texts_of("x", words, templates)


def test_objects_serve_only_where_there_are_no_queries(templates):
    with_queries = {"captions": ["A cat."], "queries": ["cat"], "objects": ["sofa", "cat"]}
    assert texts_of("x", with_queries, templates).queries == ("cat",)
    without = {"captions": ["A cat."], "objects": ["sofa", "cat"]}
    assert "sofa" in texts_of("x", without, templates).queries


def test_a_sentence_counts_once_however_it_is_spaced(templates):
    words = {"captions": ["A dog runs .", "A dog runs."]}
    assert len(texts_of("x", words, templates, ["a dog runs.", "A cat."]).captions) == 2

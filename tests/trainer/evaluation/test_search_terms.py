"""A photo shows a thing if its label, a search or two captions name it; a single mention is doubtful."""

from __future__ import annotations

import pytest

from mctrain.data.shards import samples
from mctrain.data.texts import CAPTIONS, QUERIES, SampleTexts, described
from mctrain.evaluation.search_terms import (
    ABSENT,
    DOUBTFUL,
    SHOWN,
    SearchTerm,
    load_search_terms,
    presence,
    singular,
)

BEAR = SearchTerm(
    "bear", ((singular("bear"),), (singular("grizzly"), singular("river"))), (singular("panda"),)
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (SampleTexts(human=("Two bears.", "A bear runs")), SHOWN),
        (SampleTexts(human=("A bear's cave", "a man")), DOUBTFUL),
        (SampleTexts(synthetic={QUERIES: ("brown bear",)}), SHOWN),
        (SampleTexts(synthetic={CAPTIONS: ("bears, seen from afar",)}), DOUBTFUL),
        (SampleTexts(about={"objects": ["bear"]}), DOUBTFUL),
        (SampleTexts(about={"label": "grizzly near a river"}), SHOWN),
        (SampleTexts(about={"label": "giant panda"}), DOUBTFUL),
        (SampleTexts(human=("bearded men", "a beard")), ABSENT),
    ],
)
def test_words_decide_whether_a_photo_shows_a_thing(words, expected):
    assert presence([BEAR], [words]).tolist() == [[expected]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ponies, foxes & churches", "pony fox church"),
        ("a glass bus in Paris", "a glass bus in paris"),
        ("dresses", "dress"),
        ("skis", "skis"),
    ],
)
def test_words_are_compared_in_the_singular(text, words):
    assert singular(text) == f" {words} "


def test_labels_of_real_photos_show_what_they_name(real_data):
    photos = [described(sample.record) for sample in samples(real_data / "caltech101-eval-000000.tar")]
    names = [photo.about["label"] for photo in photos]
    things = {thing.query: thing for thing in load_search_terms()}
    for query in ("umbrella", "pagoda", "octopus", "stop sign"):
        (found,) = presence([things[query]], photos)
        assert [name == query for name in names] == (found == SHOWN).tolist()

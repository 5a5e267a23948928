"""The choices while a person names a tag: the best match comes first, and a new tag can be made once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.app.window.conftest import tag_of

from picsight.window.search.place import query_of
from picsight.window.tags.chooser import MOST, TagChoice, choices
from picsight.window.tags.paths import cleaned, path_key, shown_tag

TAGS = [
    tag_of("Favourites", "favourite"),
    *map(tag_of, ("Birds", "Birds/Waders", "Cities", "Cities/Évora", "Sea birds")),
    tag_of("Wallpaper", "album"),
]


LETTERS = st.characters(exclude_characters="/", exclude_categories=["C", "Z"])


def offered(text, recent=()):
    return [
        (choice.path, choice.photos is not None)
        for choice in choices(text, TAGS, recent, makes=("tag", "album"))
    ]


def test_an_equal_name_comes_before_a_beginning_and_that_before_a_part():
    assert offered("birds") == [("Birds", True), ("Birds/Waders", True), ("Sea birds", True)]
    assert offered("wa") == [("Birds/Waders", True), ("Wallpaper", True), ("wa", False), ("wa", False)]
    assert offered("evora")[0] == ("Cities/Évora", True)


def test_without_letters_the_recent_ones_lead():
    recent = ["Cities/Évora", "Sea birds"]
    assert [path for path, _ in offered("", recent)][:3] == [*recent, "Birds"]


@settings(max_examples=40, deadline=None)
@given(st.text("birdsWÉ /", max_size=8))
def test_a_new_name_can_be_made_once_and_an_existing_one_not_again(text):
    found = choices(text, TAGS, makes=("tag", "album"))
    new = [choice for choice in found if choice.photos is None]
    is_there = any(path_key(each.path) == path_key(cleaned(text)) for each in TAGS)
    assert [choice.kind for choice in new] == ([] if is_there or not cleaned(text) else ["tag", "album"])
    assert len(found) - len(new) <= MOST


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(LETTERS, min_size=1), min_size=1))
def test_the_search_that_shows_a_tag_means_that_tag(names):
    made = tag_of("/".join(names), accepted=2, suggested=1)
    assert shown_tag(query_of(made), [made, tag_of("Another"), tag_of("Another/One")]) == made
    assert TagChoice(made.path, "tag", 3) in choices(made.path, [made])

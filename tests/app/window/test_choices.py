"""What is offered while one names a tag: what is meant comes first, and a new one can always be made, never a second one."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from picsight.window.tags.chooser import MOST, TagChoice, choices
from picsight.window.tags.paths import cleaned, path_key, query_of, tag_meant
from picsight_engine.tags.tree import Tag


def tag(path, kind="tag"):
    above, _, name = path.rpartition("/")
    return Tag(
        id=1, name=name, path=path, parent=above or None, kind=kind, prompts=(), examples=(), against=(), threshold=0.5,
        suggests=True, accepted=2, rejected=0, suggested=1,
    )  # fmt: skip


TAGS = [
    tag("Favourites", "favourite"),
    *map(tag, ("Birds", "Birds/Waders", "Cities", "Cities/Évora", "Sea birds")),
]
TAGS.append(tag("Wallpaper", "album"))


def offered(text, recent=()):
    return [(choice.path, choice.photos is not None) for choice in choices(text, TAGS, recent)]


def test_the_name_comes_before_what_begins_so_and_what_holds_it():
    assert offered("birds") == [("Birds", True), ("Birds/Waders", True), ("Sea birds", True)]
    assert offered("wa") == [("Birds/Waders", True), ("Wallpaper", True), ("wa", False), ("wa", False)]
    assert offered("evora")[0] == ("Cities/Évora", True)


def test_without_letters_the_recent_ones_lead():
    assert [path for path, _ in offered("", ["Cities/Évora", "Sea birds"])][:3] == [
        "Cities/Évora",
        "Sea birds",
        "Birds",
    ]


@settings(max_examples=40, deadline=None)
@given(st.text("birdsWÉ /", max_size=8))
def test_what_is_not_there_can_be_made_once_and_what_is_there_cannot(text):
    found = choices(text, TAGS)
    new = [choice for choice in found if choice.photos is None]
    is_there = any(path_key(each.path) == path_key(cleaned(text)) for each in TAGS)
    assert [choice.kind for choice in new] == ([] if is_there or not cleaned(text) else ["tag", "album"])
    assert len(found) - len(new) <= MOST


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="/", exclude_categories=["C", "Z"]), min_size=1), min_size=1
    )
)
def test_the_search_that_shows_a_tag_means_that_tag(names):
    own = tag("/".join(names))
    assert tag_meant(query_of(own), [own, tag("Another"), tag("Another/One")]) == own
    assert TagChoice(own.path, "tag", 3) in choices(own.path, [own])

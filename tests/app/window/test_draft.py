"""A tag that is being made: what a person puts in is there once, and on one side."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from picsight.window.tags.draft import Draft

photos = st.lists(st.integers(1, 6), max_size=4)
steps = st.lists(st.tuples(st.sampled_from(["alike", "unlike", "without"]), photos), max_size=6)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_a_photo_looks_like_the_tag_or_does_not_whichever_was_said_last(done):
    draft, said = Draft(), {}
    for how, ids in done:
        if how == "without":
            for photo in ids:
                draft = draft.without([photo])
                said.pop(photo, None)
        else:
            draft = (draft.with_alike if how == "alike" else draft.with_unlike)(ids)
            said |= dict.fromkeys(ids, how)
    assert sorted(draft.examples) == sorted(photo for photo, how in said.items() if how == "alike")
    assert sorted(draft.against) == sorted(photo for photo, how in said.items() if how == "unlike")


@settings(max_examples=60, deadline=None)
@given(photos, photos, photos, photos)
def test_what_was_said_of_some_photos_is_taken_back_and_nothing_that_was_said_of_others_since(
    alike, unlike, decided, since
):
    before = Draft().with_alike(alike).with_unlike(unlike)
    others = [photo for photo in since if photo not in decided]
    now = before.with_unlike(decided).with_alike(others).with_again(decided, before)
    expected = before.with_alike(others)
    assert (set(now.examples), set(now.against)) == (set(expected.examples), set(expected.against))


def test_a_tag_without_a_name_is_called_by_its_first_words():
    assert Draft(path=" / ", prompts=("salt/pepper", "spices")).name == "salt pepper"
    assert Draft(path=" Birds / Waders ", prompts=("wading bird",)).name == "Birds/Waders"
    assert not Draft().is_changed

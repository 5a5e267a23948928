"""The draft of a tag: each photo is there once, and on one side."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from picsight.window.tags.studio.draft import Draft

photos = st.lists(st.integers(1, 6), max_size=4)
steps = st.lists(st.tuples(st.sampled_from(["alike", "unlike", "without"]), photos), max_size=6)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_last_decision_on_a_photo_counts(done):
    draft, sides = Draft(), {}
    for how, ids in done:
        if how == "without":
            for photo in ids:
                draft = draft.without([photo])
                sides.pop(photo, None)
        else:
            draft = (draft.with_alike if how == "alike" else draft.with_unlike)(ids)
            sides |= dict.fromkeys(ids, how)
    assert sorted(draft.examples) == sorted(photo for photo, how in sides.items() if how == "alike")
    assert sorted(draft.against) == sorted(photo for photo, how in sides.items() if how == "unlike")


@settings(max_examples=60, deadline=None)
@given(photos, photos, photos, photos)
def test_decisions_on_some_photos_are_undone_without_later_ones_on_others(alike, unlike, decided, since):
    before = Draft().with_alike(alike).with_unlike(unlike)
    others = [photo for photo in since if photo not in decided]
    now = before.with_unlike(decided).with_alike(others).with_again(decided, before)
    expected = before.with_alike(others)
    assert (set(now.examples), set(now.against)) == (set(expected.examples), set(expected.against))


def test_a_tag_without_a_name_is_called_by_its_first_words():
    assert Draft(path=" / ", prompts=("salt/pepper", "spices")).name == "salt pepper"
    assert Draft(path=" Birds / Waders ", prompts=("wading bird",)).name == "Birds/Waders"
    assert not Draft().is_changed

"""Every change is one run; an undo restores the state before it, whatever happened in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from picsight_engine.foundation.errors import RequestError
from picsight_engine.library import Library
from picsight_engine.store.overview.health import misjudged_photos, misplaced_tags
from picsight_engine.store.tagging.decisions import apply_tags

NAMES = ("Dogs", "Animals", "Snow")
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("new"), st.sampled_from(NAMES), st.sampled_from([None, *NAMES]), st.booleans()),
        st.tuples(
            st.just("decide"),
            st.sampled_from([*NAMES, "Favourites"]),
            st.lists(st.integers(0, 5), min_size=1, max_size=3),
            st.sampled_from(["accepted", "rejected", "withdrawn"]),
        ),
        st.tuples(st.just("suggest"), st.sampled_from(NAMES)),
        st.tuples(
            st.just("rate"),
            st.lists(st.integers(0, 5), min_size=1, max_size=3),
            st.sampled_from([None, 0, 4]),
        ),
        st.tuples(
            st.just("change"),
            st.sampled_from(NAMES),
            st.fixed_dictionaries(
                {},
                optional={
                    "prompts": st.sampled_from([[], ["dog"], ["sea", "red"]]),
                    "examples": st.sampled_from([[], [0, 1]]),
                    "against": st.sampled_from([[], [1, 2]]),
                    "threshold": st.sampled_from([0.1, 0.9]),
                    "suggests": st.booleans(),
                },
            ),
        ),
        st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("move"), st.sampled_from(NAMES), st.sampled_from([None, *NAMES])),
        st.tuples(st.just("merge"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("remove"), st.sampled_from(NAMES)),
        st.tuples(st.just("undo")),
    ),
    min_size=1,
    max_size=8,
)


def change(kennel, kind, *rest):
    """Makes one change; an impossible one changes nothing."""
    try:
        if kind == "new":
            name, parent, words = rest
            kennel.tags.new(name, parent=parent, prompts=["dog"] if words else [])
        elif kind == "decide":
            name, photos, verdict = rest
            kennel.tags.decide(name, [kennel.dogs[photo] for photo in photos], verdict)
        elif kind in {"suggest", "rename", "move", "merge", "remove"}:
            getattr(kennel.tags, kind)(*rest)
        elif kind == "rate":
            numbers, stars = rest
            kennel.tags.rate([kennel.dogs[number] for number in numbers], stars)
        elif kind == "change":
            name, what = rest
            kennel.tags.change(name, **{key: meant(kennel, key, value) for key, value in what.items()})
        else:
            kennel.tags.undo()
    except RequestError:
        return False
    return True


def meant(kennel, key, value):
    return [kennel.dogs[number] for number in value] if key in {"examples", "against"} else value


def undo_all(kennel):
    runs = []
    while change_back := next((run for run in kennel.tags.runs() if not run.undone), None):
        runs.append((kennel.tags.undo().id, kennel.state()))
        assert runs[-1][0] == change_back.id
    return runs


def settled_anew(kennel):
    """The state of tags, computed from decisions and runs alone."""
    with kennel.album.db.writer() as connection:
        connection.execute("UPDATE tag_photos SET verdict = NULL")
        apply_tags(connection, [row[0] for row in connection.execute("SELECT id FROM tags")])
    return kennel.state()


@given(CHANGES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_undo_restores_the_state_before_and_each_redo_the_state_after(kennel, changes):
    undo_all(kennel)
    nothing = kennel.state()
    for step in [("new", "Dogs", None, True), ("new", "Animals", None, False), *changes]:
        before, known = kennel.state(), len(kennel.tags.runs(1000))
        change(kennel, *step)
        if len(kennel.tags.runs(1000)) > known:
            after = kennel.state()
            run = kennel.tags.undo()
            assert kennel.state() == before
            kennel.tags.redo(run.id)
            assert kennel.state() == after
    last = kennel.state()
    assert settled_anew(kennel) == last
    assert (misplaced_tags(kennel.album.db), misjudged_photos(kennel.album.db)) == (0, 0)
    undone = undo_all(kennel)
    assert kennel.state() == nothing
    for run_id, state in reversed(undone):
        assert kennel.state() == state
        kennel.tags.redo(run_id)
    assert kennel.state() == last
    undo_all(kennel)


def test_an_undone_run_is_not_redone_after_a_later_one(kennel):
    kennel.tags.new("Dogs")
    kennel.tags.decide("Dogs", kennel.dogs[:1], "accepted")
    kennel.tags.undo()
    kennel.tags.decide("Dogs", kennel.dogs[:1], "rejected")
    with pytest.raises(RequestError, match="Nothing"):
        kennel.tags.redo()
    assert kennel.tags.find("Dogs").rejected == 1


def test_decisions_are_undone_in_any_order_and_the_last_one_left_counts(kennel):
    dog = kennel.dogs[:1]
    kennel.tags.new("Dogs")
    first = kennel.tags.decide("Dogs", dog, "accepted")
    second = kennel.tags.decide("Dogs", dog, "rejected")
    assert kennel.tags.states(dog)[dog[0]][0][1] == "rejected"
    kennel.tags.undo(first.id)
    assert kennel.tags.states(dog)[dog[0]][0][1] == "rejected"
    kennel.tags.undo(second.id)
    assert kennel.tags.states(dog)[dog[0]] == []
    kennel.tags.redo(first.id)
    assert kennel.tags.states(dog)[dog[0]][0][1] == "accepted"
    with pytest.raises(RequestError, match="was not undone"):
        kennel.tags.redo(first.id)
    with pytest.raises(RequestError, match="is undone already"):
        kennel.tags.undo(second.id)


def test_a_run_is_not_undone_before_those_that_depend_on_it(kennel):
    run = kennel.tags.runs
    kennel.tags.new("Animals")
    (first,) = run()
    kennel.tags.new("Dogs", parent="Animals")
    with pytest.raises(RequestError, match='There are tags below "Animals"'):
        kennel.tags.undo(first.id)
    kennel.tags.undo()
    kennel.tags.undo()
    with pytest.raises(RequestError, match='"Animals" was removed'):
        kennel.tags.redo(run()[0].id)
    kennel.tags.new("Animals")
    with pytest.raises(RequestError, match="in this place already"):
        kennel.tags.redo(first.id)
    assert [tag.path for tag in kennel.tags.all()] == ["Favourites", "Animals"]


def test_two_processes_that_decide_at_once_both_count(kennel, small):
    kennel.tags.new("Dogs")
    photos = kennel.others[:40]

    def decide(verdict):
        with Library.open(kennel.album.library.folder, small) as other:
            return [other.tags.decide("Dogs", [photo], verdict) for photo in photos]

    with ThreadPoolExecutor() as threads:
        made = [run for runs in threads.map(decide, ("accepted", "rejected")) for run in runs]
    assert None not in made
    tag = kennel.tags.find("Dogs")
    assert tag.accepted + tag.rejected == len(photos)
    runs = kennel.tags.runs(1000)
    assert len(runs) == 81
    state = kennel.state()
    assert settled_anew(kennel) == state

"""Tags of words and examples suggest photos, learn from decisions, and are found by name."""

from __future__ import annotations

import shutil

import pytest

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.errors import BundleError, RequestError
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.library import Library
from picsight_engine.store.files import put_metadata


def test_a_tag_of_a_word_suggests_at_once_the_photos_that_stand_out(kennel):
    tag = kennel.tags.new("Dogs", prompts=["dog"])
    assert (tag.path, tag.threshold, tag.accepted, tag.rejected) == ("Dogs", 0.5, 0, 0)
    assert tag.suggested == len(kennel.dogs)
    answer = kennel.album.library.suggested("dogs", limit=100)
    assert {result.id for result in answer.results} == set(kennel.dogs)
    scores = [result.score for result in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= tag.threshold


def test_example_photos_are_in_the_tag_and_counterexamples_never_are(kennel):
    alike, unlike = kennel.dogs[:3], kennel.dogs[-1]
    kennel.tags.new("Dogs", examples=alike, against=[unlike, *kennel.others[:5]])
    states = kennel.tags.states([*alike, unlike])
    assert all(tags[0][:2] == ("Dogs", "suggested") for photo, tags in states.items() if photo != unlike)
    assert states[unlike] == []


def test_decisions_beat_scores_and_teach_at_once(kennel):
    kennel.tags.new("Dogs", prompts=["dog"])
    wrong, right = kennel.dogs[0], kennel.others[0]
    before = kennel.tags.states([*kennel.dogs, *kennel.others])
    run = kennel.tags.decide("Dogs", [wrong], "rejected")
    assert str(run.words) == 'Reject 1 photo: "Dogs"'
    kennel.tags.decide("dogs", [right], "accepted")
    assert kennel.tags.states([wrong, right])[right][0][:2] == ("Dogs", "accepted")
    kennel.tags.decide("Dogs", kennel.others[1:20], "accepted")
    (tag,) = [tag for tag in kennel.tags.all() if tag.kind == "tag"]
    assert (tag.accepted, tag.rejected) == (20, 1)
    learnt = kennel.tags.states([*kennel.dogs, *kennel.others])
    rest = kennel.dogs[1:]
    assert [learnt[photo] for photo in rest] != [before[photo] for photo in rest]
    assert learnt[wrong] == [("Dogs", "rejected", learnt[wrong][0][2])]
    kennel.tags.suggest("Dogs")  # adds nothing
    assert kennel.tags.states([*kennel.dogs, *kennel.others]) == learnt
    for _ in range(3):
        kennel.tags.undo()
    assert kennel.tags.states([*kennel.dogs, *kennel.others]) == before


def test_a_decision_counts_even_where_the_words_of_its_tag_cannot_be_read(kennel, small, tmp_path):
    kennel.tags.new("Dogs", prompts=["dog"])
    silent = shutil.copytree(small.folder, tmp_path / "silent")
    (silent / "text.onnx").write_bytes(bytes(small.manifest.files["text.onnx"].bytes))
    with kennel.album.db.writer() as connection:
        connection.execute("DELETE FROM prompt_vectors")
    with Library.open(kennel.album.library.folder, open_bundle(silent)) as library:
        with pytest.raises(BundleError):
            library.tags.suggest("Dogs")
        library.tags.decide("Dogs", kennel.others[:1], "accepted")
    assert kennel.holding("Dogs") == {*kennel.dogs, kennel.others[0]}


def test_words_that_were_read_once_need_no_text_tower_again(kennel, small, tmp_path):
    kennel.tags.new("Dogs", prompts=["dog"])
    before = kennel.tags.suggest("Dogs")
    kennel.tags.decide("Dogs", kennel.others[:1], "accepted")
    with Library.open(kennel.album.library.folder, small) as library:
        library.tags.suggest("Dogs")
        library.tags.undo()
        assert library.tags.suggest("Dogs") == before
        assert not library.is_ready


def test_the_same_decision_again_is_not_a_change(kennel):
    kennel.tags.new("Trip", kind="album")
    assert kennel.tags.decide("Trip", kennel.dogs, "accepted") is not None
    assert kennel.tags.decide("Trip", kennel.dogs, "accepted") is None
    assert [run.kind for run in kennel.tags.runs()] == ["decide", "new"]


def test_a_tag_holds_accepted_and_suggested_photos_of_itself_and_below_but_no_rejected_ones(kennel):
    kennel.tags.new("Animals")
    kennel.tags.new("Dogs", prompts=["dog"], parent="Animals")
    kennel.tags.decide("Animals/Dogs", kennel.dogs[:1], "rejected")
    kennel.tags.decide("Animals", kennel.others[:2], "accepted")
    kennel.tags.decide("Animals", kennel.dogs[1:2], "rejected")
    found = kennel.album.found
    dogs = kennel.holding("Animals/Dogs")  # the rejection has taught it
    assert 1 < len(dogs) < 50
    assert kennel.dogs[0] not in dogs
    assert set(found("tag:dogs")) == dogs
    animals = (dogs | {*kennel.others[:2]}) - {kennel.dogs[1]}
    assert set(found("tag:ANIMALS")) == animals
    assert set(found('tag:"animals/dogs"')) == dogs
    assert set(found("-tag:animals")) == {*kennel.dogs, *kennel.others} - animals
    assert set(found("is:untagged")) == {*kennel.dogs, *kennel.others} - animals - dogs
    assert found("tag:cats") == []


def test_a_search_sees_a_decision_at_once_whichever_process_made_it(kennel, small):
    kennel.tags.decide("Favourites", kennel.dogs[:1], "accepted")
    assert kennel.album.found("is:favourite") == [kennel.dogs[0]]
    with Library.open(kennel.album.library.folder, small) as other:
        other.tags.decide("favourites", kennel.dogs[1:2], "accepted")
    assert set(kennel.album.found("is:favorite")) == set(kennel.dogs[:2])
    assert len(kennel.album.found("is:untagged")) == 100


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "needs a name"), (" \n", "needs a name"), ("\u0301", "needs a name"), ("a/b", "give the parent separately"),
     ("x" * 1001, "at most 1,000"), ("DÖGS", "in this place already")],
)  # fmt: skip
def test_an_invalid_name_is_refused_and_changes_nothing(kennel, name, sentence):
    kennel.tags.new("dogs")
    before = kennel.state(), kennel.tags.runs()
    with pytest.raises(RequestError, match=sentence):
        kennel.tags.new(name, prompts=["dog"])
    assert (kennel.state(), kennel.tags.runs()) == before


@pytest.mark.parametrize(
    "name", ["🐕 & <b>'\"", 'the "best" of', "עברית", "x" * 300, "a|b", "-people", "16:9"]
)
def test_any_other_name_can_be_made_and_typed(kennel, name):
    kennel.tags.new(name)
    kennel.tags.decide(name, kennel.dogs[:1], "accepted")
    typed = name.replace('"', "'")
    assert kennel.album.found(f'tag:"{typed}"') == [kennel.dogs[0]]


def test_a_last_name_that_two_tags_have_needs_its_parent(kennel):
    for parent in ("Birds", "Work"):
        kennel.tags.new(parent)
        kennel.tags.new("Waders", parent=parent)
    with pytest.raises(RequestError, match="2 tags are called"):
        kennel.tags.find("waders")
    assert kennel.tags.find("birds / waders").path == "Birds/Waders"
    kennel.tags.decide("Birds/Waders", kennel.dogs[:1], "accepted")
    kennel.tags.decide("Work/Waders", kennel.dogs[1:2], "accepted")
    assert set(kennel.album.found("tag:waders")) == set(kennel.dogs[:2])
    kennel.tags.new("Waders")  # on top, its path is its name
    assert kennel.tags.find("waders").path == "Waders"


def test_a_tag_without_words_and_examples_suggests_nothing_and_says_why(kennel):
    kennel.tags.new("Dogs", against=kennel.others[:1])
    with pytest.raises(RequestError, match="a few words or an example photo"):
        kennel.tags.suggest("Dogs")
    kennel.tags.decide("Dogs", kennel.dogs[:1], "accepted")
    kennel.tags.suggest("Dogs")
    for name, sentence in (("Favourites", "is filled by hand"), ("nothing", "There is no tag")):
        with pytest.raises(RequestError, match=sentence):
            kennel.tags.suggest(name)


def test_a_photo_outside_the_library_is_refused(kennel, tmp_path):
    kennel.tags.new("Dogs")
    for photo in (tmp_path / "nowhere.jpg", 4711):
        with pytest.raises(RequestError, match="library"):
            kennel.tags.decide("Dogs", [kennel.dogs[0], photo], "accepted")
    assert kennel.tags.find("Dogs").accepted == 0


def test_tags_are_offered_while_someone_types_and_find_as_many_photos_as_they_say(kennel):
    kennel.tags.new("Birds")
    kennel.tags.new("Waders", parent="Birds")
    kennel.tags.new('Birthday "40"')
    kennel.tags.new("Bills")  # without photos
    kennel.tags.decide("Birds", kennel.dogs[:1], "accepted")
    kennel.tags.decide("Waders", kennel.dogs[1:4], "accepted")
    kennel.tags.decide("Birthday '40'", kennel.others[:2], "accepted")
    for number, word in enumerate(("waders", "Birds/Waders", "Bike")):
        name = b"%03d.jpg" % (50 + number)
        with kennel.album.db.writer() as connection:
            put_metadata(connection, kennel.album.folder_id, name, Metadata(keywords=(word,)), 1)

    def offered(typed):
        items = [
            item for item in kennel.album.library.suggestions(typed).items if item.kind in {"tag", "keyword"}
        ]
        for item in items:
            answer = kennel.album.library.search(item.query, limit=200)
            assert (len(answer.results), answer.faults) == (item.photos, ())
        return [(item.kind, item.words, item.query, item.photos) for item in items]

    assert offered("tag:bi") == [
        ("tag", "Birds", "tag:Birds", 5),
        ("tag", "Birds/Waders", "tag:Birds/Waders", 4),
        ("tag", "Birthday '40'", "tag:\"Birthday '40'\"", 2),
        ("keyword", "Bike", "tag:Bike", 1),
    ]
    assert offered("wad") == [
        ("tag", "Birds/Waders", "tag:Birds/Waders", 4),
        ("keyword", "waders", "tag:waders", 5),
    ]
    assert offered("bill") == []
    assert kennel.album.library.suggestions("birthdsy").meant.text.lower() == "birthday"
    kennel.tags.rename("Birds", "Fowl")
    assert offered("fow")[0] == ("tag", "Fowl", "tag:Fowl", 4)

"""Tags are renamed, moved, merged and removed, and keep their decisions."""

from __future__ import annotations

import pytest

from picsight_engine.foundation.errors import RequestError
from picsight_engine.store.tagging.decisions import decided


@pytest.fixture
def zoo(kennel):
    """Animals with Dogs below, and Pets with Dogs below as well; some photos in each."""
    for name, parent in (("Animals", None), ("Dogs", "Animals"), ("Pets", None), ("Dogs", "Pets")):
        kennel.tags.new(name, parent=parent)
    for number, path in enumerate(("Animals", "Animals/Dogs", "Pets", "Pets/Dogs")):
        kennel.tags.decide(path, kennel.dogs[2 * number : 2 * number + 2], "accepted")
    return kennel


def paths(kennel):
    return [tag.path for tag in kennel.tags.all() if tag.kind != "favourite"]


def test_a_renamed_tag_keeps_its_photos_and_those_below_it(zoo):
    renamed = zoo.tags.rename("Animals", "  Big   beasts ")
    assert (renamed.path, renamed.accepted) == ("Big beasts", 4)
    assert paths(zoo) == ["Big beasts", "Big beasts/Dogs", "Pets", "Pets/Dogs"]
    assert str(zoo.tags.runs(1)[0].words) == 'Rename "Animals" to "Big beasts"'
    assert zoo.tags.rename("big beasts", "Big Beasts").path == "Big Beasts"
    before = zoo.tags.runs()
    assert zoo.tags.rename("big beasts", "Big Beasts").path == "Big Beasts"
    assert zoo.tags.runs() == before


def test_a_moved_tag_takes_along_the_tags_below_it(zoo):
    moved = zoo.tags.move("Pets", "Animals")
    assert (moved.path, moved.parent) == ("Animals/Pets", "Animals")
    assert paths(zoo) == ["Animals", "Animals/Dogs", "Animals/Pets", "Animals/Pets/Dogs"]
    assert zoo.tags.find("Animals").accepted == 8
    assert set(zoo.album.found("tag:animals")) == set(zoo.dogs[:8])
    assert zoo.tags.move("Animals/Pets", None).path == "Pets"
    assert zoo.tags.find("Animals").accepted == 4


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (("move", "Animals", "Animals/Dogs"), "cannot be below itself"),
        (("move", "Animals", "Animals"), "cannot be below itself"),
        (("move", "Animals/Dogs", "Pets"), "in this place already"),
        (("move", "Animals", "Plants"), 'There is no tag "Plants"'),
        (("rename", "Pets", "animals"), "in this place already"),
        (("rename", "Pets", "a/b"), "give the parent separately"),
        (("merge", "Animals", "Animals"), "choose another tag"),
        (("merge", "Animals", "Animals/Dogs"), "choose another tag"),
        (("remove", "Animals"), 'There are tags below "Animals"'),
        (("rename", "Favourites", "Best"), "always there"),
        (("move", "Favourites", "Pets"), "always there"),
        (("merge", "Favourites", "Pets"), "always there"),
        (("merge", "Pets", "Favourites"), "always there"),
        (("remove", "Favourites"), "always there"),
        (("move", "Pets", "Favourites"), "No tag can be below"),
    ],
)
def test_an_impossible_arrangement_is_refused_and_changes_nothing(zoo, call, sentence):
    before = zoo.state(), zoo.tags.runs()
    method, *rest = call
    with pytest.raises(RequestError, match=sentence):
        getattr(zoo.tags, method)(*rest)
    assert (zoo.state(), zoo.tags.runs()) == before


def test_tags_stand_at_most_twenty_deep_however_they_come_there(zoo):
    path = "Pets"
    for number in range(2, 21):
        path = zoo.tags.new(f"{number}", parent=path).path
    before = zoo.state()
    for step in (
        lambda: zoo.tags.new("21", parent=path),
        lambda: zoo.tags.move("Pets", "Animals"),
        lambda: zoo.tags.merge("Pets", "Animals/Dogs"),
    ):
        with pytest.raises(RequestError, match="would be nested too deep: at most 20"):
            step()
    assert zoo.state() == before
    assert zoo.tags.move(path, "Pets").parent == "Pets"


def test_a_merged_tag_gives_words_decisions_and_tags_below_to_the_other(zoo):
    zoo.tags.new("Wolves", prompts=["red"], parent="Pets")
    zoo.tags.change("Pets", prompts=["dog"], examples=zoo.others[:1], against=zoo.others[1:2])
    zoo.tags.change("Animals", prompts=["sea", "dog"], against=zoo.others[:1])
    zoo.tags.decide("Animals", zoo.dogs[4:5], "rejected")
    zoo.tags.decide("Pets", zoo.dogs[:1], "rejected")  # the last word
    merged = zoo.tags.merge("Pets", "Animals")
    assert paths(zoo) == ["Animals", "Animals/Dogs", "Animals/Wolves"]
    assert merged.prompts == ("sea", "dog")
    assert (merged.examples, merged.against) == ((), zoo.others[:2])
    assert merged.suggests
    with zoo.album.db.reading() as connection:
        assert decided(connection, merged.id) == {
            zoo.dogs[0]: "rejected",
            zoo.dogs[1]: "accepted",
            zoo.dogs[4]: "rejected",
            zoo.dogs[5]: "accepted",
        }
        dogs = decided(connection, zoo.tags.find("Animals/Dogs").id)
    assert dogs == dict.fromkeys((*zoo.dogs[2:4], *zoo.dogs[6:8]), "accepted")
    zoo.tags.new("All")
    zoo.tags.merge("Animals/Dogs", "All")  # a tag that was merged with another one before
    assert zoo.tags.find("All").accepted == 4
    for _ in range(3):
        zoo.tags.undo()
    assert paths(zoo) == ["Animals", "Animals/Dogs", "Pets", "Pets/Dogs", "Pets/Wolves"]
    assert zoo.tags.find("Pets/Dogs").accepted == 2


def test_a_tag_is_merged_into_the_one_above_it_though_one_below_it_has_its_name(zoo):
    zoo.tags.new("Dogs", parent="Animals/Dogs")
    zoo.tags.merge("Animals/Dogs", "Animals")
    assert paths(zoo) == ["Animals", "Animals/Dogs", "Pets", "Pets/Dogs"]
    assert zoo.tags.find("Animals").accepted == 4


def test_a_removed_tag_is_gone_until_that_is_undone(zoo):
    run = zoo.tags.remove("Animals/Dogs")
    assert str(run.words) == 'Remove "Dogs"'
    assert zoo.tags.states(zoo.dogs[2:4]) == {photo: [] for photo in zoo.dogs[2:4]}
    zoo.tags.new("Dogs", parent="Animals")  # a new one of this name
    assert zoo.tags.find("Animals/Dogs").accepted == 0
    with pytest.raises(RequestError, match="in this place already"):
        zoo.tags.undo(run.id)
    zoo.tags.undo()
    zoo.tags.undo()
    assert zoo.tags.find("Animals/Dogs").accepted == 2
    assert zoo.tags.redo().id == run.id
    assert paths(zoo) == ["Animals", "Pets", "Pets/Dogs"]


def test_a_parent_counts_each_photo_of_those_below_it_once(zoo):
    zoo.tags.new("Puppies", prompts=["dog"], parent="Animals/Dogs")
    zoo.tags.decide("Animals", zoo.dogs[9:], "rejected")
    for tag in zoo.tags.all():
        if tag.kind != "favourite":
            assert tag.accepted + tag.suggested == len(zoo.album.found(f'tag:"{tag.path}"'))
            assert zoo.tags.find(tag.path) == tag
    animals = zoo.tags.find("Animals")
    assert (animals.accepted, animals.suggested, animals.rejected) == (4, 5, 1)

"""Faults of tags are found, and repaired from the decisions."""

from __future__ import annotations

import pytest

from picsight_engine.store.overview.health import mend_tags, misjudged_photos, misplaced_tags


@pytest.fixture
def zoo(kennel):
    kennel.tags.new("Animals")
    kennel.tags.new("Dogs", prompts=["dog"], parent="Animals")
    kennel.tags.new("Wolves")
    kennel.tags.decide("Dogs", kennel.dogs[:2], "accepted")
    kennel.tags.decide("Wolves", kennel.dogs[2:4], "rejected")
    kennel.tags.decide("Dogs", kennel.dogs[:1], "withdrawn")
    kennel.tags.decide("Dogs", kennel.others[:1], "accepted")
    kennel.tags.undo()
    kennel.tags.merge("Wolves", "Dogs")
    return kennel


def faults(kennel):
    return misplaced_tags(kennel.album.db), misjudged_photos(kennel.album.db)


def decided(kennel):
    states = kennel.tags.states([*kennel.dogs, *kennel.others])
    return {photo: [each[:2] for each in tags if each[1] != "suggested"] for photo, tags in states.items()}


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE tag_photos SET verdict = 'rejected' WHERE verdict = 'accepted'",
        "DELETE FROM tag_photos WHERE verdict = 'accepted'",
        "UPDATE tag_photos SET verdict = 'accepted' WHERE verdict IS NULL",
    ],
)
def test_decisions_that_do_not_count_are_made_to_count(zoo, damage):
    before = decided(zoo)
    with zoo.album.db.writer() as connection:
        connection.execute(damage)
    assert faults(zoo)[1] > 0
    mend_tags(zoo.album.db)
    assert faults(zoo) == (0, 0)
    assert decided(zoo) == before


@pytest.mark.parametrize("above", ["Dogs", "Puppies"])
def test_tags_in_a_circle_stay_usable_until_they_are_repaired(zoo, tmp_path, above):
    zoo.tags.new("Puppies", parent="Dogs")
    with zoo.album.db.writer() as connection:
        (parent,) = connection.execute("SELECT id FROM tags WHERE name = ?", (above,)).fetchone()
        connection.execute("UPDATE tags SET parent_id = ? WHERE name = 'Dogs'", (parent,))
    dogs = zoo.tags.find("Dogs")
    assert dogs.path == ("Dogs" if above == "Dogs" else "Puppies/Dogs")
    assert dogs in zoo.tags.all()
    assert zoo.dogs[1] in zoo.album.found("tag:dogs")
    assert (dogs.path, "accepted") in [each[:2] for each in zoo.tags.states([zoo.dogs[1]])[zoo.dogs[1]]]
    assert zoo.tags.new("Pugs", parent="Dogs").path.endswith("Dogs/Pugs")
    zoo.album.library.exchange.export_decisions(tmp_path / "decisions.jsonl")
    assert zoo.album.library.exchange.import_from(tmp_path / "decisions.jsonl").photos == 3


def test_tags_below_themselves_or_nothing_come_to_the_top_and_favourites_come_back(zoo):
    zoo.tags.new("Puppies", parent="Dogs")
    with zoo.album.db.writer() as connection:
        connection.execute(
            "UPDATE tags SET parent_id = (SELECT id FROM tags WHERE name = 'Puppies') WHERE name = 'Dogs'"
        )
        connection.execute("DELETE FROM tags WHERE kind = 'favourite'")
    assert faults(zoo) == (3, 0)
    mend_tags(zoo.album.db)
    assert faults(zoo) == (0, 0)
    assert {tag.path for tag in zoo.tags.all()} == {"Favourites", "Animals", "Dogs", "Puppies"}

"""Stars, favourites and albums: marks that a person gives photos without words."""

from __future__ import annotations

import random

import pytest

from picsight_engine.foundation.errors import RequestError
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.store.files import put_metadata
from picsight_engine.store.tagging.pairs import pair
from picsight_engine.tags.tree import FAVOURITES, Marks


def write_stars(kennel, photo, stars):
    """Stores stars as the photo's file has them."""
    with kennel.album.db.writer() as connection:
        put_metadata(connection, kennel.album.folder_id, b"%03d.jpg" % (photo - 1), Metadata(rating=stars), 1)


def test_a_persons_stars_win_over_those_of_the_file_until_they_are_withdrawn(kennel):
    good, poor, plain = kennel.dogs[:3]
    for photo, stars in ((good, 4), (poor, 1)):
        write_stars(kennel, photo, stars)
    assert [kennel.tags.rating(photo) for photo in (good, poor, plain)] == [4, 1, None]
    run = kennel.tags.rate([good, plain], 0)
    assert str(run.words) == "Rate 2 photos: 0 stars"
    kennel.tags.rate([poor], 5)
    found = kennel.album.found
    assert [kennel.tags.rating(photo) for photo in (good, poor, plain)] == [0, 5, 0]
    assert found("rated:>=1") == found("has:rating") == [poor]
    assert set(found("rated:0")) == {good, plain}
    assert kennel.tags.rate([poor], 5) is None
    kennel.tags.rate([good, poor, plain], None)
    assert set(found("rated:1..4")) == {good, poor}
    assert [kennel.tags.rating(photo) for photo in (good, poor, plain)] == [4, 1, None]


def test_decisions_on_a_photo_paired_meanwhile_count_for_the_pair_and_on_an_edited_one_are_refused(
    kennel,
):
    """Another process indexes while the window still shows the photos as they were."""
    album, still, edited = kennel.album, kennel.dogs[0], kennel.dogs[1]
    raw = album.put(b"raw.cr2", 1000, vector=False)
    album.put(b"raw.jpg", still, vector=False)
    with album.db.writer() as connection:
        pair(connection, album.folder_id, b"raw.cr2")
    album.put(b"001.jpg", 1001, vector=False)  # the edit
    kennel.tags.rate([raw], 4)
    kennel.tags.decide("Favourites", [raw, still], "accepted")
    assert kennel.tags.marks([still])[still] == Marks(4, favourite=True, tags=())
    for say in (
        lambda: kennel.tags.rate([still, edited], 5),
        lambda: kennel.tags.decide("Favourites", [edited], "accepted"),
    ):
        with pytest.raises(RequestError, match="edited or removed meanwhile"):
            say()
    assert kennel.tags.rating(still) == 4


def test_a_search_for_stars_agrees_with_the_rating_of_every_photo(kennel):
    chance = random.Random(4)
    photos = [*kennel.dogs, *kennel.others[:20]]
    for photo in photos:
        if chance.random() < 0.5:
            write_stars(kennel, photo, chance.randrange(-1, 6))
    for _ in range(12):
        kennel.tags.rate(chance.sample(photos, 5), chance.choice([None, 0, 2, 5]))
    kennel.tags.undo(chance.choice(kennel.tags.runs()).id)
    for least in range(6):
        wanted = {photo for photo in photos if (kennel.tags.rating(photo) or 0) >= least}
        if least == 0:
            wanted = {photo for photo in photos if (kennel.tags.rating(photo) or -2) >= 0}
            wanted |= {photo for photo in photos if kennel.tags.rating(photo) == 0}
        assert set(kennel.album.found(f"rated:>={least}")) == wanted


@pytest.mark.parametrize("stars", [-2, 6])
def test_no_photo_has_more_than_five_stars(kennel, stars):
    with pytest.raises(RequestError, match="0 to 5 stars"):
        kennel.tags.rate(kennel.dogs, stars)


def test_a_photo_is_rejected_by_a_rating_below_none(kennel):
    photos = kennel.dogs[:2]
    run = kennel.tags.rate(photos, -1)
    assert str(run.words) == "Rate 2 photos: rejected"
    assert [mark.rating for mark in kennel.tags.marks(photos).values()] == [-1, -1]
    assert set(kennel.album.found("rated:rejected")) == set(photos)
    assert kennel.album.found("rated:<=5") == []


def test_the_wall_gets_all_marks_of_its_photos_at_once(kennel):
    first, second, third = kennel.dogs[:3]
    kennel.tags.new("Dogs", prompts=["dog"])
    kennel.tags.new("Trip", kind="album")
    kennel.tags.new("Favourites", parent="Trip")
    kennel.tags.decide(FAVOURITES, [first, second], "accepted")
    kennel.tags.decide(FAVOURITES, [second], "withdrawn")
    kennel.tags.decide("Trip", [second], "accepted")
    kennel.tags.decide("Trip/Favourites", [third], "rejected")
    kennel.tags.rate([third], 3)
    assert kennel.tags.marks([first, second, third]) == {
        first: Marks(None, favourite=True, tags=(("Dogs", "suggested"),)),
        second: Marks(None, favourite=False, tags=(("Dogs", "suggested"), ("Trip", "accepted"))),
        third: Marks(3, favourite=False, tags=(("Dogs", "suggested"), ("Trip/Favourites", "rejected"))),
    }


def test_albums_are_filled_by_hand_alone(kennel):
    with pytest.raises(RequestError, match="filled by hand"):
        kennel.tags.change(FAVOURITES, suggests=True)
    for what in ({"prompts": ["dog"]}, {"examples": kennel.dogs}):
        with pytest.raises(RequestError, match="filled by hand"):
            kennel.tags.new("Trip", kind="album", **what)
    made = kennel.tags.new("Trip", kind="album")
    kennel.tags.decide("Trip", kennel.dogs, "accepted")
    assert (made.threshold, kennel.tags.find("Trip").accepted) == (None, len(kennel.dogs))
    assert set(kennel.album.found("tag:trip")) == set(kennel.dogs)
    assert len(kennel.album.found("is:untagged")) == 100

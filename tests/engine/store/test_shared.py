"""What several photos share, against a plain count of the same records."""

from __future__ import annotations

import random

from picsight_engine.store.files import Metadata, put_metadata
from picsight_engine.store.shared import shared_details

PLACES = (
    None,
    "Nice, Alpes-Maritimes, France",
    "Cannes, Alpes-Maritimes, France",
    "Paris, France",
    "Rome, Italy",
)


def common(values):
    return values[0] if len(set(values)) == 1 else None


def test_what_all_say_alike_is_told_and_what_differs_is_not(shelf):
    draw, said = random.Random(7), {}
    for number in range(40):
        photo = shelf.put(b"%d.jpg" % number, number)
        said[photo] = Metadata(
            taken=draw.choice((None, f"2020-07-{1 + number % 28:02}T10:00:00")),
            place=draw.choice(PLACES),
            lat=draw.choice((None, 43.7, 43.701)),
            lon=7.25,
            camera=draw.choice(("Canon EOS 600D", "Canon EOS 600D", None)),
            lens=draw.choice(("50 mm", "50 mm", "18 mm")),
            keywords=tuple(draw.sample(("sea", "Anna", "boat"), draw.randint(1, 3))),
        )
        with shelf.db.writer() as connection:
            put_metadata(connection, shelf.folder.id, b"%d.jpg" % number, said[photo], 1)
    for _ in range(60):
        chosen = draw.sample(sorted(said), draw.randint(1, 4))
        told, records = shared_details(shelf.db, chosen), [said[photo] for photo in chosen]
        dates = sorted(each.taken for each in records if each.taken)
        assert (told.photos, told.undated) == (len(chosen), len(chosen) - len(dates))
        assert (told.first, told.last) == ((dates[0], dates[-1]) if dates else (None, None))
        assert told.camera == common([each.camera for each in records])
        assert told.lens == common([each.lens for each in records])
        assert set(told.keywords) == set.intersection(*(set(each.keywords) for each in records))
        assert set(told.positions) == {(43.7, 7.25) for each in records if each.lat}
        places = [each.place for each in records]
        if None in places or len({place.rpartition(", ")[2] for place in places}) > 1:
            assert told.place is None
        else:
            assert told.place is not None
            assert all(place.endswith(told.place) for place in places)
            assert len(set(places)) > 1 or told.place == places[0]


def test_only_photos_that_are_seen_count_and_none_of_them_say_nothing(shelf):
    photo = shelf.put(b"a.jpg", 1)
    assert shared_details(shelf.db, [photo, 999]).photos == 1
    told = shared_details(shelf.db, [])
    assert (told.photos, told.bytes, told.first, told.place, told.keywords) == (0, 0, None, None, ())

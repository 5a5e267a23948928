"""Colours: measured from thumbnails, a fact of the query language, and taken into account where words name them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from picsight_engine.aftermath.follow_up import make_of_thumbnails
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.calibration import Calibration
from picsight_engine.foundation.assets import find_asset
from picsight_engine.library import Library
from picsight_engine.photos.colours import NAMES, RULE, colour_codes, named_colours, without_colours
from picsight_engine.photos.thumbnail import thumbnail
from picsight_engine.runtime.text_embedder import TextEmbedder
from picsight_engine.store.derived.colours import put_colour_codes
from picsight_engine.store.derived.thumbnails import ThumbnailStore
from picsight_engine.store.derived.vectors import put_vector

MEADOW = (70, 140, 50)
PAINTS = {
    "red": (200, 25, 30),
    "yellow": (250, 220, 20),
    "blue": (30, 70, 200),
    "black": (12, 12, 12),
    "white": (250, 250, 250),
    "purple": (120, 40, 150),
    "pink": (245, 130, 180),
}
STRONG = Calibration(-1, -1, -1, 0, 1, 0, 0, 0, colour=0.02)  # every photo matches strongly


def picture(paint, place=(100, 70, 160, 130), ground=MEADOW):
    """A thing of one colour on a meadow of 256 by 192 pixels."""
    image = Image.new("RGB", (256, 192), ground)
    image.paste(paint, place)
    return thumbnail(image)


@pytest.fixture
def coloured(album):
    """A photo for each colour, in the order of their ids; measured."""
    store = ThumbnailStore.open(album.library.folder)
    for number, paint in enumerate(PAINTS.values(), start=1):
        album.put(b"%d.png" % number, number)
        store.put({number: picture(paint)})
    album.put(b"unseen.png", len(PAINTS) + 1)  # without a thumbnail
    make_of_thumbnails(album.db, store, open_bundle(find_asset("starter")))
    yield album
    store.close()


def show(album, looks):
    """Gives photos the vectors of texts: for the model they look so."""
    embedder = TextEmbedder(open_bundle(find_asset("starter")))
    with album.db.writer() as connection:
        for number, text in looks.items():
            put_vector(connection, number, album.space, embedder.embed_term(text).astype(np.float16))


def photo_of(name):
    return 1 + [*PAINTS].index(name)


def test_a_small_thing_in_the_middle_has_its_colour_and_no_other():
    codes = {name: np.frombuffer(colour_codes(picture(paint)), np.uint8) for name, paint in PAINTS.items()}
    for name in PAINTS:
        column = NAMES.index(name)
        assert min(codes, key=lambda each: codes[each][column]) == name
    red = NAMES.index("red")
    in_the_corner = np.frombuffer(colour_codes(picture(PAINTS["red"], (0, 0, 60, 60))), np.uint8)
    assert codes["red"][red] < in_the_corner[red] < codes["blue"][red]
    assert colour_codes(b"\xff\xd8no picture") is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("red kettle", ["red"]),
        ("a Navy boat beside scarlet flowers", ["red", "blue"]),
        ("gray cat", ["grey"]),
        ("orange", []),
        ("orange juice", ["orange"]),
        ("rose", []),
        ("redhead at a greenhouse", []),
    ],
)
def test_only_words_for_colours_name_them_and_an_orange_alone_is_a_fruit(text, named):
    assert [NAMES[column] for column in named_colours(text)] == named


def test_the_thing_is_what_is_left_without_its_colours():
    assert without_colours("a Navy boat, red flowers") == "a boat, flowers"
    assert without_colours("orange") == "orange"


def test_a_colour_is_a_fact(coloured):
    red = photo_of("red")
    assert coloured.found("colour:red") == coloured.found("color:Crimson") == [red]
    assert set(coloured.found("-colour:red")) == {*range(1, len(PAINTS) + 2)} - {red}
    assert coloured.found("colour:yellow colour:blue") == []
    (fault,) = coloured.library.search("colour:loud dog").faults
    assert str(fault.message).startswith('"colour:" knows red, orange, ')
    offers = coloured.library.suggestions("colour:re").items
    assert [(offer.query, offer.photos) for offer in offers] == [("colour:red", 1)]


def test_a_strong_match_shows_the_thing_and_shows_it_in_the_colour(coloured, bundle):
    looks = {1: "red kettle", 2: "blue kettle", 3: "red sunset", 4: "a red dress"}
    show(coloured, looks)
    with Library.open(coloured.library.folder, bundle, create=False) as library:
        with coloured.db.writer() as connection:
            put_colour_codes(
                connection,
                {number: colour_codes(picture(PAINTS["red"])) for number in looks},
                RULE,
                len(NAMES),
            )
        found = {each.id: each.match for each in library.search("red kettle", limit=4).results}
        assert found[1] == "strong"
        assert "strong" not in {found[2], found[3], found[4]}
        assert {each.match for each in library.search("kettle", limit=2).results} == {"strong"}
        show(coloured, {5: "a typewriter"})
        for query in ("red kettle | typewriter", "typewriter | like:gone.jpg | red kettle"):
            found = {each.id: each.match for each in library.search(query, limit=5).results}
            assert {number for number, match in found.items() if match == "strong"} == {1, 5}


def test_photos_without_the_named_colour_come_later_as_weaker_matches(coloured, bundle):
    show(coloured, dict.fromkeys(range(1, len(PAINTS) + 2), "kettle in red and blue"))
    calibrated = replace(bundle, manifest=replace(bundle.manifest, calibration=STRONG, blankness=None))
    with Library.open(coloured.library.folder, calibrated, create=False) as library:
        plain = library.search("kettle", limit=20).results
        assert {result.match for result in plain} == {"strong"}
        assert {result.match for result in library.search("orange", limit=20).results} == {"strong"}
        found = {result.id: result for result in library.search("red kettle", limit=20, explain=True).results}
        unseen, red = len(PAINTS) + 1, photo_of("red")
        assert {number for number, result in found.items() if result.match == "strong"} == {red, unseen}
        lost = {number: result.terms[0].score - result.score for number, result in found.items()}
        assert lost[red] == min(lost.values())
        assert found[red].terms[1] == library.explain("red kettle", red)[1]
        assert (found[red].terms[1].text, found[red].terms[1].score) == ("colour:red", 1)
        assert found[photo_of("blue")].terms[1].score < 0.5
        either = library.search("red kettle | blue kettle", limit=20).results
        assert {result.id for result in either if result.match == "strong"} == {
            red,
            photo_of("blue"),
            unseen,
        }


def test_a_forgotten_photo_leaves_no_colours_and_the_others_keep_theirs(coloured):
    def stored():
        with coloured.db.reading() as connection:
            (codes,) = connection.execute("SELECT codes FROM colours").fetchone()
        return np.frombuffer(codes, np.uint8).reshape(-1, len(NAMES))

    before, gone = stored().copy(), photo_of("blue")
    assert before[gone].all()
    with coloured.db.writer() as connection:
        connection.execute("DELETE FROM files WHERE photo_id = ?", (gone,))
        connection.execute("DELETE FROM vectors WHERE photo_id = ?", (gone,))
        connection.execute("DELETE FROM photos WHERE id = ?", (gone,))
    before[gone] = 0
    np.testing.assert_array_equal(stored(), before)

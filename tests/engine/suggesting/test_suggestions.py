"""Suggestions while someone types: only what the library has, counted, in words of the query language."""

from __future__ import annotations

import pytest

from picsight_engine.foundation.metadata import Metadata
from picsight_engine.library import Library
from picsight_engine.store.files import NewFile, put_file, put_metadata
from picsight_engine.store.folders import add_folder
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.suggesting.suggestions import MOST, is_worth_counting


@pytest.fixture(scope="module")
def filled(tmp_path_factory, bundle):
    """A library of sixty photos in seven folders, of 2019 and 2020, some in two files."""
    root = tmp_path_factory.mktemp("suggestions")
    with Library.open(root / "library", bundle) as library:
        folders = [add_folder(library._db, root / name) for name in ("Pictures", "Archive Lisbon")]
        with library._db.writer() as connection:
            for number in range(60):
                photo_id = put_photo(connection, NewPhoto(number.to_bytes(16, "big"), 4, 3))
                month = (0, 1, 6, 7, 11)[number % 5] + 1
                for folder in folders[: 1 + (number % 4 == 0)]:
                    directory = ("Lisbon 2019", "New York", "Trips/Lisbon", "Oscar's")[number % 4]
                    name = f"{directory}/IMG_{2900 + number}.{('HEIC', 'jpg', 'JPEG')[number % 3]}".encode()
                    put_file(connection, NewFile(folder.id, name, 1, 2, None, photo_id))
                    taken = None if number % 6 == 0 else f"{2019 + number % 2}-{month:02}-18T10:00:00"
                    camera = (None, "Canon EOS R5", "Canon EOS 80D")[number % 3]
                    keywords = (("Family", "Lisa"), (), ("Birds/Waders",))[number % 3]
                    place = (None, "Nice, Alpes-Maritimes, France", "Venice, Veneto, Italy")[number % 3]
                    lens = (None, "EF100-400mm f/4.5-5.6L")[number % 2]
                    put_metadata(
                        connection,
                        folder.id,
                        name,
                        Metadata(taken, camera=camera, keywords=keywords, place=place, lens=lens),
                        1,
                    )
        yield library


TYPED = (
    "20", "2019", "201", "ju", "jul", "july 20", "su", "summer 2020", "wi", "winter", "lis", "li", "lisbon", "ne",
    "new yo", "tri", "osc", "arch", "ca", "canon", "eos", "80", "fa", "bi", "wad", "jp", "he", ".hei", "pic", "in:", "in:2019-", "folder:", "folder:lis", "by:c", "tag:", "format:",
    "nic", "ven", "at:", "at:fr", "alpes", "lens:", "lens:ef", "ef100",
)  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
def test_every_suggestion_finds_as_many_photos_as_it_counts(filled, typed):
    items = filled.suggestions(typed).items
    assert len({each.query for each in items}) == len(items) <= MOST
    counted = [each for each in items if each.photos is not None]
    assert counted
    for each in counted:
        answer = filled.search(each.query, limit=99)
        assert (len(answer.results), answer.faults) == (each.photos, ())
        assert each.photos > 0


@pytest.mark.parametrize(
    "typed", ["lis", "lisbon", "new yor", "tri", "wad", "fam", "bir", "isbon", "york new", "ew"]
)
def test_a_suggested_name_finds_its_photos_while_it_is_completed(filled, typed):
    offered = filled.suggestions(typed)
    for query in (typed, offered.completed):
        found = {photo.id for photo in filled.search(query, limit=99).results if photo.found_by == "name"}
        for each in offered.items:
            if each.kind in {"folder", "keyword"}:
                assert {photo.id for photo in filled.search(each.query, limit=99).results} <= found


@pytest.mark.parametrize(
    ("typed", "is_whole"),
    [
        ("young man", True), ("blue car", True), ("lisbon", True), ("2019", True), ("new york", True),
        ("lis", False), ("dog ", False), ("eleph", False), ("folder:Tri", False),
    ],
)  # fmt: skip
def test_a_whole_word_is_not_completed_to_longer_ones(filled, typed, is_whole):
    suggestions = filled.suggestions(typed)
    assert suggestions.is_whole == is_whole
    assert not (is_whole and any(each.kind == "word" for each in suggestions.items))


@pytest.mark.parametrize(
    "typed", ["", "l", " ", "lis ", "zebra", "in:1999", "format:gif", "by:nikon", "at:li", "16:9", "-"]
)
def test_values_that_the_library_lacks_are_not_offered(filled, typed):
    assert [each for each in filled.suggestions(typed).items if each.photos is not None] == []


@pytest.mark.parametrize(
    ("marked", "kind", "becomes"),
    [
        ("dog -trip^", "folder", "dog -folder:Trips^"),
        ("new yo^", "folder", 'folder:"New York"^'),
        ("dog from summer 20^", "season", "dog in:summer-2020^"),
        ("sunset in nic^", "place", "sunset at:Nice^"),
        ("cote^", "place", 'at:"C\u00f4te d\'Azur"^'),
        ("lens:ef^", "lens", 'lens:"EF100-400mm f/4.5-5.6L"^'),
        ("sea fam^", "keyword", "sea tag:Family^"),
        ("new york man^", "word", None),
        ("dog on the bea^", "word", "dog on the beach^"),
    ],
)
def test_a_suggestion_replaces_the_part_that_was_typed_for_it(filled, marked, kind, becomes):
    suggestions = filled.suggestions(marked.replace("^", ""), marked.index("^"))
    taken = [each.query for each in suggestions.items if each.kind == kind]
    assert taken[:1] == ([] if becomes is None else [becomes.replace("^", "")])


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("eleph", "elephant"),
        ("dog on the bea", "dog on the beach"),
        ("sunset | mounta", "sunset | mountain"),
        ("dog -peopl", "dog -people"),
        ("lisb", "Lisbon"),
        ("dog", "dog"),
        ("IMG_2", "IMG_2"),
        ("folder:eleph", "folder:eleph"),
    ],
)
def test_a_half_typed_last_word_is_completed_and_a_whole_one_is_not(filled, typed, completed):
    assert filled.suggestions(typed).completed.text == completed


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("elefant ", "elephant "),
        ("elefant at the beahc -peopel ", "elephant at the beach -people "),
        ("elepha", None),
        ("lisbn elepha", "Lisbon elepha"),
        ("Lisbon Trips Waders Oscar ", None),
        ('"elefant" folder:elefant ', None),
    ],
)
def test_an_unknown_finished_word_is_corrected(filled, typed, meant):
    suggestions = filled.suggestions(typed)
    assert (suggestions.meant and suggestions.meant.text) == meant
    assert [each.query for each in suggestions.items if each.kind == "spelling"] == [meant] * (
        meant is not None
    )


def test_earlier_and_saved_searches_are_offered_by_their_beginnings(tmp_path, bundle):
    with Library.open(tmp_path, bundle) as library:
        for query in ("dog on the beach", "Döner", "cat", "do"):
            library.searches.remember(query)
        library.searches.save("Our best dogs", "dog | puppy")
        library.searches.save("Cats", "cat")

        def offered(text):
            items = library.suggestions(text).items
            return [
                (each.kind, each.words, each.query) for each in items if each.kind in {"saved", "history"}
            ]

        assert offered("do") == [
            ("saved", "Our best dogs", "dog | puppy"),
            ("history", "Döner", "Döner"),
            ("history", "dog on the beach", "dog on the beach"),
        ]
        assert offered("best do") == [("saved", "Our best dogs", "dog | puppy")]
        assert offered("d") == []


def test_suggestions_follow_changes_of_the_library(tmp_path, bundle):
    with Library.open(tmp_path / "library", bundle) as library:
        assert library.suggestions("hochz").items == ()
        folder = add_folder(library._db, tmp_path / "pictures")
        with library._db.writer() as connection:
            photo_id = put_photo(connection, NewPhoto(b"p" * 16, 4, 3))
            put_file(connection, NewFile(folder.id, b"Hochzeit/a.jpg", 1, 2, None, photo_id))
        words = [(each.kind, each.words) for each in library.suggestions("hochz").items]
        assert words == [("folder", "Hochzeit")]
        library.folders.remove(folder.id)
        assert library.suggestions("hochz").items == ()


def test_a_library_whose_model_has_no_words_suggests_words_and_searches(tmp_path, make_bundle):
    with Library.open(tmp_path / "library", make_bundle(without=("text",))) as library:
        library.searches.remember("dog on the beach")
        assert [each.kind for each in library.suggestions("eleph").items] == ["word"]
        assert "history" in [each.kind for each in library.suggestions("dog on").items]


def test_a_large_library_that_is_being_indexed_is_not_counted_at_every_key():
    assert is_worth_counting(cost=0.0, age=0.0)
    assert is_worth_counting(cost=0.02, age=0.0)
    assert not is_worth_counting(cost=0.2, age=2.0)
    assert is_worth_counting(cost=0.2, age=5.0)


def test_words_of_a_set_language_are_neither_completed_nor_corrected_in_english(filled):
    assert filled.suggestions("hund").completed.text != "hund"
    assert filled.suggestions("fahrrat am meer").meant is not None
    filled.languages = ("de",)
    try:
        assert filled.suggestions("hun").completed.text == "hun"
        assert filled.suggestions("hund").is_whole
        assert filled.suggestions("schnee ").meant is None
        assert filled.suggestions("biccle").meant.text == "bicycle"
    finally:
        filled.languages = ()

"""Facts choose photos before anything is ranked: the ones that a plain reading of their metadata chooses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.search.conftest import open_album

from picsight_engine.store.files import files_of
from picsight_engine.store.tagging.pairs import mark_missing

YEARS = (2017, 2018, 2019, 2020)


@pytest.fixture
def album(tmp_path, small):
    """A library without photos; no test of facts depends on the meaning of vectors."""
    with open_album(tmp_path, small) as made:
        yield made


@pytest.fixture(scope="module")
def trips(lasting_album):
    """Photos with their ids by name."""
    return lasting_album, fill(lasting_album)


def fill(album):
    ids = {
        "snow": album.put(b"2018/Winter Trip/IMG_0001.JPG", 1, (40, 30), taken="2018-01-05T10:00:00"),
        "beach": album.put(
            b"2019/Trips/S\xc3\xa3o Paulo/IMG_0002.heic", 2, (30, 40), taken="2019-07-20T23:59:59"
        ),
        "lake": album.put(b"2019/Trips/lake.png", 3, (100, 30), taken="2019-08-31T00:00:00"),
        "cat": album.put(b"Home/cat.jpg", 4, (30, 30), taken="2020-02-29T12:00:00"),
        "scan": album.put(b"Scans/old\xff.tif", 5, (31, 30)),
    }
    album.put(b"Copies/cat again.jpg", 4, (30, 30), taken="2021-03-01T12:00:00")
    return ids


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("in:2019", "beach lake"),
        ("in:2019-07", "beach"),
        ("in:summer-2019", "beach lake"),
        ("in:2018..2019", "snow beach lake"),
        ("in:2018 in:2020", "snow cat"),  # a photo has one time: either will do
        ("in:winter", "snow cat"),
        ("-in:2019", "snow cat scan"),
        ("in:2021", "cat"),  # one of its files says so
        ("folder:trips", "beach lake"),
        ('folder:"winter trip"', "snow"),
        ("folder:sao", "beach"),
        ("folder:trips/lake", ""),  # a folder, not a file
        ("-folder:trips", "snow cat scan"),
        ("format:jpeg", "snow cat"),
        ("format:heic format:png", "beach lake"),
        ("format:tif", "scan"),
        ("is:landscape", "snow lake scan"),
        ("is:square", "cat"),
        ("is:panorama", "lake"),
        ("-has:date", "scan"),
        ("has:copies", "cat"),
        ("in:2019 is:landscape -format:jpeg", "lake"),
        ('"img_"', "snow beach"),
        ('"sao p"', "beach"),
        ('-"img_" in:2018..', "lake cat"),
        ('"\u0301"', ""),
    ],
)
def test_facts_alone_give_every_photo_for_which_they_hold_newest_first(trips, query, names):
    album, ids = trips
    assert sorted(album.found(query)) == sorted(ids[name] for name in names.split())
    newest = [ids[name] for name in ("cat", "lake", "beach", "snow", "scan")]
    assert album.found(query) == [photo for photo in newest if photo in album.found(query)]


def test_facts_alone_load_no_model(album):
    fill(album)
    answer = album.library.search("in:2019 is:portrait")
    assert not album.library.is_ready
    assert [(result.score, result.match, result.terms) for result in answer.results] == [(0.0, None, None)]
    assert answer.photos == 1


def test_photos_without_a_date_are_counted_where_a_time_is_asked_for(trips):
    album, _ = trips
    for query, undated in (
        ("in:2019", 1), ("is:portrait", 0), ("-in:2019", 0),
        ("in:2019 format:tiff", 1), ("in:2019 format:jpeg", 0), ("in:2019 -folder:scans", 0),
    ):  # fmt: skip
        assert album.library.search(query).undated == undated, query


def test_a_photo_is_dated_if_any_of_its_files_is(album):
    photo = album.put(b"a.jpg", 1, taken="2019-01-01T00:00:00")
    album.put(b"b.jpg", 1)
    answer = album.library.search("in:2020")
    assert (answer.undated, album.found("has:date"), album.found("in:2019")) == (0, [photo], [photo])


def test_facts_of_a_missing_file_do_not_count(album):
    ids = fill(album)
    (copy,) = [file.id for file in files_of(album.db, album.folder_id) if file.name.startswith(b"Copies")]
    with album.db.writer() as connection:
        mark_missing(connection, [copy], 1.0)
    assert album.found("in:2021") == album.found("has:copies") == album.found("folder:copies") == []
    assert album.found("in:2020") == [ids["cat"]]


def test_a_photo_whose_file_is_gone_is_neither_found_nor_counted(album):
    ids = fill(album)
    gone = [file.id for file in files_of(album.db, album.folder_id) if file.photo_id == ids["lake"]]
    with album.db.writer() as connection:
        mark_missing(connection, gone, 1.0)
    answer = album.library.search("dog in:2019")
    assert ([result.id for result in answer.results], answer.photos) == ([ids["beach"]], 1)


def test_an_absolute_folder_can_be_named_exactly(trips):
    album, ids = trips
    photos = album.library.folders.listed()[0].path
    assert album.found(f'folder:"{photos.as_posix()}/2019/Trips/"') == [ids["lake"], ids["beach"]]
    assert album.found(f"folder:{photos.as_posix()}/2019/Trip/") == []
    assert len(album.found(f"folder:{photos.as_posix()}")) == 5


def test_filtered_photos_are_found_that_are_not_among_the_best_of_all(album):
    """Three hundred photos of which every tenth passes: the ranking is that of the whole library with gaps."""
    for number in range(1, 301):
        kept = number % 10 == 0
        folder = b"Home" if kept else b"Trips"
        taken = "2019-01-01T00:00:00" if kept else "2011-01-01T00:00:00"
        album.put(b"%s/%d.jpg" % (folder, number), number, taken=taken)
    for words, facts in (
        ("dog", "in:2019"),
        ("snow", "-folder:trips is:landscape"),
        ("a | b", "in:2018..2019"),
    ):
        plain = album.library.search(words, limit=300).results
        answer = album.library.search(f"{words} {facts}", limit=5)
        expected = [(result.id, result.score) for result in plain if result.path.parent.name == "Home"][:5]
        assert [(result.id, result.score) for result in answer.results] == expected
        assert answer.photos == 30


def test_facts_that_no_photo_meets_give_an_empty_answer_without_a_fault(trips):
    album, _ = trips
    for query in ("dog in:2019 is:square", "in:2017", "folder:nowhere"):
        answer = album.library.search(query)
        assert (answer.photos, answer.results, answer.faults) == (0, (), ())
        assert answer.filters


@pytest.mark.parametrize(
    ("fact", "sentence"),
    [
        ("in:someday", '"in:" needs a time'),
        ("has:soul", '"has:" knows date'),
        ("format:docx", '"format:" knows jpeg'),
        ("rated:9", '"rated:" needs a number from 0 to 5'),
        ("rated:>=4", "known to have stars"),
        ("at:Lisbon", "known to have a place"),
    ],
)
def test_an_invalid_fact_is_pointed_at_and_the_rest_is_searched(trips, fact, sentence):
    album, ids = trips
    query = f"in:2019 -{fact} is:portrait"
    answer = album.library.search(query)
    assert [result.id for result in answer.results] == [ids["beach"]]
    (fault,) = answer.faults
    assert query[fault.start : fault.end] == f"-{fact}"
    assert sentence in str(fault.message)
    assert "searched" in str(fault.message)


@pytest.fixture(scope="module")
def described(tmp_path_factory, bundle):
    """Photos with stars, places, keywords, cameras and exposures."""
    texts = {
        "a": {
            "rating": 2, "place": "Lisboa, Portugal", "camera": "Canon PowerShot", "keywords": ("Family", "Sea"),
            "iso": 100, "aperture": 2.8, "focal": 35.0, "label": "Red",
        },
        "b": {
            "rating": 4, "place": "New York City, New York, United States", "camera": "Canon EOS R5",
            "keywords": ("Birds/Waders",), "iso": 1600, "aperture": 1.7999999523,  # as phones write 1.8
            "focal": 200.0, "lens": "RF100-500mm F4.5-7.1 L IS USM", "label": "Dark red",
        },
        "c": {"rating": 5, "lat": 1.5, "lon": 2.0, "keywords": ("\u00c9T\u00c9",), "camera": "iPhone 13 Pro", "edited": 1},
        "d": {"place": "Venice, Veneto, Italy", "iso": 3200, "focal": 4.250001, "lens": "18.0-55.0 mm f/3.5-5.6"},
        "e": {"rating": 0, "edited": 0},
    }  # fmt: skip
    with open_album(tmp_path_factory.mktemp("described"), bundle) as album:
        yield album, {name: album.put(name.encode(), n, **texts[name]) for n, name in enumerate(texts, 1)}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("rated:>=4", "b c"), ("rated:2..4", "a b"), ("-rated:<5", "c d"), ("rated:0", "e"), ('by:"EOS r5"', "b"), ("tag:waders", "b"),
        ("tag:fam", ""), ("tag:été", "c"), ("has:gps", "c"), ("has:rating -has:keywords", ""), ("at:veni", "d"), ("at:us", "b"),
        ('at:"Venice, Italy"', "d"), ('at:"Venice, Portugal"', ""), ("-has:place", "c e"), ("by:Apple", "c"), ("lens:100-500", "b"),
        ("lens:18-55mm", "d"), ('lens:"18.0-55.0 mm f/3.5-5.6"', "d"), ("lens:55.05", ""),
        ("label:RED", "a"), ("is:edited", "c"), ("iso:>=1600", "b d"), ("iso:>1600", "d"), ("iso:<1600", "a"), ("iso:<=1600", "a b"),
        ("iso:..99", ""), ("iso:1600..100", "a b"), ("-iso:>=1600", "a c e"), ("f:1.8", "b"), ("f:f/2.8", "a"),
        ("at:nyc", "b"), ("at:Venezia", "d"), ("at:, -at:venice", ""), ("by:iphone by:eos", "b c"), ("at:lisboa at:venice", "a d"),
        ("at:lisboa at:portugal", "a"), ("label:red label:blue", "a"), ("f:1,8", "b"), ("focal:4,25..35mm", "a d"),
        ("f:2", ""), ("focal:>=200", "b"), ("focal:200mm", "b"), ("focal:4", "d"), ("focal:<35", "d"), ("focal:..50 iso:>=200", "d"),
    ],
)  # fmt: skip
def test_facts_read_the_metadata_of_files(described, query, names):
    album, ids = described
    assert sorted(album.found(query)) == sorted(ids[name] for name in names.split())


@pytest.mark.parametrize(
    ("fact", "sentence"),
    [
        ("at:Nice", 'No photo is at "Nice"; there are Lisboa, New York City and Venice.'),
        ("label:Blue", 'No photo has the label "Blue"; there are Dark red and Red.'),
        ("iso:>3200", "No photo has over ISO 3200; there is ISO 100 to ISO 3200."),
        ("focal:500..", "No photo has from 500 mm; there is 4.25 mm to 200 mm."),
        ("iso:1,600", '"iso:" needs a number, as in iso:1600, iso:>=1600 or iso:..1600.'),
    ],
)
def test_a_value_that_no_photo_has_is_reported_with_the_values_there_are(described, fact, sentence):
    query = f"is:landscape {fact}"
    (fault,) = described[0].library.search(query).faults
    assert query[fault.start : fault.end] == fact
    assert str(fault.message).startswith(sentence)


@given(
    st.sampled_from(("at", "by", "lens", "iso", "f", "focal", "label", "rated", "is", "has")),
    st.text(max_size=12),
)
@settings(max_examples=5, deadline=None)
def test_no_value_of_a_fact_is_an_error(described, key, value):
    for typed in (f'-{key}:"{value}"', f"{key}:>={value}", f"{key}:{value}.."):
        described[0].library.search(typed)


def test_a_photo_rejected_from_a_tag_is_not_found_by_the_keyword_of_that_name(album):
    spellings = (("Birds/Waders",), ("birds|waders",), ("WADERS", "Birds"), ("Birds",), ("Waders", "Birds"))
    ids = [album.put(b"%d" % number, number, keywords=words) for number, words in enumerate(spellings, 1)]
    tags = album.library.tags
    for name, parent in (("Birds", None), ("Waders", "Birds")):
        tags.new(name, parent=parent)
    tags.decide("Waders", ids[:4], "accepted")
    both = {query: sorted(album.found(query)) for query in ("tag:waders", "tag:birds")}
    assert both == {"tag:waders": ids, "tag:birds": ids}
    tags.decide("Waders", ids[:2], "rejected")
    tags.decide("Birds/Waders", ids[2:4], "withdrawn")
    tags.decide("Birds", ids[3:4], "rejected")
    assert [sorted(album.found(query)) for query in both] == [ids[4:], [ids[2], ids[4]]]
    assert ids[0] in album.found("-tag:birds")
    for _ in range(3):
        tags.undo()
    assert {query: sorted(album.found(query)) for query in both} == both


def test_an_unknown_name_is_reported_with_the_nearest_tag(album):
    ids = fill(album)
    tags = album.library.tags
    tags.new("Birds")
    tags.new("Waders", parent="Birds")
    tags.decide("Waders", [ids["beach"]], "accepted")
    for name, meant in (
        ("wader", "Waders"),
        ("bird/waders", "Birds/Waders"),
        ("favorites", "Favourites"),
        ("xyz", ""),
    ):
        query = f'in:2019 tag:"{name}"'
        answer = album.library.search(query)
        (fault,) = answer.faults
        assert (answer.results, query[fault.start : fault.end]) == ((), f'tag:"{name}"')
        assert str(fault.message) == f'No tag or keyword is called "{name}".' + (
            f' Did you mean "{meant}"?' if meant else ""
        )
    tags.new("Empty")
    assert [album.library.search(f"tag:{name}").faults for name in ("empty", "birds")] == [(), ()]


def test_the_next_search_sees_changes_of_the_library(album):
    ids = fill(album)
    assert len(album.found("in:2019")) == 2
    new = album.put(b"new.jpg", 77, taken="2019-05-05T00:00:00")
    assert sorted(album.found("in:2019")) == sorted([ids["beach"], ids["lake"], new])


@pytest.mark.parametrize(
    ("query", "taken", "left"),
    [
        ("dog in summer 2019", "in summer 2019", "dog"),
        ("photos from 2019", "from 2019", None),
        ("2019 beach", "2019", "beach"),
        ("beach in the summer of 2019 | lake", "in the summer of 2019", "beach | lake"),
    ],
)
def test_words_for_a_time_do_not_count_as_a_picture(trips, query, taken, left):
    album, ids = trips
    answer = album.library.search(query, limit=10)
    assert [query[part.start : part.end] for part in answer.filters] == [taken]
    assert {result.id for result in answer.results} == {ids["beach"], ids["lake"]}
    results = album.library.search(left, limit=10).results if left else ()
    scores = {result.id: result.score for result in results}
    assert all(result.score == scores.get(result.id, 0.0) for result in answer.results)


@pytest.mark.parametrize("query", [r"\2019", r"dog \2019", "2019^2 dog", "dog -2019", r"\summer \2019"])
def test_a_backslash_keeps_words_from_being_a_time(trips, query):
    album, _ = trips
    assert album.library.search(query).filters == ()


@pytest.fixture(scope="module")
def travels(tmp_path_factory, bundle):
    """Photos of places, some of which are called like things."""
    places = {
        "nice": "Nice, Alpes-Maritimes, France",
        "orange": "Orange, Vaucluse, France",
        "york": "New York City, New York, United States",
        "reading": "Reading, England, United Kingdom",
        "paris": "Paris, \u00cele-de-France, France",
        "rio": "Rio de Janeiro, Brazil",
        "wedding": None,
    }
    with open_album(tmp_path_factory.mktemp("travels"), bundle) as album:
        ids = {
            name: album.put(
                b"%s.jpg" % name.encode(), number, place=place, taken=f"20{10 + number}-05-05T00:00:00"
            )
            for number, (name, place) in enumerate(places.items(), 1)
        }
        ids["folder"] = album.put(b"Trip to Paris/a.jpg", 20)
        yield album, ids


@pytest.mark.parametrize(
    ("query", "phrases", "names"),
    [
        ("sunset in Nice", ["in Nice"], "nice"),
        ("Nice", ["Nice"], "nice"),
        ("sunset Nice, France", ["Nice, France"], "nice"),
        ("sunset Nice, Brazil", ["Nice,", "Brazil"], "nice rio"),
        ("nice sunset", [], None),
        ("orange flower", [], None),
        ("a man reading", [], None),
        ("PEOPLE IN ORANGE", [], None),
        ("sunset paris", ["paris"], "paris folder"),
        ("dog in the usa", ["usa"], "york"),
        ("beach rio de janeiro", ["rio de janeiro"], "rio"),
        ("sunset in Orange | snow in Reading", ["in Orange", "in Reading"], "orange reading"),
        ("dog paris france", ["paris", "france"], "paris"),
        (r"dog \\paris", [], None),
        ("dog -paris", [], None),
    ],
)
def test_a_plain_word_is_a_place_of_the_library_unless_it_may_be_a_thing(travels, query, phrases, names):
    album, ids = travels
    answer = album.library.search(query)
    assert [answer.part(each) for each in answer.filters] == phrases
    assert all(each.recognised for each in answer.filters)
    expected = ids if names is None else {name: ids[name] for name in names.split()}
    assert {result.id for result in answer.results} == set(expected.values())


def test_any_mixture_of_facts_equals_a_plain_reading(album):
    """Random libraries and queries, compared with sets that are made by hand."""
    rng = np.random.default_rng(11)
    photos = {}
    for number in range(1, 120):
        year = int(rng.choice(YEARS))
        folder, suffix = str(rng.choice(["Trips", "Home"])), str(rng.choice(["jpg", "png", "heic"]))
        wide, dated = bool(rng.integers(2)), bool(rng.random() < 0.8)
        taken = f"{year}-06-01T00:00:00" if dated else None
        size = (40, 30) if wide else (30, 40)
        photo = album.put(f"{folder}/{number}.{suffix}".encode(), number, size, vector=False, taken=taken)
        photos[photo] = (year if dated else None, folder, suffix, wide)
    tests = {
        "in:2017": lambda p: p[0] == 2017, "in:2018": lambda p: p[0] == 2018, "in:2019..": lambda p: (p[0] or 0) > 2018,
        "folder:trips": lambda p: p[1] == "Trips", "folder:home": lambda p: p[1] == "Home",
        "format:jpg": lambda p: p[2] == "jpg", "format:png": lambda p: p[2] == "png",
        "is:landscape": lambda p: p[3], "is:portrait": lambda p: not p[3], "has:date": lambda p: p[0] is not None,
    }  # fmt: skip
    for _ in range(60):
        chosen = rng.choice(list(tests), size=int(rng.integers(1, 5)), replace=False)
        signs = rng.random(len(chosen)) < 0.3
        wanted = [fact for fact, less in zip(chosen, signs, strict=True) if not less]
        unwanted = [fact for fact, less in zip(chosen, signs, strict=True) if less]
        groups = [[f for f in wanted if f.startswith(key)] for key in ("in:", "format:")]
        groups += [[fact] for fact in wanted if not fact.startswith(("in:", "format:"))]
        expected = {
            photo
            for photo, known in photos.items()
            if all(any(tests[fact](known) for fact in group) for group in groups if group)
            and not any(tests[fact](known) for fact in unwanted)
        }
        query = " ".join([*wanted, *(f"-{fact}" for fact in unwanted)])
        assert set(album.found(query)) == expected, query


@pytest.mark.parametrize("order", ["match", "folder"])
def test_a_result_has_its_files_in_the_folder_that_was_asked_for(album, order):
    names = [b"Trips/sea.jpg", b"Trips/town.jpg", b"Old/a town.jpg", b"Old/sea.jpg", b"Old/sea again.jpg"]
    for name, picture in zip([*names, b"Inns/only.jpg"], [1, 2, 2, 1, 1, 3], strict=True):
        album.put(name, picture)

    def found(query):
        results = album.library.search(query, order=order).results
        return {inside(each.files) for each in results}

    def inside(paths):
        return tuple(path.relative_to(album.photos).as_posix() for path in paths)

    assert found("folder:old") == {("Old/a town.jpg",), ("Old/sea.jpg", "Old/sea again.jpg")}
    assert found("folder:trips") == {("Trips/sea.jpg",), ("Trips/town.jpg",)}
    assert found("folder:photos folder:old") == found("folder:old")
    assert found("-folder:elsewhere format:jpeg") == found("folder:trips") | {("Inns/only.jpg",)}
    shown = {"Old": found("folder:old"), "Trips": found("folder:trips"), "Ol": set(), "Inns": set()}
    for folder, files in shown.items():
        below = album.library.photos.files_in(album.photos / folder)
        assert {inside(paths) for paths in below.values()} == files
        for photo, paths in below.items():
            assert album.library.photos.files_in(album.photos / folder, [photo]) == {photo: paths}
    every = {photo.id: photo.files for photo in album.library.search("folder:photos").results}
    several = {photo: files for photo, files in every.items() if len(files) > 1}
    assert album.library.photos.files_in(album.photos.parent) == several
    if order == "folder":
        paths = [each.path for each in album.library.search("folder:old", order=order).results]
        assert paths == sorted(paths)

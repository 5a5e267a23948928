"""What a person said leaves a library and comes into another one whole; what was said there later stays."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.engine.search.conftest import Album, open_album

from picsight_engine.errors import ReplaceError, RequestError
from picsight_engine.exchange.packet import Statement, updated
from picsight_engine.photos.xmp import HIERARCHICAL, SUBJECT, TAGS_LIST, items, parse, read_packet

PHOTOS = 8


@dataclass(frozen=True)
class Home:
    """A library of photos that are really there."""

    album: Album
    paths: list

    @property
    def tags(self):
        return self.album.library.tags

    @property
    def exchange(self):
        return self.album.library.exchange

    def export_sidecars(self, *place):
        *_, exported = self.exchange.export_sidecars(*place)
        return exported

    def ids(self, *numbers):
        return [self.album.library._photo(self.paths[number])[0].id for number in numbers]

    def state(self):
        """All that a person can see of tags and stars."""
        ids = self.ids(*range(PHOTOS))
        tags = [replace(tag, id=0) for tag in self.tags.all()]
        return tags, self.tags.states(ids), [self.tags.rating(photo) for photo in ids]


@pytest.fixture
def make_home(tmp_path, small):
    """Makes libraries of the same pictures; where they lie, and in which order they came, differs."""
    opened = []

    def make(name, order=1, **said):
        folder = tmp_path / name
        folder.mkdir()
        album = open_album(folder, small)
        home = Home(album.__enter__(), [folder / "Photos" / f"{number}.jpg" for number in range(PHOTOS)])
        opened.append(album)
        for number in range(PHOTOS)[::order]:
            home.paths[number].write_bytes(b"photo %d" % number)
            home.album.put(home.paths[number].name.encode(), number + 1, **said)
        return home

    yield make
    for album in opened:
        album.__exit__(None, None, None)


@pytest.fixture
def home(make_home):
    return make_home("home")


NAMES = ("Dogs", "Dogs/Puppies", "Trip", "Favourites", "AC|DC")
SAID = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.integers(0, 2),
        st.sampled_from(["accepted", "rejected", "withdrawn"]),
    )
    | st.tuples(st.just(None), st.integers(0, 2), st.sampled_from([None, 0, 3, 5])),
    max_size=16,
)


TAKEN_BACK = [
    ("Dogs", 1, "accepted"),
    ("Dogs", 1, "withdrawn"),
    ("Dogs/Puppies", 2, "accepted"),
    (None, 0, 3),
    (None, 0, None),
]


@given(said=SAID, words=st.booleans(), merged=st.booleans())
@example(said=TAKEN_BACK, words=True, merged=True)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_said_is_the_same_in_a_new_library_and_gone_when_it_is_undone(
    request, tmp_path, said, words, merged
):
    if not hasattr(request.node, "homes"):
        make = request.getfixturevalue("make_home")
        request.node.homes = make("one"), make("other", order=-1)
    one, other = request.node.homes
    nothing = other.state()
    one.tags.new(
        "Dogs", prompts=["dog"] if words else [], examples=one.ids(0), against=one.ids(1), threshold=0.4
    )
    one.tags.new("Puppies", parent="Dogs", prompts=["a small dog"] if words else [])
    one.tags.new("Trip", kind="album")
    one.tags.new("AC|DC")
    for tag, photo, verdict in said:
        if tag is None:
            one.tags.rate(one.ids(photo), verdict)
        else:
            one.tags.decide(tag, one.ids(photo), verdict)
    one.tags.suggest("Dogs")
    if merged:
        one.tags.merge("Puppies", "Dogs")
    one.exchange.export_decisions(tmp_path / "said", replace=True)
    imported = other.exchange.import_from(tmp_path / "said")
    assert (imported.unknown, imported.tags) == (0, 3 if merged else 4)
    assert by_path(other) == by_path(one)
    assert other.exchange.import_from(tmp_path / "said").run is None
    other.exchange.export_decisions(tmp_path / "again", replace=True)
    assert said_in(tmp_path / "again") == said_in(tmp_path / "said")
    other.tags.undo(imported.run.id)
    assert other.state() == nothing
    while any(not run.undone for run in one.tags.runs()):
        one.tags.undo()


def by_path(home):
    """The state with photos by their place instead of their number."""
    numbers = dict(zip(home.ids(*range(PHOTOS)), range(PHOTOS), strict=True))
    tags, states, stars = home.state()
    tags = [
        replace(tag, examples=places(tag.examples, numbers), against=places(tag.against, numbers))
        for tag in tags
    ]
    return tags, {numbers[photo]: own for photo, own in states.items()}, stars


def places(photos, numbers):
    return tuple(sorted(numbers[photo] for photo in photos))


def said_in(file):
    """The lines without where each photo lies."""
    records = [json.loads(line) for line in file.read_text().splitlines()]
    return sorted(json.dumps(record | {"path": None}, sort_keys=True) for record in records)


def write_lines(file, home, *said):
    """A file of decisions: (photo, tag, verdict, day) or (photo, stars, day)."""
    lines = []
    for photo, *what, day in said:
        record = {
            "format": "picsight-decisions",
            "version": 1,
            "path": str(home.paths[photo]),
            "fingerprint": (photo + 1).to_bytes(16, "big").hex(),
            "rule": 1,
            "time": f"{day}T12:00:00+02:00",
        }
        if len(what) == 1:
            record["rating"] = what[0]
        else:
            tag = {"tag": what[0], "kind": "tag", "prompts": [], "threshold": None, "suggests": False}
            record |= {**tag, "decision": what[1], "source": "you"}
        lines.append(json.dumps(record) + "\n")
    file.write_text("".join(lines))
    return file


def test_a_tag_that_is_there_keeps_what_it_goes_by_and_one_without_words_gets_them(make_home, tmp_path):
    one, other = make_home("one"), make_home("other")
    for name in ("Dogs", "Cats"):
        one.tags.new(name, prompts=[name], threshold=0.2)
    other.tags.new("DOGS")
    other.tags.new("Cats", prompts=["cat"])
    one.exchange.export_decisions(tmp_path / "said")
    assert other.exchange.import_from(tmp_path / "said").tags == 0
    dogs, cats = other.tags.find("Dogs"), other.tags.find("Cats")
    assert (dogs.name, dogs.prompts, dogs.threshold, dogs.suggests) == ("DOGS", ("Dogs",), 0.2, True)
    assert (cats.prompts, cats.threshold) == (("cat",), 0.5)
    assert dogs.suggested == one.tags.find("Dogs").suggested
    other.tags.undo()
    assert other.tags.find("Dogs").prompts == ()


def test_what_was_decided_later_than_a_file_says_stays(home, tmp_path):
    home.tags.new("Dogs")
    home.tags.decide("Dogs", home.ids(0, 1, 2), "accepted")
    home.tags.decide("Dogs", home.ids(2), "withdrawn")
    with home.album.db.writer() as connection:
        connection.execute("UPDATE tag_decisions SET decided_at = unixepoch('2020-01-01')")
    home.tags.rate(home.ids(0), 4)
    file = write_lines(
        tmp_path / "said",
        home,
        (0, "dogs", "rejected", "2019-06-01"),
        (1, "dogs", "rejected", "2021-06-01"),
        (2, "dogs", "accepted", "2019-06-01"),
        (3, "dogs", "rejected", "2018-06-01"),
        (3, "dogs", "accepted", "2019-06-01"),
        (0, 1, "2019-06-01"),
        (1, 2, "2019-06-01"),
    )
    imported = home.exchange.import_from(file)
    assert (imported.accepted, imported.rejected, imported.rated, imported.tags) == (1, 1, 1, 0)
    states = home.tags.states(home.ids(0, 1, 2, 3))
    assert [[state for _, state, _ in own] for own in states.values()] == [
        ["accepted"], ["rejected"], [], ["accepted"],
    ]  # fmt: skip
    assert [home.tags.rating(photo) for photo in home.ids(0, 1)] == [4, 2]


def test_a_photo_is_found_by_its_picture_wherever_it_lies_and_the_others_are_counted(home, tmp_path):
    file = write_lines(
        tmp_path / "said", home, (0, "A", "accepted", "2019-06-01"), (1, "B", "accepted", "2019-06-01")
    )
    records = [json.loads(line) for line in file.read_text().splitlines()]
    records[0]["path"] = "/elsewhere/0.jpg"
    records.append(records[1] | {"path": "/elsewhere/1.jpg", "fingerprint": "ac" * 16})
    records.append(records[1] | {"path": "2.jpg", "fingerprint": "ad" * 16})
    records.append(records[1] | {"fingerprint": "ae" * 16})  # another picture lies there
    file.write_text("\n".join(map(json.dumps, records)))
    imported = home.exchange.import_from(file)
    assert (imported.accepted, imported.photos, imported.unknown) == (2, 2, 3)
    assert [[path for path, *_ in home.tags.states([photo])[photo]] for photo in home.ids(0, 1)] == [
        ["A"],
        ["B"],
    ]
    file.write_text("\n".join(map(json.dumps, records[2:])))
    with pytest.raises(RequestError, match="speaks of 3 photos, and none of them is in the library"):
        home.exchange.import_from(file)


def test_side_cars_go_out_and_their_changes_come_in_as_one_run(home):
    home.tags.new("Dogs")
    home.tags.new("Puppies", parent="Dogs")
    home.tags.decide("Puppies", home.ids(0, 1), "accepted")
    home.tags.decide("Dogs", home.ids(2), "rejected")
    home.tags.decide("Favourites", home.ids(1), "accepted")
    home.tags.rate(home.ids(1), 4)
    exported = home.export_sidecars()
    assert (exported.written, exported.unchanged, exported.left_alone) == (2, PHOTOS - 2, ())
    said = [beside(path) for path in home.paths[:3]]
    assert [keywords(path) for path in said] == [["Dogs/Puppies"], ["Dogs/Puppies", "Favourites"], None]
    assert home.exchange.import_from(home.paths[0].parent).run is None
    before = home.state()
    said[0].write_bytes(updated(said[0].read_bytes(), Statement(("Cats",), 2, None)))
    os.utime(said[0], (9e9, 9e9))
    imported = home.exchange.import_from(home.paths[0].parent)
    assert (imported.tags, imported.accepted, imported.rated) == (1, 1, 1)
    assert ("Cats", "accepted") in [state[:2] for state in home.tags.states(home.ids(0))[home.ids(0)[0]]]
    assert home.tags.rating(home.ids(0)[0]) == 2
    home.tags.undo(imported.run.id)
    assert home.state() == before


def test_an_export_into_a_folder_around_the_library_leaves_side_cars_beside_it_alone(make_home, tmp_path):
    one, other = make_home("one"), make_home("other")
    other.tags.new("Dogs")
    other.tags.decide("Dogs", other.ids(0), "accepted")
    other.export_sidecars()
    before = beside(other.paths[0]).read_bytes()
    other.paths[0].unlink()  # as on a disk that is away; the first library has the same picture
    exported = one.export_sidecars(tmp_path)
    assert (exported.written, exported.unchanged) == (0, PHOTOS)
    assert beside(other.paths[0]).read_bytes() == before


def test_an_export_that_is_cancelled_ends_between_two_files_and_tells_what_it_wrote(home):
    home.tags.new("Dogs")
    home.tags.decide("Dogs", home.ids(0, 1, 2), "accepted")
    cancel, told = threading.Event(), []
    for exported in home.exchange.export_sidecars(cancel=cancel):
        told.append(exported.written)
        if exported.written == 2:
            cancel.set()
    assert told == [1, 2, 2]
    assert [keywords(beside(path)) for path in home.paths[:3]] == [["Dogs"], ["Dogs"], None]
    assert home.export_sidecars().written == 1


def test_what_another_program_took_out_is_withdrawn_and_what_was_decided_since_stays(home):
    folder = home.paths[0].parent
    home.tags.new("Dogs")
    home.tags.decide("Dogs", home.ids(0, 1, 2), "accepted")
    home.export_sidecars()
    for path in home.paths[:2]:
        take_keywords_out(beside(path))
    os.utime(beside(home.paths[1]), (1, 1))
    assert (keywords(beside(home.paths[0])), keywords(beside(home.paths[2]))) == ([], ["Dogs"])
    imported = home.exchange.import_from(folder)
    assert (imported.withdrawn, imported.accepted) == (1, 0)
    assert [bool(own) for own in home.tags.states(home.ids(0, 1, 2)).values()] == [False, True, True]
    assert home.exchange.import_from(folder).run is None
    home.tags.undo()
    home.tags.rename("Dogs", "Hounds")
    assert home.exchange.import_from(beside(home.paths[0])).run is None


def test_stars_that_another_program_changed_after_an_export_are_not_written_over_until_they_were_imported(
    home,
):
    home.tags.rate(home.ids(0, 1), 3)
    home.export_sidecars()
    for path in home.paths[:2]:
        beside(path).write_text(beside(path).read_text("utf-8").replace("Rating>3<", "Rating>5<", 1), "utf-8")
    os.utime(beside(home.paths[1]), (1, 1))
    exported = home.export_sidecars()
    (sentence,) = exported.left_alone
    assert sentence.startswith(f"{home.paths[0]} changed later in another program, so nothing was written.")
    assert [read_packet(beside(path).read_bytes()).rating for path in home.paths[:2]] == [5, 3]
    home.exchange.import_from(home.paths[0].parent)
    assert [home.tags.rating(photo) for photo in home.ids(0, 1)] == [5, 3]
    assert (home.export_sidecars().left_alone, read_packet(beside(home.paths[0]).read_bytes()).rating) == (
        (),
        5,
    )


def test_stars_that_another_library_exported_later_stay_and_can_be_imported(make_home):
    home, other = make_home("home"), make_home("other")
    sidecar, theirs = beside(home.paths[0]), beside(other.paths[0])
    home.tags.rate(home.ids(0), 4)
    home.tags.rate(home.ids(0), 3)
    home.export_sidecars()
    home.tags.undo()  # what this library itself exported later is no other's word
    assert home.export_sidecars().left_alone == ()
    theirs.write_bytes(sidecar.read_bytes())
    other.tags.rate(other.ids(0), 2)
    assert other.export_sidecars().written == 1
    sidecar.write_bytes(theirs.read_bytes())
    home.tags.rate(home.ids(0), None)
    home.export_sidecars()
    assert read_packet(sidecar.read_bytes()).rating == 2
    home.tags.undo()
    (sentence,) = home.export_sidecars().left_alone
    assert "changed later in another program" in sentence
    assert sidecar.read_bytes() == theirs.read_bytes()
    home.exchange.import_from(sidecar)
    assert [home.tags.rating(photo) for photo in home.ids(0)] == [2]
    assert home.export_sidecars().left_alone == ()
    other.tags.rate(other.ids(0), None)
    other.export_sidecars()
    assert read_packet(theirs.read_bytes()).rating == 4


def take_keywords_out(sidecar):
    """As another program does, which leaves what it does not know."""
    tree = sidecar.read_text("utf-8")
    for name in ("dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList"):
        tree = re.sub(f"<{name}>.*?</{name}>", "", tree, flags=re.DOTALL)
    sidecar.write_text(tree, "utf-8")


def test_what_darktable_took_out_is_withdrawn_and_what_it_left_of_it_comes_back_nowhere(home):
    sidecar = beside(home.paths[0])
    for tag in ("AC|DC", "Birds", "Trips", "Sea"):
        home.tags.new(tag)
    home.tags.new("Waders", parent="Birds")
    home.tags.new("Curlew", parent="Waders")
    home.tags.new("low tide, evening", parent="Trips")
    for tag in ("AC|DC", "Curlew", "Sea", "low tide, evening"):
        home.tags.decide(tag, home.ids(0), "accepted")
    home.export_sidecars()
    theirs = (Path(__file__).parent / "after_darktable.xmp").read_bytes()
    theirs = theirs.replace(bytes(range(16)).hex().encode(), (1).to_bytes(16, "big").hex().encode())
    sidecar.write_bytes(theirs)
    (sentence,) = home.export_sidecars().left_alone
    assert sentence.startswith(f"{home.paths[0]} changed later in another program, so nothing was written.")
    assert sidecar.read_bytes() == theirs
    imported = home.exchange.import_from(sidecar)
    assert (imported.tags, imported.accepted, imported.withdrawn, imported.rated) == (1, 1, 1, 0)
    assert home.export_sidecars().written == 1
    assert keywords(sidecar) == ["AC|DC", "Birds/Waders/Curlew", "Trips/low tide, evening", "Lake"]
    assert home.exchange.import_from(sidecar).run is None
    sidecar.write_bytes(theirs)
    home.tags.decide("Sea", home.ids(0), "accepted")
    os.utime(sidecar, (1, 1))
    assert home.export_sidecars().written == 1
    assert "Sea" in keywords(sidecar)


def test_what_an_export_wrote_is_no_later_word_when_another_program_writes_the_side_car(home):
    home.tags.new("Dogs")
    home.tags.decide("Dogs", home.ids(0, 1), "accepted")
    home.tags.rate(home.ids(0), 5)
    home.export_sidecars()
    home.tags.decide("Dogs", home.ids(0), "rejected")
    home.tags.rate(home.ids(0), 1)
    sidecar = beside(home.paths[0])
    theirs = sidecar.read_text("utf-8").replace(
        "<rdf:li>Dogs</rdf:li>", "<rdf:li>Dogs</rdf:li><rdf:li>Sea</rdf:li>"
    )
    sidecar.write_text(theirs, "utf-8")
    os.utime(sidecar, (9e9, 9e9))
    imported = home.exchange.import_from(sidecar)
    assert (imported.tags, imported.accepted, imported.rated) == (1, 1, 0)
    states = home.tags.states(home.ids(0))[home.ids(0)[0]]
    assert [state[:2] for state in states] == [("Dogs", "rejected"), ("Sea", "accepted")]
    assert home.tags.rating(home.ids(0)[0]) == 1


def test_a_keyword_that_was_rejected_here_comes_back_rejected_also_elsewhere(make_home):
    home, other = make_home("home"), make_home("other")
    sidecar = beside(home.paths[0])
    sidecar.write_bytes(updated(None, Statement(("Dogs",), None, None)).replace(b"picsight", b"another"))
    assert home.exchange.import_from(sidecar).accepted == 1
    home.tags.decide("Dogs", home.ids(0), "rejected")
    assert home.export_sidecars().written == 1
    os.utime(sidecar, (9e9, 9e9))
    assert home.exchange.import_from(sidecar).run is None
    beside(other.paths[0]).write_bytes(sidecar.read_bytes())
    imported = other.exchange.import_from(beside(other.paths[0]))
    assert (imported.accepted, imported.rejected) == (0, 1)


def test_what_another_library_exported_stays_where_this_one_has_never_said_anything_of_it(make_home):
    home, other = make_home("home"), make_home("other")
    home.tags.new("Dogs")
    home.tags.decide("Dogs", home.ids(0, 1, 2), "accepted")
    home.tags.rate(home.ids(0, 1), 4)
    home.export_sidecars()
    theirs = {number: beside(home.paths[number]).read_bytes() for number in range(3)}
    for number, content in theirs.items():
        beside(other.paths[number]).write_bytes(content)
    other.tags.new("Sea")
    other.tags.new("Dogs")
    other.tags.decide("Sea", other.ids(0, 4), "accepted")
    other.tags.decide("Dogs", other.ids(2), "accepted")
    other.tags.undo()
    assert other.export_sidecars().written == 3
    assert beside(other.paths[1]).read_bytes() == theirs[1]
    tree = parse(beside(other.paths[0]).read_bytes())
    assert [items(tree, name) for name in (TAGS_LIST, HIERARCHICAL, SUBJECT)] == [["Dogs", "Sea"]] * 3
    assert read_packet(beside(other.paths[0]).read_bytes()).rating == 4
    assert keywords(beside(other.paths[2])) == []
    other.tags.decide("Sea", other.ids(0), "withdrawn")
    other.export_sidecars()
    beside(home.paths[0]).write_bytes(beside(other.paths[0]).read_bytes())
    assert keywords(beside(home.paths[0])) == ["Dogs"]
    home.tags.decide("Dogs", home.ids(0), "withdrawn")
    home.tags.rate(home.ids(0), None)
    home.export_sidecars()
    assert b"picsight" not in beside(home.paths[0]).read_bytes()


def test_what_was_exported_under_another_name_or_place_leaves_with_the_next_export(home):
    sidecar = beside(home.paths[0])
    for name in ("Animals", "Dogs", "Puppies"):
        home.tags.new(name)
    home.tags.decide("Puppies", home.ids(0), "accepted")
    seen = []
    for change in (
        lambda: home.tags.move("Puppies", "Dogs"),
        lambda: home.tags.rename("Dogs", "Hounds"),
        lambda: home.tags.move("Hounds", "Animals"),
        lambda: home.tags.merge("Puppies", "Hounds"),
        home.tags.undo,
        lambda: home.tags.remove("Puppies"),
    ):
        change()
        home.export_sidecars()
        seen += keywords(sidecar) or [None]
    assert seen == [
        "Dogs/Puppies", "Hounds/Puppies", "Animals/Hounds/Puppies", "Animals/Hounds", "Animals/Hounds/Puppies", None,
    ]  # fmt: skip


def test_a_keyword_favourites_of_another_program_makes_no_favourite_and_is_told_once(make_home):
    home = make_home("home", keywords=("favourites", "Sea"))
    for path in home.paths[:2]:
        foreign = updated(None, Statement(("Favourites", "Lake"), None, None)).replace(
            b"picsight", b"another"
        )
        beside(path).write_bytes(foreign)
    home.tags.decide("Favourites", home.ids(7), "accepted")
    imported = home.exchange.import_from(home.paths[0].parent)
    assert (imported.accepted, imported.tags) == (PHOTOS, 2)
    (fault,) = imported.faults
    assert fault.startswith(f'The keyword "Favourites" of {PHOTOS - 1} photos is another program\'s')
    assert home.tags.find("Favourites").accepted == 1


def beside(path):
    return path.with_name(path.name + ".xmp")


def keywords(sidecar):
    if not sidecar.exists():
        return None
    return ["/".join(keyword) for keyword in read_packet(sidecar.read_bytes()).keywords]


def test_where_a_side_car_names_nothing_the_photos_own_keywords_are_taken(make_home):
    home = make_home("home", keywords=("Sea", "x" * 1001), rating=3)
    beside(home.paths[0]).write_bytes(updated(None, Statement(("Dogs",), 0, None)))
    beside(home.paths[1]).write_bytes(updated(None, Statement((), 3, None)))
    imported = home.exchange.import_from(home.paths[0].parent)
    assert (imported.tags, imported.accepted, imported.rated) == (2, PHOTOS, 1)
    assert len(imported.faults) == PHOTOS - 1
    assert "at most 1,000 characters" in imported.faults[0]
    assert [home.tags.rating(photo) for photo in home.ids(0, 1)] == [0, 3]
    assert [path for path, *_ in home.tags.states(home.ids(0))[home.ids(0)[0]]] == ["Dogs"]
    (source,) = [
        source
        for (source,) in home.album.db.reader().execute(
            "SELECT DISTINCT source FROM tag_decisions WHERE photo_id = ?", home.ids(1)
        )
    ]
    assert source == "keywords"


def test_a_keyword_is_no_later_word_than_a_persons_however_late_its_file_was_written(make_home):
    home = make_home("home", keywords=("Beach",))
    sidecar = beside(home.paths[0])
    sidecar.write_bytes(updated(None, Statement(("Sea",), None, None)).replace(b"picsight", b"another"))
    assert home.exchange.import_from(sidecar.parent).accepted == PHOTOS
    home.tags.decide("Sea", home.ids(0), "rejected")
    home.tags.decide("Beach", home.ids(1), "rejected")
    home.tags.decide("Beach", home.ids(2), "withdrawn")
    os.utime(sidecar, (9e9, 9e9))
    with home.album.db.writer() as connection:
        connection.execute("UPDATE files SET mtime_ns = 9000000000000000000")
    assert home.exchange.import_from(sidecar.parent).run is None


def test_one_photo_one_side_car_and_a_photo_that_was_renamed(home):
    paths = home.paths
    beside(paths[0]).write_bytes(updated(None, Statement(("One",), None, None)))
    beside(paths[1]).write_bytes(updated(None, Statement(("Two",), None, None)))
    gone = paths[0].with_name("before.jpg.xmp")
    gone.write_bytes(updated(None, Statement(("Three",), None, (3).to_bytes(16, "big"))))
    for place, name, photo in ((paths[0], "One", 0), (beside(paths[1]), "Two", 1), (gone, "Three", 2)):
        imported = home.exchange.import_from(place)
        assert (imported.accepted, imported.photos) == (1, 1)
        assert [path for path, *_ in home.tags.states(home.ids(photo))[home.ids(photo)[0]]] == [name]
    gone.write_bytes(updated(None, Statement(("Three",), None, None)))
    with pytest.raises(RequestError, match="speaks of 1 photo, and it is not in the library"):
        home.exchange.import_from(gone)


def test_a_side_car_speaks_of_its_picture_wherever_it_lies_and_follows_it(home):
    one, two = home.paths[:2]
    (photo,) = home.ids(0)
    home.tags.new("Dogs")
    home.tags.decide("Dogs", [photo], "accepted")
    home.tags.rate([photo], 5)
    home.export_sidecars()
    beside(two).write_bytes(beside(one).read_bytes())  # as a person may copy it
    said = [beside(path).read_bytes() for path in (one, two)]
    one.rename(two.with_suffix(".part"))
    two.rename(one)
    two.with_suffix(".part").rename(two)
    (sentence,) = home.export_sidecars(one).left_alone
    assert sentence.startswith(f"{one} changed since it was indexed, so nothing was written.")
    assert [beside(path).read_bytes() for path in (one, two)] == said
    home.album.put(b"0.jpg", 2)
    home.album.put(b"1.jpg", 1)
    assert home.exchange.import_from(one.parent).run is None
    assert home.tags.find("Dogs").accepted == 1
    assert home.export_sidecars().written == 1
    assert not beside(one).exists()
    assert keywords(beside(two)) == ["Dogs"]
    moved = two.rename(two.with_name("trip.jpg"))
    with home.album.db.writer() as connection:
        connection.execute("UPDATE files SET name = ? WHERE name = ?", (b"trip.jpg", b"1.jpg"))
    assert home.export_sidecars().written == 2
    assert keywords(beside(moved)) == ["Dogs"]
    assert not beside(two).exists()


def test_a_folder_that_is_no_part_of_the_library_is_not_exported(home, tmp_path):
    with pytest.raises(RequestError, match="is no part of the library; index it first"):
        home.export_sidecars(tmp_path / "home" / "library")
    assert home.export_sidecars(home.paths[0]).unchanged == 1
    assert home.export_sidecars(tmp_path).unchanged == PHOTOS


EXIFTOOL_WRITES = b"SourceFile,Subject,HierarchicalSubject,TagsList,Rating\n"


@pytest.mark.parametrize("content", [EXIFTOOL_WRITES, b'{"format": "other"}'])
def test_what_is_no_export_is_written_over_at_a_persons_word_alone(home, tmp_path, content):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for export in (home.exchange.export_decisions, home.exchange.export_table):
        (tmp_path / "file").write_bytes(content)
        for path in (tmp_path / "file", tmp_path / "link"):
            with pytest.raises(ReplaceError, match="is no earlier export, so it was left as it is"):
                export(path)
        assert (tmp_path / "file").read_bytes() == content
        export(tmp_path / "link", replace=True)
        assert (tmp_path / "file").read_bytes() != content


def test_a_photo_or_a_folder_is_written_over_at_nobodys_word(home, tmp_path):
    (tmp_path / "link").symlink_to(home.paths[0])
    raw, video = tmp_path / "IMG_1.CR3", tmp_path / "clip.mov"
    for path in (raw, video):
        path.touch()
    before = home.paths[0].read_bytes()
    for path in (tmp_path, home.paths[0], tmp_path / "link", raw, video):
        for export in (home.exchange.export_decisions, home.exchange.export_table):
            with pytest.raises(RequestError, match="is no file that an export may replace"):
                export(path, replace=True)
    assert home.paths[0].read_bytes() == before


def test_an_earlier_export_is_kept_for_what_the_new_one_lacks(home, tmp_path):
    file, table = tmp_path / "file", tmp_path / "table"
    home.tags.new("Sea", prompts=["the sea"])
    home.tags.decide("Sea", home.ids(0, 1), "accepted")
    home.tags.rate(home.ids(1), 3)
    home.exchange.export_decisions(file)
    home.exchange.export_table(table)
    home.tags.decide("Sea", home.ids(0), "rejected")  # which is a later word on the same
    home.tags.decide("Sea", home.ids(2), "accepted")
    home.exchange.export_decisions(file)
    with pytest.raises(ReplaceError, match=f"holds something about {home.paths[0]}, which this export lacks"):
        home.exchange.export_table(table)
    home.exchange.export_table(table, replace=True)
    for change, lacking in (
        (lambda: home.tags.decide("Sea", home.ids(1), "withdrawn"), f'{home.paths[1]} for "Sea"'),
        (lambda: home.tags.change("Sea", prompts=["waves"]), 'the description "the sea" of "Sea"'),
        (lambda: home.tags.rate(home.ids(1), None), f"the stars of {home.paths[1]}"),
        (lambda: home.tags.rename("Sea", "Ocean"), 'the tag "Sea"'),
    ):
        before = file.read_bytes()
        change()
        with pytest.raises(ReplaceError, match=f"holds {lacking}, which this export lacks, so it was left"):
            home.exchange.export_decisions(file)
        assert file.read_bytes() == before
        home.exchange.export_decisions(file, replace=True)


def test_an_export_of_before_is_replaced_where_a_link_leads_to_it(home, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    home.tags.rate(home.ids(0), 5)
    for export in (home.exchange.export_decisions, home.exchange.export_table):
        (tmp_path / "file").write_bytes(b"")
        export(tmp_path / "link")
        first = (tmp_path / "file").read_bytes()
        assert first
        (tmp_path / "file").write_bytes(first + b"\r\n")  # an editor's
        export(tmp_path / "link")
        assert (tmp_path / "file").read_bytes() == first
        assert (tmp_path / "link").is_symlink()

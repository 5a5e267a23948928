"""Decisions are exported and imported into another library without a loss; newer decisions there stay."""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.engine.search.conftest import Album, open_album

from picsight_engine.exchange.xmp_writing import SidecarContent, strip_notes, update_packet
from picsight_engine.foundation.errors import ReplaceError, RequestError
from picsight_engine.photos.metadata.keyword_lists import HIERARCHICAL, SUBJECT, TAGS_LIST
from picsight_engine.photos.metadata.xmp import read_packet
from picsight_engine.photos.metadata.xmp_tree import items, parse

PHOTOS = 8
DIGIKAM = (Path(__file__).parent.parent / "photos" / "packets" / "digikam.xmp").read_bytes()


@dataclass(frozen=True)
class Collection:
    """A library and the files of its photos."""

    album: Album
    paths: list

    @property
    def tags(self):
        return self.album.library.tags

    @property
    def exchange(self):
        return self.album.library.exchange

    def tag(self, name, *numbers):
        """Makes a tag with these photos."""
        self.tags.new(name)
        self.tags.decide(name, self.ids(*numbers), "accepted")

    def export_sidecars(self, *place):
        *_, exported = self.exchange.export_sidecars(*place)
        return exported

    def ids(self, *numbers):
        return [self.album.library.photos.asked_for(self.paths[number])[0].id for number in numbers]

    def sidecar(self, number):
        return beside(self.paths[number])

    def states(self, number):
        """The tags of one photo, each as its path, state and score."""
        (tags,) = self.tags.states(self.ids(number)).values()
        return tags

    def ratings(self, *numbers):
        return [self.tags.rating(photo) for photo in self.ids(*numbers)]

    def state(self):
        """Everything that a person can see of tags and stars."""
        tags = [replace(tag, id=0) for tag in self.tags.all()]
        return tags, self.tags.states(self.ids(*range(PHOTOS))), self.ratings(*range(PHOTOS))


def beside(path):
    return path.with_name(path.name + ".xmp")


def keywords(sidecar):
    """The keywords of a side-car, or none where there is no such file."""
    if not sidecar.exists():
        return None
    return ["/".join(keyword) for keyword in read_packet(sidecar.read_bytes()).keywords]


def stars_in(sidecar):
    return read_packet(sidecar.read_bytes()).rating


def foreign(*keywords):
    """A packet of another program."""
    return update_packet(None, SidecarContent(keywords, None, None)).replace(b"picsight", b"another")


@pytest.fixture
def make_library(tmp_path, small):
    """Makes libraries of the same pictures in folders and orders of any choice."""
    with ExitStack() as albums:

        def make(name, order=1, **metadata):
            folder = tmp_path / name
            folder.mkdir()
            album = albums.enter_context(open_album(folder, small))
            paths = [folder / "Photos" / f"{number}.jpg" for number in range(PHOTOS)]
            for number in range(PHOTOS)[::order]:
                paths[number].write_bytes(b"photo %d" % number)
                album.put(paths[number].name.encode(), number + 1, **metadata)
            return Collection(album, paths)

        yield make


@pytest.fixture
def library(make_library):
    return make_library("library")


NAMES = ("Dogs", "Dogs/Puppies", "Trip", "Favourites", "AC|DC")
DECISIONS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.integers(0, 2),
        st.sampled_from(["accepted", "rejected", "withdrawn"]),
    )
    | st.tuples(st.just(None), st.integers(0, 2), st.sampled_from([None, 0, 3, 5])),
    max_size=16,
)


WITHDRAWN = [
    ("Dogs", 1, "accepted"),
    ("Dogs", 1, "withdrawn"),
    ("Dogs/Puppies", 2, "accepted"),
    (None, 0, 3),
    (None, 0, None),
]


@given(decisions=DECISIONS, words=st.booleans(), merged=st.booleans())
@example(decisions=WITHDRAWN, words=True, merged=True)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decisions_are_the_same_in_another_library_and_an_undo_removes_them(
    request, tmp_path, decisions, words, merged
):
    if not hasattr(request.node, "libraries"):
        make = request.getfixturevalue("make_library")
        request.node.libraries = make("one"), make("other", order=-1)
    one, other = request.node.libraries
    nothing = other.state()
    one.tags.new(
        "Dogs", prompts=["dog"] if words else [], examples=one.ids(0), against=one.ids(1), threshold=0.4
    )
    one.tags.new("Puppies", parent="Dogs", prompts=["a small dog"] if words else [])
    one.tags.new("Trip", kind="album")
    one.tags.new("AC|DC")
    for tag, photo, verdict in decisions:
        if tag is None:
            one.tags.rate(one.ids(photo), verdict)
        else:
            one.tags.decide(tag, one.ids(photo), verdict)
    one.tags.suggest("Dogs")
    if merged:
        one.tags.merge("Puppies", "Dogs")
    one.exchange.export_decisions(tmp_path / "decisions", replace=True)
    imported = other.exchange.import_from(tmp_path / "decisions")
    assert (imported.unknown, imported.tags) == (0, 3 if merged else 4)
    assert state_by_place(other) == state_by_place(one)
    assert other.exchange.import_from(tmp_path / "decisions").run is None
    other.exchange.export_decisions(tmp_path / "again", replace=True)
    assert lines_without_paths(tmp_path / "again") == lines_without_paths(tmp_path / "decisions")
    other.tags.undo(imported.run.id)
    assert other.state() == nothing
    while any(not run.undone for run in one.tags.runs()):
        one.tags.undo()


def state_by_place(library):
    """The state with photos by their place instead of their number."""
    numbers = dict(zip(library.ids(*range(PHOTOS)), range(PHOTOS), strict=True))
    tags, states, stars = library.state()
    tags = [
        replace(tag, examples=places(tag.examples, numbers), against=places(tag.against, numbers))
        for tag in tags
    ]
    return tags, {numbers[photo]: tags_of_photo for photo, tags_of_photo in states.items()}, stars


def places(photos, numbers):
    return tuple(sorted(numbers[photo] for photo in photos))


def lines_without_paths(file):
    """The lines of a file of decisions without the paths of photos."""
    records = [json.loads(line) for line in file.read_text().splitlines()]
    return sorted(json.dumps(record | {"path": None}, sort_keys=True) for record in records)


def write_lines(file, library, *decisions):
    """Writes a file of decisions, each as (photo, tag, verdict, day) or (photo, stars, day)."""
    lines = []
    for photo, *decision, day in decisions:
        record = {
            "format": "picsight-decisions",
            "version": 1,
            "path": str(library.paths[photo]),
            "fingerprint": (photo + 1).to_bytes(16, "big").hex(),
            "rule": 1,
            "time": f"{day}T12:00:00+02:00",
        }
        if len(decision) == 1:
            record["rating"] = decision[0]
        else:
            tag = {"tag": decision[0], "kind": "tag", "prompts": [], "threshold": None, "suggests": False}
            record |= {**tag, "decision": decision[1], "source": "you"}
        lines.append(json.dumps(record) + "\n")
    file.write_text("".join(lines))
    return file


def test_an_existing_tag_keeps_its_description_and_one_without_gets_the_imported_one(make_library, tmp_path):
    one, other = make_library("one"), make_library("other")
    for name in ("Dogs", "Cats"):
        one.tags.new(name, prompts=[name], threshold=0.2)
    other.tags.new("DOGS")
    other.tags.new("Cats", prompts=["cat"])
    one.exchange.export_decisions(tmp_path / "decisions")
    assert other.exchange.import_from(tmp_path / "decisions").tags == 0
    dogs, cats = other.tags.find("Dogs"), other.tags.find("Cats")
    assert (dogs.name, dogs.prompts, dogs.threshold, dogs.suggests) == ("DOGS", ("Dogs",), 0.2, True)
    assert (cats.prompts, cats.threshold) == (("cat",), 0.5)
    assert dogs.suggested == one.tags.find("Dogs").suggested
    other.tags.undo()
    assert other.tags.find("Dogs").prompts == ()


def test_decisions_newer_than_a_file_stay(library, tmp_path):
    library.tag("Dogs", 0, 1, 2)
    library.tags.decide("Dogs", library.ids(2), "withdrawn")
    with library.album.db.writer() as connection:
        connection.execute("UPDATE tag_decisions SET decided_at = unixepoch('2020-01-01')")
    library.tags.rate(library.ids(0), 4)
    file = write_lines(
        tmp_path / "decisions",
        library,
        (0, "dogs", "rejected", "2019-06-01"),
        (1, "dogs", "rejected", "2021-06-01"),
        (2, "dogs", "accepted", "2019-06-01"),
        (3, "dogs", "rejected", "2018-06-01"),
        (3, "dogs", "accepted", "2019-06-01"),
        (0, 1, "2019-06-01"),
        (1, 2, "2019-06-01"),
    )
    imported = library.exchange.import_from(file)
    assert (imported.accepted, imported.rejected, imported.rated, imported.tags) == (1, 1, 1, 0)
    states = [[state for _, state, _ in library.states(number)] for number in range(4)]
    assert states == [["accepted"], ["rejected"], [], ["accepted"]]
    assert library.ratings(0, 1) == [4, 2]


def test_decisions_find_photos_by_their_pictures_and_unknown_ones_are_counted(library, tmp_path):
    file = write_lines(
        tmp_path / "decisions",
        library,
        (0, "A", "accepted", "2019-06-01"),
        (1, "B", "accepted", "2019-06-01"),
    )
    records = [json.loads(line) for line in file.read_text().splitlines()]
    records[0]["path"] = "/elsewhere/0.jpg"
    records.append(records[1] | {"path": "/elsewhere/1.jpg", "fingerprint": "ac" * 16})
    records.append(records[1] | {"path": "2.jpg", "fingerprint": "ad" * 16})
    records.append(records[1] | {"fingerprint": "ae" * 16})  # another picture lies there
    file.write_text("\n".join(map(json.dumps, records)))
    imported = library.exchange.import_from(file)
    assert (imported.accepted, imported.photos, imported.unknown) == (2, 2, 3)
    assert [[path for path, *_ in library.states(number)] for number in (0, 1)] == [["A"], ["B"]]
    file.write_text("\n".join(map(json.dumps, records[2:])))
    with pytest.raises(RequestError, match="names 3 photos, and none of them is in the library"):
        library.exchange.import_from(file)


def test_changes_of_exported_side_cars_are_imported_as_one_run(library):
    library.tags.new("Dogs")
    library.tags.new("Puppies", parent="Dogs")
    library.tags.decide("Puppies", library.ids(0, 1), "accepted")
    library.tags.decide("Dogs", library.ids(2), "rejected")
    library.tags.decide("Favourites", library.ids(1), "accepted")
    library.tags.rate(library.ids(1), 4)
    exported = library.export_sidecars()
    assert (exported.written, exported.unchanged, exported.left_alone) == (2, PHOTOS - 2, ())
    sidecars = [beside(path) for path in library.paths[:3]]
    assert [keywords(path) for path in sidecars] == [["Dogs/Puppies"], ["Dogs/Puppies", "Favourites"], None]
    assert library.exchange.import_from(library.paths[0].parent).run is None
    before = library.state()
    sidecars[0].write_bytes(update_packet(sidecars[0].read_bytes(), SidecarContent(("Cats",), 2, None)))
    os.utime(sidecars[0], (9e9, 9e9))
    imported = library.exchange.import_from(library.paths[0].parent)
    assert (imported.tags, imported.accepted, imported.rated) == (1, 1, 1)
    assert ("Cats", "accepted") in [state[:2] for state in library.states(0)]
    assert library.ratings(0) == [2]
    library.tags.undo(imported.run.id)
    assert library.state() == before


def test_an_export_into_a_folder_around_the_library_leaves_side_cars_beside_it_alone(make_library, tmp_path):
    one, other = make_library("one"), make_library("other")
    other.tag("Dogs", 0)
    other.export_sidecars()
    before = other.sidecar(0).read_bytes()
    other.paths[0].unlink()  # as on a disk that is away; the first library has the same picture
    exported = one.export_sidecars(tmp_path)
    assert (exported.written, exported.unchanged) == (0, PHOTOS)
    assert other.sidecar(0).read_bytes() == before


def test_a_cancelled_export_ends_between_two_files_and_reports_the_count(library):
    library.tag("Dogs", 0, 1, 2)
    cancel, counts = threading.Event(), []
    for exported in library.exchange.export_sidecars(cancel=cancel):
        counts.append(exported.written)
        if exported.written == 2:
            cancel.set()
    assert counts == [1, 2, 2]
    assert [keywords(beside(path)) for path in library.paths[:3]] == [["Dogs"], ["Dogs"], None]
    assert library.export_sidecars().written == 1


def test_keywords_that_another_program_removed_are_withdrawn_unless_decided_since(library):
    folder = library.paths[0].parent
    library.tag("Dogs", 0, 1, 2)
    library.export_sidecars()
    for path in library.paths[:2]:
        remove_keywords(beside(path))
    os.utime(library.sidecar(1), (1, 1))
    assert (keywords(library.sidecar(0)), keywords(library.sidecar(2))) == ([], ["Dogs"])
    imported = library.exchange.import_from(folder)
    assert (imported.withdrawn, imported.accepted) == (1, 0)
    assert [bool(library.states(number)) for number in range(3)] == [False, True, True]
    assert library.exchange.import_from(folder).run is None
    library.tags.undo()
    library.tags.rename("Dogs", "Hounds")
    assert library.exchange.import_from(library.sidecar(0)).run is None


def test_stars_changed_by_another_program_are_not_overwritten_before_an_import(
    library,
):
    library.tags.rate(library.ids(0, 1), 3)
    library.export_sidecars()
    for path in library.paths[:2]:
        beside(path).write_text(beside(path).read_text("utf-8").replace("Rating>3<", "Rating>5<", 1), "utf-8")
    os.utime(library.sidecar(1), (1, 1))
    exported = library.export_sidecars()
    sentence = str(*exported.left_alone)
    assert sentence.startswith(
        f"{library.paths[0]} changed later in another program, so nothing was written."
    )
    assert [stars_in(beside(path)) for path in library.paths[:2]] == [5, 3]
    library.exchange.import_from(library.paths[0].parent)
    assert library.ratings(0, 1) == [5, 3]
    assert (library.export_sidecars().left_alone, stars_in(library.sidecar(0))) == (
        (),
        5,
    )


def by_lightroom(library, *keywords, rating, day):
    """Writes the short side-car of the first photo as Lightroom does, from the second day on after all decisions."""
    packet = foreign(*keywords).replace(
        b"<rdf:Description", b'<rdf:Description xmlns:l="http://ns.adobe.com/xap/1.0/" l:Rating="%d" '
        b'l:MetadataDate="2024-02-%dT20:15:02+01:00" ' % (rating, day), 1,
    )  # fmt: skip
    short = library.paths[0].with_suffix(".xmp")
    short.write_bytes(packet)
    os.utime(short, (day, day) if day == 1 else (9e9 + day, 9e9 + day))


def test_a_keyword_that_lightroom_changed_brings_none_of_its_old_stars(library):
    library.tags.new("Mine")
    library.tags.decide("Mine", library.ids(0), "accepted")
    by_lightroom(library, "Sea", "Lake", rating=3, day=1)
    library.exchange.import_from(library.paths[0])
    library.export_sidecars()
    library.tags.rate(library.ids(0), 5)
    for day in (2, 3):  # before the stars are in the side-car, and with them
        by_lightroom(library, "Lake", "Trip", rating=3, day=day)
        imported = library.exchange.import_from(library.paths[0].parent)
        assert (imported.withdrawn, imported.accepted, imported.rated) == (
            (1, 1, 0) if day == 2 else (0, 0, 0)
        )
        assert [path for path, *_ in library.states(0)] == ["Lake", "Mine", "Trip"]
        assert library.ratings(0) == [5]
        assert library.export_sidecars().left_alone == ()
        assert (sorted(keywords(library.sidecar(0))), stars_in(library.sidecar(0))) == (
            ["Lake", "Mine", "Trip"], 5,
        )  # fmt: skip


def test_a_removal_and_stars_by_lightroom_wait_for_an_import(library):
    by_lightroom(library, "Sea", "Lake", rating=3, day=1)
    library.exchange.import_from(library.paths[0])
    library.tags.rate(library.ids(0), 5)
    library.export_sidecars()
    before = library.sidecar(0).read_bytes()
    for rating, words in ((3, ("Lake",)), (4, ("Sea", "Lake"))):
        by_lightroom(library, *words, rating=rating, day=2)
        sentence = str(*library.export_sidecars().left_alone)
        assert "changed later in another program" in sentence
        assert library.sidecar(0).read_bytes() == before
        imported = library.exchange.import_from(library.paths[0].with_suffix(".xmp"))
        assert (imported.withdrawn, imported.rated) == ((1, 0) if rating == 3 else (0, 1))
        assert library.ratings(0) == [5 if rating == 3 else 4]
        library.tags.undo()
    library.exchange.import_from(library.paths[0])
    assert library.export_sidecars().left_alone == ()
    assert (sorted(keywords(library.sidecar(0))), stars_in(library.sidecar(0))) == (["Lake", "Sea"], 4)
    library.tags.rate(library.ids(0), None)
    library.export_sidecars()
    assert stars_in(library.sidecar(0)) == 4


def test_stars_that_another_library_exported_later_stay_and_can_be_imported(make_library):
    library, other = make_library("library"), make_library("other")
    sidecar, theirs = library.sidecar(0), other.sidecar(0)
    library.tags.rate(library.ids(0), 4)
    library.tags.rate(library.ids(0), 3)
    library.export_sidecars()
    library.tags.undo()  # what this library itself exported later is no other's word
    assert library.export_sidecars().left_alone == ()
    theirs.write_bytes(sidecar.read_bytes())
    other.tags.rate(other.ids(0), 2)
    assert other.export_sidecars().written == 1
    sidecar.write_bytes(theirs.read_bytes())
    library.tags.rate(library.ids(0), None)
    library.export_sidecars()
    assert stars_in(sidecar) == 2
    library.tags.undo()
    sentence = str(*library.export_sidecars().left_alone)
    assert "changed later in another program" in sentence
    assert sidecar.read_bytes() == theirs.read_bytes()
    library.exchange.import_from(sidecar)
    assert library.ratings(0) == [2]
    assert library.export_sidecars().left_alone == ()
    other.tags.rate(other.ids(0), None)
    other.export_sidecars()
    assert stars_in(theirs) == 4


def remove_keywords(sidecar):
    """Removes keywords as another program does, which keeps fields that it does not know."""
    tree = sidecar.read_text("utf-8")
    for name in ("dc:subject", "lr:hierarchicalSubject", "digiKam:TagsList"):
        tree = re.sub(f"<{name}>.*?</{name}>", "", tree, flags=re.DOTALL)
    sidecar.write_text(tree, "utf-8")


def test_tags_that_darktable_removed_are_withdrawn_and_stay_removed(library):
    sidecar = library.sidecar(0)
    for tag in ("AC|DC", "Birds", "Trips", "Sea"):
        library.tags.new(tag)
    library.tags.new("Waders", parent="Birds")
    library.tags.new("Curlew", parent="Waders")
    library.tags.new("low tide, evening", parent="Trips")
    for tag in ("AC|DC", "Curlew", "Sea", "low tide, evening"):
        library.tags.decide(tag, library.ids(0), "accepted")
    library.export_sidecars()
    theirs = (Path(__file__).parent / "after_darktable.xmp").read_bytes()
    theirs = theirs.replace(bytes(range(16)).hex().encode(), (1).to_bytes(16, "big").hex().encode())
    sidecar.write_bytes(theirs)
    sentence = str(*library.export_sidecars().left_alone)
    assert sentence.startswith(
        f"{library.paths[0]} changed later in another program, so nothing was written."
    )
    assert sidecar.read_bytes() == theirs
    imported = library.exchange.import_from(sidecar)
    assert (imported.tags, imported.accepted, imported.withdrawn, imported.rated) == (1, 1, 1, 0)
    assert library.export_sidecars().written == 1
    assert keywords(sidecar) == ["AC|DC", "Birds/Waders/Curlew", "Trips/low tide, evening", "Lake"]
    assert library.exchange.import_from(sidecar).run is None
    sidecar.write_bytes(theirs)
    library.tags.decide("Sea", library.ids(0), "accepted")
    os.utime(sidecar, (1, 1))
    assert library.export_sidecars().written == 1
    assert "Sea" in keywords(sidecar)


def test_an_exported_value_does_not_become_newer_when_another_program_writes_the_side_car(library):
    library.tag("Dogs", 0, 1)
    library.tags.rate(library.ids(0), 5)
    library.export_sidecars()
    library.tags.decide("Dogs", library.ids(0), "rejected")
    library.tags.rate(library.ids(0), 1)
    sidecar = library.sidecar(0)
    theirs = sidecar.read_text("utf-8").replace(
        "<rdf:li>Dogs</rdf:li>", "<rdf:li>Dogs</rdf:li><rdf:li>Sea</rdf:li>"
    )
    sidecar.write_text(theirs, "utf-8")
    os.utime(sidecar, (9e9, 9e9))
    imported = library.exchange.import_from(sidecar)
    assert (imported.tags, imported.accepted, imported.rated) == (1, 1, 0)
    assert [state[:2] for state in library.states(0)] == [("Dogs", "rejected"), ("Sea", "accepted")]
    assert library.ratings(0) == [1]


def test_a_rejected_keyword_is_rejected_in_another_library_too(make_library):
    library, other = make_library("library"), make_library("other")
    sidecar = library.sidecar(0)
    sidecar.write_bytes(foreign("Dogs"))
    assert library.exchange.import_from(sidecar).accepted == 1
    library.tags.decide("Dogs", library.ids(0), "rejected")
    assert library.export_sidecars().written == 1
    os.utime(sidecar, (9e9, 9e9))
    assert library.exchange.import_from(sidecar).run is None
    other.sidecar(0).write_bytes(sidecar.read_bytes())
    imported = other.exchange.import_from(other.sidecar(0))
    assert (imported.accepted, imported.rejected) == (0, 1)


def test_exports_of_another_library_stay_where_this_one_has_decided_nothing(make_library):
    library, other = make_library("library"), make_library("other")
    library.tag("Dogs", 0, 1, 2)
    library.tags.rate(library.ids(0, 1), 4)
    library.export_sidecars()
    theirs = {number: library.sidecar(number).read_bytes() for number in range(3)}
    for number, content in theirs.items():
        other.sidecar(number).write_bytes(content)
    other.tags.new("Sea")
    other.tags.new("Dogs")
    other.tags.decide("Sea", other.ids(0, 4), "accepted")
    other.tags.decide("Dogs", other.ids(2), "accepted")
    other.tags.undo()
    assert other.export_sidecars().written == 3
    assert other.sidecar(1).read_bytes() == theirs[1]
    tree = parse(other.sidecar(0).read_bytes())
    assert [items(tree, name) for name in (TAGS_LIST, HIERARCHICAL, SUBJECT)] == [["Dogs", "Sea"]] * 3
    assert stars_in(other.sidecar(0)) == 4
    assert keywords(other.sidecar(2)) == []
    other.tags.decide("Sea", other.ids(0), "withdrawn")
    other.export_sidecars()
    library.sidecar(0).write_bytes(other.sidecar(0).read_bytes())
    assert keywords(library.sidecar(0)) == ["Dogs"]
    library.tags.decide("Dogs", library.ids(0), "withdrawn")
    library.tags.rate(library.ids(0), None)
    library.export_sidecars()
    assert b"picsight" not in library.sidecar(0).read_bytes()


def test_a_renamed_or_moved_tag_replaces_its_earlier_keyword_in_the_next_export(library):
    sidecar = library.sidecar(0)
    for name in ("Animals", "Dogs", "Puppies"):
        library.tags.new(name)
    library.tags.decide("Puppies", library.ids(0), "accepted")
    seen = []
    for change in (
        lambda: library.tags.move("Puppies", "Dogs"),
        lambda: library.tags.rename("Dogs", "Hounds"),
        lambda: library.tags.move("Hounds", "Animals"),
        lambda: library.tags.merge("Puppies", "Hounds"),
        library.tags.undo,
        lambda: library.tags.remove("Puppies"),
    ):
        change()
        library.export_sidecars()
        seen += keywords(sidecar) or [None]
    assert seen == [
        "Dogs/Puppies", "Hounds/Puppies", "Animals/Hounds/Puppies", "Animals/Hounds", "Animals/Hounds/Puppies", None,
    ]  # fmt: skip


def test_a_foreign_keyword_favourites_makes_no_favourite_and_is_reported_once(make_library):
    library = make_library("library", keywords=("favourites", "Sea"))
    for path in library.paths[:2]:
        beside(path).write_bytes(foreign("Favourites", "Lake"))
    library.tags.decide("Favourites", library.ids(7), "accepted")
    imported = library.exchange.import_from(library.paths[0].parent)
    assert (imported.accepted, imported.tags) == (PHOTOS, 2)
    fault = str(*imported.faults)
    assert fault.startswith(f'The keyword "Favourites" of {PHOTOS - 1} photos belongs to another program')
    assert library.tags.find("Favourites").accepted == 1


def test_keywords_of_the_photo_are_taken_where_its_side_car_has_none(make_library):
    library = make_library("library", keywords=("Sea", "x" * 1001), rating=3)
    library.sidecar(0).write_bytes(update_packet(None, SidecarContent(("Dogs",), 0, None)))
    library.sidecar(1).write_bytes(update_packet(None, SidecarContent((), 3, None)))
    imported = library.exchange.import_from(library.paths[0].parent)
    assert (imported.tags, imported.accepted, imported.rated) == (2, PHOTOS, 1)
    assert len(imported.faults) == PHOTOS - 1
    assert "at most 1,000 characters" in str(imported.faults[0])
    assert library.ratings(0, 1) == [0, 3]
    assert [path for path, *_ in library.states(0)] == ["Dogs"]
    sources = "SELECT DISTINCT source FROM tag_decisions WHERE photo_id = ?"
    assert library.album.db.reader().execute(sources, library.ids(1)).fetchall() == [("keywords",)]


def test_a_persons_decision_outlasts_keywords_of_any_later_file(make_library):
    library = make_library("library", keywords=("Beach",))
    sidecar = library.sidecar(0)
    sidecar.write_bytes(foreign("Sea"))
    assert library.exchange.import_from(sidecar.parent).accepted == PHOTOS
    library.tags.decide("Sea", library.ids(0), "rejected")
    library.tags.decide("Beach", library.ids(1), "rejected")
    library.tags.decide("Beach", library.ids(2), "withdrawn")
    os.utime(sidecar, (9e9, 9e9))
    with library.album.db.writer() as connection:
        connection.execute("UPDATE files SET mtime_ns = 9000000000000000000")
    assert library.exchange.import_from(sidecar.parent).run is None


def test_import_of_one_photo_one_side_car_and_a_renamed_photo(library):
    paths = library.paths
    beside(paths[0]).write_bytes(update_packet(None, SidecarContent(("One",), None, None)))
    beside(paths[1]).write_bytes(update_packet(None, SidecarContent(("Two",), None, None)))
    gone = paths[0].with_name("before.jpg.xmp")
    gone.write_bytes(update_packet(None, SidecarContent(("Three",), None, (3).to_bytes(16, "big"))))
    for place, name, photo in ((paths[0], "One", 0), (beside(paths[1]), "Two", 1), (gone, "Three", 2)):
        imported = library.exchange.import_from(place)
        assert (imported.accepted, imported.photos) == (1, 1)
        assert [path for path, *_ in library.states(photo)] == [name]
    gone.write_bytes(update_packet(None, SidecarContent(("Three",), None, None)))
    with pytest.raises(RequestError, match="names a photo that is not in the library"):
        library.exchange.import_from(gone)


def test_a_side_car_belongs_to_its_picture_and_follows_it(library):
    one, two = library.paths[:2]
    (photo,) = library.ids(0)
    library.tags.new("Dogs")
    library.tags.decide("Dogs", [photo], "accepted")
    library.tags.rate([photo], 5)
    library.export_sidecars()
    beside(two).write_bytes(beside(one).read_bytes())  # as a person may copy it
    before = [beside(path).read_bytes() for path in (one, two)]
    one.rename(two.with_suffix(".part"))
    two.rename(one)
    two.with_suffix(".part").rename(two)
    sentence = str(*library.export_sidecars(one).left_alone)
    assert sentence.startswith(f"{one} changed since it was indexed, so nothing was written.")
    assert [beside(path).read_bytes() for path in (one, two)] == before
    library.album.put(b"0.jpg", 2)
    library.album.put(b"1.jpg", 1)
    assert library.exchange.import_from(one.parent).run is None
    assert library.tags.find("Dogs").accepted == 1
    assert library.export_sidecars().written == 1
    assert not beside(one).exists()
    assert keywords(beside(two)) == ["Dogs"]
    moved = two.rename(two.with_name("trip.jpg"))
    with library.album.db.writer() as connection:
        connection.execute("UPDATE files SET name = ? WHERE name = ?", (b"trip.jpg", b"1.jpg"))
    assert library.export_sidecars().written == 2
    assert keywords(beside(moved)) == ["Dogs"]
    assert not beside(two).exists()


def with_foreign_sidecar(library, number):
    """Tags a photo whose side-car is by digiKam, and exports it; returns the side-car."""
    sidecar = library.sidecar(number)
    sidecar.write_bytes(DIGIKAM)
    os.utime(sidecar, (1, 1))
    library.tag("Dogs", number)
    library.tags.rate(library.ids(number), 5)
    assert library.export_sidecars().written == 1
    return sidecar


def rename(library, number, name, *, new=None):
    """Renames a photo, but not its side-car; a `new` picture may take its name."""
    path = library.paths[number]
    moved = path.rename(path.parent / name)
    library.album.put(name.encode(), number + 1)
    if new is not None:
        path.write_bytes(b"photo %d" % new)
        library.album.put(path.name.encode(), new)
    return moved


@pytest.mark.parametrize("name", ["before.jpg", "00.jpg", "below/2.jpg"])
def test_what_another_program_wrote_follows_its_picture_when_a_new_photo_takes_the_name(library, name):
    sidecar = with_foreign_sidecar(library, 0)
    (library.paths[0].parent / "below").mkdir()
    before = sidecar.read_bytes()
    moved = rename(library, 0, name, new=20)
    library.tags.new("Sea")
    library.tags.decide("Sea", library.ids(0), "accepted")
    library.tags.decide("Dogs", [library.album.library.photos.asked_for(moved)[0].id], "rejected")
    assert library.export_sidecars().left_alone == ()
    assert (keywords(sidecar), stars_in(sidecar)) == (["Sea"], None)
    assert b"godwits" not in sidecar.read_bytes()
    packet = read_packet(beside(moved).read_bytes())
    assert (packet.description, packet.rating) == ("Curlews & godwits at low tide", 5)
    assert (packet.keywords, packet.original) == (read_packet(DIGIKAM).keywords, read_packet(before).original)
    assert library.export_sidecars().written == 0
    assert strip_notes(beside(moved).read_bytes()) == strip_notes(before)


def test_a_side_car_without_its_photo_follows_the_picture_and_one_of_a_copy_stays(library):
    sidecar = with_foreign_sidecar(library, 0)
    before = sidecar.read_bytes()
    moved = rename(library, 0, "trip.jpg")
    with library.album.db.writer() as connection:
        connection.execute("DELETE FROM files WHERE name = ?", (b"0.jpg",))
    library.export_sidecars()
    assert not sidecar.exists()
    assert strip_notes(beside(moved).read_bytes()) == strip_notes(before)
    sidecar.write_bytes(before.replace(b"godwits", b"gulls"))
    exported = library.export_sidecars()
    assert (exported.written, exported.left_alone) == (0, ())
    assert b"gulls" in sidecar.read_bytes()


def test_photos_renamed_in_a_row_each_keep_what_another_program_wrote(library):
    sidecars = [with_foreign_sidecar(library, 0), library.sidecar(1)]
    sidecars[1].write_bytes(DIGIKAM.replace(b"godwits", b"gulls"))
    library.tags.decide("Dogs", library.ids(1), "accepted")
    library.export_sidecars()
    for number in (1, 0):
        library.paths[number].rename(library.paths[number].with_name(f"{number + 1}.jpg"))
    library.paths[0].write_bytes(b"photo 20")
    for number, picture in enumerate((20, 1, 2)):
        library.album.put(b"%d.jpg" % number, picture)
    assert library.export_sidecars().left_alone == ()
    words = [re.findall(b"godwits|gulls", library.sidecar(number).read_bytes()) for number in (1, 2)]
    assert (words, sidecars[0].exists()) == ([[b"godwits"], [b"gulls"]], False)


@pytest.mark.parametrize("obstacle", ["link", "other", "away", "swapped"])
def test_a_side_car_of_another_picture_stays_if_it_cannot_be_put_beside_that(library, tmp_path, obstacle):
    sidecar = with_foreign_sidecar(library, 0)
    before = sidecar.read_bytes()
    moved = rename(library, 0, "before.jpg", new=20)
    library.tags.decide("Dogs", library.ids(0), "accepted")
    if obstacle == "link":
        beside(moved).symlink_to(tmp_path / "elsewhere")
    elif obstacle == "other":
        beside(moved).write_bytes(DIGIKAM.replace(b"godwits", b"gulls"))
    elif obstacle == "swapped":
        key = [(number).to_bytes(16, "big").hex().encode() for number in (1, 20)]
        beside(moved).write_bytes(before.replace(*key))
    else:
        moved.unlink()
        with library.album.db.writer() as connection:
            connection.execute("UPDATE files SET present = 0 WHERE name = ?", (b"before.jpg",))
    left = [str(message) for message in library.export_sidecars().left_alone]
    said = {
        "link": f"{beside(moved)} is a link", "other": f"{beside(moved)} holds something else",
        "away": "another program wrote it for a photo that is not there now", "swapped": "Exchange their names",
    }  # fmt: skip
    sentence = next(each for each in left if each.startswith(f"{sidecar} was left as it is"))
    assert said[obstacle] in sentence
    assert sentence.endswith("xport again.")
    assert sidecar.read_bytes() == before


def test_a_photo_edited_in_place_keeps_its_side_car_beside_a_copy_of_its_earlier_state(library):
    sidecar = with_foreign_sidecar(library, 0)
    sidecar.write_bytes(sidecar.read_bytes().replace(b"2023-07-18T10:12:00", b"2023-07-18T10:12:00.25"))
    library.paths[0].with_name("copy.jpg").write_bytes(b"photo 0")
    library.album.put(b"copy.jpg", 1)
    library.paths[0].write_bytes(b"photo 20")
    library.album.put(b"0.jpg", 20, taken="2023-07-18T10:12:00")
    library.tags.rate(library.ids(0), 5)
    assert library.export_sidecars().left_alone == ()
    packet = read_packet(sidecar.read_bytes())
    assert (packet.description, packet.original) == (
        "Curlews & godwits at low tide",
        (20).to_bytes(16, "big"),
    )


def test_a_folder_outside_the_library_is_not_exported(library, tmp_path):
    with pytest.raises(RequestError, match="is not part of the library; index it first"):
        library.export_sidecars(tmp_path / "library" / "library")
    assert library.export_sidecars(library.paths[0]).unchanged == 1
    assert library.export_sidecars(tmp_path).unchanged == PHOTOS


EXIFTOOL_WRITES = b"SourceFile,Subject,HierarchicalSubject,TagsList,Rating\n"


@pytest.mark.parametrize("content", [EXIFTOOL_WRITES, b'{"format": "other"}'])
def test_a_file_that_is_not_an_export_is_replaced_only_on_request(library, tmp_path, content):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for export in (library.exchange.export_decisions, library.exchange.export_table):
        (tmp_path / "file").write_bytes(content)
        for path in (tmp_path / "file", tmp_path / "link"):
            with pytest.raises(ReplaceError, match="is no earlier export, so it was left as it is"):
                export(path)
        assert (tmp_path / "file").read_bytes() == content
        export(tmp_path / "link", replace=True)
        assert (tmp_path / "file").read_bytes() != content


def test_a_photo_or_a_folder_is_never_replaced(library, tmp_path):
    (tmp_path / "link").symlink_to(library.paths[0])
    raw, video = tmp_path / "IMG_1.CR3", tmp_path / "clip.mov"
    for path in (raw, video):
        path.touch()
    before = library.paths[0].read_bytes()
    for path in (tmp_path, library.paths[0], tmp_path / "link", raw, video):
        for export in (library.exchange.export_decisions, library.exchange.export_table):
            with pytest.raises(RequestError, match="is not a file that an export may replace"):
                export(path, replace=True)
    assert library.paths[0].read_bytes() == before


def test_an_earlier_export_is_not_replaced_by_one_that_lacks_some_of_it(library, tmp_path):
    file, table = tmp_path / "file", tmp_path / "table"
    library.tags.new("Sea", prompts=["the sea"])
    library.tags.decide("Sea", library.ids(0, 1), "accepted")
    library.tags.rate(library.ids(1), 3)
    library.exchange.export_decisions(file)
    library.exchange.export_table(table)
    library.tags.decide("Sea", library.ids(0), "rejected")  # which is a later word on the same
    library.tags.decide("Sea", library.ids(2), "accepted")
    library.exchange.export_decisions(file)
    with pytest.raises(
        ReplaceError, match=f"holds something about {library.paths[0]}, which this export lacks"
    ):
        library.exchange.export_table(table)
    library.exchange.export_table(table, replace=True)
    for change, lacking in (
        (lambda: library.tags.decide("Sea", library.ids(1), "withdrawn"), f'{library.paths[1]} for "Sea"'),
        (lambda: library.tags.change("Sea", prompts=["waves"]), 'the description "the sea" of "Sea"'),
        (lambda: library.tags.rate(library.ids(1), None), f"the stars of {library.paths[1]}"),
        (lambda: library.tags.rename("Sea", "Ocean"), 'the tag "Sea"'),
    ):
        before = file.read_bytes()
        change()
        with pytest.raises(ReplaceError, match=f"holds {lacking}, which this export lacks, so it was left"):
            library.exchange.export_decisions(file)
        assert file.read_bytes() == before
        library.exchange.export_decisions(file, replace=True)


def test_an_earlier_export_is_replaced_through_a_link(library, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    library.tags.rate(library.ids(0), 5)
    for export in (library.exchange.export_decisions, library.exchange.export_table):
        (tmp_path / "file").write_bytes(b"")
        export(tmp_path / "link")
        first = (tmp_path / "file").read_bytes()
        assert first
        (tmp_path / "file").write_bytes(first + b"\r\n")  # an editor's
        export(tmp_path / "link")
        assert (tmp_path / "file").read_bytes() == first
        assert (tmp_path / "link").is_symlink()

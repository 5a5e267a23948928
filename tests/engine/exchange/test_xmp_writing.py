"""Tags and stars are written to a packet and withdrawn; the content of other programs stays."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.engine.kennel import OF_ALL

from picsight_engine.exchange.xmp_writing import SidecarContent, strip_notes, update_packet
from picsight_engine.photos.metadata.keyword_lists import (
    DIVIDERS,
    HIERARCHICAL,
    SUBJECT,
    TAGS_LIST,
    written_form,
)
from picsight_engine.photos.metadata.xmp import read_packet
from picsight_engine.photos.metadata.xmp_tree import PREFIXES, PacketError, items, parse
from picsight_engine.store.tagging.tags import name_key

PACKETS = Path(__file__).parent.parent / "photos" / "packets"
AFTER_DARKTABLE = Path(__file__).parent / "after_darktable.xmp"
PROGRAMS = sorted(path.stem for path in PACKETS.glob("*.xmp"))
LISTS = (SUBJECT, HIERARCHICAL, TAGS_LIST)
RATING = f"{{{PREFIXES['xmp']}}}Rating"
HASH = bytes(range(16))


def statement(*tags, stars=None, original=HASH):
    return SidecarContent(tags, stars, original, history=OF_ALL)


def tags_in(data):
    return ["/".join(keyword) for keyword in read_packet(data).keywords]


def golden(program):
    return (PACKETS / f"{program}.xmp").read_bytes()


def foreign(data):
    """Everything except our fields and those we share, as canonical XML without blanks between tags."""
    root = copy.deepcopy(parse(data).getroot())
    for element in [each for each in root.iter() if isinstance(each.tag, str)]:
        for name in [name for name in element.attrib if name == RATING or PREFIXES["picsight"] in name]:
            del element.attrib[name]
        if element.tag in (*LISTS, RATING) or PREFIXES["picsight"] in element.tag:
            element.getparent().remove(element)
    for element in root.iter():
        element.tail = (element.tail or "").strip()
        if isinstance(element.tag, str) and len(element):
            element.text = (element.text or "").strip()
    for node in list(root.iter("{*}Description")):
        if not len(node) and len(node.attrib) < 2:
            node.getparent().remove(node)
    return etree.tostring(root, method="c14n", exclusive=True)


def test_a_new_packet_holds_tags_in_all_three_lists():
    data = update_packet(None, statement("Birds/Waders", "Family", stars=4))
    tree = parse(data)
    assert items(tree, SUBJECT) == ["Waders", "Family"]
    assert items(tree, HIERARCHICAL) == ["Birds|Waders", "Family"]
    assert items(tree, TAGS_LIST) == ["Birds/Waders", "Family"]
    assert (read_packet(data).rating, read_packet(data).original) == (4, HASH)
    assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<x:xmpmeta')


def test_withdrawing_an_export_removes_a_packet_that_holds_nothing_else():
    assert strip_notes(update_packet(None, statement("Birds/Waders", stars=4))) is None


def test_without_a_change_nothing_is_written():
    assert update_packet(None, statement()) is None
    for program in PROGRAMS:
        assert update_packet(golden(program), statement()) is None
    assert update_packet(golden("digikam"), statement(*tags_in(golden("digikam")), stars=4)) is None


@pytest.mark.parametrize("program", PROGRAMS)
def test_content_of_other_programs_is_kept_and_restored(program):
    before = golden(program)
    after = update_packet(before, statement("Birds/Gulls", "A|B", stars=2))
    assert foreign(after) == foreign(before)
    assert update_packet(after, statement("Birds/Gulls", "A|B", stars=2)) is None
    kept = tags_in(before)
    assert tags_in(after) == [*kept, "Birds/Gulls", "A|B"]
    assert read_packet(after).rating == 2
    for name in DIVIDERS:  # each list is complete
        if name in LISTS:
            assert len(items(parse(after), name)) >= len(kept) + 2
    assert read_packet(strip_notes(after)) == read_packet(before)
    back = update_packet(after, statement())
    assert foreign(back) == foreign(before)
    assert read_packet(back) == read_packet(before)
    assert b"picsight" not in back


def test_a_tag_that_a_person_removed_leaves_and_one_of_another_program_stays():
    first = update_packet(golden("digikam"), statement("Birds/Waders", "Sea"))
    second = update_packet(first, statement("Birds/Waders", "Lake"))
    assert tags_in(second) == ["Birds/Waders", "Family", "Places/Åland/Käringsund", "Lake"]
    assert update_packet(second, statement("Lake")) is None  # "Birds/Waders" was not ours


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_keyword_of_another_program_that_a_person_rejected_goes_into_no_further_list(program):
    before, unwanted = golden(program), tags_in(golden(program))[0]
    alike = SidecarContent(("Gulls",), None, HASH, (unwanted.upper(), "Sea"), OF_ALL)
    after = update_packet(before, alike)
    assert foreign(after) == foreign(before)
    for name in LISTS:
        there, then = (set(items(parse(data), name)) for data in (after, before))
        assert then <= there
        assert written_form(tuple(unwanted.split("/")), name) not in there - then
    assert ["/".join(keyword) for keyword in read_packet(after).rejected] == [unwanted]
    assert update_packet(after, alike) is None
    accepted_again = update_packet(after, statement(unwanted, "Gulls"))
    assert (read_packet(accepted_again).rejected, sorted(tags_in(accepted_again))) == (
        (),
        sorted([*tags_in(before), "Gulls"]),
    )
    assert b"picsight" not in update_packet(after, statement())


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Malaga", "Málaga"),
        ("Ma\u0301laga", "Málaga"),
        ("Rio  Tinto", "Rio Tinto"),
        ("The “old” house", "The 'old' house"),
        ("Spain/MALAGA", "Spain/Málaga"),
    ],
)
def test_a_keyword_that_another_program_spells_otherwise_gets_no_second_spelling(theirs, ours):
    data = update_packet(None, statement(theirs)).replace(b"picsight", b"another")
    assert update_packet(data, statement(ours)) is None
    one_list = re.sub(b"<(dc:subject|lr:hierarch).*?</(dc:subject|lr:hierarch)", b"", data, flags=re.DOTALL)
    after = parse(update_packet(one_list, statement(ours)))
    assert [len(items(after, name)) for name in LISTS] == [1, 1, 1]
    assert read_packet(update_packet(one_list, statement(ours))).keywords == (tuple(theirs.split("/")),)


@pytest.mark.parametrize(("list_name", "theirs"), [(HIERARCHICAL, "c|d"), (TAGS_LIST, "c/d")])
def test_a_foreign_path_differs_from_our_tag_with_a_stroke_in_its_name(list_name, theirs):
    data = update_packet(None, statement("c/d")).replace(b"picsight", b"another")
    for name in set(LISTS) - {list_name}:
        data = data.replace(f"{name.partition('}')[2]}>".encode(), b"other>")
    first = update_packet(data, statement("c|d"))
    assert update_packet(first, statement("c|d")) is None
    assert theirs in items(parse(update_packet(first, statement())), list_name)


def test_our_side_car_rewritten_by_darktable_is_understood():
    """It split paths into words and a name at its comma, added a star, kept TagsList and removed Sea."""
    theirs, ours = AFTER_DARKTABLE.read_bytes(), ("AC|DC", "Birds/Waders/Curlew", "Trips/low tide, evening")
    packet = read_packet(theirs)
    assert (tags_in(theirs), packet.gone, packet.rating) == ([*ours, "Lake"], (("Sea",),), None)
    after = update_packet(theirs, statement(*ours))
    lists = {name: {text for text in items(parse(after), name) if "darktable" not in text} for name in LISTS}
    assert lists == {
        TAGS_LIST: {*ours, "Lake"},
        HIERARCHICAL: {"AC/DC", "Birds|Waders|Curlew", "Trips|low tide, evening", "Lake"},
        SUBJECT: {
            "AC|DC",
            "Birds",
            "Waders",
            "Curlew",
            "Trips",
            "low tide, evening",
            "Lake",
            "format",
            "jpg",
        },
    }
    assert foreign(after) == foreign(theirs)
    assert update_packet(after, statement(*ours)) is None
    back = update_packet(after, statement())
    assert tags_in(back) == ["Lake"]
    assert items(parse(back), SUBJECT) == ["Lake", "darktable", "format", "jpg"]
    assert read_packet(update_packet(theirs, statement(*ours, stars=1))).rating == 1


def rewritten(data, *paths, words=()):
    """A packet after a program that writes two of the lists, and leaves the others as they are."""
    lists = {
        "lr:hierarchicalSubject": [path.replace("/", "|") for path in paths],
        "dc:subject": [*dict.fromkeys(part for path in paths for part in path.split("/")), *words],
    }
    text = data.decode()
    for name, entries in lists.items():
        bag = "".join(f"<rdf:li>{entry}</rdf:li>" for entry in entries)
        element = rf"<{name}(?: [^>]*)?>.*?</{name}>"
        text = re.sub(element, f"<{name}><rdf:Bag>{bag}</rdf:Bag></{name}>", text, flags=re.DOTALL)
    return text.encode()


@pytest.mark.parametrize(
    ("toolkit", "mark"), [("XMP Core 4.4.0-Exiv2", ["darktable/format/jpg"]), ("Adobe XMP Core 7.0-c000", [])]
)
def test_the_lists_of_the_program_that_wrote_last_count(toolkit, mark):
    before = golden("digikam").replace(b"XMP Core 4.4.0-Exiv2", toolkit.encode())
    last = rewritten(before, "Birds/Waders", "Lake", *mark)
    kept = ["Birds/Waders", "Lake"]
    assert (sorted(tags_in(last)), sorted(read_packet(last).gone)) == (
        kept, [("Family",), ("Places", "Åland", "Käringsund")],
    )  # fmt: skip
    after = update_packet(last, statement("Sea"))
    assert sorted(tags_in(after)) == [*kept, "Sea"]
    assert sorted(items(parse(after), TAGS_LIST)) == [*kept, "Sea"]
    assert sorted(tags_in(update_packet(after, statement()))) == kept
    assert tags_in(before) == tags_in(golden("digikam"))  # all of its lists agree
    alone = re.sub(b"<(dc:subject|lr:hier).*?</(dc:subject|lr:hier).*?>", b"", before, flags=re.DOTALL)
    assert tags_in(alone) == tags_in(before)
    again = rewritten(last, "Birds/Waders", "Family", *mark)  # in darktable, too
    assert sorted(tags_in(again)) == ["Birds/Waders", "Family"]


def test_a_name_that_darktable_cut_is_whole_in_the_list_that_it_does_not_write():
    theirs = golden("digikam").replace("Käringsund".encode(), "Käringsund, north".encode())
    theirs = rewritten(theirs, "Birds/Waders", "Family", "Places/Åland/Käringsund", "darktable/format/jpg")
    assert tags_in(theirs) == ["Birds/Waders", "Family", "Places/Åland/Käringsund, north"]


def test_what_is_left_of_a_removed_tag_in_one_list_is_no_tag():
    ours = update_packet(golden("lightroom"), statement("Snow/Lake", "Ice/Harbour", "Sea"))
    theirs = ours.replace(b"Snow|Lake</rdf:li>", b"Trip</rdf:li>", 1).replace(
        b"Snow/Lake</rdf:li>", b"Trip</rdf:li>", 1
    )
    theirs = theirs.replace(b"Ice|Harbour</rdf:li>", b"</rdf:li>", 1).replace(
        b"Ice/Harbour</rdf:li>", b"</rdf:li>", 1
    )
    assert "Lake" in items(parse(theirs), SUBJECT)
    expected = ["Birds/Waders", "Family", "Places/Ports|Docks/Harbour", "Sea", "Trip"]
    assert sorted(tags_in(theirs)) == expected
    assert sorted(read_packet(theirs).gone) == [("Ice", "Harbour"), ("Snow", "Lake")]
    after = update_packet(theirs, statement("Sea"))
    assert (sorted(tags_in(after)), "Lake" in items(parse(after), SUBJECT)) == (expected, False)
    assert sorted(tags_in(theirs.replace(b"Trip</rdf:li>", b"Lake</rdf:li>"))) == sorted(
        [*expected[:-1], "Lake"]
    )


def test_earlier_stars_come_back_unless_another_program_changed_ours():
    before = golden("lightroom")
    ours = update_packet(update_packet(before, statement(stars=2)), statement(stars=3))
    assert read_packet(ours).rating == 3
    assert read_packet(update_packet(ours, statement())).rating == 5
    changed = ours.replace(b'xmp:Rating="3"', b'xmp:Rating="1"')
    assert read_packet(update_packet(changed, statement())).rating == 1
    assert update_packet(before, statement(stars=5)) is None


def test_values_rewritten_as_attributes_are_understood():
    """Exiv2 writes one description with simple values as its attributes."""
    data = update_packet(None, statement("Sea", stars=4)).decode()
    for name, value in (("xmp:Rating", "4"), ("picsight:Rating", "4"), ("picsight:OriginalHash", HASH.hex())):
        data = data.replace(f"<{name}>{value}</{name}>", "").replace(
            'rdf:about=""', f'rdf:about="" {name}="{value}"'
        )
    assert update_packet(data.encode(), statement("Sea", stars=4)) is None
    changed = update_packet(data.encode(), statement(stars=5))
    assert (tags_in(changed), read_packet(changed).rating) == ([], 5)
    assert b"picsight" not in update_packet(changed, statement())


@pytest.mark.parametrize(
    "subject",
    [
        "<dc:subject>sea</dc:subject>",
        "<dc:subject><rdf:Seq><rdf:li>sea</rdf:li></rdf:Seq></dc:subject>",
        "<dc:subject><rdf:Bag/></dc:subject>",
        "<dc:subject/>",
    ],
)
def test_odd_lists_are_continued(subject):
    spaces = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in PREFIXES.items())
    data = f"<rdf:RDF {spaces}><rdf:Description>{subject}</rdf:Description></rdf:RDF>".encode()
    before = tags_in(data)
    after = update_packet(data, statement("lake"))
    assert tags_in(after) == [*before, "lake"]
    assert tags_in(update_packet(after, statement())) == before


def test_an_unreadable_packet_is_not_overwritten():
    for data in (b"", b"<x", golden("digikam")[:-30], b"junk" + golden("windows")):
        with pytest.raises(PacketError):
            update_packet(data, statement("Sea"))


NAMES = (
    st.text(
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/\ufffe\uffff"),
        min_size=1,
        max_size=300,
    )
    .map(lambda name: " ".join(name.split()))
    .filter(name_key)
)


def path_key(path):
    return tuple(map(name_key, path.split("/")))


PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)


@settings(max_examples=25, deadline=None)
@given(
    tags=st.lists(PATHS, max_size=5, unique_by=path_key),
    others=st.lists(PATHS, max_size=3),
    stars=st.none() | st.integers(0, 5),
    program=st.sampled_from([None, *PROGRAMS]),
)
def test_tags_of_any_name_come_back(tags, others, stars, program):
    before = None if program is None else golden(program)
    known = [] if before is None else tags_in(before)
    data = update_packet(before, statement(*others)) or before
    data = update_packet(data, statement(*tags, stars=stars)) or data
    if data is None:
        assert not tags
        assert stars is None
        return
    assert set(map(path_key, tags_in(data))) == set(map(path_key, (*known, *tags)))
    assert read_packet(data).rating == (stars if stars is not None else before and read_packet(before).rating)
    if before is not None:
        assert foreign(data) == foreign(before)


def test_characters_that_xml_cannot_hold_are_left_out():
    assert tags_in(update_packet(None, statement("a\x01b\ufffe\ud800"))) == ["ab"]

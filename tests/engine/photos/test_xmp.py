"""Packets are read as programs write them; `packets/` holds one of each program."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight_engine.photos.metadata.keyword_lists import keyword_of
from picsight_engine.photos.metadata.tag_precedence import read_metadata
from picsight_engine.photos.metadata.xmp import Packet, read_facts, read_packet
from picsight_engine.photos.metadata.xmp_tree import PREFIXES, PacketError

PACKETS = Path(__file__).parent / "packets"
BIRDS = ("Birds", "Waders")
EXPECTED = {
    "digikam": Packet(
        keywords=(BIRDS, ("Family",), ("Places", "Åland", "Käringsund")),
        rating=4,
        description="Curlews & godwits at low tide",
    ),
    "lightroom": Packet(
        keywords=(BIRDS, ("Family",), ("Places", "Ports|Docks", "Harbour")),
        rating=5,
        for_suffix="NEF",
    ),
    "darktable": Packet(keywords=(BIRDS, ("seaside",)), rating=-1),
    "immich": Packet(keywords=(BIRDS, ("AC|DC",)), rating=3, description="Low tide"),
    "windows": Packet(keywords=(BIRDS, ("Ebbe & Flut",)), rating=5),
}


def packet(properties="", attributes=""):
    spaces = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in PREFIXES.items())
    return (
        f"<x:xmpmeta {spaces}><rdf:RDF><rdf:Description rdf:about='' {attributes}>{properties}"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def read(properties="", attributes=""):
    return read_packet(packet(properties, attributes).encode())


@pytest.mark.parametrize("program", EXPECTED)
def test_packets_of_each_program_are_read(program):
    assert read_packet((PACKETS / f"{program}.xmp").read_bytes()) == EXPECTED[program]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-8-sig"])
@pytest.mark.parametrize("program", EXPECTED)
def test_packets_are_read_in_any_encoding(program, encoding):
    text = (PACKETS / f"{program}.xmp").read_text("utf-8").replace('encoding="UTF-8"', 'encoding="UTF-16"')
    if encoding == "utf-8-sig":
        text = text.replace('encoding="UTF-16"', 'encoding="UTF-8"')
    if encoding in {"utf-16-le", "utf-16-be"}:
        text = f"\ufeff{text}"
    assert read_packet(text.encode(encoding)) == EXPECTED[program]


def test_a_packet_inside_something_else_is_found():
    data = (PACKETS / "windows.xmp").read_bytes()
    assert read_packet(b"\0\0JUNK" + data + bytes(40)) == EXPECTED["windows"]


def test_attributes_elements_and_qualified_values_are_equivalent():
    packets = [
        read(attributes='xmp:Rating="3"'),
        read("<xmp:Rating>3</xmp:Rating>"),
        read("<xmp:Rating> 3.0 </xmp:Rating>"),
        read('<xmp:Rating rdf:parseType="Resource"><rdf:value>3</rdf:value></xmp:Rating>'),
        read("<xmp:Rating><rdf:Description><rdf:value>3</rdf:value></rdf:Description></xmp:Rating>"),
        read('<xmp:Rating rdf:value="3"/>'),
    ]
    assert packets == [Packet(rating=3)] * 6


@pytest.mark.parametrize("text", ["", "six", "6", "-2", "nan", "inf", "1e999"])
def test_invalid_stars_are_none(text):
    assert read(f"<xmp:Rating>{text}</xmp:Rating>").rating is None


@pytest.mark.parametrize("kind", ["Bag", "Seq", "Alt"])
def test_keywords_in_any_list_and_without_one(kind):
    listed = f"<dc:subject><rdf:{kind}><rdf:li>sea</rdf:li><rdf:li/><rdf:li> sky </rdf:li></rdf:{kind}></dc:subject>"
    assert read(listed).keywords == (("sea",), ("sky",))
    assert read("<dc:subject>sea</dc:subject><dc:subject>sky</dc:subject>").keywords == (("sea",), ("sky",))


def test_a_plain_word_with_a_stroke_is_one_word():
    words = "<dc:subject><rdf:Bag><rdf:li>c|d</rdf:li><rdf:li>e/f</rdf:li></rdf:Bag></dc:subject>"
    assert read(words).keywords == (("c|d",), ("e|f",))


@pytest.mark.parametrize(
    ("others", "stars"),
    [
        ("", None),
        ("picsight:Rating='4'", 1),
        ("MicrosoftPhoto:Rating='1'", 1),
        ("photoshop:City='Bremen'", 1),
    ],
)
def test_the_star_that_darktable_gives_every_photo_does_not_count(others, stars):
    darktables = f"xmlns:darktable='http://darktable.sf.net/' darktable:xmp_version='5' {others}"
    assert read(attributes=f"{darktables} xmp:Rating='1'").rating == stars
    assert read(attributes=f"{darktables} xmp:Rating='2'").rating == 2


def test_a_plain_word_is_a_keyword_unless_a_longer_one_holds_it():
    words = "<dc:subject><rdf:Bag><rdf:li>birds</rdf:li><rdf:li>AC/DC</rdf:li><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>"
    paths = (
        "<lr:hierarchicalSubject><rdf:Bag><rdf:li>Birds|Waders</rdf:li></rdf:Bag></lr:hierarchicalSubject>"
    )
    assert read(words + paths).keywords == (BIRDS, ("AC|DC",), ("sea",))
    both = paths.replace("Birds|Waders", "Birds</rdf:li><rdf:li>Birds|Waders")
    assert read(words + both).keywords[:2] == (("Birds",), BIRDS)


@pytest.mark.parametrize(("text", "path"), [("A//B/", ("A", "B")), (" A / B ", ("A", "B")), ("/", ())])
def test_empty_names_are_none(text, path):
    assert keyword_of(text, "/") == path


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"<a>\n\n<b></a>", r"not well-formed XML \(line 3\)$"),
        (b"<a/>", "holds no XMP"),
        (packet().encode()[:-20], "not well-formed XML"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + packet("<dc:title>&a;</dc:title>").encode(), "declares"),
        (('\ufeff<!DOCTYPE x [<!ENTITY a "aa">]>' + packet()).encode("utf-16-le"), "declares"),
        (packet("<dc:title>&unknown;</dc:title>").encode(), "not well-formed XML"),
    ],
)
def test_other_content_is_refused_with_its_reason(data, reason):
    with pytest.raises(PacketError, match=reason):
        read_packet(data)


def test_an_element_with_very_many_attributes_is_read():
    crowd = " ".join(f"xmp:a{n}='{n}'" for n in range(100_000))
    data = packet(attributes=f"{crowd} xmp:Rating='3' xmp:Label='Blue'").encode()
    assert read_packet(data).rating == 3
    facts = read_facts(data)
    assert (facts["XMP-xmp:Rating"], facts["XMP-xmp:Label"]) == (3, "Blue")


def test_no_file_of_this_computer_is_read_into_a_packet(tmp_path):
    (tmp_path / "secret").write_text("secret")
    head = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    with pytest.raises(PacketError):
        read_packet((head + packet("<dc:title>&a;</dc:title>")).encode())


@settings(max_examples=30, deadline=None)
@given(data=st.data(), program=st.sampled_from(sorted(EXPECTED)))
def test_a_damaged_packet_is_read_or_refused(data, program):
    damaged = bytearray((PACKETS / f"{program}.xmp").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=4))
    with suppress(PacketError):
        assert isinstance(read_packet(bytes(damaged)), Packet)
    with suppress(PacketError):
        read_metadata(read_facts(bytes(damaged)), {})


def test_people_in_regions_and_lists_are_read_by_their_names():
    """As digiKam, Lightroom and Windows write them; ExifTool reads these names from them."""
    regions = """<rdf:Description><mwg-rs:RegionList xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"><rdf:Bag>
        <rdf:li><rdf:Description mwg-rs:Name="Ann" mwg-rs:Type="Face"/></rdf:li>
        <rdf:li rdf:parseType="Resource"><mwg-rs:Name>Bob</mwg-rs:Name></rdf:li><rdf:li/>
        </rdf:Bag></mwg-rs:RegionList></rdf:Description>"""
    lists = """<e:PersonInImage xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag><rdf:li>Cay</rdf:li></rdf:Bag>
        </e:PersonInImage>"""
    windows = """<m:Regions xmlns:m="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"><rdf:Bag><rdf:li><rdf:Description
        xmlns:p="http://ns.microsoft.com/photo/1.2/t/Region#" p:PersonDisplayName="Dee"/></rdf:li></rdf:Bag></m:Regions>"""
    facts = read_facts(packet(f"<r:Regions xmlns:r='urn:any'>{regions}</r:Regions>{lists}{windows}").encode())
    assert facts["XMP-mwg-rs:RegionName"] == ("Ann", "Bob")
    assert facts["XMP-iptcExt:PersonInImage"] == ("Cay",)
    assert facts["XMP-MP:RegionPersonDisplayName"] == ("Dee",)

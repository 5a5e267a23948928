"""Files beside photos: which photo each belongs to, and the metadata in it."""

from __future__ import annotations

import json
import sys

import pytest
from tests.engine.photos.test_memory import run_child

from picsight_engine.exchange.xmp_writing import SidecarContent, update_packet
from picsight_engine.photos.decoding.decode import read_header
from picsight_engine.photos.metadata.sidecars import companions, read_companions

PICTURE, OTHER = b"p" * 16, b"o" * 16
PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:digiKam="http://www.digikam.org/ns/1.0/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:darktable="http://darktable.sf.net/" xmlns:picsight="urn:picsight:xmp:1.0/"><rdf:RDF>
 <rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"""
TAKEOUT = {
    "title": "a.jpg",
    "photoTakenTime": {"timestamp": "1563111000"},
    "geoData": {"latitude": 47.5, "longitude": -9.25, "altitude": 400.0},
    "geoDataExif": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
    "description": "Tea",
    "favorited": True,
    "people": [{"name": "Ann"}, {"name": "Bo/Bob"}],
}


@pytest.fixture
def read_beside(make_file, make_exif, tmp_path):
    """Reads the metadata of a photo with files beside it, given by name."""

    def read(files, name="a.jpg", **photo):
        for file, text in files.items():
            (tmp_path / file).write_text(text, encoding="utf-8")
        exif = make_exif(**photo) if photo else b""
        beside = read_companions(tmp_path / name, files, {PICTURE})
        return read_header(make_file("JPEG", exif=exif), tmp_path / name, beside).metadata

    return read


def words(*names):
    return "".join(f"<rdf:li>{name}</rdf:li>" for name in names)


@pytest.mark.parametrize(
    ("photo", "file"),
    [
        ("a.jpg", "a.jpg.json"),
        ("a.jpg", "a.jpg.supplemental-metadata.json"),
        ("PXL_20210101_123456789.PORTRAIT.jpg", "PXL_20210101_123456789.PORTRAIT.jpg.supplement.json"),
        (
            "PXL_20230330_184138390.MOTION-01.COVER-0000.jpg",
            "PXL_20230330_184138390.MOTION-01.COVER-0000.jp.json",
        ),
        (
            "Backyard_ceremony_wedding_photography_of_the_x.jpg",
            "Backyard_ceremony_wedding_photography_of_the_x.json",
        ),
        ("a(1).jpg", "a.jpg(1).json"),
        ("a(1).jpg", "a.jpg.supplemental-metadata(1).json"),
        ("a(1).jpg", "a(1).jpg.json"),
        ("a-edited.jpg", "a.jpg.json"),
        ("a.jpg", "a.jpg.xmp"),
        ("a.jpg", "a.xmp"),
        ("IMG_1234.HEIC", "IMG_1234.AAE"),
    ],
)
def test_a_file_belongs_to_the_photo_that_it_is_named_after(photo, file):
    assert companions([photo, "b.jpg", file]) == {photo: [file]}


@pytest.mark.parametrize(
    ("photo", "file"),
    [
        ("a.jpg", "a.json"),
        ("a.jpg", "a.jpg(1).json"),
        ("a(1).jpg", "a.jpg.json"),
        ("ab.jpg", "a.jpg.json"),
        ("a.jpg.png", "a.jpg.xmp"),
        ("a.jpg", "gone.jpg.json"),
        (
            "Backyard_ceremony_wedding_photography_of_the_x.jpg",
            "Backyard_ceremony_wedding_photography.jpg.json",
        ),
        (
            "Backyard_ceremony_wedding_photography_of_the_x.jpg",
            "Backyard_ceremony_wedding_photography_of_th.json",
        ),
        ("IMG_1234.JPG", "IMG_E1234.AAE"),
    ],
)
def test_a_file_does_not_belong_to_other_photos(photo, file):
    assert not companions([photo, file]).get(photo)


def test_takeout_fills_in_metadata_that_the_file_lacks(read_beside):
    metadata = read_beside({"a.jpg.json": json.dumps(TAKEOUT)})
    assert (metadata.taken, metadata.taken_offset) == ("2019-07-14T13:30:00", "+00:00")
    assert (metadata.lat, metadata.lon, metadata.altitude) == (47.5, -9.25, 400.0)
    assert (metadata.description, metadata.keywords, metadata.rating) == (
        "Tea",
        ("Ann", "Bo|Bob", "Favourites"),
        None,
    )
    dated = read_beside({"a.jpg.json": json.dumps(TAKEOUT)}, original="2001:02:03 04:05:06")
    assert (dated.taken, dated.taken_offset) == ("2001-02-03T04:05:06", None)


def test_characters_that_text_cannot_hold_are_replaced(read_beside):
    metadata = read_beside(
        {"a.jpg.json": r'{"description": "Tea \ud83c", "people": [{"name": "Ann\u0000"}]}'}
    )
    assert (metadata.description, metadata.keywords) == ("Tea \ufffd", ("Ann\ufffd",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "{",
        "[" * 100_000,
        '{"photoTakenTime": {"timestamp": "soon"}, "people": 3, "geoData": [], "description": {}}',
        '{"photoTakenTime": {"timestamp": "99999999999999999999"}, "people": [1, {"name": 2}]}',
        '{"photoTakenTime": {"timestamp": "0"}, "geoData": {"latitude": 0.0, "longitude": 0.0}}',
        '{"geoData": {"latitude": 95.0, "longitude": 7}}',
        f'{{"geoData": {{"latitude": 1{"0" * 400}, "longitude": NaN}}}}',
    ],
)
def test_other_json_files_hold_no_metadata(read_beside, text):
    metadata = read_beside({"a.jpg.json": text})
    assert (metadata.taken, metadata.lat, metadata.description, metadata.keywords) == (None, None, None, ())


def test_a_side_car_has_precedence_for_descriptions_and_the_file_for_camera_data(read_beside):
    listed = f"<dc:subject><rdf:Bag>{words('sea', 'sky')}</rdf:Bag></dc:subject>"
    packet = PACKET.format(
        attributes='xmp:Rating="5" xmp:Label="Blue" exif:DateTimeOriginal="1999-01-01T00:00:00"',
        elements=listed,
    )
    metadata = read_beside({"a.jpg.xmp": packet}, original="2001:02:03 04:05:06")
    assert (metadata.rating, metadata.label, metadata.keywords) == (5, "Blue", ("sea", "sky"))
    assert metadata.taken == "2001-02-03T04:05:06"
    assert read_beside({"a.jpg.xmp": packet}).taken == "1999-01-01T00:00:00"


def test_values_of_our_exports_are_not_read_back_and_belong_to_their_picture(read_beside):
    listed = f"<dc:subject><rdf:Bag>{words('theirs')}</rdf:Bag></dc:subject>"
    others = PACKET.format(attributes='xmp:Label="Red"', elements=listed).encode()
    for digest, found in ((PICTURE, (None, "Red", ("theirs",))), (OTHER, (None, None, ()))):
        exported = update_packet(others, SidecarContent(("ours",), 4, digest)).decode()
        assert "ours" in exported
        metadata = read_beside({"a.jpg.xmp": exported})
        assert (metadata.rating, metadata.label, metadata.keywords) == found


@pytest.mark.parametrize(
    "element",
    [
        '<exif:Flash exif:Fired="{}" exif:Mode="2"/>',
        '<exif:Flash><rdf:Description exif:Fired="{}"/></exif:Flash>',
        '<exif:Flash rdf:parseType="Resource"><exif:Fired>{}</exif:Fired></exif:Flash>',
    ],
)
def test_the_flash_is_read_from_every_form_of_a_structure(read_beside, element):
    for words_of, fired in (("True", True), ("False", False), ("maybe", None)):
        packet = PACKET.format(attributes="", elements=element.format(words_of))
        assert read_beside({"a.jpg.xmp": packet}).flash is fired


@pytest.mark.parametrize(
    ("attributes", "colours", "label"),
    [
        ("", "30", "Red"),
        ("", "4", "Purple"),
        ("", "57", None),
        ('digiKam:ColorLabel="0"', "", None),
        ('digiKam:ColorLabel="6"', "", "Purple"),
        ('digiKam:ColorLabel="2"', "", "Orange"),
        ('digiKam:ColorLabel="9"', "", "White"),
        ('digiKam:ColorLabel="2"', "43", "Blue"),
        ('digiKam:ColorLabel="1" xmp:Label="Winner"', "1", "Winner"),
    ],
)
def test_colour_labels_of_darktable_and_digikam_are_read_by_name(read_beside, attributes, colours, label):
    listed = f"<darktable:colorlabels><rdf:Seq>{words(*colours)}</rdf:Seq></darktable:colorlabels>"
    packet = PACKET.format(attributes=attributes, elements=listed if colours else "")
    assert read_beside({"a.jpg.xmp": packet}).label == label


def test_a_short_side_car_for_another_kind_of_file_is_not_read(read_beside):
    packet = PACKET.format(attributes='xmp:Rating="4" photoshop:SidecarForExtension="CR2"', elements="")
    assert read_beside({"a.xmp": packet}).rating is None
    assert read_beside({"a.xmp": packet.replace("CR2", "JPG")}).rating == 4


@pytest.mark.parametrize(
    ("name", "files", "edited"),
    [
        ("IMG_1234.JPG", {"IMG_1234.AAE": "<plist/>"}, True),
        ("IMG_E1234.JPG", {}, True),
        ("a-edited.jpg", {}, True),
        ("IMG_1234.JPG", {}, None),
    ],
)
def test_a_photo_with_edits_beside_it_and_an_edited_version_are_marked(read_beside, name, files, edited):
    assert read_beside(files, name).edited is edited


BAD_FILES = """
    import sys
    from pathlib import Path

    folder = Path(sys.argv[1])
    (folder / "a.jpg.xmp").write_bytes(b"")
    with (folder / "a.jpg.xmp").open("r+b") as file:
        file.truncate(100_000_000)
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    (folder / "b.jpg.xmp").write_text(f'<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">{entities}]><x>&a11;</x>')
    (folder / "c.jpg.xmp").write_text("<x>" * 1_000_000)
    (folder / "d.jpg.xmp").write_text("<x>" + "<y/>" * 399_000)
    (folder / "g.jpg.xmp").write_text("<x " + ' '.join(f"a{n}=''" for n in range(700_000)) + "/>")
    (folder / "e.jpg.json").write_text("[" * 400_000)
    (folder / "f.jpg.json").write_text("[" + "{}," * 150_000 + "{}]")
    (folder / "h.jpg.xmp").write_text("<rdf:RDF >" * 300_000 + "</x:xmpmeta>")
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    (folder / "i.jpg.xmp").write_text(f"<r:RDF xmlns:r='{rdf}'>" + "<r:Description/>" * 390_000 + "</r:RDF>")
    (folder / "j.jpg.xmp").write_text(f"<r:RDF xmlns:r='{rdf}'>" + "<r:Description r:about=''/>" * 250_000 + "</r:RDF>")
"""
READ = """
    import re, sys
    from pathlib import Path
    from picsight_engine.photos.decoding import decode
    from picsight_engine.photos.metadata import xmp
    from picsight_engine.photos.metadata.sidecars import read_companions

    def peak():
        # Of this program alone: ru_maxrss counts what the process took before it became this program.
        return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

    folder = Path(sys.argv[1])
    before = peak()
    for path in sorted(folder.iterdir()):
        facts = read_companions(folder / path.name[:5], [path.name], ())
        assert not any(facts.values()), facts
    print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells of its peak on Linux")
def test_files_that_would_fill_memory_are_skipped_and_take_little_of_it(tmp_path):
    run_child(BAD_FILES, tmp_path)  # in another process, whose memory does not count
    assert int(run_child(READ, tmp_path)) < 50_000

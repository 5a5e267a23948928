"""Stars, keywords and descriptions inside photos, each from the field that programs keep best."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from picsight_engine.photos.decode import read_header
from picsight_engine.photos.exif import read_exif
from picsight_engine.photos.iptc import iptc_facts
from picsight_engine.photos.metadata import read_metadata
from picsight_engine.photos.xmp import read_facts

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><rdf:RDF>
 <rdf:Description rdf:about="" xmp:Rating="2"><dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>
 </rdf:Description></rdf:RDF></x:xmpmeta>"""
SEA = (2, ("sea",), None)
NONE = (None, (), None)
NOTHING = read_exif(b"")


def words(metadata):
    """Stars, keywords and description."""
    return metadata.rating, metadata.keywords, metadata.description


def written(xmp, iptc, exif):
    return words(read_metadata(exif.facts() | iptc_facts(iptc) | (read_facts(xmp) if xmp else {}), {}))


def rated(stars):
    exif = Image.Exif()
    exif[0x4746] = stars
    return read_exif(exif.tobytes())


@pytest.mark.parametrize(
    ("kind", "suffix"), [("JPEG", "jpg"), ("WEBP", "webp"), ("AVIF", "avif"), ("TIFF", "tif")]
)
def test_a_packet_is_found_in_every_kind_of_photo(make_file, tmp_path, kind, suffix):
    options = {"tiffinfo": {700: XMP}} if kind == "TIFF" else {"xmp": XMP}
    assert words(read_header(make_file(kind, **options), tmp_path / f"a.{suffix}").metadata) == SEA


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_a_packet_in_a_png_is_found_before_and_behind_the_picture(make_file, tmp_path, packed, late):
    text = b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"\0\0" + (zlib.compress(XMP) if packed else XMP)
    chunk = struct.pack(">I", len(text)) + b"iTXt" + text + struct.pack(">I", zlib.crc32(b"iTXt" + text))
    plain = make_file("PNG")
    place = plain.index(b"IEND") - 4 if late else plain.index(b"IDAT") - 4
    assert words(read_header(plain[:place] + chunk + plain[place:], tmp_path / "a.png").metadata) == SEA
    broken = plain[:place] + chunk[:20] + plain[place:]
    assert words(read_header(broken, tmp_path / "a.png").metadata) in {NONE, SEA}


def test_xmp_comes_before_what_older_programs_left_behind():
    iptc = {(2, 25): [b"lake"], (2, 120): b"A lake"}
    assert written(XMP, iptc, rated(5)) == (2, ("sea",), "A lake")
    assert written(b"", iptc, rated(5)) == (5, ("lake",), "A lake")
    assert written(b"", iptc, rated(9)) == (None, ("lake",), "A lake")


@pytest.mark.parametrize(
    ("fields", "keywords"),
    [
        ({(2, 25): b"one"}, ("one",)),
        ({(2, 25): ["Käfer".encode("cp1252"), "Käse".encode()]}, ("Käfer", "Käse")),
        ({(2, 25): [b"K\xe4fer"], (1, 90): b"\x1b%G"}, ("K\ufffdfer",)),
        ({(2, 25): [b"a", b"a\0", None, b" "]}, ("a",)),
        ({(2, 25): None}, ()),
    ],
)
def test_keywords_of_older_programs_in_whatever_letters(fields, keywords):
    assert written(b"", fields, NOTHING)[1] == keywords


def test_a_stroke_in_a_keyword_of_older_programs_makes_none_below_another():
    iptc = {(2, 25): [b"B/W", b"B|W", b"AC/DC"], (2, 120): b"Light/shade"}
    assert written(b"", iptc, NOTHING) == (None, ("B|W", "AC|DC"), "Light/shade")
    packet = XMP.replace(b"<rdf:li>sea", b"<rdf:li>B/W")
    assert written(packet, iptc, NOTHING)[1] == ("B|W",)


@pytest.mark.parametrize("behind", [b"", b"\0", b"\1"])
def test_a_packet_that_ends_behind_its_name_spoils_nothing(make_file, tmp_path, behind):
    text = b"XML:com.adobe.xmp\0" + behind
    chunk = struct.pack(">I", len(text)) + b"iTXt" + text + struct.pack(">I", zlib.crc32(b"iTXt" + text))
    plain = make_file("PNG")
    place = plain.index(b"IEND") - 4
    header = read_header(plain[:place] + chunk + plain[place:], tmp_path / "a.png")
    assert (header.pixels, words(header.metadata)) == (48 * 32, NONE)


@pytest.mark.parametrize(
    "block",
    [
        b"\x1c\x02\x19\xff\xffab",
        b"\x1c\x02\x19\0",  # the block ends inside a field
        b"\x1c\x03\x3c\0\0",  # layers, of which it tells none
    ],
)
def test_damaged_fields_spoil_nothing(block, make_image, tmp_path):
    out = io.BytesIO()
    make_image().save(out, "JPEG")
    field = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0" + struct.pack(">H", len(block)) + block
    data = out.getvalue()[:2] + b"\xff\xed" + struct.pack(">H", len(field) + 2) + field + out.getvalue()[2:]
    header = read_header(data, tmp_path / "a.jpg")
    assert (header.pixels, words(header.metadata)) == (48 * 32, NONE)

"""Stars, keywords and descriptions inside photos, each from the field that programs keep best."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from picsight_engine.photos.decoding.decode import Limits, decode, read_header
from picsight_engine.photos.exif import iptc_facts, read_exif
from picsight_engine.photos.metadata.tag_precedence import read_metadata
from picsight_engine.photos.metadata.xmp import read_facts

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


def iptc_block(*fields):
    """IPTC fields, each as its number in the second record and its value."""
    return b"".join(b"\x1c\2" + struct.pack(">BH", number, len(value)) + value for number, value in fields)


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


def uuid(mark, content):
    """A box of JPEG 2000, as ExifTool writes it."""
    return struct.pack(">I", 24 + len(content)) + b"uuid" + mark + content


def test_blocks_behind_a_jpeg_2000_are_found_and_turn_nothing(make_file, tmp_path):
    exif = Image.Exif()
    exif.update({0x0112: 6, 0x0110: "X100", 0x4746: 5})
    blocks = (
        (b"JpgTiffExif->JP2", exif.tobytes()[6:]),
        (bytes.fromhex("33c7a4d2b81d4723a0baf1a3e097ad38"), iptc_block((25, b"lake"))),
        (bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), XMP),
    )
    plain, path = make_file("JPEG2000"), tmp_path / "a.jp2"
    found = read_header(plain + b"".join(uuid(*block) for block in blocks), path)
    assert words(found.metadata) == (2, ("sea", "lake"), None)
    assert found.metadata.camera == "X100"
    turned = decode(plain + uuid(*blocks[0]), path, min_side=8, limits=Limits())
    assert (turned.width, turned.height) == (48, 32)
    assert words(read_header(plain + struct.pack(">I", 4) + uuid(*blocks[2]), path).metadata) == NONE


def test_a_packet_in_a_gif_is_found(make_file, tmp_path):
    plain, path = make_file("GIF"), tmp_path / "a.gif"
    block = b"!\xff\x0bXMP DataXMP" + XMP + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    assert words(read_header(plain[:-1] + block + b";", path).metadata) == SEA
    assert words(read_header(plain[:-1] + block[:200], path).metadata) == NONE


def test_what_does_not_fit_into_a_jpegs_packet_is_read_from_its_extension(make_file, tmp_path):
    name, other = b"0123456789ABCDEF" * 2, b"F" * 32
    packet = XMP.replace(
        b"xmp:Rating", b'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="%s" xmp:Rating' % name
    )
    more = XMP.replace(b'xmp:Rating="2"', b'xmp:Rating="5" xmp:Label="Blue"').replace(b"sea", b"lake")
    cut = more.index(b"lake") + 2

    def segment(whole, place, part):
        content = (
            b"http://ns.adobe.com/xmp/extension/\0" + whole + struct.pack(">II", len(more), place) + part
        )
        return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content

    def read(*segments):
        plain, at = make_file(xmp=packet), 2
        found = read_header(plain[:at] + b"".join(segments) + plain[at:], tmp_path / "a.jpg").metadata
        return found.rating, found.keywords, found.label

    parts = segment(name, 0, more[:cut]), segment(name, cut, more[cut:])
    assert read(*parts) == read(*reversed(parts)) == (2, ("sea", "lake"), "Blue")
    assert read(segment(other, 0, more)) == (2, ("sea",), None)
    assert read(parts[1])[0] == read(*(segment(name, place, b"<a>" * 20_000) for place in range(7)))[0] == 2


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


def test_xmp_comes_before_fields_of_older_programs():
    iptc = iptc_block((25, b"lake"), (120, b"A lake"))
    assert written(XMP, iptc, rated(5)) == (2, ("sea", "lake"), "A lake")
    assert written(b"", iptc, rated(5)) == (5, ("lake",), "A lake")
    assert written(b"", iptc, rated(9)) == (None, ("lake",), "A lake")


@pytest.mark.parametrize(
    ("fields", "keywords"),
    [
        (iptc_block((25, b"one")), ("one",)),
        (iptc_block((25, "Käfer".encode("cp1252")), (25, "Käse".encode())), ("Käfer", "Käse")),
        (b"\x1c\1\x5a\0\3\x1b%G" + iptc_block((25, b"K\xe4fer")), ("K\ufffdfer",)),
        (iptc_block((25, b"a"), (25, b"a\0"), (25, b""), (25, b" ")), ("a",)),
        (iptc_block((25, b"")), ()),
        (b"\x1c\2\x19\x80\4\0\1\0\0" + b"k" * 65_536 + iptc_block((25, b"b")), ("k" * 65_536, "b")),
        (iptc_block((25, b"a")) + b"\0rubbish", ("a",)),
    ],
)
def test_keywords_of_older_programs_in_any_encoding(fields, keywords):
    assert written(b"", fields, NOTHING)[1] == keywords


def test_a_stroke_in_a_keyword_of_older_programs_makes_no_hierarchy():
    iptc = iptc_block((25, b"B/W"), (25, b"B|W"), (25, b"AC/DC"), (120, b"Light/shade"))
    assert written(b"", iptc, NOTHING) == (None, ("B|W", "AC|DC"), "Light/shade")
    packet = XMP.replace(b"<rdf:li>sea", b"<rdf:li>B/W")
    assert written(packet, iptc, NOTHING)[1] == ("B|W", "AC|DC")


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_iptc_fields_are_found_where_programs_put_them(make_file, tmp_path, kind):
    fields = iptc_block((25, b"sea"), (120, b"A lake."))
    if kind == "PNG":
        resource = b"8BIM\4\4\3abc" + struct.pack(">I", len(fields)) + fields
        info = PngInfo()
        info.add_text(
            "Raw profile type iptc", f"\nIPTC profile\n{len(resource):8}\n{resource.hex()}\n", zip=True
        )
        data = make_file("PNG", pnginfo=info)
    else:
        data = make_file("TIFF", tiffinfo={33723: fields})
        entry = struct.pack("<HHI", 33723, 7, len(fields))
        assert entry in data
        data = data.replace(entry, struct.pack("<HHI", 33723, 4, len(fields) // 4))  # as Photoshop has it
    assert words(read_header(data, tmp_path / f"a.{kind.lower()}").metadata) == (None, ("sea",), "A lake.")


def test_text_behind_its_end_is_cut_off_except_an_editors_copyright():
    exif = Image.Exif()
    exif.update({0x010E: "\0rubbish", 0x013B: "Ann\0rubbish", 0x8298: " \0Bo\0rubbish"})
    metadata = read_metadata(read_exif(exif.tobytes()).facts(), {})
    assert (metadata.description, metadata.creator, metadata.copyright) == (None, "Ann", "Bo")

"""The metadata of photos: of several tags the best one, in the order of `photos/metadata/tag_precedence.py`."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight_engine.photos.decoding.decode import read_header
from picsight_engine.photos.exif import read_exif
from picsight_engine.photos.metadata.tag_precedence import FILE_NAME, read_metadata

ORIGINAL = "ExifIFD:DateTimeOriginal"
CREATED = "ExifIFD:CreateDate"


@pytest.fixture
def taken(make_exif):
    """Date, offset and source of an Exif block."""

    def read(**tags):
        metadata = read_metadata(read_exif(make_exif(**tags)).facts(), {})
        return metadata.taken, metadata.taken_offset, metadata.taken_source

    return read


NONE = (None, None, None)


def test_the_original_date_comes_before_the_date_of_digitising(taken):
    both = taken(original="2021:05:06 07:08:09", created="2022:01:01 00:00:00")
    assert both == ("2021-05-06T07:08:09", None, ORIGINAL)
    assert taken(created="2022:01:01 00:00:00") == ("2022-01-01T00:00:00", None, CREATED)


def test_the_date_of_the_last_change_is_not_when_a_photo_was_taken(taken):
    assert taken(changed="2022:01:01 00:00:00") == NONE


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2024:03:31 02:30:00", "2024-03-31T02:30:00"),
        ("1839:08:19 12:00:00", "1839-08-19T12:00:00"),
        ("2020-02-29T23:59:59", "2020-02-29T23:59:59"),
    ],
)
def test_dates_are_read_as_cameras_write_them(taken, text, local):
    assert taken(original=text)[0] == local


BLANK = ["", " ", "    :  :     :  :  ", "0000:00:00 00:00:00", "0000:01:01 00:00:00"]
IMPOSSIBLE = ["2021:13:01 00:00:00", "2021:02:29 10:00:00", "2021:01:01 24:00:00", "2021:01:01 10:60:00"]


@pytest.mark.parametrize("text", [*BLANK, *IMPOSSIBLE, "2021:01:01", "yesterday", "2021:1"])
def test_blank_zero_and_impossible_dates_are_none(taken, text):
    assert taken(original=text) == NONE
    assert taken(original=text, created="2020:01:02 03:04:05")[2] == CREATED


@pytest.mark.parametrize(
    ("offset", "iso"),
    [
        ("+02:00", "2021-05-06T07:08:09+02:00"),
        ("+1345", "2021-05-06T07:08:09+13:45"),
        ("Z", "2021-05-06T07:08:09+00:00"),
        ("   :  ", "2021-05-06T07:08:09"),
        ("+02:75", "2021-05-06T07:08:09"),
    ],
)
def test_a_valid_offset_is_read(taken, offset, iso):
    local, found, _ = taken(original="2021:05:06 07:08:09", offset_original=offset)
    assert local + (found or "") == iso


def test_an_offset_belongs_to_one_date(taken):
    both = {"offset_created": "+01:00", "offset_original": "+05:00"}
    assert taken(created="2021:05:06 07:08:09", **both)[1] == "+01:00"
    assert taken(original="2021:05:06 07:08:09", offset="+03:00")[1] is None


UNDATED = [
    "DSC01234.JPG", "IMG_20410.jpg", "IMG_00000714_153000.jpg", "IMG_20191345_153000.jpg",
    "IMG_20190229_101010.jpg", "IMG_20190714_253000.jpg", "FB_IMG_1563112345678.jpg", "1920x1080.jpg",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "local", "subsecond"),
    [
        ("IMG_20190714_153000.jpg", "2019-07-14T15:30:00", None),
        ("PXL_20210101_123456789.PORTRAIT.jpg", "2021-01-01T12:34:56", "789"),
        ("IMG-20190714-WA0003.jpg", "2019-07-14T00:00:00", None),
        ("Screenshot_2020-01-02-10-11-12.png", "2020-01-02T10:11:12", None),
        ("WhatsApp Image 2020-01-02 at 10.11.12.jpeg", "2020-01-02T10:11:12", None),
        ("Screen Shot 2020-01-02 at 12.05.12\u202fAM.png", "2020-01-02T00:05:12", None),
        ("WP_20140714_15_30_00_Pro.jpg", "2014-07-14T15:30:00", None),
        ("00000IMG_00000_BURST20190714153000123_COVER.jpg", "2019-07-14T15:30:00", "123"),
        *((name, None, None) for name in UNDATED),
    ],
)
def test_a_date_in_the_file_name_counts_where_there_is_no_other(name, local, subsecond):
    metadata = read_metadata({FILE_NAME: name}, {})
    assert (metadata.taken, metadata.taken_subsecond, metadata.taken_offset) == (local, subsecond, None)
    assert metadata.taken_source == (local and "file name")


DATED = {  # best first
    "ExifIFD:DateTimeOriginal": "2001:01:01 01:01:01",
    "ExifIFD:CreateDate": "2002:01:01 01:01:01",
    "XMP-exif:DateTimeOriginal": "2003-01-01T01:01:01.25+02:00",
    "XMP-photoshop:DateCreated": "2004-01-01",
    "XMP-xmp:CreateDate": "2005-01-01T01:01Z",
    "IPTC:DateCreated": ("20060101",),
    "GPS:GPSDateStamp": "2007:01:01",
    "Takeout:photoTakenTime": "2008-01-01T01:01:01+00:00",
    FILE_NAME: "IMG_20090101_010101.jpg",
}
ADDED = {
    "ExifIFD:SubSecTimeOriginal": "98 ",
    "ExifIFD:OffsetTimeOriginal": "+05:00",
    "IPTC:TimeCreated": ("010101-0400",),
    "GPS:GPSTimeStamp": (1.0, 1.0, 1.9),
}


@pytest.mark.parametrize(
    ("left", "date"),
    [
        (0, ("2001-01-01T01:01:01", "+05:00", "98")),
        (1, ("2002-01-01T01:01:01", None, None)),
        (2, ("2003-01-01T01:01:01", "+02:00", "25")),
        (3, ("2004-01-01T00:00:00", None, None)),
        (4, ("2005-01-01T01:01:00", "+00:00", None)),
        (5, ("2006-01-01T01:01:01", "-04:00", None)),
        (6, ("2007-01-01T01:01:01", "+00:00", None)),
        (7, ("2008-01-01T01:01:01", "+00:00", None)),
        (8, ("2009-01-01T01:01:01", None, None)),
    ],
)
def test_the_best_date_is_taken_with_its_offset_and_digits(left, date):
    metadata = read_metadata(ADDED | dict([*DATED.items()][left:]), {})
    assert (metadata.taken, metadata.taken_offset, metadata.taken_subsecond) == date
    assert metadata.taken_source == [*DATED][left]


def test_a_time_of_the_day_alone_is_no_date():
    assert read_metadata(ADDED, {}).taken is None
    assert read_metadata({"GPS:GPSDateStamp": "2007:01:01"}, {}).taken is None


@pytest.mark.parametrize(
    ("lat", "lon", "position"),
    [
        (((50.0, 23.0, 30.0), "N"), ((4.0, 30.0, 0.0), "W"), (50.391667, -4.5)),
        (((33.0, 51.5, 0.0), "S"), ((151.25, 0.0, 0.0), "E"), (-33.858333, 151.25)),
        (("50,23.5N", None), ("4,30,0W", None), (50.391667, -4.5)),
        (("-33.5", None), ("151.25", None), (-33.5, 151.25)),
        (((0.0, 0.0, 0.0), "N"), ((0.0, 0.0, 0.0), "E"), None),
        (((213.0, 38.0, 24.0), "N"), ((103.0, 28.0, 48.0), "E"), None),
        (((math.nan, 0.0, 0.0), "N"), ((4.0, 0.0, 0.0), "E"), None),
        (((50.0, math.nan, 0.0), "N"), ((4.0, 0.0, 0.0), "E"), None),
        (("", None), ("", None), None),
        (("5," * 2_000_000 + "N", None), ("4,30,0W", None), None),
        (((50.0, 0.0, 0.0), "N"), None, None),
    ],
)
def test_only_positions_on_the_earth_count(lat, lon, position):
    facts = {"GPS:GPSAltitude": 12.5, "GPS:GPSAltitudeRef": 1, "GPS:GPSImgDirection": 360.0}
    for name, position_text in (("GPS:GPSLatitude", lat), ("GPS:GPSLongitude", lon)):
        if position_text is not None:
            facts |= {name: position_text[0], f"{name}Ref": position_text[1] or ""}
    found = read_metadata(facts, {})
    if position is None:
        assert (found.lat, found.lon, found.altitude, found.direction) == (None,) * 4
    else:
        assert (found.lat, found.lon) == pytest.approx(position, abs=1e-6)
        assert (found.altitude, found.direction) == (-12.5, 0.0)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS 600D", "Canon EOS 600D"),
        ("NIKON CORPORATION", "NIKON D70", "Nikon D70"),
        ("Apple", "iPhone 13 Pro", "iPhone 13 Pro"),
        ("EASTMAN KODAK COMPANY", "KODAK CX7530 ZOOM DIGITAL CAMERA", "Kodak CX7530 ZOOM DIGITAL CAMERA"),
        ("OLYMPUS OPTICAL CO.,LTD", "C960Z,D460Z", "Olympus C960Z,D460Z"),
        ("RICOH IMAGING COMPANY, LTD. ", "PENTAX K-3 II", "Pentax K-3 II"),
        ("LGE", "LG-H870", "LG-H870"),
        ("Arashi Vision", "Insta360 OneX2", "Insta360 OneX2"),
        ("Mamiya-OP Co.,Ltd.", "MAMIYA ZD", "Mamiya ZD"),
        ("Canon", "", "Canon"),
        ("", "X100", "X100"),
        ("", "", None),
    ],
)
def test_a_camera_is_called_as_people_call_it(make, model, camera):
    assert read_metadata({"IFD0:Make": make, "IFD0:Model": model}, {}).camera == camera


def test_exposure_is_read_from_all_of_its_tags():
    exif = {
        "ExifIFD:FocalLength": 4.25, "ExifIFD:FocalLengthIn35mmFormat": 26, "ExifIFD:FNumber": 1.8,
        "ExifIFD:ExposureTime": 0.008, "ExifIFD:ISO": (65535, 0), "ExifIFD:RecommendedExposureIndex": 102400,
        "ExifIFD:Flash": 0x19, "ExifIFD:ColorSpace": 1,
    }  # fmt: skip
    metadata = read_metadata(exif, {})
    assert (metadata.focal, metadata.focal35, metadata.aperture, metadata.exposure) == (4.25, 26, 1.8, 0.008)
    assert (metadata.iso, metadata.flash, metadata.colour_space) == (102400, True, "sRGB")
    other = {
        "XMP-exif:FNumber": "28/10", "XMP-exif:ExposureTime": "1/128", "ExifIFD:Flash": 0x10, "ExifIFD:FNumber": 0.0,
        "XMP-exif:FocalLength": "85/1", "XMP-exif:ISOSpeedRatings": "400", "ExifIFD:ColorSpace": 65535,
        "InteropIFD:InteropIndex": "R03", "ExifIFD:FocalLength": math.nan, "ExifIFD:FocalLengthIn35mmFormat": 0,
        "ExifIFD:ISOSpeed": 2**32 - 1,
    }  # fmt: skip
    metadata = read_metadata(other, {})
    assert (metadata.focal, metadata.focal35, metadata.aperture, metadata.exposure) == (
        85.0,
        None,
        2.8,
        1 / 128,
    )
    assert (metadata.iso, metadata.flash, metadata.colour_space) == (400, False, "Adobe RGB (1998)")


@pytest.mark.parametrize(
    ("facts", "rating"),
    [
        ({"XMP-xmp:Rating": -1, "IFD0:Rating": 3}, -1),
        ({"XMP-MicrosoftPhoto:Rating": "50"}, 3),
        ({"XMP-MicrosoftPhoto:Rating": "99"}, 5),
        ({"XMP-MicrosoftPhoto:Rating": "1"}, 1),
        ({"XMP-MicrosoftPhoto:Rating": "0", "IFD0:RatingPercent": 75}, 4),
        ({"XMP-acdsee:rating": "4", "IFD0:Rating": 6}, 4),
        ({"IFD0:Rating": 6}, None),
    ],
)
def test_stars_are_read_in_every_form(facts, rating):
    assert read_metadata(facts, {}).rating == rating


@pytest.mark.parametrize(
    "text", ["OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "DCF", "  ", "Exif_JPEG_PICTURE"]
)
def test_default_texts_of_cameras_are_not_descriptions(text):
    assert read_metadata({"IFD0:ImageDescription": text}, {}).description is None
    assert read_metadata({"IFD0:ImageDescription": "Low tide"}, {}).description == "Low tide"


def test_damaged_directories_keep_what_can_be_read():
    def entry(tag, kind, length, value):
        return struct.pack("<HHII", tag, kind, length, value)

    entries = [
        entry(0x010F, 2, 2**31, 8),  # a text of two gigabytes
        entry(0x0110, 2, 3, 0x003558),  # "X5"
        entry(0x8769, 4, 1, 8),  # leads back to this very directory
        entry(0x8825, 13, 1, 2**32 - 1),
        entry(0x829A, 5, 1, 82),  # behind the entries: 1/0
        entry(0x8827, 3, 2**31 + 1, 8),
    ]
    block = b"II*\0" + struct.pack("<IH", 8, 900) + b"".join(entries) + struct.pack("<II", 1, 0)
    metadata = read_metadata(read_exif(block).facts(), {})
    assert (metadata.camera, metadata.exposure, metadata.iso, metadata.lat) == ("X5", None, None, None)


@settings(max_examples=200, deadline=None)
@given(
    block=st.binary(max_size=300), head=st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0MM\0*\0\0\0\x08"])
)
def test_any_bytes_are_read_without_a_fault(block, head):
    exif = read_exif(head + block)
    assert exif.orientation in range(1, 9)
    read_metadata(exif.facts(), {})


# What ExifTool 13.25 writes for: -XPTitle=Föhr "-XPComment=Low tide" "-XPKeywords=snow;lake;Snow" "-UserComment=Ebbe (dash) früh"
# "-LensInfo=18 55 3.5 5.6" -ShutterSpeedValue=1/128 -ApertureValue=2.8
BY_EXIFTOOL = bytes.fromhex(
    "4d4d002a0000000800050213000300000001000100008769000400000001000000849c9b00010000000a0000004a9c9c0001000000120000"
    "00549c9e00010000001e00000066000000004600f6006800720000004c006f00770020007400690064006500000073006e006f0077003b00"
    "6c0061006b0065003b0053006e006f007700000000079000000700000004303233329101000700000004010203009201000a000000010000"
    "00de9202000500000001000000e6928600070000001e000000eea001000300000001ffff0000a4320005000000040000010c000000000000"
    "00070000000100005f2900002008554e49434f44450000450062006200650020201300200066007200fc0068000000120000000100000037"
    "0000000100000007000000020000001c00000005"
)


def test_lens_exposure_and_texts_are_read_where_only_their_lesser_tags_have_them():
    facts = read_exif(BY_EXIFTOOL).facts()
    found = read_metadata(facts, {})
    assert (found.lens, found.exposure, found.aperture) == ("18-55mm f/3.5-5.6", 1 / 128, 2.8)
    assert (found.title, found.description, found.keywords) == ("Föhr", "Low tide", ("snow", "lake", "Snow"))
    del facts["IFD0:XPComment"]
    assert read_metadata(facts, {}).description == "Ebbe \N{EN DASH} früh"


@pytest.mark.parametrize(
    ("facts", "lens"),
    [
        ({"ExifIFD:LensInfo": (28.0, 28.0, 2.8, 11.0)}, "28mm f/2.8-11"),
        ({"IFD0:DNGLensInfo": (50.0, 50.0, math.nan, math.nan)}, "50mm"),
        ({"XMP-aux:LensInfo": "700/10 2000/10 0/0 0/0"}, "70-200mm"),
        ({"XMP-aux:LensInfo": "700/10 2000/10 28/10 28/10", "XMP-aux:LensID": "137"}, "70-200mm f/2.8"),
        ({"XMP-aux:LensInfo": "700/10 2000/10", "XMP-aux:LensID": "EF 70-200mm"}, "EF 70-200mm"),
        ({"XMP-aux:LensInfo": "a b c d"}, None),
        ({"ExifIFD:LensInfo": (math.nan,) * 4}, None),
        ({"ExifIFD:LensInfo": 18}, None),
    ],
)
def test_a_lens_without_a_name_is_called_by_its_range(facts, lens):
    assert read_metadata(facts, {}).lens == lens
    assert read_metadata(facts | {"XMP-aux:Lens": "Zoom"}, {}).lens == "Zoom"


def test_apex_values_out_of_range_are_none():
    facts = {"XMP-exif:ShutterSpeedValue": "-2000", "XMP-exif:ApertureValue": "9999/1"}
    assert (read_metadata(facts, {}).exposure, read_metadata(facts, {}).aperture) == (None, None)


@pytest.mark.parametrize(
    ("written", "description"),
    [
        (b"Low tide", "Low tide"),
        (b"CREATOR: gd-jpeg v1.0 (using IJG JPEG v62), quality = 90\n", None),
        (b"File written by Adobe Photoshop\xa8 5.2", None),
        (b"\x01\x02\x03\x04", None),
    ],
)
def test_a_comment_in_a_jpeg_counts_if_a_person_wrote_it(make_file, written, description):
    found = read_header(make_file("JPEG", comment=written), Path("a.jpg")).metadata
    assert found.description == description


def test_keywords_of_all_tags_and_names_of_people_count_once():
    facts = {
        "XMP-dc:Subject": ("Birds/Waders", "x" * 70),
        "IPTC:Keywords": ("waders", "sea", "x" * 64),
        "XMP-mwg-rs:RegionName": ("Ann", "Sea"),
        "XMP-iptcExt:PersonInImage": ("Ann", "Bob"),
    }
    assert read_metadata(facts, {}).keywords == (*facts["XMP-dc:Subject"], "sea", "Ann", "Bob")
    of_side_car = {"XMP-dc:Subject": ("Tern",), "XMP-mwg-rs:RegionName": ("Cay",)}
    assert read_metadata(facts, of_side_car).keywords == ("Tern", "Cay", "Ann", "Sea", "Bob")


def test_iptc_dates_a_scan_and_a_leap_second_is_the_one_before():
    facts = {"IPTC:DigitalCreationDate": ("20040506",), "IPTC:DigitalCreationTime": ("070860+0200",)}
    found = read_metadata(facts, {})
    assert (found.taken, found.taken_offset) == ("2004-05-06T07:08:59", "+02:00")
    assert read_metadata({ORIGINAL: "2016:12:31 23:59:61"}, {}).taken is None

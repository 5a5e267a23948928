"""Photos are upright, in sRGB, on white, reduced where that saves work, or refused with a reason."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tests.engine.photos.conftest import encoded, png

from picsight_engine.foundation.errors import ImageError
from picsight_engine.foundation.metadata import Metadata
from picsight_engine.photos.decoding.decode import TEXT_TURNS, Header, Limits, decode, read_header

PATH = Path("folder/photo.jpg")
CORNERS = {"red": (220, 30, 30), "green": (30, 160, 30), "blue": (30, 30, 200), "white": (255, 255, 255)}
# The corner that is stored upper left when a picture of this orientation is shown upright (red upper left).
TURNED = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}


def show(data, *, min_side=512, path=PATH, **limits):
    return decode(data, path, min_side=min_side, limits=Limits(**limits))


def corners(image):
    """Names of the colours in the corners, clockwise from the upper left."""
    width, height = image.size
    found = []
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)):
        pixel = np.array(image.getpixel((int(x * width), int(y * height))))
        found.append(min(CORNERS, key=lambda name: np.abs(pixel - CORNERS[name]).sum()))
    return found


UPRIGHT = ["red", "green", "blue", "white"]


def turn_away(image, orientation):
    """The pixels as a camera would store them with this orientation."""
    step = TURNED[orientation]
    return image if step is None else image.transpose(Image.Transpose(step))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_shown_upright(make_file, make_image, make_exif, kind, orientation):
    stored = turn_away(make_image(), orientation)
    picture = show(make_file(kind, stored, exif=make_exif(orientation)))
    assert corners(picture.image) == UPRIGHT
    assert (picture.width, picture.height) == picture.image.size == (48, 32)


def test_a_jpeg_is_turned_by_exif_alone_and_a_webp_by_xmp_too(make_file, make_image):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="3"/></x:xmpmeta>'
    assert corners(show(make_file("JPEG", xmp=xmp)).image) == UPRIGHT
    turned = encoded(turn_away(make_image(), 3), "WEBP", lossless=True, xmp=xmp)
    assert corners(show(turned).image) == UPRIGHT


@pytest.mark.parametrize(
    ("size", "min_side", "reduced"),
    [
        ((1600, 1200), 512, (800, 600)),
        ((1600, 1200), 256, (400, 300)),
        ((1600, 1200), 5000, (1600, 1200)),
        ((1601, 1201), 150, (201, 151)),
    ],
)
def test_a_jpeg_is_reduced_while_its_short_side_stays_long_enough(
    make_file, make_image, size, min_side, reduced
):
    picture = show(make_file(image=make_image(*size)), min_side=min_side)
    assert picture.image.size == reduced
    assert (picture.width, picture.height) == size


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF"])
def test_other_formats_are_reduced_too(make_file, make_image, kind):
    picture = show(make_file(kind, make_image(1200, 900)), min_side=200)
    assert picture.image.size == (300, 225)
    assert (picture.width, picture.height) == (1200, 900)
    assert corners(picture.image) == UPRIGHT


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white(mode):
    layer = Image.new("RGBA", (40, 40), (10, 10, 10, 0))
    layer.paste((60, 60, 60, 255), (0, 0, 20, 40))
    image = show(encoded(layer.convert(mode), "PNG")).image
    assert image.getpixel((30, 20)) == (255, 255, 255)
    assert image.getpixel((10, 20)) == (60, 60, 60)


@pytest.mark.parametrize("scale", [1, 40])
def test_a_transparent_palette_lies_on_white(scale):
    image = Image.new("P", (20 * scale, 20 * scale), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    image.paste(0, (0, 0, 10 * scale, 20 * scale))
    shown = show(encoded(image, "PNG", transparency=0), min_side=20).image
    assert shown.getpixel((4, 10)) == (255, 255, 255)
    assert shown.getpixel((15, 10)) == (200, 100, 50)


@pytest.mark.parametrize(
    ("mode", "dtype", "top"), [("I;16", np.uint16, 65535), ("F", np.float32, 1.0), ("I", np.int32, 65535)]
)
def test_deep_grey_pictures_keep_their_whole_range(mode, dtype, top):
    ramp = np.tile(np.linspace(0, 1, 256), (8, 1)) * top
    tiff = encoded(Image.fromarray(ramp.astype(dtype)), "TIFF")
    pixels = np.asarray(show(tiff).image)[0, :, 0].astype(int)
    assert np.abs(pixels - np.arange(256)).max() <= 1


@pytest.mark.parametrize("profile", [b"", b"x", b"\0" * 200, b"\xff" * 4000])
def test_a_broken_profile_is_ignored(make_file, profile):
    image = Image.new("RGB", (8, 8), (90, 160, 40))
    assert show(make_file("PNG", image, icc_profile=profile)).image.getpixel((4, 4)) == (90, 160, 40)


@pytest.mark.parametrize("kind", ["MPO", "GIF"])
def test_a_later_picture_in_the_same_file_is_ignored(make_file, kind):
    data = make_file(kind, save_all=True, append_images=[Image.new("RGB", (48, 32), "black")])
    assert corners(show(data).image) == UPRIGHT


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"plain text " * 20, "not_an_image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "unsupported"),
        (b"\xff\x0a" + b"\0" * 30, "damaged"),
        (b"\x01\xda\x01\x01\0\3\0\x30\0\x20\0\3", "unsupported"),
        (b"<?xml version='1.0'?><!--" + b" licence" * 1000 + b"--><SVG>", "unsupported"),
        (b"\x1f\x8b\x08\0 cut", "not_an_image"),
        (b"\0\0\0\x18ftypcrx " + b"\0" * 30, "truncated"),
        (b"\0\0\0\x18ftypqt  " + b"\0" * 30, "not_an_image"),
        (b"\xff\xd8", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"II*\0", "truncated"),
        (b"qoif", "truncated"),
    ],
)
def test_a_file_that_is_not_an_image_is_refused(data, code):
    with pytest.raises(ImageError) as caught:
        show(data)
    assert caught.value.code == code
    assert str(PATH) in str(caught.value)


def _heif(coding):
    """A HEIF file whose only picture has this coding."""
    item = b"\0\0\0\x15infe\2\0\0\0\0\1\0\0" + coding + b"\0"
    info = struct.pack(">I", 14 + len(item)) + b"iinf\0\0\0\0\0\1" + item
    meta = struct.pack(">I", 12 + len(info)) + b"meta\0\0\0\0" + info
    return b"\0\0\0\x14ftypmif1\0\0\0\0heif" + meta


def _tiff(order, *, is_big=False, samples=1, number=1, coding=1):
    """A TIFF of 8 x 8 pixels of 32 bits, with this kind of numbers and coding."""
    pixels = bytes(256 * samples)
    head, count, tag = (16, "Q", "HHQQ") if is_big else (8, "H", "HHII")
    fields = {256: 8, 257: 8, 258: 32, 259: coding, 262: 2 if samples == 3 else 1, 273: 0, 277: samples}
    fields |= {278: 8, 279: len(pixels), 339: number}
    size = struct.calcsize(f"={count}") + len(fields) * struct.calcsize(f"={tag}") + (8 if is_big else 4)
    fields[273] = head + size
    start = struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if is_big else struct.pack(f"{order}HI", 42, 8)
    entries = b"".join(struct.pack(order + tag, key, 16 if is_big else 4, 1, fields[key]) for key in fields)
    directory = struct.pack(order + count, len(fields)) + entries
    return (b"II" if order == "<" else b"MM") + start + directory.ljust(size, b"\0") + pixels


def _jpeg(frame):
    """A JPEG that calls its frame so."""
    return encoded(Image.new("RGB", (16, 16), "teal")).replace(b"\xff\xc0", bytes([0xFF, frame]), 1)


def _jpeg2000():
    """A grey picture with transparency, whose grey samples are two pixels apart."""
    data = encoded(Image.new("LA", (32, 32), (90, 200)), "JPEG2000")
    assert show(data).image.size == (32, 32)
    return data.replace(b"\0\2\7\1\1\7\1\1", b"\0\2\7\2\1\7\1\1", 1)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (_heif(b"unci"), "a HEIF picture that is not coded as H.265"),
        (_jpeg(0xC3), "a lossless or hierarchical JPEG"),
        (_jpeg(0xCB), "a lossless or hierarchical JPEG"),
        (_tiff("<", samples=3, coding=50001), "a TIFF that is coded as WebP"),
        (_tiff(">", coding=52546), "a TIFF that is coded as JPEG XL"),
        (_tiff("<", coding=33005), "a TIFF that is coded as JPEG 2000"),
        (_tiff("<", samples=3, coding=34933), "a TIFF that is coded as PNG"),
        (_tiff("<", samples=3, number=3), "a TIFF with floating-point numbers"),
        (_tiff(">", is_big=True), "a BigTIFF of a rare kind"),
        (_jpeg2000(), "a JPEG 2000 picture whose channels have different sizes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_sound_file_of_a_variant_that_is_not_read_is_not_called_damaged(data, name):
    with pytest.raises(ImageError) as caught:
        show(data)
    assert caught.value.code == "unsupported"
    what, way_out = "which Picsight cannot read yet", "save it as JPEG or PNG in another program"
    assert str(caught.value) == f"{PATH} cannot be shown: it is {name}, {what}; {way_out}."


def test_a_damaged_jpeg_of_a_kind_that_is_read_is_called_damaged():
    with pytest.raises(ImageError) as caught:
        show(_jpeg(0xC1).replace(b"\xff\xda", b"\xff\xdb"))
    assert caught.value.code == "damaged"


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded():
    data = png(60000, 60000, (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    with pytest.raises(ImageError, match=r"has 3,600 megapixels, more than the limit of 250\.") as caught:
        show(data)
    assert caught.value.code == "too_large"
    with pytest.raises(ImageError, match="more than the limit of 1"):
        show(png(2000, 1000, (b"IDAT", zlib.compress(b"")), (b"IEND", b"")), megapixels=1)


# Orientation 6, DateTimeOriginal and OffsetTimeOriginal: ExifTool 13 and ImageMagick 7 read the three from each of the
# eight files of the first test below.
EXIF = bytes.fromhex(
    "45786966000049492a000800000002001201030001000000060000006987040001000000260000000000000002000390020014000000"
    "4400000011900200070000005800000000000000323030333a30373a31342031383a33303a3035002b30323a303000"
)
TAKEN = "2003-07-14T18:30:05+02:00"


def in_lines(profile, block):
    """As ImageMagick writes a profile: an empty line, its name, its length, 72 digits a line."""
    digits = block.hex()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    return f"\n{profile}\n{len(block):8}\n{lines}\n"


def png_with_texts(image, texts, **options):
    chunks = PngImagePlugin.PngInfo()
    for key, text, is_packed in texts:
        chunks.add_text(key, text, zip=is_packed)
    return encoded(image, "PNG", pnginfo=chunks, **options)


def iso(header):
    return header.metadata.taken + (header.metadata.taken_offset or "")


@pytest.mark.parametrize("key", ["Raw profile type exif", "Raw profile type APP1"])
@pytest.mark.parametrize("is_packed", [True, False])
@pytest.mark.parametrize("start", [0, 6])  # with "Exif" before the block and without
def test_exif_that_a_png_holds_as_a_text_turns_and_dates_it(make_image, key, is_packed, start):
    text = in_lines(key.split()[-1].lower(), EXIF[start:])
    data = png_with_texts(turn_away(make_image(), 6), [(key, text, is_packed)])
    picture, header = show(data), read_header(data, PATH)
    assert corners(picture.image) == UPRIGHT
    assert (picture.width, picture.height) == (48, 32)
    assert (iso(header), header.picture_rule) == (TAKEN, TEXT_TURNS)


def test_exif_in_a_text_behind_the_pixels_counts_too(make_image):
    chunks = PngImagePlugin.PngInfo()
    chunks.add(b"tEXt", b"Raw profile type exif\0" + in_lines("exif", EXIF).encode(), after_idat=True)
    data = encoded(turn_away(make_image(), 6), "PNG", pnginfo=chunks)
    picture, header = show(data), read_header(data, PATH)
    assert (corners(picture.image), iso(header), header.picture_rule) == (UPRIGHT, TAKEN, TEXT_TURNS)


def test_the_chunk_for_exif_counts_more_than_a_text(make_image, make_exif):
    texts = [("Raw profile type exif", in_lines("exif", EXIF), True)]
    data = png_with_texts(turn_away(make_image(), 3), texts, exif=make_exif(3))
    header = read_header(data, PATH)
    assert (corners(show(data).image), header.metadata.taken, header.picture_rule) == (UPRIGHT, None, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\nexif\n",
        "\nexif\n     102\n4578zz\n",
        in_lines("exif", EXIF)[:-2],
        in_lines("exif", b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        in_lines("exif", EXIF[:20]),
    ],
)
def test_a_broken_text_of_exif_is_none(make_image, text):
    data = png_with_texts(make_image(), [("Raw profile type exif", text, True)])
    picture = show(data)
    assert corners(picture.image) == UPRIGHT
    assert read_header(data, PATH) == Header(48 * 32, metadata=Metadata(bits=8))


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP"])
@pytest.mark.parametrize("key", [b"remark", b"Raw profile type exif"])
def test_a_sound_picture_with_a_bomb_for_a_remark_is_shown(name, key):
    bomb = key + b"\0\0" + zlib.compress(bytes(20_000_000))
    pixels = zlib.compress(b"".join(b"\0" + bytes([200]) * 6 for _ in range(4)))
    picture = show(png(6, 4, (name, bomb), (b"IDAT", pixels), (b"IEND", b"")))
    assert picture.image.getpixel((3, 2)) == (200, 200, 200)


def test_the_size_in_a_header_is_known_before_decoding(make_file, make_image):
    assert read_header(make_file(image=make_image(640, 480)), PATH).pixels == 640 * 480
    assert read_header(png(60000, 60000, (b"IDAT", zlib.compress(b""))), PATH).pixels == 60000 * 60000
    for nothing in (b"", b"plain text", b"\xff\xd8\xff", b"GIF89a"):
        assert read_header(nothing, PATH).pixels == 0


def test_a_date_behind_the_picture_of_a_png_is_read():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2021:06:01 12:00:00"
    chunks = ((b"IDAT", zlib.compress(bytes(4 * 7))), (b"eXIf", exif.tobytes()[6:]), (b"IEND", b""))
    assert read_header(png(6, 4, *chunks), PATH).metadata.taken == "2021-06-01T12:00:00"


@pytest.mark.parametrize(
    ("written", "date"),
    [
        (b"Sat, 7 Nov 2009 14:16:21 +0100", ("2009-11-07T14:16:21", "+01:00")),
        (b"2009:11:07 14:16:21", ("2009-11-07T14:16:21", None)),
        (b"last summer", (None, None)),
    ],
)
def test_the_creation_time_in_a_text_of_a_png_is_its_date(written, date):
    pixels = (b"IDAT", zlib.compress(bytes(4 * 7)))
    data = png(6, 4, pixels, (b"tEXt", b"Creation Time\0" + written), (b"IEND", b""))
    metadata = read_header(data, PATH).metadata
    assert (metadata.taken, metadata.taken_offset) == date


def test_warnings_of_decoders_stay_inside(make_file, make_image):
    """Every warning fails a test, so decoding a picture about which Pillow warns is enough."""
    large = Image.new("1", (12000, 8000))  # beyond the size that Pillow warns about
    assert show(make_file("PNG", large), min_side=4000).width == 12000


def test_an_error_names_a_file_whose_name_is_not_text():
    with pytest.raises(ImageError) as caught:
        show(b"x", path=Path("caf\udce9.jpg"))
    assert str(caught.value).startswith("caf\ufffd.jpg cannot be shown")
    assert caught.value.path == Path("caf\udce9.jpg")

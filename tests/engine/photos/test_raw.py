"""Camera RAW: the preview where it is large enough, else the sensor's data; upright, in sRGB."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.decoding.decode import Limits, decode, read_header

SENSOR = (1400, 800)  # wider than high, as it lies in the camera
SHORT, LONG, TEXT, BYTE = 3, 4, 2, 1
SIZES = {SHORT: "H", LONG: "I"}


@pytest.fixture
def make_dng(tmp_path):
    """A DNG of a grey sensor picture, after the specification: IFD0 with the preview, a sub-IFD with the sensor's pattern."""

    def make(preview=None, orientation=1, *, adobe=False):
        jpeg = io.BytesIO()
        if preview is not None:
            preview.save(jpeg, "JPEG", quality=95)
        width, height = SENSOR
        sensor = np.full((height, width), 9000, "<u2").tobytes()
        out = bytearray(b"II*\0\0\0\0\0")

        def put(data):
            at = len(out)
            out.extend(data + bytes(len(data) % 2))
            return at

        def directory(entries):
            rows = []
            for tag, (kind, *values) in sorted(entries.items()):
                if kind in SIZES:
                    raw = struct.pack(f"<{len(values)}{SIZES[kind]}", *values)
                    count = len(values)
                else:
                    (raw,) = values
                    count = len(raw)
                where = raw.ljust(4, b"\0") if len(raw) <= 4 else struct.pack("<I", put(raw))
                rows.append(struct.pack("<HHI", tag, kind, count) + where)
            return put(struct.pack("<H", len(rows)) + b"".join(rows) + bytes(4))

        pattern = {
            254: (LONG, 0), 256: (LONG, width), 257: (LONG, height), 258: (SHORT, 16), 259: (SHORT, 1), 262: (SHORT, 32803),
            273: (LONG, put(sensor)), 277: (SHORT, 1), 278: (LONG, height), 279: (LONG, len(sensor)),
            33421: (SHORT, 2, 2), 33422: (BYTE, b"\0\1\1\2"), 50717: (LONG, 16000),
        }  # fmt: skip
        interop = directory({1: (TEXT, b"R03\0" if adobe else b"R98\0")})
        photo = directory({0x9003: (TEXT, b"2021:07:14 06:03:09\0"), 0xA005: (LONG, interop)})
        main = {
            254: (LONG, 1), 271: (TEXT, b"Corpus\0"), 272: (TEXT, b"CFA 100\0"), 274: (SHORT, orientation),
            330: (LONG, directory(pattern)), 34665: (LONG, photo), 50706: (BYTE, b"\1\4\0\0"), 50708: (TEXT, b"CFA 100\0"),
        }  # fmt: skip
        if preview is not None:
            main |= {
                256: (LONG, preview.width), 257: (LONG, preview.height), 258: (SHORT, 8, 8, 8), 259: (SHORT, 7), 262: (SHORT, 6),
                273: (LONG, put(jpeg.getvalue())), 277: (SHORT, 3), 278: (LONG, preview.height), 279: (LONG, len(jpeg.getvalue())),
            }  # fmt: skip
        out[4:8] = struct.pack("<I", directory(main))
        return bytes(out)

    return make


@pytest.fixture
def show(tmp_path):
    """The picture of a RAW file's bytes."""
    return lambda data: decode(data, tmp_path / "a.dng", min_side=256, limits=Limits())


def corner(picture):
    return picture.image.getpixel((8, 8))


def test_a_large_preview_is_shown_upright_with_the_size_of_the_sensors_picture(make_dng, make_image, show):
    picture = show(make_dng(make_image(1050, 600), orientation=6))
    assert (picture.width, picture.height) == (800, 1400)
    assert picture.image.height > picture.image.width
    assert corner(picture) == pytest.approx(
        (255, 255, 255), abs=6
    )  # white lies lower left before it is turned


def test_a_preview_that_is_upright_already_is_not_turned_again(make_dng, make_image, show):
    assert corner(show(make_dng(make_image(600, 1050), orientation=6))) == pytest.approx((220, 30, 30), abs=6)


@pytest.mark.parametrize("preview", [None, (900, 514)])
def test_without_a_large_preview_the_sensors_data_are_developed(make_dng, make_image, show, preview):
    picture = show(make_dng(preview and make_image(*preview), orientation=8))
    assert (picture.width, picture.height) == (800, 1400)
    assert picture.image.height > picture.image.width
    assert len(set(map(tuple, np.asarray(picture.image).reshape(-1, 3)))) == 1


def test_a_preview_in_adobe_rgb_comes_in_srgb_though_it_holds_no_profile(make_dng, show):
    preview = Image.new("RGB", (1050, 600), (200, 100, 50))
    assert corner(show(make_dng(preview))) == pytest.approx((200, 100, 50), abs=2)
    assert corner(show(make_dng(preview, adobe=True))) == pytest.approx(
        (227, 100, 42), abs=2
    )  # by the standard's matrices


def test_sensor_data_that_are_cut_off_are_a_problem_not_a_black_picture(shared, show):
    data = (shared / "camera" / "IMG_4711.DNG").read_bytes()
    with pytest.raises(ImageError) as caught:
        show(data[: len(data) // 2])
    assert caught.value.code == "truncated"


def test_metadata_of_a_raw_file_are_read_without_decoding_it(make_dng, tmp_path):
    metadata = read_header(make_dng(), tmp_path / "a.dng").metadata
    assert (metadata.taken, metadata.camera) == ("2021-07-14T06:03:09", "Corpus CFA 100")


def test_the_bits_of_a_raw_file_are_the_sensors(make_dng, make_image, tmp_path):
    def bits(data, name):
        return read_header(data, tmp_path / name).metadata.bits

    assert bits(make_dng(make_image(60, 40)), "a.dng") == 16  # those of the preview are 8
    assert bits(b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHIHHI", 258, SHORT, 1, 8, 0, 0), "a.nef") is None
    panasonic = b"IIU\0\x08\0\0\0\1\0" + struct.pack("<HHIHHI", 10, SHORT, 1, 12, 0, 0)
    assert bits(panasonic, "a.rw2") == 12  # as ExifTool reads it


def test_a_raw_file_of_packets_without_an_end_is_read_at_once(tmp_path):
    """A search from each start of a packet to the end of the file would take twenty minutes."""
    packets = b"II*\0" + b"<x:xmpmeta" * 100_000
    assert read_header(packets, tmp_path / "a.dng").metadata.rating is None
    assert read_header(packets + _rated(3), tmp_path / "a.dng").metadata.rating is None
    assert read_header(b"II*\0" + bytes(2**21) + _rated(3), tmp_path / "a.dng").metadata.rating == 3


def _rated(stars):
    return (
        b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="%d"/></rdf:RDF></x:xmpmeta>"""
        % stars
    )

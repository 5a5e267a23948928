"""Films: their tags, the frames by which they are found, their identity, and those that belong to a photo."""

from __future__ import annotations

import os
import re
import struct

import numpy as np
import pytest

from picsight_engine.foundation.errors import ImageError
from picsight_engine.photos.decoding.decode import Limits, read_header
from picsight_engine.photos.decoding.film_frames import film_reader
from picsight_engine.photos.decoding.films import (
    MOST_FRAMES,
    decode_film,
    film_seconds,
    is_moving_part,
    read_film_facts,
)
from picsight_engine.photos.formats import can_read_films
from picsight_engine.photos.identity import bytes_hash
from picsight_engine.photos.metadata.tag_precedence import read_metadata
from picsight_engine.photos.reading import film_extract

SIZE = (64, 48)
RED, GREEN, BLUE = range(3)
PQ, HLG, SDR = 16, 18, 1  # transfer characteristics (ITU-T H.273)
GREYS = np.array([0, 10, 30, 60, 100, 140, 180, 240])
SLOW = [(1, np.linspace(0, 4 * second, SIZE[0], dtype=np.uint8)) for second in range(10, 60)]
SCENES = [(4, np.random.default_rng(part).integers(0, 255, SIZE[0])) for part in range(12)]
NUMBERED = [(0.04, np.repeat([235 * (number >> bit & 1) for bit in range(8)], 8)) for number in range(150)]
LONG = [(600, np.random.default_rng(part).integers(0, 255, SIZE[0])) for part in range(60)]


@pytest.fixture
def cv2(tmp_path):
    """OpenCV, silent."""
    if not can_read_films():
        pytest.skip("needs the extra video")
    return film_reader(tmp_path)


@pytest.fixture
def make_film(cv2, tmp_path):
    """Writes a film of scenes, each a number of seconds and a colour with a pattern, a row of grey pixels, or None for black."""

    def make(*scenes, name="film.mp4", rate=5.0, size=SIZE, coding="mp4v"):
        path = tmp_path / name
        out = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*coding), rate, size)
        assert out.isOpened()
        for seconds, colour in scenes:
            pixels = np.zeros((size[1], size[0], 3), np.uint8)
            if isinstance(colour, np.ndarray):
                pixels[:] = colour[:, None]
            elif colour is not None:
                pixels[:, :, 2 - colour] = np.kron(np.eye(2), np.full((size[1] // 2, size[0] // 2), 220))
            for _ in range(round(seconds * rate)):
                out.write(pixels)
        out.release()
        return path

    return make


def decoded(path, min_side=32, **options):
    return decode_film(path, min_side=min_side, limits=Limits(), **options)


def moments(path):
    film = decoded(path)
    return [film.moment, *(moment for _, moment in film.parts)]


def colour_of(image):
    return int(np.asarray(image).reshape(-1, 3).mean(axis=0).argmax())


def why(path):
    with pytest.raises(ImageError) as caught:
        decoded(path)
    assert str(path) in str(caught.value)
    return caught.value.code


def test_the_tags_of_a_phones_film_are_those_that_exiftool_reads(shared):
    metadata = read_metadata(read_film_facts(shared / "camera" / "IMG_2927.MOV"), {})
    assert (metadata.taken, metadata.taken_offset, metadata.camera) == (
        "2019-07-24T11:25:40",
        "+03:00",
        "iPhone 6",
    )
    assert (metadata.lat, metadata.lon, metadata.altitude) == pytest.approx((32.0929, 34.862, 28.516))
    assert metadata.duration == pytest.approx(4.0, abs=0.01)


def box(kind, *contents):
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + kind + content


def spoken(text):
    return struct.pack(">HH", len(text), 0x15C7) + text


MATROSKA = bytes.fromhex(
    "1a45dfa3a34286810142f7810142f2810442f381084282886d6174726f736b614287810442858102"
    "18538067010000000000058c 1549a966 01000000000000a0 2ad7b1830f4240 448988 409f400000000000"
) + struct.pack(">3sq", b"\x44\x61\x88", 489_247_506 * 10**9)  # seconds since 2001

RECORDED = (
    bytes.fromhex("67c8a6 45a38d") + b"DATE_RECORDED" + bytes.fromhex("448793") + b"2021-05-06 07:08:09g"
)


def avi(kind, text):
    chunk = kind + struct.pack("<I", len(text)) + text
    headers = b"LIST" + struct.pack("<I", 4 + len(chunk)) + b"hdrl" + chunk
    return b"RIFF" + struct.pack("<I", 4 + len(headers)) + b"AVI " + headers


def test_an_android_films_tags_are_read_and_an_empty_fragment_counts_for_nothing(tmp_path):
    """64-bit times, an index behind 5 GB of frames, a length in fragments, a date without an offset."""
    header = b"\1\0\0\0" + struct.pack(">QQIQ", 3_660_000_000, 0, 1000, 0)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    track = bytes(40) + turned + struct.pack(">II", 1920 << 16, 1080 << 16)
    texts = box(b"\xa9xyz", spoken(b"-33.8688+151.2093/")), box(b"\xa9mod", spoken(b"Pixel 8"))
    index = box(b"moov", box(b"mvhd", header), box(b"mvex", box(b"mehd", bytes(4), struct.pack(">I", 2500))),
                box(b"trak", box(b"tkhd", track)), box(b"udta", *texts))  # fmt: skip
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.write(box(b"ftyp", b"isom", bytes(4)) + struct.pack(">I4sQ", 1, b"mdat", 5_000_000_000))
        file.seek(16 + 5_000_000_000)
        file.write(index)
    facts = read_film_facts(path)
    metadata = read_metadata(facts, {})
    assert (metadata.taken, metadata.taken_offset, metadata.camera) == (
        "2019-12-24T02:40:00",
        "+00:00",
        "Pixel 8",
    )
    assert (metadata.lat, metadata.lon, metadata.duration) == (-33.8688, 151.2093, 2.5)
    assert (facts["film width"], facts["film height"]) == (1080, 1920)
    assert len(film_extract(path)) < 4_000_000


def test_the_texts_that_people_give_to_films_are_read(tmp_path):
    """As FFmpeg writes them into an MP4, and as ExifTool reads them."""
    texts = {
        b"\xa9nam": b"Trip",
        b"\xa9cmt": b"By boat",
        b"desc": b"A day at the lake",
        b"keyw": b"lake, Boat",
    }
    items = (box(kind, box(b"data", bytes(8), text)) for kind, text in texts.items())
    path = tmp_path / "film.mp4"
    path.write_bytes(
        box(b"ftyp", b"isom") + box(b"moov", box(b"udta", box(b"meta", bytes(4), box(b"ilst", *items))))
    )
    metadata = read_metadata(read_film_facts(path), {})
    assert (metadata.title, metadata.description) == ("Trip", "A day at the lake")
    assert metadata.keywords == ("lake", "Boat")


@pytest.fixture
def facts_of(tmp_path):
    """The metadata of a film with these boxes in its user data."""

    def read(*boxes):
        path = tmp_path / "film.mov"
        path.write_bytes(box(b"ftyp", b"qt  ") + box(b"moov", box(b"udta", *boxes)))
        return read_metadata(read_film_facts(path), {})

    return read


def listed(kind, *, number=1, value):
    return box(b"ilst", box(kind, box(b"data", struct.pack(">II", number, 0), value)))


# The same value is read by ExifTool 13.25, which wrote all but the one with a number.
@pytest.mark.parametrize(
    ("boxes", "stars"),
    [
        ([box(b"urat", bytes(7), b"\3")], 3),
        ([box(b"urat", b"\3")], None),
        ([box(b"meta", bytes(4), listed(b"rate", value=b"80"))], 4),
        ([box(b"meta", bytes(4), listed(b"rate", value=b"20"))], 1),
        ([box(b"meta", box(b"hdlr"), box(b"keys", bytes(7), b"\1", box(b"mdta", b"com.apple.quicktime.rating.user")),
              listed(b"\0\0\0\1", value=b"5"))], 5),
        ([box(b"meta", box(b"hdlr"), box(b"keys", bytes(7), b"\1", box(b"mdta", b"com.apple.quicktime.rating.user")),
              listed(b"\0\0\0\1", number=21, value=b"\0\2"))], 2),
        ([box(b"Xtra", bytes.fromhex("0000002d00000013"), b"WM/SharedUserRating",
              bytes.fromhex("000000010000000e00134b00000000000000"))], 4),
    ],
)  # fmt: skip
def test_the_stars_of_films_are_read(facts_of, boxes, stars):
    assert facts_of(*boxes).rating == stars


# As ExifTool 13.25 writes and reads them, with FFmpeg's first: it has no name, and no height.
@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("000000000000 00 00 00104ccc 00303333 00000000 6561727468 0000", (48.2, 16.29999, None)),
        ("000000000000 48757400 00 00973595 ffde2196 000c8000 0000", (-33.8688, 151.2093, 12.5)),
        ("000000000000 feff01480000 00 00973595 ffde2196 000c8000 0000", (-33.8688, 151.2093, 12.5)),
        ("000000000000 00 00 03e70000 03e70000 00000000 0000", (None, None, None)),
        ("000000000000 4875", (None, None, None)),
    ],
)
def test_a_place_in_3gp_is_read(facts_of, content, place):
    found = facts_of(box(b"loci", bytes.fromhex(content)))
    assert (found.lat, found.lon, found.altitude) == place


def test_a_date_in_plain_text_is_read(facts_of):
    found = facts_of(box(b"date", b"2021-05-06T07:08:09+0200"))
    assert (found.taken, found.taken_offset) == ("2021-05-06T07:08:09", "+02:00")
    keys = box(b"keys", bytes(7), b"\1", box(b"mdta", b"date"))
    found = facts_of(box(b"meta", box(b"hdlr"), keys, listed(b"\0\0\0\1", value=b"2021-05-06 07:08:09")))
    assert found.taken == "2021-05-06T07:08:09"


def test_keys_count_with_and_without_the_name_of_quicktime(facts_of):
    """As FFmpeg writes them with -movflags use_metadata_tags, and as ExifTool reads them."""
    for key in (b"title", b"com.apple.quicktime.title"):
        keys = box(b"keys", bytes(7), b"\1", box(b"mdta", key))
        assert facts_of(box(b"meta", box(b"hdlr"), keys, listed(b"\0\0\0\1", value=b"Trip"))).title == "Trip"


@pytest.mark.parametrize("length", [0, 7, 8, 2**31])
def test_boxes_that_lie_about_their_length_are_no_tags(tmp_path, length):
    path = tmp_path / "film.mov"
    path.write_bytes(box(b"ftyp", b"qt  ") + struct.pack(">I", length) + b"moov" + box(b"mvhd", b"\0" * 9))
    assert set(read_film_facts(path)) == {"file name"}


@pytest.mark.parametrize(
    "damaged",
    [
        box(b"mvhd"),
        box(b"tkhd"),
        box(b"ilst", box(b"desc", box(b"data"))),
        struct.pack(">I4sQ", 1, b"free", 2**63),
    ],
)
def test_damaged_boxes_are_skipped(facts_of, damaged):
    assert facts_of(box(b"urat", bytes(7), b"\3"), damaged).rating == 3


@pytest.mark.parametrize(
    ("head", "date"),
    [
        # as FFmpeg 8 writes the head of a Matroska file of that creation time; ExifTool reads the same
        (MATROSKA, ("2016-07-03T14:05:06", "+00:00")),
        (MATROSKA.replace(b"\x44\x61\x88", b"\x44\x61\x87"), (None, None)),
        (MATROSKA + RECORDED, ("2021-05-06T07:08:09", None)),
        (MATROSKA + bytes(200_000) + RECORDED + bytes(9_000), ("2021-05-06T07:08:09", None)),
        (MATROSKA + RECORDED.replace(b"2021", b"some"), ("2016-07-03T14:05:06", "+00:00")),
        (avi(b"IDIT", b"Mon Mar 10 15:04:43 2003\n\0"), ("2003-03-10T15:04:43", None)),
        (avi(b"IDIT", b"SUN MAR  9 05:04:43 2003\n\0"), ("2003-03-09T05:04:43", None)),
        (avi(b"IDIT", b"2005/08/10 12:30:10\0"), ("2005-08-10T12:30:10", None)),
        (avi(b"ICRD", b"2016-07-03\0"), ("2016-07-03T00:00:00", None)),
        (avi(b"ICRD", b"2019-03-04T05:06:07\0"), ("2019-03-04T05:06:07", None)),  # as FFmpeg writes it
        (avi(b"IDIT", b"Mon Zzz 99 99:99:99 9999"), (None, None)),
    ],
)
def test_the_dates_of_matroska_and_avi_files_are_read(tmp_path, head, date):
    path = tmp_path / "film.bin"
    path.write_bytes(head)
    metadata = read_metadata(read_film_facts(path), {})
    assert (metadata.taken, metadata.taken_offset) == date


def test_a_film_is_shown_by_its_scenes_and_its_poster_is_the_first_that_is_not_black(make_film):
    path = make_film((2, None), (4, RED), (4, GREEN), (4, RED), (4, BLUE))
    film = decoded(path)
    assert (film.width, film.height) == SIZE
    shown = [(film.image, film.moment), *film.parts]
    assert [colour_of(image) for image, _ in shown] == [
        RED,
        GREEN,
        BLUE,
    ]  # red comes twice, and is shown once
    assert [moment for _, moment in shown] == pytest.approx([2, 6, 14], abs=2.5)
    assert max(film.image.size) <= max(SIZE)
    assert film_seconds(path) == pytest.approx(18)
    poster = decoded(path, is_poster=True)
    assert (poster.image, poster.moment, poster.parts) == (film.image, film.moment, ())
    assert colour_of(decoded(path, moment=15.0).image) == BLUE


def test_a_slow_change_is_shown_every_ten_seconds_and_ten_hours_by_forty_frames(make_film):
    for path, most in (
        (make_film(*SLOW, rate=1.0, coding="MJPG", name="slow.avi"), 10),
        (make_film(*LONG, rate=0.01), 1800),
    ):
        found = moments(path)
        assert max(np.diff(found)) <= most
        assert film_seconds(path) - found[-1] <= most
    assert (film_seconds(path), len(found)) == (36_000, MOST_FRAMES)


def test_scenes_between_key_frames_are_found(make_film):
    path = make_film(*SCENES, name="film.webm", rate=1.0, coding="VP80")  # a key frame each 12 seconds
    assert {int(moment // 4) for moment in moments(path)} == {*range(12)}


@pytest.mark.parametrize(
    ("coding", "name"),
    [("mpg2", "film.avi"), ("mpg2", "film.ts"), ("VP80", "film.webm"), ("mp4v", "film.mp4")],
)
def test_a_frame_has_the_moment_at_which_it_is_shown(make_film, coding, name):
    path = make_film(*NUMBERED, rate=25.0, name=name, coding=coding)
    film = decoded(path, SIZE[1])
    at = [decoded(path, SIZE[1], moment=moment) for moment in (0.2, 3.0)]
    shown = [(film.image, film.moment), *film.parts, *((each.image, each.moment) for each in at)]
    numbers = [np.asarray(image).mean(axis=(0, 2)).reshape(8, -1).mean(axis=1) for image, _ in shown]
    frames = [sum(1 << bit for bit in range(8) if number[bit] > 110) for number in numbers]
    assert frames == pytest.approx([25 * moment for _, moment in shown], abs=1.1)
    assert [each.moment for each in at] == pytest.approx([0.2, 3.0], abs=0.05)


def test_a_film_of_one_frame_and_one_of_changing_sizes_are_read(make_film, tmp_path):
    assert moments(make_film((0.2, RED))) == [0.0]
    one = make_film((4, RED), name="one.mpg", coding="mpg1", rate=25.0)
    two = make_film((4, GREEN), name="two.mpg", coding="mpg1", rate=25.0, size=(128, 96))
    both = tmp_path / "both.mpg"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    assert decoded(both).image.size == (43, 32)


def test_a_film_of_pixels_that_are_not_square_is_shown_as_wide_as_it_is(make_film):
    path = make_film((2, RED), name="wide.mpg", coding="mpg1", rate=25.0)
    data = path.read_bytes()
    head = data.index(b"\0\0\1\xb3") + 7  # the shape of a pixel, then the rate
    path.write_bytes(
        data.replace(data[head - 7 : head + 1], data[head - 7 : head] + bytes([0x30 | data[head] & 15]))
    )
    film = decoded(path)
    assert (film.width, film.height) == pytest.approx((64 / 0.7031, 48), abs=1)
    assert film.image.width / film.image.height == pytest.approx(film.width / film.height, abs=0.05)


def light_of(greys):
    """Candela per square metre of greys in sRGB, with white at 203 (ITU-R BT.2408)."""
    return 203 * np.where(greys > 10, ((greys / 255 + 0.055) / 1.055) ** 2.4, greys / 255 / 12.92)


def shown_greys(path):
    """The eight greys, each eight pixels wide, of a film's poster."""
    shown = np.asarray(decoded(path, SIZE[1], is_poster=True).image)
    return shown.reshape(48, 8, 8, 3)[:, :, 4].astype(int)


@pytest.mark.soak  # OpenCV's FFmpeg makes a table for three seconds, whatever the size of the film
@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_pq_and_hlg_are_as_bright_as_the_same_greys_in_srgb(make_film, transfer, name):
    """By the formulas of ITU-R BT.2100."""
    power, scene = (light_of(GREYS) / 10_000) ** 0.1593017578125, (light_of(GREYS) / 1000) ** (1 / 1.2)
    pq = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    bright = 0.17883277 * np.log(np.maximum(12 * scene, 1) - 0.28466892) + 0.55991073
    hlg = np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)
    codes = np.round(255 * (pq if transfer == PQ else hlg)).astype(np.uint8)
    path = make_film((2, np.repeat(codes, 8)), name=name, coding="FFV1")
    path.write_bytes(with_transfer(path.read_bytes(), transfer))
    assert np.abs(shown_greys(path) - GREYS[:, None]).max() <= 3


@pytest.mark.parametrize("transfer", [PQ, HLG, SDR])
def test_what_ffmpeg_maps_to_a_television_is_shown_on_a_screen(make_film, transfer):
    """The film names how it codes light where only Picsight looks, so that FFmpeg maps nothing."""
    codes = np.round(255 * (light_of(GREYS) / 203) ** (1 / 2.4)).astype(np.uint8)
    path = make_film((2, np.repeat(codes, 8)), coding="FFV1")
    data = path.read_bytes()
    index, seen = data.index(b"moov"), box(b"free", struct.pack(">8s3H", b"colrnclx", 9, transfer, 9))
    size = struct.unpack(">I", data[index - 4 : index])[0] + len(seen)
    path.write_bytes(data[: index - 4] + struct.pack(">I", size) + data[index:] + seen)
    expected = codes if transfer == SDR else GREYS
    assert np.abs(shown_greys(path) - expected[:, None]).max() <= 1


def with_transfer(film, transfer):
    """The bytes of a film that names how it codes light, in place of what players ignore."""
    if film.startswith(b"\x1aE"):
        elements = bytes([0x55, 0xB0, 0x90, *(0x55, 0xB1, 0x81, 9), *(0x55, 0xBA, 0x81, transfer)])
        elements += bytes([*(0x55, 0xBB, 0x81, 9), *(0x55, 0xB9, 0x81, 2)])
        ignored = rb"\xe0\x8a(.{6})\x54\xb2\x81\x04\x55\xee\x81\x00\xec.{10}"
        film, count = re.subn(ignored, lambda kept: b"\xe0\x99" + kept[1] + elements, film, flags=re.DOTALL)
        assert count == 1
        return film
    place = film.index(b"btrt")
    return film[:place] + struct.pack(">8s3HBx", b"colrnclx", 9, transfer, 9, 0x80) + film[place + 16 :]


def test_a_film_that_cannot_be_read_says_why(make_film, tmp_path):
    whole = make_film((2, RED)).read_bytes()
    cut, text = tmp_path / "cut.mp4", tmp_path / "text.mov"
    cut.write_bytes(whole[: whole.index(b"moov") - 4])
    text.write_bytes(b"no film")
    assert (why(cut), why(text), why(tmp_path / "none.mp4")) == ("truncated", "damaged", "vanished")
    (tmp_path / "new.mp4").write_bytes(whole.replace(b"mp4v", b"av01").replace(b"esds", b"free"))
    assert why(tmp_path / "new.mp4") == "unsupported"
    assert decoded(make_film((2, RED), name="caf\u00e9 \n.mp4")).width == SIZE[0]
    odd = tmp_path / os.fsdecode(b"\xff.mp4")
    odd.write_bytes(whole)
    assert decoded(odd).width == SIZE[0]


@pytest.mark.parametrize(
    ("name", "coding", "pictures", "sound"),
    [
        ("film.mp4", "mp4v", b"vide", b"soun"),
        ("film.avi", "MJPG", b"vids", b"auds"),
        ("film.mkv", "mp4v", b"\x83\x81\1", b"\x83\x81\2"),
    ],
)
def test_a_film_of_sound_only_has_no_picture_and_is_not_called_damaged(
    make_film, name, coding, pictures, sound
):
    path = make_film((2, RED), name=name, coding=coding)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(pictures, sound))
    assert why(path) == "not_an_image"
    for known, strange in ((coding.encode(), b"none"), (b"esds", b"free"), (b"V_MPEG4", b"V_WRONG")):
        whole = whole.replace(known, strange)
    path.write_bytes(whole)
    assert why(path) == "damaged"


def test_a_film_is_identified_by_its_length_start_middle_and_end(tmp_path):
    path = tmp_path / "film.mp4"
    data = bytearray(9_000_000)

    def identity():
        path.write_bytes(data)
        return bytes_hash(film_extract(path))

    seen = [identity()]
    for place in (0, 4_500_000, 8_999_999):
        data[place] = 1
        seen.append(identity())
    data += b"\0"
    assert len({*seen, identity()}) == 5
    small = bytearray(b"x" * 100)
    path.write_bytes(small)
    assert film_extract(path)[8:] == small


def test_a_live_photos_film_belongs_to_the_still_of_its_identifier_and_to_no_other(shared, tmp_path):
    camera = shared / "camera"
    facts = read_film_facts(camera / "IMG_2927.MOV")
    others = [camera / "iphone15pro_o6_offset.HEIC", camera / "apple_iphone7_makernotes.jpg"]
    assert is_moving_part(facts, [others[0], camera / "IMG_2927.HEIC"])
    assert not is_moving_part(facts, [*others, tmp_path / "gone.jpg"])
    other = {"QuickTime:Duration": 2.5, "Keys:ContentIdentifier": "1745E022-9712-43C7-B024-000000000000"}
    assert not is_moving_part(other, [camera / "IMG_2927.HEIC"])


@pytest.mark.parametrize(
    ("facts", "belongs"),
    [
        ({"QuickTime:Duration": 2.5}, True),
        ({"QuickTime:Duration": 60.0}, False),
        ({}, False),
        ({"QuickTime:Duration": 2.5, "Keys:CreationDate": "2021-07-14T12:00:02+0200"}, True),
        ({"QuickTime:Duration": 2.5, "Keys:CreationDate": "2021-07-14T12:00:09+0200"}, False),
        ({"QuickTime:Duration": 2.5, "QuickTime:CreateDate": "2021:07:14 10:00:09"}, True),
        ({"QuickTime:Duration": 2.5, "Keys:ContentIdentifier": "A-B"}, True),
    ],
)
def test_without_an_identifier_the_name_the_time_and_the_length_decide(
    make_file, make_exif, tmp_path, facts, belongs
):
    still = tmp_path / "a.jpg"
    still.write_bytes(make_file("JPEG", exif=make_exif(original="2021:07:14 12:00:00")))
    assert is_moving_part(facts, [still]) is belongs


MOTION = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"><rdf:RDF><rdf:Description rdf:about="" GCamera:%s="1"/>
</rdf:RDF></x:xmpmeta>"""
FILM = box(b"ftyp", b"mp42", bytes(4), b"isom") + box(b"mdat", bytes(100))


@pytest.mark.parametrize(
    ("packet", "behind", "moves"),
    [
        (MOTION % b"MotionPhoto", FILM, True),
        (MOTION % b"MicroVideo", FILM, True),
        (b"", b"MotionPhoto_Data" + FILM + b"SEFH" + bytes(20) + b"SEFT", True),
        (MOTION % b"MotionPhoto", b"", None),  # the film was removed
        (b"", FILM, None),
        (b"", b"Image_UTC_Data" + b"SEFH" + bytes(20) + b"SEFT", None),
    ],
)
def test_a_motion_photo_has_a_mark_and_a_film_behind_its_picture(make_file, tmp_path, packet, behind, moves):
    data = make_file("JPEG", **({"xmp": packet} if packet else {})) + behind
    assert read_header(data, tmp_path / "a.jpg").metadata.live is moves

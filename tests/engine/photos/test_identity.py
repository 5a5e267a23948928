"""Identity by rule 1: edited metadata keep a photo, a changed picture makes a new one."""

from __future__ import annotations

import struct

import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from picsight_engine.photos.identity import FINGERPRINT_RULE, bytes_hash, fingerprint, perceptual_hash

GIVEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def naive_fingerprint(data):
    """Rule 1, written byte by byte."""
    try:
        kept, exif = naive_walk(data)
    except IndexError:
        return xxhash.xxh3_128(data).digest()
    return xxhash.xxh3_128(bytes(kept) + bytes([naive_orientation(exif or b"")])).digest()


def naive_orientation(block):
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(block[:4])
    if order is None or len(block) < 8:
        return 1

    def number(at, size):
        return int.from_bytes(block[at : at + size], order)

    at, found = number(4, 4), 1
    if not 8 <= at <= len(block) - 2:
        return 1
    for entry in range(at + 2, min(at + 2 + 12 * number(at, 2), len(block) - 11), 12):
        if number(entry, 2) == 0x0112 and number(entry + 2, 2) in (3, 4) and number(entry + 4, 4) == 1:
            found = number(entry + 8, 2 if number(entry + 2, 2) == 3 else 4)
    return found if 1 <= found <= 8 else 1


def naive_walk(data):
    if data[0] != 0xFF or data[1] != 0xD8 or data[2] != 0xFF:
        raise IndexError
    kept, exif, at = bytearray(data[:2]), None, 2
    while True:
        if data[at] != 0xFF:
            raise IndexError
        while data[at + 1] == 0xFF:
            kept.append(data[at])
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            return kept + data[at:], exif
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            kept += data[at : at + 2]
            at += 2
            continue
        length = data[at + 2] << 8 | data[at + 3]
        if length < 2:
            raise IndexError
        data[at + 1 + length]  # the last byte must be there
        segment = data[at : at + 2 + length]
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            exif = (exif or b"") + segment[10:]
        if marker not in (0xE1, 0xED, 0xFE):
            kept += segment
        at += 2 + length
        while marker == 0xDA:  # coded data go on until a marker that does not belong to them
            if at + 1 >= len(data):
                return kept + data[at:], exif
            if data[at] == 0xFF and (0xC0 <= data[at + 1] <= 0xCF or 0xD8 <= data[at + 1] <= 0xFE):
                break
            kept.append(data[at])
            at += 1


def segment(marker, payload):
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def insert(data, *segments):
    """New segments directly behind the start marker."""
    return data[:2] + b"".join(segments) + data[2:]


def exif_segment(orientation, order=">", kind=3, tail=b""):
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 1)
    value = struct.pack(f"{order}H2x" if kind == 3 else f"{order}I", orientation)
    entry = struct.pack(f"{order}HHI", 0x0112, kind, 1) + value
    return segment(0xE1, b"Exif\0\0" + head + entry + struct.pack(f"{order}I", 0) + tail)


@pytest.fixture
def photo(make_file, make_image):
    return make_file(image=make_image(200, 120), quality=80)


def test_every_shared_picture_agrees_with_the_naive_walk(shared):
    files = [
        path
        for folder in ("formats", "camera")
        for path in sorted((shared / folder).rglob("*"))
        if path.is_file()
    ]
    differing = [
        path.name for path in files if fingerprint(path.read_bytes()) != naive_fingerprint(path.read_bytes())
    ]
    assert len(files) > 300
    assert differing == []


def test_hashes_are_the_canonical_digest_bytes():
    assert FINGERPRINT_RULE == 1
    assert bytes_hash(b"").hex() == "99aa06d3014798d86001c324468d497f"
    assert bytes_hash(b"abc") == xxhash.xxh3_128(b"abc").digest()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_other_formats_are_known_by_the_whole_file(make_file, kind):
    data = make_file(kind)
    assert fingerprint(data) == bytes_hash(data)
    assert fingerprint(data + b"\0") != fingerprint(data)


@GIVEN
@given(marker=st.sampled_from([0xE1, 0xED, 0xFE]), payload=st.binary(max_size=300))
def test_words_added_in_front_keep_the_photo(photo, marker, payload):
    if payload.startswith(b"Exif\0\0"):
        return
    assert fingerprint(insert(photo, segment(marker, payload))) == fingerprint(photo)


@pytest.mark.parametrize("marker", [0xE0, 0xE2, 0xEE, 0xEF])
def test_profiles_and_other_segments_belong_to_the_picture(photo, marker):
    assert fingerprint(insert(photo, segment(marker, b"ICC_PROFILE\0\1\1x"))) != fingerprint(photo)


def test_words_between_the_scans_of_a_progressive_photo_are_left_out(make_file, make_image):
    data = make_file(image=make_image(200, 120), progressive=True)
    second_scan = data.rindex(b"\xff\xda")
    edited = data[:second_scan] + segment(0xFE, b"a comment") + segment(0xE1, b"http:") + data[second_scan:]
    assert fingerprint(edited) == fingerprint(data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_each_orientation_is_another_photo(photo, order):
    turned = [fingerprint(insert(photo, exif_segment(value, order))) for value in range(1, 9)]
    assert len(set(turned)) == 8
    assert turned[0] == fingerprint(photo)


def test_both_byte_orders_and_rewritten_exif_keep_the_photo(photo):
    wanted = fingerprint(insert(photo, exif_segment(6)))
    assert fingerprint(insert(photo, exif_segment(6, "<", tail=b"new maker notes"))) == wanted
    assert fingerprint(insert(photo, exif_segment(6, kind=4))) == wanted
    assert fingerprint(insert(photo, segment(0xFE, b"first"), exif_segment(6))) == wanted


def test_the_embedded_thumbnails_orientation_is_not_the_photos(photo):
    """IFD1 describes the thumbnail; its orientation 8 must not count."""
    entry = struct.pack(">HHIH2x", 0x0112, 3, 1, 6)
    thumbnail = struct.pack(">H", 1) + struct.pack(">HHIH2x", 0x0112, 3, 1, 8) + struct.pack(">I", 0)
    block = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 26) + thumbnail
    assert fingerprint(insert(photo, segment(0xE1, b"Exif\0\0" + block))) == fingerprint(
        insert(photo, exif_segment(6))
    )


def test_an_orientation_in_xmp_alone_is_none(photo):
    xmp = b'http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation="6"/>'
    assert fingerprint(insert(photo, segment(0xE1, xmp))) == fingerprint(photo)


@GIVEN
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_any_changed_byte_of_the_picture_makes_a_new_photo(photo, where, flip):
    start = photo.index(b"\xff\xda")
    index = start + int(where * (len(photo) - start))
    changed = bytearray(photo)
    changed[index] ^= flip
    assert fingerprint(bytes(changed)) != fingerprint(photo)


@GIVEN
@given(data=st.data())
def test_mutated_photos_agree_with_the_naive_walk(photo, data):
    mutated = bytearray(insert(photo, exif_segment(6), segment(0xFE, b"words")))
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(3, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    mutated = bytes(mutated[: data.draw(st.integers(3, len(mutated)))])
    assert fingerprint(mutated) == naive_fingerprint(mutated)


def test_fill_bytes_belong_to_the_file_and_a_later_picture_too(photo):
    filled = photo[:2] + b"\xff\xff\xff" + photo[2:]
    assert fingerprint(filled) == naive_fingerprint(filled) != fingerprint(photo)
    second = insert(photo, segment(0xFE, b"the second picture of an MPO keeps its comment"))
    assert fingerprint(photo + second) == naive_fingerprint(photo + second) != fingerprint(photo + photo)


def test_an_odd_segment_with_a_length_is_walked_over(photo):
    """Some programs left `FF 00 00 02` behind: no marker of the standard, but a step of known length."""
    odd = photo[:2] + b"\xff\0\0\2" + photo[2:]
    assert fingerprint(insert(odd, segment(0xFE, b"words"))) == fingerprint(odd) != bytes_hash(odd)


def test_a_truncated_photo_is_walked_to_its_end(photo):
    cut = photo[: len(photo) - 40]
    assert fingerprint(cut) == fingerprint(insert(cut, segment(0xFE, b"words"))) != bytes_hash(cut)


def test_close_pictures_have_close_perceptual_hashes(shared):
    def hash_of(name):
        with Image.open(shared / "formats" / name) as image:
            return perceptual_hash(image.convert("RGB"))

    same = [hash_of(f"dup_quality_{quality}.jpg") for quality in (25, 60, 95)]
    other = hash_of("jpeg_cmyk_flower.jpg")
    assert max((one ^ two).bit_count() for one in same for two in same) <= 4
    assert min(((one ^ other) & (1 << 64) - 1).bit_count() for one in same) > 12
    assert all(-(1 << 63) <= value < 1 << 63 for value in [*same, other])

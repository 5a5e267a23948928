"""Dates of taking: the best tag that holds a real date, with the offset that the file states."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picsight_engine.photos.exif import read_exif
from picsight_engine.photos.metadata import Taken, read_taken

ORIGINAL = "ExifIFD:DateTimeOriginal"
CREATED = "ExifIFD:CreateDate"


@pytest.fixture
def taken(make_exif):
    return lambda **tags: read_taken(read_exif(make_exif(**tags)))


def test_the_original_date_comes_before_the_date_of_digitising(taken):
    both = taken(original="2021:05:06 07:08:09", created="2022:01:01 00:00:00")
    assert both == Taken("2021-05-06T07:08:09", None, ORIGINAL)
    assert taken(created="2022:01:01 00:00:00") == Taken("2022-01-01T00:00:00", None, CREATED)


def test_the_date_of_the_last_change_is_no_date_of_taking(taken):
    assert taken(changed="2022:01:01 00:00:00") is None


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2024:03:31 02:30:00", "2024-03-31T02:30:00"),
        ("1839:08:19 12:00:00", "1839-08-19T12:00:00"),
        ("2020-02-29T23:59:59", "2020-02-29T23:59:59"),
        ("2020/02/29 23:59", "2020-02-29T23:59:00"),
        ("2099:12:31 23:59:59 ", "2099-12-31T23:59:59"),
    ],
)
def test_dates_are_read_as_cameras_write_them(taken, text, local):
    assert taken(original=text).local == local


BLANK = ["", " ", "    :  :     :  :  ", "0000:00:00 00:00:00", "0000:01:01 00:00:00"]
IMPOSSIBLE = ["2021:13:01 00:00:00", "2021:02:29 10:00:00", "2021:01:01 24:00:00", "2021:01:01 10:60:00"]


@pytest.mark.parametrize("text", [*BLANK, *IMPOSSIBLE, "2021:01:01", "yesterday", "2021:1"])
def test_blank_zero_and_impossible_dates_are_none(taken, text):
    assert taken(original=text) is None
    assert taken(original=text, created="2020:01:02 03:04:05").source == CREATED


@pytest.mark.parametrize(
    ("offset", "iso"),
    [
        ("+02:00", "2021-05-06T07:08:09+02:00"),
        ("-09:30", "2021-05-06T07:08:09-09:30"),
        ("+1345", "2021-05-06T07:08:09+13:45"),
        ("Z", "2021-05-06T07:08:09+00:00"),
        ("   :  ", "2021-05-06T07:08:09"),
        ("+25:00", "2021-05-06T07:08:09"),
        ("+02:75", "2021-05-06T07:08:09"),
        ("CEST", "2021-05-06T07:08:09"),
    ],
)
def test_the_offset_is_given_where_it_is_one(taken, offset, iso):
    assert taken(original="2021:05:06 07:08:09", offset_original=offset).iso == iso


def test_each_date_has_its_own_offset(taken):
    assert (
        taken(created="2021:05:06 07:08:09", offset_created="+01:00", offset_original="+05:00").offset
        == "+01:00"
    )
    assert taken(original="2021:05:06 07:08:09", offset="+03:00").offset is None


@settings(max_examples=200, deadline=None)
@given(
    block=st.binary(max_size=300), head=st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0MM\0*\0\0\0\x08"])
)
def test_any_bytes_are_read_without_a_fault(block, head):
    exif = read_exif(head + block)
    assert exif.orientation in range(1, 9)
    read_taken(exif)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_damaged_block_is_read_without_a_fault(data):
    entries = [(0x0112, 3, 1, 6), (0x8769, 4, 1, 40), (0x0132, 2, 20, 90)]
    block = bytearray(
        b"II*\0" + struct.pack("<IH", 8, 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    )
    block += bytes(4) + bytes(60)
    for _ in range(data.draw(st.integers(0, 6))):
        block[data.draw(st.integers(4, len(block) - 1))] = data.draw(st.integers(0, 255))
    exif = read_exif(bytes(block[: data.draw(st.integers(4, len(block)))]))
    assert exif.orientation in range(1, 9)
